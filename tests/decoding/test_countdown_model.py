"""Models with a countdown: the signal reaches them, and nothing else about them changes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.countdown_model import CountdownMixin
from transformers import AutoModelForCausalLM, T5Config, T5ForConditionalGeneration

from tests.decoding.countdown_models import (
    EOS,
    FAMILIES,
    KINDS,
    N_TOKENS,
    PAD,
    countdown_model,
    padded,
    plain_model,
    prompts,
)
from tests.tiny_models import tiny_model, tiny_tokenizer

GREEDY: dict[str, Any] = {"do_sample": False, "max_new_tokens": 9, "suppress_tokens": [EOS]}
TARGETS = [9, 4, 6]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
class TestEveryFamilyAndKind:
    def test_without_a_target_nothing_changes(self, family: str, kind: str) -> None:
        batch = padded(prompts())
        plain, model = plain_model(family), countdown_model(family, kind)
        assert torch.equal(plain.generate(**batch, **GREEDY), model.generate(**batch, **GREEDY))
        no_target = model.generate(**batch, **GREEDY, target_length=[0, None, 0])
        assert torch.equal(plain.generate(**batch, **GREEDY), no_target)

    def test_the_signal_is_added_to_the_embeddings(self, family: str, kind: str) -> None:
        model = countdown_model(family, kind)
        (ids,) = prompts(sizes=(8,))
        told = {"response_start": torch.tensor([5]), "target_length": torch.tensor([4])}
        with torch.no_grad():
            embeddings = model.get_input_embeddings()(torch.tensor([ids]))
            signalled = model.countdown(embeddings, torch.arange(8), **told)
            expected = model(inputs_embeds=signalled).logits
            found = model(torch.tensor([ids]), **told).logits
            plain = model(torch.tensor([ids])).logits
        torch.testing.assert_close(found, expected)
        assert (found[:, -1] - plain[:, -1]).abs().max() > 0.01

    def test_cached_steps_equal_one_pass(self, family: str, kind: str) -> None:
        model = countdown_model(family, kind)
        batch = padded(prompts())
        width = batch["input_ids"].shape[1]
        output = model.generate(
            **batch, **GREEDY, target_length=TARGETS, return_dict_in_generate=True, output_logits=True
        )
        uncached = model.generate(**batch, **GREEDY, target_length=TARGETS, use_cache=False)
        assert torch.equal(output.sequences, uncached)
        mask = torch.cat([batch["attention_mask"], torch.ones(3, 9, dtype=torch.int64)], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.no_grad():
            whole = model(
                output.sequences,
                attention_mask=mask,
                position_ids=positions,
                response_start=torch.full((3,), width),
                target_length=torch.tensor(TARGETS),
            ).logits
        stepwise = torch.stack(output.logits, dim=1)
        torch.testing.assert_close(stepwise, whole[:, width - 1 : -1], atol=1e-4, rtol=1e-4)

    def test_padding_on_the_left_changes_nothing(self, family: str, kind: str) -> None:
        model = countdown_model(family, kind)
        rows = prompts()
        for extra in (0, 4):
            batch = padded(rows, extra=extra)
            together = model.generate(**batch, **GREEDY, target_length=TARGETS)
            for row, prompt in enumerate(rows):
                alone = model.generate(torch.tensor([prompt]), **GREEDY, target_length=TARGETS[row])
                assert together[row, -9:].tolist() == alone[0, -9:].tolist()

    def test_saved_models_come_back(self, family: str, kind: str, tmp_path: Path) -> None:
        model = countdown_model(family, kind)
        model.save_pretrained(tmp_path)
        assert (tmp_path / "model.safetensors").exists()
        loaded = tt.load_countdown_model(tmp_path).eval()
        assert loaded.countdown.settings == model.countdown.settings
        batch = padded(prompts())
        expected = model.generate(**batch, **GREEDY, target_length=TARGETS)
        assert torch.equal(loaded.generate(**batch, **GREEDY, target_length=TARGETS), expected)
        plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
        assert torch.equal(plain.generate(**batch, **GREEDY), model.generate(**batch, **GREEDY))


def test_targets_change_the_output() -> None:
    model = countdown_model("llama", "orpe")
    (prompt,) = prompts(sizes=(4,))
    found = {
        tuple(model.generate(torch.tensor([prompt]), **GREEDY, target_length=target)[0].tolist())
        for target in (3, 5, 8, 20)
    }
    assert len(found) == 4


def test_beams_and_several_samples_follow_their_prompts() -> None:
    model = countdown_model("llama", "ldpe")
    batch = padded(prompts())
    together = model.generate(**batch, **GREEDY, target_length=TARGETS, num_beams=3)
    for row, prompt in enumerate(prompts()):
        alone = model.generate(torch.tensor([prompt]), **GREEDY, target_length=TARGETS[row], num_beams=3)
        assert together[row, -9:].tolist() == alone[0, -9:].tolist()
    several = model.generate(
        **batch, target_length=TARGETS, do_sample=True, num_return_sequences=2, max_new_tokens=5
    )
    assert len(several) == 6


def test_prompt_lookup_gives_the_same_tokens() -> None:
    """Drafts are checked several columns at a time, and the cache is cut back when they fail."""
    model = countdown_model("llama", "orpe")
    prompt = torch.tensor([prompts(sizes=(4,))[0] * 3])
    expected = model.generate(prompt, do_sample=False, max_new_tokens=12, target_length=12)
    found = model.generate(
        prompt, do_sample=False, max_new_tokens=12, target_length=12, prompt_lookup_num_tokens=3
    )
    assert torch.equal(found, expected)


def test_prompts_may_be_embeddings() -> None:
    model = countdown_model("llama", "ldpe")
    batch = padded(prompts())
    expected = model.generate(**batch, **GREEDY, target_length=TARGETS)
    embeddings = model.get_input_embeddings()(batch.pop("input_ids"))
    found = model.generate(inputs_embeds=embeddings, **batch, **GREEDY, target_length=TARGETS)
    assert torch.equal(found[:, -9:], expected[:, -9:])


def test_a_bound_is_a_wall() -> None:
    model = tt.add_countdown(plain_model("llama"), tt.Countdown(at_most=True))
    batch = padded(prompts())
    for target_length, bounds in (([7, 2, 4], [7, 2, 4]), (5, [5, 5, 5])):
        sequences = model.generate(**batch, do_sample=True, target_length=target_length)
        for row, bound in zip(sequences[:, 7:].tolist(), bounds, strict=True):
            assert EOS in row[:bound]
            assert set(row[row.index(EOS) + 1 :]) <= {PAD}
    # A wall also behind the bounds of the caller, and for each beam and sample.
    sequences = model.generate(
        **batch, target_length=[3, 4, 6], max_new_tokens=20, num_beams=2, num_return_sequences=2
    )
    for row, bound in zip(sequences[:, 7:].tolist(), [3, 3, 4, 4, 6, 6], strict=True):
        assert EOS in row[:bound]


def test_a_bound_needs_an_end() -> None:
    model = tt.add_countdown(plain_model("llama"), tt.Countdown(at_most=True))
    model.generation_config.eos_token_id = None
    with pytest.raises(tt.ArgumentValueError, match="eos_token_id"):
        model.generate(**padded(prompts()), target_length=5)


def test_a_bound_and_a_grammar_agree_or_say_so() -> None:
    tokenizer = tiny_tokenizer()
    model = tt.add_countdown(copy.deepcopy(tiny_model()), tt.Countdown(at_most=True))
    compiled = tt.compile_grammar(tt.from_regex("[a-c]{9,}"), tt.Vocabulary.from_tokenizer(tokenizer))
    prompt = tokenizer("Ann Lee", return_tensors="pt")["input_ids"]
    for bound in (10, 15):
        processor = tt.GrammarProcessor(compiled, max_new_tokens=bound)
        sequences = model.generate(prompt, logits_processor=[processor], target_length=bound)
        answer = sequences[0, prompt.shape[1] :].tolist()
        assert answer[-1] == tokenizer.eos_token_id
        assert len(answer) <= bound
    with pytest.raises(tt.NoAllowedTokenError, match="max_new_tokens"):
        model.generate(prompt, logits_processor=[tt.GrammarProcessor(compiled)], target_length=4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_grammar_on_top_is_obeyed(kind: str) -> None:
    model = tt.add_countdown(copy.deepcopy(tiny_model()), tt.Countdown(kind))
    tokenizer = tiny_tokenizer()
    vocabulary = tt.Vocabulary.from_tokenizer(tokenizer)
    grammar = tt.from_regex(r"[a-z]{2,5}( [a-z]{2,5})*")
    compiled = tt.compile_grammar(grammar, vocabulary)
    prompt = tokenizer("Ann Lee", return_tensors="pt")["input_ids"]
    for budget in (3, 8, 20):
        processor = tt.GrammarProcessor(compiled, max_new_tokens=budget)
        sequences = model.generate(
            prompt, logits_processor=[processor], target_length=budget, max_new_tokens=budget
        )
        answer = sequences[0, prompt.shape[1] :].tolist()
        assert answer[-1] == tokenizer.eos_token_id
        assert grammar.accepts(vocabulary.decode(answer).decode())
        with model.counting_down_from(budget):
            result = tt.generate(model, tokenizer, "Ann Lee", grammar=compiled, max_new_tokens=budget)
        assert result.token_ids == answer


def test_the_model_keeps_its_kind() -> None:
    model = countdown_model("llama", "orpe")
    assert isinstance(model, CountdownMixin)
    assert isinstance(model, type(plain_model("llama")))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(twin) is type(model)


def test_wrong_arguments_are_refused() -> None:
    model = countdown_model("llama", "orpe")
    batch = padded(prompts())
    for target in ("x", -1, 1.5, [1, 2], ["a"] * 3, True, [1, -1, 1], object()):
        with pytest.raises(tt.ConstraintError):
            model.generate(**batch, target_length=target)
    with pytest.raises(tt.ArgumentTypeError):
        model.generate(target_length=3)
    ids = batch["input_ids"]
    with pytest.raises(tt.ArgumentTypeError):
        model(ids, target_length=torch.tensor([1, 2, 3]))
    with pytest.raises(tt.ArgumentValueError):
        model(ids, target_length=torch.tensor([1, 2]), response_start=torch.tensor([1, 2]))


def test_wrong_models_are_refused(tmp_path: Path) -> None:
    for model in (None, 3, "llama", torch.nn.Linear(2, 2)):
        with pytest.raises(tt.ArgumentTypeError):
            tt.add_countdown(model)
    with pytest.raises(tt.ArgumentTypeError):
        tt.add_countdown(plain_model("llama"), "orpe")
    with pytest.raises(tt.ArgumentValueError, match="already"):
        tt.add_countdown(countdown_model("llama", "orpe"))
    encoder = T5Config(vocab_size=N_TOKENS, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with pytest.raises(tt.ArgumentTypeError, match="encoder"):
        tt.add_countdown(T5ForConditionalGeneration(encoder))
    plain_model("llama").save_pretrained(tmp_path)
    with pytest.raises(tt.ArgumentValueError, match="countdown"):
        tt.load_countdown_model(tmp_path)
    with pytest.raises(tt.ArgumentTypeError):
        tt.load_countdown_model(3)  # type: ignore[arg-type]
    (tmp_path / "empty").mkdir()
    with pytest.raises(tt.ArgumentValueError, match="cannot be loaded"):
        tt.load_countdown_model(tmp_path / "empty")
    countdown_model("llama", "orpe").save_pretrained(tmp_path / "good")
    with pytest.raises(tt.ArgumentValueError, match="cannot be loaded"):
        tt.load_countdown_model(tmp_path / "good", dtype="wide")
