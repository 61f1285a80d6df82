"""tokentrellis: language model output that obeys a grammar, fits its budget, and always ends.

The public names, and where each one lives. A name is loaded when it is first asked for (PEP 562), so that
`import tokentrellis` costs a few milliseconds; torch and transformers are loaded for those who use them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .decoding.bitmask import allocate_bitmask, apply_bitmask, fill_bitmasks
    from .decoding.compile import CompiledGrammar, compile_grammar
    from .decoding.compiled_length import CompiledLength, compile_length
    from .decoding.countdown import Countdown
    from .decoding.countdown_model import add_countdown, load_countdown_model
    from .decoding.countdown_training import CountdownCollator, countdown_examples
    from .decoding.errors import (
        ArgumentIndexError,
        ArgumentTypeError,
        ArgumentValueError,
        BudgetTooSmallError,
        NoAllowedTokenError,
        SamplingError,
        TokenRejectedError,
        UnsupportedModelError,
        VocabularyError,
    )
    from .decoding.generate import generate
    from .decoding.length import Length
    from .decoding.length_bands import LengthScore, LengthScores, count_words, score_lengths
    from .decoding.length_bias import (
        LengthAdjustment,
        LengthApproximation,
        LengthObservations,
        observe_lengths,
    )
    from .decoding.length_matcher import LengthMatcher
    from .decoding.length_measures import LengthMeasure
    from .decoding.length_strategies import LengthOutcome, LengthStep, control_length
    from .decoding.length_tokens import LengthTokens
    from .decoding.matcher import Matcher
    from .decoding.model_writer import ModelWriter
    from .decoding.partial_json import ClosedValue, PartialJson, partial_json
    from .decoding.processors import GrammarProcessor
    from .decoding.response_lengths import (
        LengthSummary,
        PromptResponses,
        ResponseLengths,
        measure_responses,
    )
    from .decoding.responses import CallCost, Response
    from .decoding.results import Result, Statistics
    from .decoding.self_terminating_model import SelfTerminatingConfig, SelfTerminatingModel
    from .decoding.speculative import SpeculationStatistics
    from .decoding.termination import TerminationProcessor
    from .decoding.token_automaton import TokenAutomaton
    from .decoding.trace_recorder import TraceRecorder
    from .decoding.traces import Alternative, Trace, TraceStep
    from .decoding.vocabulary import Vocabulary
    from .grammars.call_formats import CallFormat
    from .grammars.captures import Captured, CaptureReader
    from .grammars.choices import from_choices
    from .grammars.conversion import convert_grammar
    from .grammars.ebnf import from_ebnf
    from .grammars.errors import (
        ConstraintError,
        GrammarError,
        GrammarSyntaxError,
        GrammarWarning,
        LimitExceededError,
        UnresolvedReferenceError,
        UnsatisfiableError,
        UnsupportedFeatureError,
    )
    from .grammars.gbnf import from_gbnf
    from .grammars.grammar import Grammar
    from .grammars.graph import GrammarGraph, grammar_graph
    from .grammars.json_schema import from_json_schema
    from .grammars.lark import from_lark
    from .grammars.library import LIBRARY, from_library
    from .grammars.parts import (
        alternatives,
        capture,
        free_text,
        intersection,
        json_lines,
        repeat,
        sequence,
        special_token,
        text_until,
    )
    from .grammars.regex import from_regex
    from .grammars.structural_tags import StructuralTag, TagCall, from_structural_tags
    from .grammars.tool_calls import ToolCall, parse_calls
    from .grammars.tools import from_tools
    from .samplers.beam_search import Beam, BeamSearch
    from .samplers.best_of import BestOf
    from .samplers.byte_model import ByteModel, byte_vocabulary, split_prompt
    from .samplers.causal_model import CausalLanguageModel
    from .samplers.constraint import Constraint, Predicate
    from .samplers.custom_generate import sample_rows
    from .samplers.draft_combined import CombinedDrafter
    from .samplers.draft_dynamic import DynamicTree
    from .samplers.draft_forced import ForcedTokens
    from .samplers.draft_lookup import PromptLookup, SuffixLookup
    from .samplers.draft_model import GumbelTree, OptimalTree, StochasticBeam
    from .samplers.draft_recycling import TokenRecycling
    from .samplers.draft_session import DraftSession
    from .samplers.draft_trigrams import TrigramTree
    from .samplers.drafter import Drafter
    from .samplers.ensemble import EnsembleModel
    from .samplers.grammar_aligned import AlignedReport, GrammarAlignedSampler
    from .samplers.language_model import FunctionModel
    from .samplers.metropolis_hastings import MetropolisHastings
    from .samplers.particles import Particle, Particles
    from .samplers.predicates import (
        JsonPredicate,
        PythonPredicate,
        RegexPredicate,
        SmilesPredicate,
        SqlPredicate,
    )
    from .samplers.program import Capture, Program
    from .samplers.program_batch import run_programs
    from .samplers.rejection import AdaptiveRejectionSampler
    from .samplers.sequential_monte_carlo import SequentialMonteCarlo
    from .samplers.speculation import Speculation
    from .samplers.token_sampler import MaskSampler
    from .samplers.trie import Trie
    from .samplers.twist import TrieProposal

__version__ = "0.1.0"

_NAMES_OF_MODULE = {
    ".decoding.bitmask": ("allocate_bitmask", "apply_bitmask", "fill_bitmasks"),
    ".decoding.compile": ("CompiledGrammar", "compile_grammar"),
    ".decoding.countdown": ("Countdown",),
    ".decoding.countdown_model": ("add_countdown", "load_countdown_model"),
    ".decoding.countdown_training": ("CountdownCollator", "countdown_examples"),
    ".decoding.errors": (
        "ArgumentIndexError",
        "ArgumentTypeError",
        "ArgumentValueError",
        "BudgetTooSmallError",
        "NoAllowedTokenError",
        "SamplingError",
        "TokenRejectedError",
        "UnsupportedModelError",
        "VocabularyError",
    ),
    ".decoding.generate": ("generate",),
    ".decoding.results": ("Result", "Statistics"),
    ".decoding.length_bands": ("LengthScore", "LengthScores", "count_words", "score_lengths"),
    ".decoding.length_bias": (
        "LengthAdjustment",
        "LengthApproximation",
        "LengthObservations",
        "observe_lengths",
    ),
    ".decoding.length_measures": ("LengthMeasure",),
    ".decoding.length_strategies": ("LengthOutcome", "LengthStep", "control_length"),
    ".decoding.length_tokens": ("LengthTokens",),
    ".decoding.matcher": ("Matcher",),
    ".decoding.model_writer": ("ModelWriter",),
    ".decoding.partial_json": ("ClosedValue", "PartialJson", "partial_json"),
    ".decoding.processors": ("GrammarProcessor",),
    ".decoding.self_terminating_model": ("SelfTerminatingConfig", "SelfTerminatingModel"),
    ".decoding.termination": ("TerminationProcessor",),
    ".decoding.response_lengths": (
        "LengthSummary",
        "PromptResponses",
        "ResponseLengths",
        "measure_responses",
    ),
    ".decoding.responses": ("CallCost", "Response"),
    ".decoding.token_automaton": ("TokenAutomaton",),
    ".decoding.length": ("Length",),
    ".decoding.compiled_length": ("CompiledLength", "compile_length"),
    ".decoding.length_matcher": ("LengthMatcher",),
    ".decoding.trace_recorder": ("TraceRecorder",),
    ".decoding.traces": ("Alternative", "Trace", "TraceStep"),
    ".decoding.vocabulary": ("Vocabulary",),
    ".grammars.call_formats": ("CallFormat",),
    ".grammars.choices": ("from_choices",),
    ".grammars.conversion": ("convert_grammar",),
    ".grammars.ebnf": ("from_ebnf",),
    ".grammars.errors": (
        "ConstraintError",
        "GrammarError",
        "GrammarSyntaxError",
        "GrammarWarning",
        "LimitExceededError",
        "UnresolvedReferenceError",
        "UnsatisfiableError",
        "UnsupportedFeatureError",
    ),
    ".grammars.captures": ("Captured", "CaptureReader"),
    ".grammars.gbnf": ("from_gbnf",),
    ".grammars.grammar": ("Grammar",),
    ".grammars.graph": ("GrammarGraph", "grammar_graph"),
    ".grammars.json_schema": ("from_json_schema",),
    ".grammars.lark": ("from_lark",),
    ".grammars.library": ("LIBRARY", "from_library"),
    ".grammars.parts": (
        "alternatives",
        "capture",
        "free_text",
        "intersection",
        "json_lines",
        "repeat",
        "sequence",
        "special_token",
        "text_until",
    ),
    ".grammars.regex": ("from_regex",),
    ".grammars.structural_tags": ("StructuralTag", "TagCall", "from_structural_tags"),
    ".grammars.tool_calls": ("ToolCall", "parse_calls"),
    ".grammars.tools": ("from_tools",),
    ".samplers.beam_search": ("Beam", "BeamSearch"),
    ".samplers.best_of": ("BestOf",),
    ".samplers.byte_model": ("ByteModel", "byte_vocabulary", "split_prompt"),
    ".samplers.causal_model": ("CausalLanguageModel",),
    ".samplers.constraint": ("Constraint", "Predicate"),
    ".samplers.custom_generate": ("sample_rows",),
    ".samplers.ensemble": ("EnsembleModel",),
    ".samplers.grammar_aligned": ("AlignedReport", "GrammarAlignedSampler"),
    ".samplers.language_model": ("FunctionModel",),
    ".samplers.metropolis_hastings": ("MetropolisHastings",),
    ".samplers.particles": ("Particle", "Particles"),
    ".samplers.program": ("Capture", "Program"),
    ".samplers.program_batch": ("run_programs",),
    ".samplers.predicates": (
        "JsonPredicate",
        "PythonPredicate",
        "RegexPredicate",
        "SmilesPredicate",
        "SqlPredicate",
    ),
    ".samplers.rejection": ("AdaptiveRejectionSampler",),
    ".samplers.sequential_monte_carlo": ("SequentialMonteCarlo",),
    ".samplers.token_sampler": ("MaskSampler",),
    ".samplers.trie": ("Trie",),
    ".samplers.twist": ("TrieProposal",),
    ".decoding.speculative": ("SpeculationStatistics",),
    ".samplers.draft_combined": ("CombinedDrafter",),
    ".samplers.draft_dynamic": ("DynamicTree",),
    ".samplers.draft_forced": ("ForcedTokens",),
    ".samplers.draft_lookup": (
        "PromptLookup",
        "SuffixLookup",
    ),
    ".samplers.draft_model": (
        "GumbelTree",
        "OptimalTree",
        "StochasticBeam",
    ),
    ".samplers.draft_session": ("DraftSession",),
    ".samplers.draft_recycling": ("TokenRecycling",),
    ".samplers.draft_trigrams": ("TrigramTree",),
    ".samplers.drafter": ("Drafter",),
    ".samplers.speculation": ("Speculation",),
}
_MODULE_OF_NAME = {name: module for module, names in _NAMES_OF_MODULE.items() for name in names}

__all__ = [  # noqa: RUF022  (in the order in which they are used)
    "Vocabulary",
    "Grammar",
    "from_json_schema",
    "from_regex",
    "from_choices",
    "from_lark",
    "from_gbnf",
    "from_library",
    "LIBRARY",
    "from_ebnf",
    "sequence",
    "alternatives",
    "repeat",
    "free_text",
    "text_until",
    "special_token",
    "json_lines",
    "intersection",
    "from_tools",
    "capture",
    "Captured",
    "CaptureReader",
    "parse_calls",
    "ToolCall",
    "CallFormat",
    "from_structural_tags",
    "StructuralTag",
    "TagCall",
    "convert_grammar",
    "grammar_graph",
    "GrammarGraph",
    "compile_grammar",
    "CompiledGrammar",
    "Matcher",
    "Length",
    "compile_length",
    "CompiledLength",
    "LengthMatcher",
    "allocate_bitmask",
    "fill_bitmasks",
    "apply_bitmask",
    "GrammarProcessor",
    "TerminationProcessor",
    "TokenAutomaton",
    "SelfTerminatingModel",
    "SelfTerminatingConfig",
    "generate",
    "Result",
    "Statistics",
    "Trace",
    "TraceStep",
    "Alternative",
    "TraceRecorder",
    "MaskSampler",
    "AdaptiveRejectionSampler",
    "SequentialMonteCarlo",
    "GrammarAlignedSampler",
    "MetropolisHastings",
    "BeamSearch",
    "Beam",
    "BestOf",
    "sample_rows",
    "TrieProposal",
    "Trie",
    "Predicate",
    "JsonPredicate",
    "PythonPredicate",
    "RegexPredicate",
    "SmilesPredicate",
    "SqlPredicate",
    "Constraint",
    "CausalLanguageModel",
    "FunctionModel",
    "ByteModel",
    "byte_vocabulary",
    "split_prompt",
    "EnsembleModel",
    "Particles",
    "Particle",
    "AlignedReport",
    "Drafter",
    "DraftSession",
    "Speculation",
    "SpeculationStatistics",
    "ForcedTokens",
    "PromptLookup",
    "SuffixLookup",
    "TokenRecycling",
    "TrigramTree",
    "GumbelTree",
    "StochasticBeam",
    "OptimalTree",
    "DynamicTree",
    "CombinedDrafter",
    "partial_json",
    "PartialJson",
    "ClosedValue",
    "Program",
    "Capture",
    "run_programs",
    "Countdown",
    "add_countdown",
    "load_countdown_model",
    "countdown_examples",
    "CountdownCollator",
    "LengthTokens",
    "score_lengths",
    "LengthScores",
    "LengthScore",
    "count_words",
    "LengthMeasure",
    "ModelWriter",
    "Response",
    "CallCost",
    "control_length",
    "LengthOutcome",
    "LengthStep",
    "observe_lengths",
    "LengthObservations",
    "LengthAdjustment",
    "LengthApproximation",
    "measure_responses",
    "ResponseLengths",
    "PromptResponses",
    "LengthSummary",
    "ConstraintError",
    "GrammarError",
    "GrammarSyntaxError",
    "GrammarWarning",
    "UnsupportedFeatureError",
    "UnresolvedReferenceError",
    "UnsatisfiableError",
    "LimitExceededError",
    "VocabularyError",
    "TokenRejectedError",
    "NoAllowedTokenError",
    "BudgetTooSmallError",
    "SamplingError",
    "UnsupportedModelError",
    "ArgumentTypeError",
    "ArgumentValueError",
    "ArgumentIndexError",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF_NAME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
