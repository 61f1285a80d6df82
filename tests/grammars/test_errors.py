"""The error family: the text says where, what and what to do; the fields are data and survive a pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import tokentrellis as tt
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
    line_and_column,
)

GRAMMAR = "start: expr\nexpr: a\tb | expresion\n"
EXAMPLES: list[tuple[ConstraintError, str]] = [
    (
        GrammarSyntaxError("must be greater than 0", location="/properties/age/multipleOf", got=-2),
        "/properties/age/multipleOf: must be greater than 0, got -2",
    ),
    (
        GrammarSyntaxError("must be an object", location="", got=None, advice="pass a dict"),
        "(root): must be an object, got None; pass a dict",
    ),
    (GrammarSyntaxError("the text is empty"), "the text is empty"),
    (
        UnresolvedReferenceError(
            "expresion",
            ["expr", "expression"],
            message="the rule is not defined",
            location=line_and_column(GRAMMAR, GRAMMAR.index("expresion")),
            source=GRAMMAR,
        ),
        "line 2, column 13: the rule is not defined, got 'expresion'; did you mean 'expression'?\n"
        "    expr: a b | expresion\n"
        "                ^",
    ),
    (
        UnresolvedReferenceError("#/x", ["#/$defs/abc"], location="/$ref"),
        "/$ref: the reference is not defined, got '#/x'; known are #/$defs/abc",
    ),
    (UnresolvedReferenceError("x"), "the reference is not defined, got 'x'"),
    (
        UnsupportedFeatureError("look-behind", location=(1, 3), source="ab(?<=a)"),
        "line 1, column 3: look-behind is not supported\n    ab(?<=a)\n      ^",
    ),
    (
        UnsupportedFeatureError(
            "a part of the schema",
            problems=[("/a", "contentSchema"), ("", "$vocabulary")],
            advice="pass unsupported='ignore'",
        ),
        "a part of the schema is not supported; pass unsupported='ignore'\n"
        "    /a: contentSchema\n"
        "    (root): $vocabulary",
    ),
    (
        UnsatisfiableError("minimum 3 is above maximum 2", location="/items"),
        "/items: no text can satisfy this: minimum 3 is above maximum 2",
    ),
    (
        LimitExceededError("the number of states", given=12, limit=10, advice="raise max_states"),
        "the number of states must be at most 10, got 12; raise max_states",
    ),
]


@pytest.mark.parametrize(("error", "text"), EXAMPLES)
def test_text(error: ConstraintError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES])
def test_pickle(error: ConstraintError) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(error, protocol))
        assert type(copy) is type(error)
        assert vars(copy) == vars(error)
        assert str(copy) == str(error)


def test_fields() -> None:
    assert UnsupportedFeatureError("x", problems=[("/a", "b")]).problems == [("/a", "b")]
    unresolved = UnresolvedReferenceError("x", ["y", "z"])
    assert (unresolved.reference, unresolved.known) == ("x", ("y", "z"))
    limit = LimitExceededError("depth", given=3, limit=2)
    assert (limit.what, limit.given, limit.limit) == ("depth", 3, 2)
    assert UnsatisfiableError("r").reason == "r"


def test_family() -> None:
    """One `except` catches all of it, and what is wrong with a grammar is a ValueError as well."""
    for kind in (GrammarSyntaxError, UnsupportedFeatureError, UnresolvedReferenceError, UnsatisfiableError):
        assert issubclass(kind, GrammarError)
    assert issubclass(GrammarError, ConstraintError)
    assert issubclass(GrammarError, ValueError)
    assert issubclass(LimitExceededError, ConstraintError)
    assert not issubclass(LimitExceededError, ValueError)


def test_text_stays_short_for_large_input() -> None:
    line = "x" * 1_000_000
    errors = [
        GrammarSyntaxError("wrong", location=(1, 500_001), source=line, got=line),
        UnsupportedFeatureError("x", problems=[(f"/{i}", "reason") for i in range(10_000)]),
        UnresolvedReferenceError("#" * 1000, [f"name {i}" * 100 for i in range(1000)]),
    ]
    for error in errors:
        assert len(str(error)) < 3000
    assert str(errors[0]).endswith("\n    " + " " * 60 + "^")
    assert "and 9980 more" in str(errors[1])


@pytest.mark.parametrize("location", [(0, 1), (9, 1)])
def test_place_outside_of_the_source_shows_no_excerpt(location: tuple[int, int]) -> None:
    assert "\n" not in str(GrammarSyntaxError("wrong", location=location, source="a\nb"))


def test_line_and_column() -> None:
    source = "ab\nc\n\nd"
    places = [line_and_column(source, offset) for offset in range(len(source) + 1)]
    assert places == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)]


def test_a_value_that_python_does_not_write() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value, shown in ((10**5000, "int"), ([10**5000], "list"), (deep, "list")):
        assert str(ConstraintError("wrong", got=value)) == f"wrong, got <{shown} that is too large to show>"


@pytest.mark.parametrize(
    ("read", "source"),
    [
        (tt.from_regex, "a\ud800"),
        (tt.from_gbnf, 'root ::= "a" # \ud800'),
        (tt.from_ebnf, "a = '\ud800';"),
        (tt.from_lark, 'start: "a" // \ud800'),
    ],
)
def test_half_of_a_surrogate_pair_has_a_place(read: Callable[[str], object], source: str) -> None:
    with pytest.raises(tt.GrammarSyntaxError, match=r"line 1, column \d+: half of a surrogate pair"):
        read(source)


def test_the_draft_of_a_schema_must_be_a_string() -> None:
    with pytest.raises(tt.GrammarSyntaxError, match=r"/\$schema: must be a string, got 3"):
        tt.from_json_schema({"$schema": 3})


def test_a_shortest_text_of_terabytes_is_a_limit() -> None:
    rules = [f"r{i} ::= r{i + 1} r{i + 1}" for i in range(44)]
    with pytest.raises(tt.LimitExceededError, match="shortest text of rule 'r0'"):
        tt.from_gbnf("\n".join([*rules, 'r44 ::= "a"']), start="r0")
