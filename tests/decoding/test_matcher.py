"""Matchers: cases that once went wrong, and the errors for wrong arguments."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
import tokentrellis as tt

from tests.oracles.brute_force_mask import allowed_tokens

EXTRA = [b'"a"', b'a"', b"\\n", b'\\"', b"\\\\", b'":', b'", "', b'"}', b"ab"]
TOKENS = [bytes([byte]) for byte in range(256)] + [b"", *EXTRA]
EOS = 256


@pytest.fixture(scope="module")
def vocabulary() -> tt.Vocabulary:
    return tt.Vocabulary(TOKENS, eos_token_ids=[EOS])


def ids_of(bitmask: np.ndarray, row: int = 0) -> set[int]:
    bits = np.unpackbits(bitmask[row].view(np.uint8), bitorder="little")
    return set(np.flatnonzero(bits).tolist())


def masks_along(grammar: tt.Grammar, vocabulary: tt.Vocabulary, text: bytes) -> None:
    """Compares each mask on the way through a text with the slow oracle."""
    matcher = tt.compile_grammar(grammar, vocabulary).matcher()
    bitmask = tt.allocate_bitmask(1, vocabulary.vocab_size)
    for length in range(len(text) + 1):
        matcher.fill_bitmask(bitmask)
        assert ids_of(bitmask) - {EOS} == allowed_tokens(grammar, text[:length], list(vocabulary.tokens))
        assert (EOS in ids_of(bitmask)) == matcher.is_accepting
        if length < len(text):
            assert matcher.read_bytes(text[length : length + 1])


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"enum": ['"', "a"]}, rb'"\""'),
        ({"enum": ['a"', "b"]}, rb'"a\""'),
        ({"const": "\\\n"}, rb'"\\\n"'),
        ({"properties": {'a"': True, "\\n": True}, "additionalProperties": False}, rb'{"a\"":0,"\\n":1}'),
        ({"properties": {'a"': {"type": "null"}}}, rb'{"a\"":null,"a":1}'),
    ],
)
def test_literals_with_quotes_and_backslashes(schema: object, text: bytes, vocabulary: tt.Vocabulary) -> None:
    masks_along(tt.from_json_schema(schema, whitespace="compact", property_order="any"), vocabulary, text)


@pytest.mark.parametrize("budgets", [None, [3, None, 5]])
def test_batch_with_a_finished_matcher(budgets: list[int | None] | None, vocabulary: tt.Vocabulary) -> None:
    compiled = tt.compile_grammar(tt.from_regex("ab?"), vocabulary)
    matchers = [compiled.matcher() for _ in range(3)]
    for token in (ord("a"), EOS):
        matchers[0].accept_token(token)
    matchers[1].accept_token(ord("a"))
    bitmask = tt.allocate_bitmask(3, vocabulary.vocab_size)
    tt.fill_bitmasks(matchers, bitmask, budgets=budgets)
    assert ids_of(bitmask, 0) == {EOS}
    assert ids_of(bitmask, 1) == {ord("b"), EOS}
    assert ids_of(bitmask, 2) == {ord("a"), TOKENS.index(b"ab")}


def test_wrong_arguments(vocabulary: tt.Vocabulary) -> None:
    compiled = tt.compile_grammar(tt.from_regex("ab?"), vocabulary)
    matcher = compiled.matcher()
    bitmask = tt.allocate_bitmask(2, vocabulary.vocab_size)
    with pytest.raises(ValueError, match="rows"):
        tt.fill_bitmasks([matcher, matcher], bitmask, rows=[0])
    with pytest.raises(ValueError, match="budgets"):
        tt.fill_bitmasks([matcher, matcher], bitmask, budgets=[9])
    with pytest.raises(TypeError):
        matcher.fill_bitmask(None)
    with pytest.raises(TypeError):
        tt.fill_bitmasks([None], bitmask)  # type: ignore[list-item]
    with pytest.raises(TypeError):
        tt.Matcher(None)  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="row 2"):
        matcher.fill_bitmask(bitmask, row=2)
    with pytest.raises(tt.TokenRejectedError):
        matcher.accept_token(10**6)
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(matcher)
    for copied in (copy.copy(matcher), copy.deepcopy(matcher)):
        assert copied.state_id == matcher.state_id
        assert copied.compiled is matcher.compiled


def test_budget_of_nothing_does_not_allow_the_end(vocabulary: tt.Vocabulary) -> None:
    matcher = tt.compile_grammar(tt.from_regex("a"), vocabulary).matcher()
    matcher.accept_token(ord("a"))
    with pytest.raises(tt.BudgetTooSmallError):
        matcher.fill_bitmask(tt.allocate_bitmask(1, vocabulary.vocab_size), budget=0)


@pytest.mark.parametrize(
    ("missing", "schema"),
    [
        (b'"', {"type": "string", "minLength": 4}),
        (b'"', {"enum": ["ab"]}),
        (b'"', {"type": "string", "pattern": "^a+$", "maxLength": 4}),
        (b'"', {"type": "string", "not": {"enum": ["ab"]}}),
        (b"}", {"type": "object", "maxProperties": 3}),
        (b"a", {"enum": ["aa"], "type": "string"}),
    ],
)
def test_missing_bytes_are_named(missing: bytes, schema: object) -> None:
    tokens = [bytes([byte]) if bytes([byte]) != missing else b"" for byte in range(256)]
    if missing == b"a":  # every spelling of the letter
        tokens[ord("\\")] = b""
    vocabulary = tt.Vocabulary([*tokens, b""], eos_token_ids=[EOS])
    with pytest.raises(tt.VocabularyError) as caught:
        tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), vocabulary)
    assert missing[0] in caught.value.missing_bytes


def test_threads_share_a_compiled_grammar(vocabulary: tt.Vocabulary) -> None:
    schema = {"type": "array", "items": {"properties": {"ab": {"type": "string"}, "b": {"type": "integer"}}}}
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="any"), vocabulary)
    text = b'[{"ab": "x"}, {"ab": "yy", "b": 12}, {"c": [1, 2]}]'
    expected = []
    alone = tt.compile_grammar(tt.from_json_schema(schema, whitespace="any"), vocabulary).matcher()
    bitmask = tt.allocate_bitmask(1, vocabulary.vocab_size)
    for byte in text:
        alone.fill_bitmask(bitmask)
        expected.append(ids_of(bitmask))
        alone.accept_token(byte)
    failures: list[int] = []

    def run() -> None:
        mine = tt.allocate_bitmask(2, vocabulary.vocab_size)
        for _ in range(5):
            matchers = [compiled.matcher(), compiled.matcher()]
            for step, byte in enumerate(text):
                tt.fill_bitmasks(matchers, mine)
                if ids_of(mine, 0) != expected[step] or ids_of(mine, 1) != expected[step]:
                    failures.append(step)
                for matcher in matchers:
                    matcher.accept_token(byte)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_matcher_says_where_it_is() -> None:
    vocabulary = tt.Vocabulary([b"a", b"b", b""], eos_token_ids=[2])
    matcher = tt.compile_grammar(tt.from_regex("ab?"), vocabulary).matcher()
    assert repr(matcher) == "Matcher(after 0 tokens: next 'a')"
    matcher.accept_token(0)
    assert repr(matcher) == "Matcher(after 1 tokens: next 'b' or the end)"
    with pytest.raises(tt.TokenRejectedError, match=r"token 1099511627776 .*has tokens 0 to 2"):
        matcher.accept_token(2**40)


def test_negative_budgets_are_shown_as_they_are() -> None:
    vocabulary = tt.Vocabulary([b"a", b""], eos_token_ids=[1])
    compiled = tt.compile_grammar(tt.from_regex("a+"), vocabulary)
    matchers = [compiled.matcher() for _ in range(3)]
    matchers[1].accept_token(0)
    matchers[1].accept_token(1)  # has ended: takes any budget
    bitmask = tt.allocate_bitmask(3, 2)
    with pytest.raises(tt.BudgetTooSmallError, match="got -5;") as caught:
        tt.fill_bitmasks(matchers, bitmask, budgets=[None, -7, -5])
    assert (caught.value.given, caught.value.needed) == (-5, 2)
    with pytest.raises(tt.BudgetTooSmallError, match="got -5;") as caught:
        matchers[0].fill_bitmask(bitmask, budget=-5)
    assert (caught.value.given, caught.value.needed) == (-5, 2)


def test_a_shortest_text_that_is_too_long_is_a_limit_not_a_hang() -> None:
    vocabulary = tt.Vocabulary([bytes([i]) for i in range(256)] + [b""], eos_token_ids=[256])
    for least, is_refused in ((1_000, False), (10**9, True)):
        grammar = tt.from_json_schema({"type": "string", "pattern": "^(ab|cd)*$", "minLength": least})
        matcher = tt.compile_grammar(grammar, vocabulary).matcher()
        if not is_refused:
            assert matcher.tokens_to_finish == least + 3
            continue
        with pytest.raises(tt.LimitExceededError, match="shortest text of a pattern with a length limit"):
            _ = matcher.tokens_to_finish
