"""Why an engine refused a document: the byte, with a caret under it, and what could have come there.

In: an engine and one problem. Out: text. A mask speaks of whole tokens, so the byte is found inside the
refused token: the longest beginning that it shares with a token that was allowed; and what could come next
are the bytes with which those allowed tokens go on. No clock and no limits here; it is meant for a person who
looks at one schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...decoding.bitmask import unpack_bitmask
from .engines import Engine, EngineError
from .measure import replay
from .problems import Instance, Problem

CONTEXT_BYTES = 60
SHOWN_BYTES = 40
END = "end of text"


def explain(engine: Engine[Any, Any], problem: Problem, token_bytes: list[bytes]) -> str:
    """What the engine does with a schema and with each of its documents."""
    try:
        grammar = engine.compile(problem.schema)
    except EngineError as error:
        return f"{problem.name}: the schema is refused: {error}"
    lines = [f"{problem.name}: the schema compiles; {len(problem.instances)} documents"]
    for number, instance in enumerate(problem.instances):
        accepted, token, reason = replay(engine, grammar, instance, [])
        expected = "valid" if instance.valid else "invalid"
        right = "right" if accepted is instance.valid else "WRONG"
        done = {True: "accepted", False: "refused", None: f"failed ({reason})"}[accepted]
        lines.append(f"document {number}, {expected}: {done}, {right}")
        if accepted is False:
            lines += _show(engine, instance, token, reason, token_bytes)
    return "\n".join(lines)


def _show(
    engine: Engine[Any, Any], instance: Instance, token: int, reason: str, token_bytes: list[bytes]
) -> list[str]:
    """The place in the text, and what the mask (still in the engine's row) would have allowed there."""
    offset = instance.byte_offset(token, token_bytes)
    refused = token_bytes[instance.token_ids[token]] if token < len(instance.token_ids) else b""
    allowed = [token_bytes[token_id] for token_id in allowed_tokens(engine, len(token_bytes))]
    shared = longest_shared_beginning(refused, allowed)
    following = {
        spelling[shared]
        for spelling in allowed
        if len(spelling) > shared and spelling[:shared] == refused[:shared]
    }
    ending = any(engine.allows(token_id) for token_id in engine.eos_token_ids)
    what = f"token {token} {refused.decode(errors='replace')!r}" if refused else END
    return [
        f"  at byte {offset + shared}, {what}: {reason}",
        *caret(instance.text.encode(), offset + shared),
        f"  next expected: {describe_bytes(following, ending and not shared)}",
    ]


def allowed_tokens(engine: Engine[Any, Any], vocabulary_size: int) -> list[int]:
    """Ids whose bits are set in the engine's row."""
    bits = unpack_bitmask(engine.words.view(np.int32), vocabulary_size)
    return [int(token_id) for token_id in np.flatnonzero(bits)]


def longest_shared_beginning(refused: bytes, allowed: Iterable[bytes]) -> int:
    """How many bytes of the refused token some allowed token begins with."""
    beginnings = {refused[:length] for length in range(1, len(refused) + 1)}
    shared = 0
    for spelling in allowed:
        while shared < len(refused) and spelling[: shared + 1] in beginnings and len(spelling) > shared:
            shared += 1
    return shared


def caret(text: bytes, offset: int) -> list[str]:
    """The surroundings of a byte in one line, and a caret under it in the next."""
    start = max(0, offset - CONTEXT_BYTES)
    before = text[start:offset].decode(errors="replace").translate(_VISIBLE)
    after = text[offset : offset + CONTEXT_BYTES].decode(errors="replace").translate(_VISIBLE)
    cut = "..." if start else ""
    return [f"    {cut}{before}{after}", "    " + " " * len(cut + before) + "^"]


def describe_bytes(following: set[int], ending: bool) -> str:
    """A set of bytes in words: runs are joined, printable ones shown as they are."""
    runs: list[list[int]] = []
    for byte in sorted(following):
        if runs and byte == runs[-1][1] + 1:
            runs[-1][1] = byte
        else:
            runs.append([byte, byte])
    shown = [
        _name(low) if low == high else f"{_name(low)} to {_name(high)}" for low, high in runs[:SHOWN_BYTES]
    ]
    if ending:
        shown.append(END)
    return ", ".join(shown) or "nothing (no token is allowed)"


def _name(byte: int) -> str:
    return repr(chr(byte)) if byte < 0x80 else f"byte {byte:#04x}"


_VISIBLE = {ord("\n"): "\N{SYMBOL FOR NEWLINE}", ord("\t"): "\N{SYMBOL FOR HORIZONTAL TABULATION}"}
