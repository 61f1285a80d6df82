"""The logical keywords on objects and arrays, wanted and not wanted: what makes alternatives.

In comes a keyword of a node, out come literals and clauses added to a formula (wanted), or the options of its
violation. `anyOf` is a choice of branches; `oneOf` one branch and none of the others that are not disjoint
from it; `if` is (if and then) or (not if and else); `enum` a choice of exact values. Violations are the
duals. `$all` is a list of literals: it stands in synthetic nodes only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .keywords import ARRAY, OBJECT
from .nodes import FALSE, TRUE, Node
from .records import Option
from .rules import different_from, equal_to, not_dependent_schemas, same_as
from .unevaluated import items_violated, items_wanted, properties_violated, properties_wanted

if TYPE_CHECKING:
    from .formula import Formula, Formulas

# Wanted.


def _reference(formulas: Formulas, formula: Formula, node: Node, value: str, bit: int) -> bool:
    return formulas.add(formula, formulas.nodes.target(node, "$ref"), bit)


def _dynamic_reference(formulas: Formulas, formula: Formula, node: Node, value: str, bit: int) -> bool:
    return formulas.add(formula, formulas.nodes.target(node, "$dynamicRef"), bit)


def _recursive_reference(formulas: Formulas, formula: Formula, node: Node, value: str, bit: int) -> bool:
    return formulas.add(formula, formulas.nodes.target(node, "$recursiveRef"), bit)


def _all(formulas: Formulas, formula: Formula, node: Node, value: tuple[int, ...], bit: int) -> bool:
    return all(formulas.add(formula, literal, bit) for literal in value)


def _unevaluated_properties(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    clauses = properties_wanted(formulas.nodes, node, value) if bit == OBJECT else []
    return all(formulas.add_clause(formula, clause, bit) for clause in clauses)


def _unevaluated_items(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    clauses = items_wanted(formulas.nodes, node, value) if bit == ARRAY else []
    return all(formulas.add_clause(formula, clause, bit) for clause in clauses)


def _all_of(formulas: Formulas, formula: Formula, node: Node, value: list[Any], bit: int) -> bool:
    return all(formulas.add(formula, formulas.nodes.child(node, schema), bit) for schema in value)


def _any_of(formulas: Formulas, formula: Formula, node: Node, value: list[Any], bit: int) -> bool:
    return formulas.add_clause(formula, [(formulas.nodes.child(node, schema),) for schema in value], bit)


def _one_of(formulas: Formulas, formula: Formula, node: Node, value: list[Any], bit: int) -> bool:
    branches = _live(formulas, [formulas.nodes.child(node, schema) for schema in value], bit)
    if bit == OBJECT and branches and formulas.told_apart(branches):
        return formulas.add_clause(formula, [(branch,) for branch in branches], bit)
    options: list[Option] = []
    for index, branch in enumerate(branches):
        others = (
            other ^ 1
            for place, other in enumerate(branches)
            if place != index and not formulas.disjoint(branch, other, bit)
        )
        options.append((branch, *others))
    return formulas.add_clause(formula, options, bit)


def _live(formulas: Formulas, branches: list[int], bit: int) -> list[int]:
    """The branches that the type can meet at all; others are neither met nor counted."""
    return [
        branch
        for branch in branches
        if branch == TRUE or (branch != FALSE and formulas.nodes.all[branch >> 1].types & bit)  # type: ignore[union-attr]
    ]


def _not(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    return formulas.add(formula, formulas.nodes.child(node, value) ^ 1, bit)


def _if(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    condition, then, otherwise = _branches(formulas, node, value)
    if then == otherwise == TRUE:
        return True
    return formulas.add_clause(formula, [(condition, then), (condition ^ 1, otherwise)], bit)


def _branches(formulas: Formulas, node: Node, value: Any) -> tuple[int, int, int]:
    outcomes = (formulas.nodes.child(node, node.rules.get(word, True)) for word in ("then", "else"))
    return (formulas.nodes.child(node, value), *outcomes)  # type: ignore[return-value]


def _const(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    return _enum(formulas, formula, node, [value], bit)


def _enum(formulas: Formulas, formula: Formula, node: Node, value: list[Any], bit: int) -> bool:
    members = _of_type(value, bit)
    return formulas.add_clause(formula, [equal_to(formulas.nodes, node, member) for member in members], bit)


def _same(formulas: Formulas, formula: Formula, node: Node, value: list[Any], bit: int) -> bool:
    members = _of_type(value, bit)
    return formulas.add_clause(formula, [same_as(formulas.nodes, node, member) for member in members], bit)


def _dependent_schemas(formulas: Formulas, formula: Formula, node: Node, value: Any, bit: int) -> bool:
    if bit != OBJECT:
        return True
    for name, schema in value.items():
        literal = formulas.nodes.child(node, schema)
        dependent = formulas.nodes.all[literal >> 1]
        if dependent is not None and literal > TRUE and dependent.rules.keys() <= {"required", "type"}:
            needs = tuple(dependent.rules.get("required", ()))
            if dependent.types & OBJECT and not formula.record.add(("imply", name, needs)):
                return False
            if dependent.types & OBJECT:
                continue
        clause: list[Option] = [(("forbid", name),), (("require", name), literal)]
        if not formulas.add_clause(formula, clause, bit):
            return False
    return True


# Violated.


def _not_all_of(formulas: Formulas, node: Node, value: list[Any], bit: int) -> list[Option]:
    return [(formulas.nodes.child(node, schema) ^ 1,) for schema in value]


def _not_any_of(formulas: Formulas, node: Node, value: list[Any], bit: int) -> list[Option]:
    return [tuple(formulas.nodes.child(node, schema) ^ 1 for schema in value)]


def _not_one_of(formulas: Formulas, node: Node, value: list[Any], bit: int) -> list[Option]:
    branches = _live(formulas, [formulas.nodes.child(node, schema) for schema in value], bit)
    options: list[Option] = [tuple(branch ^ 1 for branch in branches)]
    for index, first in enumerate(branches):
        for second in branches[:index]:
            if not formulas.disjoint(first, second, bit):
                options.append((first, second))
    return options


def _not_not(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    return [(formulas.nodes.child(node, value),)]


def _not_if(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    condition, then, otherwise = _branches(formulas, node, value)
    return [(condition, then ^ 1), (condition ^ 1, otherwise ^ 1)]


def _not_reference(formulas: Formulas, node: Node, value: str, bit: int) -> list[Option]:
    return [(formulas.nodes.target(node, "$ref") ^ 1,)]


def _not_dynamic_reference(formulas: Formulas, node: Node, value: str, bit: int) -> list[Option]:
    return [(formulas.nodes.target(node, "$dynamicRef") ^ 1,)]


def _not_recursive_reference(formulas: Formulas, node: Node, value: str, bit: int) -> list[Option]:
    return [(formulas.nodes.target(node, "$recursiveRef") ^ 1,)]


def _not_all(formulas: Formulas, node: Node, value: tuple[int, ...], bit: int) -> list[Option]:
    return [(literal ^ 1,) for literal in value]


def _not_unevaluated_properties(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    return properties_violated(formulas.nodes, node, value) if bit == OBJECT else []


def _not_unevaluated_items(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    return items_violated(formulas.nodes, node, value) if bit == ARRAY else []


def _not_const(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    return _not_enum(formulas, node, [value], bit)


def _not_enum(formulas: Formulas, node: Node, value: list[Any], bit: int) -> list[Option]:
    """Differs from each member: one option with a literal for each, so that each becomes a clause of its
    own."""
    members = _of_type(value, bit)
    if len(members) == 1:
        return different_from(formulas.nodes, node, members[0])
    return [tuple(formulas.nodes.synthetic({"const": member}, node.context) ^ 1 for member in members)]


def _not_dependent_schemas(formulas: Formulas, node: Node, value: Any, bit: int) -> list[Option]:
    return not_dependent_schemas(formulas.nodes, node, value) if bit == OBJECT else []


def _of_type(values: Iterable[Any], bit: int) -> list[Any]:
    return [value for value in values if isinstance(value, dict if bit == OBJECT else (list, tuple))]


WANTED: dict[str, Callable[..., bool]] = {
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    "const": _const,
    "enum": _enum,
    "$same": _same,
    "dependentSchemas": _dependent_schemas,
    "$dynamicRef": _dynamic_reference,
    "$recursiveRef": _recursive_reference,
    "$all": _all,
    "unevaluatedProperties": _unevaluated_properties,
    "unevaluatedItems": _unevaluated_items,
}
VIOLATED: dict[str, Callable[..., list[Option]]] = {
    "$ref": _not_reference,
    "allOf": _not_all_of,
    "anyOf": _not_any_of,
    "oneOf": _not_one_of,
    "not": _not_not,
    "if": _not_if,
    "const": _not_const,
    "enum": _not_enum,
    "$same": _not_enum,
    "dependentSchemas": _not_dependent_schemas,
    "$dynamicRef": _not_dynamic_reference,
    "$recursiveRef": _not_recursive_reference,
    "$all": _not_all,
    "unevaluatedProperties": _not_unevaluated_properties,
    "unevaluatedItems": _not_unevaluated_items,
}
