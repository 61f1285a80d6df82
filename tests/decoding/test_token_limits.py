"""Rules that take so many tokens at most, and what is beside them, against trying every way."""

from __future__ import annotations

import pytest
from tokentrellis import Vocabulary, allocate_bitmask, compile_grammar, from_lark
from tokentrellis.decoding.bitmask import unpack_bitmask
from tokentrellis.decoding.matcher import Matcher

from tests.oracles.token_limits import Piece, TokenLimitOracle

pytest.importorskip("lark")

TOKENS = (b"a", b"b", b"ab", b";", b"b;", b";a")
PLAIN_TOKENS = (b"a", b"b", b"ab", b";", b"bb")  # none of them is in two pieces


def vocabulary_of(tokens: tuple[bytes, ...]) -> Vocabulary:
    return Vocabulary([*tokens, b""], eos_token_ids=[len(tokens)])


def grammar_of(pieces: list[Piece]) -> str:
    lines = ["start: " + " ".join(f"p{n}" for n in range(len(pieces)))]
    for number, (pattern, most) in enumerate(pieces):
        limit = "" if most is None else f"[max_tokens={most}]"
        lines.append(f"p{number}{limit}: /{pattern}/")
    return "\n".join(lines)


ROWS = [
    [Piece("[ab]*", 2), Piece(";")],
    [Piece("[ab]+", 1), Piece(";"), Piece("[ab]{0,2}", 2)],
    [Piece("[ab]{3}", 2), Piece(";?")],
    [Piece("a*", 1), Piece("b*", 1), Piece(";")],
    [Piece("[ab]+", 2), Piece("[ab]+;", 2)],
    [Piece("(ab|ba)*", 2), Piece("[ab]*;")],
    [Piece("aab|bb|a;", 2), Piece("[;a]*", 1)],
]


def mask_of(matcher: Matcher, budget: int | None = None) -> list[bool]:
    size = matcher.compiled.vocabulary.vocab_size
    bitmask = allocate_bitmask(1, size)
    matcher.fill_bitmask(bitmask, budget=budget)
    return [bool(bit) for bit in unpack_bitmask(bitmask[0], size)]


@pytest.mark.parametrize("is_cautious", [True, False])
@pytest.mark.parametrize("pieces", ROWS, ids=grammar_of)
def test_masks_are_those_of_trying_every_way(pieces: list[Piece], is_cautious: bool) -> None:
    """Where no token is in two pieces a limit is all; else what comes next is not counted on."""
    tokens = TOKENS if is_cautious else PLAIN_TOKENS
    most = 6
    oracle = TokenLimitOracle(pieces, tokens, most, is_cautious=is_cautious)
    matcher = compile_grammar(from_lark(grammar_of(pieces)), vocabulary_of(tokens)).matcher()
    seen = 0

    def visit(ids: tuple[int, ...]) -> None:
        nonlocal seen
        if matcher.tokens_to_finish - 1 + len(ids) >= most:
            return  # what comes next may be longer than what was tried
        following, may_end = oracle.allowed(ids)
        *allowed, end = mask_of(matcher)
        found = {token for token, is_allowed in enumerate(allowed) if is_allowed}
        # A token after which more is needed than was tried is not known to the oracle.
        unknown = set()
        for token in found - following:
            matcher.accept_token(token)
            if matcher.tokens_to_finish + len(ids) > most:
                unknown.add(token)
            matcher.rollback(1)
        assert found - unknown == following, (ids, found, following)
        assert end == may_end == matcher.is_accepting, ids
        assert found == {token for token in range(len(tokens)) if matcher.allows_token(token)}
        seen += 1
        for token in sorted(found):
            matcher.accept_token(token)
            visit((*ids, token))
            matcher.rollback(1)
            if len(ids) < 2:
                assert [*allowed, end] == mask_of(matcher)

    visit(())
    assert seen > 5
