"""Calls of tools: what a request says about its tools in, a constraint out, and calls out of a text.

This is the one place where tools and the endpoint meet. Until calls of tools can be compiled (`from_tools`)
and read (`parse_calls`), a request with tools is refused; then `tool_constraint` makes the constraint, and
`responses.py` asks here for the calls in a text.
"""

from __future__ import annotations

from ..constraint import Constraint
from .errors import RequestRefusedError
from .protocol import WritingRequest


def tool_constraint(request: WritingRequest) -> Constraint | None:
    """What the tools of a request demand of the text; None: it has none.

    Raises:
        RequestRefusedError: it has tools.
    """
    for name in ("tools", "tool_choice", "parallel_tool_calls"):
        if getattr(request, name, None) not in (None, [], "none"):
            raise RequestRefusedError(
                "calls of tools are not served yet",
                param=name,
                code="unsupported_feature",
                advice="ask for the arguments with response_format",
            )
    return None
