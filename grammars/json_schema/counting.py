"""Names that may come next in an object that only counts: required names, implications, bounds on the number
of keys, no existentials that are still to be met.

Here no search is needed. Let N be the names that must come, closed under the implications, and R all names
that can still come. The object can be finished if and only if N is within R, the keys so far and N are not
too many, and these are enough, or undeclared keys are at hand, or the keys so far and R are enough: as long
as no names imply each other, names can be added to N one at a time until all of R is there, so that each
number of keys in between is reached. Names that do imply each other come in bunches; where then both bounds
matter, the search of `completion.py` decides.

In schema order a name that is passed is gone, and with it all names that imply it. One walk along the order
tells for each name what is gone when it comes, so all legal names together cost as much as a few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..expressions import UNLIMITED
from .label_sets import labels_of

if TYPE_CHECKING:
    from .objects import ObjectShape, State


def can_finish(shape: ObjectShape, state: State) -> bool | None:
    """Whether an object without pending existentials can be finished; None: a search has to tell."""
    available, need, count, _ = state
    record = shape.record
    if need & ~available or shape.possible_names(need) != need:
        return False
    n_keys = count + need.bit_count()
    if record.most != UNLIMITED and n_keys > record.most:
        return False
    if n_keys >= record.least or shape.others.by_label:
        return True
    if count + shape.possible_names(available).bit_count() < record.least:
        return False
    return None if record.most != UNLIMITED and shape.implications.tangled else True


def legal_names(shape: ObjectShape, state: State) -> int:
    """The names that may come next in an object without pending existentials."""
    available, need, count, _ = state
    record, implications = shape.record, shape.implications
    candidates = shape.possible_names(shape.up_to_need(available, need))
    if implications.tangled and record.most != UNLIMITED:
        return _each_tried(shape, state, candidates)
    if record.most != UNLIMITED:
        room = record.most - count - need.bit_count()  # for keys beside those that must come
        if room < 1:
            candidates &= need
        else:
            for label in labels_of(candidates & implications.triggers & ~need):
                if (implications.closures[label] & available & ~need).bit_count() > room:
                    candidates ^= 1 << label
    if shape.any_order:
        return candidates  # which name comes first makes no difference to how many can come
    return _in_order(shape, state, candidates)


def _each_tried(shape: ObjectShape, state: State, candidates: int) -> int:
    found = 0
    for label in labels_of(candidates):
        after = shape.state_after(state, label)
        if after is not None and shape.can_finish(after):
            found |= 1 << label
    return found


def _in_order(shape: ObjectShape, state: State, candidates: int) -> int:
    """Those of the candidates that leave enough names when all before them are gone."""
    available, need, count, _ = state
    implications, least = shape.implications, shape.record.least
    lacking = 0 if shape.others.by_label else least - count
    if not implications.triggers:
        if need.bit_count() >= lacking:
            return candidates
        return _while_enough(shape, available, candidates, lacking)
    found = gone = 0
    names = shape.possible_names(available)
    for label in _walk(shape, candidates, available & implications.targets):
        bit = 1 << label
        if bit & candidates & ~gone:
            left = names & shape.after(label) & ~gone
            if left.bit_count() + 1 < lacking:
                break  # the further a name, the fewer are left
            found |= bit
        gone |= implications.causes.get(label, 0)
    return found


def _walk(shape: ObjectShape, candidates: int, targets: int) -> list[int]:
    """The candidates, and the targets before the last of them, in order."""
    order = shape.in_order(candidates)
    if not order:
        return []
    passed = targets & ~candidates & ~shape.after(order[-1])
    return shape.in_order(candidates | passed) if passed else order


def _while_enough(shape: ObjectShape, available: int, candidates: int, lacking: int) -> int:
    """The same without implications: the further a name, the fewer are left, so the last is found by
    bisection."""
    names, unordered = shape.possible_names(available), shape.unordered
    order, low = shape.order, 0
    high = len(order) - unordered.bit_count()
    while low < high:
        middle = (low + high) // 2
        if (names & shape.after(order[middle])).bit_count() + 1 >= lacking:
            low = middle + 1
        else:
            high = middle
    found = candidates & ~shape.name_order.since(low) & ~unordered
    return found | candidates & unordered if (names & unordered).bit_count() >= lacking else found
