"""Rules in another notation mean the same: words are exchanged, those of each side and broken ones.

Random rules are compared on all short texts; written ones, with characters that the notations escape, on
random derivations and on what becomes of them when a character is dropped, doubled or replaced.
"""

from __future__ import annotations

import random
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis import (
    ConstraintError,
    Grammar,
    GrammarError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
    convert_grammar,
    from_choices,
    from_ebnf,
    from_gbnf,
    from_json_schema,
    from_lark,
    from_regex,
)
from tokentrellis.grammars.character_trees import (
    Characters,
    CharacterTree,
    Options,
    Repeated,
    Row,
    Text,
    character_trees,
    of_expression,
)
from tokentrellis.grammars.context_free import ContextFreeGrammar
from tokentrellis.grammars.expressions import UNLIMITED
from tokentrellis.grammars.left_recursion import MOST_OPTIONS, without_left_recursion
from tokentrellis.grammars.rules import RuleCall
from tokentrellis.grammars.unicode_classes import merge_ranges
from tokentrellis.grammars.utf8 import character_class

from tests.oracles.context_free import all_texts, random_rules

pytest.importorskip("lark")


def read_dynamic(text: str) -> Grammar:
    return from_lark(text, lexer="dynamic")


READERS = {"gbnf": from_gbnf, "ebnf": from_ebnf, "lark": read_dynamic, "regex": from_regex}
GRAMMARS: dict[str, Grammar] = {
    "quotes": from_gbnf('root ::= "\\"" [^"\\\\\\n]* "\\"" | "\\\\" ["\'/\\]\\-^\\[] "x"? | "\'\\"\'"'),
    "comments": from_gbnf('root ::= "//" [ab]* "#" | "(*" "*)" | "/*" "x"{0,2}'),
    "counts": from_gbnf('root ::= "a"{2} ("b" | "cd"){1,3} "e"{2,} "f"{0,2} ("g"? "h")* ("i"*){2}'),
    "characters": from_regex(r"[à-ü\u1e00-\u1eff😀-😏]{1,2}[^\x00-\x1f]?|日本|\t\x7f\u2028"),
    "nearly all": from_regex(r"[^\n-]{2}|."),
    "hyphens": from_regex(r"[*-.]|[-a]|[+,-]x|[^-z]y"),
    "names": from_ebnf("Root-A ::= root_a+ 'x' | root-a? root_a ::= 'a' root-a ::= 'b'"),
    "recursion": read_dynamic(
        'start: start "+" term | term\nterm: NUMBER | "(" start ")"\nNUMBER: /[0-9]{1,2}/\n%ignore " "'
    ),
    "empty": from_gbnf('root ::= "" | a ("," a)*\na ::= "" | "x" | "y" a'),
    "iso": from_ebnf("list = item, { ',', item }; item = 'a' | '(', list, ')' | 3 * 'b', [ '\"x' ];"),
    "operators": from_regex(r"[|&~#.*+?(){}$^\[\]\\]{1,3}"),
}


def derive(
    rng: random.Random, trees: dict[str, CharacterTree | None], tree: CharacterTree, depth: int
) -> str:
    """A random text; deep down, the shortest options are preferred."""
    if isinstance(tree, Text):
        return tree.text
    if isinstance(tree, Characters):
        first, last = rng.choice(tree.ranges)
        return chr(rng.choice((first, last, rng.randint(first, last))))
    if isinstance(tree, RuleCall):
        called = trees[tree.name]
        assert called is not None
        return derive(rng, trees, called, depth - 1)
    if isinstance(tree, Row):
        return "".join(derive(rng, trees, item, depth) for item in tree.items)
    if isinstance(tree, Options):
        options = tree.options if depth > 0 else sorted(tree.options, key=weight)[:1]
        return derive(rng, trees, rng.choice(options), depth)
    assert isinstance(tree, Repeated)
    most = tree.least + (2 if depth > 0 else 0) if tree.most == UNLIMITED else tree.most
    return "".join(derive(rng, trees, tree.item, depth) for _ in range(rng.randint(tree.least, most)))


def weight(tree: CharacterTree) -> int:
    parts = tree.items if isinstance(tree, Row) else tree.options if isinstance(tree, Options) else ()
    return 1 + sum(map(weight, parts)) + 5 * isinstance(tree, RuleCall)


def broken(rng: random.Random, text: str) -> str:
    place = rng.randint(0, len(text))
    other = rng.choice("ab\"'\\/-^]#é😀 ")
    return text[:place] + rng.choice(["", other, text[place : place + 1] * 2]) + text[place + 1 :]


def words_of(grammar: Grammar, rng: random.Random, count: int) -> list[str]:
    if isinstance(grammar, ContextFreeGrammar):
        rules, start = grammar.rules, grammar.start_rule
    else:
        rules, start = {"root": grammar.expression}, "root"  # type: ignore[attr-defined]
    trees = character_trees(rules)
    tree = trees[start]
    assert tree is not None
    return [derive(rng, trees, tree, 6) for _ in range(count)]


@pytest.mark.parametrize("to", READERS)
@pytest.mark.parametrize("name", GRAMMARS)
def test_words_are_exchanged(name: str, to: str) -> None:
    grammar = GRAMMARS[name]
    if to == "regex" and name in ("recursion", "empty", "iso"):
        with pytest.raises(UnsupportedFeatureError, match="calls itself"):
            convert_grammar(grammar, "regex")
        return
    written = convert_grammar(grammar, to)  # type: ignore[arg-type]
    converted = READERS[to](written)
    rng = random.Random(f"{name} {to}")
    words = words_of(grammar, rng, 25) + words_of(converted, rng, 25)
    assert all(grammar.accepts(word) and converted.accepts(word) for word in words)
    n_refused = 0
    for word in words:
        changed = broken(rng, word)
        assert converted.accepts(changed) == grammar.accepts(changed), changed
        n_refused += not grammar.accepts(changed)
    assert n_refused
    if to == "regex":
        assert all(re.fullmatch(written, word) for word in words)


@pytest.mark.parametrize("to", READERS)
def test_random_rules_mean_the_same(to: str) -> None:
    n_compared = 0
    for seed in range(60):
        rules = random_rules(random.Random(seed))
        try:
            grammar = ContextFreeGrammar(rules, "r0")
        except UnsatisfiableError:
            continue
        try:
            converted = READERS[to](convert_grammar(grammar, to))  # type: ignore[arg-type]
        except UnsupportedFeatureError:
            assert to == "regex"
            continue
        if to == "gbnf" and isinstance(converted, ContextFreeGrammar):  # llama.cpp would refuse it otherwise
            assert without_left_recursion(converted.rules, "root") == converted.rules
        for text in all_texts(4):
            assert converted.accepts(text) == grammar.accepts(text), (seed, text)
        n_compared += 1
    assert n_compared >= (8 if to == "regex" else 40)


@pytest.mark.parametrize(
    ("rules", "written"),
    [
        ('root ::= root "+" t | t\nt ::= "a" | "(" root ")"', 't ("+" t)*'),
        ('root ::= root root | "a"', '"a" root*'),
        ('root ::= "b"? root "c" | "d"', '"b" root "c" "c"* | "d" "c"*'),
        ('root ::= (root "x")* "y"', '"y" ("x" (root "x")* "y")*'),
    ],
)
def test_gbnf_has_no_left_recursion(rules: str, written: str) -> None:
    assert convert_grammar(from_gbnf(rules), "gbnf").startswith(f"root ::= {written}\n")


@pytest.mark.parametrize(
    "rules",
    [
        'root ::= root root | "a" | ""',
        'root ::= a root "b" | "b"\na ::= "a" | root? ""',
        'root ::= (root? "a"?)* | "b"',
        'root ::= a "x" | "y"\na ::= b "z" | root\nb ::= a "a" | root "b" | ""',
    ],
)
def test_hidden_left_recursion_in_gbnf(rules: str) -> None:
    grammar = from_gbnf(rules)
    converted = from_gbnf(convert_grammar(grammar, "gbnf"))
    assert isinstance(converted, ContextFreeGrammar)
    assert without_left_recursion(converted.rules, "root") == converted.rules
    texts = [bytes(text) for n in range(5) for text in product(b"abxyz", repeat=n)]
    assert [text for text in texts if converted.accepts(text) != grammar.accepts(text)] == []


def test_too_much_left_recursion_for_gbnf() -> None:
    names = [f"r{n}" for n in range(40)]
    rules = "\n".join(
        f'{name} ::= "x" | {" | ".join(other + " " + other for other in names)}' for name in names
    )
    with pytest.raises(LimitExceededError, match="the options of rules that call themselves first") as caught:
        convert_grammar(from_gbnf(rules, start="r0"), "gbnf")
    assert caught.value.limit == MOST_OPTIONS


def test_converting_twice_changes_nothing_more() -> None:
    for grammar in GRAMMARS.values():
        for to in ("gbnf", "ebnf", "lark"):
            once = convert_grammar(grammar, to)
            twice = convert_grammar(READERS[to](once), to)
            assert convert_grammar(READERS[to](twice), to) == twice


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 0x10FFFF), st.integers(0, 300)), min_size=1, max_size=5))
def test_sets_of_characters_are_read_back(pairs: list[tuple[int, int]]) -> None:
    ranges = merge_ranges((first, min(first + more, 0x10FFFF)) for first, more in pairs)
    expected = merge_ranges(
        part
        for first, last in ranges
        for part in ((first, min(last, 0xD7FF)), (max(first, 0xE000), last))
        if part[0] <= part[1]
    )
    tree = of_expression(character_class(ranges))
    if not expected:
        assert tree is None
    elif len(expected) == 1 and expected[0][0] == expected[0][1]:
        assert tree == Text(chr(expected[0][0]))
    else:
        assert tree == Characters(expected)


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.sampled_from("09Afg-^]#[\\\n\x7f \"'é\U000e0001"), min_size=1), st.sampled_from(list(READERS))
)
def test_sets_of_special_characters_are_read_back(members: set[str], to: str) -> None:
    """A digit after a character that is written by its number would belong to the number."""
    grammar = from_regex("".join(["[", *(f"\\U{ord(one):08x}" for one in members), "]"]), syntax="python")
    written = convert_grammar(grammar, to)
    again = READERS[to](written)
    assert {
        one for one in "0123456789ABCDEFabcdefgG-^]#[\\\n\x7f \"'éÀ\U000e0001" if again.accepts(one)
    } == members


def test_special_tokens() -> None:
    grammar = from_gbnf('root ::= <[7]> "a"')
    assert convert_grammar(grammar, "gbnf") == 'root ::= <[7]> "a"\n'
    assert convert_grammar(read_dynamic(convert_grammar(grammar, "lark")), "gbnf") == 'root ::= <[7]> "a"\n'
    for to in ("ebnf", "regex"):
        with pytest.raises(UnsupportedFeatureError, match="special token \\(number 7\\)"):
            convert_grammar(grammar, to)  # type: ignore[arg-type]


def test_what_has_no_counterpart_is_refused_with_the_reason() -> None:
    refused: list[tuple[Grammar, str]] = [
        (from_lark('start: "a"'), "lexer='dynamic'"),
        (from_json_schema({"type": "null"}), "not made of rules"),
        (from_choices(["a"]), "not made of rules"),
        (from_regex(r"(?=a)[ab]+"), "no counterpart in rules"),
        (from_ebnf("a = b - 'x'; b = 'x' | 'y' | 'zz';"), "no counterpart in rules"),
    ]
    for grammar, reason in refused:
        with pytest.raises(UnsupportedFeatureError, match=reason):
            convert_grammar(grammar, "gbnf")
    with pytest.raises(GrammarError, match="to must be"):
        convert_grammar(from_regex("a"), "bnf")  # type: ignore[arg-type]
    with pytest.raises(GrammarError, match="must be a Grammar"):
        convert_grammar("a", "gbnf")  # type: ignore[arg-type]


def test_the_text_is_limited() -> None:
    """A pattern that calls rules twice each doubles with every rule."""
    lines = ["root ::= r0 r0", *(f"r{i} ::= r{i + 1} r{i + 1}" for i in range(20)), 'r20 ::= "ab" | "c"']
    with pytest.raises(LimitExceededError, match="characters of the text"):
        convert_grammar(from_gbnf("\n".join(lines)), "regex")
    with pytest.raises(LimitExceededError, match="characters of the text"):
        convert_grammar(from_regex("a{0,150000}"), "ebnf")


def test_names_stay_where_they_can() -> None:
    converted = convert_grammar(GRAMMARS["names"], "lark")
    assert re.findall(r"^(\w+):", converted, re.MULTILINE) == ["start", "root_a", "root_a_2"]
    with pytest.raises(ConstraintError):
        from_lark(converted.replace("root_a_2", "Root"))
