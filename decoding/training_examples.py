"""Training examples: records of an instruction data set in, token ids of prompt and answer out.

In: mappings, one for each example, in one of three forms: chats with "messages" (role, content), chats with
"conversations" (from, value), or any two keys that the caller names. Out: the ids of the prompt and those of
the answer, apart, the answer ending with EOS. The tokenizer's chat template writes both, where it has one;
the answer is encoded by itself, since at generation too it begins after the prompt's last token. Cost: one
encoding for each record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .arguments import checked_instance
from .errors import ArgumentTypeError, ArgumentValueError

IGNORED_LABEL = -100
"""What transformers' loss leaves out: the label of prompts and padding."""

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_CHAT_KEYS = {"messages": ("role", "content"), "conversations": ("from", "value")}

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Exchange:
    """A prompt, as messages of a chat that ends with the user's, and the answer to it."""

    messages: Messages
    answer: str


@dataclass(frozen=True)
class EncodedExchange:
    """The token ids of a prompt and of its answer; the answer's last id is EOS."""

    prompt_ids: list[int]
    answer_ids: list[int]

    def feature(self) -> dict[str, list[int]]:
        """What `Trainer` and the collators take: `input_ids` and `labels`, the prompt without labels."""
        return {
            "input_ids": self.prompt_ids + self.answer_ids,
            "labels": [IGNORED_LABEL] * len(self.prompt_ids) + self.answer_ids,
        }


def read_exchanges(
    records: Iterable[Mapping[str, Any]], *, prompt_key: str | None, answer_key: str | None
) -> Iterator[Exchange]:
    """The exchanges of a data set, one for each record, in its order.

    records: mappings. With `prompt_key` and `answer_key` the texts under these keys; else a chat under
        "messages" or "conversations", whose last message is the answer.

    Raises:
        ArgumentTypeError: records is no iterable of mappings. ArgumentValueError: a record has another form.
    """
    for name, key in (("prompt_key", prompt_key), ("answer_key", answer_key)):
        if key is not None:
            checked_instance(name, key, str, "the name of a key")
    if (prompt_key is None) != (answer_key is None):
        raise ArgumentValueError(
            "prompt_key and answer_key must be given together", got=[prompt_key, answer_key]
        )
    if isinstance(records, (str, bytes, Mapping)) or not isinstance(records, Iterable):
        raise ArgumentTypeError("records must be a list of mappings", got=records)
    for index, record in enumerate(records):
        checked_instance(f"records[{index}]", record, Mapping, "a mapping")
        if prompt_key is None or answer_key is None:
            messages = _chat(record, index)
            yield Exchange(messages[:-1], messages[-1]["content"])
        else:
            prompt = _text(record, prompt_key, index)
            yield Exchange(as_messages(prompt), _text(record, answer_key, index))


def check_tokenizer(tokenizer: Any) -> None:
    """Raise ArgumentTypeError unless this encodes texts and says how they end, as those of transformers."""
    if not callable(tokenizer) or not hasattr(tokenizer, "eos_token_id"):
        raise ArgumentTypeError("tokenizer must be one of transformers", got=tokenizer)


def as_messages(prompt: str | Sequence[Mapping[str, str]]) -> Messages:
    """A prompt as messages: a text is what the user says.

    Raises:
        ArgumentTypeError: it is neither a text nor a list of messages with role and content.
    """
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    is_chat = isinstance(prompt, Sequence) and all(
        isinstance(message, Mapping) and isinstance(message.get("content"), str) and "role" in message
        for message in prompt
    )
    if not is_chat or not prompt:
        raise ArgumentTypeError("prompt must be a text, or a list of messages", got=prompt)
    return [{"role": message["role"], "content": message["content"]} for message in prompt]


def encode_prompt(tokenizer: Any, messages: Messages) -> list[int]:
    """The ids of a prompt, up to the place where the answer begins.

    Without a chat template the messages are the lines of a text.
    """
    return _encode_whole(tokenizer, _render(tokenizer, messages))


def encode_exchange(tokenizer: Any, exchange: Exchange, *, prefix: str = "") -> EncodedExchange:
    """The ids of prompt and answer. `prefix` stands in front of the answer and is part of it.

    Raises:
        ArgumentValueError: the tokenizer has no end-of-sequence token.
    """
    eos = tokenizer.eos_token_id
    if eos is None:
        raise ArgumentValueError("the tokenizer must have an end-of-sequence token", got=tokenizer)
    prompt = _render(tokenizer, exchange.messages)
    answer = prefix + exchange.answer
    if getattr(tokenizer, "chat_template", None):
        chat = [*exchange.messages, {"role": "assistant", "content": answer}]
        whole = tokenizer.apply_chat_template(chat, tokenize=False)
        # Templates close the answer in their way; those that rewrite the prompt then are not followed.
        if whole.startswith(prompt):
            answer = whole[len(prompt) :]
    answer_ids = tokenizer(answer, add_special_tokens=False)["input_ids"]
    end = answer_ids.index(eos) if eos in answer_ids else len(answer_ids)
    return EncodedExchange(_encode_whole(tokenizer, prompt), [*answer_ids[:end], eos])


def _render(tokenizer: Any, messages: Messages) -> str:
    if not getattr(tokenizer, "chat_template", None):
        return "".join(message["content"] + "\n" for message in messages)
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def _encode_whole(tokenizer: Any, text: str) -> list[int]:
    """A text with the token that begins one, if the tokenizer adds it; templates write it themselves."""
    if getattr(tokenizer, "chat_template", None):
        return tokenizer(text, add_special_tokens=False)["input_ids"]
    token_ids = tokenizer(text)["input_ids"]
    return token_ids[:-1] if token_ids[-1:] == [tokenizer.eos_token_id] else token_ids


def _text(record: Mapping[str, Any], key: str, index: int) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise ArgumentValueError(
            f"records[{index}] must have a text under {key!r}", got=sorted(map(str, record))
        )
    return value


def _chat(record: Mapping[str, Any], index: int) -> Messages:
    """The messages of a record, of which the last is an answer."""
    key = next((key for key in _CHAT_KEYS if _is_list(record.get(key))), None)
    if key is None:
        raise ArgumentValueError(
            f"records[{index}] must have 'messages' or 'conversations'",
            got=sorted(map(str, record)),
            advice="name the keys of its texts with prompt_key and answer_key",
        )
    messages = [_message(message, *_CHAT_KEYS[key], f"records[{index}][{key!r}]") for message in record[key]]
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise ArgumentValueError(
            f"records[{index}][{key!r}] must end with an answer to a prompt",
            got=[message["role"] for message in messages],
        )
    return messages


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _message(message: Any, role_key: str, text_key: str, place: str) -> dict[str, str]:
    read: Callable[[str], Any] = message.get if isinstance(message, Mapping) else lambda key: None
    role = _ROLES.get(str(read(role_key)))
    if role is None or not isinstance(read(text_key), str):
        raise ArgumentValueError(f"{place} must hold messages with {role_key} and {text_key}", got=message)
    return {"role": role, "content": read(text_key)}
