"""Prompts: messages or texts of a request in, token ids out.

A model with a chat template gets its messages through it, as they are; nothing is added to tell it of a
schema, so the messages should. The embedded model has a prompt of its own that carries the schema; it gets
the texts of all messages, one after the other. Templates and schemas are the client's: the time that they
take is limited.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from ..constraint import Constraint
from ..decoding.errors import VocabularyError
from ..grammars.errors import ConstraintError
from ..models import LoadedModel
from ..sources import check_text, write_json
from .deadline import run_within
from .errors import RequestRefusedError
from .protocol import JsonObject, Message


class PromptWriter:
    """Writes the prompts of one model. Not to be shared between threads: tokenizers may change while they
    work.

    is_embedded: it is the model of this package. seconds: most for one prompt.
    """

    def __init__(self, loaded: LoadedModel, *, is_embedded: bool, seconds: float) -> None:
        self._loaded = loaded
        self._tokenizer = loaded.tokenizer
        self._is_embedded = is_embedded
        self._seconds = seconds
        embeddings = getattr(loaded.model.get_input_embeddings(), "weight", None)
        self._n_embeddings = sys.maxsize if embeddings is None else len(embeddings)

    def chat(
        self,
        messages: Sequence[Message],
        constraint: Constraint | None,
        *,
        tools: Sequence[JsonObject] | None = None,
        seconds: float | None = None,
    ) -> list[int]:
        """The token ids of a conversation, up to where the model answers.

        tools: definitions, for the chat template. seconds: another limit than usual.

        Raises:
            RequestRefusedError: the model has no chat template, or it refuses the messages.
            ConstraintError: there is no text, or what is no character. LimitExceededError: it takes too long.
        """
        return self._within(lambda: self._chat(messages, constraint, tools), seconds)

    def completion(self, prompt: Any) -> list[list[int]]:
        """The token ids of a text, of several, or of what is token ids already.

        Raises:
            RequestRefusedError: a token id is out of range, or a prompt is empty.
        """
        prompts = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
        return self._within(lambda: [self._one(one) for one in prompts])

    def _within(self, work: Any, seconds: float | None = None) -> Any:
        return run_within(self._seconds if seconds is None else seconds, "seconds to write a prompt", work)

    def _chat(
        self,
        messages: Sequence[Message],
        constraint: Constraint | None,
        tools: Sequence[JsonObject] | None,
    ) -> list[int]:
        for number, message in enumerate(messages):
            check_text(message.text(), f"messages.{number}.content")
        if self._is_embedded:
            text = "\n".join(message.text() for message in messages)
            return self._ids(self._loaded.prompt(text, {} if constraint is None else constraint.described()))
        if not getattr(self._tokenizer, "chat_template", None):
            raise RequestRefusedError(
                "this model has no chat template", param="messages", advice="ask /v1/completions"
            )
        values = [message.for_template() for message in messages]
        try:
            text = self._by_template(_with_read_arguments(values), tools)
        except Exception:  # a template may raise anything; some put the text of the arguments in
            try:
                text = self._by_template(values, tools)
            except Exception as error:
                raise RequestRefusedError(
                    f"the chat template of the model refuses these messages ({error})", param="messages"
                ) from error
        return self._ids(text, add_special_tokens=False)

    def _by_template(self, values: list[JsonObject], tools: Sequence[JsonObject] | None) -> str:
        # Templates write tools with json, which knows no Decimal.
        plain = json.loads(write_json(tools)) if tools else None
        text: str = self._tokenizer.apply_chat_template(
            values, tools=plain, tokenize=False, add_generation_prompt=True
        )
        return text

    def _one(self, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            return self._ids(check_text(prompt, "prompt"))
        n_tokens = min(len(self._tokenizer), self._n_embeddings)
        for token_id in prompt:
            if not 0 <= token_id < n_tokens:
                raise RequestRefusedError(
                    f"a token id must be from 0 to {n_tokens - 1}", param="prompt", got=token_id
                )
        return self._checked(prompt)

    def _ids(self, text: str, **options: Any) -> list[int]:
        try:
            return self._checked(list(self._tokenizer(text, **options)["input_ids"]))
        except ConstraintError:
            raise
        except Exception as error:
            raise VocabularyError(f"the tokenizer cannot read the prompt ({error})") from error

    def _checked(self, token_ids: list[int]) -> list[int]:
        if not token_ids:
            raise RequestRefusedError("needs at least one token", param="prompt", advice="add text")
        # Tokenizers may have more tokens than their model (of pictures, say); the model would fail, and with
        # it everybody who is in the batch.
        if max(token_ids) >= self._n_embeddings:
            raise VocabularyError(
                "the text has a special token that the model does not know",
                got=self._tokenizer.convert_ids_to_tokens(max(token_ids)),
                advice="take it out",
            )
        return token_ids


def _with_read_arguments(values: Sequence[JsonObject]) -> list[JsonObject]:
    """The messages with the arguments of calls as objects: texts in the protocol, which most templates, as
    transformers says, would write as JSON once more.

    Raises:
        ValueError, RecursionError: what should be arguments is no JSON, or nests too deep.
    """
    read = []
    for value in values:
        calls = []
        for call in value.get("tool_calls", ()):
            function = call.get("function")
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                arguments = json.loads(function["arguments"] or "{}")
                call = {**call, "function": {**function, "arguments": arguments}}
            calls.append(call)
        read.append({**value, "tool_calls": calls} if calls else value)
    return read
