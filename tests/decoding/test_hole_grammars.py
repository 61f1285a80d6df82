"""What a hole is given as: compiled once for a tokenizer, and what its texts mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import tokentrellis as tt
from pydantic import AfterValidator
from tokentrellis.decoding import hole_grammars as module
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.decoding.hole_grammars import HoleGrammars, hole_grammars

from tests.tiny_models import tiny_model, tiny_tokenizer

VOCABULARY = read_vocabulary(tiny_model(), tiny_tokenizer())


@dataclass
class Person:
    name: str


def is_refused(value: int) -> int:
    raise ValueError(f"never {value}")


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (lambda: tt.from_regex("a+"), tt.from_regex("a+", syntax="ecma")),
        (lambda: tt.from_choices(["a", "b"]), tt.from_choices(["a", "c"])),
        (lambda: {"type": "integer"}, {"type": "number"}),
        (lambda: Person, int),
        (lambda: None, bool),
    ],
)
def test_what_is_equal_is_compiled_once(make: Any, other: Any) -> None:
    grammars = HoleGrammars(VOCABULARY)
    compiled, _ = grammars.find(make())
    assert grammars.find(make())[0] is compiled
    assert grammars.find(other)[0] is not compiled
    assert hole_grammars(tiny_tokenizer(), VOCABULARY) is hole_grammars(tiny_tokenizer(), VOCABULARY)


def test_identity_counts_where_nothing_else_can() -> None:
    grammars = HoleGrammars(VOCABULARY)
    kept = [tt.from_json_schema({"type": "integer"}), tt.from_json_schema({"type": "null"})]
    texts = ["7", "null"]
    for grammar, text in zip(kept, texts, strict=True):
        assert grammars.find(grammar)[0].grammar is grammar
        assert grammar.accepts(text)
    # Objects that die leave their numbers to others; what was compiled must not.
    for number in range(50):
        compiled, _ = grammars.find(tt.from_gbnf(f'root ::= "{number}"'))
        assert compiled.grammar.accepts(str(number))


def test_old_grammars_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    grammars = HoleGrammars(VOCABULARY)
    first = grammars.find(tt.from_regex("a"))[0]
    second = grammars.find(tt.from_regex("b"))[0]
    assert grammars.find(tt.from_regex("a"))[0] is first
    grammars.find(tt.from_regex("c"))
    assert grammars.find(tt.from_regex("a"))[0] is first
    assert grammars.find(tt.from_regex("b"))[0] is not second


@pytest.mark.parametrize(
    ("source", "text", "value"),
    [
        (None, "x", "x"),
        (str, "x", "x"),
        (int, "7", 7),
        ({"type": "integer"}, "7", 7),
        (Person, '{"name": "Ann"}', Person("Ann")),
        (tt.from_json_schema(Person), '{"name": "Ann"}', {"name": "Ann"}),
        (tt.from_regex("a"), "a", "a"),
        (tt.compile_grammar(tt.from_json_schema({"const": 1}), VOCABULARY), "1", 1),
    ],
)
def test_values(source: Any, text: str, value: Any) -> None:
    assert HoleGrammars(VOCABULARY).find(source)[1](text) == value


def test_what_cannot_be_meant() -> None:
    grammars = HoleGrammars(VOCABULARY)
    with pytest.raises(tt.SamplingError, match=r"refuses it nevertheless.*never 3"):
        grammars.find(Annotated[int, AfterValidator(is_refused)])[1]("3")
    other = tt.Vocabulary([b"a", b""], eos_token_ids=[1])
    with pytest.raises(tt.VocabularyError, match="compiled for the vocabulary"):
        grammars.find(tt.compile_grammar(tt.from_regex("a"), other))
    with pytest.raises(tt.GrammarError):
        grammars.find(object())
