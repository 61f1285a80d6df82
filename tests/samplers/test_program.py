"""A program writes what plain decoding writes, token by token, with fewer passes of the model.

Random tiny models: their likeliest spelling of a forced text is rarely the tokenizer's, so that guesses are
wrong as often as they are right.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import tokentrellis as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.models import load_model

from tests.samplers.plain_program import PlainProgram
from tests.tiny_models import random_model, tiny_model, tiny_tokenizer

NAME = tt.from_regex("[A-Z][a-z]{1,6}( Lee)?")
AGE = tt.from_regex("[1-9][0-9]?")
RECORD = tt.from_regex(r'\{"name": "(Ann|Bo)", "tags": \["red", "(blue|green)"\]\}')
FORCED = tt.from_regex("and likes red and blue")


def tell(program: Any) -> None:
    """Three holes, a branch, and forced text at the beginning, in the middle, and at the end of a hole."""
    program += "Ann Lee is 41 years old. "
    program.generate("name", NAME, max_tokens=6)
    program += " is "
    program.generate("age", AGE)
    program += " years old and likes"
    if program.choose("colour", [" red", " blue", " red and blue", " green"]) in (" red", " blue"):
        program += ":\n"
        program.generate("record", RECORD)
        program += "."
    else:
        program += " "
    program.generate("forced", FORCED)
    program.generate("free", stop=["e", "\n"], max_tokens=9)
    program += "; "
    program.choose("last", ["a", "ab", "old"])


def write(program: Any, steps: list[tuple[str, Any]]) -> None:
    program += "Ann"
    for number, (kind, value) in enumerate(steps):
        if kind == "text":
            program += value
        elif kind == "choose":
            program.choose(str(number), value)
        elif kind == "free":
            program.generate(str(number), stop=value, max_tokens=5)
        else:
            program.generate(str(number), tt.from_regex(value), max_tokens=30, ends=kind)


TEXTS = st.sampled_from([" ", '"', '{"name": ', "é", " is 4", "red", "\n"])
PATTERNS = st.sampled_from(["a|bc*", "red and blue", "(Ann )*", '"[a-z]{2}"', "Zoé|Zoo", ""])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), TEXTS),
        st.tuples(st.just("choose"), st.lists(TEXTS, min_size=1, max_size=4, unique=True)),
        st.tuples(st.just("free"), st.lists(st.sampled_from(["a", "e", " r", "\n"]), max_size=2)),
        st.tuples(st.sampled_from(["eos", "other"]), PATTERNS),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("healing", [True, False])
@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_text_is_that_of_plain_decoding(seed: int | None, healing: bool) -> None:
    for model_seed in range(2):
        model = tiny_model(model_seed)
        program = tt.Program(model, tiny_tokenizer(), seed=seed, healing=healing)
        plain = PlainProgram(model, tiny_tokenizer(), seed=seed, healing=healing)
        tell(program)
        tell(plain)
        assert program.text == plain.text
        assert dict(program.values) == plain.values
        assert program.token_ids[: len(plain.ids)] == plain.ids
        assert program.n_forward_passes < plain.n_passes


@settings(max_examples=30, deadline=None)
@given(STEPS, st.integers(0, 2), st.sampled_from([None, 3, 4]), st.booleans())
def test_any_program_is_plain_decoding(
    steps: list[tuple[str, Any]], model_seed: int, seed: int | None, healing: bool
) -> None:
    model = tiny_model(model_seed)
    program = tt.Program(model, tiny_tokenizer(), seed=seed, healing=healing)
    plain = PlainProgram(model, tiny_tokenizer(), seed=seed, healing=healing)
    write(program, [*steps, ("text", "!"), ("eos", "a|b")])  # the last hole has all guesses compared
    write(plain, [*steps, ("text", "!"), ("eos", "a|b")])
    assert program.text == plain.text
    assert program.token_ids == plain.ids
    assert program.n_forward_passes <= plain.n_passes
    assert tiny_tokenizer().decode(program.token_ids) == program.text


def test_holes_are_those_of_generate() -> None:
    """Three holes and a branch: text of the same pieces by `generate()`, and its passes counted."""
    model, tokenizer = tiny_model(), tiny_tokenizer()
    program = tt.Program(model, tokenizer, healing=False)
    text, n_tokens = "", 0
    for piece in ("Ann Lee is ", " years, likes ", ".\n"):
        program += piece
        text += piece
        grammar = (AGE, tt.from_choices(["red", "green"]), RECORD)[len(program.captures)]
        before = program.token_ids
        written = program.generate(piece, grammar, ends="eos")
        result = tt.generate(*_same_prompt(model, tokenizer, before), grammar=grammar)
        assert written == result.text
        n_tokens += result.stats.n_tokens  # one pass each, that of the prompt gives the first
        text += written
    if program.values[" years, likes "] == "red":
        program += "!"
        text += "!"
    assert program.text == text
    assert program.n_forward_passes < n_tokens


def _same_prompt(model: Any, tokenizer: Any, ids: list[int]) -> tuple[Any, Any, str]:
    """A prompt that `generate()` encodes as exactly these tokens."""

    class Encoded(type(tokenizer)):  # type: ignore[misc]
        def __call__(self, *arguments: Any, **options: Any) -> dict[str, list[int]]:
            return {"input_ids": ids}

    encoded = Encoded(tokenizer_object=tokenizer.backend_tokenizer, eos_token="</s>", pad_token="<pad>")
    return model, encoded, "prompt"


def test_embedded_model_writes_a_record_with_fewer_passes() -> None:
    loaded = load_model()
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    prompt = loaded.prompt("Ann Lee is 41 years old.", schema)
    grammar = tt.from_json_schema(schema, whitespace="compact")
    result = tt.generate(loaded.model, loaded.tokenizer, prompt, grammar=grammar)
    program = tt.Program(loaded.model, loaded.tokenizer, healing=False)
    program += prompt
    value = program.generate("person", grammar, ends="eos")
    assert value == result.value == {"name": "Ann Lee", "age": 41}
    assert program.text == prompt + result.text
    assert program.n_forward_passes < result.stats.n_tokens


def test_a_stop_is_found_wherever_tokens_divide_it() -> None:
    """What was read too far is taken back: the text goes on as if it had never been there."""
    tokenizer = tiny_tokenizer()
    n_taken_back = 0
    for seed in range(12):
        model = tiny_model(seed % 3)
        first = tt.Program(model, tokenizer, seed=seed)
        first += "Ann Lee is"
        text = first.generate("free", max_tokens=8)
        if len(text) < 4:
            continue
        middle = len(text) // 2
        stop = text[middle - 2 : middle + 2]
        program, plain = (kind(model, tokenizer, seed=seed) for kind in (tt.Program, PlainProgram))
        for either in (program, plain):
            either += "Ann Lee is"
            either.generate("free", stop=[stop], max_tokens=8)
            either.generate("next", AGE)
            either += " and "
            either.choose("last", ["red", "blue"])
        assert program.values["free"] == text[: text.find(stop)]
        assert program.text == plain.text
        assert program.token_ids == plain.ids
        n_taken_back += len(tokenizer(stop)["input_ids"]) > 1
    assert n_taken_back >= 4


def test_fixed_and_forced_text_take_no_pass() -> None:
    program = tt.Program(tiny_model(), tiny_tokenizer())
    program += "Ann"
    program += " Lee"
    assert program.generate("forced", FORCED) == "and likes red and blue"
    program += "."
    assert program.n_forward_passes == 0
    assert program.choose("colour", ["x", "y"]) in ("x", "y")
    assert program.n_forward_passes >= 1


def test_choice_of_single_tokens_takes_one_pass() -> None:
    program = tt.Program(tiny_model(), tiny_tokenizer(), healing=False)
    program += "Ann"
    program.choose("letter", ["x", "y", "z"])
    assert program.n_forward_passes == 1
    assert sum(program.probabilities["letter"].values()) == pytest.approx(1)


def test_choice_is_drawn_by_its_probabilities() -> None:
    """Greedy takes the likeliest; drawing meets each option as often as it is said to be likely."""
    model, tokenizer = tiny_model(), tiny_tokenizer()
    options = ["x", "y", "red and blue", "z"]
    counts = dict.fromkeys(options, 0)
    n_draws = 200
    for seed in range(n_draws):
        program = tt.Program(model, tokenizer, seed=seed, temperature=4.0)
        program += "Ann Lee is"
        counts[program.choose("c", options)] += 1
    greedy = tt.Program(model, tokenizer)
    greedy += "Ann Lee is"
    chosen = greedy.choose("c", options)
    probabilities = greedy.probabilities["c"]
    assert chosen == max(options, key=probabilities.__getitem__)
    flat = {option: p**0.25 for option, p in probabilities.items()}
    for option in options:
        expected = flat[option] / sum(flat.values())
        assert counts[option] / n_draws == pytest.approx(expected, abs=0.14)  # 4 standard deviations


@dataclass
class Person:
    name: str
    age: int


def test_values_have_the_types_that_were_asked_for() -> None:
    seen = []
    program = tt.Program(tiny_model(), tiny_tokenizer(), seed=1, on_capture=seen.append)
    program += "Ann Lee is "
    age: int = program.generate("age", int, max_tokens=4)
    program += " "
    person = program.generate("person", Person, max_tokens=60)
    program += " "
    truth = program.generate("truth", bool)
    assert isinstance(age, int)
    assert isinstance(person, Person)
    assert isinstance(person.age, int)
    assert isinstance(truth, bool)
    assert dict(program.values) == {"age": age, "person": person, "truth": truth}
    assert seen == program.captures
    assert [capture.name for capture in seen] == ["age", "person", "truth"]
    assert all(capture.text in program.text for capture in seen)


def test_transcript_and_how_it_is_shown() -> None:
    program = tt.Program(tiny_model(), tiny_tokenizer())
    program += "<Ann> is "
    age = program.generate("age", AGE)
    assert str(program) == program.text == f"<Ann> is {age}"
    assert program._repr_html_().count("<mark>") == 1
    assert "&lt;Ann&gt;" in program._repr_html_()
    assert repr(program.text) in repr(program)


FAMILIES: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "qwen2": {"num_key_value_heads": 1},
    "gemma3_text": {
        "num_key_value_heads": 1,
        "head_dim": 16,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
    },
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families(family: str) -> None:
    model = random_model(family, **FAMILIES[family])
    program, plain = tt.Program(model, tiny_tokenizer()), PlainProgram(model, tiny_tokenizer())
    tell(program)
    tell(plain)
    assert program.text == plain.text


def test_batch_writes_what_single_programs_write() -> None:
    def describe(program: tt.Program, name: str) -> None:
        program += f"{name} is "
        program.generate("age", AGE)
        program += " and likes "
        for number in range(len(name) % 3 + 1):  # as many passes as the name has it
            if program.choose(f"colour {number}", ["red", "blue", "green and red"]) == "red":
                program += " "
                program.generate(f"record {number}", RECORD)
            program += ", "
        program.generate("free", stop="e", max_tokens=4)

    model, tokenizer = tiny_model(1), tiny_tokenizer()
    names = ["Ann", "Bo Lee", "Zoé", "A", "Ann Lee and Bo"]
    for seed in (None, 7):
        batch = tt.run_programs(model, tokenizer, describe, names, seed=seed, max_rows=3)
        passes = 0
        for index, (name, program) in enumerate(zip(names, batch, strict=True)):
            single = tt.Program(model, tokenizer, seed=None if seed is None else seed + index)
            describe(single, name)
            passes += single.n_forward_passes
            assert program.text == single.text
            assert program.token_ids == single.token_ids
            assert dict(program.values) == dict(single.values)
        assert batch[0].n_forward_passes + batch[3].n_forward_passes < passes
    assert tt.run_programs(model, tokenizer, describe, []) == []


def test_an_error_in_one_program_ends_the_batch() -> None:
    def fail(program: tt.Program, number: int) -> None:
        program += "Ann"
        try:
            program.choose("a", ["x", "y"])
            if number == 2:
                raise KeyError(number)
            program.choose("b", ["x", "y"])
        except ArithmeticError:
            pass
        program.generate("rest", AGE)

    with pytest.raises(KeyError, match="2"):
        tt.run_programs(tiny_model(), tiny_tokenizer(), fail, [0, 1, 2, 3])


def test_an_error_may_end_its_program_alone() -> None:
    def fill(program: tt.Program, number: int) -> None:
        program += "Ann"
        program.choose("a", ["x", "y"])
        if number % 3 == 1:
            raise KeyError(number)
        program.choose("b", ["x", "y"])

    model, tokenizer = tiny_model(), tiny_tokenizer()
    for number, program in enumerate(
        tt.run_programs(model, tokenizer, fill, range(5), seed=3, max_rows=3, keep_going=True)
    ):
        single = tt.Program(model, tokenizer, seed=3 + number)
        with suppress(KeyError):
            fill(single, number)
        assert program.text == single.text
        assert dict(program.values) == dict(single.values)
        assert repr(program.error) == (f"KeyError({number})" if number % 3 == 1 else "None")

    def interrupt(program: tt.Program, number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tt.run_programs(model, tokenizer, interrupt, [0], keep_going=True)


def test_what_cannot_be_done_is_refused() -> None:
    model, tokenizer = tiny_model(), tiny_tokenizer()
    program = tt.Program(model, tokenizer)
    with pytest.raises(tt.ConstraintError, match="text before its first hole"):
        program.generate("a", AGE)
    program += "Ann"
    with pytest.raises(tt.ArgumentValueError, match="stop: a hole with a grammar"):
        program.generate("a", AGE, stop="x")
    with pytest.raises(tt.BudgetTooSmallError, match="at least"):
        program.generate("a", RECORD, max_tokens=2)
    with pytest.raises(tt.ArgumentValueError, match="options"):
        program.choose("a", ["x", "x"])
    with pytest.raises(tt.ArgumentTypeError, match="text must be"):
        program += 3  # type: ignore[arg-type]
    assert program.text == "Ann"
    program += "x" * 5000
    with pytest.raises(tt.ConstraintError, match="context"):
        program.generate("a", AGE)
    with pytest.raises(tt.UnsupportedModelError, match="branches of a program"):
        tt.Program(random_model("mamba"), tokenizer)
