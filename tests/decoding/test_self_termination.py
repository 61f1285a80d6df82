"""The self-terminating distributions against the papers' formulas, and the law of their floor."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tokentrellis.decoding.errors import ArgumentTypeError, ArgumentValueError
from tokentrellis.decoding.self_termination import (
    checked_form,
    log_ceilings,
    log_one_minus_exp,
    log_probabilities,
    split_logits,
    stops_by,
)
from tokentrellis.grammars.errors import ConstraintError

from tests.oracles.self_termination import probabilities

N_TOKENS = 7
EOS_CHOICES = ([6], [0], [3], [2, 5], [0, 3, 6])
FORMS = [(form, gate) for form in ("nmst", "st") for gate in ("logit", "log_odds")]


def distribution(
    logits: torch.Tensor, form: str, gate: str, epsilon: float, eos: list[int], first_step: int = 1
) -> torch.Tensor:
    """Log-probabilities; logits: shape [rows, positions, tokens], of consecutive steps."""
    gates, shares = split_logits(logits, eos, gate)
    steps = torch.arange(first_step, first_step + logits.shape[1])[None]
    ceilings = log_ceilings(form, gates, steps, epsilon, torch.zeros_like(gates[:, :1]))
    return log_probabilities(gates, shares, ceilings, eos)


def random_logits(*shape: int, scale: float = 3.0, seed: int = 0, dtype: Any = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * scale).to(dtype)


@pytest.mark.parametrize("epsilon", [1e-5, 3e-3, 0.3])
@pytest.mark.parametrize("eos", EOS_CHOICES, ids=str)
@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_the_formulas_of_the_papers(form: str, gate: str, eos: list[int], epsilon: float) -> None:
    logits = random_logits(2, 9, N_TOKENS)
    found = distribution(logits, form, gate, epsilon, eos).exp()
    for row, expected_logits in zip(found, logits.tolist(), strict=True):
        for t in range(1, 10):
            expected = probabilities(form, gate, epsilon, eos, expected_logits[:t])
            assert row[t - 1].tolist() == pytest.approx(expected, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_the_sum_is_one(form: str, gate: str, scale: float, dtype: torch.dtype) -> None:
    """Exactly so in float64; in 16 bits the logits are rounded, the probabilities are not."""
    tolerance = 1e-12 if dtype == torch.float64 else 3e-6
    for first_step in (1, 1000, 100_000):
        logits = random_logits(2, 30, 500, scale=scale, dtype=dtype)
        result = distribution(logits, form, gate, 1e-5, [7, 499], first_step)
        assert result.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert float((result.exp().sum(-1) - 1).abs().max()) < tolerance
        assert not bool(result.isnan().any() | (result > 1e-6).any())
        exact = distribution(logits.double(), form, gate, 1e-5, [7, 499], first_step)
        likely = exact > -30
        assert torch.allclose(result.double()[likely], exact[likely], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_the_floor(form: str, gate: str) -> None:
    """Law 1: p(EOS) >= 1 - (1 - epsilon)^t, for logits that want EOS as little as possible, too."""
    for epsilon in (1e-5, 1e-2, 0.5):
        for wish in (-1000.0, -50.0, 0.0):
            logits = random_logits(1, 60, N_TOKENS, dtype=torch.float32)
            logits[..., [2, 5]] += wish
            ends = distribution(logits, form, gate, epsilon, [2, 5])[..., [2, 5]].exp().sum(-1)[0]
            floor = 1 - (1 - epsilon) ** torch.arange(1, 61, dtype=torch.float64)
            assert bool((ends >= floor * (1 - 1e-5)).all())


@pytest.mark.parametrize("gate", ["logit", "log_odds"])
def test_st_is_monotonic_and_nmst_is_not(gate: str) -> None:
    logits = random_logits(1, 40, N_TOKENS)
    for form, is_monotonic in (("st", True), ("nmst", False)):
        ends = distribution(logits, form, gate, 1e-4, [4])[0, :, 4]
        assert bool((ends.diff() > -1e-12).all()) == is_monotonic


def test_log_odds_with_a_small_epsilon_are_the_softmax() -> None:
    logits = random_logits(1, 5, N_TOKENS) + 20
    found = distribution(logits, "nmst", "log_odds", 1e-12, [1, 4])
    assert torch.allclose(found, logits.log_softmax(-1), atol=1e-9)


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_before_the_first_step_the_gate_decides_alone(form: str, gate: str) -> None:
    logits = random_logits(1, 6, N_TOKENS)
    found = distribution(logits, form, gate, 0.2, [3], first_step=-2)
    prompt = distribution(logits, "nmst", gate, 1e-15, [3])
    assert torch.allclose(found[:, :3], prompt[:, :3], atol=1e-12)
    alone = distribution(logits[:, 3:], form, gate, 0.2, [3])
    assert torch.allclose(found[:, 3:], alone, atol=1e-12), "what the prompt's gates say is not remembered"


@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_gradients_are_those_of_finite_differences(form: str, gate: str) -> None:
    logits = random_logits(1, 4, N_TOKENS).requires_grad_()
    for eos in ([3], [0, 6]):
        for first_step in (1, -1, 500):
            assert torch.autograd.gradcheck(
                lambda x, eos=eos, t=first_step: distribution(x, form, gate, 1e-3, eos, t), logits
            )


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
@pytest.mark.parametrize(("form", "gate"), FORMS)
def test_gradients_of_large_logits_are_finite(form: str, gate: str, scale: float) -> None:
    for first_step in (1, -3, 10**5):
        logits = random_logits(2, 8, N_TOKENS, scale=scale, dtype=torch.float32).requires_grad_()
        result = distribution(logits, form, gate, 1e-5, [2, 5], first_step)
        result.clamp(min=-1e30).sum().backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        assert bool(logits.grad.isfinite().all())


def test_log_one_minus_exp() -> None:
    values = [-1e-12, -1e-3, -0.6931, -0.6932, -1.0, -30.0, -800.0]
    x = torch.tensor(values, dtype=torch.float64)
    assert log_one_minus_exp(x).tolist() == pytest.approx(
        [math.log(-math.expm1(value)) if value > -1 else math.log1p(-math.exp(value)) for value in values]
    )
    zero = torch.zeros(1, requires_grad=True)
    log_one_minus_exp(zero).exp().sum().backward()  # type: ignore[no-untyped-call]
    assert zero.grad is not None
    assert zero.grad.tolist() == [0.0]


def hazards(epsilon: float, n_steps: int) -> list[float]:
    return [1 - (1 - epsilon) ** t for t in range(1, n_steps + 1)]


@pytest.mark.parametrize("epsilon", [1e-4, 3e-3, 0.2, 0.9])
def test_bounds_by_counting(epsilon: float) -> None:
    """Each bound found again by going through the steps one by one."""
    steps = hazards(epsilon, 20_000)
    for n_eos in (1, 2, 5):
        greedy = next(t for t, f in enumerate(steps, 1) if f / n_eos > 1 - f)
        assert greedy <= stops_by(epsilon, n_eos=n_eos) <= greedy + 1
        assert stops_by(epsilon, n_eos=n_eos, num_beams=4) == stops_by(epsilon, n_eos=n_eos) + 3
    for top_k, top_p in ((None, None), (1, None), (5, None), (None, 0.9), (None, 0.2), (40, 0.5)):
        survival, expected = 1.0, 0
        for t, f in enumerate(steps, 1):
            stays = top_k is None or f > 1 / (top_k + 1)
            stays &= top_p is None or f > min(0.5, 1 - top_p)
            survival *= 1 - f if stays or f > 0.5 else 1
            if survival <= 1e-9:
                expected = t
                break
        found = stops_by(epsilon, do_sample=True, top_k=top_k, top_p=top_p, risk=1e-9)
        assert expected <= found <= expected + 1


def test_bounds_of_the_notes() -> None:
    """0.693 / epsilon for greedy decoding: no practical bound at the papers' best epsilon."""
    assert 69_314 <= stops_by(1e-5) <= 69_316
    assert stops_by(5e-4) == 1_386 or stops_by(5e-4) == 1_387
    assert stops_by(1e-5, do_sample=True, risk=0.5) == pytest.approx(372, abs=1)  # sqrt(2 ln 2 / epsilon)


def test_wrong_options() -> None:
    for wrong in (0, 1, -0.1, 1.5, float("nan")):
        with pytest.raises(ArgumentValueError, match="epsilon must be"):
            stops_by(wrong)
    with pytest.raises(ArgumentTypeError, match="epsilon must be a number"):
        stops_by("x")  # type: ignore[arg-type]
    with pytest.raises(ConstraintError, match="top_k and top_p do nothing"):
        stops_by(0.1, top_k=3)
    with pytest.raises(ConstraintError, match="sampling with beams"):
        stops_by(0.1, do_sample=True, num_beams=2)
    with pytest.raises(ArgumentValueError, match="form must be 'nmst' or 'st', got 'softmax'"):
        checked_form("softmax", "logit", 0.1)
    with pytest.raises(ArgumentTypeError, match="gate must be 'log_odds' or 'logit', got 3"):
        checked_form("st", 3, 0.1)
