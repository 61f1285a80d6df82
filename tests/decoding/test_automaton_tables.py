"""The tables of a token automaton against its twin, the matcher: rows, successors, ends, costs, budgets."""

from __future__ import annotations

import contextlib
import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis import (
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    LimitExceededError,
    UnsupportedFeatureError,
    Vocabulary,
    allocate_bitmask,
    compile_grammar,
    from_choices,
    from_json_schema,
    from_regex,
)
from tokentrellis.decoding.automaton_tables import (
    FINISHED,
    NO_LIMIT,
    NOT_ALLOWED,
    START,
    UNBOUNDED,
    AutomatonTables,
    join_tables,
)
from tokentrellis.decoding.compile import CompiledGrammar
from tokentrellis.decoding.matcher import Matcher

from tests.oracles.grammars import END_TOKENS, SPECIAL_TOKENS, random_grammar, random_tokens

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}
PERSON: dict[str, Any] = {
    **CLOSED,
    "properties": {
        "name": {"type": "string"},
        "abc": {"type": "integer"},
        "d": {"enum": ["ab", "a\u00e9", None, 12]},
    },
    "required": ["name", "d"],
}
LIST: dict[str, Any] = {
    "$defs": {
        "node": {
            **CLOSED,
            "properties": {"a": {"type": "boolean"}, "b": {"$ref": "#/$defs/node"}},
            "required": ["a"],
        }
    },
    "$ref": "#/$defs/node",
}
SCHEMAS: dict[str, Any] = {
    "person": PERSON,
    "string": {"type": "string"},
    "short string": {"type": "string", "minLength": 2, "maxLength": 4},
    "pattern": {"type": "string", "pattern": "a.b"},
    "all but": {"type": "string", "pattern": "^[^a\u00e9]*$"},
    "pairs of surrogates": {"type": "string", "pattern": "^[\U0001f600-\U0001f64f]*$"},
    "no literal": {"type": "string", "not": {"enum": ["ab", "\u00e9", "\U0001f600"]}},
    "numbers": {"type": "array", "items": {"type": "number", "minimum": -3}, "maxItems": 3},
    "different values": {"type": "array", "items": {"enum": ["ab", 12, None]}, "uniqueItems": True},
    "properties in any order": {**CLOSED, "properties": {"a": {"const": 1}, "b": {}, "c": {"const": 2}}},
    "a date": {"type": "string", "format": "date"},
}
SCHEMAS["properties in any order"]["properties"]["b"] = {"type": "null"}


def bits(row: np.ndarray, n_bits: int) -> np.ndarray:
    return np.unpackbits(row.view(np.uint8), bitorder="little")[:n_bits].astype(bool)


def mask_of(matcher: Matcher, budget: int | None = None) -> np.ndarray:
    vocab_size = matcher.compiled.vocabulary.vocab_size
    bitmask = allocate_bitmask(1, vocab_size)
    matcher.fill_bitmask(bitmask, budget=budget)
    return bits(bitmask[0], vocab_size)


def mask_of_table(tables: AutomatonTables, state: int, left: int | None = None) -> np.ndarray:
    """What the rule of the budget says, in numpy."""
    following = tables.transitions[state][tables.token_classes]
    fits = True if left is None else tables.costs[following.clip(0)] < left
    return (following != NOT_ALLOWED) & fits


def check_walk(compiled: CompiledGrammar, tables: AutomatonTables, rng: random.Random, n_steps: int) -> None:
    """A random walk of the matcher, with the automaton beside it."""
    matcher, state = compiled.matcher(), START
    most = int(tables.most_tokens[0])
    left = most
    for _ in range(n_steps):
        bounded = most != NO_LIMIT
        expected = mask_of(matcher, left if bounded else None)
        assert np.array_equal(mask_of_table(tables, state, left if bounded else None), expected)
        assert tables.accepting[state] == matcher.is_accepting
        assert tables.costs[state] == min(matcher.tokens_to_finish, UNBOUNDED)
        budget = min(left, int(tables.costs[state]) + rng.randint(0, 3))
        if budget < UNBOUNDED:
            assert np.array_equal(mask_of_table(tables, state, budget), mask_of(matcher, budget))
        allowed = np.flatnonzero(expected)
        lengths = [len(compiled.vocabulary.token_bytes(int(token))) for token in allowed]
        longest = allowed[np.argsort(lengths)[-5:]]
        token = int(rng.choice(list(longest) if rng.random() < 0.4 else list(allowed)))
        state = int(tables.transitions[state, tables.token_classes[token]])
        matcher.accept_token(token)
        left -= 1
        if matcher.is_terminated:
            assert state == FINISHED
            assert np.array_equal(mask_of_table(tables, state), mask_of(matcher))
            return


def check_progress(tables: AutomatonTables) -> None:
    """From every state some token leads to one that costs less, so that the end is reached in time."""
    following = np.where(tables.transitions == NOT_ALLOWED, 0, tables.costs[tables.transitions])
    best = np.where(tables.transitions == NOT_ALLOWED, UNBOUNDED, following).min(axis=1)
    finite = (tables.costs < UNBOUNDED) & (tables.costs > 0)
    assert (best[finite] < tables.costs[finite]).all()
    assert tables.costs[FINISHED] == 0
    assert (tables.costs[1:] > 0).all()


def check_classes(tables: AutomatonTables) -> None:
    """No two classes act alike, and the masks say what the transitions say."""
    assert len(np.unique(tables.transitions, axis=1).T) == tables.n_classes
    assert sorted(set(tables.token_classes.tolist())) == list(range(tables.n_classes))
    masks, mask_of_state = tables.mask_rows()
    assert len(np.unique(masks, axis=0)) == len(masks)
    for state in range(0, tables.n_states, max(1, tables.n_states // 50)):
        found = bits(masks[mask_of_state[state]], 32 * masks.shape[1])
        assert np.array_equal(found[: tables.vocab_size], mask_of_table(tables, state))
        assert not found[tables.vocab_size :].any()


def check(compiled: CompiledGrammar, seed: int = 0, n_walks: int = 20, **options: Any) -> AutomatonTables:
    tables = compiled.token_automaton(**options).tables
    check_progress(tables)
    check_classes(tables)
    rng = random.Random(seed)
    for _ in range(n_walks):
        check_walk(compiled, tables, rng, 30)
    return tables


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("whitespace", ["natural", "any", "compact"])
def test_schemas(
    name: str, whitespace: Any, byte_vocabulary: Vocabulary, small_vocabulary: Vocabulary
) -> None:
    grammar = from_json_schema(SCHEMAS[name], whitespace=whitespace, property_order="any")
    tokens = [bytes([byte]) for byte in range(256)] + [
        text.encode()
        for text in ('"ab', '":', '",', '":"', "\\u", "\\ud83d", "00", "e9", "\u00e9", "\U0001f600", "]}")
    ]
    crossing = Vocabulary([*tokens, b"", b""], eos_token_ids=[len(tokens), len(tokens) + 1], vocab_size=300)
    for vocabulary in (byte_vocabulary, crossing):
        check(compile_grammar(grammar, vocabulary), n_walks=8)
    if name in ("person", "string", "numbers"):
        check(compile_grammar(grammar, small_vocabulary))


def test_half_escapes_are_few(byte_vocabulary: Vocabulary) -> None:
    compiled = compile_grammar(from_json_schema({"type": "string"}, whitespace="compact"), byte_vocabulary)
    assert compiled.token_automaton().n_states < 40


@pytest.mark.parametrize("pattern", [r"\d{4}-\d{2}", "(ab|a)*b?", r"\w{1,3}", "a{3,60}", r"[^\x00]*\."])
def test_patterns(pattern: str, byte_vocabulary: Vocabulary) -> None:
    check(compile_grammar(from_regex(pattern), byte_vocabulary))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), n_more=st.integers(0, 12))
def test_any_grammar(seed: int, n_more: int) -> None:
    """Random networks with all kinds of edges and random tokens, those that nest without bound too."""
    rng = random.Random(seed)
    grammar = random_grammar(rng)
    names = random_tokens(rng, grammar)
    size = len(names) + rng.choice((0, 1, 7))
    vocabulary = Vocabulary(
        names, eos_token_ids=list(END_TOKENS), special_token_ids=SPECIAL_TOKENS, vocab_size=size
    )
    compiled = compile_grammar(grammar, vocabulary)
    limits = {"max_states": 4000}
    with contextlib.suppress(UnsupportedFeatureError, LimitExceededError):
        check(compiled, seed, n_walks=5, **limits)
    cost = compiled.matcher().tokens_to_finish
    with contextlib.suppress(LimitExceededError):
        check(compiled, seed, n_walks=5, max_tokens=cost + n_more, **limits)


def test_what_is_never_allowed_has_a_class() -> None:
    vocabulary = Vocabulary([b"a", b"b", b"c", b"ab", b"", b""], eos_token_ids=[4, 5], vocab_size=40)
    tables = compile_grammar(from_regex("a+b?"), vocabulary).token_automaton().tables
    classes = tables.token_classes
    assert classes[4] == classes[5]
    assert len({classes[2], *classes[6:]}) == 1
    assert (tables.transitions[:, classes[2]] == NOT_ALLOWED).all()
    assert tables.vocab_size == 40


def test_rules_that_nest_need_a_budget(byte_vocabulary: Vocabulary) -> None:
    compiled = compile_grammar(from_json_schema(LIST, whitespace="compact"), byte_vocabulary)
    with pytest.raises(UnsupportedFeatureError, match="max_tokens=N") as caught:
        compiled.token_automaton()
    assert b'{"a":true,"b":{"a":' in caught.value.got  # type: ignore[operator]
    needed = compiled.matcher().tokens_to_finish
    for most in (needed, needed + 1, needed + 30, 60):
        assert check(compiled, most, max_tokens=most).most_tokens[0] == most
    with pytest.raises(BudgetTooSmallError) as too_small:
        compiled.token_automaton(max_tokens=needed - 1)
    assert (too_small.value.needed, too_small.value.given) == (needed, needed - 1)


def test_a_state_to_which_several_rules_return_is_no_recursion(byte_vocabulary: Vocabulary) -> None:
    """Equal parts, nested in each other but finitely."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(6):
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": 1}
    check(compile_grammar(from_json_schema(schema, whitespace="compact"), byte_vocabulary), n_walks=5)


@pytest.mark.parametrize(
    ("schema", "advice"),
    [
        ({"type": "object"}, "additionalProperties"),
        ({**PERSON, "additionalProperties": {"type": "integer"}}, "additionalProperties"),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "not": {"uniqueItems": True}, "items": {"type": "integer"}}, "GrammarProcessor"),
        ({}, "GrammarProcessor"),
    ],
)
def test_what_must_not_repeat_is_refused(
    schema: dict[str, Any], advice: str, byte_vocabulary: Vocabulary
) -> None:
    compiled = compile_grammar(from_json_schema(schema), byte_vocabulary)
    for options in ({}, {"max_tokens": 60}):
        with pytest.raises(UnsupportedFeatureError, match=advice):
            compiled.token_automaton(**options)  # type: ignore[arg-type]


def test_limits(byte_vocabulary: Vocabulary) -> None:
    compiled = compile_grammar(from_regex("[ab]{300}c"), byte_vocabulary)
    with pytest.raises(LimitExceededError, match=r"max_states.*max_tokens") as caught:
        compiled.token_automaton(max_states=100)
    assert caught.value.limit == 100
    with pytest.raises(LimitExceededError, match="raise max_bytes"):
        compiled.token_automaton(max_bytes=100_000)
    tables = compiled.token_automaton().tables
    assert tables.n_states == 303
    with pytest.raises(LimitExceededError, match="max_bytes"):
        tables.mask_rows(max_bytes=10)
    with pytest.raises(ArgumentTypeError):
        compiled.token_automaton(max_states=1.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentValueError):
        compiled.token_automaton(max_tokens=0)


def test_joined_tables_are_each_of_them(byte_vocabulary: Vocabulary) -> None:
    compiled = [
        compile_grammar(grammar, byte_vocabulary)
        for grammar in (from_choices(["red", "green"]), from_regex("[a-f]*"), from_json_schema(PERSON))
    ]
    tables = [grammar.token_automaton().tables for grammar in compiled]
    joined = join_tables([join_tables(tables[:2]), tables[2]])
    check_classes(joined)
    check_progress(joined)
    assert joined.n_states == 1 + sum(table.n_states - 1 for table in tables)
    for table, start in zip(tables, joined.start_states, strict=True):
        for state in range(1, table.n_states):
            own = table.transitions[state][table.token_classes]
            found = joined.transitions[state + start - START][joined.token_classes]
            moved = np.where(own > 0, own + start - START, own)
            assert np.array_equal(found, moved)
    with pytest.raises(LimitExceededError):
        join_tables(tables, max_bytes=1000)
    with pytest.raises(ArgumentValueError, match="at least one"):
        join_tables([])


def test_automata_of_different_vocabularies_are_not_joined(
    byte_vocabulary: Vocabulary, small_vocabulary: Vocabulary
) -> None:
    backwards = Vocabulary([*byte_vocabulary.tokens[255::-1], b""], eos_token_ids=[256])
    tables = [
        compile_grammar(from_choices(["ab"]), vocabulary).token_automaton().tables
        for vocabulary in (byte_vocabulary, small_vocabulary, backwards)
    ]
    for other in tables[1:]:
        with pytest.raises(ArgumentValueError, match="same vocabulary"):
            join_tables([tables[0], other])


def test_tables_pickle_and_are_not_written(byte_vocabulary: Vocabulary) -> None:
    automaton = compile_grammar(from_choices(["ab"]), byte_vocabulary).token_automaton()
    copy = pickle.loads(pickle.dumps(automaton))
    assert np.array_equal(copy.tables.transitions, automaton.tables.transitions)
    with pytest.raises(ValueError, match="read-only"):
        automaton.tables.transitions[1, 0] = 5
