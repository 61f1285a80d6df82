"""Best of n: any sampler and a score in, the text of the highest score out.

n texts are drawn, side by side where the sampler can; the score is the model's own log-probability or any
function of the text, such as a reward model. The law of the result is that of the largest of n draws, so
there is no weight.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..decoding.arguments import checked_integer
from ..decoding.errors import ArgumentTypeError
from ..decoding.sampling import SampledText, Sampler, SamplingTask, draw_texts, score_text
from ..decoding.vocabulary import Vocabulary
from .tasks import checked_score


class BestOf:
    """Draws n texts and keeps the best.

    sampler: draws them. score: a function of the text (a str) that returns a number, larger is better; None:
        the model's log-probability.

    Raises:
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(self, n: int, sampler: Sampler, *, score: Callable[[str], float] | None = None) -> None:
        self.n = checked_integer("n", n, least=1)
        if not callable(getattr(sampler, "draw", None)):
            raise ArgumentTypeError(
                "sampler must have a method draw(task, generator)",
                got=sampler,
                advice="make one: tt.AdaptiveRejectionSampler()",
            )
        if score is not None and not callable(score):
            raise ArgumentTypeError("score must be a function of the text, or None", got=score)
        self.sampler = sampler
        self.score = score

    def draw(self, task: SamplingTask, generator: torch.Generator) -> SampledText:
        """The best of n texts, for `generate()`. Raises: as the sampler."""
        source = task.source
        vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
        drawn = draw_texts(self.sampler, task, self.n, generator)
        if self.score is None:
            scores = [score_text(task.model, task.prompt_ids, text.token_ids) for text in drawn]
        else:
            spelled = [vocabulary.decode(text.token_ids)[len(task.tail) :] for text in drawn]
            texts = [data.decode("utf-8", "surrogateescape") for data in spelled]
            scores = [checked_score("score", self.score(text)) for text in texts]
        best = max(range(self.n), key=scores.__getitem__)
        return SampledText(drawn[best].token_ids, 0.0, {**drawn[best].details, "scores": scores})
