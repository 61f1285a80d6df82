"""A token model seen byte by byte: its law over tokens in, the exact law of the next byte out.

The probability that a text begins with the bytes b is the sum over all token sequences that cover b: tokens
that spell a beginning b[:i], then one token that spells the rest and more. So a text so far is kept as a set
of hypotheses (tokens that spell b[:i], the rest b[i:]); the next byte x has the mass of all next tokens that
begin with rest + x, and a token that is just the rest gives a new hypothesis. Nothing depends on how the
tokenizer would have cut the text: that is what makes prompts that end inside a token harmless (`tail`, exact
token healing), and models with different vocabularies comparable (`EnsembleModel`).

The number of hypotheses may grow with the length of the text, though models give nearly all mass to few: with
the embedded model 199 of 256 had less than 1e-15 of it. Those with less than `min_share` are given up before
the model is run for them, and so are all but the `max_hypotheses` largest; `lost_mass` says how much.
Phan, Amos, Gat, Havasi, Muckley and Ullrich, "Exact Byte-Level Probabilities from Tokenized Language Models"
(2024), restrict the sum to what the tokenizer itself would write; here all tokenizations count, as in
sampling.

Cost of a byte: one pass of the model over the tokens after the prompt of each new hypothesis, and a few array
operations for each old one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..decoding.arguments import checked_instance, checked_integer, checked_number
from ..decoding.errors import ArgumentTypeError, SamplingError
from ..decoding.prompt_ends import sorted_tokens, tokens_beginning
from ..decoding.vocabulary import Vocabulary, check_width
from .language_model import LanguageModel, ModelRows, TokenIds, checked_token_ids

END = 256
"""The id that ends a text; bytes are their own ids."""

Probabilities = npt.NDArray[np.float64]


def byte_vocabulary() -> Vocabulary:
    """The vocabulary of byte models, for `compile_grammar` and `Constraint`: 256 bytes and `END`."""
    return Vocabulary([bytes([value]) for value in range(256)] + [b""], eos_token_ids=[END])


class ByteModel(LanguageModel):
    """The same law as a token model's, over bytes.

    model: over the tokens of `vocabulary`. tail: bytes that come after the model's prompt and are to be
        continued; how they are cut into tokens is left to the model. Special tokens other than EOS are left
        out.
    max_hypotheses: so many ways to cut a text are kept.
    min_share: and only those with so much of its probability. 0: all.

    Attributes:
        lost_mass: the largest share of the probability of a text that was given up so far.
    """

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        *,
        tail: bytes = b"",
        max_hypotheses: int = 256,
        min_share: float = 1e-12,
    ) -> None:
        checked_instance("model", model, LanguageModel, "a LanguageModel, such as CausalLanguageModel(...)")
        checked_instance("vocabulary", vocabulary, Vocabulary, "a Vocabulary")
        checked_instance("tail", tail, bytes, "bytes")
        self.max_hypotheses = checked_integer("max_hypotheses", max_hypotheses, least=1)
        self.min_share = checked_number("min_share", min_share, least=0, most=1)
        self.device = torch.device("cpu")
        self.lost_mass = 0.0
        self._model = model
        self._vocabulary = vocabulary
        self._tail = tail
        ids, self._texts = sorted_tokens(vocabulary)
        self._ids = np.array(ids, dtype=np.int64)
        self._continuations = lru_cache(maxsize=4096)(self._find_continuations)

    @property
    def identity(self) -> Hashable:
        return self._model.identity, self._vocabulary, self._tail, self.max_hypotheses, self.min_share

    @property
    def eos_token_ids(self) -> list[int]:
        return list(self._vocabulary.eos_token_ids)

    def begin(self, prefixes: Sequence[TokenIds] = ((),)) -> ModelRows:
        """Raises SamplingError: no tokens spell the tail or a prefix."""
        rows = _ByteRows(self, len(prefixes))
        texts = [self._tail + bytes(prefix) for prefix in prefixes]
        for position in range(max(map(len, texts))):
            # Those that are finished stay where they are.
            rows.read([text[position] if position < len(text) else None for text in texts])
        return rows

    def laws_after(self, prefixes: Sequence[tuple[int, ...]]) -> list[Probabilities]:
        """The token model's probabilities, float64, by id."""
        before = self._model.n_forward_passes, self._model.n_row_passes
        log_probs = self._model.begin(prefixes).log_probs
        check_width(log_probs.shape[1], self._vocabulary.vocab_size)
        self.n_forward_passes += self._model.n_forward_passes - before[0]
        self.n_row_passes += self._model.n_row_passes - before[1]
        return list(log_probs.double().exp().cpu().numpy())

    def continuations(self, rest: bytes) -> _Continuations:
        """The tokens that begin with some bytes."""
        return self._continuations(rest)

    def _find_continuations(self, rest: bytes) -> _Continuations:
        found = tokens_beginning(self._texts, rest)
        first, last = found.start, found.stop
        longer = first
        while longer < last and len(self._texts[longer]) == len(rest):
            longer += 1
        following = np.array([text[len(rest)] for text in self._texts[longer:last]], dtype=np.int64)
        exact = [] if not rest else self._ids[first:longer].tolist()
        return _Continuations(exact, self._ids[longer:last], following)


@dataclass(frozen=True)
class _Continuations:
    """exact: ids of the tokens that are just the rest. longer, following: int64, ids of those that go on, and
    with which byte.
    """

    exact: list[int]
    longer: npt.NDArray[np.int64]
    following: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Hypothesis:
    """Tokens that spell the text but for `rest`. weight: their probability, relative to the text's."""

    tokens: tuple[int, ...]
    rest: bytes
    weight: float
    law: Probabilities


class _Draft(NamedTuple):
    """A hypothesis that is not worth a pass of the model yet. law None: it is not known. mass: of the text by
    this hypothesis, at most."""

    tokens: tuple[int, ...]
    rest: bytes
    weight: float
    law: Probabilities | None
    mass: float


class _ByteRows(ModelRows):
    """Each row is a text with its hypotheses, whose masses sum to one."""

    def __init__(self, model: ByteModel, n_rows: int) -> None:
        self._model = model
        law = model.laws_after([()])[0]
        self._rows = [[_Hypothesis((), b"", 1.0, law)] for _ in range(n_rows)]
        self._log_probs: Tensor | None = None

    @property
    def log_probs(self) -> Tensor:
        if self._log_probs is None:
            masses = np.stack([self._masses(row) for row in self._rows])
            with np.errstate(divide="ignore"):
                self._log_probs = torch.from_numpy(np.log(masses / masses.sum(1, keepdims=True)))
        return self._log_probs

    def advance(self, parents: Sequence[int], token_ids: TokenIds) -> None:
        self._rows = [self._rows[parent] for parent in parents]
        self.read(list(token_ids))

    def read(self, values: Sequence[int | None]) -> None:
        """One byte for each row; None: the row stays."""
        drafts = [
            None if value is None else self._drafts(row, value)
            for row, value in zip(self._rows, values, strict=True)
        ]
        wanted = dict.fromkeys(
            draft.tokens for kept in drafts if kept is not None for draft in kept if draft.law is None
        )
        laws = dict(zip(wanted, self._model.laws_after(list(wanted)), strict=True)) if wanted else {}
        self._rows = [
            row
            if kept is None
            else self._scaled(
                [
                    _Hypothesis(d.tokens, d.rest, d.weight, laws[d.tokens] if d.law is None else d.law)
                    for d in kept
                ]
            )
            for row, kept in zip(self._rows, drafts, strict=True)
        ]
        self._log_probs = None

    def _drafts(self, row: list[_Hypothesis], value: int) -> list[_Draft]:
        """The hypotheses of a row after one more byte, those of the largest shares."""
        if not 0 <= value < END:
            raise ArgumentTypeError("a byte must be from 0 to 255", got=value)
        drafts = []
        for hypothesis in row:
            rest = hypothesis.rest + bytes([value])
            found = self._model.continuations(rest)
            if len(found.longer):
                mass = hypothesis.weight * float(hypothesis.law[found.longer].sum())
                drafts.append(_Draft(hypothesis.tokens, rest, hypothesis.weight, hypothesis.law, mass))
            for token_id in found.exact:
                weight = hypothesis.weight * float(hypothesis.law[token_id])
                drafts.append(_Draft((*hypothesis.tokens, token_id), b"", weight, None, weight))
        drafts.sort(key=lambda draft: -draft.mass)
        total = sum(draft.mass for draft in drafts)
        least = self._model.min_share * total
        kept = [
            draft for draft in drafts[: self._model.max_hypotheses] if draft.mass > 0 and draft.mass >= least
        ]
        if total > 0:
            lost = sum(draft.mass for draft in drafts[len(kept) :]) / total
            self._model.lost_mass = max(self._model.lost_mass, lost)
        return kept

    def _scaled(self, hypotheses: list[_Hypothesis]) -> list[_Hypothesis]:
        """With masses that sum to one.

        Raises:
            SamplingError: no tokens spell this.
        """
        total = sum(float(self._mass(hypothesis).sum()) for hypothesis in hypotheses)
        if total <= 0:
            raise SamplingError(
                "no tokens of the model spell this text", advice="use a vocabulary that has these bytes"
            )
        return [_Hypothesis(h.tokens, h.rest, h.weight / total, h.law) for h in hypotheses]

    def _mass(self, hypothesis: _Hypothesis) -> Probabilities:
        """What the next byte, or the end, has by one hypothesis, float64 [257]."""
        found = self._model.continuations(hypothesis.rest)
        weights = hypothesis.law[found.longer]
        masses = np.bincount(found.following, weights=weights, minlength=END + 1).astype(np.float64)
        if not hypothesis.rest:
            masses[END] = hypothesis.law[self._model.eos_token_ids].sum()
        masses *= hypothesis.weight
        return masses

    def _masses(self, row: list[_Hypothesis]) -> Probabilities:
        masses: Probabilities = np.sum([self._mass(hypothesis) for hypothesis in row], axis=0)
        return masses


def split_prompt(vocabulary: Vocabulary, prompt_ids: TokenIds, n_tokens: int = 1) -> tuple[list[int], bytes]:
    """A prompt without its last tokens, and their bytes, which `ByteModel(tail=...)` continues.

    The text may end inside what the model knows as one token; so many tokens are given back to be cut anew. A
    special token is never given back, nor the first token.
    """
    checked_instance("vocabulary", vocabulary, Vocabulary, "a Vocabulary")
    n_tokens = checked_integer("n_tokens", n_tokens, least=0)
    kept = checked_token_ids("prompt_ids", prompt_ids)
    tail = b""
    while n_tokens and len(kept) > 1 and vocabulary.token_bytes(kept[-1]):
        tail = vocabulary.token_bytes(kept.pop()) + tail
        n_tokens -= 1
    return kept, tail
