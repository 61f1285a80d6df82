"""Ruler's length bands: target lengths and texts in, the share of texts of the right length out.

Nine target lengths in words, each with three half-open intervals (least, most]: how long the answers are that
a model sees in training under this target, how long an answer must be to count as a precise match (PM), and
how long for a flexible match (FM). A word is a match of `\\w+`, so "don't" is two. The edges are those of the
paper and of its code; that of 150 for training, (135, 155], is not symmetric there either. Cost: one pass
over each text.

Paper: Li et al., "Ruler: A Model-Agnostic Method to Control Generated Length for Large Language Models",
arXiv 2409.18943, Findings of EMNLP 2024.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .arguments import checked_instance, checked_list
from .errors import ArgumentValueError

_WORD = re.compile(r"\w+")

Interval = tuple[float, float]


@dataclass(frozen=True)
class LengthBand:
    """One target length. The intervals are in words, the first end excluded, the last one included.

    name: "10" ... "700", or ">800". level: 0, 1 or 2, the paper's grouping from short to long.
    """

    name: str
    level: int
    training: Interval
    precise: Interval
    flexible: Interval

    @property
    def token(self) -> str:
        """The meta length token, `[MLT:...]`."""
        return f"[MLT:{self.name}]"


LENGTH_BANDS = (
    LengthBand("10", 0, (5, 15), (0, 20), (0, 20)),
    LengthBand("30", 0, (25, 35), (20, 40), (20, 40)),
    LengthBand("50", 0, (45, 55), (40, 60), (40, 60)),
    LengthBand("80", 0, (75, 85), (70, 90), (60, 100)),
    LengthBand("150", 1, (135, 155), (130, 170), (100, 200)),
    LengthBand("300", 1, (295, 305), (280, 320), (200, 400)),
    LengthBand("500", 1, (495, 505), (450, 550), (400, 600)),
    LengthBand("700", 2, (695, 705), (630, 770), (600, 800)),
    LengthBand(">800", 2, (800, math.inf), (800, math.inf), (800, math.inf)),
)
_BAND_OF_NAME = {band.name: band for band in LENGTH_BANDS}


@dataclass(frozen=True)
class LengthScore:
    """How many texts there were, and what percentage of them matched; NaN if there were none."""

    n_texts: int
    precise_match: float
    flexible_match: float


@dataclass(frozen=True)
class LengthScores:
    """Scores of all texts, of each level that occurs, and of each target that occurs, in their order."""

    total: LengthScore
    by_level: dict[int, LengthScore]
    by_target: dict[str, LengthScore]


def count_words(text: str) -> int:
    """Matches of `\\w+`: letters, digits and underscores of any script without anything between them."""
    checked_instance("text", text, str, "a text")
    return sum(1 for _ in _WORD.finditer(text))


def length_band(target: str | int) -> LengthBand:
    """The band of a target: its name, "[MLT:50]", or a number of words for which there is one.

    Raises:
        ArgumentValueError: there is no band of this name.
    """
    name = str(target).removeprefix("[MLT:").removesuffix("]")
    band = _BAND_OF_NAME.get(name) if isinstance(target, (str, int)) else None
    if band is None:
        raise ArgumentValueError(f"target must be one of {', '.join(_BAND_OF_NAME)}", got=target)
    return band


def training_band(n_words: int) -> LengthBand | None:
    """The band whose training interval an answer of so many words is in; most lengths are in none."""
    return next((band for band in LENGTH_BANDS if _is_inside(n_words, band.training)), None)


def score_lengths(targets: Sequence[str | int], texts: Sequence[str]) -> LengthScores:
    """Precise and flexible match of texts against their targets, in percent, as the paper computes them.

    targets: one for each text, as `length_band` takes them. In auto mode, the target that the model chose.
    The score of a level, and the total, is that of all its texts together.

    Raises:
        ArgumentTypeError, ArgumentValueError: a target is none of the nine, or not every text has one.
    """
    texts = checked_list("texts", texts, str, "a text")
    bands = [length_band(target) for target in checked_list("targets", targets, (str, int), "a target")]
    if len(bands) != len(texts):
        raise ArgumentValueError(f"targets must be as many as the {len(texts)} texts", got=len(bands))
    counts: Counter[tuple[object, str]] = Counter()
    for band, text in zip(bands, texts, strict=True):
        n_words = count_words(text)
        found = {
            "texts": True,
            "precise": _is_inside(n_words, band.precise),
            "flexible": _is_inside(n_words, band.flexible),
        }
        for group in ("total", band.level, band.name):
            counts.update((group, kind) for kind, is_so in found.items() if is_so)
    return LengthScores(
        _score(counts, "total"),
        {level: _score(counts, level) for level in sorted({band.level for band in bands})},
        {band.name: _score(counts, band.name) for band in LENGTH_BANDS if band in bands},
    )


def _score(counts: Counter[tuple[object, str]], group: object) -> LengthScore:
    n_texts = counts[group, "texts"]
    share = 100 / n_texts if n_texts else math.nan
    return LengthScore(n_texts, share * counts[group, "precise"], share * counts[group, "flexible"])


def _is_inside(n_words: int, interval: Interval) -> bool:
    return interval[0] < n_words <= interval[1]
