"""Special tokens in the text of a grammar: `<|name|>`, `<name>` and `<[id]>` -> token id.

By number no vocabulary is needed; by name the caller says which id it has. A special token is never read as
text: its edge matches the id only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import GrammarError, GrammarSyntaxError, UnresolvedReferenceError, line_and_column

_BY_NUMBER = re.compile(r"<\[([0-9]+)\]>")
_LARGEST = 2**31 - 1


def checked_tokens(special_tokens: Mapping[str, int] | None) -> dict[str, int]:
    """The argument `special_tokens` of a front end.

    Raises GrammarError if it is no mapping from names to ids.
    """
    if special_tokens is None:
        return {}
    if not isinstance(special_tokens, Mapping) or not all(
        isinstance(name, str) and type(token_id) is int and 0 <= token_id <= _LARGEST
        for name, token_id in special_tokens.items()
    ):
        raise GrammarError(
            "special_tokens must map names to token ids",
            got=special_tokens,
            advice='write {"<|name|>": 1000}',
        )
    return dict(special_tokens)


def checked_start(start: str) -> str:
    """The argument `start` of a front end. Raises GrammarError if it is no string."""
    if not isinstance(start, str):
        raise GrammarError("start must be the name of a rule", got=start)
    return start


def special_token(written: str, special_tokens: Mapping[str, int], source: str, offset: int) -> int:
    """The id of what is written at an offset of the source.

    Raises: UnresolvedReferenceError for a name that is not known; GrammarSyntaxError for an id out of bounds.
    """
    location = line_and_column(source, offset)
    number = _BY_NUMBER.fullmatch(written)
    if number:
        token_id = int(number.group(1)[:20])
        if token_id > _LARGEST:
            raise GrammarSyntaxError("a token id must be at most 2**31 - 1", location=location, source=source)
        return token_id
    found = special_tokens.get(written, special_tokens.get(written[1:-1]))
    if found is None:
        raise UnresolvedReferenceError(
            written,
            special_tokens,
            message="the special token is not known",
            location=location,
            source=source,
            advice="pass special_tokens={name: id}, or write its id: <[id]>",
        )
    return found
