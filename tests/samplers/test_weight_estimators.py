"""The estimators of AWRS, by enumeration in rational arithmetic: nothing here is random.

The planted bugs are estimators that look right, some of them found in published code; each must be caught.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.samplers.weight_estimators import Check, Estimate, geometric, recursive, two_loops

from tests.oracles.enumerated_urn import EnumeratedUrn, expected_weights, outcomes, second_moment

Estimator = Callable[[Any, Check], Estimate[Any]]

ESTIMATORS: dict[str, Estimator] = {
    "two loops": two_loops,
    "recursive": recursive,
    "sparing": lambda urn, check: recursive(urn, check, is_sparing=True),
    "sparing, R=3": lambda urn, check: recursive(urn, check, 3, is_sparing=True),
    "pruned": lambda urn, check: pruned(urn, check, 1),
    "pruned later": lambda urn, check: pruned(urn, check, 2),
    **{f"recursive, R={r}": lambda urn, check, r=r: recursive(urn, check, r) for r in (2, 3, 4)},
    **{
        f"geometric, k={k}, R={r}": lambda urn, check, k=k, r=r: geometric(urn, check, k, r)
        for k, r in ((2, 2), (2, 4), (3, 3), (5, 2))
    },
}


def pruned(urn: EnumeratedUrn, check: Check, after: int) -> Estimate[Fraction]:
    """Every second token that is forbidden is known to be so."""
    urn.known_forbidden = {token for token in urn.law if not check(token) and token % 2}
    return recursive(urn, check, is_sparing=True, prune_after=after)


def make_law(weights: list[int], total: Fraction = Fraction(1)) -> dict[int, Fraction]:
    return {i: total * Fraction(weight, sum(weights)) for i, weight in enumerate(weights)}


def wanted(law: dict[int, Fraction], allowed: set[int]) -> dict[int, Fraction]:
    return {token: mass if token in allowed else Fraction(0) for token, mass in law.items()}


LAWS = [
    make_law([1]),
    make_law([1, 3]),
    make_law([5, 2, 1]),
    make_law([0, 1, 7, 2]),
    make_law([9, 5, 3, 2, 1]),
    make_law([4, 3, 2, 1], Fraction(3, 7)),  # what a mask left over
]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_token_is_properly_weighted(name: str) -> None:
    estimator = ESTIMATORS[name]
    for law in LAWS:
        if len(law) > (3 if "k=5" in name else 4) and "geometric" in name:
            continue  # a minute, and it says nothing new
        for bits in range(2 ** len(law)):
            allowed = {token for token in law if bits >> token & 1}
            found = expected_weights(law, lambda urn, allowed=allowed: estimator(urn, allowed.__contains__))
            assert found == wanted(law, allowed), (law, allowed)


@settings(max_examples=15, deadline=None)
@given(
    weights=st.lists(st.integers(0, 30), min_size=1, max_size=4).filter(any),
    bits=st.integers(0, 15),
    total=st.fractions(Fraction(1, 50), 1, max_denominator=50),
)
def test_any_law(weights: list[int], bits: int, total: Fraction) -> None:
    law = make_law(weights, total)
    allowed = {token for token in law if bits >> token & 1}
    for name in ("two loops", "recursive", "sparing", "pruned", "recursive, R=3", "geometric, k=3, R=3"):
        found = expected_weights(law, lambda urn, name=name: ESTIMATORS[name](urn, allowed.__contains__))
        assert found == wanted(law, allowed), name


@pytest.mark.parametrize("name", ["two loops", "recursive", "sparing", "pruned", "geometric, k=2, R=4"])
def test_the_accepted_token_has_the_masked_law(name: str) -> None:
    """Given that one was accepted."""
    law, allowed = make_law([9, 5, 3, 2, 1]), {1, 2, 4}
    total = sum(law[token] for token in allowed)
    found = dict.fromkeys(law, Fraction(0))
    accepted = Fraction(0)
    for probability, token, _, _ in outcomes(law, lambda urn: ESTIMATORS[name](urn, allowed.__contains__)):
        if token is not None:
            found[token] += probability
            accepted += probability
    assert {token: found[token] / accepted for token in allowed} == {t: law[t] / total for t in allowed}


def test_no_variance_where_there_is_nothing_to_learn() -> None:
    law = make_law([9, 5, 3, 2])
    for allowed in ({2}, set(law)):
        total = sum(law[token] for token in allowed)
        assert second_moment(law, lambda urn, a=allowed: recursive(urn, a.__contains__)) == total**2


@pytest.mark.parametrize("bits", [1, 2, 7, 16, 21, 24, 31])
def test_rejections_are_those_of_the_closed_forms(bits: int) -> None:
    """The first search rejects r with probability p_r / (p_r + Z), two searches with 1 - (Z / (p_r +
    Z))^2."""
    law = make_law([9, 5, 3, 2, 1])
    allowed = {token for token in law if bits >> token & 1}
    total = sum((law[token] for token in allowed), Fraction(0))
    rejected = [law[token] for token in law if token not in allowed]

    both = Fraction(0)
    for probability, _, _, urn in outcomes(law, lambda urn: two_loops(urn, allowed.__contains__)):
        both += probability * (len(law) - len(urn.left))
    assert both == sum((1 - (total / (p + total)) ** 2 for p in rejected), Fraction(0))
    one = Fraction(0)
    for probability, token, _, urn in outcomes(law, lambda urn: recursive(urn, allowed.__contains__, 100)):
        accepted_is_removed = token is not None and token not in urn.left
        one += probability * (len(law) - len(urn.left) - accepted_is_removed)
    assert one == sum((p / (p + total) for p in rejected), Fraction(0))


# ---- planted bugs ---------------------------------------------------------------------------------------


def no_second_loop(urn: Any, check: Check) -> Estimate[Any]:
    found = recursive(urn, check)
    return (
        Estimate(found.token_id, urn.remaining() + urn.mass(found.token_id))
        if found.token_id is not None
        else found
    )


def rejections_of_the_second_loop_only(urn: Any, check: Check) -> Estimate[Any]:
    while not check(accepted := urn.draw()):
        urn.remove(accepted)
    remaining = urn.remaining()
    n_rejected = 0
    while not check(token := urn.draw()):
        urn.remove(token)
        n_rejected += 1
    return Estimate(accepted, remaining, 1, n_rejected + 1)


def looks_no_further(urn: Any, check: Check) -> Estimate[Any]:
    """The recursive weight without its look at the next token."""
    found = recursive(urn, check, 2)
    return Estimate(found.token_id, urn.remaining()) if found.token_id is not None else found


def forgets_what_was_drawn_again(urn: Any, check: Check) -> Estimate[Any]:
    urn.phantoms = lambda most: 0
    return geometric(urn, check, 2, 4)


def stops_one_accept_late(urn: Any, check: Check) -> Estimate[Any]:
    found = geometric(urn, check, 2, 4)
    return Estimate(found.token_id, None, 2 * found.numerator, found.denominator + 1)


def looks_too_seldom(urn: Any, check: Check) -> Estimate[Any]:
    """The coin of the sparing look with half of its probability, and the weight of the whole."""
    decide = urn.decide
    urn.decide = lambda probability: decide(probability / 2)
    return recursive(urn, check, is_sparing=True)


def prunes_without_charging(urn: Any, check: Check) -> Estimate[Any]:
    """What the mask took out is forgotten in the weight."""
    taken: list[Fraction] = []
    prune, remaining = urn.prune, urn.remaining

    def prune_silently() -> None:
        before = remaining()
        prune()
        taken.append(before - remaining())

    urn.prune = prune_silently
    found = pruned(urn, check, 1)
    mass = found.mass
    return Estimate(
        found.token_id, None if mass is None else mass + sum(taken), found.numerator, found.denominator
    )


def stops_at_the_first_accept(urn: Any, check: Check) -> Estimate[Any]:
    """Both limits of `geometric` have to be at least two."""
    found = geometric(urn, check, 1, 4)
    return Estimate(found.token_id, None, 1, found.denominator + 1) if found.token_id is not None else found


@pytest.mark.parametrize(
    "planted",
    [
        no_second_loop,
        rejections_of_the_second_loop_only,
        looks_no_further,
        forgets_what_was_drawn_again,
        stops_one_accept_late,
        looks_too_seldom,
        prunes_without_charging,
        stops_at_the_first_accept,
    ],
)
def test_planted_bugs_are_caught(planted: Estimator) -> None:
    law, allowed = make_law([2, 3, 1, 9]), {2, 3}
    found = expected_weights(law, lambda urn: planted(urn, allowed.__contains__))
    assert found != wanted(law, allowed)
