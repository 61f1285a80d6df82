"""The state of one sequence: which tokens may come next, and going on by one of them.

A matcher is a list of state numbers over what its compiled grammar has learnt, so copying it and rolling back
cost nothing. Everything fast is inherited from the core; this class only makes errors of our family.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from .._ext import core
from .arguments import checked_instance
from .errors import (
    ArgumentIndexError,
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    NoAllowedTokenError,
    TokenRejectedError,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from .compile import CompiledGrammar


_ERRORS: dict[type[Exception], Callable[..., Exception]] = {
    TypeError: ArgumentTypeError,
    ValueError: ArgumentValueError,
    IndexError: ArgumentIndexError,
}


class Matcher(core.Matcher):
    """State of one sequence. Made by `CompiledGrammar.matcher()`; not to be shared between threads.

    The stub `_ext/core.pyi` has the compiled methods and their shapes.

    Raises (from the methods that advance or fill):
        TokenRejectedError: the token is not allowed; the state is unchanged.
        BudgetTooSmallError: no token is known after which a document can be finished within the budget, which
            has fewer tokens than `tokens_to_finish` then.
        NoAllowedTokenError: the vocabulary has no token that may come next, or there is no way to the end.
        LimitExceededError: an automaton grew past its limit.
        ArgumentTypeError, ArgumentValueError, ArgumentIndexError: an argument is of the wrong kind, a bitmask
            of the wrong shape, or there are no such tokens or rows. Each is the builtin error too.
    """

    compiled: CompiledGrammar

    def __new__(cls, compiled: CompiledGrammar) -> Self:
        checked_instance(
            "compiled", compiled, core.Compiled, "a CompiledGrammar", "call compile_grammar(...).matcher()"
        )
        return super().__new__(cls, compiled)

    def _reject(self, token_id: int) -> NoReturn:
        vocabulary = self.compiled.vocabulary
        known = 0 <= token_id < vocabulary.n_tokens
        raise TokenRejectedError(
            token_id,
            position=self.n_accepted,
            expected=self.describe_next(),
            token=vocabulary.token_bytes(token_id) if known else None,
            advice="" if known else f"the vocabulary has tokens 0 to {vocabulary.n_tokens - 1}",
        )

    def _refuse_budget(self, budget: int) -> NoReturn:
        raise BudgetTooSmallError(self.tokens_to_finish, budget)

    def _refuse_empty(self) -> NoReturn:
        raise NoAllowedTokenError(
            range(self.n_accepted),
            message=f"no token of the vocabulary is allowed here (expected {self.describe_next()})",
            advice="no token spells what the grammar needs (see Vocabulary.missing_bytes), or the text so "
            "far has no valid end and should have been refused earlier: please report that with the grammar",
        )

    def _refuse(self, kind: type[Exception], message: str, got: object) -> NoReturn:
        raise _ERRORS[kind](message, got=got)

    def __repr__(self) -> str:
        return f"Matcher(after {self.n_accepted} tokens: next {self.describe_next()})"

    def describe_next(self) -> str:
        """What may come next, in words: bytes as characters and ranges, and the end of the text."""
        if self.is_terminated:
            return "nothing: the text has ended"
        wanted = [_show_range(first, last) for first, last in _ranges(sorted(self.next_bytes()))]
        if self.is_accepting:
            wanted.append("the end")
        return " or ".join(wanted) or "nothing"


def is_forced(matcher: Matcher, data: bytes) -> bool:
    """Whether the next token spells only what must come. data: its bytes; empty for a token that ends."""
    return matcher.forced_bytes().startswith(data) if data else not matcher.next_bytes()


def _ranges(values: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for value in values:
        if ranges and ranges[-1][1] == value - 1:
            ranges[-1] = (ranges[-1][0], value)
        else:
            ranges.append((value, value))
    return ranges


def _show(byte: int) -> str:
    return repr(chr(byte)) if 32 <= byte < 127 else f"byte 0x{byte:02X}"


def _show_range(first: int, last: int) -> str:
    return _show(first) if first == last else f"{_show(first)} to {_show(last)}"
