"""Refusals: an error in, an HTTP status and a body in OpenAI's form out.

    {"error": {"message": ..., "type": ..., "param": ..., "code": ...}}

Errors of our family are the client's (400), their message is the text of the error; the few that are the
server's fault say so with a status of 500.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..decoding.errors import (
    BudgetTooSmallError,
    NoAllowedTokenError,
    TokenRejectedError,
    VocabularyError,
)
from ..grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)

_MOST_CHARACTERS = 4000  # of a message

_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}

_CODES: dict[type[ConstraintError], str] = {
    BudgetTooSmallError: "max_tokens_too_small",
    GrammarSyntaxError: "invalid_grammar",
    LimitExceededError: "limit_exceeded",
    UnresolvedReferenceError: "unresolved_reference",
    UnsatisfiableError: "unsatisfiable_grammar",
    UnsupportedFeatureError: "unsupported_feature",
    VocabularyError: "vocabulary",
}


class RequestRefusedError(ConstraintError):
    """A request that is not served.

    status: of HTTP. param: the member of the request that is at fault, if it is one. code: for programs.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        got: object = ...,
        advice: str = "",
    ) -> None:
        super().__init__(message, location=param, got=got, advice=advice)
        self.status = status
        self.param = param
        self.code = code


def status_of(error: ConstraintError) -> int:
    """400 for what the client asked for, 500 for what should not have happened."""
    if isinstance(error, RequestRefusedError):
        return error.status
    return 500 if isinstance(error, (NoAllowedTokenError, TokenRejectedError)) else 400


def _code_of(error: ConstraintError) -> str | None:
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)


@contextmanager
def blamed_on(param: str, code: str | None = None) -> Iterator[None]:
    """Errors of our family from in here are refusals that name a member of the request.

    code: for programs; None: by the kind of the error.
    """
    try:
        yield
    except RequestRefusedError:
        raise
    except ConstraintError as error:
        raise RequestRefusedError(
            str(error), status=status_of(error), param=param, code=code or _code_of(error)
        ) from error


def error_body(error: ConstraintError) -> dict[str, Any]:
    """The body of the answer to a request that is refused, or failed."""
    status = status_of(error)
    is_refusal = isinstance(error, RequestRefusedError)
    code = error.code if is_refusal else _code_of(error)  # type: ignore[attr-defined]
    code = code or ("invalid_value" if status == 400 else None)
    param = error.param if is_refusal else None  # type: ignore[attr-defined]
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    message = str(error)
    if len(message) > _MOST_CHARACTERS:
        message = message[: _MOST_CHARACTERS - 4] + " ..."
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
