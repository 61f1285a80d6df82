"""A length, a vocabulary and perhaps a grammar in, matchers that keep the length out.

`compile_length` gives what stands beside a `CompiledGrammar`: its matchers accept tokens, fill bitmasks, go
back and know what it takes to finish, so that processors and `generate()` use them as they use a grammar's. A
token is allowed if and only if a text within the bounds, and within the budget, can still be finished after
it (`length_costs.py`, `length_spaces.py`): every text ends and has the length, whatever the model wants.

Cost: 0.1 to 0.3 ms for a mask of 128,000 tokens, 10 us where the same verdicts came before; 5 to 20 ms
where a token leads to a new place between words for the first time, some 20 times for a vocabulary and a
unit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ..grammars.errors import UnsatisfiableError, UnsupportedFeatureError
from .arguments import checked_instance, checked_integer
from .automaton_tables import FINISHED, NO_LIMIT, NOT_ALLOWED, START, AutomatonTables
from .compile import CompiledGrammar
from .errors import (
    ArgumentIndexError,
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    NoAllowedTokenError,
    TokenRejectedError,
)
from .length import Length
from .length_automata import length_automaton
from .length_costs import NEVER
from .length_spaces import FreeTexts, GrammarTexts, Partition, Space
from .token_effects import TokenEffects
from .vocabulary import Vocabulary

MOST_ROWS = 512  # packed rows kept by a compiled length: 8 MB with 128,000 tokens

_effects: WeakKeyDictionary[Vocabulary, dict[tuple[str, str, str], TokenEffects]] = WeakKeyDictionary()


class CompiledLength:
    """A length bound to a vocabulary, alone or with a grammar. Made by `compile_length`.

    Attributes:
        length: what was asked for.
        vocabulary: the tokens.
        grammar: the compiled grammar, or None for free texts.
        ends_at: where its texts end: "sentence", or "anywhere" where that was asked for, or where no text of
            this length can end with a sentence.
    """

    def __init__(
        self,
        length: Length,
        vocabulary: Vocabulary,
        grammar: CompiledGrammar | None,
        ends_at: str,
        space: Any,
    ) -> None:
        self.length = length
        self.vocabulary = vocabulary
        self.grammar = grammar
        self.ends_at = ends_at
        self.space: Space[Any] = space
        self._rows: OrderedDict[tuple[int, bytes], npt.NDArray[np.int32]] = OrderedDict()

    @property
    def tokens_to_finish(self) -> int:
        """Tokens that always suffice for a text of this length, EOS included."""
        return self.space.cost(self.space.start()) + 1

    def matcher(self) -> LengthMatcher:
        """A matcher at the beginning of a text."""
        return LengthMatcher(self)

    def packed_row(self, groups: Partition, allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Bits of the tokens whose group is allowed, int32 [ceil(vocab_size / 32)]; the last rows are
        kept.
        """
        key = (id(groups), np.packbits(allowed).tobytes())  # the groups of a place live as long as the space
        row = self._rows.get(key)
        if row is None:
            bits = np.packbits(groups.spread(allowed, self.vocabulary.vocab_size), bitorder="little")
            row = np.zeros((self.vocabulary.vocab_size + 31) // 32, dtype="<i4")
            row.view(np.uint8)[: len(bits)] = bits
            self._rows[key] = row
            if len(self._rows) > MOST_ROWS:
                self._rows.popitem(last=False)
        return row

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_length, (self.length, self.grammar or self.vocabulary)

    def __repr__(self) -> str:
        with_grammar = "" if self.grammar is None else f" of {type(self.grammar.grammar).__name__}"
        return f"<CompiledLength: {self.length}{with_grammar}, {self.vocabulary!r}>"


def compile_length(length: Length, source: Vocabulary | CompiledGrammar) -> CompiledLength:
    """Bind a length to a vocabulary, for free texts, or to a compiled grammar.

    Free texts are all of UTF-8. With a grammar, the length is that of the whole text (of a JSON document: its
    quotes, escapes and blanks included), special tokens are not written, and the grammar must have a token
    automaton (`CompiledGrammar.token_automaton` says which have one).

    Raises:
        UnsatisfiableError: no text has this length, or the vocabulary cannot spell one.
        UnsupportedFeatureError: the grammar has no token automaton; items with a grammar.
        LimitExceededError: grammar and length together, or a vocabulary that lacks bytes and the length,
            have too many states.
        ArgumentTypeError: an argument is of another kind.
    """
    checked_instance("length", length, Length, "a Length", "write tt.Length(words=50)")
    checked_instance(
        *("source", source, (Vocabulary, CompiledGrammar), "a Vocabulary or a CompiledGrammar"),
        advice="make one with Vocabulary.from_tokenizer(tokenizer) or compile_grammar()",
    )
    grammar = source if isinstance(source, CompiledGrammar) else None
    vocabulary = source.vocabulary if isinstance(source, CompiledGrammar) else source
    if grammar is not None and length.kind == "items":
        raise UnsupportedFeatureError(
            "a number of items together with a grammar", advice="write minItems and maxItems in the schema"
        )
    ends_at = length.ends_at or ("sentence" if grammar is None and length.kind != "items" else "anywhere")
    tables = _free_tables(vocabulary) if grammar is None else _tables_of(grammar, length)
    for choice in dict.fromkeys([ends_at, "anywhere"]):
        effects = _effects_of(vocabulary, length, choice)
        space: Space[Any] = (
            FreeTexts(effects, list(vocabulary.tokens), length.least, length.most)
            if tables is None
            else GrammarTexts(tables, effects, length.least, length.most)
        )
        if space.cost(space.start()) < NEVER:
            return CompiledLength(length, vocabulary, grammar, choice, space)
    raise _impossible(length, grammar)


def with_length(compiled: CompiledGrammar | CompiledLength, length: Length) -> CompiledLength:
    """`compile_length` for a grammar that has none yet.

    Raises:
        ArgumentValueError: it has. And as `compile_length`.
    """
    if isinstance(compiled, CompiledLength):
        raise ArgumentValueError(
            "length must not be given for what has a length already", got=length, advice="leave it out"
        )
    return compile_length(length, compiled)


_UTF_8 = bytes(byte for byte in range(256) if byte not in (0xC0, 0xC1) and byte < 0xF5)


def _free_tables(vocabulary: Vocabulary) -> AutomatonTables | None:
    """None where every byte is a token, so that costs may count bytes. Elsewhere the token automaton of all
    texts, as if they were a grammar's.
    """
    if not vocabulary.missing_bytes(_UTF_8):
        return None
    token_classes = np.zeros(vocabulary.vocab_size, dtype=np.int32)
    token_classes[vocabulary.text_token_ids] = 1
    token_classes[list(vocabulary.eos_token_ids)] = 2
    return AutomatonTables(
        token_classes,
        transitions=np.array(
            [[NOT_ALLOWED, NOT_ALLOWED, FINISHED], [NOT_ALLOWED, START, FINISHED]], dtype=np.int32
        ),
        costs=np.array([0, 1], dtype=np.int32),
        accepting=np.array([True, True]),
        start_states=np.array([START], dtype=np.int32),
        most_tokens=np.array([NO_LIMIT], dtype=np.int32),
        eos_token_ids=tuple(vocabulary.eos_token_ids),
        fingerprint=vocabulary.fingerprint,
    )


def _tables_of(grammar: CompiledGrammar, length: Length) -> AutomatonTables:
    """The token automaton; of texts of so many tokens only, where that is the length."""
    most = None if length.kind != "tokens" or length.most is None else length.most + 1
    try:
        return grammar.token_automaton(max_tokens=most).tables
    except BudgetTooSmallError as error:
        raise _impossible(length, grammar) from error
    except UnsupportedFeatureError as error:
        # The automaton's own advice names an option that lengths do not have.
        error.advice = error.advice.replace("give max_tokens=N", "give a length in tokens, with a most")
        raise


def _impossible(length: Length, grammar: CompiledGrammar | None) -> UnsatisfiableError:
    return UnsatisfiableError(
        f"no text of {'these tokens' if grammar is None else 'this grammar'} has {length}",
        advice="ask for another length, or a range",
    )


def _effects_of(vocabulary: Vocabulary, length: Length, ends_at: str) -> TokenEffects:
    known = _effects.setdefault(vocabulary, {})
    key = (length.kind, length.word_rule, ends_at)
    if key not in known:
        automaton = length_automaton(*key)
        known[key] = TokenEffects(vocabulary, automaton, counts_tokens=length.kind == "tokens")
    return known[key]


class LengthMatcher:
    """State of one sequence. Made by `CompiledLength.matcher()`; methods as those of `Matcher`."""

    def __init__(self, compiled: CompiledLength) -> None:
        self.compiled = compiled
        self._space = compiled.space
        self._states = [self._space.start()]
        self.is_terminated = False

    @property
    def n_accepted(self) -> int:
        """Tokens accepted so far, EOS included."""
        return len(self._states) - 1 + self.is_terminated

    @property
    def is_accepting(self) -> bool:
        """Whether the text may end here (EOS is allowed, or has been accepted)."""
        return self.is_terminated or self._space.may_end(self._states[-1])

    @property
    def tokens_to_finish(self) -> int:
        """Tokens that always suffice to end within the bounds, EOS included."""
        return 0 if self.is_terminated else self._space.cost(self._states[-1]) + 1

    def allows_token(self, token_id: int) -> bool:
        """Whether the token may come next."""
        return self._next(checked_integer("token_id", token_id)) is not None

    def accept_token(self, token_id: int) -> None:
        """Go on by one token.

        Raises:
            TokenRejectedError: it is not allowed; the state is unchanged.
        """
        if not self._try(checked_integer("token_id", token_id)):
            known = 0 <= token_id < self.compiled.vocabulary.n_tokens
            raise TokenRejectedError(
                token_id,
                position=self.n_accepted,
                expected=f"a text of {self.compiled.length}",
                token=self.compiled.vocabulary.token_bytes(token_id) if known else None,
            )

    def try_accept_tokens(self, token_ids: Iterable[int]) -> int:
        """Accept tokens up to the first illegal one; how many were accepted."""
        checked_instance("token_ids", token_ids, Iterable, "a list of integers")
        accepted = 0
        for token_id in token_ids:
            if not self._try(checked_integer("token_ids", token_id)):
                break
            accepted += 1
        return accepted

    def fill_bitmask(self, bitmask: Any, row: int = 0, budget: int | None = None) -> None:
        """Write the allowed tokens into a row of packed bits; shapes and budget as for `Matcher`.

        Raises:
            BudgetTooSmallError: the budget is smaller than `tokens_to_finish`.
            NoAllowedTokenError: no token may come next.
            ArgumentValueError, ArgumentIndexError: the bitmask has another shape, or no such row.
        """
        out = _row_of(bitmask, row, self.compiled.vocabulary.vocab_size)
        out[:] = 0
        may_end = self.is_accepting
        if not self.is_terminated:
            left = NEVER if budget is None else checked_integer("budget", budget)
            if left < self.tokens_to_finish:
                raise BudgetTooSmallError(self.tokens_to_finish, left)
            groups, costs = self._space.options(self._states[-1])
            allowed = costs <= min(left - 2, NEVER - 1)  # this token and EOS
            if not may_end and not allowed.any():
                self._refuse_empty()
            packed = self.compiled.packed_row(groups, allowed)
            out[: len(packed)] = packed
        if may_end:
            for token_id in self.compiled.vocabulary.eos_token_ids:
                out.view(np.uint32)[token_id >> 5] |= np.uint32(1 << (token_id & 31))

    def row_id(self, budget: int | None = None) -> int:
        """-1: rows are not numbered, as those of a grammar are."""
        return -1

    def forced_tokens(self) -> list[int]:
        """What must come next: nothing, since a length leaves a choice nearly everywhere."""
        return []

    def rollback(self, n_tokens: int) -> None:
        """Take back the last tokens.

        Raises:
            ArgumentIndexError: fewer were accepted.
        """
        n_tokens = checked_integer("n_tokens", n_tokens, least=0)
        if n_tokens > self.n_accepted:
            raise ArgumentIndexError(f"n_tokens must be at most {self.n_accepted}", got=n_tokens)
        kept = self.n_accepted - n_tokens
        self.is_terminated = self.is_terminated and n_tokens == 0
        del self._states[kept + 1 :]

    def reset(self) -> None:
        """Back to the beginning."""
        self.rollback(self.n_accepted)

    def copy(self) -> LengthMatcher:
        """A matcher in the same state, with the same history."""
        other = LengthMatcher(self.compiled)
        other._states = list(self._states)
        other.is_terminated = self.is_terminated
        return other

    __copy__ = copy

    def __reduce__(self) -> NoReturn:
        raise TypeError("a matcher does not pickle; pickle the compiled length and the accepted tokens")

    def _next(self, token_id: int) -> Any:
        """The state after a token, True after EOS, or None."""
        vocabulary = self.compiled.vocabulary
        if not 0 <= token_id < vocabulary.vocab_size:
            return None
        if token_id in vocabulary.eos_token_ids:
            return self.is_accepting or None
        following = None if self.is_terminated else self._space.after(self._states[-1], token_id)
        return following if following is not None and self._space.cost(following) < NEVER else None

    def _try(self, token_id: int) -> bool:
        following = None if self.is_terminated else self._next(token_id)
        if following is None:
            return False
        if following is True:
            self.is_terminated = True
        else:
            self._states.append(following)
        return True

    def _refuse_empty(self) -> NoReturn:
        raise NoAllowedTokenError(range(self.n_accepted), message="no text of this length goes on from here")


def _row_of(bitmask: Any, row: int, vocab_size: int) -> npt.NDArray[np.int32]:
    """One row of a bitmask, numpy or torch memory of a CPU, that can be written."""
    array: Any
    try:
        array = bitmask if isinstance(bitmask, np.ndarray) else bitmask.numpy()
    except (AttributeError, TypeError, RuntimeError):  # nothing that has memory, or that of another device
        array = None
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != np.int32
        or array.ndim not in (1, 2)
        or not array.flags.writeable
    ):
        raise ArgumentTypeError(
            "bitmask must be int32 of shape [rows, words], writable and in the memory of the CPU",
            got=getattr(bitmask, "shape", bitmask),
            advice="use allocate_bitmask()",
        )
    rows = array[None] if array.ndim == 1 else array
    if rows.shape[1] * 32 < vocab_size:
        raise ArgumentValueError(f"bitmask must have a bit for each of {vocab_size} tokens", got=array.shape)
    if not 0 <= checked_integer("row", row) < len(rows):
        raise ArgumentIndexError(f"row must be from 0 to {len(rows) - 1}", got=row)
    return rows[row]
