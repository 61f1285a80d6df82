"""The tracker of rows against its slow twin: whatever was shown before, a row is a fresh matcher fed with its
tokens.
"""

from __future__ import annotations

import numpy as np
import pytest
import tokentrellis as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis.decoding.prefixes import PrefixTracker, Row

EOS = 4
VOCABULARY = tt.Vocabulary([b"a", b"b", b"ab", b"c", b""], eos_token_ids=[EOS])
GRAMMAR = tt.compile_grammar(tt.from_regex("(ab)*c?"), VOCABULARY)
OTHER = tt.compile_grammar(tt.from_regex("c+"), VOCABULARY)
PROMPT = [7, 9]


def ids(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


def expected(tokens: list[int], grammar: tt.CompiledGrammar = GRAMMAR) -> tuple[int, bool, int]:
    """(accepted, whether the row is live, state) by feeding a fresh matcher."""
    matcher = grammar.matcher()
    n_accepted = matcher.try_accept_tokens(tokens)
    is_live = n_accepted == len(tokens) and not matcher.is_terminated
    return n_accepted, is_live, matcher.state_id


def seen(row: Row) -> tuple[int, bool, int]:
    return row.n_accepted, row.is_live, row.matcher.state_id


def check(tracker: PrefixTracker, *rows: list[int]) -> None:
    found = tracker.follow(ids(*[PROMPT + row for row in rows]))
    assert [seen(row) for row in found] == [expected(row) for row in rows]


def test_plain_generation_and_padding_after_the_end() -> None:
    tracker = PrefixTracker([GRAMMAR])
    check(tracker, [], [])
    check(tracker, [2], [0])
    check(tracker, [2, EOS], [0, 1])
    check(tracker, [2, EOS, 3], [0, 1, 2])
    check(tracker, [2, EOS, 3, 3], [0, 1, 2, 3])


def test_reordered_beams() -> None:
    tracker = PrefixTracker([GRAMMAR])
    check(tracker, [], [], [])
    check(tracker, [0], [2], [3])
    check(tracker, [2, 0], [2, 2], [0, 1])
    check(tracker, [0, 1, 2], [2, 2, 3], [0, 1, 0])


def test_drafts_that_are_thrown_away() -> None:
    tracker = PrefixTracker([GRAMMAR])
    # The draft, then the main model's look at it, then another token in place of the draft's last.
    for tokens in ([], [0], [0, 1], [], [0], [0, 1], [0, 1, 2], [0, 1, 0], [0, 1, 0, 1]):
        check(tracker, tokens)
    for tokens in ([0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0, 3], [0, 1, 0, 1]):  # an illegal draft
        check(tracker, tokens)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([5, 6], [5, 6]),
        ([5, 6], [5]),
        ([5, 6], [5, 8]),
        ([5, 6], [5, 6, 8]),  # one more, and not what the grammar would allow
        ([5, 6], [5, 6, 2, 1, 8]),  # the first output and more
        ([5, 6], [8, 8, 8]),
        ([], [3]),
    ],
)
def test_the_next_prompt(first: list[int], second: list[int]) -> None:
    tracker = PrefixTracker([GRAMMAR])
    for prompt in (first, second):
        for tokens in ([], [2], [2, 0], [2, 0, 1]):
            (row,) = tracker.follow(ids(prompt + tokens))
            assert seen(row) == expected(tokens)


def test_the_next_prompt_has_one_legal_token_more() -> None:
    """Told apart because no draft was ever seen; after drafts it needs `reset` or `prompt_length`."""
    tracker = PrefixTracker([GRAMMAR])
    for tokens in ([], [2], [2, 0]):
        check(tracker, tokens)
    (row,) = tracker.follow(ids([*PROMPT, 3]))
    assert (len(row.tokens), row.is_live) == (0, True)

    tracker.reset()
    for tokens in ([], [2], [], [2]):
        check(tracker, tokens)
    tracker.reset()
    (row,) = tracker.follow(ids([*PROMPT, 3]))
    assert len(row.tokens) == 0


def test_drafts_from_elsewhere() -> None:
    """Drafts that nobody showed while they were made: the first sign is that the rows are cut out of longer
    ones.
    """
    tracker = PrefixTracker([GRAMMAR])
    for tokens in ([], [0], [0, 1]):
        tracker.follow(ids(PROMPT + tokens), is_draft=len(tokens) < 2)
    check(tracker, [2])
    check(tracker, [2, 3])


def test_two_models_with_their_own_token_ids_take_turns() -> None:
    tracker = PrefixTracker([GRAMMAR])
    for own, foreign in (([], [[]]), ([2], [[11], [11, 12]]), ([2, 2], [[11, 12, 13], [11, 12, 13, 14]])):
        for tokens in foreign:
            tracker.follow(ids([30, 31, 32, *tokens]))
        check(tracker, own)


def test_one_grammar_for_each_prompt() -> None:
    tracker = PrefixTracker([GRAMMAR, OTHER])
    tracker.follow(ids(*[PROMPT] * 4))
    tokens = [[0], [2], [3], [3]]
    rows = tracker.follow(ids(*[PROMPT + row for row in tokens]))
    assert [seen(row) for row in rows] == [
        expected(row, grammar) for row, grammar in zip(tokens, [GRAMMAR, GRAMMAR, OTHER, OTHER], strict=True)
    ]
    with pytest.raises(tt.ConstraintError, match="multiple of the 2 grammars, got 3"):
        PrefixTracker([GRAMMAR, OTHER]).follow(ids(*[PROMPT] * 3))


def test_rows_shorter_than_the_prompt() -> None:
    with pytest.raises(tt.ConstraintError, match="prompt_length=2, got 1"):
        PrefixTracker([GRAMMAR], prompt_length=2).follow(ids([1]))


token_rows = st.lists(st.integers(0, EOS), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(token_rows, token_rows), max_size=8))
def test_with_a_known_prompt_any_jump_is_a_function_of_the_tokens(
    calls: list[tuple[list[int], list[int]]],
) -> None:
    tracker = PrefixTracker([GRAMMAR], prompt_length=len(PROMPT))
    for first, second in calls:
        width = min(len(first), len(second))
        check(tracker, first[:width], second[:width])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_beam_search_of_any_shape(data: st.DataObject) -> None:
    tracker = PrefixTracker([GRAMMAR])
    beams: list[list[int]] = [[]] * 3
    for _ in range(data.draw(st.integers(0, 6))):
        check(tracker, *beams)
        step = st.tuples(st.sampled_from(beams), st.integers(0, EOS))
        beams = [[*parent, token] for parent, token in data.draw(st.lists(step, min_size=3, max_size=3))]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_speculation_of_any_shape(data: st.DataObject) -> None:
    """Rounds as transformers makes them: all prefixes of a draft, some tokens of it kept, one legal token
    added.
    """
    tracker = PrefixTracker([GRAMMAR])
    tokens: list[int] = []
    for _ in range(data.draw(st.integers(1, 4))):
        draft = data.draw(st.lists(st.integers(0, EOS), max_size=4))
        for _ in range(2):  # the draft model, then the main model
            for length in range(len(draft) + 1):
                check(tracker, tokens + draft[:length])
        matcher = GRAMMAR.matcher()
        n_legal = matcher.try_accept_tokens(tokens + draft) - len(tokens)
        kept = tokens + draft[: data.draw(st.integers(0, n_legal))]
        matcher = GRAMMAR.matcher()
        matcher.try_accept_tokens(kept)
        legal = [token for token in range(EOS + 1) if matcher.allows_token(token)]
        if not legal:
            break
        tokens = [*kept, data.draw(st.sampled_from(legal))]
