"""Several texts of one prompt, drawn together; vocabularies that are not the model's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.samplers.constraint import ConstraintState

from tests.decoding.test_generate import log_probability
from tests.samplers.markov import EOS, MOST, MarkovCase, WordPredicate, generator
from tests.samplers.statistics import chi_square
from tests.samplers.test_generate import PROMPT, SAMPLERS, SCHEMA, run
from tests.tiny_models import tiny_model, tiny_tokenizer

CASE = MarkovCase(6)


def compiled(grammar: tt.Grammar | None = None) -> tt.CompiledGrammar:
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    return tt.compile_grammar(grammar or tt.from_json_schema(SCHEMA), vocabulary)


@pytest.mark.parametrize("name", SAMPLERS)
def test_results_stand_where_their_prompts_do(name: str) -> None:
    prompts = [PROMPT, "12 lamps", PROMPT, PROMPT, "12 lamps"]
    results = run(prompts, sampler=SAMPLERS[name](), seed=3, max_new_tokens=20)
    for prompt, result in zip(prompts, results, strict=True):
        assert result.value in SCHEMA["enum"]
        assert result.log_prob == pytest.approx(log_probability(prompt, result.token_ids), abs=1e-3)
    again = run(prompts, sampler=SAMPLERS[name](), seed=3, max_new_tokens=20)
    assert [one.token_ids for one in again] == [one.token_ids for one in results]


def test_each_text_has_its_own_weight() -> None:
    """That of masked decoding is known from the tokens, so equal texts have equal ones."""
    weights: dict[tuple[int, ...], float] = {}
    for result in run([PROMPT] * 30, sampler=tt.MaskSampler(), seed=0, max_new_tokens=20):
        known = weights.setdefault(tuple(result.token_ids), result.log_weight)
        assert result.log_weight == pytest.approx(known, abs=1e-4)
    alone = run(sampler=tt.MaskSampler(), seed=1, max_new_tokens=20)
    assert alone.log_weight == pytest.approx(weights.get(tuple(alone.token_ids), alone.log_weight), abs=1e-4)
    assert len(weights) > 3


def test_no_text_of_a_batch_is_lost() -> None:
    """16 texts of ASAp, 8 side by side, are two batches."""
    sampler = tt.GrammarAlignedSampler("asap", batch_size=8)
    results = run([PROMPT] * 16, grammar=compiled(), sampler=sampler, seed=0, max_new_tokens=20)
    assert [result.stats.sampler["n_attempts"] for result in results] == [16] * 16


def test_rows_are_run_together() -> None:
    options: dict[str, Any] = {"grammar": compiled(), "seed": 0, "max_new_tokens": 20}
    for sampler in (tt.MaskSampler(), tt.MetropolisHastings(n_steps=2), tt.BestOf(8, tt.MaskSampler())):
        n_texts = 1 if isinstance(sampler, tt.BestOf) else 8
        counts = [result.stats.sampler for result in run([PROMPT] * n_texts, sampler=sampler, **options)]
        assert counts[0]["n_forward_passes"] <= 3 * 20
        if isinstance(sampler, tt.BestOf):
            assert len(counts[0]["scores"]) == 8


def test_one_of_several_that_has_no_end() -> None:
    class Half:
        def prefix(self, text: str) -> bool:
            return True

        def complete(self, text: str) -> bool:
            return text == "red"

    grammar = compiled(tt.from_choices(["red", "green"]))
    with pytest.raises(tt.SamplingError, match="of 40 texts came to where"):
        run([PROMPT] * 40, grammar=grammar, sampler=tt.MaskSampler(predicate=Half()), seed=0)


def test_rows_of_transformers() -> None:
    inputs = tiny_tokenizer()([PROMPT], return_tensors="pt", return_token_type_ids=False)
    sampler, grammar = tt.GrammarAlignedSampler("asap"), compiled()
    rows = tiny_model().generate(
        **inputs,
        custom_generate=tt.sample_rows,
        sampler=sampler,
        source=grammar,
        generator=generator(0),
        max_new_tokens=20,
        do_sample=True,
        top_k=0,
        num_return_sequences=8,
    )
    assert len(rows) == 8
    model = tt.CausalLanguageModel(tiny_model(), inputs["input_ids"][0].tolist())
    assert sampler.report(model, tt.Constraint(grammar, max_new_tokens=20)).n_attempts == 8


def masked_law(state: ConstraintState, probability: float = 1.0) -> dict[str, float]:
    """Of texts that are written by the grammar's mask and accepted by the predicate, by enumeration."""
    law = CASE.rows[state.token_ids[-1] if state.token_ids else EOS]
    allowed = [token for token in range(EOS + 1) if state.grammar_allows(token)]
    total = sum(law[token] for token in allowed)
    found: dict[str, float] = {}
    for token in allowed:
        if state.predicate_allows(token):
            after, share = state.after(token), probability * law[token] / total
            if after.is_finished:
                found[CASE.spell(after.token_ids)] = share
            else:
                found.update(masked_law(after, share))
    return found


@pytest.mark.parametrize("batch_size", [1, 8])
def test_chains_begin_with_any_right_text(batch_size: int) -> None:
    """Those that are looked for side by side, as well as one by one: masked decoding, given the predicate."""
    constraint = tt.Constraint(
        tt.compile_grammar(tt.from_regex("[a-e]{1,5}"), CASE.vocabulary),
        predicate=WordPredicate(CASE, prefix_is_known=False),
        max_new_tokens=MOST,
    )
    law = masked_law(constraint.start())
    law = {text: share / sum(law.values()) for text, share in law.items()}
    chains = tt.MetropolisHastings(n_steps=0, batch_size=batch_size)
    model, random = CASE.model(), generator(2)
    drawn = [next(chains.samples(model, constraint, 1, random)).text.decode() for _ in range(150)]
    assert chi_square(Counter(drawn), law) > 1e-3
    if batch_size == 8:
        assert chains.report.n_row_passes > 3 * chains.report.n_forward_passes


RUNS: dict[str, Any] = {
    "smc": lambda *run: tt.SequentialMonteCarlo(2).run(*run),
    "cars": lambda *run: list(tt.GrammarAlignedSampler().samples(*run[:2], 2, run[2])),
    "mcmc": lambda *run: list(tt.MetropolisHastings().samples(*run[:2], 2, run[2])),
    "beams": lambda *run: tt.BeamSearch(2).search(*run[:2]),
    "trie": lambda *run: tt.GrammarAlignedSampler().use_trie(*run[:2], learnt_trie()),
}


def learnt_trie() -> tt.Trie:
    sampler, model, constraint = tt.GrammarAlignedSampler(), CASE.model(), CASE.constraint()
    list(sampler.samples(model, constraint, 5, generator()))
    return sampler.trie(model, constraint)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(
    ("size", "message"), [(3, "must cover the 6 tokens"), (50, "not be more than 3 times")]
)
def test_a_model_with_other_tokens(name: str, size: int, message: str) -> None:
    model = tt.FunctionModel(lambda prefix: [-1.0] * size, vocab_size=size)
    with pytest.raises(tt.VocabularyError, match=message):
        RUNS[name](model, CASE.constraint(), generator())


def test_bytes_and_ensembles_of_other_tokens() -> None:
    small = tt.FunctionModel(lambda prefix: [-1.0] * 3, vocab_size=3)
    grammar = tt.compile_grammar(tt.from_regex("[a-e]{1,5}"), tt.byte_vocabulary())
    constraint = tt.Constraint(grammar, max_new_tokens=6)
    with pytest.raises(tt.VocabularyError, match="must cover the 6 tokens"):
        tt.SequentialMonteCarlo(2).run(tt.ByteModel(small, CASE.vocabulary), constraint, generator())
    for rule in ("product", "mixture"):
        with pytest.raises(tt.ArgumentValueError, match=r"over one vocabulary, got \[3, 6\]; bring each"):
            tt.EnsembleModel([small, CASE.model()], rule=rule).begin([(), (0,)])


def test_prompts_of_another_tokenizer() -> None:
    with pytest.raises(tt.ArgumentValueError, match=r"prompt_ids must be below [0-9]+, .* got 1000000"):
        tt.CausalLanguageModel(tiny_model(), [1, 10**6])
    with pytest.raises(tt.ArgumentTypeError, match="input_ids"):
        tt.CausalLanguageModel(tiny_model(), torch.tensor([1, 2]))


def test_an_eos_token_of_another_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_model().generation_config, "eos_token_id", 10**6)
    with pytest.raises(tt.VocabularyError, match=r"generation_config\.eos_token_id must name tokens of the"):
        run(sampler=tt.MaskSampler())


def test_what_transformers_did_not_hand_over() -> None:
    inputs = tiny_tokenizer()([PROMPT], return_tensors="pt", return_token_type_ids=False)
    options: dict[str, Any] = {
        "custom_generate": tt.sample_rows,
        "sampler": tt.MaskSampler(),
        "max_new_tokens": 5,
    }
    with pytest.raises(tt.ArgumentTypeError, match="source and generator is missing; pass source="):
        tiny_model().generate(**inputs, **options)
    with pytest.raises(tt.ArgumentTypeError, match="compile it"):
        tiny_model().generate(**inputs, **options, source=SCHEMA, generator=generator())


@pytest.mark.parametrize(
    "make",
    [
        tt.MaskSampler,
        tt.AdaptiveRejectionSampler,
        tt.GrammarAlignedSampler,
        tt.MetropolisHastings,
        tt.BeamSearch,
        lambda predicate: tt.TrieProposal(tt.Trie(), predicate=predicate),
        lambda predicate: tt.Constraint(CASE.compiled, predicate=predicate, max_new_tokens=MOST),
    ],
)
def test_predicates_are_looked_at_when_they_are_given(make: Any) -> None:
    for wrong in (len, tt.PythonPredicate, "a"):
        with pytest.raises(tt.ArgumentTypeError, match="predicate must"):
            make(predicate=wrong)
