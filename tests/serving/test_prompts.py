"""Prompts by a chat template: what the template sees of messages, calls and tools."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from tokentrellis.decoding.errors import VocabularyError
from tokentrellis.models import LoadedModel
from tokentrellis.serving.errors import RequestRefusedError
from tokentrellis.serving.prompts import PromptWriter
from tokentrellis.serving.protocol import ChatRequest, read_request

from tests.tiny_models import N_LOGITS, tiny_model, tiny_tokenizer

# As that of Qwen 2.5: arguments are written by `tojson`.
BY_JSON = (
    "{% if tools %}{{ tools | tojson }}{% endif %}"
    "{% for m in messages %}[{{ m | list | sort | join(' ') }}] {{ m.content }}"
    "{% for call in m.tool_calls %} calls {{ call.function.arguments | tojson }}{% endfor %}{% endfor %}"
)
# As that of DeepSeek: arguments are a text that is added.
BY_TEXT = (
    "{% for m in messages %}{% for call in m.tool_calls %}"
    "{{ 'calls ' + call.function.arguments }}{% endfor %}{{ m.content }}{% endfor %}"
)
QUESTION = {"role": "user", "content": "Ann"}


def written(template: str, **members: Any) -> str:
    """The prompt of a request."""
    tokenizer = copy.deepcopy(tiny_tokenizer())
    tokenizer.chat_template = template
    request = read_request(ChatRequest, {"model": "x", "messages": [QUESTION], **members})
    text: str = tokenizer.decode(writer(tokenizer).chat(request.messages, None, tools=request.tools))
    return text


def writer(tokenizer: Any) -> PromptWriter:
    loaded = LoadedModel(tiny_model(), tokenizer, lambda text, schema: text, lambda text, length: text)
    return PromptWriter(loaded, is_embedded=False, seconds=60)


def called(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": function}]}


@pytest.mark.parametrize("template", [BY_JSON, BY_TEXT])
def test_arguments_of_calls_are_written_once(template: str) -> None:
    """They are texts in the protocol and objects in templates; some templates take the text."""
    assert 'calls {"a": 0.5}' in written(template, messages=[called('{"a": 0.5}')])


def test_arguments_that_are_no_json_are_a_text() -> None:
    assert 'calls "{oh"' in written(BY_JSON, messages=[called("{oh")])


def test_exact_numbers_in_tools() -> None:
    parameters = {"type": "number", "minimum": Decimal("0.5")}
    tools = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
    assert '"minimum": 0.5' in written(BY_JSON, tools=tools)


def test_answers_come_back_whole() -> None:
    """Members that OpenAI's client adds to an answer, as `model_dump()` and `parse()` give them."""
    nothing = dict.fromkeys(("annotations", "audio", "function_call", "tool_calls"))
    answer = {"role": "assistant", "content": "hi", "refusal": None, "parsed": {"a": 1}, **nothing}
    assert written(BY_JSON, messages=[QUESTION, answer]) == "[content role] Ann[content role] hi"
    with pytest.raises(RequestRefusedError, match="audio"):
        written(BY_JSON, messages=[{**answer, "audio": {"id": "1"}}])


def test_tokens_that_only_the_tokenizer_knows() -> None:
    """The model would fail on them, for everybody in the batch."""
    tokenizer = copy.deepcopy(tiny_tokenizer())
    tokenizer.add_tokens([f"<unused{n}>" for n in range(N_LOGITS - len(tokenizer))])
    tokenizer.add_tokens(["<picture>"], special_tokens=True)
    assert len(tokenizer) == N_LOGITS + 1
    assert writer(tokenizer).completion("<unused0>") == [[tokenizer.convert_tokens_to_ids("<unused0>")]]
    with pytest.raises(VocabularyError, match=r"does not know, got '<picture>'; take it out"):
        writer(tokenizer).completion("a <picture>")
    with pytest.raises(RequestRefusedError, match=f"from 0 to {N_LOGITS - 1}"):
        writer(tokenizer).completion([N_LOGITS])


def test_templates_that_refuse() -> None:
    refusing = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(RequestRefusedError, match="roles must alternate"):
        written(refusing)
    assert json.loads(written("{{ messages | tojson }}")) == [QUESTION]
