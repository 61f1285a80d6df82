"""Where a prompt ends inside what the model knows as one token: token ids in, shorter ones and bytes out.

A token at the end of a prompt may be the beginning of a longer one, which the model would have written there.
Which tokens begin with some bytes is a range of the sorted vocabulary.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import lru_cache

from .vocabulary import Vocabulary


@lru_cache(maxsize=4)
def sorted_tokens(vocabulary: Vocabulary) -> tuple[list[int], list[bytes]]:
    """The text tokens in the order of their bytes: ids, bytes."""
    ids = sorted(vocabulary.text_token_ids.tolist(), key=lambda token_id: vocabulary.tokens[token_id])
    return ids, [vocabulary.tokens[token_id] for token_id in ids]


def tokens_beginning(texts: list[bytes], data: bytes) -> range:
    """Where those that begin with some bytes stand among the texts of `sorted_tokens`."""
    first = bisect.bisect_left(texts, data)
    # The first that does not begin with them any more.
    return range(first, bisect.bisect_left(texts, True, first, key=lambda text: text[: len(data)] > data))


def some_token_goes_on(texts: list[bytes], data: bytes) -> bool:
    """Whether one of the texts of `sorted_tokens` begins with some bytes and has more."""
    at = bisect.bisect_right(texts, data)
    return at < len(texts) and texts[at].startswith(data)


def split_where_tokens_cross(vocabulary: Vocabulary, prompt_ids: Sequence[int]) -> tuple[list[int], bytes]:
    """A prompt without its last tokens, and their bytes: as many as some longer token begins with.

    Special tokens are never given back, nor is the first token.
    """
    _, texts = sorted_tokens(vocabulary)
    longest = max(map(len, texts), default=0)
    n_kept, tail, begun = len(prompt_ids), b"", b""
    for place in range(len(prompt_ids) - 1, 0, -1):
        spelled = vocabulary.token_bytes(prompt_ids[place])
        begun = spelled + begun
        if not spelled or len(begun) >= longest:
            break
        if some_token_goes_on(texts, begun):
            n_kept, tail = place, begun
    return list(prompt_ids[:n_kept]), tail
