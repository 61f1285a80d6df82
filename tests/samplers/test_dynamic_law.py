"""`DynamicTree` is lossless: every outcome of its draws and of verification, with its probability.

The shape of a tree hangs on earlier draws, on what was learnt from earlier verdicts, and on the target's laws
that were seen there. None of that may show in the law of the text. Laws are made up, in float64, with three
tokens, the last of which ends the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import pytest
import torch
from tokentrellis.decoding.processors import MaskTimes
from tokentrellis.samplers.draft_dynamic import DynamicTree
from tokentrellis.samplers.draft_tree import DraftTree
from tokentrellis.samplers.tree_growth import TreeGrowth
from tokentrellis.samplers.tree_scores import ScoreSteps
from tokentrellis.samplers.verification import RULES, Rule, Verdict
from torch import Tensor

from tests.samplers.exact_law import (
    EveryChance,
    all_outcomes,
    completed_law,
    largest_error,
    random_laws,
    texts,
)
from tests.samplers.small_worlds import small_draft_model

EXACT = 1e-12
EOS = 2
Text = tuple[int, ...]
Laws = Callable[[Text], Tensor]
TARGET, DRAFT = random_laws(3, 1, sharpness=2.0), random_laws(3, 2)


class ExactGrowth(TreeGrowth):
    """Draws from laws in float64, as they are."""

    def __init__(self, text: Text, room: int, chance: EveryChance) -> None:
        chance.device = torch.device("cpu")  # type: ignore[attr-defined]
        super().__init__(
            (0, *text),
            matcher=None,
            budget=100,
            grammar_budget=None,
            room=room,
            n_logits=3,
            eos_token_ids=frozenset([EOS]),
            steps=ScoreSteps([], is_sampled=True),
            chance=chance,  # type: ignore[arg-type]
            times=MaskTimes(),
        )

    def draft_probs(self, node: int, logits: Tensor) -> Tensor:
        return logits


class ExactReader:
    """Reads laws in the place of a draft model."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def read(self, tree: DraftTree, nodes: Sequence[int]) -> list[Tensor]:
        return [DRAFT((*self._text, *tree.path_tokens(node))) for node in nodes]


def step(drafter: DynamicTree, text: Text, room: int, chance: EveryChance, rule: Rule) -> Text:
    """The tokens of one step, from which the drafter learns."""
    growth = ExactGrowth(text, room, chance)
    drafter.grow(growth, DRAFT(text), ExactReader(text))  # type: ignore[arg-type]
    tree = growth.tree

    def target_probs(node: int) -> Tensor:
        growth.target_laws[node] = TARGET((*text, *tree.path_tokens(node)))
        return growth.target_laws[node]

    verdict: Verdict = rule(tree, target_probs, chance)
    drafter.learn(growth, verdict)
    return tuple(token for _, token in verdict.steps(tree))


def error_of(drafter: DynamicTree, rule: Rule, rooms: Sequence[int]) -> float:
    """Of the law of texts of so many steps, one token longer than their trees together."""
    before = deepcopy(drafter._kept)

    def procedure(chance: EveryChance) -> Text:
        drafter._kept = deepcopy(before)
        text: Text = ()
        for room in rooms:
            if text[-1:] != (EOS,):
                text += step(drafter, text, room, chance, rule)
        return text

    length = sum(rooms) + len(rooms)
    law = completed_law(all_outcomes(procedure), TARGET, length, EOS)
    assert sum(law.values()) == pytest.approx(1, abs=1e-12)
    return largest_error(law, dict(texts((), TARGET, length, EOS)))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_was_learnt(rule: Rule, seed: int) -> None:
    """Weights at random, so shapes hang on every draw."""
    drafter = DynamicTree(small_draft_model(), threshold=0.01)
    generator = np.random.default_rng(seed)
    kept = drafter._kept[True]
    for model in (kept._first, kept._before, kept._after):
        model._weights += generator.normal(0, 2, len(model._weights))
    assert error_of(drafter, rule, [3]) < EXACT


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_by_draft_probabilities(rule: Rule) -> None:
    assert error_of(DynamicTree(small_draft_model(), threshold=0.01, measured=False), rule, [3]) < EXACT


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_while_it_learns(rule: Rule) -> None:
    """The second tree by what the first step taught."""
    drafter = DynamicTree(small_draft_model(), threshold=0.01)
    for model in (drafter._kept[True]._first, drafter._kept[True]._before, drafter._kept[True]._after):
        model._curvature *= 0.05  # learns fast
    assert error_of(drafter, rule, [2, 2]) < EXACT


def test_a_look_at_the_next_draw_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistaken drafter draws and, where it does not like the token, draws again."""

    class Peeking(ExactGrowth):
        def add_guess(self, parent: int, token: int) -> int | None:
            if token == 0:
                token = self.chance.draw(self.tree.draft_probs(parent))
            return super().add_guess(parent, token)

    monkeypatch.setitem(globals(), "ExactGrowth", Peeking)
    drafter = DynamicTree(small_draft_model(), threshold=0.01)
    assert error_of(drafter, RULES["recursive"], [1]) > 0.01
