"""`generate()`: what it returns is what the model did, and it leaves nothing behind."""

from __future__ import annotations

import copy
import dataclasses
import enum
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
import tokentrellis as tt
import torch
from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

from tests.tiny_models import N_LOGITS, tiny_model, tiny_tokenizer

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "maximum": 150}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PROMPT = "Ann Lee is 41 years old."


def run(prompt: Any = PROMPT, grammar: Any = SCHEMA, **options: Any) -> Any:
    return tt.generate(tiny_model(), tiny_tokenizer(), prompt, grammar=grammar, **options)


def log_probability(prompt: str, token_ids: list[int]) -> float:
    """The slow twin: one forward pass over prompt and output."""
    prompt_ids = tiny_tokenizer()(prompt)["input_ids"]
    with torch.no_grad():
        logits = tiny_model()(torch.tensor([prompt_ids + token_ids])).logits[0].double()
    steps = torch.log_softmax(logits, dim=-1)[len(prompt_ids) - 1 : -1]
    return float(steps[torch.arange(len(token_ids)), token_ids].sum())


@pytest.mark.parametrize(
    "options", [{}, {"seed": 1}, {"seed": 2, "temperature": 3.0}, {"seed": 3, "top_k": 4}]
)
def test_result(options: dict[str, Any]) -> None:
    result = run(max_new_tokens=40, **options)
    assert jsonschema_rs.validator_for(SCHEMA).is_valid(result.value)
    assert result.token_ids[-1] == tiny_tokenizer().eos_token_id
    assert tiny_tokenizer().decode(result.token_ids[:-1]) == result.text
    assert result.log_prob == pytest.approx(log_probability(PROMPT, result.token_ids), abs=1e-3)
    stats = result.stats
    assert stats.n_tokens == len(result.token_ids) <= 40
    assert 0 <= stats.n_forced_tokens < stats.n_tokens
    assert stats.n_masks == stats.n_tokens
    assert 0 < stats.mask_us_mean <= stats.mask_us_max
    assert stats.tokens_per_second > 0


def test_forced_tokens_are_those_without_a_choice() -> None:
    result = run(grammar=tt.from_regex("abc[xy]def"))
    assert result.stats.n_forced_tokens == len(result.token_ids) - 1


def test_a_batch_is_its_prompts_one_by_one() -> None:
    prompts = [PROMPT, "Bo.", "A longer prompt than the others, so that all of them are padded."]
    results = run(prompts, max_new_tokens=40)
    for prompt, result in zip(prompts, results, strict=True):
        alone = run(prompt, max_new_tokens=40)
        assert result.token_ids == alone.token_ids
        assert result.log_prob == pytest.approx(alone.log_prob, abs=1e-3)
    assert [type(results), type(run([PROMPT], max_new_tokens=40))] == [list, list]


def test_a_seed_decides_and_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = run(seed=1, max_new_tokens=40)
    assert torch.equal(torch.rand(3), expected)
    assert run(seed=1, max_new_tokens=40).token_ids == first.token_ids
    assert len({run(seed=seed, max_new_tokens=40).text for seed in range(6)}) > 1


def test_without_a_seed_the_global_state_decides() -> None:
    torch.manual_seed(7)
    first = run(do_sample=True, max_new_tokens=40).token_ids
    second = run(do_sample=True, max_new_tokens=40).token_ids
    torch.manual_seed(7)
    assert run(do_sample=True, max_new_tokens=40).token_ids == first
    assert run(do_sample=True, max_new_tokens=40).token_ids == second


def test_sampling_is_from_the_allowed_tokens_by_their_probability() -> None:
    """Two texts of one token each: the shares are those of the model's probabilities."""
    grammar = tt.from_choices(["a", "b"])
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    prompt_ids = tiny_tokenizer()("x")["input_ids"]
    with torch.no_grad():
        logits = tiny_model()(torch.tensor([prompt_ids])).logits[0, -1]
    pair = torch.softmax(
        logits[[vocabulary.token_id_by_bytes[b"a"], vocabulary.token_id_by_bytes[b"b"]]] / 4, 0
    )
    results = run(["x"] * 400, grammar, seed=0, temperature=4.0)
    share = sum(result.value == "a" for result in results) / 400
    assert abs(share - float(pair[0])) < 5 * (float(pair.prod()) / 400) ** 0.5


def test_what_a_grammar_may_be() -> None:
    @dataclasses.dataclass
    class Point:
        x: int
        is_set: bool

    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"

    compiled = tt.compile_grammar(
        tt.from_json_schema({"enum": [1, 2]}), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    )
    assert set(run(grammar=Point, max_new_tokens=40).value) == {"x", "is_set"}
    assert run(grammar=Colour).value in ("red", "blue")
    assert run(grammar=compiled).value in (1, 2)
    assert run(grammar='{"type": "null"}').value is None
    result = run(grammar=tt.from_regex("[0-9]{3}"))
    assert result.value == result.text
    assert len(result.text) == 3


def test_without_a_budget_it_ends_too() -> None:
    """The likeliest tokens of this model never close a string."""
    result = run(grammar={"type": "string"})
    assert isinstance(result.value, str)
    assert result.stats.n_tokens <= 2 + 512 + 1


def test_the_context_limits_the_default_budget() -> None:
    prompt = "x" * 1000
    n_prompt = len(tiny_tokenizer()(prompt)["input_ids"])
    result = run(prompt, grammar={"type": "string"})
    assert result.stats.n_tokens <= 1024 - n_prompt


def test_other_model_families() -> None:
    tokenizer = tiny_tokenizer()
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        decoder = GPT2LMHeadModel(
            GPT2Config(vocab_size=N_LOGITS, n_embd=32, n_layer=1, n_head=2, n_positions=256, **special)
        )
        both = T5ForConditionalGeneration(
            T5Config(
                vocab_size=N_LOGITS,
                d_model=32,
                d_kv=16,
                d_ff=32,
                num_layers=1,
                num_heads=2,
                decoder_start_token_id=tokenizer.pad_token_id,
                **special,
            )
        )
    for model in (decoder.eval(), both.eval()):
        results = tt.generate(model, tokenizer, [PROMPT, "Bo."], grammar=SCHEMA, max_new_tokens=40)
        for result in results:
            assert jsonschema_rs.validator_for(SCHEMA).is_valid(result.value)
            assert result.log_prob < 0


def test_the_model_may_name_several_ends() -> None:
    tokenizer = tiny_tokenizer()
    other_end = tokenizer("z")["input_ids"][0]
    model = tiny_model(seed=3)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, other_end]
    result = tt.generate(model, tokenizer, PROMPT, grammar=SCHEMA, max_new_tokens=40)
    assert result.token_ids[-1] in (tokenizer.eos_token_id, other_end)
    assert "z" not in result.text


def test_extreme_temperatures_are_no_trouble() -> None:
    coldest = run(seed=1, temperature=1e-300, max_new_tokens=40)
    assert coldest.token_ids == run(max_new_tokens=40).token_ids
    assert jsonschema_rs.validator_for(SCHEMA).is_valid(run(seed=1, temperature=1e6, max_new_tokens=40).value)


def test_min_p_of_one_leaves_the_likeliest_token() -> None:
    greedy = run(max_new_tokens=40)
    assert run(seed=1, min_p=1.0, max_new_tokens=40).token_ids == greedy.token_ids
    assert run(seed=1, min_p=1e-9, max_new_tokens=40).token_ids != greedy.token_ids
    with pytest.raises(
        tt.SamplingError
    ):  # to a sampler it is the model's law, which the grammar forbids then
        run(seed=1, min_p=1.0, max_new_tokens=40, sampler=tt.MaskSampler())


@pytest.mark.parametrize(
    ("text", "kind"), [("1E+999", Decimal), ("-1E-999", Decimal), ("2.5e-3", float), ("0.1", float)]
)
def test_numbers_are_what_the_text_says(text: str, kind: type) -> None:
    result = run(grammar=f'{{"enum": [{text}]}}')
    assert isinstance(result.value, kind)
    assert Decimal(result.text) == Decimal(str(result.value)) == Decimal(text)


def test_settings_of_the_model_that_stop_it_early_are_an_error() -> None:
    model = tiny_model(seed=4)
    model.generation_config.max_time = 0.0
    with pytest.raises(tt.SamplingError, match=r"stopped after 1 tokens, before .* take max_time"):
        tt.generate(model, tiny_tokenizer(), PROMPT, grammar=SCHEMA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_sample": False, "seed": 1}, "so seed would do nothing"),
        ({"do_sample": False, "temperature": 1.0, "top_p": 0.5}, "so temperature, top_p would do nothing"),
        ({"temperature": 0.0}, "temperature must be greater than 0, got 0.0"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"min_p": 1.5}, "min_p must be greater than 0 and at most 1, got 1.5"),
        ({"do_sample": False, "min_p": 0.5}, "so min_p would do nothing"),
        ({"top_p": 1.5}, "top_p must be greater than 0 and at most 1, got 1.5"),
        ({"prompt": ""}, "each at least one token, got"),
        ({"prompt": 5}, "prompt must be a text, or a list of texts, got 5; make one of messages"),
        ({"prompt": []}, "needs at least one text"),
        ({"prompt": "x" * 1024}, "fewer than 1024 tokens, the model's context, got 1024; shorten it"),
        ({"prompt": "x" * 1022}, "the prompt must leave .* for the shortest output, got 2; shorten"),
        ({"max_new_tokens": 2}, "the budget must leave tokens"),
        ({"max_new_tokens": 1024}, "must be at most [0-9]+, what the prompt leaves of .*, got 1024; lower"),
        ({"seed": 2**64}, "seed must be at most"),
        ({"temperature": float("inf")}, "temperature must be finite, got inf"),
        ({"temperature": float("nan")}, "temperature must be greater than 0"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ({"grammar": {"type": "strin"}}, "/type"),
    ],
)
def test_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(tt.ConstraintError, match=message):
        run(**options)


def test_an_output_that_nests_deeper_than_json_reads() -> None:
    from tokentrellis.decoding.results import value_of

    grammar = tt.from_json_schema({"type": "array", "items": {"$ref": "#"}})
    with pytest.raises(tt.LimitExceededError, match=r"levels of nesting of the output .*; lower"):
        value_of(grammar, "[" * 100_000 + "]" * 100_000)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_text_is_handed_on_while_it_is_written(seed: int | None) -> None:
    pieces: list[str] = []
    values = []
    reader = tt.PartialJson()

    def show(piece: str) -> None:
        pieces.append(piece)
        reader.write(piece)
        values.append(copy.deepcopy(reader.value))

    schema = {
        "type": "array",
        "items": {"type": "string", "pattern": "^[é-ü€]{3}$"},
        "minItems": 2,
        "maxItems": 3,
    }
    result = run(grammar=schema, seed=seed, on_text=show)
    assert "".join(pieces) == result.text
    assert len(pieces) > 3
    assert values[-1] == result.value
    assert all(value == result.value[: len(value) - 1] + value[-1:] for value in values if value)


def test_text_is_handed_on_for_one_plain_generation_only() -> None:
    for options in ({"sampler": tt.MaskSampler()}, {"drafter": tt.ForcedTokens()}):
        with pytest.raises(tt.ConstraintError, match="on_text is for one prompt"):
            run(on_text=print, **options)
    with pytest.raises(tt.ConstraintError, match="on_text is for one prompt"):
        run(["x", "y"], on_text=print)
