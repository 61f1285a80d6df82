"""Each drafter: the law and the greedy output are those of plain decoding, and it proposes what it should."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.processors import MaskTimes
from tokentrellis.samplers.chance import RandomChance
from tokentrellis.samplers.draft_combined import CombinedDrafter
from tokentrellis.samplers.draft_dynamic import DynamicTree
from tokentrellis.samplers.draft_forced import ForcedTokens
from tokentrellis.samplers.draft_keeping import Keeping
from tokentrellis.samplers.draft_lookup import PromptLookup, SuffixLookup
from tokentrellis.samplers.draft_model import GumbelTree, OptimalTree, StochasticBeam, gumbels_with_maximum
from tokentrellis.samplers.draft_reader import short_context
from tokentrellis.samplers.draft_recycling import TokenRecycling
from tokentrellis.samplers.draft_template import (
    TYPICAL_ACCEPTANCE,
    MeasuredAcceptance,
    TreeTemplate,
    optimal_template,
)
from tokentrellis.samplers.draft_tree import ROOT
from tokentrellis.samplers.draft_trigrams import TrigramTree
from tokentrellis.samplers.drafter import Drafter
from tokentrellis.samplers.suffix_trie import SuffixTrie
from tokentrellis.samplers.tree_growth import TreeGrowth
from tokentrellis.samplers.tree_scores import ScoreSteps
from tokentrellis.samplers.verification import Verdict

from tests.samplers.chi_square import chi_square_p
from tests.samplers.small_worlds import TOKENS, draw_texts, law_of, small_draft_model
from tests.samplers.table_drafters import always
from tests.samplers.test_speculation import PROMPTS, SCHEMA
from tests.tiny_models import random_model, tiny_model, tiny_tokenizer

Make = Callable[[Any], Drafter]
DRAFTERS: dict[str, Make] = {
    "forced": lambda model: ForcedTokens(),
    "lookup": lambda model: PromptLookup(),
    "suffixes": lambda model: SuffixLookup(),
    "recycling": lambda model: TokenRecycling(),
    "trigrams": lambda model: TrigramTree(),
    "rsd-c": lambda model: GumbelTree(model, branching=(2, 2)),
    "rsd-s": lambda model: StochasticBeam(model, width=3, depth=3),
    "dynamic": lambda model: DynamicTree(model, threshold=0.05),
    "optimal": lambda model: OptimalTree(model, max_depth=3),
    "combined": lambda model: CombinedDrafter(
        [GumbelTree(model, branching=(2, 1)), TokenRecycling(), PromptLookup(), ForcedTokens()]
    ),
}
DRAWING = ("rsd-c", "rsd-s", "dynamic", "optimal", "combined")


@pytest.mark.parametrize("name", DRAWING)
def test_law(name: str) -> None:
    """The others propose fixed nodes, whose law test_speculation.py has."""
    drafter = always(DRAFTERS[name](small_draft_model()), max_nodes=8)
    counts = draw_texts(
        drafter, int(os.environ.get("TOKENTRELLIS_DRAWS", "150")), has_grammar=name != "rsd-c"
    )
    assert chi_square_p(counts, law_of(name != "rsd-c")) > 1e-3


@pytest.mark.parametrize("name", DRAFTERS)
def test_greedy_output(name: str) -> None:
    """Texts twice, so that what is learnt from the first is used for the second."""
    model = tiny_model()
    drafter = always(DRAFTERS[name](random_model("gpt2", seed=3)))
    grammar = tt.compile_grammar(tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer()))
    options = {"grammar": grammar, "max_new_tokens": 20}
    plain = tt.generate(model, tiny_tokenizer(), PROMPTS[:2], **options)
    inputs = tiny_tokenizer()(PROMPTS[:2], return_tensors="pt", padding=True, return_token_type_ids=False)
    limits = {"max_new_tokens": 12, "do_sample": False}
    plain_ids = model.generate(**inputs, **limits)
    for _ in range(2):
        drafted = tt.generate(model, tiny_tokenizer(), PROMPTS[:2], drafter=drafter, **options)
        assert [result.token_ids for result in drafted] == [result.token_ids for result in plain]
        assert torch.equal(model.generate(**inputs, **limits, custom_generate=drafter), plain_ids)


@pytest.mark.parametrize("name", ["rsd-c", "rsd-s", "dynamic", "optimal"])
@pytest.mark.parametrize("is_sampled", [False, True])
def test_a_draft_model_that_is_the_target(name: str, is_sampled: bool) -> None:
    """Nearly every first draw is kept."""
    model = tiny_model()
    inputs = tiny_tokenizer()(PROMPTS[0], return_tensors="pt", return_token_type_ids=False)
    options = {"do_sample": True, "top_k": 0, "temperature": 0.5} if is_sampled else {"do_sample": False}
    result = model.generate(
        **inputs,
        max_new_tokens=40,
        custom_generate=always(DRAFTERS[name](model)).decode,
        generator=torch.Generator().manual_seed(0),
        **options,
    )
    assert result.statistics.block_efficiency > (2.0 if is_sampled else 2.9)


def growth_of(text: list[int], *, room: int = 16, is_sampled: bool = False, seed: int = 0) -> TreeGrowth:
    """Without a grammar, of 50 tokens, the last of which is EOS."""
    return TreeGrowth(
        text,
        matcher=None,
        budget=100,
        grammar_budget=None,
        room=room,
        n_logits=50,
        eos_token_ids=frozenset([49]),
        steps=ScoreSteps([], is_sampled=is_sampled),
        chance=RandomChance(torch.Generator().manual_seed(seed)),
        times=MaskTimes(),
    )


def paths(growth: TreeGrowth) -> set[tuple[int, ...]]:
    """From the root to each leaf."""
    tree = growth.tree
    return {tuple(tree.path_tokens(node)) for node in range(1, len(tree)) if not tree.has_children(node)}


class TestLookup:
    def test_proposes_what_followed_the_longest_match_last(self) -> None:
        text = [1, 2, 3, 7, 8, 9, 2, 3, 5, 6, 1, 2, 3]
        growth = growth_of(text)
        PromptLookup(longest=3, length=3).session(text).grow(growth)
        assert paths(growth) == {(7, 8, 9)}
        growth = growth_of(text)
        PromptLookup(longest=2, length=3).session(text).grow(growth)
        assert paths(growth) == {(5, 6, 1)}

    def test_proposes_nothing_for_what_is_new(self) -> None:
        growth = growth_of([1, 2, 3])
        PromptLookup().session([1, 2, 3]).grow(growth)
        assert len(growth.tree) == 1

    def test_suffixes_branch_and_grow_with_the_match(self) -> None:
        text = [1, 2, 5, 9, 1, 2, 6, 9, 1, 2, 5, 8, 1, 2]
        growth = growth_of(text)
        SuffixLookup(factor=2).session(text).grow(growth)
        assert growth.tree.child(ROOT, 5) is not None
        assert growth.tree.child(ROOT, 6) is not None
        assert len(growth.tree) - 1 == 4  # the suffix 1, 2 times 2
        first = growth.tree.children(ROOT)[0]
        assert growth.tree.tokens[first] == 5  # twice of three times

    def test_suffixes_are_counted(self) -> None:
        """What is found is what looking through all texts finds."""
        chance = Random(0)
        texts = [[chance.choice([1, 1, 2, 3]) for _ in range(chance.randrange(40))] for _ in range(12)]
        trie = SuffixTrie(5)
        for text in texts:
            for token in text:
                trie.add(token)
            trie.end_text()
        for _ in range(300):
            tail = [chance.choice([1, 2, 3]) for _ in range(6)]
            expected: Counter[int] = Counter()
            for length in range(4, 0, -1):
                expected = Counter(
                    text[end]
                    for text in texts
                    for end in range(length, len(text))
                    if text[end - length : end] == tail[-length:]
                )
                if expected:
                    break
            found, place = trie.find(tail)
            assert found == length
            assert {token: count for token, count, _ in trie.continuations(place)} == expected

    def test_texts_that_repeat_nothing_cost_little(self) -> None:
        """One leaf for a token: no run is followed beyond where it parts from the others."""
        trie = SuffixTrie(200)
        for token in range(5000):
            trie.add(token)
        assert trie._open == []
        assert all(isinstance(place, int) for place in trie._root.children.values())

    def test_no_more_than_so_many_tokens_are_kept(self) -> None:
        drafter = SuffixLookup(most_tokens=100)
        for start in range(50):
            drafter.remember(list(range(start, start + 1 + 7 * start % 90)))
            assert sum(map(len, drafter.earlier)) <= 100 + 2 * 50  # a mark after each text
        nothing = SuffixLookup(most_tokens=0)
        nothing.remember([1, 2, 3])
        assert all(trie.find([1])[0] == 0 for trie in nothing.earlier)

    def test_suffixes_of_earlier_texts(self) -> None:
        drafter = SuffixLookup(most_tokens=30)
        drafter.session([1, 2]).end([1, 2, 10, 11, 12, 13])
        growth = growth_of([5, 10])
        drafter.session([5, 10]).grow(growth)
        assert paths(growth) == {(11, 12, 13)}
        for start in range(20, 40, 5):  # the oldest are forgotten
            drafter.session([]).end(list(range(start, start + 8)))
        growth = growth_of([5, 10])
        drafter.session([5, 10]).grow(growth)
        assert len(growth.tree) == 1


class TestRecycling:
    def test_rows_are_overwritten_and_kept(self) -> None:
        drafter = TokenRecycling(n_successors=3)
        logits = torch.zeros(2, 50)
        logits[0, [7, 8, 9]] = torch.tensor([3.0, 2.0, 1.0])
        logits[1, [4, 5, 6]] = torch.tensor([1.0, 2.0, 3.0])
        drafter.note([1, 7], logits)
        assert drafter.successors(1) == [7, 8, 9]
        assert drafter.successors(7) == [6, 5, 4]
        assert drafter.successors(2) == []
        growth = growth_of([1])
        drafter.session([1]).grow(growth)
        assert (7, 6) in {tuple(growth.tree.path_tokens(node)) for node in range(len(growth.tree))}
        assert growth.tree.child(ROOT, 9) is not None

    def test_illegal_ones_are_passed_over(self) -> None:
        drafter = TokenRecycling(n_successors=3)
        logits = torch.zeros(1, 50)
        logits[0, [7, 60 % 50, 9]] = torch.tensor([3.0, 2.0, 1.0])
        drafter.note([1], logits)
        growth = growth_of([1])
        growth.allows = lambda node, token: token != 7  # type: ignore[method-assign]
        drafter.session([1]).grow(growth)
        assert growth.tree.children(ROOT)[0] == growth.tree.child(ROOT, 10)


class TestTrigrams:
    def test_search_goes_deep_where_it_is_likely(self) -> None:
        drafter = TrigramTree(exploration=8)
        drafter.count([1, 2, 3, 4, 5, 6] * 5 + [1, 2, 9], 0)
        growth = growth_of([1, 2], room=8)
        drafter.session([1, 2]).grow(growth)
        assert (3, 4, 5, 6) in {tuple(growth.tree.path_tokens(node)) for node in range(len(growth.tree))}
        assert growth.tree.child(ROOT, 9) is not None
        assert growth.n_left == 0

    def test_old_texts_are_forgotten(self) -> None:
        drafter = TrigramTree(most_tokens=20)
        drafter.count([1, 2, 3], 0)
        drafter.count([1, 2, 4], 0)
        drafter.count([1, 2, 3], 0)
        assert drafter.guesses(1, 2) == [(3, pytest.approx(2 / 3)), (4, pytest.approx(1 / 3))]
        drafter.count([1, 2, 4] * 3, 0)
        drafter.count([1, 2, 3], 0)  # newer and older texts count alike
        assert dict(drafter.guesses(1, 2)) == {3: pytest.approx(3 / 7), 4: pytest.approx(4 / 7)}
        for start in range(5, 60, 5):
            drafter.count(list(range(start, start + 5)), 0)
        assert drafter.guesses(1, 2) == []

    def test_a_new_pair_falls_back_on_its_last_token(self) -> None:
        drafter = TrigramTree()
        drafter.count([1, 2, 3], 0)
        assert drafter.guesses(8, 2) == [(3, 1.0)]
        assert drafter.guesses(8, 9) == []


class TestTemplates:
    def expected_length(self, shape: TreeTemplate, acceptance: tuple[float, ...]) -> float:
        """Tokens kept in a step, the one after the path included, if the guesses are kept so often."""
        reach = [1.0]
        for parent, rank in zip(shape.parents[1:], shape.ranks[1:], strict=True):
            reach.append(reach[parent] * acceptance[rank])
        return sum(reach)

    def every_template(self, n_nodes: int, max_depth: int, n_ranks: int) -> list[TreeTemplate]:
        """All shapes of at most so many nodes, by brute force."""
        found = [TreeTemplate((-1,), (-1,))]
        result = list(found)
        for _ in range(n_nodes):
            larger = {}
            for shape in found:
                for parent in range(len(shape)):
                    rank = shape.parents.count(parent)
                    depth, node = 1, parent
                    while node:
                        depth, node = depth + 1, shape.parents[node]
                    if rank < n_ranks and depth <= max_depth:
                        grown = TreeTemplate((*shape.parents, parent), (*shape.ranks, rank))
                        larger[grown] = None
            found = list(larger)
            result += found
        return result

    @pytest.mark.parametrize("acceptance", [(0.6, 0.2, 0.1), (0.3, 0.3, 0.3), (0.9, 0.05, 0.0)])
    @pytest.mark.parametrize("max_depth", [1, 2, 5])
    @pytest.mark.parametrize("n_nodes", [1, 2, 5])
    def test_no_shape_is_better(self, acceptance: tuple[float, ...], max_depth: int, n_nodes: int) -> None:
        best = max(
            self.expected_length(shape, acceptance)
            for shape in self.every_template(n_nodes, max_depth, len(acceptance))
        )
        template = optimal_template(acceptance, n_nodes, max_depth)
        assert self.expected_length(template, acceptance) == pytest.approx(best)
        assert len(template) <= n_nodes + 1

    def test_parents_come_first_and_ranks_ascend(self) -> None:
        template = optimal_template(TYPICAL_ACCEPTANCE, 64, 6)
        assert len(template) == 65
        for node in range(1, len(template)):
            assert template.parents[node] < node
            earlier = [
                template.ranks[other]
                for other in range(node)
                if template.parents[other] == template.parents[node]
            ]
            assert earlier == list(range(template.ranks[node]))

    def test_measured_acceptance(self) -> None:
        measured = MeasuredAcceptance(3, weight=1.0)
        for step in range(1000):
            measured.count(2, 0 if step % 2 else None)
        estimate = measured.estimate()
        assert estimate[0] == pytest.approx(0.5, abs=0.01)
        assert list(estimate) == sorted(estimate, reverse=True)


class TestStochasticBeam:
    def test_gumbels_with_maximum(self) -> None:
        """The largest is as given, the order stays, and the values are those of the conditional law: unmoved
        noise is what one gets for the maximum that it had.
        """
        noisy = torch.tensor([0.3, -1.0, 2.0, -math.inf], dtype=torch.float64)
        moved = gumbels_with_maximum(noisy, -0.5)
        assert float(moved.max()) == -0.5
        assert moved.argsort().tolist() == noisy.argsort().tolist()
        assert torch.allclose(gumbels_with_maximum(noisy, 2.0), noisy)

    @torch.no_grad()
    def test_sequences_come_without_replacement(self) -> None:
        """The most likely pair is first as often as its probability says."""
        model = small_draft_model()
        counts: Counter[tuple[int, ...]] = Counter()
        n_draws = 200
        drafter = StochasticBeam(model, width=2, depth=2)
        for seed in range(n_draws):
            growth = growth_of([0, 1], is_sampled=True, seed=seed)
            growth.n_logits = len(TOKENS)
            session = drafter.session([0, 1])
            session.grow(growth)
            deepest = [node for node in range(len(growth.tree)) if growth.tree.depths[node] == 2]
            assert 1 <= len(deepest) <= 2
            counts[tuple(growth.tree.path_tokens(deepest[0]))] += 1
        logits = model(input_ids=torch.tensor([[0, 1]])).logits[0, -1]
        first = logits.double().softmax(-1)
        law = {}
        for token in range(len(TOKENS)):
            after = model(input_ids=torch.tensor([[0, 1, token]])).logits[0, -1].double().softmax(-1)
            law.update({(token, other): float(first[token] * after[other]) for other in range(len(TOKENS))})
        assert chi_square_p(counts, law) > 1e-3


class Noted(Keeping):
    """What a drafter learns, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[float] = []  # type: ignore[assignment]
        self.after: list[float] = []  # type: ignore[assignment]
        self.reach: list[float] = []

    def learn_before(self, left: torch.Tensor, place: int, chance: float, weight: float = 1.0) -> None:
        self.before.append(chance)
        self.reach.append(weight)

    def learn_after(
        self, left: torch.Tensor, token: int, place: int, chance: float, weight: float = 1.0
    ) -> None:
        self.after.append(chance)


class TestDynamicTree:
    @torch.no_grad()
    def test_places_are_filled_by_value(self) -> None:
        """Greedy: no node that was left out is likelier than one that is there."""
        model = random_model("llama", vocab_size=50, initializer_range=0.2)
        growth = growth_of([3, 4, 5], room=12)
        DynamicTree(model, threshold=1e-6, measured=False).session([3, 4, 5]).grow(growth)
        tree = growth.tree
        reach = {}
        for node in range(len(tree)):
            probs = (
                model(input_ids=torch.tensor([[3, 4, 5, *tree.path_tokens(node)]])).logits[0, -1].softmax(-1)
            )
            own = reach.setdefault(node, 1.0)
            reach |= {child: own * float(probs[tree.tokens[child]]) for child in tree.children(node)}
            best_left = own * max(
                float(share) for token, share in enumerate(probs) if tree.child(node, token) is None
            )
            reach[-node - 1] = best_left
        inside = min(value for node, value in reach.items() if node > 0)
        outside = max(value for node, value in reach.items() if node < 0 and -node - 1 not in tree.final)
        assert len(tree) == 13
        assert inside >= outside - 1e-6

    def test_the_threshold_ends_it(self) -> None:
        model = random_model("llama", vocab_size=50, initializer_range=0.02)  # nearly uniform
        growth = growth_of([3, 4, 5], room=40, is_sampled=True)
        DynamicTree(model, threshold=0.9, measured=False).session([3, 4, 5]).grow(growth)
        assert 1 <= len(growth.tree) - 1 <= 5

    def test_chances_are_learnt(self) -> None:
        """Children are kept by a law that hangs on place and share; after a while the estimates are near."""
        chance = Random(1)

        def law(place: int, share: float) -> float:
            return (0.3 + 0.6 * share) / (1 + 3 * place)

        kept = Keeping()
        for step in range(4000):
            share, place = chance.random(), step % 2
            left = torch.tensor([share, 1 - share])
            is_kept = chance.random() < law(place, share)
            kept.learn_before(left, place, is_kept)
            kept.learn_after(left, 0, place, is_kept)
        for place in (0, 1):
            for share in (0.1, 0.5, 0.9):
                left = torch.tensor([share, 1 - share])
                assert kept.after(left, 0, place) == pytest.approx(law(place, share), abs=0.08)
        assert kept.before(torch.tensor([0.5, 0.5]), 0) == pytest.approx(0.6, abs=0.08)
        assert kept.unread() == pytest.approx(0.6, abs=0.08)

    def test_a_law_teaches_all_children(self) -> None:
        """The chances of three children where the first one was kept, and of a fourth that was not drawn."""
        law, draft = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.4, 0.3, 0.2, 0.1])
        growth = growth_of([3], is_sampled=True)
        growth.tree.set_draft_probs(ROOT, draft)
        for token in (0, 1, 2):
            growth.tree.add_drawn(ROOT, token)
        growth.target_laws[ROOT] = law
        drafter = DynamicTree(random_model("llama", vocab_size=50))
        drafter._kept[True] = noted = Noted()
        drafter.learn(growth, Verdict([1], 0))
        # By hand: P - Q is (0, 0, .1, .3); then P = (0, 0, 1/4, 3/4) against (0, 1/2, 1/3, 1/6), and so on.
        assert noted.before == pytest.approx([0.6, 1 / 4 + 1 / 6, 1 / 3, 1.0])
        assert noted.after == pytest.approx([1 / 4, 0.0, 0.0])
        assert noted.reach == pytest.approx([1.0, 0.75, 0.75, 0.75])

    def test_later_siblings_promise_little(self) -> None:
        """A second draw that is tried is hardly ever kept: the tree is a chain."""
        model = random_model("llama", vocab_size=50, initializer_range=0.02)
        drafter = DynamicTree(model, threshold=1e-3)
        left = torch.full((50,), 0.02)
        for step in range(600):
            for place, is_kept in ((0, step % 2 == 0), (1, False)):
                drafter._kept[True].learn_before(left, place, is_kept)
                drafter._kept[True].learn_after(left, place, place, is_kept)
        growth = growth_of([3, 4, 5], is_sampled=True, room=5)
        drafter.session([3, 4, 5]).grow(growth)
        assert max(growth.tree.depths) == 5

    def test_what_is_kept_is_measured(self) -> None:
        """Equal laws: the first draw is always kept, so the tree becomes a chain, whatever the shares are."""
        model = random_model("llama", vocab_size=50, initializer_range=0.02)
        drafter = DynamicTree(model, threshold=0.05)
        for seed in range(30):
            growth = growth_of([3, 4, 5], is_sampled=True, seed=seed, room=6)
            drafter.session([3, 4, 5]).grow(growth)
            path, node = [], ROOT
            while growth.tree.has_children(node):
                node = growth.tree.children(node)[0]
                path.append(node)
            drafter.learn(growth, Verdict(path, 0))
        growth = growth_of([3, 4, 5], is_sampled=True, room=6)
        drafter.session([3, 4, 5]).grow(growth)
        assert max(growth.tree.depths) >= 4


class TestReader:
    @pytest.mark.parametrize("name", DRAWING)
    @pytest.mark.parametrize("is_sampled", [False, True])
    def test_a_draft_model_with_fewer_tokens(self, name: str, is_sampled: bool) -> None:
        """It can neither read all of the text nor propose all that is legal."""
        drafter = always(DRAFTERS[name](random_model("gpt2", seed=3, vocab_size=60)))
        grammar = tt.compile_grammar(
            tt.from_json_schema(SCHEMA), tt.Vocabulary.from_tokenizer(tiny_tokenizer())
        )
        options = {"grammar": grammar, "max_new_tokens": 30}
        for seed in range(3 if is_sampled else 1):
            drawing = {"seed": seed, "temperature": 1.0} if is_sampled else {}
            results = tt.generate(
                tiny_model(), tiny_tokenizer(), PROMPTS[:2], drafter=drafter, **options, **drawing
            )
            assert all(grammar.grammar.accepts(result.text) for result in results)
        if not is_sampled:
            plain = tt.generate(tiny_model(), tiny_tokenizer(), PROMPTS[:2], **options)
            assert [result.token_ids for result in results] == [result.token_ids for result in plain]

    def test_texts_longer_than_the_context_get_no_draft(self) -> None:
        model = tiny_model()
        draft = random_model("gpt2", max_position_embeddings=40)
        inputs = tiny_tokenizer()(PROMPTS[3], return_tensors="pt", return_token_type_ids=False)
        plain = model.generate(**inputs, max_new_tokens=40, do_sample=False)
        drafted = model.generate(
            **inputs, max_new_tokens=40, do_sample=False, custom_generate=always(GumbelTree(draft))
        )
        assert torch.equal(plain, drafted)

    def test_a_short_context_changes_drafts_only(self) -> None:
        model = tiny_model()
        inputs = tiny_tokenizer()("red and blue " * 60, return_tensors="pt", return_token_type_ids=False)
        drafter = always(GumbelTree(random_model("gpt2", seed=3), most_prompt_tokens=64 * 3))
        plain = model.generate(**inputs, max_new_tokens=20, do_sample=False)
        drafted = model.generate(**inputs, max_new_tokens=20, do_sample=False, custom_generate=drafter)
        assert torch.equal(plain, drafted)

    def test_short_context(self) -> None:
        prompt = list(range(1000, 2000))
        prompt[300:310] = range(1990, 2000)  # has much in common with the end
        short = short_context(prompt, 320)
        assert len(short) <= 320
        assert short[:64] == prompt[:64]
        assert short[-64:] == prompt[-64:]
        assert 1990 in short[64:192]
        assert short_context(prompt, 5000) == prompt
        assert short_context(prompt, 10) == prompt[-10:]


class TestCombined:
    def test_later_drafters_go_on_below_earlier_nodes(self) -> None:
        text = [1, 2, 3, 1]
        lookup, grams = PromptLookup(length=1), TrigramTree()
        grams.count([1, 2, 8], 0)
        growth = growth_of(text)
        CombinedDrafter([lookup, grams]).session(text).grow(growth)
        assert (2, 8) in {tuple(growth.tree.path_tokens(node)) for node in range(len(growth.tree))}

    def test_what_draws_comes_first(self) -> None:
        draft = GumbelTree(small_draft_model())
        with pytest.raises(tt.ArgumentValueError, match="must be the first"):
            CombinedDrafter([PromptLookup(), draft])
        with pytest.raises(tt.ArgumentValueError, match="at least one"):
            CombinedDrafter([])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PromptLookup(longest=0), "longest must be at least 1"),
        (lambda: PromptLookup(longest=2, shortest=3), "shortest must be at most 2"),
        (lambda: SuffixLookup(depth=1), "depth must be at least 2"),
        (lambda: TokenRecycling(n_successors=0), "n_successors must be at least 1"),
        (lambda: GumbelTree(small_draft_model(), branching=(2, 0)), "branching must be at least 1"),
        (lambda: DynamicTree(small_draft_model(), threshold=0), "threshold must be greater than 0"),
    ],
)
def test_wrong_arguments(make: Callable[[], Drafter], message: str) -> None:
    with pytest.raises(tt.ArgumentValueError, match=message):
        make()
