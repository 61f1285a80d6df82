"""Which tokens may come next, by trying each of them byte by byte in the recogniser.

In come a grammar, the bytes so far and the tokens by id; out comes the set of allowed ids. A token is allowed
exactly when the recogniser can read all of its bytes, since what it has read it can always complete. Tokens
without bytes are never allowed. Cost: one step of the recogniser for each byte of each token.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokentrellis.grammars.grammar import Grammar
from tokentrellis.grammars.recognizer import Recognizer, States


def allowed_tokens(grammar: Grammar, prefix: bytes, tokens: Sequence[bytes]) -> set[int]:
    """The ids of the tokens that may come after `prefix`."""
    recognizer = Recognizer(grammar)
    return allowed_after(recognizer, recognizer.run(prefix), tokens)


def allowed_after(recognizer: Recognizer, states: States, tokens: Sequence[bytes]) -> set[int]:
    """The ids of the tokens that may come in `states`."""
    reached = {b"": states}  # by what was read, since many tokens begin alike
    return {
        token_id for token_id, token in enumerate(tokens) if token and _can_read(recognizer, reached, token)
    }


def _can_read(recognizer: Recognizer, reached: dict[bytes, States], token: bytes) -> bool:
    for end in range(1, len(token) + 1):
        before, read = token[: end - 1], token[:end]
        if read not in reached:
            reached[read] = recognizer.step(reached[before], read[-1])
        if not recognizer.is_alive(reached[read]):
            return False
    return True
