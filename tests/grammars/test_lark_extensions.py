"""llguidance's extensions of Lark's notation, against llguidance itself, and captures."""

from __future__ import annotations

import copy
import json
import pickle
import random

import jsonschema_rs
import pytest
from tokentrellis import (
    Captured,
    CaptureReader,
    Grammar,
    Vocabulary,
    capture,
    compile_grammar,
    from_choices,
    from_ebnf,
    from_gbnf,
    from_json_schema,
    from_lark,
    from_regex,
    sequence,
)
from tokentrellis.grammars import captures
from tokentrellis.grammars.composition import MOST_NESTED
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
from tokentrellis.grammars.lazy_terminals import shortest_only
from tokentrellis.grammars.recognizer import matches
from tokentrellis.grammars.regex import pattern_expression
from tokentrellis.grammars.substrings import substrings, words_of

from tests.oracles.llguidance_matcher import LlguidanceOracle

pytest.importorskip("lark")

EOS = 256
VOCABULARY = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[EOS])

SCHEMA = '{"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false}'
GRAMMARS = {
    # The tool calls of llguidance's documentation: where the lazy terminal may stand, no text goes past it.
    "tools": (
        "start: (foo | bar)* end\nend: TEXT\nTEXT: /(.|\\n)*/\n"
        f'foo_head[lazy]: TEXT "<f"\nfoo: foo_head "=o>" %json {SCHEMA} "</>"\n'
        'bar_head[lazy]: TEXT "<f"\nbar: bar_head "=b>" /[0-9]+/ "</>"\n',
        'ab<f=o>{"a":1}</><f=b>12</>',
    ),
    "suffix": ('start: a b\na[suffix="<e>"]: /.*/\nb: /[a-z<>]*/\n', "ab<e>"),
    "suffix of a pattern": ("start: a b\na[suffix=/;x+/]: /[a-z;]*/\nb: /[a-z]*/\n", "ab;x"),
    "suffix of a name": ("start: a b\na[suffix=END]: /[a-z]*/\nb: /[a-z]*/\nEND: /[;!]/\n", "ab;!"),
    "stop": ('start: a "x"\na[stop="st="]: /[a-z=]*/\n', "abst=x"),
    "stop of a pattern": ('start: a "y"\na[stop=/;+/]: /[a-z;]*/\n', "ab;y"),
    "stop of a name": ("start: a\na[stop=END]: /[a-z]*/\nEND: /[;!]/\n", "ab;!"),
    "stop before a rule": ('start: a b\na[stop=";"]: /[a-z]*/\nb: /[a-z]+/\n', "ab;y"),
    "stop that is written": ('start: a ";y"\na[stop=";"]: /[a-z]*/\n', "ab;y"),
    "stop that is written twice": ('start: a ";;y"\na[stop=";"]: /[a-z]*/\n', "ab;y"),
    "stop that a rule writes": ('start: a b\na[stop=";"]: /[a-z]*/\nb: ";" /[a-z]+/\n', "ab;y"),
    "stops again and again": ('start: (a ";")* "!"\na[stop=";"]: /[a-z]*/\n', "ab;!"),
    "lazy": ("start: a b\na[lazy]: /.*<e>/\nb: /[a-z<>]*/\n", "ab<e>"),
    "lazy digits": ('start: a "x"\na[lazy]: /[0-9]+/\n', "12x"),
    "two lazy ones": ("start: (a | b)* c\na[lazy]: /[a-z]*;/\nb[lazy]: /[a-z]*[;!]/\nc: /[a-z!]*/", "ab;!1"),
    "words": ('start: "<" %regex {"substring_words": "foo bar. baz"} ">"', "<fobarz .>"),
    "characters": ('start: "<" %regex {"substring_chars": "abcab"} ">"', "<abc>"),
    "chunks": ('start: X\nX: "<" %regex {"substring_chunks": ["abc", "de", "fg"]} ">"', "<abcdefg>"),
    "documents": (
        'start: "1" %json {"type": "array", "items": {"type": "boolean"}} | %json {"const": 2}',
        "12[],truefals",
    ),
}


def accepts(grammar: Grammar, text: str) -> bool:
    """Whether the core accepts a text; the recogniser has to agree."""
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    found = matcher.read_bytes(text.encode()) and matcher.is_accepting
    assert grammar.accepts(text) == found, text
    return found


def our_text(grammar: Grammar, chance: random.Random, longest: int = 40) -> str:
    """A text along random allowed bytes, or the beginning of one."""
    matcher = compile_grammar(grammar, VOCABULARY).matcher()
    data = bytearray()
    while len(data) < longest and not (matcher.is_accepting and chance.random() < 0.2):
        allowed = [byte for byte in matcher.next_bytes() if byte in range(32, 127)]
        if not allowed:
            break
        data.append(chance.choice(allowed))
        matcher.read_bytes(bytes(data[-1:]))
    return data.decode()


def mutated(text: str, alphabet: str, chance: random.Random) -> str:
    characters = list(text)
    place = chance.randrange(len(characters) + 1)
    characters[place : place + chance.randint(0, 1)] = chance.choice(([], [chance.choice(alphabet)]))
    return "".join(characters)


@pytest.mark.parametrize("name", GRAMMARS)
def test_agrees_with_llguidance(name: str) -> None:
    pytest.importorskip("llguidance")
    text, alphabet = GRAMMARS[name]
    theirs, ours = LlguidanceOracle(text), from_lark(text)
    chance = random.Random(7)
    drawn = [our_text(ours, chance) for _ in range(25)]
    drawn += ["".join(chance.choices(alphabet, k=chance.randint(0, 9))) for _ in range(150)]
    theirs_drawn = [theirs.random_text(chance) for _ in range(25)]
    # Documents are compared without white space, where the two differ.
    drawn += [found for found in theirs_drawn if found is not None and not set(found) & {" ", "\n"}]
    texts = dict.fromkeys([*drawn, *(mutated(one, alphabet, chance) for one in drawn)])
    verdicts = {one: theirs.accepts(one) for one in texts}
    assert len(set(verdicts.values())) == 2  # both kinds were drawn
    for one, expected in verdicts.items():
        assert accepts(ours, one) == expected, one


def test_captures_agree_with_llguidance() -> None:
    pytest.importorskip("llguidance")
    cases = [
        ('start: a b\na[suffix=/;+/, capture, stop_capture="s"]: /[a-z;]*/\nb[capture]: /[a-z]+;/', "ab;cd;"),
        ('start: a b\na[suffix=/x+;/, capture, stop_capture="s"]: /[a-z]*/\nb[capture]: /[a-z]+;/', "axx;c;"),
        ('start: item*\nitem[capture]: n ";"\nn[capture="name"]: /[a-z]+/', "ab;c;"),
        ('start: a ";" b\na[capture, lazy]: /.*<e>/\nb[capture]: %json {"type": "null"}', "ab<e>;null"),
        ('start: a c\na[stop=";", capture, stop_capture="s"]: /[a-z]*/\nc[capture]: /[xy]/', "ab;y"),
        ('start: a ";" c\na[stop=";", capture]: /[a-z]*/\nc[capture]: /[xy]/', "ab;y"),
        ('start: w\nw[capture]: x y\nx[capture="X"]: /[a-z]+/\ny[capture]: /[0-9]+;/', "ab12;"),
    ]
    for grammar, text in cases:
        ours = [(found.name, found.text) for found in from_lark(grammar).captures(text)]
        assert sorted(ours) == sorted(LlguidanceOracle(grammar).captures(text)), grammar
        assert ours


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        {"type": "array", "items": {"enum": [1, "a", None]}, "uniqueItems": True, "minItems": 1},
        {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"},
        {"type": "string", "pattern": "^[/#<]+$", "maxLength": 4},
    ],
)
def test_documents_in_rules_are_those_of_the_schema(schema: dict) -> None:
    grammar = from_lark(f'start: "<" doc ">" doc\ndoc: %json {json.dumps(schema, indent=1)}')
    validator = jsonschema_rs.validator_for(schema)
    alone = from_json_schema(schema)
    chance = random.Random(3)
    for _ in range(30):
        first, second = our_text(alone, chance), our_text(alone, chance)
        if not alone.accepts(first) or not alone.accepts(second):
            continue
        assert validator.is_valid(json.loads(first))
        assert accepts(grammar, f"<{first}>{second}")
        broken = mutated(first, '0a"]}{,', chance)
        assert accepts(grammar, f"<{broken}>{second}") == alone.accepts(broken)
        try:
            valid = validator.is_valid(json.loads(broken))
        except ValueError:
            valid = False
        assert valid or not alone.accepts(broken)


def test_lazy_is_the_shortest() -> None:
    lazy = shortest_only(pattern_expression("a*b|a", syntax="python", search=False))
    assert [text for text in (b"a", b"b", b"ab", b"aab", b"") if matches(lazy, text)] == [b"a", b"b"]


@pytest.mark.filterwarnings("ignore:b. nothing reaches it")
def test_a_stop_is_written_once() -> None:
    """llguidance takes the stop back and reads it again, but fails if it has several tokens."""
    rules = "start: a {0}\na[stop='<e>', capture]: /.*/\nb: {1}\n%ignore \" \"".replace("'", '"')
    for following in ('"<e>" b', '"<e>!"', "b"):
        grammar = from_lark(rules.format(following, '"<e>!"' if following == "b" else '"!"'))
        taken = [
            text for text in ("x<e>!", "<e>!", "x!", "x<e><e>!", "x<e", "<<e>!") if accepts(grammar, text)
        ]
        assert taken == ["x<e>!", "<e>!", "<<e>!"]
        assert [found[:2] for found in grammar.captures("x<<e>!")] == [("a", "x<")]
    twice = from_lark('start: a b?\na[stop=";"]: /[a-z]*/\nb: ";y"')  # where nothing may follow, it is read
    assert [text for text in ("a;", "a;y", "a;;y") if accepts(twice, text)] == ["a;", "a;y"]
    limited = from_lark('start: a ";"\na[stop=";", max_tokens=1, temperature=2, capture]: /.*/')
    matcher = compile_grammar(limited, VOCABULARY).matcher()
    assert matcher.temperature == 2
    assert matcher.try_accept_tokens(b"ab") == 1
    assert matcher.try_accept_tokens([ord(";"), EOS]) == 2


def test_quotations() -> None:
    assert words_of("foo bar. b_1\n") == ["foo", " ", "bar", ".", " ", "b_1", "\n"]
    quoted = substrings(["ab", "a", "", "b"])
    found = {
        text
        for text in ("", "ab", "a", "b", "aba", "abab", "aab", "ba", "bab")
        if matches(quoted, text.encode())
    }
    assert found == {"", "ab", "a", "b", "aba", "abab"}
    long = from_lark("start: %regex " + json.dumps({"substring_words": "the cat saw the dog. " * 300}))
    assert accepts(long, "dog. the cat saw the")
    assert not accepts(long, "the dog saw")


def test_grammars_by_name() -> None:
    inner = from_choices(["x", "y", ""])
    grammar = from_lark('start: "<" @inner ">" @inner', grammars={"inner": inner})
    assert [text for text in ("<x>y", "<>", "<x>", "<z>") if accepts(grammar, text)] == ["<x>y", "<>", "<x>"]
    again = pickle.loads(pickle.dumps(grammar))
    assert accepts(again, "<x>y")
    assert accepts(sequence("a", grammar, "b"), "a<x>yb")
    with pytest.raises(UnresolvedReferenceError, match="the grammar is not known"):
        from_lark("start: @iner", grammars={"inner": inner})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('start: a\na[suffix=""]: /.*/', "a suffix that is empty"),
        ('start: a\na[stop=""]: /.*/', "a stop that is empty"),
        ('start: a ";x"\na[stop=";", stop_capture="s"]: /[a-z]*/', "stop_capture of rule 'a'"),
        ("start: a\na[temperature=1]: a /x/ | /x/", "a temperature for rule 'a', which calls itself first"),
        ('start: %lark { start: "a" }', "%lark"),
        ('%llguidance {"no_forcing": true}\nstart: "a"', "'no_forcing'"),
        ("start: a\na[capture]: a /x/ | /x/", "capturing rule 'a', which calls itself first"),
    ],
)
def test_what_is_refused_is_named(text: str, message: str) -> None:
    with pytest.raises(UnsupportedFeatureError, match=message):
        from_lark(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("start: a\na[lazzy]: /x/", (2, 3)),
        ("start: a\na[capture=3]: /x/", (2, 1)),
        ("start: a\na[suffix]: /x/", (2, 3)),
        ('start: a\na[stop_capture="x"]: /x/', (2, 1)),
        ('start: a\na[stop="x", suffix="y"]: /x/', (2, 1)),
        ("start: a\na[stop]: /x/", (2, 3)),
        ("start: a\na[lazy,lazy]: /x/", (2, 8)),
        ("start: a\na[lazy]: /x/\na[lazy]: /y/", (3, 1)),
        ("start: %json [1]", (1, 13)),
        ('start: %json {"type": }', (1, 23)),
        ('start: %regex {"substring": "x"}', (1, 8)),
        ('start: %regex {"substring_chars": ["x"]}', (1, 8)),
        ("start: X\nX: %json {}", (2, 4)),
        ('start: %json {\n"type":\n"null"} "x" )', (3, 13)),
    ],
)
def test_errors_say_where(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_lark(text)
    assert caught.value.location == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('start: "x" a\na[suffix=z]: /y*/\nz: "q"', "in the suffix of rule 'a'"),
        ('start: "x" a\na[lazy]: "y" z\nz: "q"', "in the text of rule 'a'"),
        ('start: "x" a\na[suffix=/(/]: /y*/', "the suffix of rule 'a' is no pattern"),
    ],
)
def test_errors_name_the_rule_that_a_terminal_was_made_of(text: str, message: str) -> None:
    with pytest.raises(GrammarSyntaxError, match=message) as caught:
        from_lark(text)
    assert caught.value.location == (2, 1)


@pytest.mark.parametrize("attributes", ['suffix="c"', 'lazy, suffix="b"', "lazy", 'suffix="c", capture'])
def test_rules_that_nothing_reaches_may_be_lazy(attributes: str) -> None:
    """The terminal of the rule is the same as one that is used; the rule's other one is not."""
    with pytest.warns(GrammarWarning, match="spare: nothing reaches it"):
        grammar = from_lark(f'start: "a" "a"?\nspare[{attributes}]: "a"')
    assert [text for text in ("a", "aa", "ac") if grammar.accepts(text)] == ["a", "aa"]


def test_rules_in_lazy_terminals_are_refused() -> None:
    with pytest.raises(ConstraintError, match="terminal"):
        from_lark("start: a\na[lazy]: b\nb: /x/")
    with pytest.raises(ConstraintError, match="terminals"):
        from_lark("start: a\na[lazy]: %json {}")


@pytest.mark.parametrize("header", ["x [capture]", "x.2 [capture]", "x [capture] ", "?x{y} "])
def test_blanks_may_stand_in_the_header_of_a_rule(header: str) -> None:
    called = "x{T}" if "{" in header else "x"
    grammar = from_lark(f'start: {called}\nT: "a"\n{header}: %json {{"const": 1}}\n')
    assert accepts(grammar, "1")
    assert not accepts(grammar, "a")


def test_the_lexer_follows_from_the_extensions() -> None:
    assert from_lark("start: A\nA: /a/").parse_tables is not None
    assert from_lark("start: a\na[capture]: /a/").parse_tables is None
    assert from_lark('%llguidance {}\nstart: "a"').parse_tables is not None
    with pytest.raises(UnsupportedFeatureError, match="%json with Lark's contextual lexer") as caught:
        from_lark('start: "a" %json {}', lexer="contextual")
    assert caught.value.location == (1, 12)
    # In strings, patterns and comments nothing is an extension.
    plain = from_lark('start: "%json {}" /@[a-z]/ // %regex {}\n')
    assert plain.parse_tables is not None
    assert plain.accepts("%json {}@x")


def test_captures_close_while_a_text_is_written() -> None:
    grammar = from_lark(
        'start: pair*\npair[capture]: key "=" value ";"\nkey[capture]: /[a-z]+/\n'
        "value[capture]: /[0-9]+/\n%ignore /[ ]+/"
    )
    reader = CaptureReader(grammar)
    assert reader.write("ab") == []
    assert reader.write(" = 1") == [Captured("key", "ab", 0, 2)]
    assert reader.write("2;") == [Captured("value", "12", 5, 7), Captured("pair", "ab = 12;", 0, 8)]
    assert reader.write(" ") == []
    assert reader.finish() == []
    assert [found.name for found in grammar.captures("a=1;b=2;")] == ["key", "value", "pair"] * 2
    with pytest.raises(GrammarSyntaxError, match="the text is not complete"):
        grammar.captures("a=1")
    with pytest.raises(GrammarSyntaxError, match="no text of the grammar begins like this") as caught:
        grammar.captures("a=1;\n!")
    assert caught.value.location == (1, 5)


def test_the_earliest_and_longest_captures_are_taken() -> None:
    grammar = from_lark("start: /.*/ x /.*/\nx[capture]: /[0-9]+/")
    assert grammar.captures("ab12c345") == [Captured("x", "12", 2, 4)]
    choice = from_gbnf('root ::= a b\na ::= "x" | "xy"\nb ::= "yz" | "z"', captures=["a", "b"])
    assert [found.text for found in choice.captures("xyz")] == ["xy", "z"]


def test_captures_of_other_notations_and_parts() -> None:
    gbnf = from_gbnf('root ::= n ("," n)*\nn ::= [0-9]+', captures=["n", "root"])
    assert [found[:2] for found in gbnf.captures("1,22")] == [("n", "1"), ("n", "22"), ("root", "1,22")]
    ebnf = from_ebnf("s = {n}; n = 'a' | 'b';", captures=["n"])
    assert [found.text for found in ebnf.captures("ab")] == ["a", "b"]
    with pytest.raises(UnresolvedReferenceError, match="the rule to capture is not defined"):
        from_gbnf('root ::= "a"', captures=["rot"])
    named = capture("id", from_regex("[0-9]+"))
    document = capture("doc", from_json_schema({"type": "object"}))
    whole = sequence("id ", named, ": ", document, gbnf)
    text = 'id 7: {"a": [1]}1,2'
    assert [found[:2] for found in whole.captures(text)] == [
        ("id", "7"), ("doc", '{"a": [1]}'), ("n", "1"), ("n", "2"), ("root", "1,2"),
    ]  # fmt: skip
    assert accepts(whole, text)
    assert pickle.loads(pickle.dumps(whole)).captures(text) == whole.captures(text)
    assert named.captures("12") == [Captured("id", "12", 0, 2)]
    with pytest.raises(GrammarError, match="the name of a capture"):
        capture("", "x")
    with pytest.raises(UnsupportedFeatureError, match="captures with Lark's contextual lexer"):
        from_lark("start: A\nA: /a/").captures("a")


def test_a_reader_of_captures_stays_at_its_failure() -> None:
    grammar = from_gbnf('root ::= a*\na ::= "x"', captures=["a"])
    reader = CaptureReader(grammar)
    for piece in ("y", "", "x"):
        with pytest.raises(GrammarSyntaxError, match="no text of the grammar begins like this"):
            reader.write(piece)
    with pytest.raises(GrammarSyntaxError, match="no text of the grammar begins like this"):
        reader.write_token(0)
    with pytest.raises(GrammarSyntaxError, match="a lone surrogate") as caught:
        grammar.captures("x\n\ud800")
    assert caught.value.location == (2, 1)
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle the grammar and the text"):
            copied(CaptureReader(grammar))


def test_histories_do_not_grow_with_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word may end at each of its blanks, so two ways to read it are compared at each."""
    longest = 0

    def rank(history: captures._History) -> list[tuple[float, float]]:
        nonlocal longest
        found = original(history)
        longest = max(longest, len(found))
        return found

    original = captures._rank
    monkeypatch.setattr(captures, "_rank", rank)
    grammar = from_gbnf('root ::= (word " "*)*\nword ::= [a-z]+ " "*', captures=["word"])
    found = grammar.captures("ab  " * 2_000)
    assert found == [Captured("word", "ab  ", 4 * n, 4 * n + 4) for n in range(2_000)]
    assert 1 < longest < 500


def test_empty_texts_are_not_captured() -> None:
    assert capture("x", "").captures("") == []
    assert capture("x", from_regex("a?")).captures("") == []
    assert sequence("b", capture("x", from_regex("a?"))).captures("b") == []
    for name in ("\ud800", "a\udfff"):
        with pytest.raises(GrammarError, match="a lone surrogate"):
            capture(name, "x")
    with pytest.raises(GrammarError, match="a lone surrogate"):
        from_lark(r'start[capture="\ud800"]: "a"')


def test_a_grammar_of_the_empty_text_by_name() -> None:
    nothing, something = from_regex(""), from_choices(["", "a"])
    grammar = from_lark('start: "b" @x @y @x', grammars={"x": nothing, "y": something})
    assert [text for text in ("", "b", "ba", "baa") if grammar.accepts(text)] == ["b", "ba"]
    assert accepts(grammar, "ba")
    assert accepts(from_lark("start: @x", grammars={"x": nothing}), "")


def test_special_tokens_and_captures() -> None:
    grammar = from_lark("start: <|go|> x <[300]>\nx[capture]: /[a-z]+/", special_tokens={"<|go|>": 299})
    reader = CaptureReader(grammar)
    assert reader.write_token(299) == []
    assert reader.write("ab") == []
    assert reader.write_token(300) == [Captured("x", "ab", 0, 2)]
    assert reader.finish() == []


def test_hostile_extensions_end_in_errors() -> None:
    with pytest.raises(LimitExceededError):
        from_lark("start: %json " + '{"items":' * 100_000)
    with pytest.raises(LimitExceededError, match="what is quoted"):
        from_lark("start: %regex " + json.dumps({"substring_chars": "x" * 300_000}))
    with pytest.raises(LimitExceededError, match="lazy terminal"):
        from_lark("start: a\na[lazy]: /(.|\\n)*a(.|\\n){18}/")
    with pytest.raises(UnsatisfiableError):
        from_lark("start: %json false".replace("false", '{"type": "null", "minimum": 0, "enum": [1]}'))
    lazy = "".join(f"a{n}[lazy]: /[a-z]*<{n}>/\n" for n in range(150))
    with pytest.raises(LimitExceededError, match="lazy terminals beside others"):
        from_lark("start: " + " | ".join(f"a{n}" for n in range(150)) + "\n" + lazy)
    for unclosed in ("a[\n", "a[lazy", "a{b\n"):  # read once, not once for each
        with pytest.raises(GrammarSyntaxError):
            from_lark("start: a\n" + unclosed * 20_000 + "%json {}")
    for unclosed in ('"\\', "/\\", '"'):  # nor looked through to the end for each
        with pytest.raises(GrammarSyntaxError):
            from_lark("start: " + unclosed * 100_000)
    nested = from_regex("x")
    for _ in range(MOST_NESTED):
        nested = from_lark('start: "y"? @inner', grammars={"inner": nested})
    with pytest.raises(LimitExceededError, match="compositions inside each other"):
        from_lark('start: "y"? @inner', grammars={"inner": nested})
    many = "".join(f"a{n}[capture]: %json {{}}\n" for n in range(500))
    grammar = from_lark("start: " + " | ".join(f"a{n}" for n in range(500)) + "\n" + many)
    assert grammar.has_captures
    deep = from_lark('start: a\na: "(" b ")" | x\nb[capture]: a\nx[capture]: "x"')
    text = "(" * 2000 + "x" + ")" * 2000
    assert len(deep.captures(text)) == 2001
