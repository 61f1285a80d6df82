"""Verification of draft trees is lossless: every outcome of drafting and verifying, with its probability.

Laws are made up, in float64, with 3 to 5 tokens, one of which ends the text, and with tokens that a grammar
forbids. The error is the largest difference from the law of plain sampling over all texts. The same procedure
with one of the mistakes that are easy to make has an error that nobody can overlook.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tokentrellis.samplers.chance import Chance, NoChance, RandomChance
from tokentrellis.samplers.draft_tree import ROOT, DraftTree
from tokentrellis.samplers.verification import (
    RULES,
    Rule,
    residual,
    verify_recursive,
    verify_traversal,
    without,
)
from torch import Tensor

from tests.samplers.exact_law import (
    EveryChance,
    all_outcomes,
    completed_law,
    largest_error,
    random_laws,
    texts,
)

EXACT = 1e-12
Laws = Callable[[tuple[int, ...]], Tensor]
Grow = Callable[[DraftTree, Laws, Chance], None]


def masked(laws: Laws) -> Laws:
    """As under a grammar: after each text one token is forbidden, another one each time, never EOS."""

    def next_probs(text: tuple[int, ...]) -> Tensor:
        probs = laws(text)
        return without(probs, (sum(text) + len(text)) % (len(probs) - 1))

    return next_probs


def drawn_tree(*branching: int, with_replacement: bool = False) -> Grow:
    """So many draws below each node of each level."""

    def grow(tree: DraftTree, draft: Laws, chance: Chance) -> None:
        eos = len(draft(())) - 1
        level = [ROOT]
        for n_children in branching:
            below = []
            for node in level:
                probs = draft(tuple(tree.path_tokens(node)))
                tree.set_draft_probs(node, probs)
                for _ in range(n_children):
                    if float(probs.sum()) == 0:
                        break
                    child = tree.add_drawn(node, chance.draw(probs))
                    if tree.tokens[child] == eos:
                        tree.final.add(child)
                    else:
                        below.append(child)
                    if not with_replacement:
                        probs = without(probs, tree.tokens[child])
            level = below

    return grow


def likeliest_tree(*branching: int) -> Grow:
    """The likeliest tokens of the draft, which are not drawn."""

    def grow(tree: DraftTree, draft: Laws, chance: Chance) -> None:
        eos = len(draft(())) - 1
        level = [ROOT]
        for n_children in branching:
            below = []
            for node in level:
                probs = draft(tuple(tree.path_tokens(node)))
                for token in probs.topk(n_children).indices.tolist():
                    if probs[token] > 0:
                        child = tree.add_fixed(node, token)
                        if token == eos:
                            tree.final.add(child)
                        else:
                            below.append(child)
            level = below

    return grow


def mixed_tree(*branching: int) -> Grow:
    """Draws at the nodes of each level, and the likeliest two tokens beside them, and below both."""

    def grow(tree: DraftTree, draft: Laws, chance: Chance) -> None:
        drawn_tree(*branching)(tree, draft, chance)
        likeliest_tree(2, 1)(tree, draft, chance)

    return grow


def dynamic_tree(threshold: float, depth: int) -> Grow:
    """Draws below a node while its probability times what is left of the law exceeds a threshold (DySpec)."""

    def grow(tree: DraftTree, draft: Laws, chance: Chance) -> None:
        eos = len(draft(())) - 1
        pending = [(ROOT, 1.0)]
        while pending:
            node, reach = pending.pop()
            if node in tree.final or tree.depths[node] >= depth or reach < threshold:
                continue
            probs = draft(tuple(tree.path_tokens(node)))
            tree.set_draft_probs(node, probs)
            while reach > threshold and float(probs.sum()) > 0:
                token = chance.draw(probs)
                child = tree.add_drawn(node, token)
                if token == eos:
                    tree.final.add(child)
                pending.append((child, reach * float(probs[token])))
                reach *= 1 - float(probs[token])
                probs = without(probs, token)

    return grow


def error_of(
    rule: Rule,
    grow: Grow,
    target: Laws,
    draft: Laws,
    depth: int,
    spoil: Callable[[DraftTree], None] = lambda tree: None,
    **options: bool,
) -> float:
    """Largest error of the law of texts of `depth` + 1 tokens. Nothing but EOS is final."""
    eos = len(target(())) - 1

    def procedure(chance: EveryChance) -> tuple[int, ...]:
        tree = DraftTree(0, **options)
        grow(tree, draft, chance)
        spoil(tree)
        path, token = rule(tree, lambda node: target(tuple(tree.path_tokens(node))), chance)
        return (*(tree.tokens[node] for node in path), *([] if token is None else [token]))

    law = completed_law(all_outcomes(procedure), target, depth + 1, eos)
    assert sum(law.values()) == pytest.approx(1, abs=1e-12)
    return largest_error(law, dict(texts((), target, depth + 1, eos)))


TREES = {
    "chain": (4, 2, drawn_tree(1, 1)),
    "long chain": (3, 3, drawn_tree(1, 1, 1)),
    "siblings": (5, 1, drawn_tree(3)),
    "all siblings": (3, 1, drawn_tree(3)),
    "tree": (3, 2, drawn_tree(2, 2)),
    "wide, then narrow": (4, 2, drawn_tree(2, 1)),
    "narrow, then wide": (4, 3, drawn_tree(1, 2, 1)),
    "likeliest": (5, 3, likeliest_tree(2, 2, 1)),
    "mixed": (4, 2, mixed_tree(1)),
    "dynamic": (3, 2, dynamic_tree(0.25, 2)),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("is_masked", [False, True], ids=["free", "masked"])
def test_lossless(rule: Rule, name: str, is_masked: bool) -> None:
    n_tokens, depth, grow = TREES[name]
    target, draft = random_laws(n_tokens, 1, sharpness=2.0), random_laws(n_tokens, 2)
    if is_masked:
        target, draft = masked(target), masked(draft)
    assert error_of(rule, grow, target, draft, depth) < EXACT


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_lossless_where_the_laws_are_equal_or_hardly_overlap(rule: Rule) -> None:
    """Rejections that cannot happen, and ones that always do."""
    target = random_laws(3, 3, sharpness=3.0)
    assert error_of(rule, drawn_tree(2, 1), target, target, 2) < EXACT
    one = torch.eye(3, dtype=torch.float64)
    assert error_of(rule, drawn_tree(2, 1), target, lambda text: one[len(text) % 2], 2) < EXACT
    assert error_of(rule, drawn_tree(2, 1), lambda text: one[len(text) % 2], target, 2) < EXACT


def test_with_replacement_is_lossless() -> None:
    target, draft = random_laws(3, 1, sharpness=2.0), random_laws(3, 2)
    grow = drawn_tree(2, 2, with_replacement=True)
    assert error_of(verify_recursive, grow, target, draft, 2, with_replacement=True) < EXACT


def test_a_budget_ends_paths() -> None:
    """The last token of a budget is final: nothing is drawn after it, and the law is that of the shorter
    texts.
    """
    target, draft = random_laws(3, 1), random_laws(3, 2)

    def procedure(chance: EveryChance) -> tuple[int, ...]:
        tree = DraftTree(0)
        drawn_tree(2, 2)(tree, draft, chance)
        tree.final |= {node for node in range(len(tree)) if tree.depths[node] == 2}
        path, token = verify_traversal(tree, lambda node: target(tuple(tree.path_tokens(node))), chance)
        assert (token is None) == (bool(path) and path[-1] in tree.final)
        return (*(tree.tokens[node] for node in path), *([] if token is None else [token]))

    law = completed_law(all_outcomes(procedure), target, 2, eos=2)
    assert largest_error(law, dict(texts((), target, 2, 2))) < EXACT


def reorder_siblings(tree: DraftTree) -> None:
    for node in range(len(tree)):
        if tree.drawn_children(node):
            probs = tree.draft_probs(node)
            tree._drawn[node].sort(key=lambda child: -float(probs[tree.tokens[child]]))


def call_likeliest_drawn(tree: DraftTree) -> None:
    """A set of likeliest tokens, verified as if it had been drawn."""
    uniform = torch.full((4,), 0.25, dtype=torch.float64)
    for node in range(len(tree)):
        tree._drawn[node] = list(tree._fixed[node].values())
        tree._fixed[node] = {}
        if tree._drawn[node]:
            tree.set_draft_probs(node, MISTAKEN_DRAFT(tuple(tree.path_tokens(node))) if node else uniform)


MISTAKEN_DRAFT = random_laws(4, 2)


def prune_unlikely(tree: DraftTree) -> None:
    """A drawn sibling is dropped because of what it is."""
    for node in range(len(tree)):
        if tree.drawn_children(node):
            probs = tree.draft_probs(node)
            tree._drawn[node] = [child for child in tree._drawn[node] if probs[tree.tokens[child]] > 0.2]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    ("spoil", "grow"),
    [
        (reorder_siblings, drawn_tree(3)),
        (call_likeliest_drawn, likeliest_tree(2)),
        (prune_unlikely, drawn_tree(2)),
    ],
)
def test_mistakes_show(rule: Rule, spoil: Callable[[DraftTree], None], grow: Grow) -> None:
    target, draft = random_laws(4, 1, sharpness=2.0), MISTAKEN_DRAFT
    assert error_of(rule, grow, target, draft, 1, spoil) > 0.02


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_draft_probs_without_the_mask_of_the_draws_show(rule: Rule) -> None:
    free = random_laws(4, 2)
    target, draft = masked(random_laws(4, 1, sharpness=2.0)), masked(free)

    def forget_mask(tree: DraftTree) -> None:
        for node in range(len(tree)):
            if tree.drawn_children(node):
                tree.set_draft_probs(node, free(tuple(tree.path_tokens(node))))

    assert error_of(rule, drawn_tree(2, 1), target, draft, 2, forget_mask) > 0.02


def expected_kept(rule: Rule, grow: Grow, target: Laws, draft: Laws, **options: bool) -> float:
    total = 0.0

    def procedure(chance: EveryChance) -> int:
        tree = DraftTree(0, **options)
        grow(tree, draft, chance)
        return len(rule(tree, lambda node: target(tuple(tree.path_tokens(node))), chance).path)

    for n_kept, probability in all_outcomes(procedure):
        total += n_kept * probability
    return total


def test_what_is_kept() -> None:
    """Without replacement more than with it, and traversal at least as much as the recursive rule."""
    for seed in range(3):
        target, draft = random_laws(4, seed, sharpness=2.0), random_laws(4, seed + 100, sharpness=2.0)
        grow = drawn_tree(2, 1)
        recursive = expected_kept(verify_recursive, grow, target, draft)
        again = drawn_tree(2, 1, with_replacement=True)
        assert recursive > 1.01 * expected_kept(verify_recursive, again, target, draft, with_replacement=True)
        assert expected_kept(verify_traversal, grow, target, draft) >= recursive - EXACT


class TestChance:
    def test_zero_is_never_taken_and_one_always(self) -> None:
        chance = RandomChance(torch.Generator().manual_seed(0))
        assert not any(chance.flip(0.0) for _ in range(1000))
        assert all(chance.flip(1.0) for _ in range(1000))
        assert not chance.flip(float("nan"))
        probs = torch.tensor([0.0, 1e-30, 0.0])
        assert {chance.draw(probs) for _ in range(1000)} == {1}

    def test_draws_have_their_law(self) -> None:
        chance = RandomChance(torch.Generator().manual_seed(0))
        probs = torch.tensor([0.1, 0.6, 0.0, 0.3])
        counts = torch.bincount(torch.tensor([chance.draw(probs) for _ in range(20_000)]), minlength=4)
        deviation = (counts / 20_000 - probs).abs()
        assert deviation.max() < 4 * 0.5 / 20_000**0.5
        assert counts[2] == 0

    @pytest.mark.parametrize("rule", RULES.values())
    def test_a_greedy_target_needs_none(self, rule: Rule) -> None:
        """The kept tokens are the target's own, from trees of drawn and of fixed nodes."""
        n_kept = 0
        for seed in range(30):
            laws = random_laws(4, seed)

            def greedy(text: tuple[int, ...], laws: Laws = laws) -> Tensor:
                return torch.eye(4)[laws(text).argmax()]

            tree = DraftTree(0)
            mixed_tree(2, 2)(
                tree, random_laws(4, seed + 100), RandomChance(torch.Generator().manual_seed(seed))
            )
            verdict = rule(tree, lambda node, tree=tree: greedy(tuple(tree.path_tokens(node))), NoChance())
            tokens = [token for _, token in verdict.steps(tree)]
            assert tokens == [int(greedy(tuple(tokens[:at])).argmax()) for at in range(len(tokens))]
            n_kept += len(verdict.path)
        assert n_kept > 20  # of 30 trees


def test_residual_and_rest() -> None:
    one, other = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.6, 0.2])
    assert torch.allclose(residual(one, other), torch.tensor([1.0, 0.0, 0.0]))
    assert residual(one, one) is one
    assert torch.allclose(without(one, 0), torch.tensor([0.0, 0.6, 0.4]))
    assert without(torch.tensor([1.0, 0.0]), 0).sum() == 0
