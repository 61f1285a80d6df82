"""`oneOf` of many branches about scalars: exactly one is met, and how many there are is no matter of the
stack."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis import Vocabulary, compile_grammar
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.json_schema import from_json_schema

BRANCHES: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
    ({"pattern": "a"}, lambda value: not isinstance(value, str) or "a" in value),
    ({"pattern": "^b"}, lambda value: not isinstance(value, str) or value.startswith("b")),
    ({"pattern": "ab|c$"}, lambda value: not isinstance(value, str) or bool(re.search("ab|c$", value))),
    ({"type": "string", "maxLength": 1}, lambda value: isinstance(value, str) and len(value) <= 1),
    ({"minLength": 3}, lambda value: not isinstance(value, str) or len(value) >= 3),
    ({"enum": ["a", "bc", 1, None]}, lambda value: value in ("a", "bc", 1, None) and value is not True),
    ({"type": ["number", "null"]}, lambda value: value is None or type(value) is int),
    ({"minimum": 1}, lambda value: type(value) is not int or value >= 1),
    ({"maximum": 2}, lambda value: type(value) is not int or value <= 2),
    ({"multipleOf": 2}, lambda value: type(value) is not int or value % 2 == 0),
    ({"type": "boolean"}, lambda value: type(value) is bool),
]
VALUES = [None, True, False, 0, 1, 2, 3, 4, -1, "", "a", "b", "c", "ab", "ba", "bc", "abc", "bab", "cccc"]


@settings(max_examples=60, deadline=None)
@given(chosen=st.lists(st.sampled_from(range(len(BRANCHES))), max_size=9), wanted=st.booleans())
def test_exactly_one_is_counted(chosen: list[int], wanted: bool) -> None:
    schemas = [BRANCHES[index][0] for index in chosen] or [False]
    schema = {"oneOf": schemas} if wanted else {"not": {"oneOf": schemas}}
    scalars: dict[str, Any] = {"type": ["null", "boolean", "number", "string"], **schema}
    valid = [value for value in VALUES if (sum(BRANCHES[i][1](value) for i in chosen) == 1) == wanted]
    try:
        grammar = from_json_schema(scalars)
    except UnsatisfiableError:
        assert not valid
        return
    assert [value for value in VALUES if grammar.accepts(json.dumps(value))] == valid


VOCABULARY = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
N_PATTERNS = 200
FEW = ["", "x", "x1q", f"x{N_PATTERNS - 1}q", "-x7qx7q-", f"x{N_PATTERNS}q"]
TEXTS = {"oneOf": FEW, "anyOf": [*FEW, "x1qx2q"], "allOf": []}  # its reading has a limit of states


def below(depth: int, function: Callable[[], Any]) -> Any:
    """The result of a function that is called from far down the stack."""
    return function() if depth == 0 else below(depth - 1, function)


@pytest.mark.parametrize("word", ["oneOf", "anyOf", "allOf"])
def test_many_patterns_are_no_depth(word: str) -> None:
    """Called with little of the stack left, as frameworks do."""
    schema = {"type": "string", word: [{"pattern": f"x{index}q"} for index in range(N_PATTERNS)]}
    grammar = below(sys.getrecursionlimit() * 6 // 10, lambda: from_json_schema(schema))
    compiled = compile_grammar(grammar, VOCABULARY)
    for text in TEXTS[word]:
        found = sum(f"x{index}q" in text for index in range(N_PATTERNS))
        expected = found == 1 if word == "oneOf" else found > 0
        matcher = compiled.matcher()
        accepted = matcher.read_bytes(json.dumps(text).encode()) and matcher.is_accepting
        assert accepted is expected, text
