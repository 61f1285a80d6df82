"""A document with the keys of its objects in an order that a grammar allows.

In: a matcher and a document as data. Out: whether the document can be written, its keys in whatever order.
Whether a key may come next is asked of the matcher, so the order need not be known.
"""

from __future__ import annotations

import json
from typing import Any

from ...decoding.matcher import Matcher

MOST_WRITES = 20_000
"""Keys and values written for one document before the search for its order is given up."""


class Reordered:
    """Writes a document, the keys of its objects in an order that a matcher allows.

    After a key and its value, the other keys that were allowed before must still be; one that is not has to
    come first, and is tried next. So in the usual case some n log n of n keys are written.
    """

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.pieces: list[str] = []
        self.writes = 0

    def write(self, value: Any) -> bool:
        """Write a value where the matcher stands; if it cannot be, nothing is written."""
        if isinstance(value, dict):
            return self._undo_unless(self._write_object, value)
        if isinstance(value, list):
            return self._undo_unless(self._write_array, value)
        return self._read(json.dumps(value, ensure_ascii=False))

    def _undo_unless(self, write: Any, value: Any) -> bool:
        mark = len(self.pieces)
        if write(value):
            return True
        self._undo(mark)
        return False

    def _undo(self, mark: int) -> None:
        self.matcher.rollback(len(self.pieces) - mark)
        del self.pieces[mark:]

    def _read(self, text: str) -> bool:
        self.writes += 1
        if self.writes > MOST_WRITES or not self.matcher.read_bytes(text.encode("utf-8", "surrogatepass")):
            return False
        self.pieces.append(text)
        return True

    def _write_array(self, items: list[Any]) -> bool:
        return self._read("[") and all(
            (place == 0 or self._read(",")) and self.write(item) for place, item in enumerate(items)
        ) and self._read("]")  # fmt: skip

    def _write_object(self, members: dict[str, Any]) -> bool:
        return self._read("{") and self._write_members(members, list(members)) and self._read("}")

    def _write_members(self, members: dict[str, Any], left: list[str]) -> bool:
        if not left:
            return True
        comma = "" if len(left) == len(members) else ","
        possible = [name for name in left if self._may_come(comma, name)]
        return any(self._write_next(members, left, possible, strict) for strict in (True, False))

    def _write_next(
        self, members: dict[str, Any], left: list[str], possible: list[str], strict: bool
    ) -> bool:
        """Go on with one of the possible keys. strict: only with one that leaves the others possible.

        A key that demands others may block those that come after them, so that is not the last word.
        """
        comma = "" if len(left) == len(members) else ","
        tried: set[str] = set()
        queue = list(possible)
        while queue and self.writes <= MOST_WRITES:
            name = queue.pop(0)
            if name in tried:
                continue
            tried.add(name)
            mark = len(self.pieces)
            if self._read(f"{comma}{json.dumps(name, ensure_ascii=False)}:") and self.write(members[name]):
                blocked = [other for other in possible if other != name and not self._may_come(",", other)]
                others = [other for other in left if other != name]
                if not (strict and blocked) and self._write_members(members, others):
                    return True
                queue = [*blocked, *queue]
            self._undo(mark)
        return False

    def _may_come(self, comma: str, name: str) -> bool:
        text = f"{comma}{json.dumps(name, ensure_ascii=False)}:".encode("utf-8", "surrogatepass")
        return self.matcher.try_read(text) == len(text)
