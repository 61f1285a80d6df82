"""The question on which many clauses hang: what to branch on instead of the options of one clause.

In come the clauses of a formula about an object, out comes a *pivot*: two options, one the opposite of the
other, or None. Seventeen clauses "this key is absent, or the type is one of those" have 2 ** 17 choices of
options, and yet they are settled as soon as the type is known. So the key that the most clauses ask about is
sought, and of what they ask about it the literal that comes most often; the object either meets it (or has no
such key) or has the key with a value that does not meet it. The two sides exclude each other, and what one
side decides is dropped from all clauses.

Where a clause has wanted schemas, only keys that the record names or requires already are taken: a new name
would change the order in which the keys are written. The cost is one look at each atom. Source: the splitting
rule of Davis, Logemann and Loveland (1962), with the literal of most occurrences.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from .keywords import OBJECT
from .nodes import TRUE, Node, Nodes
from .records import Atom, ObjectRecord, Option
from .rules import OBJECT_RULES

if TYPE_CHECKING:
    from .formula import Formula

MOST_CHOICES = 16
"""Clauses with so many ways to choose an option of each are branched on as they stand."""
_MOST_ATOMS = 8  # of a sub-schema that is written out


def pivot_of(nodes: Nodes, formula: Formula) -> tuple[Option, Option] | None:
    """Two options, one of which holds in any case, that settle something in several clauses."""
    if len(formula.clauses) < 2 or prod(map(len, formula.clauses)) <= MOST_CHOICES:
        return None
    formula.clauses = clauses = [[_written_out(nodes, option) for option in c] for c in formula.clauses]
    record: ObjectRecord = formula.record
    keys: Counter[str] = Counter()
    literals: dict[str, Counter[int]] = {}
    fixed = any(_declares(atom) for clause in clauses for option in clause for atom in option)
    for clause in clauses:
        asked: dict[str, set[int]] = {}
        for option in clause:
            for atom in option:
                if not isinstance(atom, int) and atom[0] in ("name", "require", "forbid"):
                    found = asked.setdefault(atom[1], set())
                    if atom[0] == "name" and atom[2] > TRUE:
                        found.add(nodes.canonical(atom[2]) & ~1)
        for key, found in asked.items():
            if not fixed or key in record.names or key in record.required:
                keys[key] += 1
                literals.setdefault(key, Counter()).update(found)
    for key, count in keys.most_common():
        if count < 2:
            break
        known = {nodes.canonical(literal) & ~1 for literal in record.names.get(key, ())}
        for literal, _ in literals[key].most_common():
            if literal not in known:
                return (("name", key, literal),), (("require", key), ("name", key, literal ^ 1))
        if key not in record.required and key not in record.forbidden:
            return (("forbid", key),), (("require", key),)
    return None


def _declares(atom: Atom) -> bool:
    """Whether an atom may say in which order keys are written: those of a wanted schema do."""
    if isinstance(atom, int):
        return not atom & 1
    return atom[0] == "name" and (atom[2] == TRUE or not atom[2] & 1)


def _written_out(nodes: Nodes, option: Option) -> Option:
    """The atoms of an option; a small schema without logic is written out."""
    atoms: list[Atom] = []
    for atom in option:
        if isinstance(atom, int) and atom > TRUE and not atom & 1:
            node = nodes.all[atom >> 1]
            assert node is not None
            if is_small(node):
                for word, value in node.rules.items():
                    if word in OBJECT_RULES:
                        atoms.extend(OBJECT_RULES[word][0](nodes, node, value))
                continue
        atoms.append(atom)
    return tuple(atoms)


def is_small(node: Node) -> bool:
    """Whether a schema says but a little of objects, and nothing that is a choice."""
    rules = node.rules
    return (
        bool(node.types & OBJECT)
        and rules.keys() <= {"type", "properties", "required"}
        and len(rules.get("properties", ())) + len(rules.get("required", ())) <= _MOST_ATOMS
    )
