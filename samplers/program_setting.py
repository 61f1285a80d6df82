"""What all programs of a model have in common: its vocabulary, its tokenizer, grammars compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ..decoding.arguments import checked_instance
from ..decoding.errors import ArgumentTypeError, VocabularyError
from ..decoding.generate import read_vocabulary
from ..decoding.generation_options import check_model, sampling_options
from ..decoding.hole_grammars import hole_grammars
from ..decoding.vocabulary import Vocabulary
from .program_hole import TokenLaw, TokensByText
from .program_text import TextEncoder

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
        self.grammars = hole_grammars(tokenizer, self.vocabulary)

    def token_law(
        self,
        seed: int | None,
        temperature: float | None,
        top_k: int | None,
        top_p: float | None,
        min_p: float | None,
    ) -> TokenLaw:
        """The likeliest token if nothing is given; else drawn."""
        is_drawn = sampling_options(None, seed, temperature, top_k, top_p, min_p)["do_sample"]
        generator = None
        if is_drawn:
            generator = torch.Generator()
            generator.manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)
        return TokenLaw(generator, temperature, top_k, top_p, min_p)

    def check_width(self, n_logits: int) -> None:
        """Refuse a model with fewer logits than the tokenizer has tokens."""
        if n_logits < self.vocabulary.vocab_size:
            raise VocabularyError(
                f"the model's logits must cover the {self.vocabulary.vocab_size} tokens of the vocabulary",
                got=n_logits,
                advice="use the tokenizer that belongs to this model",
            )
