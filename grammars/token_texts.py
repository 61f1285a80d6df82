"""Text in which special tokens are written by their names -> pieces between the states of a composition.

In come a skeleton (`composition.py`), one of its states, and what is to be read from there: a text, free text
up to one of several texts, a block of reasoning. Names of special tokens become the tokens, everything else
bytes. Used by tool calls and structural tags. Cost: linear in the text, for each token that it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .call_formats import Reasoning
from .composition import Skeleton, Token
from .expressions import Expression, byte_class, literal, repeat
from .stop_strings import text_up_to, text_without

BLANKS = repeat(byte_class(b" \n"), 0, 4)
"""Between reasoning and what follows."""


def split_at_tokens(text: str, special_tokens: Mapping[str, int]) -> list[str]:
    """A text in pieces, each the name of a special token or without any; the longest name first."""
    names = sorted((name for name in special_tokens if name and name in text), key=len, reverse=True)
    pieces = [text]
    for name in names:
        parted: list[str] = []
        for piece in pieces:
            if piece in special_tokens:
                parted.append(piece)
                continue
            for place, rest in enumerate(piece.split(name)):
                parted += [name, rest] if place else [rest]
        pieces = [piece for piece in parted if piece]
    return pieces


def write(skeleton: Skeleton, state: int, text: str, special_tokens: Mapping[str, int]) -> int:
    """Join a text, special tokens as tokens; the state after it."""
    for piece in split_at_tokens(text, special_tokens):
        token_id = special_tokens.get(piece)
        state = skeleton.join(state, literal(piece) if token_id is None else Token(token_id))
    return state


def write_up_to(
    skeleton: Skeleton, state: int, stops: Sequence[str], special_tokens: Mapping[str, int]
) -> list[int]:
    """Join free text in which none of these texts appears, and then one of them; the states after each."""
    after = []
    pieces = [split_at_tokens(stop, special_tokens) for stop in stops]
    # What begins with a special token does not stop the text before it, but is not spelled in it either.
    for stop, (first, *rest) in zip(stops, pieces, strict=True):
        if first in special_tokens:
            here = skeleton.join(state, text_without(stops))
            after.append(write(skeleton, here, stop, special_tokens))
        else:
            firsts = [other[0] for other in pieces if other[0] not in special_tokens]
            spelled = [
                other for other, parts in zip(stops, pieces, strict=True) if parts[0] in special_tokens
            ]
            here = skeleton.join(state, text_up_to(first, [*firsts, *spelled]))
            after.append(write(skeleton, here, "".join(rest), special_tokens))
    return after


def write_reasoning(
    skeleton: Skeleton,
    block: Reasoning | None,
    target: int,
    special_tokens: Mapping[str, int],
    blanks: Expression = BLANKS,
) -> None:
    """Join what may come before everything: a block of free text, or nothing; only the block, if it has begun
    in the prompt."""
    if block is None or block[0]:
        skeleton.skip(0, target)
    if block is not None:
        begin, end = block
        (after,) = write_up_to(skeleton, write(skeleton, 0, begin, special_tokens), [end], special_tokens)
        skeleton.join(after, blanks, target)
