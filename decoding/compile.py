"""Grammar x vocabulary -> CompiledGrammar: the one module that sees both the front ends and the core.

The core's tables of a vocabulary (trie, automata, splits) are made once and shared by all its grammars; they
live as long as the vocabulary, and learn what most JSON Schemas need before the first one (`rehearsal.py`).
Compiling a grammar checks that the vocabulary can spell a shortest document; everything else happens when a
document reaches it. (To expand the first states in advance, for up to 400 us, was tried on 300 schemas of
MaskBench: it doubled the time to the first mask and saved nothing afterwards, since documents reach but a few
of these states.)
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .._ext import core
from ..grammars.errors import (
    GrammarError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from ..grammars.grammar import (
    CallEdge,
    Grammar,
    LiteralsEdge,
    OthersEdge,
    PlainArray,
    PlainObject,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from ..grammars.json_schema import JsonSchemaGrammar, survey
from ..grammars.json_schema.layout import Whitespace
from ..grammars.utf8 import ANY_TEXT
from .arguments import checked_instance, checked_integer
from .automaton_tables import MOST_BYTES, MOST_STATES, export_tables
from .errors import BudgetTooSmallError, VocabularyError
from .matcher import Matcher
from .rehearsal import FEWEST_TOKENS, rehearse
from .token_automaton import TokenAutomaton
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

EDGE_KINDS = (
    TerminalEdge,
    StringEdge,
    LiteralsEdge,
    OthersEdge,
    CallEdge,
    TokenEdge,
)  # the order of the core
OUTLINES = (PlainObject, PlainArray)
# What the tables of a vocabulary may take before new grammars get new ones (the old ones go with the grammars
# that use them): some 450 schemas of MaskBench fill them. The last grammar adds its share, and 64 MB is what
# this is to keep.
MOST_TABLE_BYTES = 56 << 20

_ALL_BYTES = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])

_lexicons: WeakKeyDictionary[Vocabulary, core.Lexicon] = WeakKeyDictionary()
_rehearsed: WeakKeyDictionary[Vocabulary, set[str]] = WeakKeyDictionary()  # layouts of white space
_lock = threading.Lock()


def _limit_error(what: str, limit: int) -> LimitExceededError:
    return LimitExceededError(what, given=f"more than {limit}", limit=limit, advice="simplify the grammar")


def _recursion_error(message: str, advice: str) -> GrammarError:
    return GrammarError(message, advice=advice)


core.set_error_hooks(_limit_error, _recursion_error)
survey.faster = core.PlainSurvey


class CompiledGrammar(core.Compiled):
    """A grammar bound to a vocabulary. Immutable for its user; shared between threads; pickles by its
    sources.
    """

    vocabulary: Vocabulary
    grammar: Grammar

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        if not isinstance(grammar, Grammar):
            raise GrammarError(
                "compile_grammar needs a Grammar",
                got=grammar,
                advice="make one with from_json_schema(), from_regex() or from_choices()",
            )
        checked_instance(
            *("vocabulary", vocabulary, Vocabulary, "a Vocabulary"),
            advice="make one with Vocabulary.from_tokenizer(tokenizer)",
        )
        super().__init__(lexicon_of(vocabulary), grammar, EDGE_KINDS, OUTLINES)
        self.vocabulary = vocabulary
        if isinstance(grammar, JsonSchemaGrammar) and vocabulary.n_tokens >= FEWEST_TOKENS:
            _rehearse_once(grammar.whitespace, vocabulary)

    def matcher(self) -> Matcher:
        """A matcher at the beginning of a text."""
        return Matcher(self)

    def shortest_text(self, most: int = 10000) -> bytes:
        """The text of the document that `tokens_to_finish` counts (its first `most` bytes, or more)."""
        return super().shortest_text(checked_integer("most", most, least=0, most=2**31 - 1))

    def token_automaton(
        self,
        device: torch.device | str | None = None,
        *,
        max_tokens: int | None = None,
        max_states: int = MOST_STATES,
        max_bytes: int = MOST_BYTES,
    ) -> TokenAutomaton:
        """The whole grammar as tables, whose steps run on a device without waiting for the host.

        Exact: it allows what a matcher allows, and within a budget too. Only a grammar with finitely many
        states has one; rules that nest without bound need `max_tokens`.

        Args:
            device: where the tensors are to lie; by default the CPU. torch is loaded when they are asked for.
            max_tokens: leave out what no document of at most so many tokens, EOS included, reaches. Budgets
                of its rows are then at most that.
            max_states: most states, the one after EOS included.
            max_bytes: most bytes of memory while the tables are made, and of the tables.

        Raises:
            LimitExceededError: there are more states or bytes.
            UnsupportedFeatureError: rules have `max_tokens` or `temperature` of their own, or nest without
                bound and there is no `max_tokens`; objects may have keys of any text, which must not repeat;
                items must differ and are not enumerated. `got` is a text that leads there.
            BudgetTooSmallError: no document has as few as `max_tokens` tokens.
            ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds.
        """
        if self.grammar.token_limits or self.grammar.has_temperatures:
            raise UnsupportedFeatureError(
                "a token automaton of a grammar whose rules have max_tokens or temperature",
                advice="leave them out, or use GrammarProcessor",
            )
        tables = export_tables(
            self, core.TokenExport, max_tokens=max_tokens, max_states=max_states, max_bytes=max_bytes
        )
        return TokenAutomaton(tables, device)

    def __reduce__(self) -> tuple[object, ...]:
        return compile_grammar, (self.grammar, self.vocabulary)

    def __repr__(self) -> str:
        return f"CompiledGrammar({type(self.grammar).__name__}, {self.vocabulary!r})"


def lexicon_of(vocabulary: Vocabulary) -> core.Lexicon:
    """The core's tables of a vocabulary, made when first asked for.

    Raises:
        LimitExceededError: a token is longer than 8,192 bytes.
    """
    with _lock:
        found = _lexicons.get(vocabulary)
        if found is None or found.n_bytes > MOST_TABLE_BYTES:
            found = core.Lexicon(
                vocabulary.token_buffer,
                vocabulary.token_offsets,
                vocabulary.vocab_size,
                vocabulary.eos_token_ids,
                ANY_TEXT,
            )
            _lexicons[vocabulary] = found
            _rehearsed[vocabulary] = set()
        return found


def _rehearse_once(whitespace: Whitespace, vocabulary: Vocabulary) -> None:
    """Let the tables of the vocabulary learn what most schemas in this layout need."""
    with _lock:
        rehearsed = _rehearsed.setdefault(vocabulary, set())
        if str(whitespace) in rehearsed:
            return
        rehearsed.add(str(whitespace))
    rehearse(whitespace, vocabulary, CompiledGrammar)


def compile_grammar(grammar: Grammar, vocabulary: Vocabulary) -> CompiledGrammar:
    """Bind a grammar to a vocabulary.

    Raises:
        VocabularyError: the tokens cannot spell any shortest document; names the missing bytes.
        BudgetTooSmallError: no text of a rule has as few tokens as its `max_tokens`.
        LimitExceededError: an automaton of the grammar grows past its limit.
        ArgumentTypeError: it is no Vocabulary.
        UnsatisfiableError: a Lark grammar whose lexemes leave no text that the rules take.
        GrammarError: it is no Grammar, a rule calls itself before it reads anything, or what the front end
            finds on demand; a special token of it is none of the vocabulary, is text there, or is EOS.
    """
    compiled = CompiledGrammar(grammar, vocabulary)
    _check_special_tokens(compiled)
    _check_limits(compiled)
    if grammar.parse_tables is not None and compiled.lexicon.spells_all and not compiled.can_end:
        raise UnsatisfiableError(
            "where its lexemes end, the rules cannot go on",
            advice="let less be read by a terminal, or ask for lexer='dynamic'",
        )
    if not compiled.lexicon.spells_all and not compiled.can_end:
        # Bytes that no token has are cut from these automata; a vocabulary of all bytes says what was needed.
        needed = CompiledGrammar(grammar, _ALL_BYTES).shortest_text()
        raise VocabularyError(
            "the tokens cannot spell what the grammar needs",
            missing_bytes=bytes(set(needed) & set(vocabulary.missing_bytes(set(needed)))),
            advice="use a tokenizer with byte fallback, or a grammar without these characters",
        )
    return compiled


def _check_special_tokens(compiled: CompiledGrammar) -> None:
    """Raise unless the special tokens of the grammar are tokens of the vocabulary that stand for no text.

    Masks would allow a token with a text there, and matchers take its bytes; after EOS generation is over.
    """
    vocabulary = compiled.vocabulary
    for token_id in sorted(compiled.grammar.special_token_ids):
        if token_id >= vocabulary.vocab_size:
            raise GrammarError(
                f"special token <[{token_id}]> is not in the vocabulary",
                advice=f"the vocabulary has ids 0 to {vocabulary.vocab_size - 1}; names and ids are in "
                "vocabulary.special_token_by_name",
            )
        if token_id in vocabulary.eos_token_ids:
            raise GrammarError(
                f"special token <[{token_id}]> ends the text (EOS), so that nothing can follow it",
                advice="leave it out: EOS is allowed wherever the text may end",
            )
        text = vocabulary.token_bytes(token_id)
        if text:
            raise GrammarError(
                f"special token <[{token_id}]> is an ordinary token, whose text is {text!r}",
                advice="write the text itself, or name the id in special_token_ids of the vocabulary",
            )


def _check_limits(compiled: CompiledGrammar) -> None:
    """Raise unless each rule that takes so many tokens at most has a text of so many."""
    for rule, most, terminal in compiled.grammar.token_limits:
        needed = compiled.tokens_of_terminal(terminal)
        if needed is not None and needed > most:
            raise BudgetTooSmallError(
                needed,
                most,
                message=f"max_tokens of rule {rule!r} must be at least {needed} with this vocabulary",
                advice="raise it, or let the rule have shorter texts",
            )
