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
    return {
        token_id for token_id, token in enumerate(tokens) if token and _can_read(recognizer, states, token)
    }


def _can_read(recognizer: Recognizer, states: States, token: bytes) -> bool:
    for byte in token:
        states = recognizer.step(states, byte)
        if not recognizer.is_alive(states):
            return False
    return True
