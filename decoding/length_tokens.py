"""Meta length tokens: a tokenizer, a model and an instruction data set in, a model that takes a length out.

Ruler puts a special token, `[MLT:50]`, in front of every answer of a training set, chosen by the answer's
number of words; the loss begins at this token. Given the token, the model has learnt to write an answer of
this length; without it, it writes a token first and keeps to it: auto mode. The prompt never speaks of a
length. The nine tokens are added to tokenizer and embeddings; all else is ordinary fine-tuning (the paper:
3 epochs, 2e-5 with a cosine, warm-up 0.05). Cost at generation: one token.

Paper: Li et al., "Ruler", arXiv 2409.18943, Findings of EMNLP 2024.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import LogitsProcessor

from .arguments import checked_instance, checked_integer, checked_list
from .errors import ArgumentTypeError, VocabularyError
from .length_bands import LENGTH_BANDS, LengthBand, count_words, length_band, training_band
from .training_examples import (
    Exchange,
    as_messages,
    check_tokenizer,
    encode_exchange,
    encode_prompt,
    read_exchanges,
)

MOST_PER_TOKEN = 20_000
"""Examples that the paper takes for each length token at most."""


@dataclass(frozen=True)
class LengthTokenExamples:
    """A training set: its examples, how many there are by target, and how many records were left out.

    examples: mappings of `input_ids` and `labels`, -100 up to the length token.
    n_outside: answers whose length is in no band. n_over_cap: more than `most_per_token`. n_too_long: prompt
        and answer are longer than `max_length`; one that is cut would teach the model not to end.
    """

    examples: list[dict[str, list[int]]]
    n_by_target: dict[str, int]
    n_outside: int
    n_over_cap: int
    n_too_long: int


class LengthTokens:
    """The meta length tokens of a tokenizer that has them; `LengthTokens.add_to` gives it them.

    Attributes:
        ids: the id of each token, by the name of its target ("10" ... ">800").

    Raises:
        ArgumentTypeError: this is no tokenizer. VocabularyError: it lacks one of the tokens.
    """

    def __init__(self, tokenizer: Any) -> None:
        check_tokenizer(tokenizer)
        known = tokenizer.get_vocab()
        missing = [band.token for band in LENGTH_BANDS if band.token not in known]
        if missing:
            raise VocabularyError(
                "the tokenizer must have all meta length tokens",
                got=missing,
                advice="add them with LengthTokens.add_to(tokenizer, model)",
            )
        self._tokenizer = tokenizer
        self.ids: dict[str, int] = {band.name: known[band.token] for band in LENGTH_BANDS}

    @classmethod
    def add_to(cls, tokenizer: Any, model: Any) -> LengthTokens:
        """Add what is missing, in place: special tokens to the tokenizer, rows to the model's embeddings.

        The new rows are drawn as transformers does by default, around the mean of the others, from torch's
        random state. Embeddings that have spare rows already keep their size.

        Raises:
            ArgumentTypeError: these are no tokenizer and model of transformers.
        """
        check_tokenizer(tokenizer)
        if not callable(getattr(model, "resize_token_embeddings", None)):
            raise ArgumentTypeError("model must be one of transformers", got=model)
        known = tokenizer.get_vocab()
        new = [band.token for band in LENGTH_BANDS if band.token not in known]
        if new:
            tokenizer.add_tokens(new, special_tokens=True)
        if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(len(tokenizer))
        return cls(tokenizer)

    def training_examples(
        self,
        records: Iterable[Mapping[str, Any]],
        *,
        prompt_key: str | None = None,
        answer_key: str | None = None,
        most_per_token: int = MOST_PER_TOKEN,
        max_length: int = 2048,
        seed: int = 0,
    ) -> LengthTokenExamples:
        """Examples for fine-tuning from an instruction data set, in random order.

        records: mappings: chats under "messages" or "conversations", or texts under `prompt_key` and
            `answer_key`. Where there are more for a token than `most_per_token`, those to keep are drawn.
        max_length: tokens of prompt, length token and answer.

        Raises:
            ArgumentTypeError, ArgumentValueError: a record has another form, or an option is out of bounds.
        """
        most_per_token = checked_integer("most_per_token", most_per_token, least=1)
        max_length = checked_integer("max_length", max_length, least=3)
        source = random.Random(checked_integer("seed", seed))
        by_band: dict[LengthBand, list[Exchange]] = {band: [] for band in LENGTH_BANDS}
        n_outside = 0
        for exchange in read_exchanges(records, prompt_key=prompt_key, answer_key=answer_key):
            band = training_band(count_words(exchange.answer))
            if band is None:
                n_outside += 1
            else:
                by_band[band].append(exchange)
        n_over_cap = n_too_long = 0
        chosen: list[tuple[LengthBand, dict[str, list[int]]]] = []
        for band, exchanges in by_band.items():
            source.shuffle(exchanges)
            n_taken = 0
            for exchange in exchanges:
                if n_taken == most_per_token:
                    n_over_cap += 1
                    continue
                feature = encode_exchange(self._tokenizer, exchange, prefix=band.token).feature()
                if len(feature["input_ids"]) > max_length:
                    n_too_long += 1
                else:
                    chosen.append((band, feature))
                    n_taken += 1
        source.shuffle(chosen)
        counts = Counter(band.name for band, _ in chosen)
        n_by_target = {name: counts[name] for name in self.ids}
        return LengthTokenExamples(
            [feature for _, feature in chosen], n_by_target, n_outside, n_over_cap, n_too_long
        )

    def encode_prompt(
        self, prompt: str | Sequence[Mapping[str, str]], *, target: str | int | None = None
    ) -> list[int]:
        """Token ids of a prompt, with the token of the target at its end; None: auto mode.

        prompt: a text, or the messages of a chat.

        Raises:
            ArgumentTypeError: it is neither. ArgumentValueError: there is no such target.
        """
        token_ids = encode_prompt(self._tokenizer, as_messages(prompt))
        return token_ids if target is None else [*token_ids, self.ids[length_band(target).name]]

    def processor(self, prompt_width: int, *, auto: bool) -> LengthTokenProcessor:
        """A processor for `generate()`: length tokens first in auto mode, and nowhere else.

        prompt_width: columns of the prompt, padding included. The paper stops at a length token inside an
        answer; here there is none, and the answer goes on.

        Raises:
            ArgumentTypeError, ArgumentValueError: the width is no number of tokens, or auto no Boolean.
        """
        checked_instance("auto", auto, bool, "True or False")
        width = checked_integer("prompt_width", prompt_width, least=0)
        return LengthTokenProcessor(list(self.ids.values()), width, auto)

    def split(self, token_ids: Sequence[int]) -> tuple[str | None, list[int]]:
        """What was generated as (name of the target that the model chose or None, ids of the answer)."""
        names = {token_id: name for name, token_id in self.ids.items()}
        ids = checked_list("token_ids", token_ids, int, "a token id")
        first = names.get(ids[0]) if ids else None
        return first, [token_id for token_id in ids if token_id not in names]


class LengthTokenProcessor(LogitsProcessor):
    """Leaves only length tokens for the first token of an answer (auto mode), and none of them later."""

    def __init__(self, token_ids: Sequence[int], prompt_width: int, auto: bool) -> None:
        self._token_ids = list(token_ids)
        self._prompt_width = prompt_width
        self._auto = auto

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """A copy of the scores, [rows, logits], with -inf at the tokens that may not come."""
        is_length_token = torch.zeros(scores.shape[-1], dtype=torch.bool, device=scores.device)
        is_length_token[self._token_ids] = True
        is_first = self._auto and input_ids.shape[1] == self._prompt_width
        excluded = ~is_length_token if is_first else is_length_token
        return cast(torch.FloatTensor, scores.masked_fill(excluded, float("-inf")))
