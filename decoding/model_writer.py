"""A Hugging Face model as a writer: a prompt in, sampled responses with their token counts out.

The prompt goes through the tokenizer's chat template, where it has one. Several responses to one prompt are
one batch. Each call begins torch's random state with its seed and puts the caller's back. Cost: that of
`model.generate`.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig

from .arguments import checked_instance, checked_integer
from .errors import ArgumentTypeError, ArgumentValueError
from .generation_options import (
    check_model,
    checked_seed,
    context_left,
    named_eos_token_ids,
    random_state,
    sampling_options,
)
from .responses import MOST_SAMPLES, Response
from .training_examples import as_messages, check_tokenizer, encode_prompt


class ModelWriter:
    """A function from a prompt to a `Response`, for `control_length`, `measure_responses` and their like.

    model, tokenizer: from transformers, belonging to each other; a decoder alone.
    max_new_tokens: EOS included; a response that has as many and no EOS is not complete.
    do_sample: False: the likeliest token at each step, so all responses to a prompt are the same.
    temperature, top_k, top_p, min_p: as for `generate`.

    Raises:
        ArgumentTypeError, ArgumentValueError: these are no model and tokenizer, or an option is out of
            bounds.
        ConstraintError: an option contradicts another one.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_new_tokens: int = 512,
        do_sample: bool = True,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
    ) -> None:
        check_model(model, tokenizer)
        check_tokenizer(tokenizer)
        if model.config.is_encoder_decoder:
            raise ArgumentTypeError("model must be a decoder alone", got=type(model))
        self._model = model
        self._tokenizer = tokenizer
        self.max_new_tokens = checked_integer("max_new_tokens", max_new_tokens, least=1)
        checked_instance("do_sample", do_sample, bool, "True or False")
        self._sampling = sampling_options(do_sample, None, temperature, top_k, top_p, min_p)
        named = named_eos_token_ids(model)
        self._eos_token_ids = [tokenizer.eos_token_id] if named is None else list(named)
        if None in self._eos_token_ids:
            raise ArgumentValueError("the tokenizer must have an end-of-sequence token", got=tokenizer)

    @property
    def settings(self) -> dict[str, Any]:
        """The generation settings, as JSON can hold them."""
        return {"max_new_tokens": self.max_new_tokens, **self._sampling}

    def __call__(self, prompt: str, *, seed: int | None = None) -> Response:
        """One response. seed: None draws from torch's random state. Raises: as `draw`."""
        return self.draw(prompt, 1, seed=seed)[0]

    def draw(self, prompt: str, n_samples: int, *, seed: int | None = None) -> list[Response]:
        """Independent responses to a prompt, in one batch.

        Raises:
            ArgumentTypeError, ArgumentValueError: the prompt is empty, or leaves too little of the model's
                context.
        """
        checked_instance("prompt", prompt, str, "a text")
        n_samples = checked_integer("n_samples", n_samples, least=1, most=MOST_SAMPLES)
        if seed is not None:
            seed = checked_seed(seed)
        prompt_ids = encode_prompt(self._tokenizer, as_messages(prompt))
        left = context_left(self._model, len(prompt_ids))
        if not prompt_ids or self.max_new_tokens > left:
            raise ArgumentValueError(
                f"the prompt must leave {self.max_new_tokens} tokens of the model's context",
                got=left,
                advice="shorten the prompt, or lower max_new_tokens",
            )
        row = torch.tensor([prompt_ids], device=self._model.device)
        configuration = GenerationConfig(
            max_new_tokens=self.max_new_tokens,
            eos_token_id=self._eos_token_ids,
            pad_token_id=self._eos_token_ids[0],
            num_return_sequences=n_samples if self._sampling["do_sample"] else 1,
            **self._sampling,
        )
        with random_state(seed):
            rows = self._model.generate(
                row, attention_mask=torch.ones_like(row), generation_config=configuration
            )
        generated = rows[:, len(prompt_ids) :].tolist()
        generated *= n_samples // len(generated)  # greedy: all are the same
        return [self._response(token_ids, len(prompt_ids)) for token_ids in generated]

    def _response(self, token_ids: list[int], n_prompt_tokens: int) -> Response:
        is_eos = [token_id in self._eos_token_ids for token_id in token_ids]
        end = is_eos.index(True) if True in is_eos else len(token_ids)
        text = self._tokenizer.decode(token_ids[:end], skip_special_tokens=True)
        written = token_ids[: end + 1]
        return Response(text, n_prompt_tokens, len(written), True in is_eos, tuple(written))
