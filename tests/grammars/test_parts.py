"""Grammars out of grammars, against the recogniser and against what they were put together from."""

from __future__ import annotations

import json
import pickle
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.compile import compile_grammar
from tokentrellis.decoding.errors import TokenRejectedError
from tokentrellis.decoding.matcher import Matcher
from tokentrellis.decoding.vocabulary import Vocabulary
from tokentrellis.grammars.choices import from_choices
from tokentrellis.grammars.composition import MOST_NESTED, Skeleton
from tokentrellis.grammars.errors import (
    GrammarError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.expressions import literal
from tokentrellis.grammars.gbnf import from_gbnf
from tokentrellis.grammars.grammar import Grammar
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.lark import from_lark
from tokentrellis.grammars.parts import (
    alternatives,
    free_text,
    intersection,
    json_lines,
    repeat,
    sequence,
    special_token,
    text_until,
)
from tokentrellis.grammars.recognizer import Recognizer
from tokentrellis.grammars.regex import from_regex

from tests.masks import allowed_tokens
from tests.oracles.brute_force_mask import allowed_after
from tests.oracles.grammars import allowed_special_tokens

OPEN = {"type": "object", "additionalProperties": {"type": "integer"}}
NAMED = {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "null"}}}}
DISTINCT = {"type": "array", "items": {"enum": [1, 12, "a", [1]]}, "uniqueItems": True}
NESTED = {"type": "array", "items": OPEN, "uniqueItems": True}
REPEATED = {"not": {"type": "array", "uniqueItems": True}, "type": "array", "items": {"type": "integer"}}
TEXTS = {"type": ["string", "null"]}
SCHEMAS = [OPEN, NAMED, DISTINCT, NESTED, REPEATED, TEXTS]

TOKENS = [bytes([byte]) for byte in range(256)] + [
    *[
        b'{"a"',
        b'"a":',
        b'{"a":1',
        b',"a":2',
        b'{"a":1,"a":2',
        b'{"b":1,"a":1',
        b'"}',
        b'"}<s>',
        b"<s",
        b"s>{",
    ],
    *[
        b'}{"a":1',
        b'1}{"a":1,"b"',
        b'}\n{"a":1,"a"',
        b"[1,",
        b"[1,1]",
        b"1,12",
        b",1]",
        b"]<",
        b'a":{"a"',
        b'["a","a"',
    ],
    *[
        b"[1]",
        b"[[1],[1]]",
        b"]\n[",
        b'"<s>"',
        b'{"',
        b'"a"',
        b'","',
        b"]]",
        b'[{"a":1},{"a":1',
        b"<s>[",
        b"1]x[",
    ],
    *[b"", b""],
]
SPECIAL, EOS = len(TOKENS) - 2, len(TOKENS) - 1
VOCABULARY = Vocabulary(TOKENS, eos_token_ids=[EOS], special_token_ids=[SPECIAL])


def compact(schema: object) -> Grammar:
    return from_json_schema(schema, whitespace="compact")


def expected(recognizer: Recognizer, states: object) -> set[int]:
    allowed = allowed_after(recognizer, states, TOKENS) | allowed_special_tokens(states)  # type: ignore[arg-type]
    return allowed | {EOS} if recognizer.is_accepting(states) else allowed  # type: ignore[arg-type]


def check_walk(grammar: Grammar, chance: random.Random, n_steps: int = 10) -> None:
    """Masks and single tokens along a random walk, as the recogniser has them."""
    matcher, recognizer = compile_grammar(grammar, VOCABULARY).matcher(), Recognizer(grammar)
    states, history = recognizer.start(), b""
    for step in range(n_steps):
        allowed = expected(recognizer, states)
        assert set(allowed_tokens(matcher)) == allowed, history
        for token in chance.sample(range(256, len(TOKENS)), 12):
            assert matcher.allows_token(token) == (token in allowed), (history, TOKENS[token])
        following = sorted(allowed - {EOS})
        if not following:
            return
        long = [token for token in following if token >= 256]
        token = chance.choice(long if long and chance.random() < 0.8 else following)
        refused = chance.choice(sorted(set(range(256, SPECIAL)) - allowed))
        with pytest.raises(TokenRejectedError):
            matcher.accept_token(refused)
        matcher.accept_token(token)
        if token == SPECIAL:
            states = recognizer.step_token(states, token)
        for byte in TOKENS[token]:
            states = recognizer.step(states, byte)
        history += TOKENS[token] or b"<special>"
        if step % 3 == 2:
            matcher.rollback(1)
            assert matcher.try_accept_tokens([token]) == 1
    check_end(matcher)


def check_end(matcher: Matcher) -> None:
    """The bound on the tokens to the end is met by whoever keeps to it."""
    left = matcher.tokens_to_finish
    while not matcher.is_terminated:
        matcher.accept_token(allowed_tokens(matcher, left)[-1])
        left -= 1
    assert left >= 0


COMPOSITIONS = {
    "two_documents": lambda s, t: sequence(compact(s), compact(t)),
    "between_texts": lambda s, t: sequence("<s>", compact(s), text_until("<s>"), compact(t), "x"),
    "lines": lambda s, t: repeat(alternatives(compact(s), compact(t)), 1, 3, separator="\n"),
    "either": lambda s, t: alternatives(
        compact(s), sequence("<s>", compact(t)), text_until("<s>", without="{")
    ),
    "special": lambda s, t: sequence(
        free_text(without=["<s>", "{", "["]),
        special_token(SPECIAL),
        compact(s),
        special_token(SPECIAL),
        compact(t),
    ),
    "beside_text": lambda s, t: alternatives(
        compact(s), from_regex(r'[{\["a:1,\]}\n]*'), sequence(compact(t), "<s>")
    ),
    "inside": lambda s, t: sequence(
        "x", sequence("[", sequence(compact(s), "]")), alternatives(compact(t), "")
    ),
    "with_rules": lambda s, t: sequence(
        from_gbnf('root ::= "" | "a" root | root "b"'), compact(s), from_choices(["", "<s>"])
    ),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
@settings(max_examples=20, deadline=None)
@given(schemas=st.tuples(st.sampled_from(SCHEMAS), st.sampled_from(SCHEMAS)), seed=st.integers(0, 999))
def test_masks_are_those_of_the_recogniser(name: str, schemas: tuple[object, object], seed: int) -> None:
    check_walk(COMPOSITIONS[name](*schemas), random.Random(seed))


def test_a_key_may_come_in_each_document_once() -> None:
    grammar = sequence(compact(OPEN), " and ", compact(OPEN))
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    assert matcher.read_bytes(b'{"a":1,"b":2} and {"a":3')
    assert matcher.try_read(b',"a":4}') == 3
    assert matcher.try_read(b',"b":4}') == 7
    assert grammar.accepts('{"a":1} and {"a":1}')
    assert not grammar.accepts('{"a":1} and {"a":1,"a":2}')


def test_text_beside_a_document_is_free_of_its_rules() -> None:
    grammar = alternatives(compact(OPEN), text_until("!"))
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    assert matcher.read_bytes(b'{"a":1,"a":')
    assert not matcher.is_accepting
    assert matcher.read_bytes(b"{!")
    assert matcher.is_accepting


def test_two_documents_that_begin_at_different_places_are_refused_when_the_text_comes_there() -> None:
    matcher = compile_grammar(sequence(free_text(), compact(OPEN)), VOCABULARY).matcher()
    assert matcher.read_bytes(b'see {"a":')
    with pytest.raises(GrammarError, match="different places"):
        matcher.read_bytes(b"{")
    assert matcher.read_bytes(b"1}")
    assert matcher.is_accepting


def test_an_empty_part_is_skipped() -> None:
    maybe = from_gbnf('root ::= "" | "(" root ")"')
    assert maybe.is_ambiguous
    grammar = sequence(maybe, repeat(maybe, separator=","), compact({"const": 1}), maybe)
    assert grammar.is_ambiguous
    for text, is_right in (("1", True), ("(())1", True), ("(),,()1()", True), (",1", True), ("()", False)):
        assert grammar.accepts(text) == is_right, text
        assert (
            compile_grammar(grammar, VOCABULARY).matcher().try_read(text.encode()) == len(text)
        ) or not is_right


@given(
    st.lists(st.text("ab<>", min_size=1, max_size=4), min_size=1, max_size=4), st.text("ab<>\n", max_size=12)
)
def test_free_text_and_stops(stops: list[str], text: str) -> None:
    first = min((at + len(stop) for stop in stops for at in [text.find(stop)] if at >= 0), default=None)
    assert free_text(without=stops).accepts(text) == (first is None)
    assert text_until(stops).accepts(text) == (first == len(text))


@given(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", ","]), st.integers(0, 5))
def test_repetitions(least: int, more: int, separator: str, n: int) -> None:
    text = separator.join(["ab"] * n)
    bounded = repeat("ab", least, least + more, separator=separator)
    assert bounded.accepts(text) == (least <= n <= least + more)
    assert repeat("ab", least, separator=separator).accepts(text) == (least <= n)
    assert not bounded.accepts(text + ",")


def test_json_lines() -> None:
    grammar = json_lines({"type": "object", "additionalProperties": {"type": "integer"}}, least=2, most=3)
    assert grammar.accepts('{"a":1}\n{"a":1}')
    assert grammar.accepts('{"a":1}\n{}\n{}\n')
    for text in ('{"a":1}', '{"a":1}{"a":1}', "{}\n" * 4, '{"a":1}\n{"a":1,"a":1}', ""):
        assert not grammar.accepts(text), text
    assert json_lines({"const": 1}).accepts("")
    assert json_lines({"const": 1}).accepts("1\n1\n")


def test_intersection_is_that_of_the_languages() -> None:
    grammar = intersection(from_regex("[a-c]{1,3}"), free_text(without=["ab"]), from_regex("(?s).*c"))
    for text in ("c", "ac", "abc", "bac", "cab", "bbbc"):
        assert grammar.accepts(text) == bool(re.fullmatch("(?=[a-c]{1,3}$)(?!.*ab).*c", text)), text
    with pytest.raises(UnsupportedFeatureError, match="part 2, which is not regular"):
        intersection("a", compact(OPEN))
    with pytest.raises(UnsatisfiableError):
        intersection("a", "b")


def test_the_shortest_way_is_the_one_that_budgets_count_on() -> None:
    long = {"type": "object", "properties": {"a": {"const": "x" * 50}}, "required": ["a"]}
    grammar = alternatives(
        sequence("ab", compact(long)), sequence(compact({"const": 12}), "cde"), repeat("f", 9)
    )
    assert compile_grammar(grammar, VOCABULARY).shortest_text() == b"12cde"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sequence("a", 3), "a part must be a string or a Grammar, got 3"),
        (lambda: sequence("a", {"type": "string"}), "make it with from_json_schema"),
        (lambda: alternatives(["a", "b"]), "pass the parts one by one"),
        (lambda: alternatives("a", from_lark('start: "a"')), "as a part of another is not supported; make"),
        (
            lambda: intersection("a", from_json_schema({})),
            "with part 2, which is not regular, is not supported",
        ),
        (lambda: sequence("\ud800"), "lone surrogate"),
        (lambda: alternatives(), "the parts leave no text"),
        (lambda: repeat("a", 3, 2), "at least as much as least"),
        (lambda: repeat("a", -1), "integers from 0"),
        (lambda: repeat("a", True), "integers from 0"),
        (lambda: text_until(""), "not empty"),
        (lambda: text_until([]), "at least 1 is needed"),
        (lambda: text_until(["a" * 20_000]), "at most 10000 bytes"),
        (lambda: free_text(without=[1]), "each must be a string"),
        (lambda: text_until("ab", without="a"), "the parts leave no text"),
        (lambda: special_token(-1), "from 0 to"),
        (lambda: sequence(from_lark('start: "a"+'), "b"), 'lexer="dynamic"'),
    ],
)
def test_errors(make: object, message: str) -> None:
    with pytest.raises(GrammarError, match=re.escape(message)):
        make()  # type: ignore[operator]


def test_walks_of_many_documents_end_within_their_budget() -> None:
    chance = random.Random(7)
    part = {"type": "object", "properties": {"n": DISTINCT, "more": OPEN}, "required": ["n"]}
    compiled = compile_grammar(json_lines(part, least=2, most=4), VOCABULARY)
    least = compiled.matcher().tokens_to_finish
    for budget in range(least, least + 40):
        matcher, token_ids = compiled.matcher(), []
        while not matcher.is_terminated:
            token_ids.append(chance.choice(allowed_tokens(matcher, budget - len(token_ids))))
            matcher.accept_token(token_ids[-1])
        lines = b"".join(TOKENS[token] for token in token_ids).decode().splitlines()
        assert 2 <= len(lines) <= 4
        assert len(token_ids) <= budget
        for line in lines:
            value = json.loads(line, object_pairs_hook=lambda pairs: dict(pairs, n_pairs=len(pairs)))
            assert value.pop("n_pairs") == len(value)


def test_nothing_leads_where_no_end_is() -> None:
    nothing = Skeleton()
    nothing.join(0, literal("ab"))
    nothing.end(nothing.join(0, literal("ac")))
    grammar = nothing.build()
    assert grammar.accepts("ac")
    assert not grammar.accepts("ab")
    assert compile_grammar(grammar, VOCABULARY).matcher().forced_bytes() == b"ac"


def test_a_composition_prints_pickles_and_becomes_an_automaton() -> None:
    closed = {"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": False}
    grammar = sequence("x", repeat(compact(closed), 0, 2, separator=","), text_until("!"))
    assert "call" in str(grammar)
    again = pickle.loads(pickle.dumps(compile_grammar(grammar, VOCABULARY)))
    assert again.grammar.accepts('x{"a":true},{}no!')
    automaton = again.token_automaton(max_tokens=12)
    assert automaton.n_states > 10
    with pytest.raises(UnsupportedFeatureError):
        compile_grammar(sequence("x", compact(OPEN)), VOCABULARY).token_automaton(max_tokens=12)


def test_compositions_nest_within_a_limit() -> None:
    part: Grammar = from_json_schema({"type": "null"})
    for _ in range(MOST_NESTED):
        part = sequence("(", part, ")")
    assert part.accepts("(" * MOST_NESTED + "null" + ")" * MOST_NESTED)
    with pytest.raises(LimitExceededError, match="compositions inside each other"):
        sequence("(", part, ")")
