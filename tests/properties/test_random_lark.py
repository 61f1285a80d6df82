"""Random Lark grammars over three letters against Lark itself, on all short texts.

Terminals overlap, begin and contain each other, are greedy, lazy, keywords and ignored ones, with priorities
and look-ahead; rules are few, some contain themselves. On every text of up to LONGEST letters the core and
Lark agree; and a text that the core can read has an end that Lark accepts, within the promised number of
tokens. More seeds are run by `python -m tests.properties.test_random_lark FIRST LAST`.
"""

from __future__ import annotations

import random
import sys
from itertools import product

import pytest
from tokentrellis import (
    ConstraintError,
    GrammarError,
    LimitExceededError,
    Matcher,
    Vocabulary,
    compile_grammar,
)
from tokentrellis.grammars.lark import from_lark

from tests.masks import allowed_tokens

lark = pytest.importorskip("lark")

LETTERS = "ab "
LONGEST = 6
TEXTS = ["".join(text) for length in range(LONGEST + 1) for text in product(LETTERS, repeat=length)]
PIECES = [b"ab", b"aa", b"ba", b"b ", b" a", b"abab", b"  ", b"bb a"]
VOCABULARY = Vocabulary([bytes([byte]) for byte in range(256)] + [b"", *PIECES], eos_token_ids=[256])
_TERMINALS = (
    *(
        '"a"',
        '"b"',
        '"ab"',
        '"aab"',
        '"ba"',
        '"b a"',
        "/a+/",
        "/[ab]+/",
        "/a+b/",
        "/ab?/",
        "/a|ab/",
        "/ab|a/",
    ),
    *(
        "/b+?/",
        "/a[ab]*?b/",
        "/a.*b/",
        "/(ab)+/",
        "/b( b)*/",
        "/a(?!b)/",
        "/a+(?! )/",
        "/b\\b/",
        '"A"i',
        "/a /",
    ),
    *("/[ab]{2}/", "/(a|b)*?a/", "/a(?=b)[ab]/", "/b$/m", "/ +/", '" "'),
)


def random_grammar(rng: random.Random) -> str:
    names = ["P", "Q", "R", "S"][: rng.randint(1, 4)]
    lines = [f"{name}{rng.choice(['', '', '', '.2', '.1'])}: {rng.choice(_TERMINALS)}" for name in names]
    symbols = [*names, *names, "x", '"b"']
    for rule in ("start", "x"):
        options = []
        for _ in range(rng.randint(1, 3)):
            items = [
                rng.choice(symbols) + rng.choice(["", "", "", "?", "*", "+"])
                for _ in range(rng.randint(0, 3))
            ]
            options.append(" ".join(items))
        if rule == "x":
            options.append(rng.choice(names))
        elif rng.random() < 0.3:
            options.append(f"{rng.choice(names)} start {rng.choice(symbols)}")
        lines.append(f"{rule}: {' | '.join(options)}")
    if rng.random() < 0.5:
        lines.append(
            rng.choice(['%ignore " "', "%ignore / +/", f"%ignore {rng.choice(names)}", "%ignore /b /"])
        )
    return "\n".join(lines) + "\n"


def check(seed: int) -> bool:
    """Whether the grammar was one that Lark and we take, and no search for an end was given up."""
    try:
        return compare(seed)
    except LimitExceededError:
        return False
    except GrammarError as error:  # a look-ahead where a terminal ends, which was met only later
        if "undecided" not in error.message:
            raise
        return False


def compare(seed: int) -> bool:
    rng = random.Random(seed)
    text = random_grammar(rng)
    try:
        parser = lark.Lark(text, parser="lalr", lexer="contextual")
        grammar = from_lark(text)
    except (lark.exceptions.LarkError, ConstraintError, AttributeError):  # the last is a defect of Lark's
        return False

    def is_accepted(word: str) -> bool:
        try:
            parser.parse(word)
        except lark.exceptions.UnexpectedInput:
            return False
        return True

    language = {word for word in TEXTS if is_accepted(word)}
    try:
        compiled = compile_grammar(grammar, VOCABULARY)
        compiled.matcher().next_bytes()
    except LimitExceededError:
        raise
    except ConstraintError as error:
        if language and "undecided" not in error.message:  # a look-ahead where a terminal ends may be refused
            raise
        return False
    for word in TEXTS:
        matcher = compiled.matcher()
        n_read = matcher.try_accept_tokens(word.encode())
        accepted = n_read == len(word) and matcher.is_accepting
        assert accepted == (word in language), (seed, text, word, n_read)
        if n_read < len(word) or rng.random() < 0.9:
            continue
        written = finish(matcher, word, rng)
        assert is_accepted(written), (seed, text, word, written)
    return True


def finish(matcher: Matcher, word: str, rng: random.Random) -> str:
    """A text that begins with what was read, within the promised number of tokens."""
    budget = matcher.tokens_to_finish
    assert budget is not None, word
    written = word.encode()
    while not matcher.is_terminated:
        allowed = allowed_tokens(matcher, budget)
        assert allowed, word
        token = rng.choice(allowed)
        matcher.accept_token(token)
        written += VOCABULARY.tokens[token]
        budget -= 1
    return written.decode()


def test_a_conflict_that_leads_away_from_the_shortest_derivation() -> None:
    """After `ba` an empty `start` would do, but before another `ba` the tables begin a third: `b` ends it."""
    text = 'P: "ba"\nstart: "b" | | P start P\n%ignore / +/\n'
    matcher = compile_grammar(from_lark(text), VOCABULARY).matcher()
    assert matcher.read_bytes(b"ba")
    lark.Lark(text, parser="lalr", lexer="contextual").parse(finish(matcher, "ba", random.Random(1)))


def test_the_cheapest_of_several_ends_is_promised() -> None:
    """After another `b` it is not known yet which terminal that was: P needs more to the end than "b"."""
    text = 'P.2: /b\\b/\nQ.1: " "\nstart: Q* "b"* P+ | Q start "b"\n%ignore " "\n'
    parser = lark.Lark(text, parser="lalr", lexer="contextual")
    compiled = compile_grammar(from_lark(text), VOCABULARY)
    for word in ("  b ", "   b ", "  b  "):
        for seed in range(20):
            matcher = compiled.matcher()
            assert matcher.read_bytes(word.encode())
            parser.parse(finish(matcher, word, random.Random(seed)))


@pytest.mark.parametrize(
    ("text", "read", "allowed"),
    [
        ('start: "b" | "a" x y "ab"\nx: | x "ab"\ny:\n', b"", b"b"),
        ('start: "b" | "a" x y "ab"\nx: | x "ab"\ny:\n%ignore " "\n', b"", b"b "),
        ('start: item ("," item)*\nitem: A | A "(" x "," ")"\nx: A ("," A?)*\nA: /[a-z]/\n', b"a", b","),
    ],
)
def test_no_token_into_what_a_conflict_never_ends(text: str, read: bytes, allowed: bytes) -> None:
    """What is shifted where the only way to the end would reduce is accepted, and so is all that follows."""
    matcher = compile_grammar(from_lark(text), VOCABULARY).matcher()
    assert matcher.read_bytes(read)
    tokens = [VOCABULARY.tokens[token] for token in allowed_tokens(matcher)]
    assert b"".join(sorted({token[:1] for token in tokens if token})) == bytes(sorted(allowed))


def test_a_look_around_that_no_text_decides_elsewhere() -> None:
    """After letters no word can begin at once, so that what is undecided of two of them does not matter."""
    text = (
        'IF.2: /if\\b/\nNAME.1: /[aif]+(?!1)/\nLETTERS: /[a-z]+/\nstart: "(" LETTERS x\nx: IF | NAME | "!"\n'
    )
    matcher = compile_grammar(from_lark(text), VOCABULARY).matcher()
    for byte in b"(ab":
        assert matcher.try_accept_tokens([byte]) == 1
        assert allowed_tokens(matcher)
    assert ord("!") in allowed_tokens(matcher)


def test_random_grammars() -> None:
    assert sum(check(seed) for seed in range(30)) >= 8


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:])
    print(sum(check(seed) for seed in range(first, last)), "grammars agree")
