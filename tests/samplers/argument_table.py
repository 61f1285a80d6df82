"""Right arguments of the public names of the samplers, for tests/test_wrong_arguments.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import tokentrellis as tt
import torch

from tests.tiny_models import tiny_model

VOCABULARY = tt.Vocabulary([b"a", b"b", b"ab", b""], eos_token_ids=[3])
COMPILED = tt.compile_grammar(tt.from_regex("(ab){1,3}"), VOCABULARY)
MODEL = tt.FunctionModel(lambda prefix: [-1.386] * 4, vocab_size=4)
CONSTRAINT = tt.Constraint(COMPILED, max_new_tokens=8)
PREDICATE = tt.RegexPredicate("(ab)*")
PARTICLES = tt.SequentialMonteCarlo(2).run(MODEL, CONSTRAINT, torch.Generator().manual_seed(0))
TRIE = tt.Trie()
RUN = {"model": MODEL, "constraint": CONSTRAINT, "generator": torch.Generator()}


def sample_all(sampler: Any, **arguments: Any) -> list[Any]:
    return list(itertools.islice(sampler.samples(**arguments), 3))  # n may be 2**70


SAMPLERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "FunctionModel": (tt.FunctionModel, {"function": lambda prefix: [0.0], "vocab_size": 1}),
    "CausalLanguageModel": (
        tt.CausalLanguageModel,
        {
            "model": tiny_model(),
            "prompt_ids": [5, 6],
            "temperature": 1.0,
            "top_k": 3,
            "top_p": 0.9,
            "min_p": 0.1,
            "keeps_coverage": False,
        },
    ),
    "Constraint": (
        tt.Constraint,
        {"source": COMPILED, "predicate": PREDICATE, "max_new_tokens": 9, "tail": b"ab"},
    ),
    "MaskSampler": (tt.MaskSampler, {"predicate": PREDICATE}),
    "AdaptiveRejectionSampler": (
        tt.AdaptiveRejectionSampler,
        {
            "predicate": PREDICATE,
            "estimator": "geometric",
            "max_accepts": 3,
            "max_rejections": 5,
            "mask_after": 4,
            "uses_mask": True,
        },
    ),
    "SequentialMonteCarlo": (
        tt.SequentialMonteCarlo,
        {
            "n_particles": 2,
            "proposal": tt.MaskSampler(),
            "resampling": "residual",
            "threshold": 0.5,
            "critic": lambda text, is_complete: 0.0,
        },
    ),
    "SequentialMonteCarlo.run": (tt.SequentialMonteCarlo(2).run, RUN),
    "Particles.draw": (PARTICLES.draw, {"generator": torch.Generator()}),
    "GrammarAlignedSampler": (
        tt.GrammarAlignedSampler,
        {
            "method": "asap",
            "predicate": PREDICATE,
            "batch_size": 2,
            "max_attempts": 9,
            "max_bytes": 1000,
        },
    ),
    "GrammarAlignedSampler.samples": (
        lambda **arguments: sample_all(tt.GrammarAlignedSampler(batch_size=4), **arguments),
        {**RUN, "n": 2},
    ),
    "GrammarAlignedSampler.use_trie": (
        tt.GrammarAlignedSampler().use_trie,
        {"model": MODEL, "constraint": CONSTRAINT, "trie": TRIE},
    ),
    "MetropolisHastings": (
        tt.MetropolisHastings,
        {"cut": "prefix", "n_steps": 1, "predicate": PREDICATE, "batch_size": 1, "max_attempts": 5},
    ),
    "MetropolisHastings.samples": (
        lambda **arguments: sample_all(tt.MetropolisHastings(n_steps=1), **arguments),
        {**RUN, "n": 2},
    ),
    "BeamSearch": (
        tt.BeamSearch,
        {
            "n_beams": 2,
            "length_penalty": 0.5,
            "coverage_penalty": 0.0,
            "n_groups": 2,
            "diversity_penalty": 1.0,
            "predicate": PREDICATE,
        },
    ),
    "BeamSearch.search": (tt.BeamSearch(2).search, {"model": MODEL, "constraint": CONSTRAINT}),
    "BestOf": (tt.BestOf, {"n": 2, "sampler": tt.MaskSampler(), "score": len}),
    "Trie": (tt.Trie, {"max_bytes": 1000}),
    "TrieProposal": (tt.TrieProposal, {"trie": TRIE, "predicate": PREDICATE}),
    "ByteModel": (
        tt.ByteModel,
        {"model": MODEL, "vocabulary": VOCABULARY, "tail": b"a", "max_hypotheses": 3, "min_share": 0.01},
    ),
    "byte_vocabulary": (tt.byte_vocabulary, {}),
    "split_prompt": (tt.split_prompt, {"vocabulary": VOCABULARY, "prompt_ids": [0, 1], "n_tokens": 1}),
    "EnsembleModel": (tt.EnsembleModel, {"models": [MODEL, MODEL], "weights": [1, 2], "rule": "mixture"}),
    "JsonPredicate": (lambda rule: tt.JsonPredicate(rule), {"rule": bool}),
    "PythonPredicate": (tt.PythonPredicate, {}),
    "RegexPredicate": (tt.RegexPredicate, {"pattern": "a+"}),
    "SqlPredicate": (tt.SqlPredicate, {"schema": {"t": ["a"]}, "dialect": "sqlite"}),
    "SmilesPredicate": (tt.SmilesPredicate, {}),
}

NOT_CALLED = {"Predicate", "Particle", "Particles", "AlignedReport", "Beam", "sample_rows"}
"""Records, a protocol, and what transformers calls (tests/samplers/test_generate.py)."""
