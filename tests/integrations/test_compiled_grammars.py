"""The grammars of an engine's tokenizer: kept, bounded, and made anew when they have learnt much."""

from __future__ import annotations

import pytest
from tokentrellis.constraint import Constraint
from tokentrellis.integrations import compiled_grammars as module
from tokentrellis.integrations.compiled_grammars import CompiledGrammars

from tests.tiny_models import tiny_tokenizer


def test_a_grammar_is_made_once_for_each_set_of_ends() -> None:
    grammars = CompiledGrammars(tiny_tokenizer())
    constraint = Constraint("regex", "a+")
    other_end = tiny_tokenizer()("z")["input_ids"][0]
    assert grammars.get(constraint) is grammars.get(Constraint("regex", "a+"))
    assert grammars.get(constraint) is not grammars.get(constraint, [other_end])


def test_a_grammar_that_has_learnt_much_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    grammars = CompiledGrammars(tiny_tokenizer())
    constraint = Constraint("regex", "a+")
    first = grammars.get(constraint)
    monkeypatch.setattr(module, "MOST_LEARNT_STATES", -1)
    second = grammars.get(constraint)
    assert second is not first
    monkeypatch.undo()
    assert grammars.get(constraint) is second


def test_front_ends_forget_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(module, "COMPILED_UNTIL_FORGOTTEN", 3)
    monkeypatch.setattr(module, "forget_results", lambda: calls.append(1))
    grammars = CompiledGrammars(tiny_tokenizer())
    for size in range(1, 8):
        grammars.get(Constraint("regex", f"a{{{size}}}"))
    assert len(calls) == 2
