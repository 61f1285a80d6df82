"""A schema on a vocabulary of bytes, and the ways to spell a document.

In: a schema, documents as data or as text. Out: verdicts. A vocabulary whose tokens are the 256 bytes reads
every text, so a verdict tests the grammar and the core's automata, not a tokenizer; a few longer tokens make
its tries more than one level deep. A document is read by bytes; it is accepted if all of them can be read and
the text may end there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...decoding.compile import compile_grammar
from ...decoding.vocabulary import Vocabulary
from ...grammars.json_schema import from_json_schema
from .reordering import Reordered

LONGER_TOKENS = (b'":', b'", "', b"{}", b"  ", b"true", b"\\u00", b"\xc3\xa9", b"12", b"]}", b'"a"')
STANDARD: dict[str, Any] = {"numbers": "standard", "property_order": "any", "whitespace": "any"}
"""Options with which the grammar allows every spelling that JSON has."""


@lru_cache(1)
def byte_vocabulary() -> Vocabulary:
    """The 256 bytes, a few longer tokens, and the end of the text."""
    tokens = [bytes([byte]) for byte in range(256)] + [*LONGER_TOKENS, b"<eos>"]
    return Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])


class Reader:
    """A schema that says of texts whether it allows them.

    Raises what `from_json_schema` and `compile_grammar` raise; reading may raise LimitExceededError.
    """

    def __init__(self, schema: Any, **options: Any) -> None:
        self.grammar = from_json_schema(schema, **{**STANDARD, **options})
        self._matcher = compile_grammar(self.grammar, byte_vocabulary()).matcher()

    def accepts(self, text: str) -> bool:
        """Whether the text is a document that the schema allows."""
        matcher = self._matcher
        matcher.reset()
        return matcher.read_bytes(text.encode("utf-8", "surrogatepass")) and matcher.is_accepting

    def accepts_reordered(self, document: Any) -> bool:
        """Whether the document is allowed with its keys in some order."""
        self._matcher.reset()
        return Reordered(self._matcher).write(document) and self._matcher.is_accepting

    def refused_at(self, text: str) -> int:
        """How many bytes of the text can be read."""
        self._matcher.reset()
        return self._matcher.try_read(text.encode("utf-8", "surrogatepass"))


def spellings(document: Any, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(name, text): the document as compact, as indented, as key-shuffled and as escaped JSON text."""
    yield "compact", json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    yield "indented", json.dumps(document, ensure_ascii=False, indent=2)
    yield "shuffled", json.dumps(shuffled(document, rng), ensure_ascii=False)
    yield "escaped", json.dumps(document, ensure_ascii=True, separators=(" ,\t", "\n: "))


def shuffled(document: Any, rng: random.Random) -> Any:
    """The same document, the keys of its objects in random order."""
    if isinstance(document, list):
        return [shuffled(member, rng) for member in document]
    if isinstance(document, dict):
        names = list(document)
        rng.shuffle(names)
        return {name: shuffled(document[name], rng) for name in names}
    return document


def repeats_a_key(text: str) -> bool:
    """Whether an object of a document has the same key twice. Validators see only the last one."""
    repeated = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({name for name, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=look)
    return repeated
