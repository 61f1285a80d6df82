"""One text while it is written: chosen tokens in, pieces of text out, until it ends.

A row with a grammar ends with EOS and is then complete: its budget keeps every step within what still leaves
room for the end. A row without one ends at EOS, at a stop string, or where its budget is used up.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from ..decoding.compile import CompiledGrammar
from ..decoding.rule_temperatures import rule_temperature
from ..decoding.vocabulary import Vocabulary
from ..grammars.errors import ConstraintError
from .choosing import Choosing
from .text_stream import TextStream

FinishReason: TypeAlias = Literal["stop", "length"]


@dataclass(frozen=True)
class TokenLogprob:
    """A token and what the model alone, before any mask, gives to it and to the likeliest others.

    logprob: natural logarithm. alternatives: pairs of token id and logprob, the likeliest first.
    """

    token_id: int
    logprob: float
    alternatives: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Piece:
    """What a step adds to text `index` of a job. finish_reason: why it ended, if it did."""

    index: int
    text: str
    n_tokens: int
    logprobs: tuple[TokenLogprob, ...]
    finish_reason: FinishReason | None


Event: TypeAlias = "Piece | ConstraintError"


@dataclass(eq=False)
class Job:
    """Texts that are wanted after one prompt.

    compiled: the grammar; None: any text. max_tokens: of each text, the end included. n_top_logprobs: None:
    no log-probabilities; else so many alternatives beside each token. special_names: what special tokens are
    in the text; those that are not there are left out. deliver: is handed each piece, or one
    error; called from the thread of the scheduler.
    """

    prompt_ids: Sequence[int]
    max_tokens: int
    deliver: Callable[[Event], None]
    compiled: CompiledGrammar | None = None
    n: int = 1
    choosing: Choosing = field(default_factory=Choosing)
    seed: int | None = None
    stop_strings: tuple[str, ...] = ()
    n_top_logprobs: int | None = None
    special_names: Mapping[int, bytes] = field(default_factory=dict)
    is_cancelled: bool = False
    waits_since: float = 0.0  # of the scheduler

    def cancel(self) -> None:
        """Nobody wants it any more; its rows leave before the next step. From any thread."""
        self.is_cancelled = True


class Row:
    """Text `index` of a job. matcher: None without a grammar."""

    def __init__(self, job: Job, index: int, vocabulary: Vocabulary) -> None:
        self.job = job
        self.matcher: Any = None if job.compiled is None else job.compiled.matcher()
        self.budget = job.max_tokens
        self.written: Counter[int] = Counter()
        self.is_finished = False
        self.last_token_id = -1
        self._index = index
        self._vocabulary = vocabulary
        self._text = TextStream(job.stop_strings)
        # The first text has the seed itself: with n = 1 and n = 3 it is the same.
        self._random = random.Random(None if job.seed is None else f"{job.seed} {index}")

    @property
    def choosing(self) -> Choosing:
        """How the next token is chosen: at the temperature of the rule of the grammar in which it is, if that
        has one."""
        rule = rule_temperature(self.matcher)
        return self.job.choosing if rule is None else replace(self.job.choosing, temperature=rule)

    def uniform(self) -> float:
        """The row's next number from [0, 1)."""
        return self._random.random()

    def accept(self, token_id: int, logprob: TokenLogprob | None) -> Piece:
        """Go on by a token.

        Raises:
            TokenRejectedError: the grammar does not allow it.
        """
        if self.matcher is not None:
            self.matcher.accept_token(token_id)
        self.last_token_id = token_id
        self.budget -= 1
        if self.job.choosing.counts_tokens:
            self.written[token_id] += 1
        is_end = token_id in self._vocabulary.eos_token_ids
        is_last = is_end or self.budget == 0
        data = b"" if is_end else self._bytes(token_id)
        text = self._text.feed(data, is_last=is_last)
        finish_reason: FinishReason | None = None
        if is_end or self._text.is_stopped:
            finish_reason = "stop"
        elif is_last:
            finish_reason = "length"
        self.is_finished = finish_reason is not None
        # Texts have no place for their end, nor have their log-probabilities.
        logprobs = () if logprob is None or is_end else (logprob,)
        return Piece(self._index, text, 1, logprobs, finish_reason)

    def _bytes(self, token_id: int) -> bytes:
        if token_id in self.job.special_names:
            return self.job.special_names[token_id]
        return self._vocabulary.token_bytes(token_id) if token_id < self._vocabulary.vocab_size else b""
