"""A language model as samplers see it: token prefixes in, log-probabilities of the next token out, in
batches.

A sampler asks for rows, each a sequence that continues the prompt, and moves them on together: `advance` says
for each new row from which old one it comes and by which token. That one verb is a step of sampling, a
re-ordering after resampling, a beam search's choice of parents, and the removal of finished rows; a model
with a cache (`causal_model.py`) turns it into one forward pass. `FunctionModel` makes a model of any function
and is what exact tests use: its probabilities are numbers that can be enumerated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..decoding.arguments import checked_integer
from ..decoding.errors import ArgumentTypeError, ArgumentValueError

TokenIds = Sequence[int]


class ModelRows(ABC):
    """Sequences that are being written, one beside the other."""

    @property
    @abstractmethod
    def log_probs(self) -> Tensor:
        """Natural logarithms of the law of the next token, floating point, shape [rows, logits]."""

    @abstractmethod
    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        """Replace the rows: new row i is old row `parents[i]` and the token `token_ids[i]`.

        A parent may come several times, or not at all. At least one row has to be left.
        """


class LanguageModel(ABC):
    """The law of what follows one prompt.

    device: where `ModelRows.log_probs` lie, and where a sampler's generator has to be.
    n_forward_passes: how often the model was run, over all rows that were begun.
    n_row_passes: the same, counted once for each row of a batch.
    temperature: at which the law is already.
    """

    device: torch.device
    temperature: float = 1.0
    n_forward_passes: int = 0
    n_row_passes: int = 0

    @property
    def identity(self) -> Hashable:
        """Equal for models with the same law, so that what was learnt of one holds for the other."""
        return self

    @abstractmethod
    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        """Rows that continue the prompt with these tokens, at least one row; the tokens count as written."""


def checked_token_ids(name: str, token_ids: Any) -> list[int]:
    """A list of plain integers that are not negative.

    Raises:
        ArgumentTypeError, ArgumentValueError: it is none.
    """
    if isinstance(token_ids, (str, bytes)) or not isinstance(token_ids, Sequence):
        raise ArgumentTypeError(
            f"{name} must be a list of token ids", got=token_ids, advice='pass tokenizer(prompt)["input_ids"]'
        )
    return [checked_integer(name, token_id, least=0, most=2**31) for token_id in token_ids]


class FunctionModel(LanguageModel):
    """A model that is any function from the tokens so far to the log-probabilities of the next one.

    function: takes a tuple of token ids (the prompt is its own affair), returns natural logarithms, as many
        as there are tokens. Their exponentials must sum to one, which is not checked: estimates are of what
        they sum to.
    """

    def __init__(self, function: Callable[[tuple[int, ...]], Sequence[float]], *, vocab_size: int) -> None:
        if not callable(function):
            raise ArgumentTypeError("function must be callable", got=function)
        self._function = function
        self._vocab_size = checked_integer("vocab_size", vocab_size, least=1)
        self._known: dict[tuple[int, ...], Tensor] = {}
        self.device = torch.device("cpu")

    @property
    def identity(self) -> Hashable:
        return self._function

    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        return _FunctionRows(self, [tuple(prefix) for prefix in prefixes])

    def next_log_probs(self, prefixes: Sequence[tuple[int, ...]]) -> Tensor:
        """float64, shape [prefixes, vocab_size].

        Raises:
            ArgumentValueError: the function returned another number of values, or no log-probabilities.
        """
        self.n_forward_passes += 1
        self.n_row_passes += len(prefixes)
        for prefix in prefixes:
            if prefix not in self._known:
                values = torch.as_tensor(self._function(prefix), dtype=torch.float64)
                if values.shape != (self._vocab_size,):
                    raise ArgumentValueError(
                        f"function must return {self._vocab_size} log-probabilities", got=tuple(values.shape)
                    )
                if not bool((values < torch.inf).all()):
                    raise ArgumentValueError(
                        "function must return log-probabilities: finite numbers, or -inf",
                        got=values.tolist(),
                    )
                self._known[prefix] = values
        return torch.stack([self._known[prefix] for prefix in prefixes])


class _FunctionRows(ModelRows):
    def __init__(self, model: FunctionModel, prefixes: list[tuple[int, ...]]) -> None:
        self._model = model
        self._move(prefixes)

    @property
    def log_probs(self) -> Tensor:
        return self._log_probs

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        self._move([(*self._prefixes[i], token) for i, token in zip(parents, token_ids, strict=True)])

    def _move(self, prefixes: list[tuple[int, ...]]) -> None:
        self._prefixes = prefixes
        self._log_probs = self._model.next_log_probs(prefixes)
