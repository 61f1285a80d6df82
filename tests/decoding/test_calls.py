"""`result.calls`: what a model called, for grammars of tools and of structural tags."""

from __future__ import annotations

from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.grammars.call_formats import FORMAT_BY_NAME
from tokentrellis.models import load_model
from transformers import PreTrainedTokenizerFast

from tests.chat_templates import QWEN
from tests.tiny_models import random_model, tiny_tokenizer


def order(customer: str, quantity: int, status: str = "paid") -> None:
    """Enter an order."""


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    backend = type(tiny_tokenizer().backend_tokenizer).from_str(tiny_tokenizer().backend_tokenizer.to_str())
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", padding_side="left"
    )
    made.add_tokens(["<tool_call>", "</tool_call>"], special_tokens=True)
    made.chat_template = QWEN
    return made


@pytest.mark.parametrize("sampler", [None, tt.AdaptiveRejectionSampler()])
def test_special_tokens_are_read_back_by_their_names(tokenizer: Any, sampler: Any) -> None:
    grammar = tt.from_tools([order], tokenizer=tokenizer, tool_choice="required")
    model = random_model("llama", 3, vocab_size=len(tokenizer))
    least = tt.compile_grammar(grammar, tt.Vocabulary.from_tokenizer(tokenizer)).matcher().tokens_to_finish
    for seed in range(3):
        result = tt.generate(
            model, tokenizer, "Enter", grammar=grammar, max_new_tokens=least + 20, seed=seed, sampler=sampler
        )
        assert result.calls
        assert all(call.name == "order" and type(call.arguments["quantity"]) is int for call in result.calls)
        assert tokenizer.convert_tokens_to_ids("<tool_call>") in result.token_ids
        assert "<tool_call>" not in result.text
        assert grammar.calls(tokenizer.decode(result.token_ids[:-1])) == result.calls


def test_grammars_without_calls_have_none(tokenizer: Any) -> None:
    model = random_model("llama", 3, vocab_size=len(tokenizer))
    result = tt.generate(model, tokenizer, "Enter", grammar=tt.from_choices(["a"]))
    assert result.calls is None
    tags = tt.from_structural_tags(
        [tt.StructuralTag("<n>", {"type": "integer"}, "</n>")], "<n>", at_least_one=True
    )
    result = tt.generate(model, tokenizer, "Enter", grammar=tags, max_new_tokens=12)
    assert result.calls
    assert type(result.calls[0].value) is int


@pytest.mark.parametrize("family", FORMAT_BY_NAME)
def test_the_embedded_model_calls_in_each_format(family: str) -> None:
    loaded = load_model()
    grammar = tt.from_tools([order], format=family, tool_choice="order", parallel=False, whitespace="compact")
    prompt = loaded.prompt("Order by Ann Lee: 12 desk lamps.", grammar.tools[0].parameters)
    result = tt.generate(loaded.model, loaded.tokenizer, prompt, grammar=grammar, max_new_tokens=200)
    assert result.calls is not None
    assert result.calls == tt.parse_calls(result.text, family, tools=[order])
    ((name, arguments, _),) = result.calls
    assert name == "order"
    assert isinstance(arguments["customer"], str)
    assert type(arguments["quantity"]) is int
    assert set(arguments) <= {"customer", "quantity", "status"}


@pytest.mark.parametrize("sampler", [None, tt.MaskSampler()])
def test_captures_are_read_from_the_tokens(tokenizer: Any, sampler: Any) -> None:
    token_id = tokenizer.convert_tokens_to_ids("<tool_call>")
    grammar = tt.from_lark(f"start: <[{token_id}]> n <[{token_id}]>\nn[capture]: /[0-9]{{1,4}}/")
    model = random_model("llama", 3, vocab_size=len(tokenizer))
    result = tt.generate(
        model, tokenizer, "Enter", grammar=grammar, max_new_tokens=8, seed=1, sampler=sampler
    )
    assert result.captures == [tt.Captured("n", result.text, 0, len(result.text))]
    assert result.text.isdecimal()
    assert tt.generate(model, tokenizer, "Enter", grammar=tt.from_choices(["a"])).captures is None
