"""What one server takes on: the limits that protect it from large, slow and many requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Every limit ends in an HTTP status of its own, named beside it.

    most_body_bytes: of one request (413).
    most_grammar_characters: of one schema, pattern or grammar as text (400).
    compile_seconds: to read and compile one of them, and to write a prompt (400).
    mask_seconds: for one mask of a text (400); the others in the batch wait for so long at most.
    most_grammars: compiled grammars that are kept; the one that was used longest ago goes first.
    most_rows: texts that are written at the same time, so also the most `n` (400).
    most_waiting: requests that wait for their turn (429).
    wait_seconds: how long one may wait until it is refused (503).
    most_new_tokens: of one text; None: what the model's context leaves (400).
    body_seconds: to receive the body of a request (408).
    """

    most_body_bytes: int = 1 << 20
    most_grammar_characters: int = 1 << 18
    compile_seconds: float = 5.0
    mask_seconds: float = 2.0
    most_grammars: int = 256
    most_rows: int = 8
    most_waiting: int = 64
    wait_seconds: float = 120.0
    most_new_tokens: int | None = None
    body_seconds: float = 30.0
