"""Several models as one: laws over one vocabulary in, a product or a mixture of them out.

Models with vocabularies of their own are brought to one by `ByteModel`; then a grammar over bytes constrains
all of them at once. "product" is the normalised product of powers of the laws at each step (a product of
experts: what all of them think possible); "mixture" is the mixture of the laws of whole texts, sum of
w_k p_k(text), exactly: a model that predicted the text so far badly counts less in what follows.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Real

import torch
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_list, checked_number
from ..decoding.errors import ArgumentValueError
from .language_model import LanguageModel, ModelRows, TokenIds

RULES = ("product", "mixture")


class EnsembleModel(LanguageModel):
    """Several models as one.

    models: over one vocabulary.
    weights: of the models, scaled to sum to one; None: all alike.
    rule: "product" of experts, or "mixture", an average over whole texts.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        models: Sequence[LanguageModel],
        *,
        weights: Sequence[float] | None = None,
        rule: str = "product",
    ) -> None:
        self.models = checked_list("models", models, LanguageModel, "a LanguageModel")
        if not self.models:
            raise ArgumentValueError("there must be at least one model")
        given = (
            [1.0] * len(self.models)
            if weights is None
            else checked_list("weights", weights, Real, "a number")
        )
        if len(given) != len(self.models):
            raise ArgumentValueError("weights must have one entry for each model", got=weights)
        numbers = [checked_number("weights", weight, above=0) for weight in given]
        self.weights = [number / sum(numbers) for number in numbers]
        self.rule = checked_choice("rule", rule, RULES)
        self.device = self.models[0].device

    @property
    def identity(self) -> Hashable:
        return tuple(model.identity for model in self.models), tuple(self.weights), self.rule

    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        rows = _EnsembleRows(self, prefixes)
        self.count()
        return rows

    def count(self) -> None:
        """Passes are those of all models together."""
        self.n_forward_passes = sum(model.n_forward_passes for model in self.models)
        self.n_row_passes = sum(model.n_row_passes for model in self.models)


class _EnsembleRows(ModelRows):
    def __init__(self, model: EnsembleModel, prefixes: Sequence[TokenIds]) -> None:
        self._model = model
        self._members = [member.begin(prefixes) for member in model.models]
        widths = [member.log_probs.shape[1] for member in self._members]
        if len(set(widths)) > 1:
            raise ArgumentValueError(
                "models must have laws over one vocabulary",
                got=widths,
                advice="bring each of them to bytes first: ByteModel(model, vocabulary)",
            )
        self._shares = torch.tensor(model.weights, dtype=torch.float64).log().expand(len(prefixes), -1)
        if model.rule == "mixture":
            self._shares = torch.stack([self._after(prefix) for prefix in prefixes])

    def _after(self, prefix: TokenIds) -> Tensor:
        """The logarithms of the models' shares after a prefix, read token by token."""
        shares = torch.tensor(self._model.weights, dtype=torch.float64).log()
        if prefix:
            rows = [member.begin() for member in self._model.models]
            for token_id in prefix:
                shares = shares + torch.stack([row.log_probs[0, token_id].double().cpu() for row in rows])
                for row in rows:
                    row.advance([0], [token_id])
        return shares - shares.logsumexp(0)

    @property
    def log_probs(self) -> Tensor:
        laws = torch.stack([member.log_probs.double().to(self._model.device) for member in self._members])
        if self._model.rule == "mixture":
            return (laws + self._shares.T.unsqueeze(-1).to(laws.device)).logsumexp(0)
        weights = torch.tensor(self._model.weights, dtype=torch.float64, device=laws.device)
        return (laws * weights[:, None, None]).sum(0).log_softmax(-1)

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        rows = torch.tensor(list(parents))
        if self._model.rule == "mixture":
            tokens = torch.tensor(list(token_ids))
            laws = torch.stack([member.log_probs.double().cpu()[rows, tokens] for member in self._members])
            shares = self._shares[rows] + laws.T
            self._shares = shares - shares.logsumexp(1, keepdim=True)
        for member in self._members:
            member.advance(parents, token_ids)
        self._model.count()
