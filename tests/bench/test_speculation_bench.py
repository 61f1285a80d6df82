"""The commands of `bench.speculation` that need no trained models, on a model of two layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.speculation.__main__ import OUT, main
from bench.speculation.comparison import jackknife, ratio
from bench.speculation.device import Case, interpolated


def test_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The cost curve, and speed-ups that follow from it by the formula that is printed with them."""
    monkeypatch.chdir(tmp_path)
    options = ["device", "--shape", "tiny", "--prompt", "12", "--new-tokens", "12", "--repeats", "1"]
    main([*options, "--warm-ups", "0", "--given", "look-up:8:2.5:0", "--given", "a: draft model:4:3:2"])
    printed = capsys.readouterr().out
    _, (curve, look_up, drafted) = json.loads((OUT / "device.json").read_text(encoding="utf-8"))
    assert "| look-up | 8 | 2.50 | 0 |" in printed
    assert (drafted["name"], drafted["tokens"], drafted["draft_passes"]) == ("a: draft model", 3, 2)
    assert look_up["replayed"] > 0
    passes = {int(size): seconds for size, seconds in curve["passes"].items()}
    expected = 2.5 * curve["plain_s"] / sum(interpolated(passes, 9))
    assert look_up["derived"] == pytest.approx(expected)


def test_sizes_between_those_that_were_measured() -> None:
    passes = {1: (1.0, 0.1), 4: (4.0, 0.4), 8: (6.0, 0.4)}
    assert interpolated(passes, 1) == (1.0, 0.1)
    assert interpolated(passes, 2) == pytest.approx((2.0, 0.2))
    assert interpolated(passes, 8) == pytest.approx((6.0, 0.4))
    assert interpolated(passes, 20) == pytest.approx((6.0, 0.4))
    assert Case.read("a:b:16:2.5:3") == Case("a:b", 16, 2.5, 3.0)


def test_jackknife() -> None:
    """Of passes that are all alike it is the standard error of the mean."""
    counted = [(3, 1), (5, 1), (4, 1), (8, 1)]
    assert ratio(counted) == 5
    variance = sum((tokens - 5) ** 2 for tokens, _ in counted) / 3
    assert jackknife(lambda left: ratio(left[0]), counted) == pytest.approx((variance / 4) ** 0.5)
    assert jackknife(lambda left: ratio(left[0]) - ratio(left[1]), counted, counted) == 0
