"""A language of forty words, made here: a random source in, responses of an exact length in tokens out.

A sentence has three to eight words and a full stop; which word may follow which is drawn once. A response is
whole sentences and EOS. One token is one word, so token ids are all that there is. Cost: one draw for a word.
"""

from __future__ import annotations

import random

N_WORDS = 40
N_FOLLOWERS = 6
SHORTEST_SENTENCE, LONGEST_SENTENCE = 4, 9  # tokens, the full stop included
WIDTH_OF_BUCKET = 6  # tokens of length that share a length token

PAD, EOS, BOS, STOP = 0, 1, 2, 3
FIRST_WORD = 4
FIRST_BUCKET = FIRST_WORD + N_WORDS
N_BUCKETS = 10
N_TOKENS = FIRST_BUCKET + N_BUCKETS
FIRST_MARKER = N_TOKENS
MOST_MARKED = 52  # words; a vocabulary with markers has tokens for 0 to so many

_CONSONANTS, _VOWELS = "bdfgklmnpr", "aeio"
WORDS = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
TOKENS = [b"", b"", b"", b".", *(word.encode() + b" " for word in WORDS), *[b""] * N_BUCKETS]
"""The bytes of each token, for a vocabulary."""
SENTENCES = "((" + "|".join(WORDS) + ") ){3,8}\\."
"""A regular expression for one sentence."""


class Language:
    """Texts of the language; what may follow a word depends on `seed` alone."""

    def __init__(self, seed: int = 0) -> None:
        source = random.Random(seed)
        words = range(FIRST_WORD, FIRST_WORD + N_WORDS)
        self._followers = [source.sample(words, N_FOLLOWERS) for _ in range(FIRST_WORD + N_WORDS)]

    def prompt(self, source: random.Random) -> list[int]:
        """BOS and one to four words."""
        words = range(FIRST_WORD, FIRST_WORD + N_WORDS)
        return [BOS, *source.sample(words, source.randint(1, 4))]

    def response(self, source: random.Random, length: int) -> list[int]:
        """Sentences and EOS, `length` tokens together; at least one more than the shortest sentence has."""
        token_ids: list[int] = []
        left = length - 1
        while left:
            sizes = [
                size
                for size in range(SHORTEST_SENTENCE, LONGEST_SENTENCE + 1)
                if left == size or left - size >= SHORTEST_SENTENCE
            ]
            size = source.choice(sizes)
            left -= size
            word = STOP
            for _ in range(size - 1):
                word = source.choice(self._followers[word])
                token_ids.append(word)
            token_ids.append(STOP)
        return [*token_ids, EOS]


def bucket_token(length: int) -> int:
    """The length token of a response: lengths from the trained range in steps, what is longer in the last."""
    return FIRST_BUCKET + min((length - 1) // WIDTH_OF_BUCKET, N_BUCKETS - 1)


def mark(response: list[int]) -> list[int]:
    """A response with the number of words that are left before each word, 0 before EOS (CAPEL,
    arXiv 2508.13805)."""
    left = sum(token >= FIRST_WORD for token in response)
    marked: list[int] = []
    for token in response:
        if token >= FIRST_WORD or token == EOS:
            marked.append(FIRST_MARKER + left)
            left -= 1
        marked.append(token)
    return marked


def unmark(marked: list[int]) -> list[int]:
    """What is left without the markers."""
    return [token for token in marked if token < FIRST_MARKER]
