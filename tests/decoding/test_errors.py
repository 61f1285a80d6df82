"""The errors after the grammar; the laws of the whole family are in tests/grammars/test_errors.py."""

from __future__ import annotations

import pickle

import pytest
from tokentrellis.decoding.errors import (
    BudgetTooSmallError,
    NoAllowedTokenError,
    SamplingError,
    TokenRejectedError,
    VocabularyError,
)
from tokentrellis.grammars.errors import ConstraintError

EXAMPLES: list[tuple[ConstraintError, str]] = [
    (
        VocabularyError(
            "the tokens cannot spell the grammar", missing_bytes=b"{\xffb a\x00c", advice="use another"
        ),
        "the tokens cannot spell the grammar; use another\n"
        "    missing bytes: 0x00, 0x20, 'a'..'c', '{', 0xFF",
    ),
    (VocabularyError("every token must be bytes", got=str), "every token must be bytes, got <class 'str'>"),
    (
        TokenRejectedError(7, position=2, expected='"', token=b"x"),
        "after 2 accepted tokens: token 7 b'x' is not allowed here, expected \"",
    ),
    (TokenRejectedError(7, position=0), "after 0 accepted tokens: token 7 is not allowed here"),
    (
        NoAllowedTokenError([4, 5]),
        "after 2 generated tokens: no token of the vocabulary is allowed here",
    ),
    (
        BudgetTooSmallError(9, 4),
        "the budget must leave tokens to finish an output, and 9 are always enough, got 4; "
        "raise the budget (max_new_tokens) to 9 or more",
    ),
    (SamplingError("all particles have weight zero"), "all particles have weight zero"),
]


@pytest.mark.parametrize(("error", "text"), EXAMPLES)
def test_text_and_pickle(error: ConstraintError, text: str) -> None:
    assert str(error) == text
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == text


def test_fields() -> None:
    assert VocabularyError("m", missing_bytes=b"bab").missing_bytes == b"ab"
    rejected = TokenRejectedError(7, position=2, expected="a digit", token=b"x")
    assert (rejected.token_id, rejected.position, rejected.expected, rejected.token) == (
        7,
        2,
        "a digit",
        b"x",
    )
    assert NoAllowedTokenError([4, 5]).generated == (4, 5)
    budget = BudgetTooSmallError(9, 4)
    assert (budget.needed, budget.given) == (9, 4)


def test_family() -> None:
    assert all(isinstance(error, ConstraintError) for error, _ in EXAMPLES)
    assert issubclass(VocabularyError, ValueError)
    assert issubclass(TokenRejectedError, ValueError)
    assert issubclass(BudgetTooSmallError, ValueError)
