"""Arrays as streams: what the next item must meet, and when the array may end.

In comes an `ArrayRecord`, out comes an `ArrayShape` with its states. A state is (index, counters): the number
of items so far, clipped where it plays no role any more, and for each `contains` how many items met it,
clipped likewise. An item either meets a `contains` (then its literal joins what the item has to meet) or not;
without a largest number a miss asks nothing of the item, with one it asks for the opposite, so that counts
are exact. Whether an array can be finished is a search for the shortest path over these states.

With `uniqueItems`, the values of items that have but a few are numbered (`distinct_items.py`), and one more
counter is the set of those that have come: so what is left is known, and values never run out unnoticed. Of
other items the core keeps the values and drops what repeats (such states are `distinct`). The opposite, that
some value has to come twice, is in `repeated_items.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from ..grammar import ItemRule
from .algebra import NEVER
from .array_completion import ArrayCompletion, State
from .distinct_items import Cost, FewValues
from .label_sets import labels_of
from .nodes import Demand
from .records import SURPLUS, ArrayRecord

if TYPE_CHECKING:
    from .values import Values

MOST_COUNTERS = 6
MOST_TOP = 1 << 20  # index that the core counts to by itself


class ArrayShape:
    """One alternative of an array. is_plain: the next item depends on the index only."""

    __slots__ = (
        *(
            "_completion",
            "_completions",
            "_demands",
            "_few",
            "_joined",
            "_ways",
            "compares",
            "counts",
            "is_plain",
            "record",
            "special",
            "start",
        ),
        *("top", "values"),
    )

    def __init__(self, record: ArrayRecord, values: Values) -> None:
        self.record = record
        self.values = values
        self.counts = list(record.counts)
        if len(self.counts) > MOST_COUNTERS:
            raise LimitExceededError("`contains` of one array", given=len(self.counts), limit=MOST_COUNTERS)
        starts = [start for start, _ in record.tails] + [start for start, _, _, _ in self.counts]
        self.special = max([*starts, *(index + 1 for index in record.at)], default=0)
        self._demands: dict[int, Demand | None] = {}
        self._joined: dict[tuple[int, tuple[int, ...]], Demand | None] = {}
        self._few: FewValues | None = None
        self._completion: ArrayCompletion | None = None
        self.compares = record.unique and record.most != 0 and record.most != 1
        self.top = max(1, self.special, record.least) if record.most == UNLIMITED else max(1, record.most)
        self.is_plain = not self.compares and not self.counts and self.top < MOST_TOP
        self._ways: dict[State, list[tuple[Demand, State]]] = {}
        self._completions: dict[State, int] = {}
        self.start: State = (0, (0,) * len(self.counts) + ((0,) if self.compares else ()))

    def few(self, cost: Cost | None = None) -> FewValues:
        """The values of the items that have few. cost: of a demand, while it is not known of all of them."""
        if self._few is not None:
            return self._few
        found = FewValues(self, cost or self.values.cost)
        if cost is None:
            self._few = found
        return found

    @property
    def distinct(self) -> bool:
        """Whether the core has to drop items that repeat."""
        return self.compares and None in self.few().domains

    def demand(self, index: int) -> Demand | None:
        """What the item at an index has to meet; None: there can be none."""
        index = min(index, self.special)
        if index not in self._demands:
            self._demands[index] = self.values.formulas.item_of(self.record, index)
        return self._demands[index]

    def may_close(self, state: State) -> bool:
        """Whether the array may end."""
        index, counters = state
        if index < self.record.least:
            return False
        return all(met >= least for met, (_, _, least, _) in zip(counters, self.counts, strict=False))

    def item_rule(self, state: State) -> ItemRule:
        """Which items may lead to a state."""
        return ItemRule.DISTINCT if self.distinct else ItemRule.ANY

    @staticmethod
    def recalls(state: State) -> bool:
        """The values of the items play no role but that they must differ."""
        return False

    def following(self, index: int) -> int:
        """The index after one, clipped."""
        return min(index + 1, self.top)

    def most_before(self, state: State) -> int:
        """How many items may have come, where another is required; 0 where none is."""
        index = state[0]
        if self.may_close(state):
            return 0
        return index if self.record.most != UNLIMITED or index < self.top else index + SURPLUS

    def ways(self, state: State) -> list[tuple[Demand, State]]:
        """The ways to go on with an item: what it has to meet, and the state after it."""
        known = self._ways.get(state)
        if known is None:
            searches = self.compares or self.counts
            known = self._ways[state] = [
                (demand, after)
                for demand, after in self.moves(state)
                if self.values.cost(demand) < NEVER and (not searches or self.completion(after) < NEVER)
            ]
        return known

    def moves(self, state: State, few: FewValues | None = None, only: int = -1) -> list[tuple[Demand, State]]:
        """The same without asking whether the item exists and the array can be finished.

        few: the values of the items, while they are not known for good. only: the numbered ones to try.
        """
        index, counters = state
        if self.record.most != UNLIMITED and index >= self.record.most:
            return []
        following = self.following(index)
        moves = []
        for literals, after in self.counted(index, counters):
            demand = self.joined(index, literals)
            if demand is None:
                continue
            if self.compares:
                after = (*after, counters[-1])
                moves += self._compared(state, demand, literals, (following, after), few or self.few(), only)
            else:
                moves.append((demand, (following, after)))
        return moves

    def joined(self, index: int, literals: tuple[int, ...]) -> Demand | None:
        """What the item at an index has to meet, literals of `contains` included."""
        demand = self.demand(index)
        if not literals or demand is None:
            return demand
        key = (min(index, self.special), literals)
        if key not in self._joined:
            self._joined[key] = self.values.nodes.demand((*demand, *literals))
        return self._joined[key]

    def joined_demands(self, index: int) -> list[Demand]:
        """All that the item at an index may have to meet because of `contains`."""
        found = [self.joined(index, literals) for literals, _ in self.counted(index, (0,) * len(self.counts))]
        return [demand for demand in found if demand is not None]

    def counted(self, index: int, counters: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The ways in which an item meets each `contains` or not: literals asked of it, and the counters
        after it."""
        found: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ())]
        choices: list[tuple[tuple[int, ...], int]]
        for met, (start, literal, least, most) in zip(counters, self.counts, strict=False):
            if index < start or (most == UNLIMITED and met >= least):
                choices = [((), met)]
            elif most == UNLIMITED:
                choices = [((literal,), met + 1), ((), met)]
            else:
                choices = [((literal ^ 1,), met)]
                if met < most:
                    choices.append(((literal,), met + 1))
            found = [
                (literals + more, (*after, value)) for literals, after in found for more, value in choices
            ]
        return found

    def _compared(
        self,
        state: State,
        demand: Demand,
        literals: tuple[int, ...],
        after: State,
        few: FewValues,
        only: int,
    ) -> list[tuple[Demand, State]]:
        """The ways to go on with an item that is compared with the others: one for each value where there are
        few, and one for all that are not numbered. literals: those of `contains` that the item is to meet."""
        index, counters = state
        following, (*met, seen) = after
        domain = few.domain_of(index, demand)
        numbers = (few.everything if domain is None else domain) & ~seen & only
        if domain is None or self.counts:
            numbers &= few.meeting(index, literals)
        for before, (start, literal, least, most) in zip(counters, self.counts, strict=False):
            if literal not in literals and most == UNLIMITED and start <= index and before < least:
                numbers &= ~few.surely(literal)  # such a value counts: no need to try that it does not
        moves = []
        for number in labels_of(numbers):
            constant = few.constant(number, demand)
            if constant is not None:
                moves.append((constant, (following, (*met, seen | 1 << number))))
        if domain is None:
            others = few.without(demand, few.meeting(index, literals))
            if others is not None:
                moves.append((others, (following, (*met, seen))))
        return moves

    def cost(self, cost: Cost) -> int:
        """Roughly the fewest bytes of such an array; NEVER if there is none. cost: that of a demand."""
        if self.counts:
            few = self.few(cost) if self.compares else None
            found = ArrayCompletion(self, cost, few).cost(self.start)
        elif self.compares:
            found = self._compared_cost(self.start, cost)
        else:
            found = self.plain_cost(0, cost)
        return found if found >= NEVER else found + 2

    def plain_cost(self, index: int, cost: Cost) -> int:
        """The cost of the items that are required from an index on."""
        total, end = 0, self.record.least
        while index < end:
            demand = self.demand(index)
            value = NEVER if demand is None else cost(demand)
            if value >= NEVER:
                return NEVER
            times = 1 if index < self.special else end - index
            total += (value + 1) * times
            index += times
        return min(total, NEVER - 1)

    def _compared_cost(self, state: State, cost: Cost | None) -> int:
        """The same for items that must differ."""
        index, (seen,) = state
        if not self.few(cost).can_differ(seen, index, self.record.least):
            return NEVER
        return self.plain_cost(index, cost or self.values.cost)

    def completion(self, state: State) -> int:
        """The cost of a short way to the end; NEVER if there is none."""
        known = self._completions.get(state)
        if known is None:
            if self.counts:
                known = self._counted_cost(state)
            elif self.compares:
                known = self._compared_cost(state, None)
            else:
                known = self.plain_cost(state[0], self.values.cost)
            self._completions[state] = known
        return known

    def _counted_cost(self, state: State) -> int:
        """The same where `contains` counts items."""
        if self._completion is None:
            few = self.few() if self.compares else None
            self._completion = ArrayCompletion(self, self.values.cost, few)
        return self._completion.cost(state)

    def limit_exceeded(self, given: int, limit: int) -> LimitExceededError:
        """What to raise where `contains` asks for too long a search."""
        return LimitExceededError(
            "steps to complete an array",
            given=given,
            limit=limit,
            location=self.values.location_of([literal for _, literal, _, _ in self.counts]),
            advice="ask for fewer `contains` at once, for fewer items, or let items be equal",
        )
