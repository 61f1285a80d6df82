"""Grammars for the tokenizer of an engine: constraints in, compiled grammars out, each made once.

Engines name, with a request, the tokens that end it; each set of them makes a vocabulary of its own, since
these tokens never match as text. Both caches are bounded, what was used longest ago goes first; what grammars
and the front ends have learnt is bounded too. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from ..constraint import COMPILED_UNTIL_FORGOTTEN, MOST_LEARNT_STATES, Constraint
from ..decoding.compile import CompiledGrammar, compile_grammar
from ..decoding.vocabulary import Vocabulary
from ..grammars.remembered import forget_results
from .grammar_state import check_temperatures

MOST_GRAMMARS = 256
MOST_VOCABULARIES = 8


class CompiledGrammars:
    """For one tokenizer.

    vocab_size: of the model's logits, where it is larger than the tokenizer's. eos_token_ids: what ends every
    text; None: what the tokenizer names.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        vocab_size: int | None = None,
        eos_token_ids: Iterable[int] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._lock = threading.Lock()
        self._vocabularies: OrderedDict[frozenset[int], Vocabulary] = OrderedDict()
        self._grammars: OrderedDict[tuple[str, frozenset[int]], CompiledGrammar] = OrderedDict()
        self._n_compiled = 0
        self.eos_token_ids = None if eos_token_ids is None else tuple(eos_token_ids)
        self.vocabulary = self._read(self.eos_token_ids)
        self.eos_token_ids = self.vocabulary.eos_token_ids
        self._vocabularies[frozenset(self.eos_token_ids)] = self.vocabulary

    def get(self, constraint: Constraint, stop_token_ids: Iterable[int] | None = None) -> CompiledGrammar:
        """The compiled grammar.

        stop_token_ids: further tokens that end this text.

        Raises:
            GrammarError, LimitExceededError, VocabularyError: see `Constraint.grammar` and `compile_grammar`.
            UnsupportedFeatureError: a rule has a temperature.
        """
        ends = frozenset(self.eos_token_ids or ()) | frozenset(stop_token_ids or ())
        key = (constraint.key(), ends)
        with self._lock:
            known = self._grammars.get(key)
            if known is not None and known.n_states <= MOST_LEARNT_STATES:
                self._grammars.move_to_end(key)
                return known
        compiled = compile_grammar(constraint.grammar(), self._vocabulary(ends))
        check_temperatures(compiled)
        with self._lock:
            if self._grammars.get(key) is not known:  # another thread was faster
                return self._grammars.setdefault(key, compiled)
            self._grammars[key] = compiled
            self._grammars.move_to_end(key)
            _drop_oldest(self._grammars, MOST_GRAMMARS)
            self._n_compiled += 1
            is_time = self._n_compiled % COMPILED_UNTIL_FORGOTTEN == 0
        if is_time:
            forget_results()
        return compiled

    def _vocabulary(self, ends: frozenset[int]) -> Vocabulary:
        with self._lock:
            if ends not in self._vocabularies:
                self._vocabularies[ends] = self._read(sorted(ends))
                _drop_oldest(self._vocabularies, MOST_VOCABULARIES)
            self._vocabularies.move_to_end(ends)
            return self._vocabularies[ends]

    def _read(self, eos_token_ids: Iterable[int] | None) -> Vocabulary:
        ends = None if eos_token_ids is None else list(eos_token_ids)
        vocabulary = Vocabulary.from_tokenizer(self._tokenizer, eos_token_ids=ends)
        if self._vocab_size is None or self._vocab_size <= vocabulary.vocab_size:
            return vocabulary
        return Vocabulary.from_tokenizer(self._tokenizer, eos_token_ids=ends, vocab_size=self._vocab_size)


def _drop_oldest(known: OrderedDict[Any, Any], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)
