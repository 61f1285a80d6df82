"""Lark grammars against Lark itself.

For each grammar of `tests/lark_grammars.py` strings are drawn by `hypothesis.extra.lark`, and mutated; on
each of them the core and Lark have to agree, wherever it was read to a text that Lark accepts has to be
reachable within the promised number of tokens, and masks over tokens of several bytes have to allow what can
be read byte by byte. `python -m tests.grammars.test_lark 200` draws 200 strings for each grammar, and says
how many agree.
"""

from __future__ import annotations

import pickle
import random
import sys
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from tokentrellis import CompiledGrammar, Vocabulary, VocabularyError, compile_grammar
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarError,
    GrammarSyntaxError,
    GrammarWarning,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.lark import from_lark

from tests.lark_grammars import CONTEXTUAL, DYNAMIC
from tests.masks import allowed_tokens

lark = pytest.importorskip("lark")
hypothesis_lark = pytest.importorskip("hypothesis.extra.lark")

EOS = 256
LONGEST = {"contextual": 300, "dynamic": 30}  # characters; Earley takes its time
CASES = [*((name, "contextual") for name in CONTEXTUAL), *((name, "dynamic") for name in DYNAMIC)]


# What hypothesis takes seconds to draw from: strings of it, for runs of few.
DRAWN = {
    "arithmetic": ["1", "a + b", "-(x*2.5 - y/3)", "_a1 *7e2+ .5", "((1))-(-2)", "1 + + 2", "a  b"],
    "operators": ["a", "a or b", "!(a&&b|| c) and d", "x<=y == z", "a | b & c", "or or or", "orx ora"],
    "dangling_else": ["e", "if e then e else e2", "if e1 then if e then e else e", "ifethene", "e1 2"],
    "ambiguous_sum": ["a", "a+a*a", "a*a+a+a", "a+", "aa"],
    "lazy_string": ['"a b"+x', '"" ""', "x y+z", '"a', "été+ß1"],
}


def text_of(name: str) -> str:
    return CONTEXTUAL.get(name) or DYNAMIC[name]


class Reference:
    """Lark, as it reads the grammar."""

    def __init__(self, text: str, lexer: str) -> None:
        lark.lexer.has_interegular = False  # only warnings come from it, and it takes seconds
        options = ("lalr", "contextual") if lexer == "contextual" else ("earley", "dynamic_complete")
        self.parser = lark.Lark(text, parser=options[0], lexer=options[1])

    def accepts(self, text: str) -> bool:
        try:
            self.parser.parse(text)
        except lark.exceptions.UnexpectedInput:
            return False
        return True

    def strings(self, n: int) -> list[str]:
        found: list[str] = []

        @seed(1)
        @settings(
            max_examples=n,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
        )
        @given(hypothesis_lark.from_lark(self.parser, start="start"))
        def draw(text: str) -> None:
            found.append(text)

        draw()
        return found


def mutated(rng: random.Random, text: str, alphabet: Sequence[str]) -> str:
    characters = list(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.randrange(len(characters) + 1)
        characters[place : place + rng.randint(0, 1)] = rng.choice(([], [rng.choice(alphabet)]))
    return "".join(characters)


def is_known(text: str) -> bool:
    """Whether this Python knows all characters: its `re` counts what Unicode added later as no letters."""
    return all(unicodedata.category(character) not in ("Cn", "Cs") for character in text)


def compare(name: str, lexer: str, n: int) -> int:
    """Agreement on n strings and as many mutated ones; returns how many were compared."""
    reference = Reference(text_of(name), lexer)
    grammar = from_lark(text_of(name), lexer=lexer)
    tokens = [bytes([byte]) for byte in range(256)] + [b""]
    rng = random.Random(n)
    drawn = DRAWN[name] if name in DRAWN and n < 20 else reference.strings(n)
    drawn = [text for text in drawn if len(text) <= LONGEST[lexer] and is_known(text)]
    letters = sorted({letter for text in drawn for letter in text})
    alphabet = [letter for letter in letters if letter.isascii()] + letters[:20] + list(' "\n/*.a')
    pieces = [
        text.encode()[i : i + rng.randint(2, 6)] for text in drawn for i in range(0, len(text.encode()), 3)
    ]
    tokens += rng.sample(pieces, min(len(pieces), 80))
    compiled = compile_grammar(grammar, Vocabulary(tokens, eos_token_ids=[EOS]))
    texts = dict.fromkeys([*drawn, *(mutated(rng, text, alphabet) for text in drawn)])
    for text in texts:
        expected = reference.accepts(text)
        matcher = compiled.matcher()
        n_read = matcher.try_accept_tokens(text.encode())
        accepted = n_read == len(text.encode()) and matcher.is_accepting
        assert accepted == expected, (name, text, n_read)
        if rng.random() < 0.4:
            check_end(compiled, text.encode()[: rng.randint(0, n_read)], reference, lexer, rng)
    return len(texts)


def check_end(
    compiled: CompiledGrammar, prefix: bytes, reference: Reference, lexer: str, rng: random.Random
) -> None:
    """Masks over long tokens say what single bytes say, and whatever they allow within the promised tokens
    ends in a text that Lark accepts.
    """
    matcher = compiled.matcher()
    assert matcher.try_accept_tokens(prefix) == len(prefix)
    tokens = compiled.vocabulary.tokens
    n_read = [matcher.copy().try_accept_tokens(token) for token in tokens]
    readable = {token for token, text in enumerate(tokens) if text and n_read[token] == len(text)}
    assert readable == set(allowed_tokens(matcher)) - {EOS}, prefix
    budget = matcher.tokens_to_finish
    assert budget is not None, prefix
    written = prefix
    while not matcher.is_terminated:
        allowed = allowed_tokens(matcher, budget)
        assert allowed, (prefix, written)
        token = rng.choice(allowed)
        matcher.accept_token(token)
        written += tokens[token]
        budget -= 1
    text = written.decode()
    assert len(text) > LONGEST[lexer] or not is_known(text) or reference.accepts(text), (prefix, text)


@pytest.mark.parametrize(("name", "lexer"), CASES, ids=[name for name, _ in CASES])
def test_agrees_with_lark(name: str, lexer: str) -> None:
    assert compare(name, lexer, 8) >= 5


def test_keywords_against_names() -> None:
    grammar = from_lark('start: "select" NAME | NAME\nNAME: /[a-z]+/\n%ignore " "')
    for text, expected in (
        ("select x", True),
        ("select selectx", True),
        ("selectx", True),
        ("select", False),
        ("select select", True),  # after a keyword only names are lexemes
        ("selectx y", False),
    ):
        assert grammar.accepts(text) == expected
    compiled = compile_grammar(
        grammar, Vocabulary([bytes([b]) for b in range(256)] + [b""], eos_token_ids=[EOS])
    )
    matcher = compiled.matcher()
    assert matcher.try_accept_tokens(b"select") == 6
    assert not matcher.is_accepting  # a keyword so far, and a name with one letter more
    assert matcher.try_accept_tokens(b"e") == 1
    assert matcher.is_accepting


def test_no_dead_ends_where_a_greedy_lexeme_leaves_nothing() -> None:
    grammar = from_lark('start: "!" A B | "?"\nA: /[a-z]+/\nB: /[a-z]/')
    vocabulary = Vocabulary([bytes([b]) for b in range(256)] + [b""], eos_token_ids=[EOS])
    matcher = compile_grammar(grammar, vocabulary).matcher()
    assert matcher.next_bytes() == {ord("?")}  # after `!` no text would be left


def test_dynamic_terminals_may_end_anywhere() -> None:
    text = "start: A B\nA: /[a-z]+/\nB: /[a-z]/"
    assert from_lark(text, lexer="dynamic").accepts("ab")
    vocabulary = Vocabulary([bytes([b]) for b in range(256)] + [b""], eos_token_ids=[EOS])
    with pytest.raises(UnsatisfiableError, match="where its lexemes end, the rules cannot go on"):
        compile_grammar(from_lark(text), vocabulary)


def test_vocabularies_that_cannot_spell_it() -> None:
    vocabulary = Vocabulary([b"a", b"b", b""], eos_token_ids=[2])
    with pytest.raises(VocabularyError) as caught:
        compile_grammar(from_lark('start: "x" NAME\nNAME: /[a-z]+/'), vocabulary)
    assert caught.value.missing_bytes == b"x"
    matcher = compile_grammar(from_lark('start: ("x" | "b") NAME\nNAME: /[a-z]+/'), vocabulary).matcher()
    assert set(allowed_tokens(matcher)) == {1}


@pytest.mark.parametrize("lexer", ["contextual", "dynamic"])
def test_deep_nesting(lexer: str) -> None:
    text = 'start: e\ne: e "+" t | t\nt: "a" | "(" e ")" | "[" e "]"\n%ignore " "'
    vocabulary = Vocabulary([bytes([b]) for b in range(256)] + [b""], eos_token_ids=[EOS])
    matcher = compile_grammar(from_lark(text, lexer=lexer), vocabulary).matcher()
    assert matcher.try_accept_tokens(b"(" * 5000 + b"[" * 5000 + b"a+a") == 10_003
    assert matcher.tokens_to_finish == 10_001
    assert matcher.try_accept_tokens(b"]" * 5000 + b")" * 5001) == 10_000
    assert matcher.is_accepting


def test_imports_by_a_loader() -> None:
    files = {"tokens.lark": "WORD: /[a-z]+/\n%import common.INT\nPAIR: WORD INT\n"}
    text = "start: PAIR+\n%import .tokens.PAIR\n"
    assert from_lark(text, loader=files.get).accepts("ab1c2")
    with pytest.raises(UnresolvedReferenceError, match=r"grammar to import is not found, got 'tokens\.lark'"):
        from_lark(text)
    with pytest.raises(UnresolvedReferenceError, match="grammar to import is not found"):
        from_lark("start: X\n%import nowhere.X\n")


@pytest.mark.parametrize(("text", "place"), [("a: %json {}", (1, 4)), ('b: "x"\na: ((b', (2, 7))])
def test_errors_in_what_is_imported_show_its_text(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(GrammarSyntaxError, match=r"x\.lark: (nothing in a Lark|the line ends)") as caught:
        from_lark("%import .x.a\nstart: a", loader=lambda _: text)
    assert caught.value.location == place
    assert text.split("\n")[-1] in str(caught.value)
    with pytest.raises(GrammarSyntaxError) as caught:
        from_lark("%import .x.a\nstart: a $", loader=lambda _: 'a: "x"')
    assert caught.value.location == (2, 10)
    assert "start: a $" in str(caught.value)


def test_what_a_loader_must_return() -> None:
    text = "%import .x.A\nstart: A"
    for wrong in (5, b"A: /a/"):
        with pytest.raises(GrammarError, match="loader must return a text") as caught:
            from_lark(text, loader=lambda _, wrong=wrong: wrong)  # type: ignore[misc]
        assert caught.value.got == wrong
    with pytest.raises(GrammarError, match="surrogate"):
        from_lark(text, loader=lambda _: 'A: "\ud800"')


def test_special_tokens_are_tokens() -> None:
    vocabulary = Vocabulary(
        [b"a", b"<|sep|>", b"<end>", b"<eot>"], eos_token_ids=[2], special_token_ids=[1, 3]
    )
    for lexer in ("contextual", "dynamic"):
        grammar = from_lark('start: "a"+ <|sep|> "a" <[3]>', lexer=lexer, special_tokens={"<|sep|>": 1})
        matcher = compile_grammar(grammar, vocabulary).matcher()
        for token, expected in ((0, {0}), (0, {0, 1}), (1, {0, 1}), (0, {0}), (3, {3})):
            assert set(allowed_tokens(matcher)) == expected
            matcher.accept_token(token)
        assert set(allowed_tokens(matcher)) == {2}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            "start: foo\nfood: /a/",
            UnresolvedReferenceError,
            "line 1, column 8: .*not defined, got 'foo'; did you mean 'food'",
        ),
        ("start: A", UnresolvedReferenceError, "not defined, got 'A'"),
        ("begin: /a/", UnresolvedReferenceError, "the start rule is not defined, got 'start'"),
        ('start: "a" ]', GrammarSyntaxError, "line 1, column 12"),
        ('start: "a', GrammarSyntaxError, "line 1, column 8"),
        ("start: /(/", GrammarSyntaxError, "is no pattern of Python's `re`: missing"),
        (
            "start: A\n%declare A",
            UnsupportedFeatureError,
            "terminal A, which %declare leaves without a pattern",
        ),
        ('start: x | y\nx: "a"\ny: "a"', GrammarError, r"not LALR\(1\): .*lexer='dynamic'"),
        ("start: A\nA: /a?/", GrammarError, "terminal A may be empty"),
        ("start: A\nA: /(?<=ab)c/", UnsupportedFeatureError, "terminal A: look-behind of more than one"),
        ("start: A\nA: /\\bc/", UnsupportedFeatureError, "terminal A: a condition on what comes before"),
        ("start: A\nA: /c(?=d)/", UnsupportedFeatureError, "positive look-ahead at the end"),
        ("start: A\nA: /(?>a+)b/", UnsupportedFeatureError, "atomic group"),
        ('start: %lark {start: "a"}', UnsupportedFeatureError, "line 1, column 8: .*%lark"),
        ("start: <|x|>", UnresolvedReferenceError, "pass special_tokens"),
        ("start: A\nA: /a{1000000}/", LimitExceededError, "repetitions written out"),
        (7, GrammarSyntaxError, "must be a string"),
        ('start: "a" (', GrammarSyntaxError, "line 1, column 13: the group is not closed; add"),
        ('start: "a" )', GrammarSyntaxError, "line 1, column 12: '.' cannot stand here; begin each"),
        ("start: 'a'", GrammarSyntaxError, "line 1, column 8: .*; strings stand in double quotes"),
        ('start: "a"\nstart: "b"', GrammarSyntaxError, "line 2, column 1: 'start' is defined twice; rename"),
        ("start: A\nA: B\nB: A", GrammarSyntaxError, "line 2, column 1: terminal A calls itself; only rules"),
        (
            "start: A\nA: a\na: /x/",
            GrammarSyntaxError,
            "line 2, column 1: a terminal cannot call a rule, as 'a' .* in A;",
        ),
        ("start: x{A}\nA: /a/", UnresolvedReferenceError, "line 1, column 8: .*not defined, got 'x'"),
        (
            'start: "a"~3..1',
            GrammarSyntaxError,
            "the numbers of a repeat, 3..1, are in the wrong order; swap",
        ),
        ('start: "ab".."cd"', GrammarSyntaxError, "a range must go from one character to another; write"),
        ("start{a}: a", GrammarSyntaxError, "line 1, column 1: the start rule 'start' is a template; let"),
        ("begin: A\nA: /[/\nstart: A", GrammarSyntaxError, "line 2, column 1: terminal A is no pattern"),
        ('start: "a" /[/', GrammarSyntaxError, "line 1, column 12: .*unterminated character set"),
        (
            'start: "a"\n | %json {"type": "strin"}',
            GrammarSyntaxError,
            "line 2, column 4, %json /type: must be one of",
        ),
        (
            'start: "a"\n | %json {"pattern": "(a+)\\\\1"}',
            UnsupportedFeatureError,
            "line 2, column 4: a part",
        ),
    ],
)
def test_errors(text: str, error: type[ConstraintError], message: str) -> None:
    with pytest.raises(error, match=message):
        from_lark(text)


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("start: /(a|b)\\1/", "bb", "ab"),
        (
            "start: A B\nA: /(?P<n>a|b)(?P=n)/\nB: /[(](?#(a)(?P<n>c|d)(?P=n)\\1[\\1(]|\\101/",
            "bb(ddd(",
            "bb(cdd(",
        ),
        ("start: /([(])(a|b)\\1\\2/ B\nB: /(c)/", "(b(bc", "(b(ac"),
        ('start: A\nA: /(a)\\1/ | "b"', "aa", "a"),
        ("start: A B\nA: /(?i)x/\nB: /y/i", "Xy", "xz"),
        ('start: A B\nA: /(?is)x./\nB: "y"', "X\ny", "X\nY"),
        ("start: A\nA: /(?x) (a|b) c \\# \\1 # (/", "bc#b", "bc#a"),
        ("start: A\nA: /(a|b) [#] \\1 # (\n/x", "b#b", "a#b"),
        ("start: A\nA: /(?x:a)#(b|c)/", "a#b", "a"),
    ],
)
def test_patterns_whose_flags_and_groups_are_their_own(text: str, accepted: str, refused: str) -> None:
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[EOS])
    for lexer in ("contextual", "dynamic"):
        grammar = from_lark(text, lexer=lexer)
        assert grammar.accepts(accepted)
        assert not grammar.accepts(refused)
        matcher = compile_grammar(grammar, vocabulary).matcher()
        matcher.read_bytes(accepted.encode())
        assert matcher.is_accepting


def test_a_comment_is_not_the_place_of_an_error() -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_lark('// my grammar\nstart: "a"~3..1\n')
    assert "line 1, column 1" not in str(caught.value)


def test_accepts_where_the_library_cannot_compare_two_patterns() -> None:
    grammar = from_lark('start: A? B+\nA: /b\\b/\nB: /b\\b/\n%ignore " "\n')
    assert grammar.accepts("b b")
    assert not grammar.accepts("bb")


def test_remarks_name_what_nothing_reaches() -> None:
    for lexer in ("contextual", "dynamic"):
        with pytest.warns(GrammarWarning, match="spare"):
            grammar = from_lark('start: "a"\nspare: "b" | other\nother: "c"', lexer=lexer)
        assert [name for name, _ in grammar.remarks] == ["spare", "other"]


def test_pickles_by_its_source() -> None:
    for lexer in ("contextual", "dynamic"):
        grammar = pickle.loads(pickle.dumps(from_lark('start: "a"', lexer=lexer)))
        assert grammar.accepts("a")


if __name__ == "__main__":
    for case, kind in CASES:
        print(f"{case}: {compare(case, kind, int(sys.argv[1]))} strings agree", flush=True)
