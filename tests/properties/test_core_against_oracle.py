"""The core against the slow, obvious recogniser, on random grammars and random vocabularies.

Each seed gives a grammar with all kinds of edges, and tokens that cross every border. A matcher is walked
along random allowed tokens; at each step all that it says is compared with what the recogniser says. More
seeds are run by `python -m tests.properties.test_core_against_oracle FIRST LAST`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from tokentrellis.decoding.bitmask import allocate_bitmask
from tokentrellis.decoding.compile import CompiledGrammar, compile_grammar
from tokentrellis.decoding.errors import BudgetTooSmallError, TokenRejectedError
from tokentrellis.decoding.matcher import Matcher
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.recognizer import Recognizer, States

from tests.oracles.brute_force_mask import allowed_after
from tests.oracles.grammars import (
    END_TOKENS,
    NetworkGrammar,
    allowed_special_tokens,
    random_document,
    random_grammar,
    random_tokens,
)

SPECIALS = (0, 1)
MOST_STEPS_TO_FINISH = 60


class Case:
    """A random grammar on a random vocabulary, with the oracle for it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.grammar: NetworkGrammar = random_grammar(self.random)
        names = random_tokens(self.random, self.grammar)
        self.vocabulary = Vocabulary(
            names,
            eos_token_ids=list(END_TOKENS),
            special_token_ids=SPECIALS,
            vocab_size=len(names) + self.random.choice((0, 1, 7)),
        )
        self.tokens = self.vocabulary.tokens
        self.recognizer = Recognizer(self.grammar)
        self.compiled: CompiledGrammar = compile_grammar(self.grammar, self.vocabulary)

    def expected(self, states: States) -> set[int]:
        """What the oracle allows."""
        allowed = allowed_after(self.recognizer, states, self.tokens) | allowed_special_tokens(states)
        return allowed | set(END_TOKENS) if self.recognizer.is_accepting(states) else allowed

    def after(self, states: States, token_id: int) -> States:
        """The oracle's states after a token that is no end."""
        if token_id in SPECIALS:
            return self.recognizer.step_token(states, token_id)
        for byte in self.tokens[token_id]:
            states = self.recognizer.step(states, byte)
        return states

    def show(self, token_ids: list[int]) -> str:
        """For messages: the tokens so far."""
        return f"{[self.tokens[token] or token for token in token_ids]} in\n{self.grammar}"


def mask_of(matcher: Matcher, vocab_size: int, budget: int | None = None) -> set[int]:
    """The ids whose bits are set, padding included."""
    bitmask = allocate_bitmask(1, vocab_size)
    bitmask.fill(-1 if budget is None else 0)  # what was there before must not matter
    matcher.fill_bitmask(bitmask, budget=budget)
    bits = np.unpackbits(np.asarray(bitmask).view(np.uint8), bitorder="little")
    return set(np.flatnonzero(bits).tolist())


def check_masks(case: Case, n_steps: int = 8) -> None:
    """Masks, single checks and refusals agree with the oracle along a random walk."""
    matcher, states = case.compiled.matcher(), case.recognizer.start()
    history: list[int] = []
    for _ in range(n_steps):
        expected = case.expected(states)
        found = mask_of(matcher, case.vocabulary.vocab_size)
        assert found == expected, difference(case, found, expected) + case.show(history)
        assert matcher.is_accepting == case.recognizer.is_accepting(states), case.show(history)
        single = {case.tokens[token][0] for token in expected if len(case.tokens[token]) == 1}
        assert matcher.next_bytes() == single, case.show(history)
        check_single_tokens(case, matcher, expected, history)
        following = sorted(expected - set(END_TOKENS))
        if not following:
            break
        # Long tokens are rare among the allowed ones, and the interesting ones.
        longest = sorted(following, key=lambda token: -len(case.tokens[token]))[:5]
        token = case.random.choice(longest if case.random.random() < 0.6 else following)
        matcher.accept_token(token)
        states = case.after(states, token)
        history.append(token)


def check_single_tokens(case: Case, matcher: Matcher, expected: set[int], history: list[int]) -> None:
    """`allows_token` says the same for all ids; a token that is not allowed changes nothing."""
    for token in range(case.vocabulary.vocab_size):
        assert matcher.allows_token(token) == (token in expected), (token, case.show(history))
    refused = sorted(set(range(case.vocabulary.vocab_size)) - expected)
    before = matcher.state_id, matcher.n_accepted
    for token in case.random.sample(refused, min(3, len(refused))):
        with pytest.raises(TokenRejectedError):
            matcher.accept_token(token)
        assert matcher.try_accept_tokens([token]) == 0
        assert (matcher.state_id, matcher.n_accepted) == before


def difference(case: Case, found: set[int], expected: set[int]) -> str:
    """What a wrong mask has too much and too little."""

    def show(ids: set[int]) -> list[object]:
        return [case.tokens[token] or token for token in sorted(ids) if token < len(case.tokens)][:12]

    return f"wrongly allowed {show(found - expected)}, wrongly refused {show(expected - found)} after "


def check_rollback_and_copy(case: Case) -> None:
    """Going back restores everything; a copy goes its own way."""
    matcher, vocab_size = case.compiled.matcher(), case.vocabulary.vocab_size
    masks, steps = [mask_of(matcher, vocab_size)], 0
    for _ in range(6):
        allowed = sorted(masks[-1])
        if matcher.is_terminated or not allowed:
            break
        matcher.accept_token(case.random.choice(allowed))
        masks.append(mask_of(matcher, vocab_size) if not matcher.is_terminated else set())
        steps += 1
    other = matcher.copy()
    ended = matcher.is_terminated
    if steps:
        back = case.random.randint(1, steps)
        matcher.rollback(back)
        assert mask_of(matcher, vocab_size) == masks[steps - back]
        assert not matcher.is_terminated
    assert other.is_terminated == ended
    assert other.n_accepted == steps
    if not ended:
        assert mask_of(other, vocab_size) == masks[-1]
    other.rollback(steps)
    assert mask_of(other, vocab_size) == masks[0]
    other.reset()
    assert mask_of(other, vocab_size) == masks[0]


def check_tokenisation_does_not_matter(case: Case) -> None:
    """Equal bytes give equal masks, in a matcher that has seen nothing else too."""
    document = random_document(case.random, case.grammar, 12)
    masks = []
    for compiled in (case.compiled, case.compiled, compile_grammar(case.grammar, case.vocabulary)):
        matcher, place = compiled.matcher(), 0
        while place < len(document):
            fitting = [
                token
                for token in case.vocabulary.text_token_ids.tolist()
                if document.startswith(case.tokens[token], place)
            ]
            token = case.random.choice(fitting)
            assert matcher.allows_token(token), (document, place, case.tokens[token], str(case.grammar))
            matcher.accept_token(token)
            place += len(case.tokens[token])
        masks.append((mask_of(matcher, case.vocabulary.vocab_size), matcher.state_id))
    assert masks[0] == masks[1], (document, str(case.grammar))
    assert masks[0][0] == masks[2][0], (document, str(case.grammar))


def check_forced_tokens(case: Case) -> None:
    """Every completion begins with the bytes of the forced tokens; they are as long as they can be."""
    matcher, states = case.compiled.matcher(), case.recognizer.start()
    history: list[int] = []
    for _ in range(6):
        forced = matcher.forced_tokens()
        reached = states
        for token in forced:
            if token in END_TOKENS:
                assert token == forced[-1], case.show(history)
                assert case.recognizer.is_accepting(reached), case.show(history)
                assert not case.expected(reached) - set(END_TOKENS), case.show(history)
                break
            for byte in case.tokens[token]:
                assert not case.recognizer.is_accepting(reached), case.show(history)
                assert not allowed_special_tokens(reached), case.show(history)
                assert case.recognizer.next_bytes(reached) == {byte}, case.show(history)
                reached = case.recognizer.step(reached, byte)
        assert matcher.copy().try_accept_tokens(forced) == len(forced), case.show(history)
        if not forced:
            assert case.expected(states) == set(END_TOKENS) or (
                len(case.recognizer.next_bytes(states)) != 1
                or case.recognizer.is_accepting(states)
                or allowed_special_tokens(states)
            ), case.show(history)
        following = sorted(case.expected(states) - set(END_TOKENS))
        if not following:
            break
        token = case.random.choice(following)
        matcher.accept_token(token)
        states = case.after(states, token)
        history.append(token)


def check_finishing(case: Case) -> None:
    """`tokens_to_finish` can be met: some token lowers it by at least one, until the end is accepted."""
    vocab_size = case.vocabulary.vocab_size
    matcher = case.compiled.matcher()
    history: list[int] = []
    for _ in range(case.random.randint(0, 5)):
        allowed = sorted(mask_of(matcher, vocab_size) - set(END_TOKENS))
        if not allowed:
            break
        history.append(case.random.choice(allowed))
        matcher.accept_token(history[-1])
    for _ in range(MOST_STEPS_TO_FINISH):
        if matcher.is_terminated:
            break
        cost = matcher.tokens_to_finish
        assert 0 < cost < 1 << 20, case.show(history)
        budget = cost + case.random.choice((0, 0, 1, 5))
        within = mask_of(matcher, vocab_size, budget)
        allowed = mask_of(matcher, vocab_size)
        assert within <= allowed, case.show(history)
        for token in case.random.sample(sorted(allowed), min(6, len(allowed))):
            fits = cost_after(matcher, token) <= budget - 1
            assert (token in within) == fits, (case.tokens[token], budget, case.show(history))
        # The bound need not be tight: a smaller budget may do, but one token only ends a complete text.
        if not matcher.is_accepting:
            with pytest.raises(BudgetTooSmallError):
                mask_of(matcher, vocab_size, 1)
        within = mask_of(matcher, vocab_size, cost)
        assert within, (cost, case.show(history))
        history.append(case.random.choice(sorted(within)))
        matcher.accept_token(history[-1])
        assert matcher.tokens_to_finish <= cost - 1, case.show(history)


def cost_after(matcher: Matcher, token: int) -> int:
    """`tokens_to_finish` after one more token."""
    other = matcher.copy()
    other.accept_token(token)
    return other.tokens_to_finish


CHECKS = [
    check_masks,
    check_rollback_and_copy,
    check_tokenisation_does_not_matter,
    check_forced_tokens,
    check_finishing,
]


@lru_cache(1)
def case_of(seed: int) -> Case:
    """The case of a seed, made once for all checks."""
    return Case(seed)


def run_check(seed: int, check: Callable[[Case], None]) -> None:
    """One check, with random choices of its own."""
    case = case_of(seed)
    case.random.seed(f"{seed} {check.__name__}")
    check(case)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("seed", range(24))
def test_core_agrees_with_the_oracle(seed, check):
    run_check(seed, check)


def main(first: int, last: int) -> None:
    """Run all checks on many seeds; a few lines for each failure."""
    for seed in range(first, last):
        for check in CHECKS:
            try:
                run_check(seed, check)
            except (Exception, pytest.fail.Exception) as error:  # the report is the purpose
                print(
                    f"seed {seed} {check.__name__}: {type(error).__name__}: {str(error)[:1500]}\n", flush=True
                )
    print(f"seeds {first} to {last - 1} done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
