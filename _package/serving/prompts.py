"""Prompts: messages or texts of a request in, token ids out.

A model with a chat template gets its messages through it, as they are; nothing is added to tell it of a
schema, so the messages should. The embedded model has a prompt of its own that carries the schema; it gets
the texts of all messages, one after the other. Templates and schemas are the client's: the time that they
take is limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..constraint import Constraint
from ..decoding.errors import VocabularyError
from ..grammars.errors import ConstraintError
from ..models import LoadedModel
from ..sources import check_text
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
        values = [
            {**message.model_dump(exclude_none=True), "content": message.text()} for message in messages
        ]
        try:
            text = self._tokenizer.apply_chat_template(
                values, tools=tools or None, tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # a template may raise anything
            raise RequestRefusedError(
                f"the chat template of the model refuses these messages ({error})", param="messages"
            ) from error
        return self._ids(text, add_special_tokens=False)

    def _one(self, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            return self._ids(check_text(prompt, "prompt"))
        n_tokens = len(self._tokenizer)
        for token_id in prompt:
            if not 0 <= token_id < n_tokens:
                raise RequestRefusedError(
                    f"a token id must be from 0 to {n_tokens - 1}", param="prompt", got=token_id
                )
        return _checked(prompt)

    def _ids(self, text: str, **options: Any) -> list[int]:
        try:
            return _checked(list(self._tokenizer(text, **options)["input_ids"]))
        except ConstraintError:
            raise
        except Exception as error:
            raise VocabularyError(f"the tokenizer cannot read the prompt ({error})") from error


def _checked(token_ids: list[int]) -> list[int]:
    if not token_ids:
        raise RequestRefusedError("needs at least one token", param="prompt", advice="add text")
    return token_ids
