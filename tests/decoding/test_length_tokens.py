"""Meta length tokens: added once, in front of each training answer, first in auto mode and nowhere else."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.tiny_models import tiny_model, tiny_tokenizer


@pytest.fixture
def pair() -> tuple[Any, Any]:
    """A tokenizer and a model of their own, which the tests may change."""
    return copy.deepcopy(tiny_tokenizer()), copy.deepcopy(tiny_model())


def records(*n_words: int) -> list[dict[str, str]]:
    return [{"ask": f"say {n}", "reply": " ".join(["red"] * n)} for n in n_words]


KEYS = {"prompt_key": "ask", "answer_key": "reply"}


def test_tokens_are_added_once_and_the_model_grows(pair: tuple[Any, Any]) -> None:
    tokenizer, model = pair
    model.resize_token_embeddings(len(tokenizer))  # no spare rows
    before = model.get_input_embeddings().weight[: len(tokenizer)].clone()
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    assert len(tokenizer) == len(before) + 9
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert torch.equal(model.get_input_embeddings().weight[: len(before)], before)
    assert tokenizer("[MLT:>800]red")["input_ids"][0] == tokens.ids[">800"]
    assert tt.LengthTokens.add_to(tokenizer, model).ids == tokens.ids
    assert len(tokenizer) == len(before) + 9


def test_spare_rows_are_used(pair: tuple[Any, Any]) -> None:
    tokenizer, model = pair
    rows = model.get_input_embeddings().weight.shape[0]
    tt.LengthTokens.add_to(tokenizer, model)
    assert model.get_input_embeddings().weight.shape[0] == rows


def test_tokens_survive_saving(pair: tuple[Any, Any], tmp_path: Path) -> None:
    tokenizer, model = pair
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    tokenizer.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    loaded = tt.LengthTokens(AutoTokenizer.from_pretrained(tmp_path))
    assert loaded.ids == tokens.ids
    ids = torch.tensor([tokens.encode_prompt("Ann", target=50)])
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    torch.testing.assert_close(again(ids).logits, model(ids).logits)


def test_answers_begin_with_their_token_and_so_does_the_loss(pair: tuple[Any, Any]) -> None:
    tokenizer, model = pair
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    built = tokens.training_examples(records(6, 15, 16, 30, 900, 5, 0), **KEYS)
    assert built.n_by_target == {name: {"10": 2, "30": 1, ">800": 1}.get(name, 0) for name in tokens.ids}
    assert (built.n_outside, built.n_over_cap, built.n_too_long) == (3, 0, 0)
    for example in built.examples:
        labels = [label for label in example["labels"] if label != -100]
        assert example["input_ids"][-len(labels) :] == labels
        name, answer = tokens.split(labels)
        assert answer[-1] == tokenizer.eos_token_id
        n_words = tt.count_words(tokenizer.decode(answer[:-1]))
        assert name == {6: "10", 15: "10", 30: "30", 900: ">800"}[n_words]
        prompt = example["input_ids"][: -len(labels)]
        assert prompt == tokens.encode_prompt(f"say {n_words}")
        assert [*prompt, labels[0]] == tokens.encode_prompt(f"say {n_words}", target=name)


def test_caps_and_lengths_are_counted(pair: tuple[Any, Any]) -> None:
    tokens = tt.LengthTokens.add_to(*pair)
    asked = records(*[10] * 5, 50, 900)
    built = tokens.training_examples(iter(asked), **KEYS, most_per_token=2, max_length=200)
    assert built.n_by_target["10"] == 2
    assert built.n_by_target[">800"] == 0
    assert (built.n_outside, built.n_over_cap, built.n_too_long) == (0, 3, 1)
    again = tokens.training_examples(asked, **KEYS, most_per_token=2, max_length=200)
    assert again == built


@pytest.mark.parametrize("auto", [False, True])
def test_length_tokens_come_first_in_auto_mode_and_never_else(pair: tuple[Any, Any], auto: bool) -> None:
    tokenizer, model = pair
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    ids = torch.tensor([tokens.encode_prompt("Ann", target=None if auto else "30")])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sequences = model.generate(
            ids,
            do_sample=True,
            temperature=3.0,
            num_return_sequences=20,
            max_new_tokens=12,
            logits_processor=[tokens.processor(ids.shape[1], auto=auto)],
        )
    chosen = set()
    for row in sequences[:, ids.shape[1] :].tolist():
        name, answer = tokens.split(row)
        chosen.add(name)
        assert not set(answer) & set(tokens.ids.values())
        assert len(answer) == len(row) - auto
    assert (None in chosen) != auto
    assert len(chosen) > 1 or not auto


def test_a_trained_model_keeps_to_the_token_and_chooses_one(pair: tuple[Any, Any]) -> None:
    """Two bands, learnt by heart: the token decides, and in auto mode the prompt does."""
    tokenizer, model = pair
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    asked = [{"ask": "long", "reply": "red " * 30}, {"ask": "short", "reply": "red " * 8}]
    examples = tokens.training_examples(asked * 4, **KEYS).examples
    batch = tt.CountdownCollator(tokenizer.pad_token_id)(examples)
    batch = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
    found = {}
    for ask in ("long", "short"):
        for target in (None, "10", "30"):
            ids = torch.tensor([tokens.encode_prompt(ask, target=target)])
            processor = tokens.processor(ids.shape[1], auto=target is None)
            row = model.generate(ids, max_new_tokens=200, logits_processor=[processor], do_sample=False)[
                0, ids.shape[1] :
            ].tolist()
            name, answer = tokens.split(row)
            text = tokenizer.decode(answer, skip_special_tokens=True)
            found[ask, target] = (name or target, tt.count_words(text))
    assert found["long", None] == ("30", 30)
    assert found["short", None] == ("10", 8)
    chosen = [found[ask, None] for ask in ("long", "short")]
    texts = [" ".join(["red"] * n_words) for _, n_words in chosen]
    assert tt.score_lengths([name for name, _ in chosen], texts).total.precise_match == 100


@pytest.mark.parametrize("tokenizer", [None, 3, "x"])
def test_what_is_no_tokenizer_is_refused(tokenizer: Any) -> None:
    with pytest.raises(tt.ArgumentTypeError):
        tt.LengthTokens(tokenizer)
    with pytest.raises(tt.ArgumentTypeError):
        tt.LengthTokens.add_to(tokenizer, tiny_model())


def test_wrong_arguments_are_refused(pair: tuple[Any, Any]) -> None:
    tokenizer, model = pair
    with pytest.raises(tt.VocabularyError, match="add_to"):
        tt.LengthTokens(tokenizer)
    with pytest.raises(tt.ArgumentTypeError):
        tt.LengthTokens.add_to(tokenizer, None)
    tokens = tt.LengthTokens.add_to(tokenizer, model)
    for prompt in (None, 3, [], [3], [{"role": "user"}]):
        with pytest.raises(tt.ArgumentTypeError):
            tokens.encode_prompt(prompt)  # type: ignore[arg-type]
    for target in ("20", 20, math.nan, object()):
        with pytest.raises(tt.ArgumentValueError):
            tokens.encode_prompt("x", target=target)  # type: ignore[arg-type]
    for options in ({"most_per_token": 0}, {"max_length": 1}, {"seed": "x"}):
        with pytest.raises(tt.ConstraintError):
            tokens.training_examples([], **options)  # type: ignore[arg-type]
    with pytest.raises(tt.ConstraintError):
        tokens.processor(-1, auto=True)
    with pytest.raises(tt.ArgumentTypeError):
        tokens.processor(1, auto=1)  # type: ignore[arg-type]
