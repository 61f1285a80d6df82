"""Whatever writes texts: a prompt in, a response with its cost out, the same for a model and for a service.

A writer is any function from a prompt to a text, or to a `Response`, which also says what it cost and whether
it is complete. If it has a parameter `seed` it is given one, a different one for each call, so that the whole
is repeatable; a writer without it draws as it likes. `ModelWriter` (in `model_writer.py`) makes one of a
model. Nothing here knows tensors. Cost: that of the writer, and one encoding where tokens must be counted.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .arguments import checked_list
from .errors import ArgumentTypeError
from .length_measures import count_tokens

Writer: TypeAlias = "Callable[..., str | Response]"

MOST_SAMPLES = 100_000
"""Samples or rewrites of one text that a caller may ask for: more are a mistake."""

SEED_RANGE = 2**63
"""Seeds are below it: what every generator of random numbers takes."""


@dataclass(frozen=True)
class Response:
    """One text that a writer wrote.

    text: the answer alone.
    n_prompt_tokens, n_tokens: tokens read and written (EOS included); None: not known.
    is_complete: False if a limit cut it off.
    token_ids: what was generated, EOS included; None: not known.
    """

    text: str
    n_prompt_tokens: int | None = None
    n_tokens: int | None = None
    is_complete: bool = True
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class CallCost:
    """What calls of a writer cost: how many, and the tokens read and written; None: not known for each."""

    n_calls: int = 0
    n_prompt_tokens: int | None = 0
    n_tokens: int | None = 0

    def __add__(self, other: CallCost) -> CallCost:
        return CallCost(
            self.n_calls + other.n_calls,
            _sum(self.n_prompt_tokens, other.n_prompt_tokens),
            _sum(self.n_tokens, other.n_tokens),
        )

    @classmethod
    def of(cls, response: Response) -> CallCost:
        """The cost of one response."""
        return cls(1, response.n_prompt_tokens, response.n_tokens)


NO_COST = CallCost()
"""Of no calls."""


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class Calls:
    """Calls a writer and gives responses, each call with a seed of its own.

    writer: see above. tokenizer: counts the tokens that the writer does not report; None: they stay unknown.
    seed: where the seeds begin; the call with number i gets `seed + i`.

    Raises:
        ArgumentTypeError: the writer cannot be called, or the tokenizer is none.
    """

    def __init__(self, writer: Writer, tokenizer: Any, seed: int) -> None:
        if not callable(writer) or isinstance(writer, type) or hasattr(writer, "generation_config"):
            raise ArgumentTypeError(
                "writer must be a function from a prompt to a text",
                got=writer,
                advice="for a model of transformers take tt.ModelWriter(model, tokenizer)",
            )
        if tokenizer is not None and not callable(tokenizer):
            raise ArgumentTypeError("tokenizer must be one of transformers or a function", got=tokenizer)
        self._writer = writer
        self._takes_seed = _takes_seed(writer)
        self._tokenizer = tokenizer
        self._next_seed = seed

    def write(self, prompt: str) -> Response:
        """One response.

        Raises:
            ArgumentTypeError: the writer returned neither a text nor a `Response`. What the writer raises.
        """
        seed = {"seed": self._next_seed % SEED_RANGE} if self._takes_seed else {}
        self._next_seed += 1
        return self._checked(self._writer(prompt, **seed), prompt)

    def draw(self, prompt: str, n_samples: int) -> list[Response]:
        """Several responses to one prompt: in one batch, by one seed, if the writer has a method `draw`."""
        draw = getattr(self._writer, "draw", None)
        if not callable(draw):
            return [self.write(prompt) for _ in range(n_samples)]
        seed = self._next_seed % SEED_RANGE
        self._next_seed += n_samples
        return [self._checked(response, prompt) for response in draw(prompt, n_samples, seed=seed)]

    def _checked(self, given: Any, prompt: str) -> Response:
        response = Response(given) if isinstance(given, str) else given
        if not isinstance(response, Response) or not isinstance(response.text, str):
            raise ArgumentTypeError("writer must return a text or a Response", got=given)
        if self._tokenizer is None or None not in (response.n_prompt_tokens, response.n_tokens):
            return response
        n_prompt_tokens, n_tokens = (
            count_tokens(self._tokenizer, text) if known is None else known
            for text, known in ((prompt, response.n_prompt_tokens), (response.text, response.n_tokens))
        )
        return replace(response, n_prompt_tokens=n_prompt_tokens, n_tokens=n_tokens)


def check_prompts(prompts: Sequence[str]) -> list[str]:
    """A list of prompts, at least one.

    Raises:
        ArgumentTypeError: it is something else.
    """
    checked = checked_list("prompts", prompts, str, "a text")
    if not checked:
        raise ArgumentTypeError("prompts must have at least one text", got=prompts)
    return checked


def _takes_seed(writer: Writer) -> bool:
    try:
        parameter = inspect.signature(writer).parameters.get("seed")
    except (TypeError, ValueError):  # a function of C without a signature
        return False
    return parameter is not None and parameter.kind is not parameter.POSITIONAL_ONLY
