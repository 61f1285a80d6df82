"""Writers that follow a script: they read the length in a request, and miss it in a known way."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import tokentrellis as tt

_ASKED = re.compile(r"Write (\d+) (word|sentence)")
_WANTED = re.compile(r"should have (\d+) word")
_MEASURED = re.compile(r"answer has (\d+) word")


def words(n_words: int) -> str:
    return " ".join(["word"] * n_words)


def biased(slope: float, intercept: float = 0.0) -> Callable[[str], str]:
    """Writes intercept + slope * n words where n are asked for."""

    def write(prompt: str) -> str:
        asked = int(_ASKED.search(prompt).group(1))  # type: ignore[union-attr]
        return words(max(1, round(intercept + slope * asked)))

    return write


def noisy(spread: int) -> Callable[..., tt.Response]:
    """Misses by up to `spread` words, as its seed says; 7 tokens read and one written for each word."""

    def write(prompt: str, *, seed: int) -> tt.Response:
        asked = int(_ASKED.search(prompt).group(1))  # type: ignore[union-attr]
        n_words = max(1, asked + random.Random(seed).randint(-spread, spread))
        return tt.Response(words(n_words), 7, n_words)

    return write


def halving(first: int) -> Callable[[str], str]:
    """Writes `first` words whatever is asked for; each rewrite goes half the way to what it should have."""

    def write(prompt: str) -> str:
        wanted, measured = _WANTED.search(prompt), _MEASURED.search(prompt)
        if wanted is None or measured is None:
            return words(first)
        has = int(measured.group(1))
        difference = int(wanted.group(1)) - has
        return words(has + difference // 2 if abs(difference) > 1 else has + difference)

    return write


def sentences_of(n_words: int) -> Callable[[str], str]:
    """Obeys a number of sentences exactly, each of `n_words` words; deaf to a number of words."""

    def write(prompt: str) -> str:
        found = _ASKED.search(prompt)
        n = int(found.group(1)) if found and found.group(2) == "sentence" else 2
        return " ".join([f"S{words(n_words)[1:]}."] * n)

    return write
