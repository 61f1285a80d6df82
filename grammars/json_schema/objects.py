"""Objects as streams: which keys may come next, what their values must meet, when the object may end.

In comes an `ObjectRecord`, out comes an `ObjectShape` with its states. A state is a tuple

    (available, need, count, pending)

of declared names that may still come (a bit set over the table of names), names that must still come, the number of
keys so far (clipped where no bound can tell the difference) and the existentials of the record that no key has met
yet (a bit set). In schema order a name makes all names before it unavailable, and undeclared keys come last; in any order
only itself. Undeclared keys are told apart by the patterns that they match: their *signature*.

Most records are *simple*: no implications, existentials or bounds on the number of keys. Then a name is legal if no
needed name comes before it, and that is all. Otherwise a name is legal if a *completion* exists afterwards: the needed
names closed under the implications, a key for each existential, and more keys up to the least number. Everything is
computed when it is first asked for and kept.

Undeclared keys may repeat; what they count twice then is not noticed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..emptiness import count_up_to, is_empty, texts
from ..errors import LimitExceededError
from ..expressions import EMPTY, UNLIMITED, Expression, complement, intersect, repeat, union
from ..grammar import LiteralTable
from ..utf8 import ANY_CHARACTER, ANY_TEXT
from .nodes import TRUE, Demand
from .records import ObjectRecord, Rest, Some
from .scalars import NEVER, STRINGS, Texts, pattern_language, text_complement, without_words, writable

if TYPE_CHECKING:
    from .values import Values

MOST_MONITORS = 20
MOST_SIGNATURES = 256
MOST_COMPLETION_STEPS = 20_000
_MOST_ENUMERATED = 32  # undeclared keys of a finite language that are treated as names

State = tuple[int, int, int, int]
CLOSE = -1
Cost = Callable[[Demand], int]


class Others(NamedTuple):
    """The undeclared keys.

    content: the language of the keys (the table of names is excluded elsewhere). monitors: patterns that are reported.
    demands: signature (over the monitors) -> what the value has to meet. classes: signature -> existentials that such
    a key can meet (bit set).
    """

    content: Expression
    monitors: tuple[Expression, ...]
    demands: dict[int, Demand]
    classes: dict[int, int]


NO_OTHERS = Others(EMPTY, (), {}, {})


class ObjectShape:
    """One alternative of an object: a record with its names in order.

    table: the declared names. order: their labels in the order in which they are written. any_order: whether the
    order is free.
    """

    def __init__(self, record: ObjectRecord, values: Values, any_order: bool) -> None:
        self.record = record
        self.values = values
        self.any_order = any_order
        self.somes = list(record.somes)
        self.simple = not (
            record.implications or record.somes or record.least > len(record.required) or record.most != UNLIMITED
        )
        names = dict.fromkeys(record.names) | record.required
        names.update(record.forbidden)
        for keys, _ in record.alls:
            if isinstance(keys, Rest):
                names.update(dict.fromkeys(keys.names))
        for name, needs in record.implications:
            names.update(dict.fromkeys((name, *needs)))
        for some in self.somes:
            if isinstance(some.keys, Rest):
                names.update(dict.fromkeys(some.keys.names))
        if not self.simple:
            self._enumerate_keys(names)
        self.table = LiteralTable([name for name in names if writable(name)])
        index = self.table.index
        self.order = [index[name] for name in names if name in index]
        self.unwritable = any(not writable(name) for name in record.required)
        self.rank = {label: place for place, label in enumerate(self.order)}
        self.after = [0] * len(self.order)  # by label: the names that may come after it
        later = 0
        for label in reversed(self.order):
            self.after[label] = later
            later |= 1 << label
        self.all = later
        self.required = sum(1 << index[name] for name in record.required if name in index)
        self.implications = [
            (1 << index[name], sum(1 << index[need] for need in needs if need in index), any(n not in index for n in needs))
            for name, needs in record.implications
            if name in index
        ]
        self.clip = 1 if self.simple else max(1, record.least, record.most + 1 if record.most != UNLIMITED else 0)
        self._demands: dict[int, Demand | None] = {}
        self._known = self._usable = 0
        self._legal: dict[tuple[int, int], int] = {}
        self._others: Others | None = None
        self._completions: dict[State, tuple[int, int, int]] = {}
        self.start: State = (self.all, self.required, 0, (1 << len(self.somes)) - 1)

    # What the values of keys have to meet.

    def demand(self, label: int) -> Demand | None:
        """What the value of a declared name has to meet; None if the name is forbidden at sight."""
        if label not in self._demands:
            formulas = self.values.formulas
            self._demands[label] = formulas.value_of(self.record, self.table.literals[label])
        return self._demands[label]

    def usable(self, names: int) -> int:
        """Those of the names whose values exist."""
        unknown = names & ~self._known
        while unknown:
            bit = unknown & -unknown
            unknown ^= bit
            demand = self.demand(bit.bit_length() - 1)
            if demand is not None and self.values.cost(demand) < NEVER:
                self._usable |= bit
            self._known |= bit
        return names & self._usable

    def key_cost(self, label: int) -> int:
        """Roughly the bytes of a name with quotes, colon and comma."""
        return len(self.table.literals[label]) + 4

    @property
    def others(self) -> Others:
        """The undeclared keys whose values exist."""
        if self._others is None:
            self._others = self._classify(lambda demand: self.values.cost(demand) < NEVER)
        return self._others

    # Signatures.

    def _patterns(self) -> list[str]:
        found: dict[str, None] = {}
        for keys, _ in self.record.alls:
            found.update(dict.fromkeys((keys,) if isinstance(keys, str) else keys.patterns))
        for some in self.somes:
            found.update(dict.fromkeys((some.keys,) if isinstance(some.keys, str) else some.keys.patterns))
        return list(found)

    def _key_language(self) -> Expression:
        """The undeclared keys that `propertyNames` allows."""
        language = ANY_TEXT
        if self.record.keys:
            demand = self.values.nodes.demand(self.record.keys)
            if demand is None:
                return EMPTY
            options = []
            for piece in self.values.scalars.element(demand, STRINGS):
                if isinstance(piece, Texts):
                    options.append(_of_length(piece))
                else:
                    options.append(without_complement(piece))
            language = union(*options)
        return language

    def _signatures(self, language: Expression, patterns: list[str]) -> list[tuple[int, Expression]]:
        """The sets of patterns that some undeclared key matches together, with the languages of such keys."""
        parts = [(0, language)]
        for index, pattern in enumerate(patterns):
            matching = pattern_language(pattern)
            split = []
            for signature, content in parts:
                inside = matching if content is ANY_TEXT else intersect(content, matching)
                outside = intersect(content, complement(matching))
                if not is_empty(inside):
                    split.append((signature | 1 << index, inside))
                if not is_empty(outside):
                    split.append((signature, outside))
            parts = split
            if len(parts) > MOST_SIGNATURES:
                raise LimitExceededError(
                    "sets of overlapping patternProperties", given=len(parts), limit=MOST_SIGNATURES
                )
        return parts

    def _demand_of(self, signature: int, patterns: list[str]) -> Demand | None:
        matched = {pattern for index, pattern in enumerate(patterns) if signature >> index & 1}
        literals = [literal for keys, literal in self.record.alls if _has(keys, matched)]
        return self.values.nodes.demand(literals)

    def _classes_of(self, signature: int, patterns: list[str]) -> int:
        matched = {pattern for index, pattern in enumerate(patterns) if signature >> index & 1}
        return sum(1 << place for place, some in enumerate(self.somes) if _has(some.keys, matched))

    def _classify(self, exists: Callable[[Demand], bool]) -> Others:
        language, patterns = self._key_language(), self._patterns()
        if language is EMPTY:
            return NO_OTHERS
        if not patterns and language is ANY_TEXT:
            demand = self._demand_of(0, patterns)
            if demand is None or not exists(demand):
                return NO_OTHERS
            return Others(ANY_TEXT, (), {0: demand}, {0: self._classes_of(0, patterns)})
        legal: list[tuple[int, Expression, Demand, int]] = []
        for signature, content in self._signatures(language, patterns):
            if not self._has_other(content):
                continue
            demand = self._demand_of(signature, patterns)
            if demand is not None and exists(demand):
                legal.append((signature, content, demand, self._classes_of(signature, patterns)))
        if not legal:
            return NO_OTHERS
        content = union(*[part for _, part, _, _ in legal])
        if all(entry[2:] == legal[0][2:] for entry in legal):
            return Others(content, (), {0: legal[0][2]}, {0: legal[0][3]})
        if len(patterns) > MOST_MONITORS:
            raise LimitExceededError("patternProperties of one object", given=len(patterns), limit=MOST_MONITORS)
        return Others(
            content,
            tuple(map(pattern_language, patterns)),
            {signature: demand for signature, _, demand, _ in legal},
            {signature: classes for signature, _, _, classes in legal},
        )

    def _has_other(self, content: Expression) -> bool:
        """Whether a language has a text that is no declared name."""
        names = [name for name in self.table.literals]
        return not is_empty(content) and (
            count_up_to(content, len(names) + 1) > len(names) or not is_empty(without_words(content, names))
        )

    def _enumerate_keys(self, names: dict[str, None]) -> None:
        """Makes names of the undeclared keys if there are but a few, so that they can be counted."""
        language, patterns = self._key_language(), self._patterns()
        if language is ANY_TEXT and not any(isinstance(k, Rest) and literal == 0 for k, literal in self.record.alls):
            return
        for signature, content in self._signatures(language, patterns):
            if self._demand_of(signature, patterns) is None:
                continue
            if count_up_to(content, _MOST_ENUMERATED + 1) <= _MOST_ENUMERATED:
                names.update(dict.fromkeys(text.decode() for text in texts(content, _MOST_ENUMERATED)))

    # Legal moves.

    def legal(self, state: State) -> int:
        """The names that may come next."""
        available, need, _, _ = state
        if self.simple:
            key = (available, need)
            known = self._legal.get(key)
            if known is None:
                known = self._legal[key] = self.usable(self._up_to_need(available, need))
            return known
        found = 0
        candidates = self.usable(self._up_to_need(available, need))
        while candidates:
            bit = candidates & -candidates
            candidates ^= bit
            if self.after_name(state, bit.bit_length() - 1):
                found |= bit
        return found

    def _up_to_need(self, available: int, need: int) -> int:
        if self.any_order or not need:
            return available
        for label in self.order:
            if need >> label & 1:
                return available & ~self.after[label]
        return available

    def may_close(self, state: State) -> bool:
        """Whether the object may end."""
        _, need, count, pending = state
        return not need and not pending and count >= self.record.least and not self.unwritable

    def after_name(self, state: State, label: int) -> list[tuple[Demand, State]]:
        """The ways to go on after a name: what its value has to meet, and the state after the value."""
        available, need, count, pending = state
        bit = 1 << label
        if self.any_order:
            available &= ~bit
        else:
            available &= self.after[label]
        need &= ~bit
        count = min(count + 1, self.clip)
        demand = self.demand(label)
        if demand is None:
            return []
        if self.simple:
            return [(demand, (available, need, count, 0))]
        for trigger, needs, _ in self.implications:
            if trigger & bit:
                need |= needs & ~self._seen(state) & ~bit
        name = self.table.literals[label]
        matching = sum(
            1 << place
            for place, some in enumerate(self.somes)
            if pending >> place & 1 and self._meets_class(name, some)
        )
        return self._ways(demand, matching, (available, need, count, pending))

    def _seen(self, state: State) -> int:
        """Names that have come. In schema order an unavailable name may have been skipped: then it was not needed."""
        return self.all & ~state[0] if self.any_order else 0

    def after_other(self, state: State, signature: int) -> list[tuple[Demand, State]]:
        """The ways to go on after an undeclared key."""
        available, need, count, pending = state
        others = self.others
        if signature not in others.demands or (need and not self.any_order):
            return []
        after = (available if self.any_order else 0, need, min(count + 1, self.clip), pending)
        if self.simple:
            return [(others.demands[signature], after)]
        return self._ways(others.demands[signature], others.classes[signature] & pending, after)

    def _meets_class(self, name: str, some: Some) -> bool:
        formulas = self.values.formulas
        return formulas.in_class(name, some.keys) and formulas.key_meets(name, some.key)

    def _ways(self, demand: Demand, matching: int, state: State) -> list[tuple[Demand, State]]:
        """Each pending existential that the key can meet is met here, or left for later."""
        available, need, count, pending = state
        ways = []
        chosen = matching
        while True:
            after = (available, need, count, pending & ~chosen)
            joined = self._joined(demand, chosen)
            if joined is not None and self.values.cost(joined) < NEVER:
                if self.completion(after, self.values.cost)[0] < NEVER:
                    ways.append((joined, after))
            if not chosen:
                return ways
            chosen = (chosen - 1) & matching

    def _joined(self, demand: Demand, chosen: int) -> Demand | None:
        literals = [self.somes[place].value for place in range(len(self.somes)) if chosen >> place & 1]
        literals = [literal for literal in literals if literal != TRUE]
        return self.values.nodes.demand((*demand, *literals)) if literals else demand

    # Completions.

    def cost(self, cost: Cost) -> int:
        """Roughly the fewest bytes of such an object; NEVER if there is none. cost: that of a demand."""
        found, _, _ = self._complete(self.start, cost)
        return found if found >= NEVER else found + 2

    def completion(self, state: State, cost: Cost) -> tuple[int, int, int]:
        """(cost, label or CLOSE or table length + signature, chosen existentials) of a short way to the end."""
        known = self._completions.get(state)
        if known is None:
            known = self._completions[state] = self._complete(state, cost)
        return known

    def _complete(self, state: State, cost: Cost) -> tuple[int, int, int]:
        from .completion import complete

        return complete(self, state, cost)


def _has(keys: str | Rest, matched: set[str]) -> bool:
    """Whether an undeclared key that matches just these patterns belongs to a class."""
    if isinstance(keys, str):
        return keys in matched
    return matched.isdisjoint(keys.patterns)


def _of_length(piece: Texts) -> Expression:
    """A language of strings with its range of lengths as one expression."""
    if piece.least == 0 and piece.most == UNLIMITED:
        return piece.content
    length = repeat(ANY_CHARACTER, piece.least, piece.most)
    return length if piece.content is ANY_TEXT else intersect(piece.content, length)


def without_complement(words: frozenset[str]) -> Expression:
    """The language of a few words."""
    from ..expressions import literal

    return union(*[literal(word) for word in words])
