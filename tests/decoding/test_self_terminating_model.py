"""`SelfTerminatingModel` in transformers: decoding, caches, padding, training, saving, and the stop bound.

The weights are random, because the law is for any weights: softmax models with these weights go on for ever.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from transformers import AutoModelForCausalLM

from tests.oracles.self_termination import probabilities
from tests.tiny_models import N_LOGITS, random_model, tiny_model, tiny_tokenizer

EOS = 1
PAD = 0
FORMS = [(form, gate) for form in ("nmst", "st") for gate in ("logit", "log_odds")]


def base_model(kind: str = "llama", seed: int = 0) -> Any:
    """A random model of two layers; it must never be changed by a test that does not copy it."""
    if kind == "llama":
        return tiny_model(seed)
    options = {"num_key_value_heads": 1, "tie_word_embeddings": True} if kind == "qwen2" else {}
    return random_model(kind, seed, max_position_embeddings=512, **options)


def wrap(kind: str = "llama", seed: int = 0, **options: Any) -> tt.SelfTerminatingModel:
    return tt.SelfTerminatingModel.from_model(base_model(kind, seed), **options)


def prompts(texts: list[str] | None = None) -> dict[str, torch.Tensor]:
    """Padded on the left."""
    texts = ["Ann", "Ann Lee is 41 years old"] if texts is None else texts
    inputs = tiny_tokenizer()(texts, return_tensors="pt", padding=True)
    return {name: inputs[name] for name in ("input_ids", "attention_mask")}


def generate(model: Any, inputs: dict[str, torch.Tensor], seed: int = 0, **options: Any) -> list[list[int]]:
    """The generated ids of each row up to EOS, without it if it did not come."""
    torch.manual_seed(seed)
    output = model.generate(**inputs, **options)[:, inputs["input_ids"].shape[1] :]
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in output.tolist()]


@pytest.fixture
def lower() -> Iterator[Callable[..., None]]:
    """lower(model, eos): the model wants EOS as little as possible, until the test is over."""
    hooks = []

    def register(model: Any, eos: list[int]) -> None:
        def change(module: Any, inputs: Any, logits: torch.Tensor) -> torch.Tensor:
            penalty = torch.zeros_like(logits)
            penalty[..., eos] = 60
            return logits - penalty

        hooks.append(model.lm_head.register_forward_hook(change))

    yield register
    for hook in hooks:
        hook.remove()


SAMPLERS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "top-k": {"do_sample": True, "top_k": 5},
    "nucleus": {"do_sample": True, "top_k": 0, "top_p": 0.7},
    "top-k and nucleus": {"do_sample": True, "top_k": 40, "top_p": 0.5},
    "ancestral": {"do_sample": True, "top_k": 0},
    "beams": {"num_beams": 3, "early_stopping": True, "do_sample": False},
}


def bound(model: tt.SelfTerminatingModel, sampler: dict[str, Any]) -> int:
    options = {name: value for name, value in sampler.items() if name != "early_stopping"}
    if options.get("top_k") == 0:  # transformers' word for all tokens
        del options["top_k"]
    return model.stops_by(**options)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_untrained_models_stop_in_time(form: str, gate: str, sampler: dict[str, Any], lower: Any) -> None:
    """Of EOS these weights think nothing: its logit is lowered by 60."""
    for seed in range(2):
        for eos, epsilon in ([EOS], 0.02), ([EOS, 2, 3], 0.05):
            model = wrap(seed=seed, form=form, gate=gate, epsilon=epsilon, eos_token_ids=eos)
            lower(model.wrapped, eos)
            limit = bound(model, sampler)
            output = model.generate(**prompts(), **sampler, max_new_tokens=limit + 20)
            generated = output[:, prompts()["input_ids"].shape[1] :]
            for row in generated.tolist():
                first = next(position for position, token in enumerate(row) if token in eos)
                assert first + 1 <= limit


def test_the_softmax_goes_on(lower: Any) -> None:
    """Otherwise the test before would show nothing."""
    model = base_model()
    lower(model, [EOS])
    (row,) = generate(model, prompts(["Ann"]), max_new_tokens=150, do_sample=False)
    assert len(row) == 150
    assert EOS not in row


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_a_broken_floor_breaks_the_bound(
    form: str, gate: str, lower: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: every step counts as the first, as where cached columns are forgotten."""
    from tokentrellis.decoding import self_terminating_model as module

    right = module.log_ceilings
    monkeypatch.setattr(
        module, "log_ceilings", lambda f, g, steps, e, b: right(f, g, steps.clamp(max=1), e, 0 * b)
    )
    model = wrap(form=form, gate=gate, epsilon=0.02)
    lower(model.wrapped, [EOS])
    (row,) = generate(model, prompts(["Ann"]), max_new_tokens=model.stops_by() + 5, do_sample=False)
    assert EOS not in row


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2", "bloom"])
@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_steps_of_generate_are_the_oracle(kind: str, form: str, gate: str) -> None:
    """Scores of every step with a cache and left padding, against the formulas over the model's logits."""
    base = base_model(kind)
    model = tt.SelfTerminatingModel.from_model(
        base, form=form, gate=gate, epsilon=0.05, eos_token_ids=[EOS, 7]
    )
    for use_cache in (True, False):
        inputs = prompts()
        output = model.generate(
            **inputs,
            max_new_tokens=6,
            min_new_tokens=6,
            do_sample=False,
            use_cache=use_cache,
            output_logits=True,
            return_dict_in_generate=True,
        )
        width = inputs["input_ids"].shape[1]
        for index, mask in enumerate(inputs["attention_mask"]):
            tokens = output.sequences[index][width - int(mask.sum()) :]
            alone = base(input_ids=tokens[None]).logits[0, int(mask.sum()) - 1 :].detach().double().tolist()
            for step in range(1, 7):
                expected = probabilities(form, gate, 0.05, [EOS, 7], alone[:step])
                found = output.logits[step - 1][index].exp().tolist()
                assert found == pytest.approx(expected, rel=2e-3, abs=1e-5)


@pytest.mark.parametrize(("form", "gate"), FORMS)
@pytest.mark.parametrize(
    "options",
    [{}, {"num_beams": 3}, {"do_sample": True, "top_k": 0}, {"num_beams": 2, "do_sample": True}],
    ids=str,
)
def test_cached_is_uncached(form: str, gate: str, options: dict[str, Any]) -> None:
    model = wrap(form=form, gate=gate, epsilon=0.01)
    runs = [
        generate(model, prompts(), max_new_tokens=40, **options, **way)
        for way in ({}, {"use_cache": False}, {"cache_implementation": "static"})
    ]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("form", ["nmst", "st"])
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_loop_by_hand_is_generate(form: str, kind: str) -> None:
    """Chunks of a prompt, several new tokens in a call, rows of several starts."""
    model = wrap(kind, form=form, epsilon=0.05)
    token_ids = torch.randint(2, N_LOGITS, (2, 12), generator=torch.Generator().manual_seed(0))
    starts = torch.tensor([5, 7])
    whole = model(token_ids, response_start=starts).logits
    cache = None
    for first, last in ((0, 3), (3, 6), (6, 7), (7, 12)):
        output = model(token_ids[:, first:last], past_key_values=cache, response_start=starts, use_cache=True)
        cache = output.past_key_values
        assert torch.allclose(output.logits.exp(), whole[:, first:last].exp(), atol=1e-5)
    kept = model(token_ids, response_start=starts, logits_to_keep=2).logits
    assert torch.allclose(kept.exp(), whole[:, -2:].exp(), atol=1e-5)


@pytest.mark.parametrize(("form", "gate"), FORMS)
@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2", "bloom"])
def test_left_padding_is_no_padding(kind: str, form: str, gate: str) -> None:
    model = wrap(kind, form=form, gate=gate, epsilon=0.05)
    inputs = prompts()
    together = generate(model, inputs, max_new_tokens=30)
    alone = [
        generate(model, prompts([text]), max_new_tokens=30)[0] for text in ("Ann", "Ann Lee is 41 years old")
    ]
    assert together == alone
    padded = model(**inputs).logits
    n_padding = int((inputs["attention_mask"][0] == 0).sum())
    short = model(inputs["input_ids"][:1, n_padding:]).logits
    assert torch.allclose(padded[:1, n_padding:].exp(), short.exp(), atol=1e-5)
    labels = inputs["input_ids"].clone()
    labels[1] = -100
    unpadded = inputs["input_ids"][:1, n_padding:]
    loss = model(**inputs, labels=labels).loss
    assert loss.item() == pytest.approx(model(unpadded, labels=unpadded).loss.item(), rel=1e-4)


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_loss_under_masks(form: str, gate: str) -> None:
    """t = 1 at the first label that counts; the mean is over the labels that count."""
    model = wrap(form=form, gate=gate, epsilon=0.05)
    generator = torch.Generator().manual_seed(3)
    token_ids = torch.randint(2, N_LOGITS, (2, 10), generator=generator)
    token_ids[0, 9] = token_ids[1, 7] = EOS
    labels = token_ids.clone()
    labels[0, :4] = -100
    labels[1, :6] = -100
    labels[1, 8:] = -100
    raw = model.wrapped(token_ids).logits.detach().double()
    total, count = 0.0, 0
    for row, start, end in ((0, 4, 10), (1, 6, 8)):
        for column in range(start, end):
            history = raw[row, start - 1 : column].tolist()
            expected = probabilities(form, gate, 0.05, [EOS], history)
            total -= float(torch.tensor(expected[int(token_ids[row, column])]).log())
            count += 1
    output = model(token_ids, labels=labels)
    assert output.loss.item() == pytest.approx(total / count, rel=1e-4)
    fourth = model(token_ids, labels=labels, num_items_in_batch=4).loss
    assert fourth.item() == pytest.approx(total / 4, rel=1e-4)
    same = model(token_ids, response_start=torch.tensor([4, 6])).logits
    assert torch.allclose(output.logits, same)


def test_a_batch_with_nothing_to_learn_has_loss_0() -> None:
    model = copy.deepcopy(wrap())
    token_ids = torch.randint(2, N_LOGITS, (2, 5))
    loss = model(token_ids, labels=torch.full((2, 5), -100)).loss
    loss.backward()
    assert loss.item() == 0
    assert all(not bool(weight.grad.any()) for weight in model.parameters() if weight.grad is not None)


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_gradients_of_weights(form: str, gate: str) -> None:
    """Against finite differences, in float64, along random directions (Llama's norm rounds to float32)."""
    model = copy.deepcopy(wrap("gpt2", form=form, gate=gate, epsilon=0.05)).double()
    token_ids = torch.randint(2, N_LOGITS, (2, 8), generator=torch.Generator().manual_seed(1))
    token_ids[:, -1] = EOS
    labels = token_ids.clone()
    labels[0, :3] = -100
    model(token_ids, labels=labels).loss.backward()
    generator = torch.Generator().manual_seed(2)
    for weight in (model.get_output_embeddings().weight, model.get_input_embeddings().weight):
        direction = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        losses = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight.add_(step * direction)
                losses.append(float(model(token_ids, labels=labels).loss))
                weight.sub_(step * direction)
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(
            float((weight.grad * direction).sum()), rel=1e-5
        )


def test_training_moves_the_end() -> None:
    """A few steps on one text teach where it ends; the cache that training makes by default does no harm."""
    model = copy.deepcopy(wrap(form="st", epsilon=1e-4)).train()
    token_ids = torch.tensor([[5, 9, 13, 17, EOS]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        model(token_ids, labels=token_ids).loss.backward()
        optimizer.step()
    start = {"input_ids": token_ids[:, :1], "attention_mask": torch.ones(1, 1, dtype=torch.int64)}
    assert generate(model.eval(), start, max_new_tokens=20) == [[9, 13, 17, EOS]]


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_bfloat16(form: str, gate: str, lower: Any) -> None:
    """The wrapped model rounds; the distribution over what it gives does not, and stops in time."""
    model = copy.deepcopy(wrap(form=form, gate=gate, epsilon=0.02)).to(torch.bfloat16)
    lower(model.wrapped, [EOS])
    logits = model(**prompts()).logits
    assert logits.dtype == torch.float32
    assert float((logits.exp().sum(-1) - 1).abs().max()) < 1e-5
    for row in generate(model, prompts(), max_new_tokens=model.stops_by() + 5):
        assert row[-1] == EOS
    loss = model(prompts()["input_ids"], labels=prompts()["input_ids"]).loss
    loss.backward()
    assert bool(loss.isfinite())


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2"])
def test_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    model = wrap(kind, form="st", gate="logit", epsilon=0.03, eos_token_ids=[EOS, 4])
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    expected = model(**prompts()).logits
    for cls in (tt.SelfTerminatingModel, AutoModelForCausalLM):
        loaded = cls.from_pretrained(tmp_path)
        assert isinstance(loaded, tt.SelfTerminatingModel)
        assert torch.equal(loaded(**prompts()).logits, expected)
        assert loaded.stops_by() == model.stops_by()
        assert generate(loaded, prompts(), max_new_tokens=20) == generate(model, prompts(), max_new_tokens=20)
        configs = [config.to_dict() for config in (loaded.config, model.config)]
        for config in configs:
            assert config["eos_token_ids"] == [EOS, 4]
            assert (config["form"], config["gate"], config["epsilon"]) == ("st", "logit", 0.03)
        own = loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
        assert own == (kind != "llama"), "tied weights stay tied"
    half = tt.SelfTerminatingModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert half.get_input_embeddings().weight.dtype == torch.bfloat16
    again = tmp_path / "again"
    loaded.save_pretrained(again)
    assert torch.equal(tt.SelfTerminatingModel.from_pretrained(again)(**prompts()).logits, expected)


def test_the_wrapped_model_is_left_as_it_was() -> None:
    base = base_model("gpt2")
    before = base(**prompts()).logits
    attention = base.config._attn_implementation
    model = tt.SelfTerminatingModel.from_model(base)
    assert model.wrapped is base
    assert base.config._attn_implementation == attention is not None
    assert torch.equal(base(**prompts()).logits, before)


def test_log_odds_and_a_small_epsilon_change_nothing() -> None:
    base = base_model()
    model = wrap(epsilon=1e-12)
    one = prompts(["Ann Lee is"])
    assert torch.allclose(model(**one).logits, base(**one).logits.log_softmax(-1), atol=1e-4)
    assert generate(model, prompts(), max_new_tokens=20) == generate(base, prompts(), max_new_tokens=20)


def test_resized_embeddings() -> None:
    model = copy.deepcopy(wrap(epsilon=0.05))
    model.resize_token_embeddings(N_LOGITS + 8)
    assert model.config.vocab_size == N_LOGITS + 8
    assert model(**prompts()).logits.shape[-1] == N_LOGITS + 8


@pytest.mark.parametrize("form", ["nmst", "st"])
def test_drafts(form: str) -> None:
    """Greedy output is the same with any draft model and with prompt look-up."""
    model = wrap(form=form, epsilon=0.02)
    inputs = prompts(["Ann Lee is 41 years old and Ann Lee is"])
    expected = generate(model, inputs, max_new_tokens=60, do_sample=False)
    drafting: list[dict[str, Any]] = [
        {"assistant_model": base_model(seed=1)},
        {"assistant_model": base_model()},
        {"assistant_model": wrap(form=form, epsilon=0.02)},
        {"prompt_lookup_num_tokens": 4},
    ]
    for options in drafting:
        assert generate(model, inputs, max_new_tokens=60, do_sample=False, **options) == expected


def test_inside_generate_of_tokentrellis() -> None:
    model = wrap(epsilon=0.02)
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    for options in ({}, {"seed": 3}):
        result = tt.generate(
            model, tiny_tokenizer(), ["a", "b c d"], grammar=schema, max_new_tokens=60, **options
        )
        assert all(len(item.value) >= 2 for item in result)


def test_prompts_of_embeddings_and_no_prompt() -> None:
    model = wrap("llama", form="st", epsilon=0.05)
    inputs = prompts(["Ann Lee"])
    embeddings = model.get_input_embeddings()(inputs["input_ids"])
    expected = generate(model, inputs, max_new_tokens=20)
    found = model.generate(inputs_embeds=embeddings, max_new_tokens=20)[0].tolist()
    assert found[: len(expected[0])] == expected[0]
    output = model.generate(bos_token_id=5, max_new_tokens=model.stops_by() + 3, do_sample=False)[0].tolist()
    assert EOS in output


def test_wrong_arguments(tmp_path: Path) -> None:
    model = wrap(epsilon=0.1)
    for wrong in (None, "gpt2", torch.nn.Linear(2, 2), model):
        with pytest.raises(tt.ArgumentTypeError, match="model must"):
            tt.SelfTerminatingModel.from_model(wrong)  # type: ignore[arg-type]
    with pytest.raises(tt.ArgumentValueError, match="eos_token_ids must be at most 383, got 384"):
        wrap(eos_token_ids=N_LOGITS)
    for same in ([], [1, 1]):
        with pytest.raises(tt.ArgumentValueError, match="eos_token_ids must be different tokens"):
            wrap(eos_token_ids=same)
    token_ids = torch.ones(2, 4, dtype=torch.int64)
    for labels in (torch.ones(2, 3, dtype=torch.int64), token_ids.float(), [[1, 2]]):
        with pytest.raises(tt.ArgumentTypeError, match="labels must be int64 of shape"):
            model(token_ids, labels=labels)
    with pytest.raises(tt.ConstraintError, match="labels need all logits"):
        model(token_ids, labels=token_ids, logits_to_keep=1)
    with pytest.raises(tt.ArgumentTypeError, match="response_start must hold an integer for each row"):
        model(token_ids, response_start=torch.tensor([1, 2, 3]))
    cache = model.wrapped(token_ids, use_cache=True).past_key_values
    with pytest.raises(tt.ConstraintError, match="must be a cache that this model has filled"):
        wrap(form="st")(token_ids[:, :1], past_key_values=cache)
