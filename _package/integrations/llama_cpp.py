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

from .followed_tokens import FollowedTokens


class LlamaGrammarProcessor(FollowedTokens):
    """The processor; `FollowedTokens` says how it is made and when to `reset` it."""

    def __call__(
        self, input_ids: npt.NDArray[np.intc], scores: npt.NDArray[np.single]
    ) -> npt.NDArray[np.single]:
        """The scores, in a new array, minus infinity where a token is forbidden.

        Raises:
            TokenRejectedError: the sequence holds what the grammar forbids.
        """
        allowed = self.allowed(input_ids.tolist(), len(scores))
        return np.where(allowed, scores, np.single(-np.inf))
