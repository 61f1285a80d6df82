"""Right arguments of the public names of draft trees, for tests/test_wrong_arguments.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tokentrellis as tt

from tests.tiny_models import tiny_model

DRAFTERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "CombinedDrafter": (tt.CombinedDrafter, {"drafters": [tt.PromptLookup(), tt.ForcedTokens()]}),
    "DynamicTree": (
        tt.DynamicTree,
        {
            "model": tiny_model(),
            "threshold": 0.1,
            "max_depth": 3,
            "measured": True,
            "most_prompt_tokens": 9,
        },
    ),
    "PromptLookup": (tt.PromptLookup, {"longest": 3, "shortest": 1, "length": 4}),
    "SuffixLookup": (tt.SuffixLookup, {"depth": 4, "factor": 2.0, "most_tokens": 100}),
    "GumbelTree": (
        tt.GumbelTree,
        {"model": tiny_model(), "branching": (2, 1), "most_prompt_tokens": 9},
    ),
    "OptimalTree": (tt.OptimalTree, {"model": tiny_model(), "max_depth": 3, "most_prompt_tokens": 9}),
    "StochasticBeam": (
        tt.StochasticBeam,
        {"model": tiny_model(), "width": 2, "depth": 2, "most_prompt_tokens": 9},
    ),
    "TokenRecycling": (tt.TokenRecycling, {"n_successors": 3, "max_depth": 2}),
    "TrigramTree": (tt.TrigramTree, {"exploration": 0.5, "max_depth": 3, "n_guesses": 2}),
    "Speculation": (
        tt.Speculation,
        {"drafter": tt.ForcedTokens(), "rule": "traversal", "max_nodes": 8, "adaptive": False},
    ),
}
NOT_CALLED = {"Drafter", "DraftSession", "ForcedTokens", "SpeculationStatistics"}
"""Bases, a record, and one that takes nothing."""
