"""A length, a vocabulary and perhaps a grammar in, what makes matchers that keep the length out.

`compile_length` gives what stands beside a `CompiledGrammar`. For free texts the space of what can be written
is that of all UTF-8; where the vocabulary lacks bytes, and with a grammar, it is made of a token automaton
(`length_spaces.py`). Tables of a vocabulary are made once for each unit and kept with it; rows of packed bits
are kept by the compiled length, the last few hundred.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ..grammars.errors import UnsatisfiableError, UnsupportedFeatureError
from .arguments import checked_instance
from .automaton_tables import FINISHED, NO_LIMIT, NOT_ALLOWED, START, AutomatonTables
from .compile import CompiledGrammar
from .errors import ArgumentValueError, BudgetTooSmallError
from .length import Length
from .length_automata import length_automaton
from .length_costs import NEVER
from .length_matcher import LengthMatcher
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
            FreeTexts(vocabulary, effects, length)
            if tables is None
            else GrammarTexts(tables, effects, length)
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
