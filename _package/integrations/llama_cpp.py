"""llama-cpp-python: a logits processor for `Llama.create_completion` and its relatives.

    processor = LlamaGrammarProcessor(compiled, max_tokens=100)
    llama.create_completion(prompt, max_tokens=100, logits_processor=LogitsProcessorList([processor]))

llama.cpp hands over the token ids of one sequence and its logits, both as numpy arrays, before each step. The
vocabulary of the compiled grammar has to be that of the model's file: read it from the tokenizer that the
file was made from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..decoding.compile import CompiledGrammar
from .followed_tokens import FollowedTokens


class LlamaGrammarProcessor:
    """For one sequence at a time; may be used again. A text whose prompt begins with the last prompt, and is
    shorter than that and its answer, looks like a draft that was taken back: call `reset` before it.

    max_tokens: the same number as the call gets. Raises as `FollowedTokens`.
    """

    def __init__(self, compiled: CompiledGrammar, *, max_tokens: int | None = None) -> None:
        self._followed = FollowedTokens(compiled, max_tokens)

    def reset(self) -> None:
        """Begin another text."""
        self._followed.reset()

    def __call__(
        self, input_ids: npt.NDArray[np.intc], scores: npt.NDArray[np.single]
    ) -> npt.NDArray[np.single]:
        """The scores, in a new array, minus infinity where a token is forbidden.

        Raises:
            TokenRejectedError: the sequence holds what the grammar forbids.
        """
        allowed = self._followed.allowed(input_ids.tolist(), len(scores))
        return np.where(allowed, scores, np.single(-np.inf))
