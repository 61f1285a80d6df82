"""What all programs of a model have in common: its vocabulary, how text is encoded, grammars compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ..decoding.arguments import checked_instance
from ..decoding.compile import CompiledGrammar, compile_grammar
from ..decoding.errors import ArgumentTypeError, SamplingError, VocabularyError
from ..decoding.generate import is_same_tokenizer, read_vocabulary
from ..decoding.generation_options import check_model, sampling_options
from ..decoding.results import value_of
from ..decoding.vocabulary import Vocabulary
from ..grammars.grammar import Grammar
from ..grammars.json_schema import from_json_schema
from ..grammars.regex import from_regex
from .program_hole import TokenLaw, TokensByText
from .program_text import TextEncoder

_SCHEMAS = (bool, str, bytes, bytearray, Mapping, Grammar, CompiledGrammar)  # all else is a type

_sorted_tokens: WeakKeyDictionary[Vocabulary, TokensByText] = WeakKeyDictionary()


class ProgramSetting:
    """The parts of a program that do not depend on its text. Shared by the programs of a batch."""

    def __init__(
        self, model: Any, tokenizer: Any, healing: bool, on_capture: Callable[[Any], object] | None
    ) -> None:
        check_model(model, tokenizer)
        checked_instance("healing", healing, bool, "True or False")
        if on_capture is not None and not callable(on_capture):
            raise ArgumentTypeError("on_capture must be a function of a Capture", got=on_capture)
        self.model = model
        self.healing = healing
        self.on_capture = on_capture
        self.vocabulary = read_vocabulary(model, tokenizer)
        self.encoder = TextEncoder(tokenizer, self.vocabulary)
        self.tokens_by_text = _sorted_tokens.get(self.vocabulary) or TokensByText(self.vocabulary)
        _sorted_tokens[self.vocabulary] = self.tokens_by_text
        self._compiled: dict[int, tuple[Any, CompiledGrammar]] = {}  # by the identity of what was given

    def token_law(
        self, seed: int | None, temperature: float | None, top_k: int | None, top_p: float | None
    ) -> TokenLaw:
        """The likeliest token if nothing is given; else drawn."""
        is_drawn = sampling_options(None, seed, temperature, top_k, top_p)["do_sample"]
        generator = None
        if is_drawn:
            generator = torch.Generator()
            generator.manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)
        return TokenLaw(generator, temperature, top_k, top_p)

    def compiled(self, grammar: Any) -> tuple[CompiledGrammar, Callable[[str], Any]]:
        """A grammar for this vocabulary, and what a text of it means."""
        if grammar is None or grammar is str:
            return self._compiled_once(str, lambda: from_regex(r"[\s\S]*")), str
        if isinstance(grammar, CompiledGrammar):
            if not is_same_tokenizer(grammar.vocabulary, self.vocabulary):
                raise VocabularyError(
                    "grammar must be compiled for the vocabulary of this tokenizer",
                    got=grammar.vocabulary,
                    advice=f"compile it for {self.vocabulary!r}",
                )
            return grammar, lambda text: value_of(grammar.grammar, text)
        compiled = self._compiled_once(
            grammar, lambda: grammar if isinstance(grammar, Grammar) else from_json_schema(grammar)
        )
        if isinstance(grammar, _SCHEMAS):
            return compiled, lambda text: value_of(compiled.grammar, text)
        return compiled, lambda text: _instance(grammar, text)

    def check_width(self, n_logits: int) -> None:
        """Refuse a model with fewer logits than the tokenizer has tokens."""
        if n_logits < self.vocabulary.vocab_size:
            raise VocabularyError(
                f"the model's logits must cover the {self.vocabulary.vocab_size} tokens of the vocabulary",
                got=n_logits,
                advice="use the tokenizer that belongs to this model",
            )

    def _compiled_once(self, key: Any, make: Callable[[], Grammar]) -> CompiledGrammar:
        known = self._compiled.get(id(key))
        if known is None:
            known = self._compiled[id(key)] = key, compile_grammar(make(), self.vocabulary)
        return known[1]


def _instance(kind: Any, text: str) -> Any:
    """The instance of a type that a JSON text stands for."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        reason = " ".join(str(error).split("\n")[:3])
        raise SamplingError(
            f"the text obeys the schema of {kind!r}, which refuses it nevertheless ({reason})",
            advice="say in the schema what a validator asks for",
        ) from error
