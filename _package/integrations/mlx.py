"""MLX: a logits processor for `mlx_lm.generate` and `generate_step`.

    processor = MlxGrammarProcessor(compiled, max_tokens=100)
    mlx_lm.generate(model, tokenizer, prompt, max_tokens=100, logits_processors=[processor])

mlx_lm hands over the token ids of one sequence, the prompt first, and its logits of shape [1, logits]. Each
sequence of a batch has processors of its own.
"""

from __future__ import annotations

from typing import Any

from .followed_tokens import FollowedTokens


class MlxGrammarProcessor(FollowedTokens):
    """The processor; `FollowedTokens` says how it is made and when to `reset` it."""

    def __call__(self, tokens: Any, logits: Any) -> Any:
        """The logits, minus infinity where a token is forbidden. Both are arrays of MLX.

        Raises:
            TokenRejectedError: the sequence holds what the grammar forbids.
        """
        import mlx.core as mx

        allowed = self.allowed(tokens.tolist(), logits.shape[-1])
        return mx.where(mx.array(allowed), logits, mx.array(float("-inf"), dtype=logits.dtype))
