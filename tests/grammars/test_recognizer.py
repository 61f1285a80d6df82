"""The recogniser: expressions, JSON strings with every spelling, calls, labels, and that what is alive can
end.
"""

from __future__ import annotations

import json
import random

import pytest
from tokentrellis.grammars.errors import GrammarError, LimitExceededError
from tokentrellis.grammars.expressions import (
    ANYTHING,
    EPSILON,
    UNLIMITED,
    StringTerminal,
    byte_range,
    complement,
    concatenate,
    intersect,
    literal,
    optional,
    repeat,
    union,
)
from tokentrellis.grammars.gbnf import from_gbnf
from tokentrellis.grammars.grammar import (
    END,
    CallEdge,
    Edge,
    Expansion,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from tokentrellis.grammars.recognizer import MOST_WAYS, Recognizer, matches
from tokentrellis.grammars.utf8 import ANY_TEXT, character_class

from tests.oracles.brute_force_mask import allowed_tokens
from tests.oracles.grammars import NetworkGrammar, random_document, random_grammar

ANY_STRING = StringTerminal(EPSILON, ANY_TEXT)


def _grammar(*edges: Edge, successors=None, **others: Expansion) -> NetworkGrammar:
    """State 1 has these edges; others are given as s2=..., s3=..."""
    expansions = {int(name[1:]): expansion for name, expansion in others.items()}
    expansions[1] = Expansion(edges, finish=0)
    return NetworkGrammar(1, expansions, successors or {})


def _next(grammar: NetworkGrammar, prefix: bytes) -> bytes:
    recognizer = Recognizer(grammar)
    return bytes(sorted(recognizer.next_bytes(recognizer.run(prefix))))


def test_matches():
    number = union(literal("0"), concatenate(byte_range(49, 57), repeat(byte_range(48, 57))))
    assert matches(number, b"1024")
    assert not matches(number, b"01")
    assert not matches(number, b"")


def test_ambiguous_terminals_are_read_in_all_ways():
    grammar = _grammar(
        TerminalEdge(repeat(literal("a"), 1), 2),
        TerminalEdge(literal("aab"), END),
        s2=Expansion([TerminalEdge(literal("a"), 3), TerminalEdge(literal("c"), END)], finish=1),
        s3=Expansion([TerminalEdge(literal("d"), END)], final=True),
    )
    accepted = {"aa", "aaa", "ac", "aaac", "aab", "aad"}
    for text in ("a", "aa", "aaa", "ac", "aaac", "aab", "ab", "aaab", "ad", "aad", "aadd", ""):
        assert grammar.accepts(text) == (text in accepted), text
    assert _next(grammar, b"aa") == b"abcd"


# Strings.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        'quote " and \\ and /',
        "\b\f\n\r\t\0\x1f\x7f",
        "é€\u2028",
        "😀 and \U0010ffff",
        "\ud7ff\ue000\uffff",
    ],
)
def test_every_spelling_of_a_text_is_accepted(text):
    strings = Recognizer(_grammar(StringEdge(ANY_STRING, END)))
    exact = Recognizer(_grammar(LiteralsEdge(EPSILON, LiteralTable([text, "other"]), 3, END)))
    length = Recognizer(_grammar(StringEdge(ANY_STRING, END, len(text), len(text))))
    others = Recognizer(_grammar(OthersEdge(ANY_STRING, LiteralTable([text]), END)))
    units = text.encode("utf-16-be")
    escaped = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
    spellings = [json.dumps(text), json.dumps(text, ensure_ascii=False), f'"{escaped}"']
    spellings.append('"' + escaped.upper().replace("U", "u") + '"')
    for spelling in spellings:
        assert json.loads(spelling) == text
        assert strings.accepts(spelling)
        assert exact.accepts(spelling)
        assert length.accepts(spelling)
        assert not others.accepts(spelling)
        assert not strings.accepts(spelling + '"')
        assert not strings.accepts(spelling[:-1])


@pytest.mark.parametrize(
    "spelling",
    [
        *('"\n"', '"\x1f"', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\U0041"', '"\\"', "'a'", '"a', 'a"'),
        *('"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\ud800x"', '"\\ud800\\n"', '"\\udbff\\ue000"'),
        *('"\ud800"', b'"\xff"', b'"\xc3"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"'),
        b'"\xc3\\u00a9"',
    ],
)
def test_what_is_no_json_string_is_refused(spelling):
    assert not _grammar(StringEdge(ANY_STRING, END)).accepts(spelling)
    assert not _grammar(OthersEdge(ANY_STRING, None, END)).accepts(spelling)


def test_next_bytes_inside_escapes():
    grammar = _grammar(StringEdge(ANY_STRING, END))
    hexadecimal = b"0123456789ABCDEFabcdef"
    assert _next(grammar, b'"\\') == bytes(sorted(b'"\\/bfnrtu'))
    assert _next(grammar, b'"\\u') == hexadecimal
    assert _next(grammar, b'"\\uD') == b"0123456789ABab"
    assert _next(grammar, b'"\\ud83d') == b"\\"
    assert _next(grammar, b'"\\ud83d\\') == b"u"
    assert _next(grammar, b'"\\ud83d\\u') == b"Dd"
    assert _next(grammar, b'"\\ud83d\\ud') == b"CDEFcdef"


def test_only_escapes_that_can_be_completed_are_alive():
    content = union(literal("ab"), literal("a😀"), literal("\n"))
    for edge in (
        StringEdge(StringTerminal(EPSILON, content), END),
        LiteralsEdge(EPSILON, LiteralTable(["ab", "a😀", "\n", "zz"]), 0b111, END),
    ):
        grammar = _grammar(edge)
        if isinstance(edge, LiteralsEdge):
            grammar = _grammar(
                edge._replace(legal=sum(1 << edge.table.index[t] for t in ("ab", "a😀", "\n")))
            )
        assert _next(grammar, b'"') == b"\\a"
        assert _next(grammar, b'"\\') == b"nu"
        assert _next(grammar, b'"\\u00') == b"06"
        assert _next(grammar, b'"\\u000') == b"Aa"
        assert _next(grammar, b'"a') == bytes(sorted(b"\\b\xf0"))
        assert _next(grammar, b'"a\\') == b"u"
        assert _next(grammar, b'"a\\u') == b"0Dd"
        assert _next(grammar, b'"a\\uD8') == b"3"
        assert _next(grammar, b'"a\xf0\x9f\x98') == b"\x80"
        assert _next(grammar, b'"a\\ud83d\\ude00') == b'"'


def test_lengths_count_characters_and_close_in_time():
    grammar = _grammar(StringEdge(ANY_STRING, END, 2, 3))
    for text, fits in (("", 0), ("a", 0), ("ab", 1), ("é😀", 1), ("é😀\n", 1), ("é😀\nb", 0)):
        assert grammar.accepts(json.dumps(text)) == fits
        assert grammar.accepts(json.dumps(text, ensure_ascii=False)) == fits
    assert _next(grammar, '"é😀\\n'.encode()) == b'"'
    assert b'"' not in _next(grammar, b'"a')


def test_lengths_look_ahead():
    pairs = _grammar(StringEdge(StringTerminal(EPSILON, repeat(literal("ab"))), END, 3, 5))
    assert _next(pairs, b'"ab') == b"\\a"
    assert _next(pairs, b'"abab') == b'"'
    contains_b = concatenate(ANY_TEXT, literal("b"), ANY_TEXT)
    late = _grammar(StringEdge(StringTerminal(EPSILON, contains_b), END, 0, 2))
    assert _next(late, b'"a') == b"\\b"
    assert _next(late, b'"a\\u00') == b"6"


def test_others_exclude_literals_in_every_spelling():
    grammar = _grammar(
        OthersEdge(
            StringTerminal(EPSILON, union(literal("ab"), literal("ac"))), LiteralTable(["ab", "x"]), END
        )
    )
    assert _next(grammar, b'"a') == b"\\c"
    assert _next(grammar, b'"a\\u006') == b"3"
    assert grammar.accepts('"\\u0061c"')
    assert not grammar.accepts('"ab"')


def test_labels_choose_the_next_state():
    table = LiteralTable(["one", "two"])
    after = {(1, 0, 0): 2, (1, 0, 1): 3}
    grammar = _grammar(
        LiteralsEdge(optional(literal(" ")), table, 3),
        successors=after,
        s2=Expansion([TerminalEdge(literal("1"), END)], finish=0),
        s3=Expansion([TerminalEdge(literal("2"), END)], finish=0),
    )
    assert [text for text in ('"one"1', ' "two"2', '"one"2', '"two"1') if grammar.accepts(text)] == [
        '"one"1',
        ' "two"2',
    ]


def test_signatures_choose_the_next_state():
    monitors = (concatenate(literal("a"), ANY_TEXT), concatenate(ANY_TEXT, literal("b")))
    digit = {label: Expansion([TerminalEdge(literal(str(label)), END)], finish=0) for label in range(4)}
    grammar = _grammar(
        OthersEdge(StringTerminal(EPSILON, ANY_TEXT, monitors)),
        successors={(1, 0, label): 10 + label for label in range(4)},
        **{f"s{10 + label}": expansion for label, expansion in digit.items()},
    )
    for text, label in (("", 0), ("a", 1), ("b", 2), ("ab", 3), ("axé\nb", 3)):
        for tried in range(4):
            assert grammar.accepts(json.dumps(text) + str(tried)) == (tried == label)


# Rules.


def _balanced() -> NetworkGrammar:
    """[ ] nested to any depth, with commas."""
    return _grammar(
        TerminalEdge(literal("["), 2),
        s2=Expansion([CallEdge(1, 3), TerminalEdge(literal("]"), END)], finish=1),
        s3=Expansion([TerminalEdge(literal(","), 4), TerminalEdge(literal("]"), END)], finish=1),
        s4=Expansion([CallEdge(1, 3)], finish=0),
    )


def test_calls_return():
    grammar = _balanced()
    for text, valid in (("[]", 1), ("[[],[[]]]", 1), ("[", 0), ("[]]", 0), ("[,]", 0), ("[[],]", 0)):
        assert grammar.accepts(text) == valid
    assert grammar.accepts("[" * 300 + "]" * 300)


def test_tail_calls_leave_no_frames():
    grammar = _grammar(TerminalEdge(literal("a"), 2), s2=Expansion([CallEdge(1, END)], final=True))
    recognizer = Recognizer(grammar)
    assert recognizer.run(b"a") == recognizer.run(b"a" * 50)


def test_left_recursion_is_reported():
    direct = _grammar(
        CallEdge(1, 2), TerminalEdge(literal("a"), END), s2=Expansion([TerminalEdge(literal("b"), END)])
    )
    with pytest.raises(GrammarError, match="calls itself"):
        Recognizer(direct).start()
    hidden = _grammar(
        TerminalEdge(literal("x"), 2),
        s2=Expansion([CallEdge(3, 4)], final=True),
        s3=Expansion([TerminalEdge(literal("y"), END)], final=True),
        s4=Expansion([CallEdge(2, 5)], final=True),
        s5=Expansion([TerminalEdge(literal("z"), END)], final=True),
    )
    recognizer = Recognizer(hidden)
    with pytest.raises(GrammarError, match="left recursion"):
        recognizer.step(recognizer.start(), ord("x"))


def test_a_nullable_rule_may_be_called_again_and_again():
    grammar = _grammar(
        CallEdge(2, 3),
        s2=Expansion([TerminalEdge(literal("a"), END)], final=True),
        s3=Expansion([CallEdge(2, 4)], finish=0),
        s4=Expansion([CallEdge(2, END)], final=True),
    )
    assert [n for n in range(6) if grammar.accepts("a" * n)] == [0, 1, 2, 3]


def test_special_tokens_are_no_text():
    grammar = _grammar(
        TerminalEdge(literal("a"), 2),
        s2=Expansion([TokenEdge(7, 3)], finish=0),
        s3=Expansion([TerminalEdge(literal("b"), END)], finish=0),
    )
    recognizer = Recognizer(grammar)
    states = recognizer.run(b"a")
    assert recognizer.is_alive(states)
    assert not recognizer.next_bytes(states)
    assert not recognizer.step_token(states, 8)
    after = recognizer.step_token(states, 7)
    assert recognizer.is_accepting(recognizer.step(after, ord("b")))


def test_hidden_emptiness_is_not_alive():
    never_ab = intersect(repeat(byte_range(97, 98), 1), complement(concatenate(literal("ab"), ANYTHING)))
    grammar = _grammar(TerminalEdge(intersect(never_ab, literal("ab")), END), TerminalEdge(literal("b"), END))
    assert _next(grammar, b"") == b"b"


def test_characters_of_a_range_can_be_escaped_exactly_when_they_may_be_raw():
    allowed = character_class([(0x9F, 0xA1), (0xD7FE, 0xE001), (0xFFFE, 0x10001)])
    grammar = _grammar(StringEdge(StringTerminal(EPSILON, allowed), END))
    for code_point in (
        0x9E,
        0x9F,
        0xA1,
        0xA2,
        0xD7FD,
        0xD7FE,
        0xD7FF,
        0xE000,
        0xE001,
        0xE002,
        0xFFFE,
        0x10001,
        0x10002,
    ):
        text = chr(code_point)
        inside = matches(allowed, text.encode())
        assert grammar.accepts(json.dumps(text)) == inside
        assert grammar.accepts(json.dumps(text, ensure_ascii=False)) == inside


@pytest.mark.parametrize("seed", range(25))
def test_what_is_alive_can_be_completed(seed):
    """Each random beginning can be ended, by always choosing a byte on a shortest way."""
    rng = random.Random(seed)
    grammar = random_grammar(rng, special_tokens=False)
    recognizer = Recognizer(grammar)
    document = random_document(rng, grammar, rng.randint(0, 8))
    level = {recognizer.run(document)}
    seen = set(level)
    for _ in range(120):
        assert level, (document, str(grammar))
        if any(recognizer.is_accepting(states) for states in level):
            return
        following = {recognizer.step(states, byte) for states in level for byte in _few(recognizer, states)}
        level = following - seen
        seen |= level
    pytest.fail(f"no end after {document!r} in\n{grammar}")


def _few(recognizer: Recognizer, states) -> list[int]:
    """One byte for each different continuation."""
    return list(
        {recognizer.step(states, byte): byte for byte in sorted(recognizer.next_bytes(states))}.values()
    )


def test_brute_force_mask():
    tokens = [b"[", b"]", b"[]", b"],", b"],[", b"", b",", b"]]", b"[[[[", b"[["]
    assert allowed_tokens(_balanced(), b"[", tokens) == {0, 1, 2, 8, 9}
    assert allowed_tokens(_balanced(), b"[[", tokens) == {0, 1, 2, 3, 4, 7, 8, 9}
    assert allowed_tokens(_balanced(), b"[]", tokens) == set()
    assert allowed_tokens(_balanced(), b"]", tokens) == set()


def test_too_many_ways_to_read_a_text_are_an_error() -> None:
    """Their number doubles with each character or two: no time would be enough."""
    grammar = from_gbnf('root ::= "[" s "]"\ns ::= s t | t s | t\nt ::= s "," | "a"', captures=["root"])
    assert grammar.accepts("[aa,a]")
    for read in (grammar.accepts, grammar.captures):
        with pytest.raises(LimitExceededError, match="ways to read the text") as caught:
            read("[" + "a" * 60 + "]")
        assert caught.value.limit == MOST_WAYS


def test_long_documents_take_seconds_at_most():
    text = json.dumps(["x" * 20] * 300)
    grammar = _grammar(
        TerminalEdge(literal("["), 2),
        s2=Expansion([StringEdge(ANY_STRING, 3, 1, UNLIMITED)], finish=0),
        s3=Expansion([TerminalEdge(literal(", "), 2), TerminalEdge(literal("]"), END)], finish=1),
    )
    assert len(text) > 6000
    assert grammar.accepts(text)
