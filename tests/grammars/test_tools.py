"""Tools: from a definition to a generated call to the call read back, for each family of models."""

from __future__ import annotations

import json
import random
import re
from functools import lru_cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.compile import CompiledGrammar, compile_grammar
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.call_formats import FORMAT_BY_NAME, CallFormat, detect_format
from tokentrellis.grammars.errors import GrammarError, GrammarSyntaxError, UnsupportedFeatureError
from tokentrellis.grammars.tool_calls import ToolCall, parse_calls, text_beside_calls
from tokentrellis.grammars.tools import ToolGrammar, from_tools

from tests.chat_templates import QWEN_3, SPECIAL_TOKENS, TEMPLATES, TURN_ENDS
from tests.masks import allowed_tokens
from tests.oracles import tool_calls as oracle
from tests.weather_tools import ADD, TOOLS, WEATHER

SCHEMAS = {
    "get_weather": {**WEATHER["function"]["parameters"], "additionalProperties": False},  # type: ignore[index]
    "math.add": {**ADD["parameters"], "additionalProperties": False},  # type: ignore[dict-item]
}
VALIDATORS = {name: jsonschema_rs.validator_for(schema) for name, schema in SCHEMAS.items()}
FAMILIES = list(TEMPLATES)
CALLS = [
    ("get_weather", {"city": "Bern", "days": 3, "metric": True, "unit": "C"}),
    ("math.add", {"numbers": [1, 20, -3], "labels": {}}),
]


@lru_cache
def vocabulary(family: str) -> Vocabulary:
    """Bytes, some longer tokens, the family's special tokens by their names, and EOS."""
    texts = [bytes([byte]) for byte in range(256)]
    texts += [
        b'{"',
        b'": ',
        b'",',
        b"}}",
        b'"}',
        b"\n{",
        b"</",
        b'"name',
        b"get",
        b"_weather",
        b"```",
        b'{"name": "',
        b"><",
    ]
    specials = [name.encode() for name in SPECIAL_TOKENS[family]]
    first = len(texts)
    tokens = [*texts, *specials, b"<eos>"]
    return Vocabulary(
        tokens, eos_token_ids=[len(tokens) - 1], special_token_ids=range(first, first + len(specials))
    )


@lru_cache
def grammar(family: str, choice: str = "required", in_tokens: bool = True) -> ToolGrammar:
    names = dict(vocabulary(family).special_token_by_name) if in_tokens else {}
    names.pop("<eos>", None)
    return from_tools(TOOLS, format=family, tool_choice=choice, special_tokens=names)


@lru_cache
def compiled(family: str, choice: str = "required") -> CompiledGrammar:
    return compile_grammar(grammar(family, choice), vocabulary(family))


def spelled(family: str, token_ids: list[int]) -> str:
    """The text with special tokens as their names, without EOS."""
    words = vocabulary(family)
    names = {token_id: name for name, token_id in words.special_token_by_name.items() if name != "<eos>"}
    data = [names[token].encode() if token in names else words.token_bytes(token) for token in token_ids]
    return b"".join(data).decode()


def tokens_of(family: str, text: str) -> list[int]:
    """Special tokens by id, everything else in bytes."""
    names = {
        name: token for name, token in vocabulary(family).special_token_by_name.items() if name != "<eos>"
    }
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pieces = re.split(f"({pattern})", text) if pattern else [text]
    return [token for piece in pieces for token in ([names[piece]] if piece in names else piece.encode())]


def walk(family: str, choice: str, chance: random.Random, budget: int) -> list[int]:
    """Random allowed tokens up to EOS."""
    matcher, token_ids = compiled(family, choice).matcher(), list[int]()
    while not matcher.is_terminated:
        allowed = allowed_tokens(matcher, budget - len(token_ids))
        token_ids.append(chance.choice(allowed))
        matcher.accept_token(token_ids[-1])
    assert len(token_ids) <= budget
    return token_ids


def rendered(template: str, calls: list[tuple[str, dict[str, Any]]], **message: Any) -> str:
    """What a model has to write for its chat template to have written it, without the end of the turn."""
    from transformers import PreTrainedTokenizerFast

    from tests.tiny_models import tiny_tokenizer

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer().backend_tokenizer, eos_token="</s>")
    tokenizer.chat_template = template
    user = {"role": "user", "content": "Hello"}
    answer = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "type": "function",
                "id": f"functions.{name}:{i}" if "formatted_id" in template else f"abcdefgh{i}",
                "function": {"name": name, "arguments": arguments},
            }
            for i, (name, arguments) in enumerate(calls)
        ],
        **message,
    }
    before = tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([user, answer], tokenize=False)
    # Some templates write the line break after the role only when there is text.
    text = (
        whole[len(before) :] if whole.startswith(before) else whole[len(before.rstrip("\n")) :].lstrip("\n")
    )
    for end in TURN_ENDS:
        text = text.rstrip("\n").removesuffix(end)
    return text


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_of_the_chat_template_are_accepted_and_read_back(family: str) -> None:
    many = FORMAT_BY_NAME[family].parallel and family != "llama3"  # its template writes one
    for calls in ([CALLS[0]], [CALLS[1]], CALLS) if many else ([CALLS[0]], [CALLS[1]]):
        if FORMAT_BY_NAME[family].arguments == "python":
            calls = [(name, {key: v for key, v in given.items() if v != {}}) for name, given in calls]
        text = rendered(TEMPLATES[family], calls, reasoning_content="I think.")
        assert text
        for in_tokens in (True, False):
            assert from_tools(
                TOOLS, format=family, tool_choice="required", special_tokens={} if not in_tokens else None
            ).accepts(text), text
        tokens = tokens_of(family, text.removesuffix(FORMAT_BY_NAME[family].turn_end))
        matcher = compiled(family, "auto").matcher()
        assert matcher.try_accept_tokens(tokens) == len(tokens), text
        assert matcher.is_accepting
        assert [(call.name, call.arguments) for call in grammar(family).calls(text)] == calls
        assert oracle.parse(family, text) == calls


@pytest.mark.parametrize("family", FAMILIES)
def test_generated_calls_are_read_back_and_valid(family: str) -> None:
    chance = random.Random(family)
    least = compiled(family).matcher().tokens_to_finish
    n_calls, names = 0, set()
    for trial in range(25):
        token_ids = walk(family, "required", chance, least + chance.choice((0, 5, 60, 200)))
        text = spelled(family, token_ids[:-1])
        found = grammar(family).calls(text)
        expected = oracle.parse(family, text)
        assert [(call.name, call.arguments) for call in found] == expected, text
        assert found
        for call in found:
            assert VALIDATORS[call.name].is_valid(call.arguments), (trial, text)
        n_calls += len(found)
        names |= {call.name for call in found}
        assert grammar(family, in_tokens=False).accepts(text), text
    assert names == set(SCHEMAS)
    assert n_calls >= 25


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_without_a_call(family: str) -> None:
    chance = random.Random(family)
    for _ in range(15):
        text = spelled(family, walk(family, "auto", chance, 40)[:-1])
        found = grammar(family, "auto").calls(text)
        if not found:
            assert grammar(family, "auto", in_tokens=False).accepts(text), text
    before, after = FORMAT_BY_NAME[family].answer
    for answer in ("", "Just text.", "Grüße\n\nan [alle]."):
        text = before + answer + after
        assert grammar(family, "auto", in_tokens=False).accepts(text)
        assert grammar(family, "auto").calls(text) == []
        assert not grammar(family, "required", in_tokens=False).accepts(text)


@pytest.mark.parametrize("family", [name for name in FAMILIES if FORMAT_BY_NAME[name].text_before])
def test_text_may_come_before_calls_but_holds_no_beginning_of_one(family: str) -> None:
    whole = grammar(family, "auto", in_tokens=False)
    text = "Let me see.\n" + rendered(TEMPLATES[family], CALLS[:1])
    assert whole.accepts(text)
    assert [call.name for call in whole.calls(text)] == ["get_weather"]
    (first,) = FORMAT_BY_NAME[family].first_texts()
    assert not whole.accepts(f"Let me see.{first}")
    assert whole.accepts("Let me see." + first[:-1])
    assert not grammar(family, "required", in_tokens=False).accepts(text)


@settings(deadline=None, max_examples=60)
@given(
    family=st.sampled_from(["hermes", "llama3", "mistral", "deepseek_v31", "harmony", "command", "phi4"]),
    name=st.sampled_from([*SCHEMAS, "get"]),
    arguments=st.fixed_dictionaries(
        {},
        optional={
            "city": st.sampled_from(["Bern", "", "Zürich", 3]),
            "days": st.integers(0, 16) | st.just("3"),
            "metric": st.booleans() | st.none(),
            "unit": st.sampled_from(["K", "k"]),
            "numbers": st.lists(st.integers(0, 3), max_size=4),
            "labels": st.dictionaries(st.sampled_from("abc"), st.booleans()),
            "other": st.just(1),
        },
    ),
)
def test_verdicts_are_those_of_a_validator(family: str, name: str, arguments: dict[str, Any]) -> None:
    text = rendered_call(family, name, arguments)
    is_valid = name in VALIDATORS and VALIDATORS[name].is_valid(arguments)
    assert grammar(family, in_tokens=False).accepts(text) == is_valid, text


def rendered_call(family: str, name: str, arguments: dict[str, Any]) -> str:
    """The text of one call, by the template of its family with another call in it."""
    text = rendered_once(family)
    return text.replace("get_weather", name).replace(
        '{"city": "Bern"}', json.dumps(arguments, ensure_ascii=False)
    )


@lru_cache
def rendered_once(family: str) -> str:
    return rendered(TEMPLATES[family], [("get_weather", {"city": "Bern"})], reasoning_content="")


def test_reasoning_of_the_format_another_one_or_none() -> None:
    call = '<|channel|>commentary to=functions.math.add<|message|>{"numbers": [4]}'
    thought = "<|channel|>analysis<|message|>I see.<|end|><|start|>assistant"
    wanted = [("math.add", {"numbers": [4]})]

    def calls(text: str, **options: Any) -> list[tuple[str, Any]]:
        return [(found.name, found.arguments) for found in parse_calls(text, "harmony", **options)]

    with_block = from_tools(TOOLS, format="harmony", tool_choice="required")
    without = from_tools(TOOLS, format="harmony", tool_choice="required", reasoning=False)
    other = from_tools(TOOLS, format="harmony", tool_choice="required", reasoning=("<a>", "</a>"))
    assert [grammar.accepts(thought + call) for grammar in (with_block, without, other)] == [
        True,
        False,
        False,
    ]
    assert [grammar.accepts(call) for grammar in (with_block, without, other)] == [True, True, True]
    assert calls(thought + call) == calls(call, reasoning=False) == wanted  # None: that of the format
    assert calls("<a>x</a>" + call, reasoning=("<a>", "</a>")) == wanted
    assert [(found.name, found.arguments) for found in other.calls("<a>x</a>" + call)] == wanted
    assert calls(thought + call, reasoning=False) == without.calls(thought + call) == []  # text, no call


def test_elements_of_other_formats() -> None:
    text = '<call n="f">{a = "x y"}\n{b = 3}\n</call>'
    tool = {"name": "f", "parameters": {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}}
    mine = CallFormat(
        "mine", ('<call␠n="«name»">«arguments»</call>',), arguments="xml", parameter='{«name» = "«value»"}␤'
    )
    grammar = from_tools([tool], format=mine, tool_choice="f")
    assert grammar.accepts(text.replace("b = 3", 'b = "3"'))
    assert grammar.calls(text.replace("b = 3", 'b = "3"'))[0].arguments == {"a": "x y", "b": 3}
    for wrong in ("«name»", "«value»", "«name»«value»", "«value»«name»!"):
        with pytest.raises(GrammarError, match="parameter must have"):
            from_tools(
                [tool], format=CallFormat("x", ("«name» «arguments»",), arguments="xml", parameter=wrong)
            )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_format_is_detected(family: str) -> None:
    found = detect_format(TEMPLATES[family])
    assert found is not None
    assert found.name == family


def test_a_tokenizer_says_format_tokens_and_reasoning() -> None:
    from transformers import PreTrainedTokenizerFast

    from tests.tiny_models import tiny_tokenizer

    backend = type(tiny_tokenizer().backend_tokenizer).from_str(tiny_tokenizer().backend_tokenizer.to_str())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")
    tokenizer.add_tokens(["<tool_call>", "</tool_call>", "<think>", "</think>"])
    tokenizer.chat_template = QWEN_3
    whole = from_tools(TOOLS, tokenizer=tokenizer)
    assert whole.format.name == "hermes"
    assert whole.reasoning == ("<think>", "</think>")
    words = Vocabulary.from_tokenizer(tokenizer)
    matcher = compile_grammar(whole, words).matcher()
    call = '<tool_call>\n{"name": "math.add", "arguments": {"numbers": [4]}}\n</tool_call>'
    text = f"<think>\nI see <tool_call> and more.\n</think>\n\n{call}"
    token_ids = tokenizer(text)["input_ids"]
    assert tokenizer.convert_tokens_to_ids("<tool_call>") in token_ids
    # Inside of reasoning it is no token that is read, but its text may be.
    inside = tokenizer("<think>\nI see < tool_call> and more.\n</think>\n\n" + call)["input_ids"]
    assert matcher.try_accept_tokens(inside) == len(inside)
    assert matcher.is_accepting
    assert whole.calls(tokenizer.decode(inside)) == [ToolCall("math.add", {"numbers": [4]})]


def test_choice_and_parallel_calls() -> None:
    call = '<tool_call>\n{"name": "%s", "arguments": %s}\n</tool_call>'
    weather, add = call % ("get_weather", '{"city": "Ulm"}'), call % ("math.add", '{"numbers": []}')
    named = from_tools(TOOLS, format="qwen", tool_choice="math.add")
    assert named.accepts(add)
    assert not named.accepts(weather)
    assert from_tools(TOOLS, format="qwen", tool_choice={"function": {"name": "math.add"}}).accepts(add)  # type: ignore[arg-type]
    both = from_tools(TOOLS, format="qwen", tool_choice="required")
    assert both.accepts(f"{weather}\n{add}")
    assert not both.accepts("")
    single = from_tools(TOOLS, format="qwen", parallel=False)
    assert single.accepts(weather)
    assert not single.accepts(f"{weather}\n{add}")


def test_reasoning_is_free_and_then_binds() -> None:
    call = '[TOOL_CALLS]math.add[ARGS]{"numbers": [1]}'
    optional = from_tools(
        TOOLS, format="mistral_v11", tool_choice="required", reasoning=("[THINK]", "[/THINK]")
    )
    begun = from_tools(TOOLS, format="mistral_v11", tool_choice="required", reasoning=("", "[/THINK]"))
    for block in ("", "[THINK]maybe [TOOL_CALLS]x[/THINK]\n", "[THINK][/THINK]"):
        assert optional.accepts(block + call)
        assert begun.accepts(block.removeprefix("[THINK]") + call) == bool(block)
        assert optional.calls(block + call) == [ToolCall("math.add", {"numbers": [1]})]
    assert not optional.accepts("maybe[/THINK]" + call)
    assert begun.calls("maybe [TOOL_CALLS]x[/THINK]" + call) == [ToolCall("math.add", {"numbers": [1]})]
    assert from_tools(TOOLS, format="command", reasoning=False).reasoning is None
    harmony = from_tools(TOOLS, format="harmony")
    analysis, final = (
        "<|channel|>analysis<|message|>x<|end|><|start|>assistant",
        "<|channel|>final<|message|>y",
    )
    assert harmony.accepts(analysis + final)
    assert not harmony.accepts(f"{analysis} {final}")  # the mark of an answer stands at once


def test_words_of_python() -> None:
    parameters = {
        "properties": {
            "flags": {"type": "array", "items": {"type": ["boolean", "null"]}, "uniqueItems": True},
            "more": {"type": "object", "additionalProperties": {"enum": [True, "true", None]}},
        }
    }
    whole = from_tools(
        [{"name": "f", "parameters": parameters}], format="llama_pythonic", tool_choice="required"
    )
    for text, is_right in (
        ('[f(flags=[True, None], more={"a": "true", "b": None})]', True),
        ("[f()]", True),
        ("[f(flags=[true])]", False),
        ("[f(flags=[True, True])]", False),
        ('[f(more={"a": True, "a": None})]', False),
        ("[f(more={}, flags=[])]", False),
    ):
        assert whole.accepts(text) == is_right, text
        matcher = compile_grammar(whole, vocabulary("gemma")).matcher()
        assert (matcher.try_read(text.encode()) == len(text)) == is_right
        if is_right:
            assert [(call.name, call.arguments) for call in whole.calls(text)] == oracle.parse(
                "llama_pythonic", text
            )


def test_raw_strings_of_xml() -> None:
    parameters = {
        "properties": {
            "text": {"type": "string", "minLength": 2, "maxLength": 20},
            "either": {"type": ["string", "integer", "null"]},
            "flag": {"type": "boolean"},
        }
    }
    whole = from_tools(
        [{"name": "f", "parameters": parameters}], format="qwen3_coder", tool_choice="required"
    )

    def call(**arguments: str) -> str:
        body = "".join(f"<parameter={name}>\n{value}\n</parameter>\n" for name, value in arguments.items())
        return f"<tool_call>\n<function=f>\n{body}</function>\n</tool_call>"

    for written, value in (
        ({"text": 'a "b"\n{'}, {"text": 'a "b"\n{'}),
        ({"text": "12", "either": "12"}, {"text": "12", "either": 12}),
        ({"either": "twelve", "flag": "True"}, {"either": "twelve", "flag": True}),
        ({"either": "null", "flag": "false"}, {"either": None, "flag": False}),
        ({"text": "a\n</parameter"}, {"text": "a\n</parameter"}),
    ):
        assert whole.accepts(call(**written)), written
        assert whole.calls(call(**written)) == [ToolCall("f", value)]
    for written in ({"text": "a"}, {"text": "a" * 21}, {"flag": "maybe"}, {"flag": "true", "text": "ab"}):
        assert not whole.accepts(call(**written)), written


@pytest.mark.parametrize(
    ("family", "text", "message"),
    [
        ("hermes", "Well. <tool_call>\n{}", "line 2, column 1.*expected"),
        ("hermes", '<tool_call>{"name": "get", "arguments": {}}</tool_call>', "the name of a tool"),
        ("hermes", '<tool_call>{"name": "math.add", "arguments": [1]}</tool_call>', "an object"),
        ("hermes", '<tool_call>{"name": "math.add", "arguments": {"a": 1 2}}</tool_call>', "',' or '}'"),
        ("mistral", "[TOOL_CALLS] [", "line 1, column 15"),
        ("gemma", "```tool_code\nget_weather(city)\n```", "\\)"),
    ],
)
def test_what_is_no_call_is_said_with_its_place(family: str, text: str, message: str) -> None:
    with pytest.raises(GrammarSyntaxError, match=message):
        grammar(family).calls(text)


@pytest.mark.parametrize("number", ["01", "\u0663", "1" * 5000, "1_0", "."])
def test_what_is_no_number_of_json(number: str) -> None:
    for text, format in (
        (f'{{"name": "f", "parameters": {{"a": {number}}}}}', "llama3"),
        (f"[f(a={number})]", "llama_pythonic"),
    ):
        with pytest.raises(GrammarSyntaxError, match="a call begins here and is not what the format says"):
            parse_calls(text, format)
    element = f"<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>{number}</arg_value>\n</tool_call>"
    assert parse_calls(element, "glm45") == [ToolCall("f", {"a": number})]


@pytest.mark.parametrize("format", ["glm45", "qwen3_coder", "minimax_m2", "deepseek_v32"])
@pytest.mark.parametrize("name", ["", "a\nb", "a>b", 'a">b', "</arg_key>", '"'])
def test_names_of_arguments_that_an_element_does_not_hold(format: str, name: str) -> None:
    """They would not be read back, or as something else."""
    tool = {"name": "f", "parameters": {"type": "object", "properties": {name: {"type": "integer"}}}}
    with pytest.raises(UnsupportedFeatureError, match="cannot be told from the element around it"):
        from_tools([tool], format=format)
    assert from_tools([tool], format="hermes").accepts("text")


@given(st.sampled_from(FAMILIES), st.data())
@settings(deadline=None)
def test_reading_back_never_fails_otherwise(family: str, data: Any) -> None:
    text = rendered_once(family)
    at = data.draw(st.integers(0, len(text)))
    cut = (
        text[:at]
        + data.draw(st.sampled_from(["", '"', "}", "[" * 300, "<tool_call>", "\\", "\ud800", "'"]))
        + text[at + 1 :]
    )
    try:
        calls = parse_calls(cut, family)
    except GrammarSyntaxError:
        return
    assert all(isinstance(call, ToolCall) for call in calls)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>why</think>because", "why", "because"),
        ("<think>why, without an end", "", "<think>why, without an end"),
        ("because", "", "because"),
    ],
)
def test_reasoning_is_told_from_text_where_it_ends(text: str, thought: str, said: str) -> None:
    format = FORMAT_BY_NAME["hermes"]
    assert text_beside_calls(text, format, ("<think>", "</think>")) == (thought, said)
    assert text_beside_calls(text, format) == ("", text)
