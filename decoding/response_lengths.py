"""How long a model's responses are: a writer and prompts in, statistics of the lengths out, and from them the
`max_new_tokens` that a wanted share of responses fits into.

Each prompt is answered n times. Lengths are in tokens, EOS included. A response is degenerate if a limit cut
it off or if it repeats itself: if it ends in at least four repetitions of one piece, together at least 24
tokens. All figures come with and without these. Percentiles interpolate linearly (numpy's default), the
deviation is that of a sample (n - 1). Cost: n calls, or one batch, for each prompt; a pass over each text.

Paper: Perez-Ramirez, Kostic, Boman, "CASTILLO: Characterizing Response Length Distributions of Large Language
Models", arXiv 2505.16881. Ours: the rule for repetition, and the budget.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .arguments import checked_instance, checked_integer, checked_number
from .errors import ArgumentValueError
from .responses import MOST_SAMPLES, Calls, Response, Writer, check_prompts

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
LEAST_REPETITIONS = 4
LEAST_REPEATED_TOKENS = 24

_PIECE = re.compile(r"\w+|[^\w\s]")  # what stands for tokens where ids are not known


@dataclass(frozen=True)
class LengthSummary:
    """Figures of a set of responses; None where there are none. Lengths in tokens.

    deviation: of a sample, 0 for a single one. percentiles: by `PERCENTILES`.
    """

    n_responses: int
    mean: float | None
    deviation: float | None
    shortest: int | None
    longest: int | None
    percentiles: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PromptResponses:
    """The responses to one prompt, one entry each.

    lengths: in tokens, EOS included. is_complete: False where a limit cut it off.
    is_repetitive: whether it ends in repetitions. shortest_text, longest_text: the first of each.
    """

    prompt: str
    lengths: tuple[int, ...]
    is_complete: tuple[bool, ...]
    is_repetitive: tuple[bool, ...]
    shortest_text: str
    longest_text: str

    def kept(self, without_degenerate: bool) -> list[tuple[int, bool]]:
        """Length and completeness of all responses, or of those that are not degenerate."""
        rows = zip(self.lengths, self.is_complete, self.is_repetitive, strict=True)
        return [(n, done) for n, done, repeats in rows if not without_degenerate or (done and not repeats)]

    def summary(self, *, without_degenerate: bool = False) -> LengthSummary:
        """The figures of this prompt."""
        return _summary([self], without_degenerate)


@dataclass(frozen=True)
class ResponseLengths:
    """What `measure_responses` found.

    prompts: one entry for each. n_samples, seed: as given. settings: of the writer, if it tells them.
    """

    prompts: tuple[PromptResponses, ...]
    n_samples: int
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def cut_share(self) -> float:
        """Share of responses that a limit cut off."""
        return self._share(not done for prompt in self.prompts for done in prompt.is_complete)

    @property
    def repetitive_share(self) -> float:
        """Share of responses that end in repetitions."""
        return self._share(repeats for prompt in self.prompts for repeats in prompt.is_repetitive)

    @property
    def degenerate_share(self) -> float:
        """Share of responses that are cut off or end in repetitions."""
        n_all, n_kept = (
            sum(len(prompt.kept(without)) for prompt in self.prompts) for without in (False, True)
        )
        return (n_all - n_kept) / max(1, n_all)

    def summary(self, *, without_degenerate: bool = False) -> LengthSummary:
        """The figures of all prompts together."""
        return _summary(self.prompts, without_degenerate)

    def budget_for(
        self, share: float, *, confidence: float | None = None, without_degenerate: bool = False
    ) -> int:
        """The smallest `max_new_tokens` within which at least this share of the responses is complete.

        share: above 0, at most 1. A response that was cut off is complete within no budget.
        confidence: None: of the responses that were measured. A number below 1: of all that are to come, with
            this confidence, whatever their distribution (a tolerance bound by order statistics; Wilks 1941),
            if responses are independent: take one sample of many prompts rather than many of few.
        without_degenerate: of those responses only that are neither cut off nor repetitive.

        Raises:
            ArgumentTypeError, ArgumentValueError: a share out of bounds, or more than these responses show.
        """
        share = checked_number("share", share, above=0, most=1)
        checked_instance("without_degenerate", without_degenerate, bool, "True or False")
        kept = [row for prompt in self.prompts for row in prompt.kept(without_degenerate)]
        lengths = sorted(n if done else math.inf for n, done in kept)
        if confidence is None:
            rank = max(1, math.ceil(share * len(lengths) - 1e-9))
        else:
            confidence = checked_number("confidence", confidence, above=0, most=1)
            rank = _rank_with_confidence(len(lengths), share, confidence)
        if rank > len(lengths) or lengths[rank - 1] == math.inf:
            n_done = sum(n < math.inf for n in lengths)
            raise ArgumentValueError(
                f"share must be less: {n_done} of {len(lengths)} responses are complete",
                got=share,
                advice="measure more responses with a larger limit, or leave out degenerate ones",
            )
        return int(lengths[rank - 1])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write JSON, with the summaries beside the data.

        Raises:
            ArgumentTypeError: this is no path. OSError: it cannot be written.
        """
        checked_instance("path", path, (str, os.PathLike), "a path")
        summaries = {
            name: asdict(self.summary(without_degenerate=without))
            for name, without in (("summary", False), ("summary_without_degenerate", True))
        }
        Path(path).write_text(json.dumps({**asdict(self), **summaries}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ResponseLengths:
        """Read what `save` wrote.

        Raises:
            ArgumentTypeError: this is no path. ArgumentValueError: there is no such file, or it holds
                something else.
        """
        checked_instance("path", path, (str, os.PathLike), "a path")
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            n_samples, seed = int(values["n_samples"]), int(values["seed"])
            prompts = tuple(_read_prompt(prompt) for prompt in values["prompts"])
            return cls(prompts, n_samples, seed, dict(values["settings"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArgumentValueError(
                f"path must be a file that ResponseLengths.save wrote ({type(error).__name__})", got=str(path)
            ) from error

    def _share(self, flags: Iterable[bool]) -> float:
        values = list(flags)
        return sum(values) / max(1, len(values))


def measure_responses(
    writer: Writer,
    prompts: Sequence[str],
    *,
    n_samples: int = 10,
    seed: int = 0,
    tokenizer: Any = None,
    limit: int | None = None,
) -> ResponseLengths:
    """Let a writer answer every prompt `n_samples` times and measure the responses.

    writer: a `ModelWriter`, or a function from a prompt to a `Response` or a text. It should sample; with a
        parameter `seed` it gets a different one in each call.
    tokenizer: counts the tokens that the writer does not report; needed for one that returns texts.
    limit: tokens; a response that has as many counts as cut off. None: as the writer reports.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind or out of bounds, or it is not
            known how many tokens a response has. Whatever the writer raises.
    """
    prompts = check_prompts(prompts)
    n_samples = checked_integer("n_samples", n_samples, least=1, most=MOST_SAMPLES)
    seed = checked_integer("seed", seed)
    if limit is not None:
        limit = checked_integer("limit", limit, least=1)
    calls = Calls(writer, tokenizer, seed)
    measured = tuple(_measure(prompt, calls.draw(prompt, n_samples), limit) for prompt in prompts)
    settings = getattr(writer, "settings", None)
    return ResponseLengths(measured, n_samples, seed, dict(settings) if isinstance(settings, dict) else {})


def repeats_itself(tokens: Sequence[Any]) -> bool:
    """Whether a sequence ends in at least four repetitions of one piece, together at least 24 tokens long.

    The reversed sequence is read with the prefix function of Knuth, Morris and Pratt: a prefix of n tokens
    with a border of b has the period n - b. Linear time.
    """
    reverse = list(tokens)[::-1]
    borders = [0] * len(reverse)
    for end in range(1, len(reverse)):
        border = borders[end - 1]
        while border and reverse[border] != reverse[end]:
            border = borders[border - 1]
        borders[end] = border + (reverse[border] == reverse[end])
        n_tokens = end + 1
        if n_tokens >= max(LEAST_REPEATED_TOKENS, LEAST_REPETITIONS * (n_tokens - borders[end])):
            return True
    return False


def _measure(prompt: str, responses: list[Response], limit: int | None) -> PromptResponses:
    lengths = []
    for response in responses:
        if response.n_tokens is None:
            raise ArgumentValueError(
                "the number of tokens of a response must be known",
                got=response,
                advice="pass a tokenizer, or let the writer return a Response with n_tokens",
            )
        lengths.append(response.n_tokens)
    complete = [
        response.is_complete and (limit is None or n < limit)
        for response, n in zip(responses, lengths, strict=True)
    ]
    repetitive = [
        repeats_itself(_PIECE.findall(response.text) if response.token_ids is None else response.token_ids)
        for response in responses
    ]
    ends = (lengths.index(min(lengths)), lengths.index(max(lengths)))
    texts = [responses[index].text for index in ends]
    return PromptResponses(prompt, tuple(lengths), tuple(complete), tuple(repetitive), texts[0], texts[1])


def _summary(prompts: Iterable[PromptResponses], without_degenerate: bool) -> LengthSummary:
    checked_instance("without_degenerate", without_degenerate, bool, "True or False")
    lengths = [n for prompt in prompts for n, _ in prompt.kept(without_degenerate)]
    if not lengths:
        return LengthSummary(0, None, None, None, None)
    values = np.array(lengths, dtype=np.float64)
    deviation = float(values.std(ddof=1)) if len(lengths) > 1 else 0.0
    percentiles = zip(PERCENTILES, np.percentile(values, PERCENTILES).tolist(), strict=True)
    return LengthSummary(
        len(lengths), float(values.mean()), deviation, min(lengths), max(lengths), dict(percentiles)
    )


def _rank_with_confidence(n: int, share: float, confidence: float) -> int:
    """The smallest k for which the k-th of n values covers this share with this confidence; n + 1: none.

    It does if fewer than k values lie below the share's quantile: P(Binomial(n, share) <= k - 1).
    """
    if share == 1 or confidence == 1:
        return n + 1
    below = 0.0
    for k in range(n):
        log_choices = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        below += math.exp(log_choices + k * math.log(share) + (n - k) * math.log1p(-share))
        if below >= confidence:
            return k + 1
    return n + 1


def _read_prompt(value: dict[str, Any]) -> PromptResponses:
    columns = [value["lengths"], value["is_complete"], value["is_repetitive"]]
    is_sound = len(set(map(len, columns))) == 1 and columns[0]
    for column, kind in zip(columns, (int, bool, bool), strict=True):
        is_sound = is_sound and isinstance(column, list) and all(type(entry) is kind for entry in column)
    texts = [value["prompt"], value["shortest_text"], value["longest_text"]]
    if not is_sound or not all(isinstance(text, str) for text in texts):
        raise ValueError(value)
    lengths, is_complete, is_repetitive = map(tuple, columns)
    return PromptResponses(texts[0], lengths, is_complete, is_repetitive, texts[1], texts[2])
