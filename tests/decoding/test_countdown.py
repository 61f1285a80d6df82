"""The signals of countdowns against the formulas of the papers, one number at a time; and their settings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.countdown import (
    CountdownSignal,
    embedding_scale,
    ratio_signal,
    sinusoid,
)

WIDTH = 12


def slow_sinusoid(remaining: int) -> list[float]:
    values = []
    for dimension in range(WIDTH):
        angle = remaining / 10000 ** (2 * (dimension // 2) / WIDTH)
        values.append(math.cos(angle) if dimension % 2 else math.sin(angle))
    return values


def slow_ratio_signal(ratio: float) -> list[float]:
    values = []
    for dimension in range(WIDTH):
        angle = ratio * (WIDTH / 2) * (2 * (dimension // 2) / WIDTH)
        values.append(math.sin(angle) if dimension % 2 else math.cos(angle))
    return values


def slow_signal(kind: str, column: int, start: int, target: int) -> list[float]:
    if target == 0 or (kind == "orpe" and column < start):
        return [0.0] * WIDTH
    if kind == "progress_ratio":
        return slow_ratio_signal(min(max(column - start, 0) / target, 1))
    return slow_sinusoid(max(target - (column - start), 0))


def test_sinusoid_is_the_formula() -> None:
    numbers = [0, 1, 2, 17, 1000, 100_000]
    expected = torch.tensor([slow_sinusoid(number) for number in numbers])
    torch.testing.assert_close(sinusoid(torch.tensor(numbers), WIDTH), expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(sinusoid(torch.tensor(numbers[:4]), WIDTH), expected[:4], atol=1e-5, rtol=0)


def test_ratio_signal_is_the_formula() -> None:
    ratios = [0.0, 0.1, 0.5, 1.0]
    expected = torch.tensor([slow_ratio_signal(ratio) for ratio in ratios])
    torch.testing.assert_close(ratio_signal(torch.tensor(ratios), WIDTH), expected)


@pytest.mark.parametrize("kind", ["orpe", "ldpe", "progress_ratio"])
def test_signal_of_a_batch_is_that_of_each_column(kind: str) -> None:
    settings = tt.Countdown(kind, gated=False, scale=0.7, noise=0.0 if kind == "progress_ratio" else None)
    signal = CountdownSignal(settings, WIDTH)
    first, starts, targets = 3, [5, 2, 6], [4, 9, 0]
    embeddings = torch.randn(3, 8, WIDTH, generator=torch.Generator().manual_seed(0))
    columns = torch.arange(first, first + 8)
    found = signal(embeddings, columns, torch.tensor(starts), torch.tensor(targets)) - embeddings
    expected = [
        [slow_signal(kind, column, start, target) for column in columns.tolist()]
        for start, target in zip(starts, targets, strict=True)
    ]
    torch.testing.assert_close(found, 0.7 * torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_scaled_sinusoids_are_as_long_as_mean_embeddings() -> None:
    embedding = torch.randn(50, WIDTH, generator=torch.Generator().manual_seed(1)) * 3
    length = math.sqrt(sum(row.norm().item() ** 2 for row in embedding) / 50)
    scaled = embedding_scale(embedding) * sinusoid(torch.tensor(23), WIDTH)
    assert scaled.norm().item() == pytest.approx(length, rel=1e-5)


def test_a_gate_starts_at_nothing_and_is_trained() -> None:
    signal = CountdownSignal(tt.Countdown(gated=True).fitted_to(torch.ones(4, WIDTH)), WIDTH)
    embeddings = torch.ones(1, 2, WIDTH)
    arguments = (embeddings, torch.arange(2), torch.tensor([0]), torch.tensor([5]))
    assert torch.equal(signal(*arguments), embeddings)
    signal(*arguments).pow(2).sum().backward()
    assert signal.gate is not None
    assert signal.gate.grad is not None
    assert signal.gate.grad.abs().item() > 0


def test_noise_is_for_training_and_not_for_the_ratio_zero() -> None:
    settings = tt.Countdown("progress_ratio", gated=False).fitted_to(torch.ones(4, WIDTH))
    assert settings.noise == 2 / WIDTH
    signal = CountdownSignal(settings, WIDTH)
    arguments = (torch.zeros(1, 4, WIDTH), torch.arange(4), torch.tensor([1]), torch.tensor([5]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        noisy, quiet = signal(*arguments), signal.eval()(*arguments)
    assert torch.equal(noisy[0, :2], quiet[0, :2])
    assert not torch.equal(noisy[0, 2:], quiet[0, 2:])


def test_half_precision_keeps_neighbours_apart() -> None:
    """The angles are computed in float32: in bfloat16 the numbers 300 and 301 are one."""
    signal = CountdownSignal(tt.Countdown(scale=1.0, gated=False, noise=0.0), WIDTH)
    embeddings = torch.zeros(1, 2, WIDTH, dtype=torch.bfloat16)
    found = signal(embeddings, torch.arange(2), torch.tensor([0]), torch.tensor([301]))
    assert found.dtype == torch.bfloat16
    expected = torch.tensor([slow_sinusoid(301), slow_sinusoid(300)])
    torch.testing.assert_close(found[0].float(), expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "rpe"},
        {"kind": None},
        {"at_most": 1},
        {"gated": "yes"},
        {"scale": 0},
        {"scale": "1"},
        {"noise": 0.1},
        {"kind": "progress_ratio", "noise": -0.1},
        {"kind": "progress_ratio", "noise": 2},
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(tt.ConstraintError):
        tt.Countdown(**options)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(tt.ArgumentValueError, match="even"):
        tt.Countdown().fitted_to(torch.ones(3, 5))
    with pytest.raises(tt.ArgumentValueError, match="zero"):
        tt.Countdown().fitted_to(torch.zeros(3, 4))


def test_settings_survive_a_file(tmp_path: Path) -> None:
    settings = tt.Countdown("ldpe", at_most=True).fitted_to(torch.ones(3, 4))
    settings.save(tmp_path / "new")
    assert tt.Countdown.load(tmp_path / "new") == settings
    with pytest.raises(tt.ArgumentValueError):
        tt.Countdown.load(tmp_path)
    for folder in (None, 3, b"x"):
        with pytest.raises(tt.ArgumentTypeError):
            tt.Countdown.load(folder)  # type: ignore[arg-type]
        with pytest.raises(tt.ArgumentTypeError):
            settings.save(folder)  # type: ignore[arg-type]
    (tmp_path / "countdown.json").write_text('{"kind": "ldpe", "speed": 1}')
    with pytest.raises(tt.ArgumentValueError):
        tt.Countdown.load(tmp_path)
