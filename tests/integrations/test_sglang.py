"""The backend for SGLang against its interfaces: its own files where they are there, stand-ins elsewhere."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.bitmask import unpack_bitmask

from tests.integrations.engine_interfaces import adapter, sglang_modules
from tests.tiny_models import N_LOGITS, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
EOS = TOKENIZER.eos_token_id
SCHEMA = '{"type": "array", "items": {"enum": ["red", "blue"]}, "maxItems": 3}'
VOCABULARY = tt.Vocabulary.from_tokenizer(TOKENIZER, vocab_size=N_LOGITS)


@pytest.fixture(scope="module", autouse=True)
def is_real() -> Iterator[bool]:
    with sglang_modules() as is_real:
        yield is_real


def base() -> Any:
    return sys.modules["sglang.srt.constrained.base_grammar_backend"]


def make(**arguments: Any) -> Any:
    adapter("sglang_backend").register()
    factory = base().GRAMMAR_BACKEND_REGISTRY["tokentrellis"]
    return factory(SimpleNamespace(**arguments), TOKENIZER, N_LOGITS, {EOS})


def ids(text: str) -> list[int]:
    return VOCABULARY.greedy_tokenize(text.encode())


def row_after(text: str) -> Any:
    matcher = tt.compile_grammar(tt.from_json_schema(SCHEMA), VOCABULARY).matcher()
    assert matcher.read_bytes(text.encode())
    mask = tt.allocate_bitmask(1, N_LOGITS)
    matcher.fill_bitmask(mask)
    return torch.from_numpy(mask[0])


def test_registration_may_come_twice() -> None:
    adapter("sglang_backend").register()
    adapter("sglang_backend").register()
    choices = sys.modules["sglang.srt.arg_groups.choices"].GRAMMAR_BACKEND_CHOICES
    assert choices.count("tokentrellis") == 1


@pytest.mark.parametrize(
    ("method", "source", "text"),
    [
        ("dispatch_json", SCHEMA, '["blue"]'),
        ("dispatch_json", "$$ANY$$", '{"a":[1]}'),
        ("dispatch_regex", "[ab]+", "aba"),
        ("dispatch_ebnf", 'root ::= "a" root | "b"', "aab"),
        ("dispatch_ebnf", 'start: "a"+', "aa"),
    ],
)
def test_every_kind(method: str, source: str, text: str) -> None:
    grammar = getattr(make(), method)(source)
    for token in [*ids(text), EOS]:
        assert not grammar.is_terminated()
        grammar.accept_token(token)
    assert grammar.is_terminated()
    assert grammar.finished
    grammar.accept_token(7)  # after the end
    grammar.rollback(1)
    assert not grammar.is_terminated()
    assert not grammar.finished
    grammar.rollback(len(ids(text)))
    for token in [*ids(text), EOS]:
        grammar.accept_token(token)
    assert grammar.is_terminated()


@pytest.mark.parametrize(
    ("method", "source", "part"),
    [
        ("dispatch_json", '{"type": 3}', "/type"),
        ("dispatch_json", "{", "not JSON"),
        ("dispatch_regex", "(", "line 1"),
        ("dispatch_ebnf", "root ::= nobody", "nobody"),
        ("dispatch_structural_tag", "{}", "not served"),
    ],
)
def test_wrong_grammars_carry_our_message(method: str, source: str, part: str) -> None:
    refusal = getattr(make(), method)(source)
    assert isinstance(refusal, base().InvalidGrammarObject)
    assert part in refusal.error_message


def test_a_token_that_is_not_allowed() -> None:
    grammar = make().dispatch_json(SCHEMA)
    with pytest.raises(ValueError, match="not allowed here"):
        grammar.accept_token(ids("}")[0])
    grammar.accept_token(ids("[")[0])


def test_masks_of_a_batch() -> None:
    backend = make()
    first = backend.dispatch_json(SCHEMA)
    mask = first.allocate_vocab_mask(N_LOGITS, 4, "cpu")
    assert (mask == -1).all()
    second = first.copy()
    for token in ids('["'):
        second.accept_token(token)
    row = base().GrammarRow
    type(first).fill_vocab_mask_batched([row(2, first), row(0, second)], mask)
    assert (mask[2] == row_after("")).all()
    assert (mask[0] == row_after('["')).all()
    assert (mask[1] == -1).all()
    single = first.allocate_vocab_mask(N_LOGITS, 1, "cpu")
    second.fill_vocab_mask(single, 0)
    assert (single[0] == mask[0]).all()
    logits = torch.zeros(4, N_LOGITS)
    first.apply_vocab_mask(logits, first.move_vocab_mask(mask, "cpu"))
    assert logits[1].isfinite().all()
    assert logits[0].isfinite().sum() < 20
    first.reset_vocab_mask(mask)
    assert (mask == -1).all()
    assert backend.initialize_vocab_mask_buffer("target", N_LOGITS, 6, "cpu").shape == (6, N_LOGITS // 32)


def test_a_draft_tree() -> None:
    """As SGLang walks one: down a branch, back, down the next; every node is masked by its own state."""
    grammar = make().dispatch_json(SCHEMA)
    for token in ids("["):
        grammar.accept_token(token)
    children: dict[str, list[str]] = {"[": ['["', "[]"], '["': ['["r', '["b']}
    seen = {}

    def walk(text: str) -> None:
        mask = grammar.allocate_vocab_mask(N_LOGITS, 1, "cpu")
        grammar.fill_vocab_mask(mask, 0)
        seen[text] = mask[0]
        for child in children.get(text, []):
            tokens = ids(child[len(text) :])
            for token in tokens:
                grammar.accept_token(token)
            walk(child)
            grammar.rollback(len(tokens))

    walk("[")
    assert set(seen) == {"[", '["', "[]", '["r', '["b'}
    for text, row in seen.items():
        assert (row == row_after(text)).all()


def test_jumping_forward() -> None:
    grammar = make().dispatch_json('{"const": {"name": "Ann"}}')
    helper = grammar.try_jump_forward(TOKENIZER)
    _, text = helper
    assert text
    assert grammar.jump_forward_str_state(helper) == (text, -1)
    old = ids("{")
    for token in old:
        grammar.accept_token(token)
    new = TOKENIZER(text)["input_ids"]
    grammar.jump_and_retokenize(old, new, -1)
    rest = grammar.copy()
    rest.rollback(len(new))
    for token in new:
        rest.accept_token(token)
    with pytest.raises(ValueError, match="not allowed"):
        grammar.jump_and_retokenize(new, [*new[:1], ids("}")[0]], -1)
    free = make().dispatch_regex("[ab]")
    assert free.try_jump_forward(TOKENIZER) is None


def test_jumping_stops_before_broken_characters() -> None:
    grammar = make().dispatch_regex("x(\u00e9|\u00e8)y")  # they have their first byte in common
    assert grammar.try_jump_forward(TOKENIZER)[1] == "x"
    for token in VOCABULARY.greedy_tokenize("x\u00e9".encode()[:2]):
        grammar.accept_token(token)
    assert grammar.try_jump_forward(TOKENIZER) is None
    inside = make().dispatch_regex("\u00e9y")
    inside.accept_token(VOCABULARY.greedy_tokenize("\u00e9".encode()[:1])[0])
    assert inside.try_jump_forward(TOKENIZER) is None


def test_no_jump_where_tokens_are_counted() -> None:
    """SGLang writes what it jumps over in tokens of its own, and so many may not be left."""
    pytest.importorskip("lark")
    counted = make().dispatch_ebnf('start: "value: " x\nx[max_tokens=4]: /[0-9]+/')
    assert counted.try_jump_forward(TOKENIZER) is None
    assert (
        make().dispatch_ebnf('start: "value: " x\nx[capture]: /[0-9]+/').try_jump_forward(TOKENIZER)
        is not None
    )


def test_the_end_is_no_text_to_jump_over() -> None:
    grammar = make().dispatch_regex("x")
    grammar.accept_token(ids("x")[0])
    assert grammar.try_jump_forward(TOKENIZER) is None


def test_a_limit_ends_its_own_text(caplog: pytest.LogCaptureFixture) -> None:
    """An error would stop the engine: the row allows the end alone, and other rows are as ever."""
    backend = make()
    grammar, other = backend.dispatch_regex("(.*a.{200})+"), backend.dispatch_json(SCHEMA)
    chance = random.Random(0)
    mask = grammar.allocate_vocab_mask(N_LOGITS, 2, "cpu")
    row = base().GrammarRow
    for _ in range(1000):
        type(grammar).fill_vocab_mask_batched([row(0, grammar), row(1, other)], mask)
        if caplog.records:
            break
        grammar.accept_token(ids(chance.choice("ab"))[0])
    assert "its text is ended" in caplog.text
    assert unpack_bitmask(mask[0].numpy(), N_LOGITS).nonzero()[0].tolist() == [EOS]
    assert (mask[1] == row_after("")).all()


def test_models_that_think_first() -> None:
    """SGLang's own wrapper goes around ours; without a parser it does not."""
    wrapped = make(reasoning_parser="qwen3", enable_strict_thinking=False)
    assert type(wrapped.grammar_backend).__name__ == "TokentrellisBackend"
    assert wrapped.parser.model_type == "qwen3"
    assert type(make(reasoning_parser=None)).__name__ == "TokentrellisBackend"


def test_the_base_class_keeps_copies(is_real: bool) -> None:
    """SGLang's own cache: a state that it keeps stays at the beginning."""
    if not is_real:
        pytest.skip("SGLang's sources are not on the path")
    backend = make()
    key = ("json", SCHEMA)
    future, is_hit = backend.get_cached_or_future_value(key, False)
    assert not is_hit
    kept = future.result()
    backend.set_cache(key, kept)
    state, is_hit = backend.get_cached_or_future_value(key, False)
    assert is_hit
    state.accept_token(ids("[")[0])
    mask = kept.allocate_vocab_mask(N_LOGITS, 1, "cpu")
    kept.fill_vocab_mask(mask, 0)
    assert (mask[0] == row_after("")).all()
