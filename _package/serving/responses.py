"""Answers of the OpenAI protocol: pieces of texts in, bodies and events out.

`Answer` collects the pieces of all texts of a request; `chunks` writes one piece as events of a stream.
Texts are numbered through: text i of prompt p is choice p * n + i.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from ..grammars.tools import ToolGrammar
from .call_stream import CallStream, message_of
from .protocol import ChatRequest, CompletionRequest
from .row import Piece, TokenLogprob

_LEAST_LOGPROB = -9999.0  # JSON has no infinity; the protocol's number for what is as good as impossible


class Answer:
    """The answer to one request while it is made.

    n_prompt_tokens: of all prompts. token_name: the bytes of a token. tools: the grammar of texts that may
    call tools.
    """

    def __init__(
        self,
        request: ChatRequest | CompletionRequest,
        n_choices: int,
        n_prompt_tokens: int,
        token_name: Callable[[int], bytes],
        tools: ToolGrammar | None = None,
    ) -> None:
        self._is_chat = isinstance(request, ChatRequest)
        self._model = request.model
        self._with_logprobs = request.n_top_logprobs is not None
        self._token_name = token_name
        self._tools = tools
        self._streams = [] if tools is None else [CallStream(tools) for _ in range(n_choices)]
        self._has_calls = [False] * n_choices
        self._texts = [""] * n_choices
        self._logprobs: list[list[TokenLogprob]] = [[] for _ in range(n_choices)]
        self._offsets = [0] * n_choices  # characters that tokens had so far
        self._reasons: list[str | None] = [None] * n_choices
        self._n_prompt_tokens = n_prompt_tokens
        self._n_tokens = 0
        self._created = int(time.time())
        prefix, kind = ("chatcmpl", "chat.completion") if self._is_chat else ("cmpl", "text_completion")
        self._id, self._kind = f"{prefix}-{uuid.uuid4().hex}", kind

    @property
    def is_complete(self) -> bool:
        """Whether all texts have ended."""
        return None not in self._reasons

    def add(self, choice: int, piece: Piece) -> None:
        """Take in a piece of one of the texts."""
        self._texts[choice] += piece.text
        self._logprobs[choice] += piece.logprobs
        self._n_tokens += piece.n_tokens
        self._reasons[choice] = piece.finish_reason

    def body(self) -> dict[str, Any]:
        """All texts at once."""
        choices = []
        for index, text in enumerate(self._texts):
            said: dict[str, Any] = {"text": text}
            reason = self._reasons[index]
            if self._is_chat:
                message = self._message(text)
                said = {"message": {"role": "assistant", "content": text, "refusal": None, **message}}
                reason = "tool_calls" if "tool_calls" in message else reason
            logprobs = self._written_logprobs(index, self._logprobs[index])
            choices.append({"index": index, **said, "logprobs": logprobs, "finish_reason": reason})
        return {**self._head(self._kind), "choices": choices, "usage": self.usage()}

    def opening(self) -> list[dict[str, Any]]:
        """The events before the first piece."""
        if not self._is_chat:
            return []
        delta = {"role": "assistant", "content": "", "refusal": None}
        return [self._event(index, {"delta": delta}, None, None) for index in range(len(self._texts))]

    def chunks(self, choice: int, piece: Piece) -> list[dict[str, Any]]:
        """The events of a piece that was added; none where it has nothing to say yet."""
        logprobs = self._written_logprobs(choice, piece.logprobs)
        if self._tools is not None:
            return self._tool_chunks(choice, piece, logprobs)
        if not (piece.text or piece.finish_reason or (piece.logprobs and self._with_logprobs)):
            return []
        said: dict[str, Any] = {"text": piece.text}
        if self._is_chat:
            said = {"delta": {"content": piece.text} if piece.text else {}}
        return [self._event(choice, said, logprobs, piece.finish_reason)]

    def _tool_chunks(self, choice: int, piece: Piece, logprobs: Any) -> list[dict[str, Any]]:
        """An event for each part of the message that has become certain, and one for the end."""
        is_last = piece.finish_reason is not None
        deltas = self._streams[choice].feed(piece.text, is_last=is_last)
        self._has_calls[choice] |= any("tool_calls" in delta for delta in deltas)
        if is_last or (not deltas and piece.logprobs and self._with_logprobs):
            deltas.append({})
        events = [self._event(choice, {"delta": delta}, None, None) for delta in deltas]
        if events:
            events[0]["choices"][0]["logprobs"] = logprobs
        if is_last:
            reason = "tool_calls" if self._has_calls[choice] else piece.finish_reason
            events[-1]["choices"][0]["finish_reason"] = reason
        return events

    def _message(self, text: str) -> dict[str, Any]:
        return {} if self._tools is None else message_of(self._tools, text)

    def closing(self) -> dict[str, Any]:
        """The event with the counts."""
        return {**self._head(self._chunk_kind), "choices": [], "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        """Tokens of the prompts, and of all texts, ends of texts included."""
        return {
            "prompt_tokens": self._n_prompt_tokens,
            "completion_tokens": self._n_tokens,
            "total_tokens": self._n_prompt_tokens + self._n_tokens,
        }

    @property
    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self._is_chat else self._kind

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def _event(self, index: int, said: dict[str, Any], logprobs: Any, reason: str | None) -> dict[str, Any]:
        choice = {"index": index, **said, "logprobs": logprobs, "finish_reason": reason}
        return {**self._head(self._chunk_kind), "choices": [choice]}

    def _written_logprobs(self, choice: int, logprobs: Any) -> dict[str, Any] | None:
        if not self._with_logprobs:
            return None
        if self._is_chat:
            return {"content": [self._of_chat(item) for item in logprobs], "refusal": None}
        names = [self._name(item.token_id) for item in logprobs]
        offsets = []
        for name in names:
            offsets.append(self._offsets[choice])
            self._offsets[choice] += len(name)
        return {
            "tokens": names,
            "token_logprobs": [_finite(item.logprob) for item in logprobs],
            "top_logprobs": [
                {self._name(token_id): _finite(value) for token_id, value in item.alternatives}
                for item in logprobs
            ],
            "text_offset": offsets,
        }

    def _of_chat(self, item: TokenLogprob) -> dict[str, Any]:
        alternatives = [self._token(token_id, value) for token_id, value in item.alternatives]
        return {**self._token(item.token_id, item.logprob), "top_logprobs": alternatives}

    def _token(self, token_id: int, logprob: float) -> dict[str, Any]:
        data = self._token_name(token_id)
        return {"token": self._name(token_id), "logprob": _finite(logprob), "bytes": list(data)}

    def _name(self, token_id: int) -> str:
        return self._token_name(token_id).decode("utf-8", "replace")


def _finite(logprob: float) -> float:
    return max(logprob, _LEAST_LOGPROB)
