"""Sizes of draft trees: the best is found, and where none pays little time is lost. With a made-up clock."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from tokentrellis.samplers.draft_control import SpeedControl


def simulate(
    acceptance: float,
    seconds: Callable[[int], float],
    n_steps: int = 2000,
    seed: int = 0,
    noise: float = 0.1,
    n_tokens: int = 10**9,
) -> tuple[SpeedControl, float, dict[int, int]]:
    """Chains whose tokens are kept with a probability; the speed-up over plain decoding, and sizes used."""
    chance = Random(seed)
    control = SpeedControl(32)
    total, n_written = 0.0, 0
    used: dict[int, int] = {}
    for _ in range(n_steps):
        if n_written >= n_tokens:
            break
        size = control.choose()
        used[size] = used.get(size, 0) + 1
        n_kept = 0
        while n_kept < size and chance.random() < acceptance:
            n_kept += 1
        cost = seconds(size) * (1 + noise * chance.random())
        control.record(size, [list(range(1, n_kept + 1))], cost, has_draft=size > 0)
        total += cost
        n_written += 1 + n_kept
    return control, n_written * seconds(0) * (1 + noise / 2) / total, used


def test_drafts_that_never_pay_are_switched_off() -> None:
    _, speed_up, used = simulate(0.1, lambda size: 1 + 0.15 * size)
    assert speed_up > 0.97
    assert used[0] > 1900
    _, speed_up, _ = simulate(0.0, lambda size: 1 + size, n_steps=300)
    assert speed_up > 0.97


def test_drafts_that_pay_are_used() -> None:
    """A pass that costs the same for any size."""
    control, speed_up, _ = simulate(0.8, lambda size: 1.0 + 0.1 * (size > 0))
    assert control.best_size() >= 16
    assert speed_up > 3.5


def test_the_size_that_pays_best_is_found() -> None:
    control, speed_up, used = simulate(0.8, lambda size: 1 + 0.1 * size)
    assert control.best_size() in (4, 8)
    assert used[4] + used[8] > 1600
    assert speed_up > 1.9


def test_what_changes_is_noticed() -> None:
    """Drafts that did not pay are tried again, and those that paid are given up."""
    control = SpeedControl(16)
    for acceptance in (0.0, 0.95, 0.0):
        chance = Random(1)
        for _ in range(3000):
            size = control.choose()
            n_kept = 0
            while n_kept < size and chance.random() < acceptance:
                n_kept += 1
            control.record(size, [list(range(1, n_kept + 1))], 1 + 0.2 * size, has_draft=size > 0)
        assert (control.best_size() > 0) == (acceptance > 0)


@pytest.mark.parametrize(("acceptance", "is_worth_it"), [(0.15, False), (0.95, True)])
def test_drafts_that_are_seldom_there(acceptance: float, is_worth_it: bool) -> None:
    """A look-up finds something in one step of four: what counts is what those steps cost and bring."""
    chance = Random(2)
    control = SpeedControl(4)
    total, n_tokens, n_drafts = 0.0, 0, 0
    for _ in range(6000):
        size = control.choose()
        has_draft = size > 0 and chance.random() < 0.25
        n_kept = 0
        while has_draft and n_kept < size and chance.random() < acceptance:
            n_kept += 1
        cost = (1.6 if has_draft else 1.0) * (1 + 0.1 * chance.random())
        control.record(size, [list(range(1, n_kept + 1))], cost, has_draft=has_draft)
        total += cost
        n_tokens += 1 + n_kept
        n_drafts += has_draft
    speed_up = n_tokens * 1.05 / total
    assert speed_up > (1.3 if is_worth_it else 0.97)
    assert (n_drafts > 1000) == is_worth_it


def test_smaller_sizes_learn_from_larger_trees() -> None:
    """And larger ones have at least what smaller ones have. Two steps that kept nothing are assumed."""
    control = SpeedControl(16)
    control.record(0, [[], []], 1.0, has_draft=False)
    control.record(16, [[1, 3, 9], [2]], 1.0)
    assert control.tokens(4) == pytest.approx(1 + (2 + 1) / 2 / 3)
    assert control.tokens(8) == control.tokens(4)
    assert control.tokens(16) == pytest.approx(1 + (3 + 1) / 2 / 3)


@pytest.mark.parametrize("n_tokens", [30, 128, 2000])
@pytest.mark.parametrize("seed", range(10))
def test_never_far_behind_plain_decoding(n_tokens: int, seed: int) -> None:
    """Drafts by an adversary: kept when they are tried, useless afterwards, with costs out of all proportion,
    new ones in each text. Apart from the very first draft, all that is lost at any time is the share, a plain
    step and what the last step with a draft took.
    """
    chance = Random(seed)
    control = SpeedControl(16)
    plain, total, n_written, first, last = 1.0, 0.0, 0, 0.0, 0.0
    cost = {size: plain + size * chance.choice([0.01, 0.1, 0.5]) for size in control.sizes}
    for _ in range(8):
        start, n_left = chance.choice([0.0, 0.3, 5.0]), n_tokens
        luck = chance.choice([0.0, 0.2, 0.9])
        while n_left > 0:
            size = control.choose()
            is_first = size > 0 and start is not None
            is_good = control._trial is not None or chance.random() < luck
            n_kept = min(n_left - 1, size) if is_good else 0
            seconds = cost[size] + (start if is_first else 0.0)
            if size:
                first, last = first or seconds, seconds - plain
            start = None if is_first else start
            kept = [list(range(1, n_kept + 1))]
            control.record(size, kept, seconds, has_draft=size > 0, is_first=is_first)
            total += seconds
            n_written += 1 + n_kept
            n_left -= 1 + n_kept
            assert total - n_written * plain <= 0.015 * total + plain + first + last


def test_short_texts_lose_little() -> None:
    """Outputs of 128 tokens, each with a new control: whatever share of drafts is kept, 3 % at most."""
    for acceptance in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5):
        for seed in range(20):
            _, speed_up, _ = simulate(acceptance, lambda size: 1 + 0.1 * size, n_tokens=128, seed=seed)
            assert speed_up > 0.97


def test_single_long_steps_do_not_count() -> None:
    """Another program takes the processor for a while: what pays is not given up for that."""
    chance = Random(0)
    control = SpeedControl(16)
    used = []
    for _ in range(2000):
        size = control.choose()
        used.append(size)
        n_kept = sum(chance.random() < 0.7 for _ in range(size // 4))
        delay = 100.0 if chance.random() < 0.01 else 0.0
        control.record(size, [list(range(1, n_kept + 1))], 1 + 0.05 * size + delay, has_draft=size > 0)
    assert sum(size > 0 for size in used) > 1900
