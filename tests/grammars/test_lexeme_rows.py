"""Rows of grammars given by parse tables against acceptance byte by byte, token by token.

The vocabulary is large enough for what only large ones need: subtrees that lexers share, text read by classes
of bytes, keywords corrected afterwards, rests of thousands of tokens.
"""

from __future__ import annotations

import random
from functools import cache

import pytest
from tokentrellis import CompiledGrammar, Matcher, Vocabulary, compile_grammar, from_lark

from tests.masks import allowed_tokens

pytest.importorskip("lark")

KEYWORDS = ["if", "in", "is", "not", "else", "for", "SELECT", "FROM", "AS"]
SIGNS = [
    "(",
    ")",
    "()",
    "):",
    ",",
    '"',
    '="',
    "':",
    ".",
    ".x",
    "+",
    "==",
    "**",
    "/",
    "//",
    "[",
    "]]",
    "{",
    '{"',
    "}",
    ";",
    "\n",
]
MIXED = r"""
    start: (statement ";")*
    statement: NAME "=" sum | "if" sum ":" statement | "for" NAME "in" sum ":" statement
        | "SELECT" sum ("AS" NAME)? "FROM" NAME
    sum: term | sum SIGN term
    term: factor | term STAR factor
    factor: atom ("**" factor)? | "not" factor
    atom: NAME | NUMBER | TEXT | "(" sum ("," sum)* ")" | "[" (sum ("," sum)*)? "]"
        | atom "." NAME | atom "is" atom
    SIGN: "+" | "-" | "=="
    STAR: "/" | "//"
    NAME: /[a-z_][a-z0-9_]*/
    NUMBER: /[0-9]+(\.[0-9]*)?(e[0-9]+)?/
    TEXT: /"([^"\\]|\\.)*"/ | /'[^'\n]*'/
    COMMENT: /#[^\n]*/
    %ignore /[ \n]+/
    %ignore COMMENT
"""
UNICODE = r"""
    start: (WORD | TEXT | MARK)*
    WORD: /\w+(?!\w)/
    TEXT: /<<.*?>>/s
    MARK: /[^\w\s<]/
    %ignore /\s+/
"""
BLANKS = r"""
    start: line (NEWLINE line)*
    line: ("if" | "else" | NAME | NAME "(" NAME? ")")*
    NAME: /[a-z]+/
    NEWLINE: /(\n[ ]*)+/
    %ignore " "
"""
# Terminals without anything that is ignored, that need more than one byte to be told apart.
TIGHT = r"""
    start: (NUMBER ("." | ".." | "," ))* NUMBER
    NUMBER: /[0-9]+(\.[0-9]+)?/
"""
GRAMMARS = {"mixed": MIXED, "unicode": UNICODE, "blanks": BLANKS, "tight": TIGHT}
TEXTS = {
    "mixed": [
        'if not in_1 == (is_a, "x\\"y"): a= b.c is [];for i in x.if_:y=1.5e3/ 2//3;',
        "SELECT a ** 'it' + name AS n FROM forest; # a comment\n x = [1, [2.], (3)];",
        'ifs = notes is "é日 \\n" + iso;',
    ],
    "unicode": ["naïve <<any\n> text>> , 日本語! <<<>>>", "a_b-c 12 << é >>é"],
    "blanks": ["if ifs (a) else\n   b()\n\nelse x", "in(is) \n a"],
    "tight": ["1.5.2..3,4", "10.25..7.7"],
}


@cache
def tokens() -> list[bytes]:
    """Bytes, and some ten thousand made-up pieces."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz_0123456789"
    words = [*KEYWORDS, *(word + rng.choice(letters) for word in KEYWORDS for _ in range(6))]
    words += ["".join(rng.choices(letters, k=rng.randint(2, 5))) for _ in range(2500)]
    words += ["".join(rng.choices("éäß日本и", k=rng.randint(1, 3))) for _ in range(100)]
    pieces = {f"{before}{word}" for word in words for before in ("", " ")}
    pieces |= {
        f"{rng.choice(('', ' ', '(', '.'))}{word}{rng.choice(SIGNS)}" for word in words for _ in range(2)
    }
    pieces |= {f"{a}{b}{c}" for a in SIGNS for b in ("", " ", "\n", "  ") for c in ("", *SIGNS)}
    pieces |= {" " * n + word for n in range(1, 5) for word in ("", "x", "if", '"')}
    made = sorted(piece.encode() for piece in pieces)
    made += [token[:-1] for token in made if token[-1] >= 0x80]  # half a character at the end
    rng.shuffle(made)
    return [*(bytes([byte]) for byte in range(256)), b"", *made]


@cache
def compiled(name: str) -> CompiledGrammar:
    return compile_grammar(from_lark(GRAMMARS[name]), Vocabulary(tokens(), eos_token_ids=[256]))


def read_one_by_one(matcher: Matcher) -> set[int]:
    """The tokens whose bytes can be read."""
    found = set()
    for token_id, text in enumerate(tokens()):
        if text and matcher.read_bytes(text):
            found.add(token_id)
            matcher.rollback(1)
    return found


def positions(text: bytes, rng: random.Random) -> list[int]:
    return sorted({0, len(text), *(rng.randrange(len(text)) for _ in range(7))})


@pytest.mark.parametrize("name", GRAMMARS)
def test_rows_list_the_tokens_that_can_be_read(name: str) -> None:
    rng = random.Random(name)
    for text in (text.encode() for text in TEXTS[name]):
        for end in positions(text, rng):
            matcher = compiled(name).matcher()
            assert matcher.read_bytes(text[:end]), (name, text[:end])
            expected = read_one_by_one(matcher)
            assert set(allowed_tokens(matcher)) - {256} == expected, (name, text[:end])


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_row_stays_the_same(name: str) -> None:
    """Written again and again, while others are made: nothing of it may be forgotten with what they need."""
    rng = random.Random(name)
    matcher, rows = compiled(name).matcher(), dict[bytes, list[int]]()
    for _ in range(3):
        for text in (text.encode() for text in TEXTS[name]):
            for beginning in (text[:end] for end in positions(text, rng)):
                matcher.reset()
                assert matcher.read_bytes(beginning)
                row = allowed_tokens(matcher)
                assert rows.setdefault(beginning, row) == row, (name, beginning)


def test_an_equal_upper_part_of_the_stack_is_found_again() -> None:
    """Brackets within brackets: the rows are right however deep, and those below are not taken for others."""
    for opening, closing in (("(", ")"), ("[", "]"), ("([", "])"), ("[(", ")]")):
        matcher = compiled("mixed").matcher()
        assert matcher.read_bytes(f"x = {opening * 3}1".encode())
        after = set(allowed_tokens(matcher))
        assert after - {256} == read_one_by_one(matcher), opening
        assert ord(closing[0]) in after
        assert ord(closing[-1]) in after or len(closing) > 1


def test_a_row_outlives_what_it_was_made_of() -> None:
    """Most tokens begin with what is ignored, so all of a row may be the bitmap of what may come after that.

    With the small caches of `make checks` that bitmap is forgotten before the row is written again.
    """
    rng = random.Random(0)
    letters_or_digits = ("abcdefghij", "0123456789")
    pieces = [
        " " + "".join(rng.choices(rng.choice(letters_or_digits), k=rng.randint(2, 6))) for _ in range(20_000)
    ]
    ends = ["".join(rng.choices(")]}", k=rng.randint(1, 9))) if rng.random() < 0.2 else "" for _ in pieces]
    texts = dict.fromkeys(piece + end for piece, end in zip(pieces, ends, strict=True))
    grammar = from_lark(r"""
        start: item*
        item: WORD | NUMBER | "=" | "(" item* ")" | "[" item* "]" | "{" item* "}"
        WORD: /[a-z]+/
        NUMBER: /[0-9]+/
        %ignore /[ ]+/
    """)
    vocabulary = Vocabulary(
        [*(bytes([byte]) for byte in range(256)), b"", *map(str.encode, texts)], eos_token_ids=[256]
    )
    matcher = compile_grammar(grammar, vocabulary).matcher()
    beginnings = ["".join(rng.choices("([{", k=11)) + "=" for _ in range(20)]
    rows = dict[str, list[int]]()
    for _ in range(3):
        for beginning in beginnings:
            matcher.reset()
            assert matcher.read_bytes(beginning.encode())
            row = allowed_tokens(matcher)
            assert rows.setdefault(beginning, row) == row, beginning
    assert len({tuple(row) for row in rows.values()}) > 10
