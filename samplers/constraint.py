"""What a text has to obey: a grammar, a predicate in Python, or both, and a number of tokens it has to end
in.

A predicate answers two questions about a text: whether it may still become right (`prefix`), and whether it
is right as it stands (`complete`). It sees characters: bytes at the end that are not a whole character yet
are left out of what `prefix` is asked, and EOS asks `complete`. Answers are remembered by text, since rows
that were copied ask the same again. The grammar is asked about one token at a time (`allows`), or for all at
once (`fill`), within the budget: token t may be written with B tokens left if the text can end within B - 1
after it. With one token left only EOS may come. What a sampler calls the constrained law is the model's law
given that every token was allowed, up to EOS.
"""

from __future__ import annotations

import codecs
import inspect
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..decoding.arguments import checked_instance, checked_integer
from ..decoding.bitmask import allocate_bitmask, unpack_bitmask
from ..decoding.compile import CompiledGrammar
from ..decoding.compiled_length import CompiledLength
from ..decoding.errors import (
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    TokenRejectedError,
)
from ..decoding.length_matcher import LengthMatcher
from ..decoding.matcher import Matcher
from ..decoding.rule_temperatures import rule_temperature
from ..decoding.vocabulary import Vocabulary
from .healing import MOST_BYTES, NEVER, Tail

_MOST_ANSWERS = 100_000  # remembered at a time


class Predicate(Protocol):
    """A rule that no grammar says. Its answers depend on the text alone."""

    def prefix(self, text: str) -> bool:
        """Whether the text may be the beginning of a right one. True where that is not known: then weights
        stay unbiased and become uneven.
        """

    def complete(self, text: str) -> bool:
        """Whether the text is right as it stands."""


def check_predicate(predicate: Any) -> None:
    """Raise ArgumentTypeError unless this is a predicate, or None."""
    if predicate is None:
        return
    asked = [getattr(predicate, name, None) for name in ("prefix", "complete")]
    if not all(map(callable, asked)):
        raise ArgumentTypeError(
            "predicate must have the methods prefix(text) and complete(text)",
            got=predicate,
            advice="docs/predicates.md shows one; prefix may always return True",
        )
    if isinstance(predicate, type) or any(map(inspect.iscoroutinefunction, asked)):
        raise ArgumentTypeError(
            "predicate must be an object whose methods answer at once", got=predicate, advice="make one"
        )


class Constraint:
    """What every text of one run has to obey; shared by its rows.

    source: a compiled grammar or length, or a vocabulary for all texts of text tokens.
    predicate: asked besides, or None.
    max_new_tokens: most tokens of a text, EOS included.
    tail: bytes of the prompt that the model writes anew, before the text (`healing.py`).
    n_checks: how often the grammar was asked about one token, or the predicate about a text; what was
        remembered does not count.

    Raises:
        BudgetTooSmallError: the grammar's shortest text does not fit.
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        source: CompiledGrammar | CompiledLength | Vocabulary,
        *,
        predicate: Predicate | None = None,
        max_new_tokens: int,
        tail: bytes = b"",
    ) -> None:
        if not isinstance(source, (CompiledGrammar, CompiledLength, Vocabulary)):
            raise ArgumentTypeError(
                "source must be a CompiledGrammar, a CompiledLength or a Vocabulary",
                got=source,
                advice="compile it: tt.compile_grammar(grammar, vocabulary)",
            )
        check_predicate(predicate)
        self.max_new_tokens = checked_integer("max_new_tokens", max_new_tokens, least=1)
        self.compiled = None if isinstance(source, Vocabulary) else source
        self.vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
        self.predicate = predicate
        self.n_checks = 0
        self.eos_token_ids = frozenset(self.vocabulary.eos_token_ids)
        self.vocab_size = self.vocabulary.vocab_size
        self._answers: OrderedDict[tuple[bytes, bool], bool] = OrderedDict()
        self.tail = self._checked_tail(tail)
        if self.tail is not None:
            needed = self.tail.fewest(tail)
        else:
            needed = 1 if self.compiled is None else self.compiled.matcher().tokens_to_finish
        if needed >= NEVER:
            raise ArgumentValueError("tail must be such that tokens spell it before a text", got=tail)
        if needed > self.max_new_tokens:
            raise BudgetTooSmallError(needed, self.max_new_tokens)
        if self.compiled is None:
            self._ends_only = _bits(self.vocab_size, self.vocabulary.eos_token_ids)
            text_ids = self.vocabulary.text_token_ids
            self._any_text = _bits(self.vocab_size, [*text_ids.tolist(), *self.vocabulary.eos_token_ids])

    @property
    def identity(self) -> Hashable:
        """Equal for constraints that allow the same texts."""
        source = self.vocabulary if self.compiled is None else self.compiled
        return source, _Same(self.predicate), self.max_new_tokens, self.tail and self.tail.text

    def start(self) -> ConstraintState:
        """The state before the first token."""
        matcher = None if self.compiled is None else self.compiled.matcher()
        if self.tail is not None:
            return _TailState(self, matcher, (), self.tail)
        return ConstraintState(self, matcher, (), b"")

    def _checked_tail(self, tail: bytes) -> Tail | None:
        checked_instance("tail", tail, bytes, "bytes")
        if not tail:
            return None
        if len(tail) > MOST_BYTES:
            raise ArgumentValueError(f"tail must have at most {MOST_BYTES} bytes", got=len(tail))
        if isinstance(self.compiled, CompiledLength):
            raise ArgumentTypeError("source must be no length, with a tail", got=self.compiled)
        return Tail(tail, self.compiled, self.vocabulary)

    def is_right(self, text: bytes, *, is_end: bool) -> bool:
        """What the predicate says of a text, or of a beginning; text that is not UTF-8 is never right."""
        if self.predicate is None:
            return True
        key = (text, is_end)
        known = self._answers.get(key)
        if known is None:
            known = self._ask(self.predicate, text, is_end)
            self._answers[key] = known
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)
        return known

    def _ask(self, predicate: Predicate, text: bytes, is_end: bool) -> bool:
        try:
            # Not final: bytes that may become a character are held back.
            characters = codecs.getincrementaldecoder("utf-8")().decode(text, is_end)
        except UnicodeDecodeError:
            return False
        self.n_checks += 1
        answer: Any = predicate.complete(characters) if is_end else predicate.prefix(characters)
        if not isinstance(answer, (bool, np.bool_)):
            name = "complete" if is_end else "prefix"
            raise ArgumentTypeError(f"predicate.{name}(text) must answer True or False", got=answer)
        return bool(answer)

    def forget_answers(self) -> None:
        """What the predicate said of texts is asked again: for measurements."""
        self._answers.clear()

    def fill_free(self, bitmask: npt.NDArray[np.int32], row: int, left: int) -> None:
        """Without a grammar: the tokens of any text, or EOS alone if that is all that fits."""
        bitmask[row] = self._any_text if left > 1 else self._ends_only

    def allows_free(self, token_id: int, left: int) -> bool:
        """As `fill_free`, for one token."""
        bits = self._any_text if left > 1 else self._ends_only
        return 0 <= token_id < self.vocab_size and bool(bits[token_id // 32] >> (token_id % 32) & 1)


class _Same:
    """Equal for one and the same object, which is kept: an id may be given again when its owner is gone."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


class ConstraintState:
    """Where one text stands. Moved on by `after`, which leaves it as it was.

    token_ids: the tokens so far. text: their bytes. is_finished: whether EOS has come.
    """

    __slots__ = ("_constraint", "_matcher", "is_finished", "text", "token_ids")

    def __init__(
        self,
        constraint: Constraint,
        matcher: Matcher | LengthMatcher | None,
        token_ids: tuple[int, ...],
        text: bytes,
    ) -> None:
        self._constraint = constraint
        self._matcher = matcher
        self.token_ids = token_ids
        self.text = text
        self.is_finished = bool(token_ids) and token_ids[-1] in constraint.eos_token_ids

    @property
    def constraint(self) -> Constraint:
        return self._constraint

    @property
    def left(self) -> int:
        """Tokens that may still be written, EOS included."""
        return self._constraint.max_new_tokens - len(self.token_ids)

    @property
    def temperature(self) -> float | None:
        """The temperature of the rule of the grammar in which the text is; None: it has none."""
        return rule_temperature(self._matcher)

    def after(self, token_id: int) -> ConstraintState:
        """The state after a token that is allowed.

        Raises:
            TokenRejectedError: the grammar does not allow it.
        """
        matcher = self._matcher
        if matcher is not None:
            matcher = matcher.copy()
            matcher.accept_token(token_id)
        text = self.text + self._constraint.vocabulary.token_bytes(token_id)
        return ConstraintState(self._constraint, matcher, (*self.token_ids, token_id), text)

    def before(self, place: int) -> ConstraintState:
        """The state after the first `place` tokens."""
        if self._constraint.tail is not None:
            state = self._constraint.start()
            for token_id in self.token_ids[:place]:
                state = state.after(token_id)
            return state
        kept, dropped = self.token_ids[:place], self.token_ids[place:]
        matcher = self._matcher
        if matcher is not None:
            matcher = matcher.copy()
            matcher.rollback(len(dropped))
        n_bytes = len(self.text) - sum(map(len, map(self._constraint.vocabulary.token_bytes, dropped)))
        return ConstraintState(self._constraint, matcher, kept, self.text[:n_bytes])

    def allows(self, token_id: int) -> bool:
        """Whether the token may come next, by grammar, budget and predicate."""
        return self.grammar_allows(token_id) and self.predicate_allows(token_id)

    def predicate_allows(self, token_id: int) -> bool:
        """Whether the predicate accepts the text with this token."""
        constraint = self._constraint
        if token_id in constraint.eos_token_ids:
            return constraint.is_right(self.text, is_end=True)
        return constraint.is_right(self.text + constraint.vocabulary.token_bytes(token_id), is_end=False)

    def grammar_allows(self, token_id: int) -> bool:
        """Whether grammar and budget allow the token: one walk over its bytes, no mask."""
        matcher, constraint = self._matcher, self._constraint
        if matcher is None:
            return constraint.allows_free(token_id, self.left)
        constraint.n_checks += 1
        if not 0 <= token_id < constraint.vocab_size or not matcher.allows_token(token_id):
            return False
        if token_id in constraint.eos_token_ids:
            return True
        matcher.accept_token(token_id)
        fits = matcher.tokens_to_finish < self.left
        matcher.rollback(1)
        return fits

    def fill(self, bitmask: npt.NDArray[np.int32], row: int = 0) -> None:
        """Set the bits of the tokens that grammar and budget allow; the predicate is not asked.

        bitmask: int32, shape [rows, ceil(vocab_size / 32)].
        """
        if self._matcher is None:
            self._constraint.fill_free(bitmask, row, self.left)
        else:
            self._matcher.fill_bitmask(bitmask, row, budget=self.left)


class _TailState(ConstraintState):
    """While the model still writes the end of the prompt. There is no text yet, and no end."""

    __slots__ = ("_rest", "_tail")

    def __init__(
        self,
        constraint: Constraint,
        matcher: Matcher | LengthMatcher | None,
        token_ids: tuple[int, ...],
        tail: Tail,
        rest: bytes | None = None,
    ) -> None:
        super().__init__(constraint, matcher, token_ids, b"")
        self._tail = tail
        self._rest = tail.text if rest is None else rest

    @property
    def temperature(self) -> None:
        return None

    def after(self, token_id: int) -> ConstraintState:
        constraint, rest = self._constraint, self._rest
        spelled = constraint.vocabulary.token_bytes(token_id)
        token_ids = (*self.token_ids, token_id)
        if spelled and len(spelled) < len(rest) and rest.startswith(spelled):
            return _TailState(constraint, self._matcher, token_ids, self._tail, rest[len(spelled) :])
        begun = spelled[len(rest) :]
        matcher, goes_on = self._matcher, spelled.startswith(rest)
        if goes_on and begun and isinstance(matcher, Matcher):  # no length comes with a tail
            matcher = matcher.copy()
            goes_on = matcher.read_bytes(begun)
        if not goes_on:
            place, wanted = len(self.token_ids), repr(rest)[1:]
            raise TokenRejectedError(token_id, position=place, expected=wanted, token=spelled)
        return ConstraintState(constraint, matcher, token_ids, begun)

    def predicate_allows(self, token_id: int) -> bool:
        begun = self._constraint.vocabulary.token_bytes(token_id)[len(self._rest) :]
        return not begun or self._constraint.is_right(begun, is_end=False)

    def grammar_allows(self, token_id: int) -> bool:
        self._constraint.n_checks += 1
        tokens, costs = self._tail.next_tokens(self._rest)
        return bool(((tokens == token_id) & (costs < self.left)).any())

    def fill(self, bitmask: npt.NDArray[np.int32], row: int = 0) -> None:
        tokens, costs = self._tail.next_tokens(self._rest)
        bitmask[row] = _bits(self._constraint.vocab_size, tokens[costs < self.left].tolist())


def allowed_by_grammar(states: Sequence[ConstraintState], n_logits: int, device: Any = None) -> Any:
    """bool [states, n_logits], the tokens that grammar and budget allow after each of the states."""
    import torch

    vocab_size = states[0].constraint.vocab_size
    bitmask = allocate_bitmask(len(states), vocab_size)
    for row, state in enumerate(states):
        state.fill(bitmask, row)
    allowed = torch.from_numpy(unpack_bitmask(bitmask, n_logits))
    return allowed if device is None else allowed.to(device)


def _bits(vocab_size: int, token_ids: Sequence[int]) -> npt.NDArray[np.int32]:
    flags = np.zeros((vocab_size + 31) // 32 * 32, dtype=np.uint8)
    flags[list(token_ids)] = 1
    return np.packbits(flags, bitorder="little").view(np.int32)
