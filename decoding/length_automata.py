"""A counter as tables: contexts and classes of characters, with the next context and the units of each pair.

In come the kind of length and where a text may end, out comes the smallest automaton that counts it: the
contexts that the counters of `length_counters.py` reach, the product of two of them where words or characters
are counted and sentences must end, minimised by refining a partition (Moore 1956). From 1 context
(characters) to about 400 (sentences). Made once for each kind, in 0.1 to 1 s.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .character_classes import CharacterClasses, classify_characters, join_classes, merge_classes
from .length_counters import (
    CharacterCounter,
    Counter,
    ItemCounter,
    RulerWordCounter,
    SentenceCounter,
    UnicodeWordCounter,
)
from .length_measures import RULER_WORDS

NOT_WRITTEN = -1
"""In place of the next context: no such text is written."""
START = 0


@dataclass(frozen=True, eq=False)
class LengthAutomaton:
    """Counts a text, character by character. The first context is that of the empty text.

    classes: of the characters.
    after: int32 [n_contexts, n_classes], the next context, or NOT_WRITTEN.
    units: int32 [n_contexts, n_classes], 1 where a unit begins, else 0.
    ends: bool [n_contexts], where a text may end.
    """

    classes: CharacterClasses
    after: npt.NDArray[np.int32]
    units: npt.NDArray[np.int32]
    ends: npt.NDArray[np.bool_]

    @property
    def n_contexts(self) -> int:
        return len(self.ends)


@lru_cache(maxsize=32)
def length_automaton(kind: str, words: str, ends_at: str) -> LengthAutomaton:
    """kind: as for `LengthMeasure`; the units of "tokens" are for the caller to count, here there are none.

    words: the rule for words. ends_at: "sentence" or "anywhere".
    """
    at_sentence = ends_at == "sentence"
    if kind == "sentences":
        return _minimise(_tabulate(SentenceCounter(ends_at_sentence=at_sentence)))
    if kind == "items":
        return _minimise(_tabulate(ItemCounter()))
    word_counter = RulerWordCounter() if words == RULER_WORDS else UnicodeWordCounter()
    counter = word_counter if kind == "words" else CharacterCounter()
    counted = _tabulate(counter)
    if kind == "tokens":
        counted = _without_units(counted)
    if not at_sentence:
        return _minimise(counted)
    ends = _minimise(_without_units(_tabulate(SentenceCounter(ends_at_sentence=True))))
    return _minimise(_product(counted, ends))


def _tabulate(counter: Counter) -> LengthAutomaton:
    classes = classify_characters(counter.kind)
    numbers: dict[Hashable, int] = {counter.start(): START}
    after: list[list[int]] = []
    units: list[list[int]] = []
    waiting: list[Any] = [counter.start()]
    for context in waiting:
        steps = [counter.step(context, kind) for kind in classes.kinds]
        for following, _ in steps:
            if following is not None and following not in numbers:
                numbers[following] = len(numbers)
                waiting.append(following)
        after.append([NOT_WRITTEN if to is None else numbers[to] for to, _ in steps])
        units.append([n for _, n in steps])
    ends = [counter.ends(context) for context in waiting]
    return LengthAutomaton(
        classes, np.array(after, dtype=np.int32), np.array(units, dtype=np.int32), np.array(ends, dtype=bool)
    )


def _without_units(automaton: LengthAutomaton) -> LengthAutomaton:
    return LengthAutomaton(automaton.classes, automaton.after, np.zeros_like(automaton.units), automaton.ends)


def _product(counted: LengthAutomaton, ending: LengthAutomaton) -> LengthAutomaton:
    """Counts as the first, ends as the second; of contexts of which neither refuses a character."""
    classes = join_classes(counted.classes, ending.classes)
    first, second = np.array(classes.kinds, dtype=np.int64).T
    n = ending.n_contexts
    after = counted.after[:, None, first].astype(np.int64) * n + ending.after[None][:, :, second]
    units = np.broadcast_to(counted.units[:, None, first], after.shape)
    size = (counted.n_contexts * n, len(first))
    ends = (counted.ends[:, None] & ending.ends[None]).reshape(-1)
    return LengthAutomaton(classes, after.reshape(size).astype(np.int32), units.reshape(size), ends)


def _minimise(automaton: LengthAutomaton) -> LengthAutomaton:
    """The same texts, counts and ends with the fewest contexts and classes, the start first."""
    reached = _reachable(automaton.after)
    renumbered = np.full(automaton.n_contexts + 1, NOT_WRITTEN, dtype=np.int32)
    renumbered[reached] = np.arange(len(reached))
    after = renumbered[automaton.after[reached]]  # NOT_WRITTEN selects the last entry
    units, ends = automaton.units[reached], automaton.ends[reached]
    blocks = np.unique(np.column_stack([ends, units]), axis=0, return_inverse=True)[1].reshape(-1)
    while True:
        told_apart = np.column_stack([blocks, np.append(blocks, NOT_WRITTEN)[after]])
        refined = np.unique(told_apart, axis=0, return_inverse=True)[1].reshape(-1)
        if refined.max() == blocks.max():
            break
        blocks = refined
    first_seen = np.unique(refined, return_index=True)[1]
    order = np.argsort(first_seen)  # the block of the start, context 0, becomes the first
    block_number = np.empty_like(order)
    block_number[order] = np.arange(len(order))
    representatives = first_seen[order]
    after = np.append(block_number[refined], NOT_WRITTEN).astype(np.int32)[after[representatives]]
    columns = np.concatenate([after, units[representatives]])
    merged = np.unique(columns, axis=1, return_inverse=True, return_index=True)
    classes = merge_classes(automaton.classes, merged[2].reshape(-1).tolist())
    return LengthAutomaton(
        classes, after[:, merged[1]], units[representatives][:, merged[1]], ends[representatives]
    )


def _reachable(after: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Contexts that some text leads to, the start first."""
    is_known = np.zeros(len(after), dtype=bool)
    is_known[START] = True
    newest = np.array([START])
    while len(newest):
        following = np.unique(after[newest])
        following = following[following != NOT_WRITTEN]
        newest = following[~is_known[following]]
        is_known[newest] = True
    return np.flatnonzero(is_known)
