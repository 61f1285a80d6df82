"""From a demand to the alternatives of one type: records, each a conjunction without "or".

In comes a demand and a type (object or array), out comes a list of records; a value of the type meets the
demand exactly when it meets one of them. A *formula* is a record and *clauses*, each a choice of options.
Literals are expanded by `rules.py`; the logical keywords make clauses: `anyOf` its branches, `oneOf` one
branch and none of the others that are not disjoint from it, `if` (if and then) or (not if and else), an
unwanted schema the ways to violate it. Then options that contradict the record are dropped, clauses already
met too, single options become part of the record, and the shortest clause is branched on. Contradictions are
sought to a small depth only (`possible`): that is sound for "empty", the rest is decided exactly by
`values.py`.

The number of alternatives can be exponential in the schema; `MOST_ALTERNATIVES` and `MOST_STEPS` bound it.
"""

from __future__ import annotations

from typing import Any

from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from .keywords import ARRAY, OBJECT, STRING
from .logic import VIOLATED, WANTED
from .nodes import FALSE, SCALARS, TRUE, Demand, Node, Nodes, value_key
from .pivots import pivot_of
from .records import ArrayRecord, Atom, ObjectRecord, Option, Rest
from .rules import RULES
from .scalars import ScalarLanguages
from .string_sets import pattern_language, text_in

MOST_ALTERNATIVES = 512
MOST_STEPS = 5_000
MOST_TRIALS = 50_000  # searches for contradictions between two results; after that none is sought
_DEPTH = 3  # levels of values to which contradictions are sought

Record = ObjectRecord | ArrayRecord


class Formula:
    """A record and the clauses that still have to be chosen from."""

    __slots__ = ("clauses", "record", "seen")

    def __init__(self, record: Any, clauses: list[list[Option]], seen: set[int]) -> None:
        self.record = record
        self.clauses = clauses
        self.seen = seen

    def copy(self) -> Formula:
        """An independent copy."""
        return Formula(self.record.copy(), list(self.clauses), set(self.seen))


class Formulas:
    """Solves demands of one grammar; results are kept."""

    def __init__(self, nodes: Nodes, scalars: ScalarLanguages) -> None:
        self.nodes = nodes
        self.scalars = scalars
        self._records: dict[tuple[Demand, int], list[Any]] = {}
        self._possible: dict[tuple[Demand, int, int], bool] = {}
        self._disjoint: dict[tuple[int, int, int], bool] = {}
        self._constants: dict[int, dict[str, frozenset[object]]] = {}
        self._steps = 0
        self._trials = 0

    def types(self, demand: Demand) -> int:
        """The types that the wanted nodes of a demand leave at first sight."""
        types = 63
        for literal in demand:
            if not literal & 1:
                types &= self.nodes.all[literal >> 1].types  # type: ignore[union-attr]
        return types

    def records(self, demand: Demand, bit: int) -> list[Any]:
        """The alternatives of type `bit` (OBJECT or ARRAY) of a demand. They may overlap.

        Raises LimitExceededError if there are too many.
        """
        key = (demand, bit)
        known = self._records.get(key)
        if known is None:
            formula = Formula(ObjectRecord() if bit == OBJECT else ArrayRecord(), [], set())
            known = []
            self._trials = 0
            if all(self.add(formula, literal, bit) for literal in demand):
                if not formula.clauses:
                    known.append(formula.record)
                else:
                    self._steps = 0
                    found: dict[object, Any] = {}
                    self._solve(formula, bit, found)
                    known.extend(found.values())
            self._records[key] = known
        return known

    # From literals to records and clauses.

    def add(self, formula: Formula, atom: Atom, bit: int) -> bool:
        """Adds an atom; False if it contradicts the formula at sight."""
        if not isinstance(atom, int):
            return formula.record.add(atom)
        if atom <= TRUE:
            return atom == TRUE
        if atom in formula.seen:
            return True
        if atom ^ 1 in formula.seen:
            return False
        formula.seen.add(atom)
        node = self.nodes.all[atom >> 1]
        assert node is not None
        wanted = not atom & 1
        if not node.types & bit:
            return not wanted
        if not wanted:
            # A schema that refers to itself in place is not violated by being violated.
            options = [option for option in self._violations(node, bit) if atom not in option]
            return self.add_clause(formula, options, bit)
        rules = RULES[bit]
        for word, value in node.rules.items():
            rule = rules.get(word)
            if rule is not None:
                for part in rule[0](self.nodes, node, value):
                    if not formula.record.add(part):
                        return False
            elif word in WANTED and not WANTED[word](self, formula, node, value, bit):
                return False
        return True

    def add_clause(self, formula: Formula, options: list[Option], bit: int) -> bool:
        """Adds a choice of options; False if none is left."""
        kept = []
        for option in dict.fromkeys(options):
            option = tuple(atom for atom in option if atom != TRUE)
            if all(self._holds(formula, atom, bit) for atom in option):
                return True
            if not any(self._fails(formula, atom, bit) for atom in option):
                kept.append(option)
        if not kept:
            return False
        if len(kept) > 1 and bit == OBJECT:
            about_one_key = self._about_one_key(kept)
            kept = kept if about_one_key is None else [about_one_key]
        if len(kept) == 1:
            return all(self.add(formula, atom, bit) for atom in kept[0])
        formula.clauses.append(kept)
        return True

    def _about_one_key(self, options: list[Option]) -> Option | None:
        """Options about the same key as one option: the choice is left to the value of the key.

        Violations of `properties` are such; multiplied out, those of n branches would be 2 ** n alternatives.
        """
        key, may_be_absent = None, False
        values: list[int] = []
        for option in options:
            value, is_required = TRUE, False
            for atom in option:
                if isinstance(atom, int) or atom[0] not in ("forbid", "require", "name"):
                    return None
                if key is not None and atom[1] != key:
                    return None
                key = atom[1]
                if atom[0] == "name":
                    if value != TRUE:
                        return None
                    value = atom[2]
                elif atom[0] == "require":
                    is_required = True
                elif len(option) == 1:
                    value = FALSE
                else:
                    return None
            may_be_absent = may_be_absent or not is_required
            values.append(value)
        kept = [value for value in dict.fromkeys(values) if value != FALSE]
        value = kept[0] if len(kept) == 1 else TRUE if TRUE in kept else FALSE
        if len(kept) > 1 and value != TRUE:
            context = self.nodes.all[kept[0] >> 1].context  # type: ignore[union-attr]
            value = self.nodes.synthetic({"$all": tuple(literal ^ 1 for literal in kept)}, context) ^ 1
        named: Option = (("name", key, value),) if value != TRUE else ()
        return named if may_be_absent else (("require", key), *named)

    def _holds(self, formula: Formula, atom: Atom, bit: int) -> bool:
        if isinstance(atom, int):
            if atom in formula.seen or atom == TRUE:
                return True
            return bool(atom & 1) and not self.nodes.all[atom >> 1].types & bit  # type: ignore[union-attr]
        return formula.record.entails(atom)

    def _fails(self, formula: Formula, atom: Atom, bit: int) -> bool:
        if isinstance(atom, int):
            if atom == FALSE or atom ^ 1 in formula.seen:
                return True
            return not atom & 1 and not self.nodes.all[atom >> 1].types & bit  # type: ignore[union-attr]
        record = formula.record
        if atom[0] == "require":
            return atom[1] in record.forbidden
        return atom[0] == "forbid" and atom[1] in record.required

    def _violations(self, node: Node, bit: int) -> list[Option]:
        """The ways in which a value of the type can violate a node."""
        options: list[Option] = []
        rules = RULES[bit]
        for word, value in node.rules.items():
            rule = rules.get(word)
            if rule is not None:
                options.extend(rule[1](self.nodes, node, value))
            elif word in VIOLATED:
                options.extend(VIOLATED[word](self, node, value, bit))
        return options

    # Solving.

    def _solve(self, formula: Formula, bit: int, found: dict[object, Any]) -> None:
        """Branches until no clause is left; puts the records into `found`."""
        self._steps += 1
        if self._steps > MOST_STEPS or len(found) > MOST_ALTERNATIVES:
            raise LimitExceededError(
                "alternatives of one value",
                given=f"more than {len(found)} in {self._steps} steps",
                limit=MOST_ALTERNATIVES,
                advice="make the branches of oneOf, anyOf and if differ in a required constant",
            )
        if not self._propagate(formula, bit, _DEPTH):
            return
        if not formula.clauses:
            found.setdefault(formula.record.key(), formula.record)
            return
        pivot = pivot_of(self.nodes, formula) if bit == OBJECT else None
        if pivot is not None:
            for option in pivot:
                branch = formula.copy()
                if all(self.add(branch, atom, bit) for atom in option):
                    self._solve(branch, bit, found)
            return
        place = min(range(len(formula.clauses)), key=lambda index: len(formula.clauses[index]))
        for option in formula.clauses[place]:
            branch = formula.copy()
            del branch.clauses[place]
            if all(self.add(branch, atom, bit) for atom in option):
                self._solve(branch, bit, found)

    def _propagate(self, formula: Formula, bit: int, depth: int) -> bool:
        """Drops what is decided; False on a contradiction."""
        if not self.plausible(formula.record, bit, depth):
            return False
        changed = True
        while changed:
            changed, place = False, 0
            while place < len(formula.clauses):
                clause = formula.clauses[place]
                if len(clause) > 64 and len(formula.clauses) == 1:
                    break  # nothing else is decided by a trial; branching tries each option anyway
                kept = self._trial(formula, clause, bit, depth)
                if kept is None:
                    del formula.clauses[place]
                elif not kept:
                    return False
                elif len(kept) > 1:
                    formula.clauses[place] = kept
                    place += 1
                else:
                    del formula.clauses[place]
                    if not all(self.add(formula, atom, bit) for atom in kept[0]):
                        return False
                    if not self.plausible(formula.record, bit, depth):
                        return False
                    changed = True
        return True

    def _trial(self, formula: Formula, clause: list[Option], bit: int, depth: int) -> list[Option] | None:
        """The options of a clause that the record allows; None if the clause already holds."""
        kept = []
        # "The key is absent, or it is there and ..." holds where what follows holds.
        either = _may_be_absent(clause)
        for option in clause:
            if self._entailed(formula, option, bit, depth, either):
                return None
            branch = Formula(formula.record.copy(), [], set(formula.seen))
            if all(self.add(branch, atom, bit) for atom in option) and self.plausible(
                branch.record, bit, depth
            ):
                kept.append(option)
        return kept

    def _entailed(self, formula: Formula, option: Option, bit: int, depth: int, either: set[str]) -> bool:
        """Whether an option follows from the formula, also by what the values have to meet.

        either: keys that may be taken to be there.
        """
        record = formula.record
        for atom in option:
            if self._holds(formula, atom, bit):
                continue
            if isinstance(atom, int) or depth < 1 or not isinstance(record, ObjectRecord):
                return False
            if atom[0] == "require" and atom[1] in either:
                continue
            if atom[0] != "name" or atom[2] <= TRUE or atom[1] not in record.names:
                return False
            demand = self.nodes.demand((*record.names[atom[1]], atom[2] ^ 1))
            if demand is not None and self.possible(demand, depth - 1):
                return False
        return True

    # Contradictions, to a small depth: False is certain, True is not.

    def possible(self, demand: Demand, depth: int = _DEPTH, types: int = 63) -> bool:
        """False if no value of one of the types meets the demand (True says nothing)."""
        if not demand:
            return True
        key = (demand, depth, types)
        known = self._possible.get(key)
        if known is None:
            self._trials += 1
            if self._trials > MOST_TRIALS:
                return True
            self._possible[key] = True  # a demand that contains itself says nothing
            known = self._possible[key] = self._is_possible(demand, depth, types & self.types(demand))
        return known

    def _is_possible(self, demand: Demand, depth: int, types: int) -> bool:
        if types & SCALARS and self.scalars.possible(demand, types):
            return True
        for bit in (ARRAY, OBJECT):
            if types & bit:
                formula = Formula(ObjectRecord() if bit == OBJECT else ArrayRecord(), [], set())
                if not all(self.add(formula, literal, bit) for literal in demand):
                    continue
                if depth <= 0 or not formula.clauses:
                    if depth <= 0 or self.plausible(formula.record, bit, depth - 1):
                        return True
                    continue
                if self._propagate(formula, bit, depth - 1):
                    return True
        return False

    def plausible(self, record: Any, bit: int, depth: int) -> bool:
        """False if the record is certain to be empty."""
        if bit == OBJECT:
            for name in record.required:
                demand = self.value_of(record, name, certain=False)
                if demand is None or (demand and depth > 0 and not self.possible(demand, depth - 1)):
                    return False
            if record.somes and depth > 0 and not self._somes_plausible(record, depth):
                return False
            return record.most == UNLIMITED or len(record.required) <= record.most
        for index in range(min(record.least, 8)):
            demand = self.item_of(record, index)
            if demand is None or (demand and depth > 0 and not self.possible(demand, depth - 1)):
                return False
        return True

    def _somes_plausible(self, record: ObjectRecord, depth: int) -> bool:
        """False if an existential is certain to find no key, since there are but certain keys."""
        closed = [
            keys.names
            for keys, literal in record.alls
            if literal == FALSE and isinstance(keys, Rest) and not keys.patterns and not keys.matching
        ]
        if not closed:
            return True
        allowed = sorted(closed[0].intersection(*closed[1:]))
        return all(
            any(
                self.in_class(name, some.keys)
                and self.key_meets(name, some.key, certain=False)
                and (literals := self.value_of(record, name, certain=False)) is not None
                and (demand := self.nodes.demand((*literals, some.value))) is not None
                and (not demand or self.possible(demand, depth - 1))
                for name in allowed
            )
            for some in record.somes
        )

    def value_of(self, record: ObjectRecord, name: str, certain: bool = True) -> Demand | None:
        """What the value of a key has to meet; None: the key is forbidden at sight.

        certain: False if only a key that is certain to be forbidden counts.
        """
        if name in record.forbidden:
            return None
        literals = list(record.names.get(name, ()))
        for keys, literal in record.alls:
            if self.in_class(name, keys):
                literals.append(literal)
        for literal in record.keys:
            if not self.key_meets(name, literal, certain):
                return None
        return self.nodes.demand(literals)

    def key_meets(self, name: str, literal: int, certain: bool = True) -> bool:
        """Whether a key as a string is certain to meet a literal, or may do so."""
        if literal <= TRUE:
            return literal == TRUE
        context = self.nodes.all[literal >> 1].context  # type: ignore[union-attr]
        synthetic = self.nodes.synthetic({"const": name}, context)
        demand = self.nodes.demand((literal, synthetic))
        meets = self.scalars.exists if certain else self.scalars.possible
        return demand is not None and meets(demand, STRING)

    @staticmethod
    def in_class(name: str, keys: str | Rest) -> bool:
        """Whether a key belongs to a class."""
        if isinstance(keys, str):
            return text_in(pattern_language(keys), name)
        if name in keys.names:
            return False
        if any(text_in(pattern_language(pattern), name) for pattern in keys.patterns):
            return False
        return all(text_in(pattern_language(pattern), name) for pattern in keys.matching)

    @staticmethod
    def item_of_literals(record: ArrayRecord, index: int) -> list[int]:
        """The literals that the item at an index has to meet."""
        return [*record.at.get(index, ()), *(literal for start, literal in record.tails if start <= index)]

    def item_of(self, record: ArrayRecord, index: int) -> Demand | None:
        """What the item at an index has to meet; None: there can be none."""
        literals = self.item_of_literals(record, index)
        if len(literals) == 1 and literals[0] > TRUE:
            return (literals[0],)
        return self.nodes.demand(literals)

    def disjoint(self, first: int, second: int, bit: int) -> bool:
        """Whether no value of the type meets both literals, as far as a small depth shows."""
        key = (first, second, bit) if first < second else (second, first, bit)
        known = self._disjoint.get(key)
        if known is None:
            known = bit == OBJECT and self._differ_in_constant(first, second)
            if not known:
                demand = self.nodes.demand((first, second))
                known = demand is None or not self.possible(demand, _DEPTH, bit)
            self._disjoint[key] = known
        return known

    def told_apart(self, literals: list[int]) -> bool:
        """Whether some key that all of them require has another constant in each: then no object meets two.
        One look at each, where all pairs of n would be n * n."""
        constants = [self._required_constants(literal) for literal in literals]
        for name in constants[0]:
            seen: set[object] = set()
            n_values = 0
            for found in constants:
                values = found.get(name)
                if values is None:
                    break
                seen |= values
                n_values += len(values)
            else:
                if len(seen) == n_values:
                    return True
        return False

    def _differ_in_constant(self, first: int, second: int) -> bool:
        one, other = self._required_constants(first), self._required_constants(second)
        return any(name in other and one[name].isdisjoint(other[name]) for name in one)

    def _required_constants(self, literal: int, depth: int = 5) -> dict[str, frozenset[object]]:
        """The required keys whose values are enumerated: what most unions are told apart by."""
        known = self._constants.get(literal)
        if known is not None or literal <= TRUE or literal & 1 or not depth:
            return known or {}
        node = self.nodes.all[literal >> 1]
        assert node is not None
        found: dict[str, frozenset[object]] = {}
        if "$ref" in node.rules:
            found.update(self._required_constants(self.nodes.target(node, "$ref"), depth - 1))
        for schema in node.rules.get("allOf", ()):
            found.update(self._required_constants(self.nodes.child(node, schema), depth - 1))
        properties = node.rules.get("properties", {})
        for name in node.rules.get("required", ()):
            schema = properties.get(name)
            if isinstance(schema, dict) and "$ref" not in schema:
                if "const" in schema and node.context.draft > 4:
                    found[name] = frozenset((value_key(schema["const"]),))
                elif "enum" in schema:
                    found[name] = frozenset(map(value_key, schema["enum"]))
        self._constants[literal] = found
        return found


def _may_be_absent(clause: list[Option]) -> set[str]:
    """The keys whose absence is an option of a clause."""
    return {
        atom[1]
        for option in clause
        if len(option) == 1 and not isinstance(atom := option[0], int) and atom[0] == "forbid"
    }
