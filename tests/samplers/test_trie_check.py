"""A trie is taken for the model, prompt and constraint that it was learnt with, and for no others."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.samplers.trie_check import MOST_PLACES

from tests.samplers.markov import generator
from tests.tiny_models import tiny_model, tiny_tokenizer

VOCABULARY = tt.Vocabulary([b"{", b"a", b"b", b"}", b""], eos_token_ids=[4])
LAW = [0.2, 0.3, 0.3, 0.1, 0.1]


def model_with(changed: list[float], after: tuple[int, ...]) -> tt.FunctionModel:
    """A model whose law is another one after some tokens, and equal everywhere else."""
    return tt.FunctionModel(
        lambda prefix: [math.log(value) for value in (changed if prefix == after else LAW)], vocab_size=5
    )


def constraint_of(pattern: str = "\\{[ab]{1,4}\\}", **options: Any) -> tt.Constraint:
    compiled = tt.compile_grammar(tt.from_regex(pattern), VOCABULARY)
    return tt.Constraint(compiled, **{"max_new_tokens": 8, **options})


def learnt(model: tt.FunctionModel, constraint: tt.Constraint) -> tt.Trie:
    sampler = tt.GrammarAlignedSampler("asap")
    list(sampler.samples(model, constraint, 200, generator(0)))
    return sampler.trie(model, constraint)


def test_a_difference_behind_the_first_token_is_found() -> None:
    model, constraint = model_with(LAW, ()), constraint_of()
    trie = learnt(model, constraint)
    sampler = tt.GrammarAlignedSampler()
    sampler.use_trie(model, constraint, trie)
    assert sampler.report(model, constraint).bound == trie.bound < 1
    other = model_with([0.2, 0.05, 0.55, 0.1, 0.1], (0,))
    with pytest.raises(tt.ArgumentValueError, match=r"after b'\{' it has the law of another model"):
        sampler.use_trie(other, constraint, trie)


def test_rounding_is_let_pass() -> None:
    model, constraint = model_with(LAW, ()), constraint_of()
    rounded = model_with([0.202, 0.305, 0.294, 0.099, 0.1], (0,))
    tt.GrammarAlignedSampler().use_trie(rounded, constraint, learnt(model, constraint))


def test_a_tiny_share_of_the_law_counts() -> None:
    """What is allowed has a thousandth of the law; twice of that is another prompt."""
    small = [0.00001, 0.4998, 0.4, 0.1, 0.00019]
    model, constraint = model_with(small, ()), constraint_of()
    trie = learnt(model, constraint)
    with pytest.raises(tt.ArgumentValueError, match="another model, prompt, temperature"):
        tt.GrammarAlignedSampler().use_trie(model_with([0.00002, 0.49979, *small[2:]], ()), constraint, trie)


class WithoutBothLetters:
    def prefix(self, text: str) -> bool:
        return "a" not in text and "b" not in text

    def complete(self, text: str) -> bool:
        return True


@pytest.mark.parametrize(
    "other",
    [
        {"pattern": "\\{[ab]{1,4}\\}a?"},
        {"pattern": "\\{a{1,4}\\}"},
        {"max_new_tokens": 4},
        {"predicate": WithoutBothLetters()},
    ],
)
def test_other_constraints(other: dict[str, Any]) -> None:
    model = model_with(LAW, ())
    trie = learnt(model, constraint_of())
    with pytest.raises(tt.ArgumentValueError, match="another grammar, predicate or budget"):
        tt.GrammarAlignedSampler().use_trie(model, constraint_of(**other), trie)


def test_an_empty_trie_fits_all() -> None:
    tt.GrammarAlignedSampler().use_trie(model_with(LAW, ()), constraint_of(), tt.Trie())


def test_a_long_text_is_one_batch() -> None:
    model, constraint = model_with(LAW, ()), constraint_of("\\{a{100}\\}", max_new_tokens=110)
    trie = learnt(model, constraint)
    before = model.n_forward_passes, model.n_row_passes
    tt.GrammarAlignedSampler().use_trie(model, constraint, trie)
    assert (model.n_forward_passes, model.n_row_passes) == (before[0] + 1, before[1] + MOST_PLACES)


def test_prompts_and_temperatures_of_a_causal_model() -> None:
    tokenizer = tiny_tokenizer()
    vocabulary = tt.Vocabulary.from_tokenizer(tokenizer)
    constraint = tt.Constraint(
        tt.compile_grammar(tt.from_choices(["red", "green"]), vocabulary), max_new_tokens=9
    )
    ids = tokenizer("Ann Lee is")["input_ids"]
    sampler = tt.GrammarAlignedSampler("asap")
    model = tt.CausalLanguageModel(tiny_model(), ids)
    list(sampler.samples(model, constraint, 20, generator(1)))
    trie = sampler.trie(model, constraint)
    tt.GrammarAlignedSampler().use_trie(tt.CausalLanguageModel(tiny_model(), ids), constraint, trie)
    for other in (
        tt.CausalLanguageModel(tiny_model(), ids, temperature=0.2),
        tt.CausalLanguageModel(tiny_model(), tokenizer("12 lamps")["input_ids"], temperature=0.5),
    ):
        with pytest.raises(tt.ArgumentValueError, match="must have been learnt with"):
            tt.GrammarAlignedSampler().use_trie(other, constraint, trie)


def test_a_twist_of_another_constraint() -> None:
    """Tokens that the trie does not have would never be drawn."""
    model = model_with(LAW, ())
    proposal = tt.TrieProposal(learnt(model, constraint_of("\\{a{1,4}\\}")))
    with pytest.raises(tt.ArgumentValueError, match=r"which allows other tokens after b'\{'"):
        tt.SequentialMonteCarlo(4, proposal=proposal).run(model, constraint_of(), generator(0))
