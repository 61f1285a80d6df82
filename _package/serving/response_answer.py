"""Answers of `/v1/responses`: pieces of one text in, items of a response and events of a stream out.

An answer is a list of items: a block of reasoning, a message, calls. Each is opened, grows, and is closed
before the next one; every change is an event with a number. `body` is the response as it stands.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from ..grammars.tools import ToolGrammar
from .call_stream import CallStream, Delta
from .response_request import ResponsesRequest
from .row import Piece

Item = dict[str, Any]

_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("instructions", "max_output_tokens", "metadata", "temperature", "top_p", "user")),
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
}
_REPEATED = set(_DEFAULTS)
"""Members of the request that the response repeats."""


class ResponseAnswer:
    """The answer to one request while it is made; called as `Answer` is (`responses.py`)."""

    def __init__(
        self, request: ResponsesRequest, n_prompt_tokens: int, tools: ToolGrammar | None = None
    ) -> None:
        self._request = request
        self._n_prompt_tokens = n_prompt_tokens
        self._n_tokens = 0
        self._stream = None if tools is None else CallStream(tools)
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._items: list[Item] = []
        self._has_open_item = False
        self._reason: str | None = None
        self._events: list[dict[str, Any]] = []
        self._n_events = 0

    @property
    def is_complete(self) -> bool:
        """Whether the text has ended."""
        return self._reason is not None

    def opening(self) -> list[dict[str, Any]]:
        """The events before the first piece."""
        response = self.body()
        self._tell("response.created", response=response)
        self._tell("response.in_progress", response=response)
        return self._take_events()

    def add(self, choice: int, piece: Piece) -> None:
        """Take in a piece of the text."""
        self._n_tokens += piece.n_tokens
        is_last = piece.finish_reason is not None
        if self._stream is not None:
            deltas = self._stream.feed(piece.text, is_last=is_last)
        else:
            deltas = [{"content": piece.text}] if piece.text else []
        for delta in deltas:
            self._grow(delta)
        if is_last:
            status = "completed" if piece.finish_reason == "stop" else "incomplete"
            self._close_item(status)
            self._reason = piece.finish_reason
            self._tell(f"response.{status}", response=self.body())

    def chunks(self, choice: int, piece: Piece) -> list[dict[str, Any]]:
        """The events since the last call."""
        return self._take_events()

    def body(self) -> dict[str, Any]:
        """The response as it stands."""
        request = self._request
        status = {None: "in_progress", "stop": "completed"}.get(self._reason, "incomplete")
        usage = {
            "input_tokens": self._n_prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self._n_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self._n_prompt_tokens + self._n_tokens,
        }
        said = request.model_dump(by_alias=True, exclude_none=True, include=_REPEATED)
        return {
            **_DEFAULTS,
            **said,
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": request.model,
            "output": [{**item} for item in self._items],
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": None,
            "store": False,
            "truncation": "disabled",
            "usage": None if status == "in_progress" else usage,
        }

    def _take_events(self) -> list[dict[str, Any]]:
        events, self._events = self._events, []
        return events

    def _tell(self, kind: str, **members: Any) -> None:
        self._events.append({"type": kind, "sequence_number": self._n_events, **members})
        self._n_events += 1

    def _grow(self, delta: Delta) -> None:
        if "reasoning_content" in delta:
            self._open_item("reasoning", summary=[], content=[])
            self._items[-1]["content"] = [{"type": "reasoning_text", "text": delta["reasoning_content"]}]
        if "content" in delta:
            if not self._has_open_item or self._items[-1]["type"] != "message":
                self._open_item("message", role="assistant", content=[])
                self._items[-1]["content"] = [_text_part("")]
                self._tell_of_item("response.content_part.added", content_index=0, part=_text_part(""))
            self._items[-1]["content"][0]["text"] += delta["content"]
            self._tell_of_item(
                "response.output_text.delta", content_index=0, delta=delta["content"], logprobs=[]
            )
        for part in delta.get("tool_calls", ()):
            function = part["function"]
            if "name" in function:
                self._open_item("function_call", call_id=part["id"], name=function["name"], arguments="")
            if function["arguments"]:
                self._items[-1]["arguments"] += function["arguments"]
                self._tell_of_item("response.function_call_arguments.delta", delta=function["arguments"])

    def _open_item(self, kind: str, **members: Any) -> None:
        self._close_item()
        prefix = {"message": "msg", "function_call": "fc", "reasoning": "rs"}[kind]
        item = {"type": kind, "id": f"{prefix}_{uuid.uuid4().hex}", "status": "in_progress", **members}
        self._items.append(item)
        self._has_open_item = True
        place = len(self._items) - 1
        self._tell("response.output_item.added", output_index=place, item={**item})

    def _close_item(self, status: str = "completed") -> None:
        if not self._has_open_item:
            return
        item = self._items[-1]
        self._has_open_item = False
        item["status"] = status
        if item["type"] == "message":
            (part,) = item["content"]
            self._tell_of_item("response.output_text.done", content_index=0, text=part["text"], logprobs=[])
            self._tell_of_item("response.content_part.done", content_index=0, part={**part})
        elif item["type"] == "function_call":
            self._tell_of_item(
                "response.function_call_arguments.done", name=item["name"], arguments=item["arguments"]
            )
        self._tell("response.output_item.done", output_index=len(self._items) - 1, item={**item})

    def _tell_of_item(self, kind: str, **members: Any) -> None:
        self._tell(kind, item_id=self._items[-1]["id"], output_index=len(self._items) - 1, **members)


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
