"""`tt.generate(sampler=...)` and `--sampler`: results are checked, scored, weighted and repeatable."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.sampling import SampledText
from tokentrellis.sampler_options import SamplerName, make_sampler

from tests.commands import run as run_command
from tests.decoding.test_generate import log_probability
from tests.tiny_models import tiny_model, tiny_tokenizer

PROMPT = "Ann Lee is"
SCHEMA = {"enum": ["red", "green", 7, [True, None]]}
SAMPLERS: dict[str, Any] = {
    "mask": tt.MaskSampler,
    "awrs": tt.AdaptiveRejectionSampler,
    "smc": lambda: tt.SequentialMonteCarlo(4),
    "asap": lambda: tt.GrammarAlignedSampler("asap", batch_size=2),
    "mcmc": lambda: tt.MetropolisHastings(n_steps=2, batch_size=1),
}


def run(prompt: Any = PROMPT, grammar: Any = SCHEMA, **options: Any) -> Any:
    return tt.generate(tiny_model(), tiny_tokenizer(), prompt, grammar=grammar, **options)


@pytest.mark.parametrize("name", SAMPLERS)
def test_results(name: str) -> None:
    result = run(sampler=SAMPLERS[name](), seed=3, max_new_tokens=20)
    assert result.value in SCHEMA["enum"]
    assert result.token_ids[-1] == tiny_tokenizer().eos_token_id
    assert result.log_prob == pytest.approx(log_probability(PROMPT, result.token_ids), abs=1e-3)
    assert math.isfinite(result.log_weight)
    assert result.stats.n_tokens == len(result.token_ids)
    assert result.stats.sampler["n_forward_passes"] > 0
    json.dumps(result.stats.sampler)
    again = run(sampler=SAMPLERS[name](), seed=3, max_new_tokens=20)
    assert (again.token_ids, again.log_weight) == (result.token_ids, result.log_weight)


def test_the_weight_of_smc_is_the_probability_of_the_grammar() -> None:
    """A grammar of one text and few tokenizations: its probability is their sum."""
    result = run(grammar=tt.from_regex("7"), sampler=tt.SequentialMonteCarlo(8), seed=1, max_new_tokens=4)
    assert result.log_weight == pytest.approx(result.log_prob, abs=1e-3)


def test_several_prompts_and_no_grammar() -> None:
    results = run([PROMPT, "Bo"], sampler=tt.AdaptiveRejectionSampler(), seed=1)
    assert [result.value in SCHEMA["enum"] for result in results] == [True, True]

    class Short:
        def prefix(self, text: str) -> bool:
            return len(text) <= 6 and "e" not in text

        def complete(self, text: str) -> bool:
            return self.prefix(text)

    sampler = tt.SequentialMonteCarlo(16, proposal=tt.AdaptiveRejectionSampler(predicate=Short()))
    free = run(grammar=None, sampler=sampler, seed=1, max_new_tokens=12)
    assert Short().complete(free.text)
    assert free.value == free.text


def test_temperature_is_the_models() -> None:
    cold = run(sampler=tt.SequentialMonteCarlo(8), temperature=0.05, seed=2)
    assert cold.log_prob == pytest.approx(log_probability(PROMPT, cold.token_ids), abs=1e-3)


def test_a_sampler_learns() -> None:
    sampler = tt.GrammarAlignedSampler("asap", batch_size=2)
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    compiled = tt.compile_grammar(tt.from_json_schema(SCHEMA), vocabulary)
    bounds = [run(grammar=compiled, sampler=sampler, seed=seed).stats.sampler["bound"] for seed in range(3)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[-1]


def test_what_a_sampler_returns_is_checked() -> None:
    class Lies:
        def draw(self, task: Any, generator: Any) -> SampledText:
            return SampledText([5, 6], 0.0)

    with pytest.raises(tt.ConstraintError):
        run(sampler=Lies())


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"sampler": 3}, tt.ArgumentTypeError, "must have a method draw"),
        ({"sampler": "foo"}, tt.ArgumentTypeError, "got 'foo'; make one: .* MetropolisHastings"),
        ({"sampler": tt.MaskSampler}, tt.ArgumentTypeError, "must have a method draw"),
        ({"sampler": tt.MaskSampler(), "do_sample": False}, tt.ConstraintError, "exclude each other"),
        ({"sampler": tt.MaskSampler(), "max_new_tokens": 1}, tt.BudgetTooSmallError, "always enough"),
        ({"sampler": tt.MaskSampler(), "max_new_tokens": 5000}, tt.ArgumentValueError, "at most"),
        ({"grammar": None}, tt.ArgumentTypeError, "grammar or length"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        run(**options)


def test_settings_that_change_the_law_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_model().generation_config, "repetition_penalty", 1.2)
    with pytest.raises(tt.ConstraintError, match="repetition_penalty"):
        run(sampler=tt.MaskSampler())


def test_command_line(model_folder: str) -> None:
    arguments = ("generate", "--choices", "cat,dog", "It barks.", "--model", model_folder, "--seed", "1")
    output = run_command(*arguments, "--sampler", "smc", "--particles", "3", "--json").stdout
    report = json.loads(output)
    assert report["value"] in ("cat", "dog")
    assert report["stats"]["sampler"]["ess"] <= 3
    assert report["log_weight"] == pytest.approx(report["stats"]["sampler"]["log_evidence"])
    assert "would do nothing" in run_command(*arguments, "--particles", "3", code=2).stderr
    assert (
        "would do nothing" in run_command(*arguments, "--sampler", "awrs", "--particles", "3", code=2).stderr
    )
    assert [type(make_sampler(name, None)).__name__ for name in SamplerName] == [
        "AdaptiveRejectionSampler",
        "SequentialMonteCarlo",
        "GrammarAlignedSampler",
        "GrammarAlignedSampler",
        "MetropolisHastings",
    ]
    assert make_sampler(None, None) is None


def test_inside_generate_of_transformers() -> None:
    """Padded rows, several texts for each, and the configuration's own settings."""
    tokenizer, model = tiny_tokenizer(), tiny_model()
    compiled = tt.compile_grammar(tt.from_choices(["red", "12"]), tt.Vocabulary.from_tokenizer(tokenizer))
    inputs = tokenizer(["Ann Lee is", "Bo"], return_tensors="pt", padding=True, return_token_type_ids=False)
    options = {"sampler": tt.SequentialMonteCarlo(2), "source": compiled, "max_new_tokens": 12}
    rows = model.generate(
        **inputs,
        **options,
        custom_generate=tt.sample_rows,
        generator=torch.Generator().manual_seed(0),
        do_sample=True,
        top_k=0,
        num_return_sequences=2,
    )
    assert rows.shape[0] == 4
    texts = tokenizer.batch_decode(rows[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert set(texts) <= {"red", "12"}
    with pytest.raises(tt.ArgumentTypeError, match="generator"):
        model.generate(**inputs, **options, custom_generate=tt.sample_rows)


def test_temperature_and_truncation_inside_generate_of_transformers() -> None:
    """They reach the sampler as those of `tt.generate` do; what a sampler does not do is refused."""
    tokenizer, model = tiny_tokenizer(), tiny_model()
    compiled = tt.compile_grammar(tt.from_regex("[ab]{3}"), tt.Vocabulary.from_tokenizer(tokenizer))
    inputs = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)

    def run_inside(**options: Any) -> Any:
        settings = {
            "sampler": tt.SequentialMonteCarlo(2),
            "source": compiled,
            "max_new_tokens": 12,
            **options,
        }
        random = torch.Generator().manual_seed(5)
        return model.generate(**inputs, **settings, custom_generate=tt.sample_rows, generator=random)

    warping = {"temperature": 0.7, "top_k": 380, "top_p": 0.9999999, "min_p": 1e-9}
    rows = run_inside(do_sample=True, **warping)
    direct = run(grammar=compiled, sampler=tt.SequentialMonteCarlo(2), max_new_tokens=12, seed=5, **warping)
    assert rows[0, inputs["input_ids"].shape[1] :].tolist() == direct.token_ids
    seen: list[dict[str, Any]] = []

    class Looks(tt.MaskSampler):
        def draw(self, task: Any, generator: Any) -> Any:
            seen.append(task.warping)
            return super().draw(task, generator)

    run_inside(do_sample=True, sampler=Looks(), **warping)
    assert seen == [warping]
    length = tt.compile_length(tt.Length(characters=3), compiled.vocabulary)
    text = run_inside(source=length)[0, inputs["input_ids"].shape[1] :]
    assert len(tokenizer.decode(text, skip_special_tokens=True)) == 3
    for wrong in (
        {"num_beams": 2},
        {"return_dict_in_generate": True},
        {"max_time": 1.0},
        {"eos_token_id": 5},
        {"repetition_penalty": 1.2},
        {"do_sample": True, "typical_p": 0.5},
    ):
        with pytest.raises(tt.ArgumentValueError):
            run_inside(**wrong)
    with pytest.raises(tt.ArgumentValueError, match="own law"):
        model.generate(
            **inputs,
            sampler=tt.MaskSampler(),
            source=compiled,
            max_new_tokens=12,
            custom_generate=tt.sample_rows,
            generator=torch.Generator(),
            logits_processor=[tt.GrammarProcessor(compiled)],
        )
