"""Where sentences end: a text in, the number of its sentences out, or whether it ends with one.

A sentence ends with . ! ? or their relatives in other scripts, closing quotes, brackets and marks of emphasis
included, before a blank or the end (full-width stops need no blank). No end: a single stop or an ellipsis
before a small letter, a single stop after an initial with text behind it ("J. Smith") or after one of a few
titles and abbreviations. An empty line divides sentences too (a title, the line before a list), but completes
none. Cost: one pass over the text.
"""

from __future__ import annotations

import re

ENDS_AT = ("sentence", "anywhere")
"""Where a text may end: after a sentence by the rule above, or anywhere."""

ABBREVIATIONS = frozenset(["mr", "mrs", "ms", "dr", "prof", "st", "vs", "cf", "fig", "e.g", "i.e", "approx"])
STOPS = ".!?\u2026\u203c\u203d\u2047\u2048\u2049\u0964\u0965\u061f\u06d4"
FULL_STOPS = "\u3002\uff01\uff1f\uff61"  # full-width: these need no blank
CLOSING_ONLY = "\u00bb\u203a)]}\u300d\u300f\uff09"  # quotes and brackets that open nothing
CLOSING = f"\"'*_\u2019\u201d{CLOSING_ONLY}"
OPENING = "\"'\u2018\u201c(["
# A run of stops is tried from its first alone: from each of them a long one would take forever.
_RUN = rf"(?<![{re.escape(STOPS)}])([{re.escape(STOPS)}]+)"
_MARKS = rf"(?:{_RUN}[{re.escape(CLOSING)}]*(?=\s|\Z)|[{FULL_STOPS}]+[{re.escape(CLOSING)}]*)"
_STOP = re.compile(rf"{_MARKS}|\n[ \t\r]*\n")
_LAST_STOP = re.compile(rf"{_MARKS}[\s{re.escape(CLOSING_ONLY)}]*\Z")
_LAST_WORD = re.compile(r"[\w.]*\Z")
_NEXT = re.compile(rf"\s*[{re.escape(OPENING)}]*(.)?", re.DOTALL)


def split_sentences(text: str) -> list[str]:
    """The sentences by the rule above, without blanks around them; what stands after the last end is one
    more. Without a letter or digit it is none.
    """
    starts = [0, *(match.end() for match in _STOP.finditer(text) if _is_end(text, match))]
    pieces = (text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def count_sentences(text: str) -> int:
    """How many `split_sentences` gives."""
    return len(split_sentences(text))


def ends_sentence(text: bytes) -> bool:
    """Whether a text (UTF-8, perhaps cut in front) ends with a sentence, by the rule above."""
    decoded = text.decode("utf-8", "replace")
    match = _LAST_STOP.search(decoded)
    return match is not None and _is_end(decoded, match)


def _is_end(text: str, match: re.Match[str]) -> bool:
    """Whether a stop ends a sentence; only a single full stop or an ellipsis may not."""
    marks = match.group(1)
    if marks not in (".", "\u2026", "..."):
        return True
    after = _NEXT.match(text, match.end())
    if after is not None and after.group(1) and after.group(1).islower():
        return False
    before = _LAST_WORD.search(text, max(0, match.start() - 12), match.start())
    word = before.group() if before else ""
    is_initial = len(word) == 1 and word.isupper() and word != "I" and bool(after and after.group(1))
    return not (marks == "." and (is_initial or word.lower() in ABBREVIATIONS))
