"""Records a generation while it runs, or reads one that is over: scores in, observations of `traces.py` out.

`TraceRecorder` stands in the list of logits processors in place of the `GrammarProcessor` that it is given.
It looks at the scores before and after the mask and changes nothing. What it saw is kept by the tokens that
came before, so beams that change places, several rows and drafts that were thrown away do not matter. A text
that was written in another way (by a sampler, or from drafts) is read by `observe_text`: one forward pass
shows the same. The cost is that of a softmax and a top-k for each token; who does not ask for a trace pays
nothing.
"""

from __future__ import annotations

import hashlib
import inspect
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor

from .arguments import checked_instance, checked_integer
from .bitmask import allocate_bitmask, apply_bitmask
from .errors import ArgumentTypeError, ArgumentValueError
from .prefixes import Row
from .processors import GrammarProcessor, check_tensors
from .rule_temperatures import rule_temperature
from .sampling import read_text
from .traces import Observation, Source, Trace, make_trace
from .vocabulary import Vocabulary

DEFAULT_ALTERNATIVES = 8
MOST_OPEN_STEPS = 64
"""Steps whose token is not known yet, or may be chosen again by a draft: for these all scores are kept."""


class _Step:
    """One place of one row: what is known before its token is chosen, and all scores for a while."""

    def __init__(self, plain: torch.Tensor, masked: torch.Tensor, n_alternatives: int) -> None:
        self._plain, self._masked = plain, torch.log_softmax(masked.float(), dim=-1)
        allowed = masked > -torch.inf
        values, ids = plain.topk(min(n_alternatives, len(plain)))
        self.n_allowed = int(allowed.sum())
        self.removed = min(1.0, float(plain[~allowed].exp().sum()))
        self.likeliest = tuple(zip(ids.tolist(), values.exp().tolist(), allowed[ids].tolist(), strict=True))
        self._chosen: dict[int, tuple[float, float]] = {}

    def choose(self, token_id: int) -> None:
        """Note the probabilities of a token that was chosen here."""
        if len(self._plain) and token_id not in self._chosen:
            found = self._plain[token_id].exp(), self._masked[token_id].exp()
            self._chosen[token_id] = (float(found[0]), float(found[1]))

    def close(self) -> None:
        """Forget all scores."""
        self._plain = self._masked = torch.empty(0)

    def observation(self, token_id: int) -> Observation:
        self.choose(token_id)
        probability, masked = self._chosen.get(token_id, (None, None))
        return Observation(probability, masked, self.removed, self.n_allowed, self.likeliest)


class TraceRecorder(LogitsProcessor):
    """A `GrammarProcessor` that is watched: `model.generate(..., logits_processor=[recorder])`.

    processor: what masks; do not give it to `generate()` as well.
    n_alternatives: how many of the likeliest tokens are kept for each step.

    After `generate()`, `recorder.traces(sequences)` has a trace for each row.
    """

    supports_continuous_batching = False

    def __init__(self, processor: GrammarProcessor, *, n_alternatives: int = DEFAULT_ALTERNATIVES) -> None:
        checked_instance(
            "processor", processor, GrammarProcessor, "a GrammarProcessor", "make one of a compiled grammar"
        )
        self.processor = processor
        self._n_alternatives = checked_integer("n_alternatives", n_alternatives, least=1)
        self._steps: dict[tuple[int, bytes], _Step] = {}
        self._begins: set[tuple[int, bytes]] = set()  # keys of steps that follow a prompt
        self._open: OrderedDict[tuple[int, bytes], _Step] = OrderedDict()

    def reset(self) -> None:
        """Forget everything: the next call shows a new prompt."""
        self.processor.reset()
        self._steps.clear()
        self._begins.clear()
        self._open.clear()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """What the processor makes of the scores; shapes and errors are those of `GrammarProcessor`."""
        check_tensors(input_ids, scores)
        plain = torch.log_softmax(scores.float(), dim=-1)  # a copy: the processor may work in place
        masked = self.processor(input_ids, scores)
        tokens = input_ids.detach().to(device="cpu", dtype=torch.int64).contiguous().numpy()
        rows = self.processor.rows
        if not any(row.n_tokens for row in rows):
            self._begin(tokens, rows)
        for index, row in enumerate(rows):
            digest = hashlib.blake2b(tokens[index, :-1].tobytes(), digest_size=16)
            parent = self._open.get((row.grammar_index, digest.digest()))
            if parent is not None and row.n_tokens:
                parent.choose(int(tokens[index, -1]))
            digest.update(tokens[index, -1:].tobytes())
            key = (row.grammar_index, digest.digest())
            if row.is_live:  # a draft model asks first, and the model itself has the last word
                left = masked[index]
                if self.processor.has_temperatures and rule_temperature(row.matcher) is not None:
                    # Probabilities are shown as they are before any temperature.
                    left = plain[index].masked_fill(left == -torch.inf, -torch.inf)
                step = _Step(plain[index], left, self._n_alternatives)
                self._steps[key] = self._open[key] = step
        while len(self._open) > max(MOST_OPEN_STEPS, 2 * len(rows)):
            self._open.popitem(last=False)[1].close()
        return masked

    def _begin(self, tokens: npt.NDArray[np.int64], rows: Sequence[Row]) -> None:
        """A new generation: the one before is forgotten, unless its prompts come again."""
        begins = {
            (row.grammar_index, hashlib.blake2b(prompt.tobytes(), digest_size=16).digest())
            for row, prompt in zip(rows, tokens, strict=True)
        }
        if not begins <= self._begins:
            self._steps.clear()
            self._open.clear()
            self._begins = begins

    def traces(self, sequences: torch.Tensor, prompts: Sequence[str] = ()) -> list[Trace]:
        """The trace of each row of the last generation, up to its EOS or its end.

        sequences: what `generate()` returned, integers [rows, tokens], prompts included.
        prompts: the texts of the prompts, for the reader; one for each row, or none.

        Raises:
            ArgumentTypeError, ArgumentValueError: it is no such tensor, or has a row that was not watched.
            TokenRejectedError: a row has a token that its grammar does not allow.
        """
        is_right = isinstance(sequences, torch.Tensor) and sequences.ndim == 2
        if not is_right or sequences.dtype.is_floating_point:
            raise ArgumentTypeError("sequences must be integers of shape [rows, tokens]", got=sequences)
        rows = sequences.cpu().to(torch.int64).numpy()
        grammars = self.processor.grammars
        if len(rows) % len(grammars) or len(prompts) not in (0, len(rows)):
            raise ArgumentValueError(
                f"sequences must have a multiple of {len(grammars)} rows, and each or none a prompt",
                got=(len(rows), len(prompts)),
            )
        each = len(rows) // len(grammars)
        texts = list(prompts) or [""] * len(rows)
        return [self._trace(row, place, place // each, texts[place]) for place, row in enumerate(rows)]

    def _trace(self, row: npt.NDArray[np.int64], place: int, grammar_index: int, prompt: str) -> Trace:
        source = self.processor.grammars[grammar_index]
        digest = hashlib.blake2b(digest_size=16)
        width = 0
        while width < len(row) and (grammar_index, digest.digest()) not in self._begins:
            digest.update(row[width : width + 1].tobytes())
            width += 1
        token_ids, seen = [], []
        for token_id in row[width:].tolist():
            step = self._steps.get((grammar_index, digest.digest()))
            if step is None:
                break
            token_ids.append(token_id)
            seen.append(step.observation(token_id))
            if token_id in source.vocabulary.eos_token_ids:
                break
            digest.update(np.int64(token_id).tobytes())
        if not token_ids:
            raise ArgumentValueError(
                f"row {place} was not written while this recorder watched",
                got=row.tolist()[:8],
                advice="pass the recorder to generate() as the logits processor, and what it returned here",
            )
        return make_trace(
            source, token_ids, seen, prompt=prompt, max_new_tokens=self.processor.max_new_tokens
        )


# As for GrammarProcessor: transformers asks for it at every step.
TraceRecorder.__call__.__signature__ = inspect.signature(TraceRecorder.__call__)  # type: ignore[attr-defined]


def observe_text(
    model: Any,
    prompt_ids: Sequence[int],
    token_ids: Sequence[int],
    source: Source,
    *,
    max_new_tokens: int | None = None,
    n_alternatives: int = DEFAULT_ALTERNATIVES,
) -> list[Observation]:
    """What a `TraceRecorder` would have seen at each token, by one forward pass of a decoder-only model.

    prompt_ids, token_ids: at least one each. The memory is that of the scores of all tokens.
    """
    scores = read_text(model, prompt_ids, token_ids)
    matcher = None if isinstance(source, Vocabulary) else source.matcher()
    vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
    bitmask = allocate_bitmask(1, vocabulary.vocab_size)
    seen = []
    for place, token_id in enumerate(token_ids):
        row = scores[place : place + 1].clone()
        if matcher is not None:
            matcher.fill_bitmask(bitmask, 0, None if max_new_tokens is None else max_new_tokens - place)
            apply_bitmask(row, bitmask)
            matcher.accept_token(token_id)
        step = _Step(torch.log_softmax(scores[place], dim=-1), row[0], n_alternatives)
        seen.append(step.observation(token_id))
    return seen
