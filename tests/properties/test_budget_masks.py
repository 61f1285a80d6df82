"""The mask within a budget is what the costs say: a token is there if and only if 1 + the cost after it fits.

Random grammars with all kinds of edges, random tokens, random walks; each token of the vocabulary is tried in
each state that a walk meets.
"""

from __future__ import annotations

import random

import pytest
from tokentrellis import Vocabulary, compile_grammar

from tests.masks import allowed_tokens
from tests.oracles.grammars import END_TOKENS, SPECIAL_TOKENS, random_grammar, random_tokens

# Two of them once failed: keys half-way between literals cost what their place among the literals says.
SEEDS = [196, 71825, *range(30)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mask_within_a_budget_is_the_rule_of_costs(seed: int) -> None:
    rng = random.Random(seed)
    grammar = random_grammar(rng)
    names = random_tokens(rng, grammar)
    vocabulary = Vocabulary(names, eos_token_ids=list(END_TOKENS), special_token_ids=SPECIAL_TOKENS)
    compiled = compile_grammar(grammar, vocabulary)
    for _ in range(4):
        matcher = compiled.matcher()
        for _ in range(8):
            costs = {}
            for token in allowed_tokens(matcher):
                matcher.accept_token(token)
                costs[token] = matcher.tokens_to_finish
                matcher.rollback(1)
            least = matcher.tokens_to_finish
            for budget in range(least, least + 4):
                expected = {token for token, cost in costs.items() if 1 + cost <= budget}
                assert set(allowed_tokens(matcher, budget)) == expected, (
                    f"{matcher.n_accepted} tokens into {grammar}"
                )
            matcher.accept_token(rng.choice(sorted(costs)))
            if matcher.is_terminated:
                break
