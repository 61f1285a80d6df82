"""Objects as streams: which keys may come next, what their values must meet, when the object may end.

In comes an `ObjectRecord`, out comes an `ObjectShape` with its states. A state is a tuple

    (available, need, count, pending)

of declared names that may still come (a bit set over the table of names), names that must still come, the
number of keys so far (clipped where no bound can tell the difference) and the existentials of the record that
no key has met yet (a bit set). In schema order a name makes all names before it unavailable, and undeclared
keys come last; in any order only itself. Undeclared keys are told apart by the patterns that they match:
their *signature*. Where a pattern matches but a few keys, these are names too, in any order among the
undeclared.

Most records are *simple*: no implications, existentials or bounds on the number of keys. Then a name is legal
if no needed name comes before it, and that is all. Without existentials that are pending, `counting.py` tells
which names are legal. Otherwise a name is legal if a *completion* exists afterwards: the needed names closed
under the implications, a key for each existential, and more keys up to the least number. Everything is
computed when it is first asked for and kept.

That undeclared keys do not come twice is the core's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..emptiness import count_up_to, is_empty, texts
from ..expressions import EMPTY, UNLIMITED, Expression, union
from ..grammar import LiteralTable
from ..utf8 import ANY_TEXT
from .algebra import NEVER
from .at_sight import DeclaredNames
from .completion import CLOSE, NAME, Completion, complete, cost_of_names
from .counting import can_finish, legal_names
from .implications import NO_IMPLICATIONS, implications_of
from .key_kinds import kinds_of, numbers_of
from .label_sets import NameOrder, label_set, labels_of
from .nodes import FALSE, TRUE, Demand
from .object_keys import (
    ANY_OTHERS,
    MOST_ENUMERATED,
    NO_OTHERS,
    Others,
    Signature,
    belongs_to,
    few_texts,
    listed_names,
)
from .records import SURPLUS, ObjectRecord, Rest, Some
from .string_sets import pattern_language, without_words, writable

if TYPE_CHECKING:
    from .references import Context
    from .values import Values

State = tuple[int, int, int, int]
Cost = Callable[[Demand], int]


# Of a plain shape, what its outline does not need.
_LATER = frozenset(
    (
        *("somes", "free", "unordered", "name_order", "implications", "_listed", "_spelled_out"),
        *("_blocked", "_legal", "_signatures", "_bits", "_n_kinds", "_completions"),
    )
)
_UNKNOWN: Any = object()


class ObjectShape:
    """One alternative of an object: a record with its names in order.

    table: the declared names. order: their labels in the order in which they are written. any_order: whether
    the order is free. simple: see the module. is_plain: the same, and there is one kind of undeclared keys.
    """

    __slots__ = (
        *(
            "record",
            "values",
            "any_order",
            "somes",
            "free",
            "simple",
            "is_plain",
            "table",
            "order",
            "unordered",
            "all",
        ),
        *("required", "unwritable", "name_order", "implications", "clip", "start"),
        *("_listed", "_spelled_out", "_demands", "_known", "_usable", "_blocked", "_legal", "_others"),
        *("_signatures", "_bits", "_n_kinds", "_completions", "_declared"),
    )

    def __init__(self, record: ObjectRecord, values: Values, any_order: bool) -> None:
        self.record = record
        self.values = values
        self.any_order = any_order
        self._demands: dict[int, Demand | None] = {}
        self._known = self._usable = 0
        self._others: Others | None = None
        if isinstance(record.names, DeclaredNames):
            self._begin_plain(record.names)
        else:
            self._declared: DeclaredNames | None = None
            self._begin(record)

    def _begin_plain(self, declared: DeclaredNames) -> None:
        """What is asked of every plain shape; the rest is made when it is asked for (`__getattr__`)."""
        self._declared = declared
        self.simple = self.is_plain = True
        written = list(declared.schemas)
        required = self.record.required
        for name in required:
            if name not in declared.schemas:
                written.append(name)
        if not "".join(written).isascii():
            written = [name for name in written if writable(name)]
        self.table = LiteralTable(written)
        index = self.table.index
        self.order = [index[name] for name in written]
        self.all = (1 << len(self.order)) - 1
        self.required = label_set([index[name] for name in required if name in index])
        self.unwritable = self.required.bit_count() < len(required)
        self.clip = 1
        self.start: State = (self.all, self.required, 0, 0)

    def __getattr__(self, name: str) -> Any:
        if name not in _LATER or self._declared is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._listed = listed_names(self.record)
        self._begin_later()
        self.somes: list[Some] = []
        self.free = self.unordered = 0
        self._spelled_out: set[str | int] = set()  # monitors that match but a few keys, all of them names
        self.implications = NO_IMPLICATIONS
        return getattr(self, name)

    def _begin_later(self) -> None:
        self.name_order = NameOrder(self.order)
        self._blocked: int | None = None
        self._legal: dict[tuple[int, int], int] = {}
        self._signatures: list[Signature] | None = None
        self._bits: tuple[Expression, ...] = ()  # what the core tells signatures apart by
        self._n_kinds = 0  # sets of monitors that some key matches, forbidden or not
        self._completions: dict[State, Completion] = {}

    def _begin(self, record: ObjectRecord) -> None:
        self.somes = list(record.somes)
        self.free = label_set([place for place, some in enumerate(self.somes) if some.value == TRUE])
        self.simple = not (
            record.implications
            or record.somes
            or record.least > len(record.required)
            or record.most != UNLIMITED
        )
        self._listed = listed_names(record)
        self.is_plain = self.simple and self._listed is not None
        names = dict.fromkeys(record.names) | record.required
        if record.forbidden:
            names.update(record.forbidden)
        for keys, _ in record.alls:
            if isinstance(keys, Rest):
                names.update(dict.fromkeys(keys.names))
        for name, needs in record.implications:
            names.update(dict.fromkeys((name, *needs)))
        for some in self.somes:
            if isinstance(some.keys, Rest):
                names.update(dict.fromkeys(some.keys.names))
        n_ordered = len(names)
        self._spelled_out = set()
        if not self.simple or self._listed is None:
            self._enumerate_keys(names)
        written = list(names)
        if not "".join(written).isascii():
            written = [name for name in names if writable(name)]
        self.table = LiteralTable(written)
        index = self.table.index
        self.order = list(map(index.__getitem__, written))
        self.unordered = 0
        if len(names) > n_ordered:
            self.unordered = label_set([index[name] for name in list(names)[n_ordered:]])
        self.all = (1 << len(self.order)) - 1
        self.required = label_set([index[name] for name in record.required if name in index])
        self.unwritable = self.required.bit_count() < len(record.required)
        self._begin_later()
        self.implications = (
            implications_of(record.implications, index) if record.implications else NO_IMPLICATIONS
        )
        self.clip = (
            1 if self.simple else max(1, record.least, record.most + 1 if record.most != UNLIMITED else 0)
        )
        need = self.required
        if record.implications:
            need = self.implications.closure(need, self.all)
        self.start = (self.all, need, 0, (1 << len(self.somes)) - 1)

    # What the values of keys have to meet.

    def demand(self, label: int) -> Demand | None:
        """What the value of a declared name has to meet; None if the name is forbidden at sight."""
        known = self._demands.get(label, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        record, name = self.record, self.table.literals[label]
        declared = self._declared
        if declared is not None and name in declared.schemas:
            literals = declared[name]
            known = self._demands[label] = None if literals == (FALSE,) else literals
            return known
        literals = record.names.get(name, ())
        if self._listed is not None and len(literals) < 2 and name in self._listed:
            known = None if literals == (FALSE,) else literals  # a demand as it stands: 0.5 us, not 2.7
        else:
            known = self.values.formulas.value_of(record, name)
        self._demands[label] = known
        return known

    def members(self, depth: int) -> tuple[Mapping[str, Any], Context, int] | None:
        """The schemas of the declared names as one schema has them, their context, and the depth of their
        values; None where several have a say."""
        declared = self._declared
        return None if declared is None else (declared.schemas, declared.context, depth)

    def usable(self, names: int) -> int:
        """Those of the names whose values exist."""
        unknown = names & ~self._known
        if unknown:
            unsure = (
                labels_of(unknown) if self._declared is None else self._declared.unsure(self.table, unknown)
            )
            missing = []
            for label in unsure:
                demand = self.demand(label)
                if demand is None or self.values.cost(demand) >= NEVER:
                    missing.append(label)
            self._usable |= unknown & ~label_set(missing) if missing else unknown
            self._known |= unknown
        return names & self._usable

    def possible_names(self, names: int) -> int:
        """Those of the names whose values exist, and those of all names that they imply."""
        if self._blocked is None:
            targets = self.implications.targets
            missing = targets & ~self.usable(targets)
            self._blocked = self.implications.impossible | self.implications.blocked_by(missing)
        return self.usable(names) & ~self._blocked

    def key_cost(self, label: int) -> int:
        """Roughly the bytes of a name with quotes, colon and comma."""
        return len(self.table.literals[label]) + 4

    # Signatures.

    def _monitors(self) -> dict[str | int, Expression]:
        """What undeclared keys are told apart by: patterns, and the literals of existentials about keys."""
        found: dict[str | int, Expression] = {}
        for keys in [keys for keys, _ in self.record.alls] + [some.keys for some in self.somes]:
            for pattern in (keys,) if isinstance(keys, str) else keys.patterns + keys.matching:
                found[pattern] = pattern_language(pattern)
        for some in self.somes:
            if some.key != TRUE:
                found[some.key] = self.values.scalars.string_expression((some.key,))
        return {key: found[key] for key in found if key not in self._spelled_out}

    def _key_language(self) -> Expression:
        """The keys that `propertyNames` allows."""
        if not self.record.keys:
            return ANY_TEXT
        demand = self.values.nodes.demand(self.record.keys)
        return EMPTY if demand is None else self.values.scalars.string_expression(demand)

    def _kinds(self) -> list[tuple[frozenset[str | int], Expression]]:
        """The sets of monitors that some key matches together."""
        return kinds_of(self._monitors(), self._key_language())

    def _split(self) -> list[Signature]:
        """The kinds of keys whose values are not forbidden at sight."""
        kinds = self._kinds()
        found = []
        self._n_kinds = len(kinds)
        numbers, self._bits = numbers_of(kinds, self._monitors())
        for number, (matched, content) in zip(numbers, kinds, strict=True):
            literals = [literal for keys, literal in self.record.alls if belongs_to(keys, matched)]
            demand = self.values.nodes.demand(literals)
            if demand is not None and content is not EMPTY:
                classes = sum(
                    1 << place
                    for place, some in enumerate(self.somes)
                    if belongs_to(some.keys, matched) and (some.key == TRUE or some.key in matched)
                )
                found.append(Signature(number, content, demand, classes))
        return found

    @property
    def signatures(self) -> list[Signature]:
        """The kinds of undeclared keys, whether or not their values exist."""
        if self._signatures is None:
            self._signatures = [part for part in self._split() if self._has_other(part.content)]
        return self._signatures

    @property
    def others(self) -> Others:
        """The undeclared keys whose values exist."""
        if self._others is None and self.is_plain:
            # No patterns: all undeclared keys are of one kind. 1 us, not 9.
            literals = [literal for _, literal in self.record.alls]
            if not literals:
                self._others = ANY_OTHERS
                return ANY_OTHERS
            demand = None if literals == [FALSE] else self.values.nodes.demand(literals)
            if demand is None or not self.values.exist(demand):
                self._others = NO_OTHERS
            else:
                self._others = Others(ANY_TEXT, (), {0: Signature(0, ANY_TEXT, demand, 0)})
        elif self._others is None:
            self._others = self._merge([s for s in self.signatures if self.values.cost(s.demand) < NEVER])
        return self._others

    def _merge(self, legal: list[Signature]) -> Others:
        if not legal:
            return NO_OTHERS
        if len(legal) == len(self.signatures) == self._n_kinds and not self.record.keys:
            content = ANY_TEXT  # all kinds together
        else:
            content = union(*[part.content for part in legal])
        if all(part[2:] == legal[0][2:] for part in legal):
            return Others(content, (), {0: legal[0]})
        return Others(content, self._bits, {part.bits: part for part in legal})

    def _has_other(self, content: Expression) -> bool:
        """Whether a language has a text that is no declared name."""
        if content is ANY_TEXT:
            return True
        names = self.table.literals
        if content.regular and count_up_to(content, len(names) + 1) > len(names):
            return True  # intersections are searched some 5 times faster than counted
        return not is_empty(without_words(content, names))

    def _enumerate_keys(self, names: dict[str, None]) -> None:
        """Makes names of undeclared keys where there are but a few, so that they cannot run out unnoticed."""
        for monitor, language in self._monitors().items():
            few = few_texts(language)
            if few:
                names.update(dict.fromkeys(few))
                self._spelled_out.add(monitor)
        if self.simple:
            names.update(dict.fromkeys(few_texts(self._key_language())))
            return
        for _, content in self._kinds():
            if content is not ANY_TEXT and count_up_to(content, MOST_ENUMERATED + 1) <= MOST_ENUMERATED:
                names.update((text.decode(), None) for text in texts(content, MOST_ENUMERATED))

    # Legal moves.

    def legal(self, state: State) -> int:
        """The names that may come next."""
        available, need, _, _ = state
        if self.simple:
            key = (available, need)
            known = self._legal.get(key)
            if known is None:
                known = self._legal[key] = self.usable(self.up_to_need(available, need))
            return known
        if not state[3]:
            return legal_names(self, state)
        return label_set(
            label
            for label in labels_of(self.usable(self.up_to_need(available, need)))
            if self.after_name(state, label, just_one=True)
        )

    def up_to_need(self, available: int, need: int) -> int:
        """The available names that are not written after a name that must come."""
        if self.any_order or not need:
            return available
        return available & ~self.after(self.first(need))

    def after(self, label: int) -> int:
        """The names that may be written after a name."""
        if self.unordered >> label & 1:
            return self.unordered & ~(1 << label)
        return self.name_order.after(label)

    def in_order(self, names: int) -> list[int]:
        """Labels in the order in which their names are written."""
        return sorted(labels_of(names), key=self.name_order.rank.__getitem__)

    def required_in_order(self) -> list[int]:
        """The labels of the names that must come, in the order in which they are written."""
        if not self.required:
            return []
        names, required = self.table.literals, self.record.required
        return [label for label in self.order if names[label] in required]

    def first(self, names: int) -> int:
        """The first of some names in the order in which they are written; -1 if there is none."""
        return self.name_order.first(names)

    def legal_others(self, state: State) -> Others | None:
        """The undeclared keys that may come next; None: no such key."""
        if state[1] and not self.any_order:
            return None
        others = self.others
        if not others.by_label:
            return None
        if self.simple:
            return others
        if not state[3]:  # then all kinds do the same to the object
            return others if self.can_finish(self._with_other(state)) else None
        legal = [
            kind for label, kind in others.by_label.items() if self.after_other(state, label, just_one=True)
        ]
        if len(legal) == len(others.by_label):
            return others
        if not legal:
            return None
        return others._replace(content=union(*[kind.content for kind in legal]))

    def most_before(self, state: State) -> int:
        """How many keys may have come, where another is required; 0 where none is."""
        if self.may_close(state):
            return 0
        return state[2] if state[2] < self.clip else self.clip + SURPLUS

    def may_close(self, state: State) -> bool:
        """Whether the object may end."""
        _, need, count, pending = state
        if self.simple:
            return not need
        return not need and not pending and count >= self.record.least and not self.unwritable

    def after_name(self, state: State, label: int, just_one: bool = False) -> list[tuple[Demand, State]]:
        """The ways to go on after a name: what its value has to meet, and the state after the value.

        just_one: one of them will do.
        """
        demand = self.demand(label)
        after = None if demand is None else self.state_after(state, label)
        if demand is None or after is None:
            return []
        if self.simple:
            return [(demand, after)]
        matching = 0
        if after[3]:
            name = self.table.literals[label]
            matching = sum(
                1 << place
                for place, some in enumerate(self.somes)
                if after[3] >> place & 1 and self.meets_class(name, some)
            )
        return self._ways(demand, matching, after, just_one)

    def state_after(self, state: State, label: int) -> State | None:
        """The state after a name and a value that meets no existential; None: the name cannot come."""
        available, need, count, pending = state
        bit = 1 << label
        later = available & ~bit if self.any_order else available & self.after(label)
        need &= ~bit
        if self.implications.triggers:
            blocked = self.implications.blocked_by(available & ~later & ~bit)
            if blocked & bit:
                return None
            later &= ~blocked
            need |= self.implications.closure(bit, later) & ~bit
        return later, need, min(count + 1, self.clip), pending

    def closure(self, names: int, available: int) -> int:
        """The names and all that they imply, as far as it has not come yet (then it is available)."""
        return self.implications.closure(names, available)

    def after_other(self, state: State, label: int, just_one: bool = False) -> list[tuple[Demand, State]]:
        """The ways to go on after an undeclared key. just_one: one of them will do."""
        kind = self.others.by_label.get(label)
        if kind is None or (state[1] and not self.any_order):
            return []
        after = self._with_other(state)
        if self.simple:
            return [(kind.demand, after)]
        return self._ways(kind.demand, kind.classes & state[3], after, just_one)

    def _with_other(self, state: State) -> State:
        """The state after an undeclared key and a value that meets no existential."""
        available, need, count, pending = state
        later = available if self.any_order else available & self.unordered
        return later, need, min(count + 1, self.clip), pending

    def meets_class(self, name: str, some: Some) -> bool:
        formulas = self.values.formulas
        return formulas.in_class(name, some.keys) and formulas.key_meets(name, some.key)

    def _ways(
        self, demand: Demand, matching: int, state: State, just_one: bool
    ) -> list[tuple[Demand, State]]:
        """Each pending existential that the key can meet is met here, or left for later."""
        available, need, count, pending = state
        ways = []
        free = matching & self.free  # these ask nothing of the value: nothing is gained by leaving them
        pending &= ~free
        matching &= ~free
        chosen = matching
        while True:
            after = (available, need, count, pending & ~chosen)
            joined = self.joined(demand, chosen)
            if joined is None or self.values.cost(joined) >= NEVER:
                pass
            elif self.can_finish(after):
                ways.append((joined, after))
            if not chosen or (just_one and ways):
                return ways
            chosen = (chosen - 1) & matching

    def joined(self, demand: Demand, chosen: int) -> Demand | None:
        literals = [self.somes[place].value for place in range(len(self.somes)) if chosen >> place & 1]
        literals = [literal for literal in literals if literal != TRUE]
        return self.values.nodes.demand((*demand, *literals)) if literals else demand

    # Completions.

    def cost(self, cost: Cost) -> int:
        """Roughly the fewest bytes of such an object; NEVER if there is none. cost: that of a demand."""
        if self.is_plain and not self.unwritable:
            found = cost_of_names(self, self.required, cost)
        else:
            found = complete(self, self.start, cost).cost
        return found if found >= NEVER else found + 2

    def next_step(self, state: State) -> tuple[int, int]:
        """The first step of a short way to the end, and its label. Without a search where names that must
        come, or the bracket, are all that is needed."""
        _, need, count, pending = state
        if pending or count + need.bit_count() < self.record.least:
            return self.completion(state)[1:]
        return (NAME, self.first(need)) if need else (CLOSE, 0)

    def can_finish(self, state: State) -> bool:
        """Whether the object can be finished."""
        if self.unwritable:
            return False
        found = None if state[3] else can_finish(self, state)
        return self.completion(state).cost < NEVER if found is None else found

    def completion(self, state: State) -> Completion:
        """A short way to the end."""
        known = self._completions.get(state)
        if known is None:
            known = self._completions[state] = complete(self, state, self.values.cost)
        return known
