"""Errors of the stages after the grammar: vocabulary, matching, budgets and sampling.

They belong to the family whose root, `ConstraintError`, and whose wording (*where: what, got what; what to
do*) are in `grammars/errors.py`. Fields are data, the text is composed from them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..grammars.errors import ConstraintError


class ArgumentTypeError(ConstraintError, TypeError):
    """An argument of a function is not of the kind that the function takes."""


class ArgumentValueError(ConstraintError, ValueError):
    """An argument of a function is of the right kind and out of bounds."""


class ArgumentIndexError(ConstraintError, IndexError):
    """There is no such row of a bitmask, or fewer tokens than are to be taken back."""


class VocabularyError(ConstraintError, ValueError):
    """A tokenizer cannot be read, or its tokens cannot spell what the grammar needs.

    `missing_bytes` holds, in ascending order, the byte values that are needed and that no text token
    provides.
    """

    def __init__(
        self, message: str, *, missing_bytes: bytes = b"", got: object = ..., advice: str = ""
    ) -> None:
        super().__init__(message, got=got, advice=advice)
        self.missing_bytes = bytes(sorted(set(missing_bytes)))

    def __str__(self) -> str:
        if not self.missing_bytes:
            return super().__str__()
        return f"{super().__str__()}\n    missing bytes: {_format_bytes(self.missing_bytes)}"


class UnsupportedModelError(ConstraintError):
    """A model is built in a way that what was asked for cannot be done with it."""


class TokenRejectedError(ConstraintError, ValueError):
    """A token was fed to a matcher that does not allow it there; the matcher is unchanged.

    `position` is the number of tokens accepted before it; `expected` describes what may come next.
    """

    def __init__(
        self,
        token_id: int,
        *,
        position: int,
        expected: str = "",
        token: bytes | None = None,
        advice: str = "",
    ) -> None:
        shown = "" if token is None else f" {token!r}"
        expected_here = f", expected {expected}" if expected else ""
        super().__init__(f"token {token_id}{shown} is not allowed here{expected_here}", advice=advice)
        self.token_id = token_id
        self.position = position
        self.expected = expected
        self.token = token

    def __str__(self) -> str:
        return f"after {self.position} accepted tokens: {super().__str__()}"


class NoAllowedTokenError(ConstraintError):
    """No token at all may come next, or all that may have probability zero; EOS is never put in its place.

    Either the vocabulary lacks a token, or the text so far should have been refused earlier: our mistake.

    `generated` are the ids of the tokens of this sequence so far, the prompt excluded.
    """

    def __init__(
        self,
        generated: Sequence[int] = (),
        *,
        message: str = "no token of the vocabulary is allowed here",
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.generated = tuple(generated)

    def __str__(self) -> str:
        return f"after {len(self.generated)} generated tokens: {super().__str__()}"


NO_BOUND = 1 << 40
"""Tokens to finish, where no budget is known that suffices whatever is written."""


class BudgetTooSmallError(ConstraintError, ValueError):
    """No complete output is known that takes no more tokens (EOS included) than the budget has.

    `needed` and `given` are numbers of tokens. `needed` tokens always suffice, fewer may: a text can be
    spelled in fewer tokens than its bytes let expect, and to find the fewest would cost more than the masks.
    `needed` is `NO_BOUND` where it is not known what suffices.
    """

    def __init__(self, needed: int, given: int, *, message: str = "", advice: str = "") -> None:
        if needed >= NO_BOUND:
            message = "no budget is known that suffices whatever is written"
            advice = "work without a budget, or ask for fewer items or keys that must differ"
        super().__init__(
            message or f"the budget must leave tokens to finish an output, and {needed} are always enough",
            got=given,
            advice=advice or f"raise the budget (max_new_tokens) to {needed} or more",
        )
        self.needed = needed
        self.given = given


class SamplingError(ConstraintError):
    """A sampler cannot go on: all particles have weight zero, or its own budget of trials is spent."""


def _format_bytes(values: bytes) -> str:
    """Printable ASCII as a quoted character, everything else in hexadecimal; runs as first..last."""
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][1] == value - 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ", ".join(
        _format_byte(first) if first == last else f"{_format_byte(first)}..{_format_byte(last)}"
        for first, last in runs
    )


def _format_byte(value: int) -> str:
    return repr(chr(value)) if 0x20 < value < 0x7F else f"0x{value:02X}"
