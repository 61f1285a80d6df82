"""Prompts that end inside a token: masks by brute force, laws by enumeration of all token sequences."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.decoding.prompt_ends import split_where_tokens_cross
from tokentrellis.samplers import healing

from tests.samplers.markov import generator
from tests.samplers.statistics import chi_square, standard_score
from tests.samplers.test_constraint import mask_of
from tests.tiny_models import tiny_model, tiny_tokenizer

TOKENS = [b"a", b"b", b"ab", b"ba", b"aab", b"ab", b"bb"]  # two ids have one text
EOS = len(TOKENS)
VOCABULARY = tt.Vocabulary([*TOKENS, b""], eos_token_ids=[EOS])
COMPILED = tt.compile_grammar(tt.from_regex("b?(ab|a)b{0,2}"), VOCABULARY)
TAIL = b"ba"
MOST = 5


@cache
def law(tokens: tuple[int, ...]) -> tuple[float, ...]:
    """Any law: it depends on all tokens, so that each way to cut a text has another future."""
    return tuple(np.random.default_rng([7, *tokens]).dirichlet(np.ones(EOS + 1)))


def model() -> tt.FunctionModel:
    return tt.FunctionModel(lambda tokens: np.log(law(tokens)).tolist(), vocab_size=EOS + 1)


def is_right(text: bytes, has_grammar: bool) -> bool:
    return COMPILED.grammar.accepts(text) if has_grammar else True


@cache
def outputs(has_grammar: bool) -> dict[tuple[int, ...], float]:
    """Every token sequence whose text is the tail and a right text, EOS included, with its probability."""
    found = {}
    for length in range(1, MOST):
        for tokens in itertools.product(range(EOS), repeat=length):
            spelled = b"".join(TOKENS[token] for token in tokens)
            if spelled.startswith(TAIL) and is_right(spelled[len(TAIL) :], has_grammar):
                path = (*tokens, EOS)
                found[path] = math.prod(law(path[:i])[token] for i, token in enumerate(path))
    return found


def constraint(has_grammar: bool, most: int = MOST, **options: Any) -> tt.Constraint:
    source = COMPILED if has_grammar else VOCABULARY
    return tt.Constraint(source, max_new_tokens=most, tail=TAIL, **options)


@pytest.mark.parametrize("most", [2, 3, MOST])
@pytest.mark.parametrize("has_grammar", [True, False])
def test_masks_are_those_of_brute_force(has_grammar: bool, most: int) -> None:
    """Everywhere: a token may come if and only if some output goes on with it, within the budget."""
    goes_on: dict[tuple[int, ...], set[int]] = {}
    for path in outputs(has_grammar):
        for i, token in enumerate(path):
            if len(path) <= most:
                goes_on.setdefault(path[:i], set()).add(token)
    if not goes_on:
        with pytest.raises(tt.BudgetTooSmallError):
            constraint(has_grammar, most)
    for prefix, tokens in goes_on.items():
        state = constraint(has_grammar, most).start()
        for token in prefix:
            state = state.after(token)
        assert set(mask_of(state)) == tokens
        assert {token for token in range(EOS + 3) if state.allows(token)} == tokens
        spelled = b"".join(TOKENS[token] for token in prefix)
        assert state.text == spelled[len(TAIL) :]
        for place in range(len(prefix)):
            assert set(mask_of(state.before(place))) == goes_on[prefix[:place]]


@pytest.mark.parametrize("has_grammar", [True, False])
@pytest.mark.parametrize(
    "sampler", [tt.GrammarAlignedSampler("cars"), tt.MetropolisHastings("prefix", n_steps=25, batch_size=200)]
)
def test_the_law_is_that_of_enumeration(sampler: Any, has_grammar: bool) -> None:
    total = sum(outputs(has_grammar).values())
    draws = sampler.samples(model(), constraint(has_grammar), 400, generator(3))
    found = Counter(draw.token_ids for draw in draws)
    assert chi_square(found, {path: p / total for path, p in outputs(has_grammar).items()}) > 1e-3


@pytest.mark.parametrize("proposal", [tt.MaskSampler(), tt.AdaptiveRejectionSampler()], ids=["mask", "awrs"])
def test_weights_are_unbiased(proposal: tt.TokenSampler) -> None:
    random = generator(4)
    sampler = tt.SequentialMonteCarlo(8, proposal=proposal)
    weights = [math.exp(sampler.run(model(), constraint(True), random).log_evidence) for _ in range(150)]
    assert abs(standard_score(weights, sum(outputs(True).values()))) < 4.5


def test_bytes_say_the_same() -> None:
    """The law of the text after the tail, by the byte-level model of the same tokens."""
    texts: Counter[bytes] = Counter()
    for path, p in outputs(True).items():
        texts[b"".join(TOKENS[token] for token in path[:-1])] += p  # type: ignore[assignment]
    rows = tt.ByteModel(model(), VOCABULARY)
    for text, wanted in texts.items():
        if len(text) > MOST - 1:  # the budget leaves out ways to cut longer ones
            continue
        at = rows.begin()
        found = 0.0
        for byte in text:
            found += float(at.log_probs[0, byte])
            at.advance([0], [byte])
        assert math.exp(found + float(at.log_probs[0, 256])) == pytest.approx(wanted, rel=1e-9)


def test_a_predicate_sees_the_text_alone() -> None:
    asked = []

    class Asks:
        def prefix(self, text: str) -> bool:
            asked.append(text)
            return not text.startswith("b")

        complete = prefix

    sampler = tt.GrammarAlignedSampler("cars", predicate=Asks(), batch_size=16)
    found = {d.text for d in sampler.samples(model(), constraint(True, predicate=Asks()), 60, generator())}
    assert found == {b"a", b"ab", b"abb", b"abbb"}
    assert not any(text.startswith("ba") and len(text) > 4 for text in asked)


def test_how_much_is_given_back() -> None:
    vocabulary = tt.Vocabulary([b"http", b":", b"//", b"://", b"x", b"tp://", b""], eos_token_ids=[6])
    assert split_where_tokens_cross(vocabulary, [4, 0, 1]) == ([4, 0], b":")
    assert split_where_tokens_cross(vocabulary, [1, 4]) == ([1, 4], b"")  # nothing begins with "x"
    assert split_where_tokens_cross(vocabulary, [4, 1, 2]) == ([4, 1, 2], b"")
    assert split_where_tokens_cross(vocabulary, [1]) == ([1], b"")
    assert split_where_tokens_cross(vocabulary, [4, 1, 6]) == ([4, 1, 6], b"")
    longer = tt.Vocabulary([b"t", b"p", b"x", b"tp:", b""], eos_token_ids=[4])
    assert split_where_tokens_cross(longer, [2, 0, 1]) == ([2], b"tp")  # over two tokens


@pytest.mark.parametrize(
    "sampler",
    [
        tt.MaskSampler(),
        tt.SequentialMonteCarlo(4),
        tt.GrammarAlignedSampler("asap"),
        tt.MetropolisHastings(n_steps=2),
        tt.BeamSearch(2),
        tt.BestOf(2, tt.MaskSampler(), score=len),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_through_generate(sampler: Any) -> None:
    """The prompt ends in a token that longer ones begin with; the text goes on where the prompt ended."""
    prompt = 'The order: {"name'
    tokenizer = tiny_tokenizer()
    grammar = tt.from_regex('s?": "[a-z]{1,3}"')
    result = tt.generate(
        tiny_model(), tokenizer, prompt, grammar=grammar, sampler=sampler, heal_prompt=True, seed=1
    )
    assert grammar.accepts(result.text)
    spelled = tokenizer.decode(result.token_ids, skip_special_tokens=True)
    assert spelled.endswith(result.text)
    tail = spelled[: -len(result.text)]
    assert tail
    assert prompt.endswith(tail)


def test_what_does_not_go_together() -> None:
    def run(**options: Any) -> Any:
        return tt.generate(tiny_model(), tiny_tokenizer(), "Ann", heal_prompt=True, **options)

    class Ignores(tt.MaskSampler):
        def draw(self, task: Any, generator: Any) -> Any:
            return super().draw(type(task)(**{**vars(task), "tail": b""}), generator)

    digits = tt.from_regex("[0-9]{2}")
    with pytest.raises(tt.ConstraintError, match="needs a sampler"):
        run(grammar=digits)
    with pytest.raises(tt.ConstraintError, match="length exclude"):
        run(length=tt.Length(words=2), sampler=tt.MaskSampler())
    with pytest.raises(tt.SamplingError, match="and then what the grammar allows"):
        tt.generate(
            tiny_model(),
            tiny_tokenizer(),
            '{"na',
            heal_prompt=True,
            grammar=digits,
            sampler=Ignores(),
            seed=0,
        )
    with pytest.raises(tt.BudgetTooSmallError):
        tt.Constraint(COMPILED, max_new_tokens=2, tail=b"ba")
    for wrong in (b"x", b"a" * 5000):
        with pytest.raises(tt.ArgumentValueError, match="tail must"):
            tt.Constraint(COMPILED, max_new_tokens=9, tail=wrong)
    with pytest.raises(tt.ArgumentTypeError, match="tail must"):
        tt.Constraint(COMPILED, max_new_tokens=9, tail="a")  # type: ignore[arg-type]
    with pytest.raises(tt.TokenRejectedError, match="expected 'ba'"):
        constraint(True).start().after(0)


# ---- planted bugs ---------------------------------------------------------------------------------------


def test_a_tail_in_its_own_tokens_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token goes beyond the end of the prompt: that is what healing is there to allow."""
    inside = healing.Tail.finish_after
    monkeypatch.setattr(
        healing.Tail, "finish_after", lambda self, begun: healing.NEVER if begun else inside(self, begun)
    )
    total = sum(outputs(True).values())
    draws = tt.GrammarAlignedSampler("cars").samples(model(), constraint(True), 400, generator(3))
    found = Counter(draw.token_ids for draw in draws)
    assert chi_square(found, {path: p / total for path, p in outputs(True).items()}) < 1e-6
