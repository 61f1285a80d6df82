"""The comparison of softmax, ST and NMST, as small as it can be: what it trains, measures and prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import pytest

from bench import self_termination as bench


def test_texts_are_repeatable_and_the_prompt_is_not_learnt() -> None:
    language = bench.Language()
    batches = [language.batch(50, Random(3)) for _ in range(2)]
    assert all(one.equal(other) for one, other in zip(*batches, strict=True))
    input_ids, mask, labels = batches[0]
    for ids, attended, learnt in zip(input_ids.tolist(), mask.tolist(), labels.tolist(), strict=True):
        n_prompt = ids.index(bench.STOP) + 1
        length = sum(attended)
        assert learnt[:n_prompt] == [bench.IGNORED] * n_prompt
        assert learnt[n_prompt:length] == ids[n_prompt:length]
        assert set(learnt[length:]) <= {bench.IGNORED}
        assert length == bench.LONGEST or ids[length - 1] == bench.EOS
    prompts, attention = language.prompts(5, Random(4))
    assert prompts[:, -1].tolist() == [bench.STOP] * 5
    assert prompts.bool().equal(attention.bool())


def test_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "LIMITS", (20, 40))
    monkeypatch.setattr(bench, "DEADLINE", 20)
    monkeypatch.setattr(bench, "ENDINGS", [bench.ENDINGS[0], bench.ENDINGS[4], bench.ENDINGS[-1]])
    out = tmp_path / "outcomes.json"
    sizes = ["--steps", "2", "--batch", "2", "--width", "16", "--texts", "3", "--held-out", "4"]
    monkeypatch.setattr(sys, "argv", ["bench", *sizes, "--out", str(out)])
    bench.main()
    outcomes = json.loads(out.read_text())
    assert [outcome["bound"] for outcome in outcomes] == [None, 231, 20]
    assert outcomes[2]["not_ended"] == [0.0, 0.0]
    assert outcomes[0]["perplexity"] == outcomes[2]["perplexity"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[-3:]] == ["| " + outcome["name"] for outcome in outcomes]
