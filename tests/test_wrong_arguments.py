"""Every argument of every public function, given what it does not take: an error of our family, or it works.

A wrong value may be right by chance (an empty list of tokens to accept); what must never come out is an error
from somewhere inside that says nothing to a user.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
import torch
from tokentrellis.models import load_model

from tests.samplers import argument_table, drafter_arguments, program_arguments
from tests.tiny_models import tiny_model, tiny_tokenizer

PROCESSORS = (tt.GrammarProcessor, tt.TerminationProcessor)  # called without names
WRONG: list[Any] = [None, 3, -1, "x", [], {}, 2**70, 1.5, b"x", [None], [-1], object(), True]

VOCABULARY = tt.Vocabulary([b"a", b"b", b"ab", b""], eos_token_ids=[3])
GRAMMAR = tt.from_regex("(ab){1,3}")
TWO_MARKS = tt.CallFormat("two", ("[«name»]«arguments»",))
COMPILED = tt.compile_grammar(GRAMMAR, VOCABULARY)
AUTOMATON = COMPILED.token_automaton()
SELF_TERMINATING = tt.SelfTerminatingModel.from_model(tiny_model(), epsilon=0.1)


LENGTH_TOKENIZER = copy.deepcopy(tiny_tokenizer())
LENGTH_TOKENS = tt.LengthTokens.add_to(LENGTH_TOKENIZER, copy.deepcopy(tiny_model()))


WRITER = tt.ModelWriter(tiny_model(), tiny_tokenizer(), max_new_tokens=2)
OBSERVATIONS = tt.LengthObservations(tt.LengthMeasure("words"), (1, 2), ("x", "x x"))
RESPONSES = tt.measure_responses(str.upper, ["x"], tokenizer=str.split)


def save_responses(path: Any) -> None:
    """A text is a path, so those that are none only."""
    if not isinstance(path, str) or path == os.devnull:
        RESPONSES.save(path)


def add_countdown(model: Any, settings: Any) -> Any:
    """The function itself changes the model, so each call gets one of its own."""
    return tt.add_countdown(copy.deepcopy(model) if model is tiny_model() else model, settings)


def write_captures(piece: Any) -> Any:
    return tt.CaptureReader(tt.from_choices(["a"])).write(piece)


def write_captured_token(token_id: Any) -> Any:
    return tt.CaptureReader(tt.from_gbnf("root ::= <[5]>")).write_token(token_id)


def write_json(text: Any) -> Any:
    """A reader of its own for each call."""
    return tt.PartialJson().write(text)


def matcher() -> tt.Matcher:
    return COMPILED.matcher()


def logits() -> torch.Tensor:
    return torch.zeros(1, 4)


FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "from_json_schema": (
        tt.from_json_schema,
        {
            "schema": {"type": "null"},
            "whitespace": "any",
            "property_order": "any",
            "unsupported": "error",
            "registry": None,
            "base_uri": "",
            "numbers": "plain",
            "formats": "assertion",
        },
    ),
    "from_regex": (tt.from_regex, {"pattern": "a", "syntax": "ecma"}),
    "from_choices": (tt.from_choices, {"choices": ["a"]}),
    "sequence": (lambda part: tt.sequence("a", part), {"part": GRAMMAR}),
    "alternatives": (lambda part: tt.alternatives("a", part), {"part": GRAMMAR}),
    "intersection": (lambda part: tt.intersection(part), {"part": GRAMMAR}),
    "repeat": (tt.repeat, {"part": GRAMMAR, "least": 0, "most": 2, "separator": ","}),
    "free_text": (tt.free_text, {"without": ["a"]}),
    "capture": (tt.capture, {"name": "a", "part": "b"}),
    "from_library": (tt.from_library, {"name": "json"}),
    "CaptureReader": (tt.CaptureReader, {"grammar": tt.from_choices(["a"])}),
    "CaptureReader.write": (write_captures, {"piece": "a"}),
    "CaptureReader.write_token": (write_captured_token, {"token_id": 5}),
    "text_until": (tt.text_until, {"stop": "a", "without": ["b"]}),
    "special_token": (tt.special_token, {"token_id": 3}),
    "json_lines": (tt.json_lines, {"schema": {"type": "null"}, "least": 0, "most": 2}),
    "from_tools": (
        tt.from_tools,
        {
            "tools": [{"name": "f"}],
            "tool_choice": "auto",
            "parallel": True,
            "format": "hermes",
            "tokenizer": tiny_tokenizer(),
            "special_tokens": {"<tool_call>": 3},
            "reasoning": ("<think>", "</think>"),
            "property_order": "schema",
            "whitespace": "natural",
        },
    ),
    "parse_calls": (
        tt.parse_calls,
        {"text": "<tool_call>", "format": TWO_MARKS, "tools": [{"name": "f"}], "reasoning": ("a", "b")},
    ),
    "CallFormat": (
        lambda **fields: tt.from_tools([{"name": "f"}], format=tt.CallFormat("x", **fields)),
        {
            "calls": ("«name»«arguments»",),
            "begin": "(",
            "separator": ",",
            "end": ")",
            "arguments": "json",
            "id": "[0-9]",
            "parallel": True,
            "text_before": True,
            "reasoning": ("a", "b"),
            "answer": ("", ""),
            "turn_end": "",
        },
    ),
    "from_structural_tags": (
        tt.from_structural_tags,
        {
            "tags": [tt.StructuralTag("<a>", {"type": "null"}, "</a>")],
            "triggers": "<a",
            "at_least_one": False,
            "stop_after_first": False,
            "reasoning": ("a", "b"),
            "special_tokens": {"</a>": 3},
        },
    ),
    "StructuralTag": (
        lambda **fields: tt.from_structural_tags([tt.StructuralTag(**fields)], "<a"),
        {"begin": "<a>", "content": None, "end": "</a>"},
    ),
    "from_lark": (
        tt.from_lark,
        {"text": 'start: "a"', "start": "start", "lexer": "dynamic", "loader": None, "special_tokens": {}},
    ),
    "from_gbnf": (
        tt.from_gbnf,
        {"text": 'root ::= "a"', "start": "root", "special_tokens": {}, "captures": ["root"]},
    ),
    "from_ebnf": (tt.from_ebnf, {"text": "a = 'a';", "start": "a"}),
    "convert_grammar": (tt.convert_grammar, {"grammar": GRAMMAR, "to": "gbnf"}),
    "grammar_graph": (tt.grammar_graph, {"grammar": GRAMMAR, "max_nodes": 9}),
    "Length": (
        tt.Length,
        {
            "words": (1, 2),
            "characters": None,
            "sentences": None,
            "tokens": None,
            "items": None,
            "word_rule": "unicode",
            "ends_at": "anywhere",
        },
    ),
    "Length.at_most": (tt.Length.at_most, {"words": 3}),
    "Length.at_least": (tt.Length.at_least, {"words": 3}),
    "Length.measure": (tt.Length(words=1).measure, {"tokenizer": None}),
    "compile_length": (tt.compile_length, {"length": tt.Length(characters=2), "source": COMPILED}),
    "Grammar.accepts": (GRAMMAR.accepts, {"text": "ab"}),
    "compile_grammar": (tt.compile_grammar, {"grammar": GRAMMAR, "vocabulary": VOCABULARY}),
    "CompiledGrammar": (tt.CompiledGrammar, {"grammar": GRAMMAR, "vocabulary": VOCABULARY}),
    "CompiledGrammar.shortest_text": (COMPILED.shortest_text, {"most": 10}),
    "CompiledGrammar.token_automaton": (
        COMPILED.token_automaton,
        {"device": "cpu", "max_tokens": 9, "max_states": 100, "max_bytes": 10**6},
    ),
    "TokenAutomaton": (tt.TokenAutomaton, {"tables": AUTOMATON.tables, "device": "cpu"}),
    "TokenAutomaton.join": (
        tt.TokenAutomaton.join,
        {"automata": [AUTOMATON], "device": "cpu", "max_bytes": 10**6},
    ),
    "TokenAutomaton.start": (AUTOMATON.start, {"n_rows": 1, "budgets": [9], "grammars": [0]}),
    "TokenAutomaton.allowed_tokens": (AUTOMATON.allowed_tokens, {"rows": AUTOMATON.start(1)}),
    "TokenAutomaton.allows_tokens": (
        AUTOMATON.allows_tokens,
        {"rows": AUTOMATON.start(1), "tokens": torch.zeros(1, 2, dtype=torch.int64)},
    ),
    "TokenAutomaton.mask_logits": (AUTOMATON.mask_logits, {"logits": logits(), "rows": AUTOMATON.start(1)}),
    "TokenAutomaton.advance": (
        AUTOMATON.advance,
        {"rows": AUTOMATON.start(1), "tokens": torch.zeros(1, dtype=torch.int64)},
    ),
    "TokenAutomaton.step": (
        AUTOMATON.step,
        {
            "logits": logits(),
            "rows": AUTOMATON.start(1),
            "noise": None,
            "uniforms": torch.zeros(1),
            "pad_token_id": 3,
        },
    ),
    "AutomatonTables.mask_rows": (AUTOMATON.tables.mask_rows, {"max_bytes": 10**6}),
    "Matcher": (tt.Matcher, {"compiled": COMPILED}),
    "Vocabulary": (
        tt.Vocabulary,
        {"tokens": [b"a", b""], "eos_token_ids": [1], "special_token_ids": [], "vocab_size": 2},
    ),
    "Vocabulary.from_tokenizer": (
        tt.Vocabulary.from_tokenizer,
        {"tokenizer": tiny_tokenizer(), "vocab_size": 400, "eos_token_ids": [1]},
    ),
    "Vocabulary.token_bytes": (VOCABULARY.token_bytes, {"token_id": 1}),
    "Vocabulary.decode": (VOCABULARY.decode, {"token_ids": [1]}),
    "Vocabulary.greedy_tokenize": (VOCABULARY.greedy_tokenize, {"text": b"ab"}),
    "Vocabulary.missing_bytes": (VOCABULARY.missing_bytes, {"needed": b"abc", "alone": True}),
    "allocate_bitmask": (tt.allocate_bitmask, {"rows": 1, "vocab_size": 4}),
    "fill_bitmasks": (
        tt.fill_bitmasks,
        {"matchers": [matcher()], "bitmask": tt.allocate_bitmask(1, 4), "rows": [0], "budgets": [9]},
    ),
    "apply_bitmask": (
        tt.apply_bitmask,
        {"logits": logits(), "bitmask": tt.allocate_bitmask(1, 4), "indices": [0]},
    ),
    "GrammarProcessor": (
        tt.GrammarProcessor,
        {
            "compiled": COMPILED,
            "max_new_tokens": 10,
            "length": tt.Length(characters=2),
            "budget_slack": 3,
            "prompt_length": 1,
            "temperature": 0.5,
            "in_place": False,
        },
    ),
    "TraceRecorder": (
        tt.TraceRecorder,
        {"processor": tt.GrammarProcessor(COMPILED), "n_alternatives": 3},
    ),
    "GrammarProcessor.__call__": (
        tt.GrammarProcessor(COMPILED),
        {"input_ids": torch.zeros(1, 2, dtype=torch.int64), "scores": logits()},
    ),
    "Countdown": (
        tt.Countdown,
        {"kind": "progress_ratio", "at_most": False, "gated": None, "scale": None, "noise": 0.1},
    ),
    "add_countdown": (add_countdown, {"model": tiny_model(), "settings": tt.Countdown()}),
    "countdown_examples": (
        tt.countdown_examples,
        {
            "tokenizer": tiny_tokenizer(),
            "records": [{"a": "x", "b": "y"}],
            "prompt_key": "a",
            "answer_key": "b",
            "max_length": 9,
        },
    ),
    "CountdownCollator": (
        tt.CountdownCollator,
        {
            "pad_token_id": 0,
            "settings": tt.Countdown(),
            "largest_extra": 3,
            "padding_side": "left",
            "generator": None,
        },
    ),
    "CountdownCollator.__call__": (
        tt.CountdownCollator(0),
        {"features": [{"input_ids": [1, 2], "labels": [-100, 2]}]},
    ),
    "LengthTokens": (tt.LengthTokens, {"tokenizer": LENGTH_TOKENIZER}),
    "LengthTokens.encode_prompt": (LENGTH_TOKENS.encode_prompt, {"prompt": "x", "target": "50"}),
    "LengthTokens.processor": (LENGTH_TOKENS.processor, {"prompt_width": 1, "auto": True}),
    "LengthTokens.split": (LENGTH_TOKENS.split, {"token_ids": [1]}),
    "LengthTokens.training_examples": (
        LENGTH_TOKENS.training_examples,
        {
            "records": [{"a": "x", "b": "y"}],
            "prompt_key": "a",
            "answer_key": "b",
            "most_per_token": 2,
            "max_length": 9,
            "seed": 0,
        },
    ),
    "LengthMeasure": (tt.LengthMeasure, {"kind": "tokens", "words": "unicode", "tokenizer": str.split}),
    "LengthMeasure.count": (tt.LengthMeasure().count, {"text": "x"}),
    "LengthMeasure.phrase": (tt.LengthMeasure().phrase, {"n": 3}),
    "ModelWriter": (
        tt.ModelWriter,
        {
            "model": tiny_model(),
            "tokenizer": tiny_tokenizer(),
            "max_new_tokens": 2,
            "do_sample": True,
            "temperature": 1.0,
            "top_k": 3,
            "top_p": 0.5,
        },
    ),
    "ModelWriter.__call__": (WRITER, {"prompt": "x", "seed": 1}),
    "ModelWriter.draw": (WRITER.draw, {"prompt": "x", "n_samples": 2, "seed": 1}),
    "observe_lengths": (
        tt.observe_lengths,
        {
            "writer": str.upper,
            "prompts": ["x"],
            "targets": [2],
            "measure": "words",
            "n_samples": 1,
            "seed": 0,
            "tokenizer": str.split,
            "request": "{prompt} {length}",
        },
    ),
    "LengthAdjustment": (
        tt.LengthAdjustment,
        {"measure": "words", "slope": 1.0, "intercept": 0.0, "cost": tt.CallCost()},
    ),
    "LengthAdjustment.fit": (tt.LengthAdjustment.fit, {"observations": OBSERVATIONS}),
    "LengthAdjustment.request": (tt.LengthAdjustment("words", 1.0).request, {"wanted": 3}),
    "LengthApproximation": (
        tt.LengthApproximation,
        {"measure": "words", "guide": "sentences", "ratio": 0.1, "cost": tt.CallCost()},
    ),
    "LengthApproximation.fit": (
        tt.LengthApproximation.fit,
        {"texts": ["x"], "measure": "words", "guide": "characters"},
    ),
    "LengthApproximation.request": (
        tt.LengthApproximation("words", "sentences", 0.1).request,
        {"wanted": 3},
    ),
    "control_length": (
        tt.control_length,
        {
            "writer": str.upper,
            "prompt": "x",
            "target": 2,
            "measure": "words",
            "tolerance": 0.1,
            "approximation": None,
            "adjustment": None,
            "n_samples": 1,
            "max_revisions": 0,
            "seed": 0,
            "tokenizer": str.split,
            "request": "{prompt} {length}",
            "revision": "{prompt} {text} {measured} {wanted} {direction}",
        },
    ),
    "measure_responses": (
        tt.measure_responses,
        {
            "writer": str.upper,
            "prompts": ["x"],
            "n_samples": 2,
            "seed": 0,
            "tokenizer": str.split,
            "limit": 9,
        },
    ),
    "ResponseLengths.summary": (RESPONSES.summary, {"without_degenerate": True}),
    "ResponseLengths.budget_for": (
        RESPONSES.budget_for,
        {"share": 0.5, "confidence": 0.5, "without_degenerate": True},
    ),
    "ResponseLengths.save": (save_responses, {"path": os.devnull}),
    "score_lengths": (tt.score_lengths, {"targets": ["10"], "texts": ["x"]}),
    "count_words": (tt.count_words, {"text": "x"}),
    "TerminationProcessor": (
        tt.TerminationProcessor,
        {
            "source": VOCABULARY,
            "stops_by": 9,
            "starts_at": 3,
            "ends_at": "sentence",
            "prompt_length": 1,
        },
    ),
    "TerminationProcessor.__call__": (
        tt.TerminationProcessor(COMPILED, stops_by=7),
        {"input_ids": torch.zeros(1, 2, dtype=torch.int64), "scores": logits()},
    ),
    "SelfTerminatingConfig": (
        tt.SelfTerminatingConfig,
        {
            "text_config": tiny_model().config,
            "form": "nmst",
            "gate": "logit",
            "epsilon": 0.1,
            "eos_token_ids": 1,
        },
    ),
    "SelfTerminatingModel.from_model": (
        tt.SelfTerminatingModel.from_model,
        {"model": tiny_model(), "form": "st", "gate": "logit", "epsilon": 0.1, "eos_token_ids": [1]},
    ),
    "SelfTerminatingModel.stops_by": (
        SELF_TERMINATING.stops_by,
        {"do_sample": True, "top_k": 3, "top_p": 0.5, "num_beams": 1, "risk": 1e-6},
    ),
    "SelfTerminatingModel.forward": (
        SELF_TERMINATING,
        {
            "input_ids": torch.zeros(1, 3, dtype=torch.int64),
            "labels": torch.zeros(1, 3, dtype=torch.int64),
            "response_start": 2,
            "logits_to_keep": 0,
        },
    ),
    "generate": (
        tt.generate,
        {
            "model": tiny_model(),
            "tokenizer": tiny_tokenizer(),
            "prompt": "x",
            "grammar": {"type": "null"},
            "length": tt.Length(characters=4),
            "max_new_tokens": 9,
            "budget_slack": 2,
            "do_sample": True,
            "seed": 1,
            "temperature": 1.0,
            "top_k": 3,
            "top_p": 0.5,
            "on_text": print,
        },
    ),
    "PartialJson": (tt.PartialJson, {}),
    "PartialJson.write": (write_json, {"text": "[1"}),
    "partial_json": (tt.partial_json, {"text": "[1"}),
}
METHODS: dict[str, dict[str, Any]] = {
    "accept_token": {"token_id": 0},
    "allows_token": {"token_id": 0},
    "try_accept_tokens": {"token_ids": [0]},
    "fill_bitmask": {"bitmask": tt.allocate_bitmask(1, 4), "row": 0, "budget": 9},
    "row_id": {"budget": 9},
    "try_read": {"text": b"ab"},
    "read_bytes": {"text": b"ab"},
    "rollback": {"n_tokens": 0},
}
FUNCTIONS |= argument_table.SAMPLERS | drafter_arguments.DRAFTERS | program_arguments.PROGRAMS
CASES = [(name, argument) for name, (_, right) in FUNCTIONS.items() for argument in right]
METHOD_CASES = [(name, argument) for name, right in METHODS.items() for argument in right]


def call(function: Callable[..., Any], right: dict[str, Any], argument: str, wrong: Any) -> None:
    values = {name: wrong if name == argument else value for name, value in right.items()}
    with contextlib.suppress(tt.ConstraintError):
        if function is tt.Matcher or isinstance(function, PROCESSORS):
            function(*values.values())
        else:
            function(**values)


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(("name", "argument"), CASES)
def test_functions(name: str, argument: str, wrong: Any) -> None:
    function, right = FUNCTIONS[name]
    call(function, right, argument, wrong)


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(("name", "argument"), METHOD_CASES)
def test_methods_of_a_matcher(name: str, argument: str, wrong: Any) -> None:
    state = matcher()
    state.accept_token(0)
    call(getattr(state, name), METHODS[name], argument, wrong)


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_the_right_arguments_are_right(name: str) -> None:
    """A table of arguments that are all wrong would test nothing."""
    if name in METHODS:
        getattr(matcher(), name)(**METHODS[name])
        return
    function, right = FUNCTIONS[name]
    if function is tt.Matcher or isinstance(function, PROCESSORS):
        function(*right.values())
    elif name == "apply_bitmask":
        function(**{**right, "logits": logits()})
    else:
        function(**right)


def test_every_public_function_is_here() -> None:
    classes = {name for name in tt.__all__ if isinstance(getattr(tt, name), type)}
    # Loading goes to a hub for a name: tests/decoding/test_countdown_model.py gives it what is wrong.
    not_called = {
        *("LIBRARY", "Captured"),
        *("Result", "ToolCall", "TagCall", "Trace", "TraceStep", "Alternative"),
        "Statistics",
        "Grammar",
        "LengthScore",
        "LengthScores",
        "load_countdown_model",
        *("Response", "CallCost", "LengthOutcome", "LengthStep", "LengthObservations"),
        *("PromptResponses", "LengthSummary"),
        *argument_table.NOT_CALLED,
        *drafter_arguments.NOT_CALLED,
        *program_arguments.NOT_CALLED,
        "ClosedValue",
        "GrammarGraph",
        *("CompiledLength", "LengthMatcher"),  # made by compile_length
    } | {name for name in classes if issubclass(getattr(tt, name), Exception)}
    assert set(tt.__all__) - not_called <= {name.partition(".")[0] for name in FUNCTIONS}
    public = {name for name in vars(tt.Matcher.__mro__[1]) if not name.startswith("_")}
    without_arguments = {
        *("forced_tokens", "forced_bytes", "next_bytes", "reset", "copy", "n_accepted", "state_id"),
        *("is_accepting", "is_terminated", "temperature", "tokens_to_finish", "compiled"),
    }
    assert public - without_arguments == set(METHODS)


def test_builtin_errors_are_still_caught_as_such() -> None:
    with pytest.raises(IndexError, match="rollback") as caught:
        matcher().rollback(1)
    assert isinstance(caught.value, tt.ConstraintError)
    with pytest.raises(TypeError):
        matcher().accept_token("x")  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        matcher().fill_bitmask(tt.allocate_bitmask(1, 4), row=1)
    with pytest.raises(ValueError, match="bitmask"):
        matcher().fill_bitmask(np.zeros((1, 1), dtype=np.int64))


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong is not None and wrong != "x"], ids=repr)
def test_names_of_models(wrong: Any) -> None:
    with pytest.raises(tt.ConstraintError):
        load_model(wrong)
    with pytest.raises(tt.ConstraintError):
        load_model(None, wrong)
