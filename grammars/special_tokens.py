"""Special tokens in the text of a grammar: `<|name|>`, `<name>` and `<[id]>` -> token id.

By number no vocabulary is needed; by name the caller says which id it has. A special token is never read as
text: its edge matches the id only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import GrammarSyntaxError, UnresolvedReferenceError, line_and_column

_BY_NUMBER = re.compile(r"<\[([0-9]+)\]>")
_LARGEST = 2**31 - 1


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
