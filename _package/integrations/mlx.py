"""MLX: a logits processor for `mlx_lm.generate` and `generate_step`.

    processor = MlxGrammarProcessor(compiled, max_tokens=100)
    mlx_lm.generate(model, tokenizer, prompt, max_tokens=100, logits_processors=[processor])

mlx_lm hands over the token ids of one sequence, the prompt first, and its logits of shape [1, logits]. Each
sequence of a batch has processors of its own.
"""

from __future__ import annotations

from typing import Any

from ..decoding.compile import CompiledGrammar
from .followed_tokens import FollowedTokens


class MlxGrammarProcessor:
    """For one sequence at a time; may be used again. A text whose prompt begins with the last prompt, and is
    shorter than that and its answer, looks like a draft that was taken back: call `reset` before it.

    max_tokens: the same number as the call gets. Raises as `FollowedTokens`.
    """

    def __init__(self, compiled: CompiledGrammar, *, max_tokens: int | None = None) -> None:
        self._followed = FollowedTokens(compiled, max_tokens)

    def reset(self) -> None:
        """Begin another text."""
        self._followed.reset()

    def __call__(self, tokens: Any, logits: Any) -> Any:
        """The logits, minus infinity where a token is forbidden. Both are arrays of MLX.

        Raises:
            TokenRejectedError: the sequence holds what the grammar forbids.
        """
        import mlx.core as mx

        allowed = self._followed.allowed(tokens.tolist(), logits.shape[-1])
        return mx.where(mx.array(allowed), logits, mx.array(float("-inf"), dtype=logits.dtype))
