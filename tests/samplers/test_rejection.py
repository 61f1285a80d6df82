"""`AdaptiveRejectionSampler`: its law, its weights and its work, on laws that are known; and planted bugs."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from tokentrellis.decoding.errors import ArgumentTypeError, ArgumentValueError
from tokentrellis.samplers.constraint import Constraint, ConstraintState
from tokentrellis.samplers.random_draws import draw_categorical
from tokentrellis.samplers.rejection import AdaptiveRejectionSampler
from tokentrellis.samplers.token_sampler import MaskSampler

from tests.samplers.markov import EOS, LETTERS, MarkovCase, WordPredicate, generator
from tests.samplers.statistics import chi_square, standard_score

N = 2_500


class ChosenTokens:
    """A predicate: the first character is one of these."""

    def __init__(self, letters: str) -> None:
        self.letters = letters

    def prefix(self, text: str) -> bool:
        return text[:1] in self.letters

    def complete(self, text: str) -> bool:
        return False


def law_with(mass: float, allowed: str = "bd") -> tuple[torch.Tensor, ConstraintState]:
    """A row in which the allowed letters have together this mass."""
    case = MarkovCase(8)
    chosen = [LETTERS.index(letter) for letter in allowed]
    law = torch.tensor(case.rows[0], dtype=torch.float64)
    rest = [i for i in range(EOS + 1) if i not in chosen]
    law[chosen] *= mass / law[chosen].sum()
    law[rest] *= (1 - mass) / law[rest].sum()
    constraint = Constraint(case.vocabulary, predicate=ChosenTokens(allowed), max_new_tokens=9)
    return law.log().unsqueeze(0), constraint.start()


def draw(sampler: Any, mass: float, n: int = N, seed: int = 0) -> tuple[torch.Tensor, list[int], np.ndarray]:
    log_probs, state = law_with(mass)
    draws = sampler.draw_tokens(log_probs, [state], [0] * n, generator(seed))
    return log_probs[0].exp(), draws.token_ids, np.exp(draws.log_weights)


def variants() -> dict[str, AdaptiveRejectionSampler]:
    make = AdaptiveRejectionSampler
    return {
        "sparing": make(uses_mask=False),
        "sparing, masked late": make(uses_mask=False, mask_after=2),
        "two loops": make(estimator="two_loops", uses_mask=False),
        "recursive": make(estimator="recursive", uses_mask=False, mask_after=None),
        "recursive, R=3": make(estimator="recursive", max_rejections=3, uses_mask=False),
        "geometric, k=5": make(estimator="geometric", max_accepts=5, uses_mask=False),
        "geometric, k=5, R=3": make(estimator="geometric", max_accepts=5, max_rejections=3, uses_mask=False),
    }


@pytest.mark.parametrize("name", variants())
@pytest.mark.parametrize("mass", [0.15, 0.6])
def test_law_and_weights(name: str, mass: float) -> None:
    law, tokens, weights = draw(variants()[name], mass)
    for letter in "bd":
        token = LETTERS.index(letter)
        of_token = weights * (np.array(tokens) == token)
        assert abs(standard_score(of_token, float(law[token]))) < 4.5
    assert abs(standard_score(weights, mass)) < 4.5
    accepted = Counter(token for token, weight in zip(tokens, weights, strict=True) if weight > 0)
    given = {LETTERS.index(letter): float(law[LETTERS.index(letter)]) / mass for letter in "bd"}
    assert chi_square(accepted, given) > 1e-4


@pytest.mark.parametrize("name", ["two loops", "recursive", "sparing", "geometric, k=5"])
def test_a_tiny_mass_is_not_lost(name: str) -> None:
    """By subtraction it would be: 1 - (1 - 1e-12) has four digits, and 1e-17 none."""
    for mass in (1e-6, 1e-12, 1e-17):
        _, tokens, weights = draw(variants()[name], mass, n=200)
        assert set(tokens) <= {LETTERS.index(letter) for letter in "bd"}
        assert weights.min() > 0
        if name == "recursive":  # the others have nearly all of their mean in draws that nobody ever sees
            assert abs(standard_score(weights / mass, 1.0)) < 4.5
            assert weights.max() <= mass * (1 + 1e-9)


def test_single_allowed_token_is_exact() -> None:
    log_probs, state = law_with(1e-3, "c")
    sampler = AdaptiveRejectionSampler(estimator="recursive", uses_mask=False)
    draws = sampler.draw_tokens(log_probs, [state], [0] * 50, generator())
    assert draws.log_weights == pytest.approx([math.log(1e-3)] * 50, abs=1e-9)


class Counting:
    """A predicate that counts how often it said no."""

    def __init__(self, predicate: Any) -> None:
        self.predicate = predicate
        self.n_refused = 0

    def prefix(self, text: str) -> bool:
        is_right = self.predicate.prefix(text)
        self.n_refused += not is_right
        return is_right

    def complete(self, text: str) -> bool:
        self.n_refused += 1
        return False


def rejections(sampler: AdaptiveRejectionSampler, mass: float, n: int) -> list[int]:
    """Of n draws that know nothing of each other."""
    random = generator(3)
    counts = []
    for _ in range(n):
        log_probs, state = law_with(mass)
        counting = Counting(state.constraint.predicate)
        state.constraint.predicate = counting
        sampler.draw_tokens(log_probs, [state], [0], random)
        counts.append(counting.n_refused)
    return counts


@pytest.mark.parametrize(("estimator", "loops"), [("two_loops", 2), ("recursive", 1)])
def test_work_is_that_of_the_closed_form(estimator: str, loops: int) -> None:
    law = law_with(0.35)[0][0].exp().tolist()
    forbidden = [law[i] for i in range(EOS + 1) if i == EOS or LETTERS[i] not in "bd"]
    expected = sum(1 - (0.35 / (p + 0.35)) ** loops for p in forbidden)
    counts = rejections(AdaptiveRejectionSampler(estimator=estimator, uses_mask=False), 0.35, 700)
    if estimator == "recursive":  # the look at the next token is a rejection too, with known probability
        found = sum(counts) / len(counts)
        assert expected < found < expected + 1
    else:
        assert abs(standard_score(counts, expected)) < 4.5


def test_several_rows_and_batches() -> None:
    """Draws of different rows are drawn from their own laws, in their order."""
    case = MarkovCase(8)
    constraint = case.constraint()
    states = [constraint.start(), constraint.start().after(case.words[5][0])]
    prefixes = [state.token_ids for state in states]
    log_probs = case.model().begin(prefixes).log_probs
    rows = [1, 0, 1] * 2000
    for sampler in (MaskSampler(), AdaptiveRejectionSampler()):
        draws = sampler.draw_tokens(log_probs, states, rows, generator())
        for row in (0, 1):
            of_row = [
                (t, w) for t, w, r in zip(draws.token_ids, draws.log_weights, rows, strict=True) if r == row
            ]
            allowed = {token for token in range(EOS + 1) if states[row].allows(token)}
            total = sum(float(log_probs[row, token].exp()) for token in allowed)
            assert abs(standard_score([math.exp(w) for _, w in of_row], total)) < 4.5
            law = {token: float(log_probs[row, token].exp()) / total for token in allowed}
            assert chi_square(Counter(token for token, _ in of_row), law) > 1e-4


def test_a_mask_makes_the_grammars_part_exact() -> None:
    case = MarkovCase(8)
    log_probs = case.model().begin().log_probs
    state = case.constraint().start()
    exact = MaskSampler().draw_tokens(log_probs, [state], [0], generator()).log_weights[0]
    draws = AdaptiveRejectionSampler(uses_mask=True).draw_tokens(log_probs, [state], [0] * 100, generator())
    assert draws.log_weights == pytest.approx([exact] * 100)
    both = Constraint(case.compiled, predicate=WordPredicate(case), max_new_tokens=6)
    asked = MaskSampler().draw_tokens(log_probs, [both.start()], [0], generator()).log_weights[0]
    assert asked == pytest.approx(exact), "the predicate says the same as the grammar"


def test_nothing_allowed_weighs_nothing() -> None:
    log_probs, state = law_with(0.5, "")
    for sampler in (MaskSampler(), *variants().values()):
        draws = sampler.draw_tokens(log_probs, [state], [0, 0], generator())
        assert draws.log_weights == [-math.inf, -math.inf]


def test_checks_are_few_where_the_model_is_right() -> None:
    """And a predicate is asked once about a text, however many draws come to it."""
    log_probs, state = law_with(0.99)
    for _ in range(10):
        draws = AdaptiveRejectionSampler(uses_mask=False).draw_tokens(
            log_probs, [state], [0] * 8, generator(1)
        )
    assert len(draws.token_ids) == 8
    assert state.constraint.n_checks <= EOS


def test_categorical_draws() -> None:
    law = torch.tensor([[0.0, 0.2, 0.5, 0.0, 0.3, 0.0], [0, 0, 0, 0, 0, 1]], dtype=torch.float64)
    drawn = draw_categorical(law.log(), [0, 1, 0], 5000, generator())
    assert set(drawn[1].tolist()) == {5}
    for row in (0, 2):
        assert chi_square(Counter(drawn[row].tolist()), {1: 0.2, 2: 0.5, 4: 0.3}) > 1e-4
    assert not torch.equal(drawn[0], drawn[2])
    nothing = torch.full((1, 4), -torch.inf)
    assert 0 <= int(draw_categorical(nothing, [0], 1, generator())) < 4


@pytest.mark.parametrize(
    "options",
    [
        {"estimator": "three_loops"},
        {"max_accepts": 1},
        {"max_rejections": 1},
        {"estimator": "two_loops", "max_rejections": 3},
        {"estimator": "recursive", "max_accepts": 3},
    ],
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentValueError):
        AdaptiveRejectionSampler(**options)


def test_random_choices_need_a_generator() -> None:
    with pytest.raises(ArgumentTypeError, match="generator"):
        draw_categorical(torch.zeros(1, 3), [0], 1, None)  # type: ignore[arg-type]


# ---- planted bugs ---------------------------------------------------------------------------------------


def _biased(name: str, tokens: list[int], weights: np.ndarray, law: torch.Tensor) -> bool:
    scores = [
        standard_score(weights * (np.array(tokens) == token), float(law[token]))
        for token in (LETTERS.index("b"), LETTERS.index("d"))
    ]
    return max(map(abs, scores)) >= 4.5


def test_planted_bugs_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from tokentrellis.samplers import rejection
    from tokentrellis.samplers.weight_estimators import Estimate

    def without_second_loop(urn: Any, check: Any) -> Estimate[float]:
        while not check(token := urn.draw()):
            urn.remove(token)
        return Estimate(token, urn.remaining())

    monkeypatch.setattr(rejection, "two_loops", without_second_loop)
    law, tokens, weights = draw(variants()["two loops"], 0.35)
    assert _biased("", tokens, weights, law)
    monkeypatch.undo()
    # Draws that were fetched in advance are used although their token has been removed.
    monkeypatch.setattr(rejection._Urn, "remove", lambda self, token: None)
    law, tokens, weights = draw(variants()["recursive"], 0.35)
    assert _biased("", tokens, weights, law)


def test_orders_of_small_laws_agree_with_enumeration() -> None:
    """The urn itself: probabilities of the first two tokens that are drawn without replacement."""
    from tokentrellis.samplers.rejection import _Urn

    law = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    state = law_with(0.5)[1]
    random = generator(5)
    counts: Counter[tuple[int, int]] = Counter()
    for _ in range(2000):
        drawn = draw_categorical(law.log().unsqueeze(0), [0], 3, random)[0].tolist()
        urn = _Urn(law.log(), 0.0, drawn, [math.log(law[i]) for i in drawn], state, random)
        first = urn.draw()
        assert first is not None
        urn.remove(first)
        second = urn.draw()
        assert second is not None
        counts[first, second] += 1
    wanted = {(i, j): float(law[i] * law[j] / (1 - law[i])) for i, j in itertools.permutations(range(3), 2)}
    assert chi_square(counts, wanted) > 1e-4
