"""Rows that stay on a device, with the CPU in its place: whatever was sent, kept and forgotten, the logits
are those that a bitmask would give; and a row that is there is neither filled nor sent again.
"""

from __future__ import annotations

import numpy as np
import pytest
import tokentrellis as tt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding import processors
from tokentrellis.decoding.device_rows import DeviceRows

from tests.tiny_models import tiny_model, tiny_tokenizer

WORDS = 3
CPU = torch.device("cpu")
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "ages": {"type": "array", "items": {"type": "integer", "maximum": 99}},
    },
    "required": ["name", "ages"],
    "additionalProperties": False,
}


def row_of(key: int) -> np.ndarray:
    return np.random.default_rng(key).integers(-(2**31), 2**31, WORDS).astype(np.int32)


steps = st.lists(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=4), max_size=12)


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(1, 6))
def test_the_logits_are_those_of_a_bitmask(steps: list[list[int | None]], places: int) -> None:
    """A step is the key of each row, None for one that cannot be kept; every third step ends early."""
    store = DeviceRows(CPU, WORDS, most_bytes=places * 4 * WORDS)
    for number, keys in enumerate(steps):
        new = store.begin(len(keys))
        wanted = np.zeros((len(keys), WORDS), dtype=np.int32)
        for row, key in enumerate(keys):
            wanted[row] = row_of(1000 * (number + 1) + row if key is None else key)
            if not store.find(key, row):
                new[store.n_new] = wanted[row]
                store.keep(key, row)
        if number % 3 == 2:
            continue  # an error came between
        logits = torch.randn((len(keys), 32 * WORDS + 5), generator=torch.Generator().manual_seed(number))
        expected = tt.apply_bitmask(logits.clone(), wanted)
        assert sorted(store.apply(logits)) == list(range(len(keys)))
        assert torch.equal(logits, expected)


def test_a_row_that_is_there_is_not_new() -> None:
    store = DeviceRows(CPU, WORDS)
    for number, n_new in enumerate((2, 0, 1)):
        new = store.begin(2)
        for row, key in enumerate(("a", "b" if number < 2 else "c")):
            if not store.find(key, row):
                new[store.n_new] = 0
                store.keep(key, row)
        assert store.n_new == n_new
        store.apply(torch.zeros(2, 32 * WORDS))


@pytest.mark.parametrize("max_new_tokens", [None, 40])
def test_a_processor_writes_the_same_and_fills_less(
    monkeypatch: pytest.MonkeyPatch, max_new_tokens: int | None
) -> None:
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    compiled = tt.compile_grammar(tt.from_json_schema(PERSON), vocabulary)
    written, n_filled = [], []
    for is_forced in (False, True):
        if is_forced:
            monkeypatch.setattr(processors, "is_on_accelerator", lambda scores: True)
        processor = tt.GrammarProcessor(compiled, max_new_tokens=max_new_tokens)
        for prompts in (["Ann is 7. ", "x"], ["x", "Ann is 7. "]):
            inputs = tiny_tokenizer()(prompts, return_tensors="pt", padding=True)
            output = tiny_model().generate(
                **inputs, logits_processor=[processor], max_new_tokens=40, do_sample=False
            )
            written.append(output.tolist())
        n_filled.append(processor.mask_times.count)
    assert written[:2] == written[2:]
    # A key that is being read, and a budget that is near, leave a row without a number.
    assert n_filled[1] < n_filled[0] * (0.8 if max_new_tokens is None else 1)


def test_an_error_in_a_step_leaves_the_rows_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "is_on_accelerator", lambda scores: True)
    vocabulary = tt.Vocabulary([b"a", b"b", b""], eos_token_ids=[2])
    grammars = [tt.compile_grammar(tt.from_regex(p), vocabulary) for p in ("ab", "a+b")]
    processor = tt.GrammarProcessor(grammars)
    scores = torch.tensor([[0.0, 1.0, 2.0], [-torch.inf, 1.0, 2.0]])
    prompt = torch.tensor([[0], [0]])
    with pytest.raises(tt.NoAllowedTokenError):
        processor(prompt, scores)
    processor.reset()
    allowed = processor(prompt, torch.zeros(2, 3)).isfinite()
    assert allowed.tolist() == [[True, False, False], [True, False, False]]


def test_row_ids_are_given_only_where_the_state_decides() -> None:
    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    matcher = tt.compile_grammar(tt.from_regex("a{3}b"), vocabulary).matcher()
    other = matcher.copy()
    assert matcher.row_id() == other.row_id() >= 0
    assert matcher.row_id(budget=9) == -1  # nobody has asked yet what a budget means here
    matcher.fill_bitmask(tt.allocate_bitmask(1, 257), budget=9)
    assert matcher.row_id(budget=9) == matcher.row_id()
    assert matcher.row_id(budget=4) == -1
    other.accept_token(ord("a"))
    assert other.row_id() not in (-1, matcher.row_id())
    other.try_accept_tokens([*b"aab", 256])
    assert (other.is_terminated, other.row_id()) == (True, -1)


OPEN = {
    "type": "object",
    "properties": {"a": {"type": "string", "maxLength": 2}, "b": {"items": {"type": "integer"}}},
    "patternProperties": {"^c": {"type": "object"}},
}
UNIQUE = {"type": "array", "items": {"type": "array", "uniqueItems": True, "items": {"type": "integer"}}}


@pytest.mark.parametrize("schema", [OPEN, UNIQUE, True, PERSON])
def test_equal_row_ids_are_equal_rows(schema: object) -> None:
    """Along random walks, with tokens that hold keys and items, with and without a budget."""
    texts = [
        b'{"',
        b'":',
        b'":1,"',
        b'"a":',
        b'{"a":1,"a',
        b'c":{',
        b'"c',
        b",1",
        b"1,1",
        b"[[",
        b"]]",
        b"}}",
    ]
    vocabulary = tt.Vocabulary(
        [*(bytes([byte]) for byte in range(256)), *texts, b""], eos_token_ids=[256 + len(texts)]
    )
    usual = [*(i for i in b'{}[]",:abc1'), *range(256, 256 + len(texts))]
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), vocabulary)
    draw = np.random.default_rng(7)
    bitmask = tt.allocate_bitmask(1, vocabulary.vocab_size)
    rows: dict[int, bytes] = {}
    n_equal = n_unknown = 0
    for _ in range(60):
        matcher = compiled.matcher()
        for left in range(40, 0, -1):
            budget = left if draw.random() < 0.5 and matcher.tokens_to_finish <= left else None
            matcher.fill_bitmask(bitmask, budget=budget)
            row_id = matcher.row_id(budget)
            if row_id < 0:
                n_unknown += 1
            else:
                n_equal += row_id in rows
                assert rows.setdefault(row_id, bitmask.tobytes()) == bitmask.tobytes()
            allowed = [token for token in usual if matcher.allows_token(token)]
            if not allowed:
                break
            matcher.accept_token(int(draw.choice(allowed)))
    assert n_equal > 20
    assert n_unknown > 20
