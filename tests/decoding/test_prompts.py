"""Prompts on their way to the model: one BOS token, texts and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import tokentrellis as tt
from tokenizers.processors import TemplateProcessing
from tokentrellis.decoding.generation_options import encode_prompt
from tokentrellis.samplers.program_text import TextEncoder

from tests.decoding.tokenizers_made_here import metaspace_with_bytes
from tests.tiny_models import tiny_model, tiny_tokenizer


def with_bos() -> Any:
    """A tokenizer that begins every text with its BOS token, as that of Llama does."""
    tokenizer = metaspace_with_bytes()
    bos = (tokenizer.bos_token, tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos[0]} $A", special_tokens=[bos]
    )
    return tokenizer


def test_what_a_chat_template_wrote_has_one_bos() -> None:
    tokenizer = with_bos()
    plain = tokenizer("to be")["input_ids"]
    assert plain[0] == tokenizer.bos_token_id
    assert tokenizer("<s>to be")["input_ids"][:2] == [tokenizer.bos_token_id] * 2
    found = encode_prompt(tokenizer, "<s>to be")
    assert found == tokenizer("<s>to be")["input_ids"][1:]
    assert found.count(tokenizer.bos_token_id) == 1
    assert encode_prompt(tokenizer, "to be") == plain
    assert TextEncoder(tokenizer, tt.Vocabulary.from_tokenizer(tokenizer)).first("<s>to be") == found


def test_tokenizers_that_add_nothing() -> None:
    tokenizer = metaspace_with_bytes()
    for text in ("<s>to be", "to be", "<s><s>to be"):
        assert encode_prompt(tokenizer, text) == tokenizer(text)["input_ids"]


def test_messages_are_no_prompt() -> None:
    for wrong in ([{"role": "user", "content": "Hi"}], 3):
        with pytest.raises(tt.ArgumentTypeError, match="apply_chat_template"):
            tt.generate(tiny_model(), tiny_tokenizer(), wrong, grammar=bool)  # type: ignore[call-overload]


def test_a_pattern_is_no_schema() -> None:
    with pytest.raises(tt.GrammarSyntaxError, match="patterns, choices, rules are read by from_regex"):
        tt.generate(tiny_model(), tiny_tokenizer(), "x", grammar="[a-z]+")
