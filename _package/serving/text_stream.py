"""The text of one output while it is written: bytes of tokens in, whole characters out, up to a stop string.

Tokens may end inside a character, and a stop string may begin in one token and end in a later one. So what
could still become a character or a stop string is held back until it is decided. Bytes that are no UTF-8
(free text of a model may have them, a grammar's text never) are replaced. Cost: linear in the text for each
stop string.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence


class TextStream:
    """stop_strings: none of them empty. The text ends before the first of them that is complete.

    is_stopped: whether one was found; then nothing more comes.
    """

    def __init__(self, stop_strings: Sequence[str] = ()) -> None:
        self._stop_strings = tuple(stop_strings)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.is_stopped = False

    def feed(self, data: bytes, *, is_last: bool = False) -> str:
        """The text that is certain after these bytes and was not returned before. is_last: all of it is."""
        if self.is_stopped:
            return ""
        self._held += self._decoder.decode(data, is_last)
        places = [(self._held.find(stop), len(stop)) for stop in self._stop_strings]
        found = [(place + length, place) for place, length in places if place >= 0]
        if found:  # the first that is complete, however the text was cut into tokens
            self.is_stopped = True
            return self._take(min(found)[1])
        n_held = 0 if is_last else undecided(self._held, self._stop_strings)
        return self._take(len(self._held) - n_held)

    def _take(self, n_characters: int) -> str:
        text, self._held = self._held[:n_characters], self._held[n_characters:]
        return text


def undecided(text: str, strings: Iterable[str]) -> int:
    """Characters at the end of a text that one of these strings begins with, as many as may be."""
    longest = 0
    for string in strings:
        for length in range(min(len(string) - 1, len(text)), longest, -1):
            if text.endswith(string[:length]):
                longest = length
                break
    return longest
