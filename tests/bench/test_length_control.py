"""The benchmark of length control with a few steps: its language, what it trains, counts and prints."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tokentrellis as tt

from bench.length_control import __main__ as command
from bench.length_control import language
from bench.length_control.training import _outcome


def test_responses_have_their_length_and_obey_the_grammar() -> None:
    vocabulary = tt.Vocabulary(language.TOKENS, eos_token_ids=[language.EOS])
    compiled = tt.compile_grammar(tt.from_regex(f"({language.SENTENCES})+"), vocabulary)
    source, texts = random.Random(0), language.Language()
    for length in range(5, 90):
        response = texts.response(source, length)
        assert len(response) == length
        matcher = compiled.matcher()
        assert matcher.try_accept_tokens(response) == length
        assert matcher.is_terminated


def test_length_tokens_are_tokens() -> None:
    buckets = [language.bucket_token(length) for length in range(1, 200)]
    assert buckets == sorted(buckets)
    assert {*buckets} == set(range(language.FIRST_BUCKET, language.N_TOKENS))


def test_outcomes_are_counted() -> None:
    stop, eos = language.STOP, language.EOS
    responses = [[5, 5, 5, stop, eos], [5, 5, stop, eos], [5, 5, 5, 5, 5, eos]]
    outcome = _outcome(5, responses, None)
    assert (outcome.error, outcome.valid) == (pytest.approx(2 / 3), None)
    shares = (outcome.exact, outcome.ends_on_stop, outcome.over)
    assert shares == tuple(map(pytest.approx, (100 / 3, 200 / 3, 100 / 3)))


def test_the_command_prints_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--steps", "2", "--samples", "2", "--kinds", "length token", "orpe", "orpe, at most"]
    monkeypatch.setattr(sys, "argv", ["length_control", *arguments, "--out", str(tmp_path)])
    monkeypatch.setattr(command, "INSIDE", (8,))
    monkeypatch.setattr(command, "OUTSIDE", (10,))
    command.main()
    printed = capsys.readouterr().out
    rows = {line.split("|")[1].strip(): line for line in printed.splitlines() if line.startswith("|")}
    assert rows["length token + grammar"].endswith("| 0 | 100 | 100 |")
    assert rows["orpe + grammar"].endswith("| 0 | 100 | 100 |")
    assert rows["orpe, at most"].split("|")[-4].strip() == "0"  # never over
    assert (tmp_path / "length_control.md").read_text() in printed
