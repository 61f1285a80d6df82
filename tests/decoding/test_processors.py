"""`GrammarProcessor` inside transformers' own `generate()`, in all its modes, with models that have no idea
of JSON.

The law of every test here: what was generated ends with EOS, within the budget, and is valid by an
    independent
validator.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding import processors
from transformers import LogitsProcessor, TextStreamer

from tests.tiny_models import N_LOGITS, tiny_model, tiny_tokenizer

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
POINT = {"type": "array", "items": {"type": "integer", "maximum": 999}, "minItems": 2, "maxItems": 2}
PROMPT = 'Ann Lee is 41 years old. {"name": "Ann Lee", "age": 41, "tags": ["red"]} and so on: '
OTHER_PROMPT = "Bo is 7."
BUDGET = 48


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def vocabulary(tokenizer: Any) -> tt.Vocabulary:
    return tt.Vocabulary.from_tokenizer(tokenizer)


@pytest.fixture(scope="module")
def person(vocabulary: tt.Vocabulary) -> tt.CompiledGrammar:
    return tt.compile_grammar(tt.from_json_schema(PERSON), vocabulary)


@pytest.fixture(scope="module")
def point(vocabulary: tt.Vocabulary) -> tt.CompiledGrammar:
    return tt.compile_grammar(tt.from_json_schema(POINT), vocabulary)


def run(processor: Any, prompts: list[str], seed: int = 0, **options: Any) -> list[list[int]]:
    """Generated ids of each row, padding after EOS included."""
    inputs = tiny_tokenizer()(prompts, return_tensors="pt", padding=True)
    torch.manual_seed(seed)
    options = {"max_new_tokens": BUDGET, "do_sample": False, **options}
    sequences = tiny_model().generate(**inputs, logits_processor=[processor], **options)
    return sequences[:, inputs["input_ids"].shape[1] :].tolist()


def text_of(row: list[int]) -> str:
    """The text before EOS, which has to be there; only padding may follow (EOS itself after beam search)."""
    tokenizer = tiny_tokenizer()
    end = row.index(tokenizer.eos_token_id)
    assert set(row[end + 1 :]) <= {tokenizer.pad_token_id, tokenizer.eos_token_id}
    return tokenizer.decode(row[:end])


def check(row: list[int], schema: Any = PERSON) -> None:
    value = json.loads(text_of(row))
    assert jsonschema_rs.validator_for(schema).is_valid(value), value


MODES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sampling": {"do_sample": True, "top_k": 0},
    "sampling hot": {"do_sample": True, "top_k": 0, "temperature": 5.0},
    "top-k and top-p": {"do_sample": True, "top_k": 5, "top_p": 0.9},
    "min-p": {"do_sample": True, "top_k": 0, "min_p": 0.1},
    "several sequences": {"do_sample": True, "top_k": 0, "num_return_sequences": 3},
    "2 beams": {"num_beams": 2},
    "3 beams": {"num_beams": 3, "num_return_sequences": 3},
    "4 beams": {"num_beams": 4, "num_return_sequences": 2, "length_penalty": -1.0},
    "4 beams, early": {"num_beams": 4, "early_stopping": True},
    "4 beams, never early": {"num_beams": 4, "early_stopping": "never"},
    "beams and sampling": {"num_beams": 3, "do_sample": True, "num_return_sequences": 2},
    "repetition penalty": {"repetition_penalty": 3.0},
    "no cache": {"use_cache": False},
}


@pytest.mark.parametrize("options", MODES.values(), ids=MODES)
@pytest.mark.parametrize("prompts", [[PROMPT], [OTHER_PROMPT, PROMPT]], ids=["one", "batch"])
def test_every_mode(person: tt.CompiledGrammar, prompts: list[str], options: dict[str, Any]) -> None:
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    rows = run(processor, prompts, **options)
    assert len(rows) == len(prompts) * options.get("num_return_sequences", 1)
    for row in rows:
        check(row)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sampling", [{}, {"do_sample": True, "top_k": 0}], ids=["greedy", "sampling"])
@pytest.mark.parametrize(
    "drafting",
    [
        {"assistant_model": tiny_model(seed=1)},
        {"assistant_model": tiny_model()},  # every draft is right
        {"prompt_lookup_num_tokens": 4},
        {"prompt_lookup_num_tokens": 10, "max_matching_ngram_size": 1},
    ],
    ids=["another model", "the same model", "prompt look-up", "long prompt look-up"],
)
def test_drafts(person: tt.CompiledGrammar, drafting: dict, sampling: dict, seed: int) -> None:
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    prompts = ["x" * seed + PROMPT]
    (row,) = run(processor, prompts, seed, **drafting, **sampling)
    check(row)
    if not sampling:
        assert row == run(tt.GrammarProcessor(person, max_new_tokens=BUDGET), prompts)[0]


def test_draft_model_with_another_tokenizer(person: tt.CompiledGrammar) -> None:
    """Here the drafts come retokenised, and the processor is handed the draft model's rows too."""
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    tokenizers = {"tokenizer": tiny_tokenizer(), "assistant_tokenizer": tiny_tokenizer(300)}
    (row,) = run(processor, [PROMPT], assistant_model=tiny_model(seed=2, n_logits=400), **tokenizers)
    check(row)


def test_one_grammar_for_each_prompt(person: tt.CompiledGrammar, point: tt.CompiledGrammar) -> None:
    for options in (
        {},
        {"num_beams": 2, "num_return_sequences": 2},
        {"do_sample": True, "num_return_sequences": 2},
    ):
        processor = tt.GrammarProcessor([person, point], max_new_tokens=BUDGET)
        rows = run(processor, [PROMPT, OTHER_PROMPT], **options)
        half = len(rows) // 2
        for row in rows[:half]:
            check(row, PERSON)
        for row in rows[half:]:
            check(row, POINT)


def test_beams_of_a_grammar_with_fewer_texts_than_beams(vocabulary: tt.Vocabulary) -> None:
    compiled = tt.compile_grammar(tt.from_choices(["red", "green"]), vocabulary)
    rows = run(tt.GrammarProcessor(compiled), [PROMPT], num_beams=4, num_return_sequences=2)
    assert {text_of(row) for row in rows} <= {"red", "green"}


def test_reuse(person: tt.CompiledGrammar) -> None:
    """One object for one call after the other gives what new objects give."""
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    calls: list[tuple[list[str], dict]] = [
        ([PROMPT], {}),
        ([PROMPT], {}),
        ([OTHER_PROMPT, PROMPT], {"num_beams": 2}),
        ([PROMPT + "x"], {"do_sample": True}),
        ([PROMPT], {"assistant_model": tiny_model(seed=1)}),
        ([PROMPT + "x"], {}),
        ([OTHER_PROMPT], {"prompt_lookup_num_tokens": 3}),
        ([OTHER_PROMPT], {}),
    ]
    for prompts, options in calls:
        rows = run(processor, prompts, **options)
        assert rows == run(tt.GrammarProcessor(person, max_new_tokens=BUDGET), prompts, **options)
        for row in rows:
            check(row)


def test_the_answer_becomes_part_of_the_next_prompt(person: tt.CompiledGrammar) -> None:
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    prompt = PROMPT
    for _ in range(3):
        (row,) = run(processor, [prompt])
        check(row)
        prompt += tiny_tokenizer().decode(row) + " Again: "


def test_a_processor_that_was_interrupted(person: tt.CompiledGrammar) -> None:
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    run(processor, [PROMPT], max_new_tokens=5)
    (row,) = run(processor, [PROMPT])
    check(row)


def test_streamer(person: tt.CompiledGrammar, capsys: pytest.CaptureFixture[str]) -> None:
    streamer = TextStreamer(tiny_tokenizer(), skip_prompt=True, skip_special_tokens=True)
    (row,) = run(tt.GrammarProcessor(person, max_new_tokens=BUDGET), [PROMPT], streamer=streamer)
    assert capsys.readouterr().out.strip() == text_of(row).strip()


@pytest.mark.parametrize("options", [{}, {"do_sample": True, "top_k": 0}, {"num_beams": 3}], ids=str)
def test_every_budget(person: tt.CompiledGrammar, options: dict[str, Any]) -> None:
    """Either it is too small, which is said before the first token, or the output is complete within it."""
    needed = person.matcher().tokens_to_finish
    n_refused = 0
    for budget in range(needed - 6, needed + 6):
        processor = tt.GrammarProcessor(person, max_new_tokens=budget)
        try:
            rows = run(processor, [PROMPT, OTHER_PROMPT], max_new_tokens=budget, **options)
        except tt.BudgetTooSmallError:
            n_refused += 1
            continue
        for row in rows:
            assert len(row) <= budget
            check(row)
    assert n_refused <= 6


def test_a_budget_that_is_too_small(person: tt.CompiledGrammar) -> None:
    with pytest.raises(
        tt.BudgetTooSmallError, match=r"always enough, got 3; raise the budget \(max_new_tokens\)"
    ):
        run(tt.GrammarProcessor(person, max_new_tokens=3), [PROMPT])


class Exclude(LogitsProcessor):
    """Stands for any other processor that takes tokens away."""

    def __init__(self, token_ids: list[int]) -> None:
        self.token_ids = token_ids

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores[:, self.token_ids] = -torch.inf
        return scores


def test_other_processors_that_leave_nothing(vocabulary: tt.Vocabulary) -> None:
    compiled = tt.compile_grammar(tt.from_regex("b+"), vocabulary)
    spelled = [i for i in range(vocabulary.n_tokens) if set(vocabulary.token_bytes(i)) == {ord("b")}]
    inputs = tiny_tokenizer()([PROMPT], return_tensors="pt")
    with pytest.raises(tt.NoAllowedTokenError, match="grammar allows has the score -inf"):
        tiny_model().generate(
            **inputs, logits_processor=[Exclude(spelled), tt.GrammarProcessor(compiled)], max_new_tokens=9
        )


def first_mask(compiled: tt.CompiledGrammar) -> np.ndarray:
    """Which tokens may come first, bool, shape [vocab_size], asked one by one."""
    matcher = compiled.matcher()
    return np.array([matcher.allows_token(i) for i in range(compiled.vocabulary.vocab_size)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_scores_of_any_type_and_width(person: tt.CompiledGrammar, dtype: torch.dtype) -> None:
    size = person.vocabulary.vocab_size
    allowed = first_mask(person)
    for width in (size, size + 1, N_LOGITS, 1000):
        scores = torch.linspace(-3, 3, 2 * width, dtype=dtype).reshape(2, width)
        before = scores.clone()
        result = tt.GrammarProcessor(person)(torch.tensor([[1, 5], [4, 5]]), scores)
        assert torch.equal(scores, before), "the caller's tensor must stay as it was"
        assert result.dtype == dtype
        for row, original in zip(result, before, strict=True):
            assert torch.equal(row[:size][allowed], original[:size][allowed])
            assert bool((row[:size][~allowed] == -torch.inf).all())
            assert bool((row[size:] == -torch.inf).all())


def test_rows_that_are_left_alone(vocabulary: tt.Vocabulary) -> None:
    """After EOS, and after a draft's illegal token; the row between them is masked as always."""
    compiled = tt.compile_grammar(tt.from_regex("a?"), vocabulary)
    (a,) = [i for i in range(vocabulary.n_tokens) if vocabulary.token_bytes(i) == b"a"]
    (b,) = [i for i in range(vocabulary.n_tokens) if vocabulary.token_bytes(i) == b"b"]
    (eos,) = vocabulary.eos_token_ids
    processor = tt.GrammarProcessor(compiled)
    processor(torch.tensor([[9], [9], [9]]), torch.zeros(3, N_LOGITS))
    result = processor(torch.tensor([[9, eos], [9, a], [9, b]]), torch.zeros(3, N_LOGITS))
    assert torch.equal(result[0], torch.zeros(N_LOGITS))
    assert torch.equal(result[2], torch.zeros(N_LOGITS))
    assert torch.isfinite(result[1]).nonzero().flatten().tolist() == [eos]


def test_logits_that_are_too_narrow(person: tt.CompiledGrammar) -> None:
    size = person.vocabulary.vocab_size
    with pytest.raises(tt.VocabularyError, match=f"must cover the {size} tokens .* got 100;"):
        tt.GrammarProcessor(person)(torch.tensor([[1]]), torch.zeros(1, 100))


def test_wrong_arguments(person: tt.CompiledGrammar) -> None:
    for wrong in ([], None, tt.from_regex("a"), [person, "x"]):
        with pytest.raises(tt.ConstraintError, match="needs a CompiledGrammar or a list"):
            tt.GrammarProcessor(wrong)  # type: ignore[arg-type]
    with pytest.raises(tt.ConstraintError, match="max_new_tokens must be at least 1, got 0"):
        tt.GrammarProcessor(person, max_new_tokens=0)
    small = tt.Vocabulary([b"a", b""], eos_token_ids=[1])
    other = tt.compile_grammar(tt.from_regex("a"), small)
    with pytest.raises(tt.VocabularyError, match="one vocabulary"):
        tt.GrammarProcessor([person, other])


def test_rows_that_are_cut_out_of_longer_ones_are_drafts() -> None:
    """As the main model looks at a draft: each prefix is a slice of the whole candidate."""
    met: list[bool] = []

    class Tracker:
        def go_on(self, address: int, row_stride: int, shape: Any, *, is_draft: bool) -> list[Any]:
            met.append(is_draft)
            return []

    for rows in (1, 2):
        whole = torch.zeros((rows, 7), dtype=torch.int64)
        for ids in (whole, whole[:, :5], whole[:, :1].clone(), whole.to(torch.int32)):
            processors.follow_rows(Tracker(), ids)  # type: ignore[arg-type]
    assert met == [False, True, False, False] * 2


def test_the_signature_that_is_kept_is_the_right_one() -> None:
    kept = inspect.signature(tt.GrammarProcessor.__call__)
    assert list(kept.parameters) == ["self", "input_ids", "scores"]


def test_in_place_the_scores_themselves_are_masked(person: tt.CompiledGrammar) -> None:
    allowed = first_mask(person)
    scores = torch.zeros(1, N_LOGITS)
    result = tt.GrammarProcessor(person, in_place=True)(torch.tensor([[1, 5]]), scores)
    assert result.data_ptr() == scores.data_ptr()
    assert scores[0].isfinite().tolist() == [*allowed.tolist(), *[False] * (N_LOGITS - len(allowed))]


def test_mask_times(person: tt.CompiledGrammar) -> None:
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    (row,) = run(processor, [PROMPT])
    times = processor.mask_times
    assert times.count == row.index(tiny_tokenizer().eos_token_id) + 1
    assert 0 < times.slowest_ns <= times.total_ns


def test_a_vocabulary_of_another_tokenizer_is_noticed() -> None:
    other = tt.Vocabulary([b"a", b"b", b"ab", b""], eos_token_ids=[3])
    compiled = tt.compile_grammar(tt.from_regex("a+"), other)
    processor = tt.GrammarProcessor(compiled)
    prompt = torch.tensor([[0, 1]])
    for width in (3, 13):
        with pytest.raises(tt.VocabularyError, match=f"the model's logits must .*, got {width}; compile"):
            processor(prompt, torch.zeros(1, width))
    assert processor(prompt, torch.zeros(1, 8)).isfinite().sum() == 1
    with pytest.raises(tt.VocabularyError, match="compiled for the vocabulary of this tokenizer"):
        tt.generate(tiny_model(), tiny_tokenizer(), "x", grammar=compiled)


def test_fewer_logits_than_tokens_are_noticed_by_generate() -> None:
    with pytest.raises(tt.VocabularyError, match=r"must cover the [0-9]+ tokens of the vocabulary, got 330"):
        tt.generate(tiny_model(n_logits=330), tiny_tokenizer(), "x", grammar=tt.from_regex("a"))


@pytest.mark.parametrize("mode", ["greedy", "sampling", "several sequences", "3 beams"])
def test_tokens_fetched_ahead_change_nothing(
    person: tt.CompiledGrammar, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of beam search, the tokens of every step but the first come from the criterion."""
    fetched: list[torch.Tensor] = []
    to_host = processors._to_host
    monkeypatch.setattr(processors, "_to_host", lambda ids: fetched.append(ids) or to_host(ids))
    alone = run(tt.GrammarProcessor(person, max_new_tokens=BUDGET), [OTHER_PROMPT, PROMPT], **MODES[mode])
    n_alone = len(fetched)
    fetched.clear()
    processor = tt.GrammarProcessor(person, max_new_tokens=BUDGET)
    ahead = run(processor, [OTHER_PROMPT, PROMPT], stopping_criteria=[processor.new_tokens], **MODES[mode])
    assert ahead == alone
    if "beams" not in mode:
        assert (
            len(fetched) == n_alone + 1
        )  # the prompt, and after each token; the last of them is not asked for
