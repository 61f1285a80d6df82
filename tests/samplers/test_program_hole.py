"""The steps of a hole on a vocabulary of a few tokens, with scores made by hand."""

from __future__ import annotations

import math

import pytest
import tokentrellis as tt
import torch
from tokentrellis.samplers.program_choice import OptionTree
from tokentrellis.samplers.program_hole import Ends, Hole, TokenLaw, TokensByText

TOKENS = [b" ", b" x", b" y", b"  y", b"x", b"y", b"z", b"", b"zz", b" "]
EOS = 7
VOCABULARY = tt.Vocabulary(TOKENS, eos_token_ids=[EOS])
LIKELIEST = TokenLaw(None, None, None, None)


def hole(pattern: str, *, owed: bytes = b"", max_tokens: int = 9, ends: Ends = "other") -> Hole:
    matcher = tt.compile_grammar(tt.from_regex(pattern), VOCABULARY).matcher()
    return Hole(matcher, TokensByText(VOCABULARY), owed=owed, max_tokens=max_tokens, ends=ends)


def logits(**probabilities: float) -> torch.Tensor:
    """t0=..., t7=...: of these tokens; nothing for the others."""
    values = torch.full((len(TOKENS),), -math.inf)
    for name, probability in probabilities.items():
        values[int(name[1:])] = math.log(probability)
    return values


def allowed(at: Hole) -> set[int]:
    """Each token that is chosen where it alone has a probability."""
    found = set()
    for token_id in range(len(TOKENS)):
        try:
            chosen = at.copy().choose(logits(**{f"t{token_id}": 1.0}), LIKELIEST)
        except tt.NoAllowedTokenError:
            continue
        if chosen is not None:
            found.add(chosen)
    return found


def test_owed_bytes_are_spelled_first_and_may_be_gone_beyond() -> None:
    at = hole("x|y", owed=b" ")
    assert allowed(at) == {0, 1, 2, 9}
    assert at.forced_bytes() == b" "
    at.accept(0)
    assert at.owed == b""
    assert allowed(at) == {4, 5}
    beyond = hole("xz|y", owed=b" ")
    beyond.accept(1)
    assert beyond.forced_bytes() == b"z"
    assert not beyond.is_over
    beyond.accept(6)
    assert beyond.is_over


def test_owed_bytes_may_take_several_tokens() -> None:
    at = hole("y", owed=b"  ")
    assert allowed(at) == {0, 3, 9}
    at.accept(9)
    assert at.owed == b" "
    assert allowed(at) == {0, 2, 9}


def test_a_token_beyond_owed_bytes_leaves_room_for_the_end() -> None:
    at = hole("xzzzzz|y", owed=b" ", max_tokens=2)
    assert allowed(at) == {0, 2, 9}  # behind " x" three more tokens would be needed
    assert allowed(hole("xzzzzz|y", owed=b" ", max_tokens=4)) == {0, 1, 2, 9}
    at.accept(0)
    assert allowed(at) == {5}


@pytest.mark.parametrize(
    ("probabilities", "other", "eos"),
    [
        ({"t4": 0.5, "t7": 0.3, "t6": 0.2}, 4, 4),
        ({"t4": 0.45, "t7": 0.3, "t6": 0.25}, None, 4),  # 0.3 and 0.25 together
        ({"t4": 0.3, "t7": 0.4, "t5": 0.3}, None, None),
        ({"t4": 0.3, "t6": 0.7}, None, 4),
    ],
)
def test_the_end_has_the_probability_of_what_is_not_taken(
    probabilities: dict[str, float], other: int | None, eos: int | None
) -> None:
    assert hole("x*").choose(logits(**probabilities), LIKELIEST) == other
    assert hole("x*", ends="eos").choose(logits(**probabilities), LIKELIEST) == eos


def test_the_end_is_drawn_as_often_as_it_is_likely() -> None:
    law = TokenLaw(torch.Generator().manual_seed(1), None, None, None)
    scores = logits(t4=0.5, t7=0.2, t6=0.3)
    ended = sum(hole("x*").choose(scores, law) is None for _ in range(400))
    assert ended / 400 == pytest.approx(0.5, abs=0.1)  # 4 standard deviations


def test_no_end_before_the_grammar_allows_it() -> None:
    assert hole("xx").choose(logits(t4=0.1, t7=0.5, t6=0.4), LIKELIEST) == 4
    with pytest.raises(tt.NoAllowedTokenError, match="score -inf"):
        hole("xx").choose(logits(t7=0.5, t6=0.5), LIKELIEST)


def test_a_copy_goes_its_own_way() -> None:
    at = hole("xz|y")
    twin = at.copy()
    twin.accept(4)
    assert (at.forced_bytes(), twin.forced_bytes()) == (b"", b"z")
    assert (at.can_finish, twin.can_finish) == (True, True)


def test_tokens_by_text() -> None:
    tokens = TokensByText(VOCABULARY)
    for data in (b" ", b"  ", b"x", b"z", b"zz", b"q", b"  y "):
        assert sorted(tokens.beginning_with(data)) == [
            i for i, text in enumerate(TOKENS) if text.startswith(data) and text != data
        ]
        assert tokens.goes_on(data) == bool(tokens.beginning_with(data))
        assert sorted(tokens.beginnings_of(data)) == [
            i for i, text in enumerate(TOKENS) if text and data.startswith(text)
        ]


def test_a_draw_behind_owed_bytes_has_the_law_of_what_fits() -> None:
    """Tokens after which the budget is too small are drawn again; the others keep their proportions."""
    law = TokenLaw(torch.Generator().manual_seed(2), None, None, None)
    scores = logits(t1=0.6, t2=0.1, t0=0.3)  # " x" needs three more tokens
    counts = {0: 0, 2: 0}
    for _ in range(400):
        chosen = hole("xzzzzz|y", owed=b" ", max_tokens=2).choose(scores, law)
        assert chosen is not None
        counts[chosen] += 1
    assert counts[2] / 400 == pytest.approx(0.25, abs=0.09)  # 4 standard deviations


def test_options_share_their_nodes() -> None:
    tree = OptionTree([[1], [1, 2], [1, 2, 3], [1, 4, 3], [5]])
    assert (tree.tokens, tree.parents) == ([1, 2, 4], [-1, 0, 0])
    assert [tree.path(index) for index in range(5)] == [[0], [0, 1], [0, 1], [0, 2], []]
    laws = torch.log_softmax(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).double(), -1)
    found = tree.log_probs(laws[3], laws[:3])
    expected = [
        laws[3, 1],
        laws[3, 1] + laws[0, 2],
        laws[3, 1] + laws[0, 2] + laws[1, 3],
        laws[3, 1] + laws[0, 4] + laws[2, 3],
        laws[3, 5],
    ]
    assert found == pytest.approx([float(value) for value in expected])
