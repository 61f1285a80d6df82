"""Rules that take so many tokens at most, and what is beside them, against trying every way."""

from __future__ import annotations

import json
import pickle
import random
from collections import Counter
from itertools import accumulate, pairwise

import pytest
import torch
from tokentrellis import (
    GrammarProcessor,
    Length,
    Vocabulary,
    allocate_bitmask,
    alternatives,
    compile_grammar,
    compile_length,
    convert_grammar,
    fill_bitmasks,
    from_choices,
    from_lark,
    grammar_graph,
    intersection,
    sequence,
)
from tokentrellis.decoding.bitmask import unpack_bitmask
from tokentrellis.decoding.errors import BudgetTooSmallError
from tokentrellis.decoding.matcher import Matcher
from tokentrellis.grammars.errors import (
    GrammarError,
    GrammarSyntaxError,
    LimitExceededError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.lark_extensions import MOST_TOKENS

from tests.oracles.counted_readings import CountedReadings
from tests.oracles.llguidance_matcher import LlguidanceOracle
from tests.oracles.token_limits import Piece, TokenLimitOracle
from tests.tiny_models import tiny_model, tiny_tokenizer

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


@pytest.mark.parametrize(
    "rules",
    [
        'start: a ";"\na[max_tokens=2]: /[a-z]*/',
        'start: (a ";")*\na[max_tokens=2]: /[a-z]+/',
        "start: a b\na[max_tokens=2]: /[a-z]*/\nb: /[0-9]+;/",
        'start: a ";" a\na[max_tokens=1]: /[a-z]*/',
        "start: a\na[max_tokens=3]: /[a-z]+/",
    ],
)
def test_limits_are_those_of_llguidance_where_a_text_may_end_anywhere(rules: str) -> None:
    """At the beginning and behind what is not forced; elsewhere it counts a token before the rule too."""
    pytest.importorskip("llguidance")
    longer = [b"ab", b"abc", b"b;", b"zz", b"12", b";a", b"3;"]
    theirs = LlguidanceOracle(rules, longer)
    tokens = [*(bytes([byte]) for byte in range(256)), b"", *longer]
    compiled = compile_grammar(from_lark(rules), Vocabulary(tokens, eos_token_ids=[256]))
    chance = random.Random(9)
    n_near = 0
    for _ in range(25):
        matcher, token_ids = compiled.matcher(), []
        while len(token_ids) < 9:
            allowed = {token for token, bit in enumerate(mask_of(matcher)) if bit}
            assert allowed == theirs.allowed(token_ids), [tokens[token] for token in token_ids]
            n_near += matcher.state_id >= 0 and not allowed & set(range(97, 123))
            token_ids.append(chance.choice(sorted(allowed & {97, 98, 122, 50, 59, *range(256, len(tokens))})))
            matcher.accept_token(token_ids[-1])
            if matcher.is_terminated:
                break
    assert n_near > 5


LETTERS = (b"a", b"b", b"ab", b"ba", b";", b"b;", b";a", b"aa;")
PATTERNS = ("[ab]+", "a*", "[ab]{2,3}", "(ab|ba)+", "b?a", "[ab]*;", "aab|bb", "[ab;]{3}")


def random_rules(chance: random.Random) -> str:
    """Rules with limits and temperatures, nested and repeated in any way."""
    limited = [f"l{number}" for number in range(chance.randint(1, 3))]
    names = [*(f"r{number}" for number in range(chance.randint(1, 3))), *limited]

    def tree(depth: int) -> str:
        kind = chance.random()
        if depth == 0 or kind < 0.35:
            return chance.choice([*names, *names, '";"', '"a"', '"b"'])
        if kind < 0.6:
            return " ".join(tree(depth - 1) for _ in range(chance.randint(2, 3)))
        if kind < 0.8:
            return f"({tree(depth - 1)} | {tree(depth - 1)})"
        return f"({tree(depth - 1)}){chance.choice('?*+')}"

    lines = [f"start: {tree(2)}"]
    for name in names:
        attributes = []
        if chance.random() < 0.4:
            attributes.append(f"temperature={chance.choice((0, 0.5, 2))}")
        if name in limited:
            attributes.append(f"max_tokens={chance.randint(1, 3)}")
            attributes += ["lazy"] if chance.random() < 0.2 else []
        body = f"/{chance.choice(PATTERNS)}/" if name in limited else tree(2)
        lines.append(f"{name}[{', '.join(attributes)}]: {body}" if attributes else f"{name}: {body}")
    return "\n".join([*lines, *(['%ignore ";"'] if chance.random() < 0.2 else [])])


@pytest.mark.filterwarnings("ignore::tokentrellis.GrammarWarning")
@pytest.mark.parametrize("has_all_bytes", [False, True])
def test_random_rules_reading_by_reading(has_all_bytes: bool) -> None:
    chance = random.Random(11)
    others = [bytes([byte]) for byte in range(256) if bytes([byte]) not in LETTERS] if has_all_bytes else []
    vocabulary = Vocabulary([*LETTERS, b"", *others], eos_token_ids=[len(LETTERS)])
    end = len(LETTERS)
    seen: Counter[str] = Counter()
    while seen["grammars"] < 60:
        rules = random_rules(chance)
        try:
            grammar = from_lark(rules)
            compiled = compile_grammar(grammar, vocabulary)
        except (UnsatisfiableError, UnsupportedFeatureError, BudgetTooSmallError):
            continue
        seen["grammars"] += 1
        matcher, readings = compiled.matcher(), CountedReadings(grammar, LETTERS)
        budget = matcher.tokens_to_finish + chance.randint(0, 8)
        for n_left in range(budget, 0, -1):
            expected = readings.allowed | ({end} if readings.may_end else set())
            found, within = (
                {token for token, bit in enumerate(mask_of(matcher, left)) if bit} for left in (None, n_left)
            )
            assert found == expected, (rules, matcher)
            assert expected == {token for token in range(end + 1) if matcher.allows_token(token)}
            assert matcher.temperature == readings.temperature, (rules, matcher)
            for token in expected:
                matcher.accept_token(token)
                assert (token in within) == (matcher.tokens_to_finish < n_left), (rules, matcher)
                matcher.rollback(1)
            forced = matcher.forced_tokens()
            assert matcher.copy().try_accept_tokens(forced) == len(forced)
            token = chance.choice(sorted(within))
            matcher.accept_token(token)
            seen["limited"] += len(within) < len(expected)
            if token == end:
                seen["ended"] += 1
                break
            readings = readings.after(token)
        assert matcher.is_terminated  # in time, always
        n_tokens = matcher.n_accepted
        matcher.rollback(chance.randint(0, n_tokens))
        matcher.reset()
        assert mask_of(matcher) == mask_of(compiled.matcher())
    assert seen["limited"] > 10
    assert seen["ended"] == seen["grammars"]


DOCUMENTS = """
    start: thought "\\n" answer
    thought[max_tokens=4, capture]: /[^{\\n]*/
    answer: %json {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}
"""


def test_limits_beside_documents_whose_keys_differ() -> None:
    """What the tracker of a document knows and what has been counted, in one mask."""
    longer = [b'{"', b'":', b"\n{", b'\n{"a":1', b',"a"', b"ab", b"}x", b',"a":2}', b'"a":']
    tokens = [*(bytes([byte]) for byte in range(256)), b"", *longer]
    vocabulary = Vocabulary(tokens, eos_token_ids=[256])
    compiled = compile_grammar(from_lark(DOCUMENTS), vocabulary)
    chance = random.Random(5)
    usual = {*b'ab1{}":,\n', *range(256, len(tokens))}
    n_nearby = 0
    for _ in range(25):
        matcher, token_ids = compiled.matcher(), []
        while not matcher.is_terminated:
            free = {token for token, bit in enumerate(mask_of(matcher)) if bit}
            assert free == {token for token in range(len(tokens)) if matcher.allows_token(token)}
            allowed = {token for token, bit in enumerate(mask_of(matcher, 40 - len(token_ids))) if bit}
            n_nearby += matcher.row_id() < 0
            token_ids.append(chance.choice(sorted(allowed & usual or allowed)))
            matcher.accept_token(token_ids[-1])
        text = vocabulary.decode(token_ids).decode()
        thought, _, answer = text.partition("\n")
        pairs = json.loads(answer, object_pairs_hook=list)
        assert len(dict(pairs)) == len(pairs) > 0
        assert sum(end <= len(thought) for end in ends_of(vocabulary, token_ids)) <= 4
    assert n_nearby > 20


def ends_of(vocabulary: Vocabulary, token_ids: list[int]) -> list[int]:
    """The bytes before the end of each token."""
    return list(accumulate(len(vocabulary.token_bytes(token)) for token in token_ids))


def test_the_end_of_a_character_counts() -> None:
    """A text of any characters ends in its limit, even if a character of four bytes was begun."""
    vocabulary = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    matcher = compile_grammar(from_lark('start: a "."\na[max_tokens=4]: /.*/'), vocabulary).matcher()
    smile = "😀".encode()
    for n_before, n_allowed in ((0, 4), (1, 0), (2, 0)):
        matcher.reset()
        assert matcher.try_accept_tokens([*b"a" * n_before, *smile]) == (4 if n_allowed else n_before)
    matcher.reset()
    assert matcher.try_accept_tokens([*b"aa", *"é".encode(), *b"."]) == 5
    matcher.reset()
    assert matcher.try_accept_tokens(b"aaaaa") == 4
    assert matcher.next_bytes() == set(b".")
    assert matcher.forced_tokens() == [ord("."), 256]
    assert not matcher.read_bytes(b"a.")
    assert matcher.read_bytes(b".")


def test_a_batch_of_masks() -> None:
    vocabulary = Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    compiled = compile_grammar(from_lark('start: a ";" a\na[max_tokens=2]: /[ab]*/'), vocabulary)
    matchers = [compiled.matcher() for _ in range(4)]
    for matcher, length in zip(matchers, range(4), strict=True):
        assert matcher.try_accept_tokens(b"ab;"[:length]) == length
    bitmask = allocate_bitmask(4, vocabulary.vocab_size)
    fill_bitmasks(matchers, bitmask)
    for row, matcher in enumerate(matchers):
        assert unpack_bitmask(bitmask[row], vocabulary.vocab_size).tolist() == mask_of(matcher)
    # Rows far from the limit are those of the state, so that a device keeps them; near it they are not.
    deep = compile_grammar(from_lark("start: a\na[max_tokens=5]: /[ab]{5}/"), vocabulary).matcher()
    numbers = []
    for _ in range(5):
        numbers.append(deep.row_id())
        deep.accept_token(ord("a"))
    assert min(numbers) >= 0
    assert deep.copy().state_id == deep.state_id
    near = compile_grammar(from_lark("start: a\na[max_tokens=2]: /a(b|cd)/"), vocabulary).matcher()
    near.accept_token(ord("a"))
    assert near.row_id() == -1


def test_a_limit_that_no_text_keeps_is_refused() -> None:
    vocabulary = vocabulary_of(TOKENS)
    with pytest.raises(BudgetTooSmallError, match=r"max_tokens of rule 'a.*' must be at least 2") as caught:
        compile_grammar(from_lark('start: a? ";"\na[max_tokens=1]: /[ab]{3}/'), vocabulary)
    assert (caught.value.needed, caught.value.given) == (2, 1)
    compiled = compile_grammar(from_lark('start: a? ";"\na[max_tokens=2]: /[ab]{3}/'), vocabulary)
    # The text of the fewest tokens, not of the fewest bytes: "ab" is one token, "aa" is none.
    assert (
        compile_grammar(from_lark("start: a\na[max_tokens=2]: /[ab]{3}/"), vocabulary).tokens_to_finish == 3
    )
    assert compiled.shortest_text() == b";"
    with pytest.raises(GrammarError, match="max_tokens of rule 'a', whose text is not empty"):
        from_lark("start: a\na[max_tokens=0]: /x/")
    empty = from_lark('start: a "x"\na[max_tokens=0]: /x*/')
    assert [text for text in ("x", "xx") if empty.accepts(text)] == ["x"]


NO_NUMBERS = [
    ("max_tokens=-1", (2, 1)),
    ("max_tokens=1.5", (2, 1)),
    ("max_tokens", (2, 3)),
    ("temperature=hot", (2, 1)),
    ("temperature=-1", (2, 1)),
    ("temperature=nan", (2, 1)),
    ("temperature=inf", (2, 1)),
]


@pytest.mark.parametrize(("attribute", "place"), NO_NUMBERS)
def test_numbers_that_are_none_are_refused(attribute: str, place: tuple[int, int]) -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_lark(f"start: a\na[{attribute}]: /x/")
    assert caught.value.location == place
    with pytest.raises(LimitExceededError, match="max_tokens of a rule"):
        from_lark(f"start: a\na[max_tokens={MOST_TOKENS + 1}]: /x/")
    with pytest.raises(LimitExceededError, match="max_tokens of a rule"):
        from_lark(f"start: a\na[max_tokens={'9' * 5000}]: /x/")


def test_what_is_no_terminal_has_no_limit() -> None:
    with pytest.raises(GrammarSyntaxError, match="in the text of rule 'a'"):
        from_lark('start: a\na[max_tokens=3]: b\nb: "x" "y"')
    for body in ("%json {}", "@x", "<[3]>"):
        with pytest.raises(UnsupportedFeatureError, match="in rule 'a', which has such attributes") as caught:
            from_lark(f"start: a\na[max_tokens=3]: {body}", grammars={"x": from_choices(["x"])})
        assert caught.value.location == (2, 18)


@pytest.mark.parametrize(
    "options",
    [{}, {"num_beams": 3}, {"do_sample": True}, {"prompt_lookup_num_tokens": 3}, {"num_return_sequences": 2}],
    ids=str,
)
def test_limits_in_generate_of_transformers(options: dict) -> None:
    """Beams that change places, drafts that are thrown away: the count is that of the row's own tokens."""
    tokenizer = tiny_tokenizer()
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    rules = (
        'start: (a ";" b ".")+\na[max_tokens=3, capture]: /[a-z ]*/\nb[max_tokens=2, capture]: /[0-9]{1,8}/'
    )
    grammar = from_lark(rules)
    processor = GrammarProcessor(compile_grammar(grammar, vocabulary), max_new_tokens=40)
    prompt = tokenizer("abc ;12. abc ;12. abc", return_tensors="pt")["input_ids"]
    options = {"num_beams": 2, **options} if "num_return_sequences" in options else options
    torch.manual_seed(0)
    rows = tiny_model().generate(prompt, logits_processor=[processor], max_new_tokens=40, **options)
    for row in rows[:, prompt.shape[1] :].tolist():
        token_ids = row[: row.index(vocabulary.eos_token_ids[0]) + 1]
        ends = ends_of(vocabulary, token_ids)
        for found in grammar.captures(vocabulary.decode(token_ids).decode()):
            n_tokens = sum(before < found.end and end > found.start for before, end in pairwise([0, *ends]))
            assert n_tokens <= {"a": 3, "b": 2}[found.name]


def test_temperatures_of_grammars_in_rules() -> None:
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    grammar = from_lark("""
        start: "<" document ">" outer
        document[temperature=0.5]: %json {"type": "object", "additionalProperties": {"type": "integer"}}
        outer[temperature=2]: "(" inner ")"
        inner[temperature=1]: "x" @more "x"
    """, grammars={"more": from_lark("start: /y/ z\nz[temperature=9]: /[0-9]/")})  # fmt: skip
    matcher = compile_grammar(grammar, vocabulary).matcher()
    seen = []
    for piece in (b"<", b'{"a":', b" 1", b"}", b">", b"(", b"x", b"y", b"7", b"x", b")"):
        assert matcher.read_bytes(piece)
        seen.append(matcher.temperature)
    assert seen == [0.5, 0.5, 0.5, None, 2, 1, 1, 9, 1, 2, None]
    matcher.rollback(4)
    assert matcher.temperature == 1


def test_what_has_been_counted_is_learnt() -> None:
    """Caches give a grammar up that has learnt too much: counted states are among that."""
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    compiled = compile_grammar(from_lark("start: a\na[max_tokens=1000]: /x*/"), vocabulary)
    assert compiled.matcher().try_accept_tokens(b"x" * 2000) == 1000
    assert 1000 < compiled.n_states < 1100


def test_what_does_not_know_of_limits_refuses_them() -> None:
    vocabulary = vocabulary_of(TOKENS)
    for attribute in ("max_tokens=2", "temperature=0.5"):
        grammar = from_lark(f'start: a ";"\na[{attribute}]: /[ab]*/')
        compiled = compile_grammar(grammar, vocabulary)
        for refused in (
            lambda: compiled.token_automaton(),  # noqa: B023
            lambda: compile_length(Length(characters=3), compiled),  # noqa: B023
            lambda: convert_grammar(grammar, "gbnf"),  # noqa: B023
        ):
            with pytest.raises(UnsupportedFeatureError, match="max_tokens or temperature"):
                refused()
        with pytest.raises(UnsupportedFeatureError, match="with Lark's contextual lexer"):
            from_lark(str(grammar.source.text), lexer="contextual")


def test_parts_and_pickles_keep_limits() -> None:
    vocabulary = vocabulary_of(TOKENS)
    limited = from_lark("start: a\na[max_tokens=1, temperature=0.5]: /[ab]+/")
    for whole in (
        sequence(limited, ";", limited),
        pickle.loads(pickle.dumps(sequence(limited, ";", limited))),
        from_lark('start: @x ";" @x', grammars={"x": limited}),
        alternatives(sequence(limited, ";", limited), "zz"),
    ):
        matcher = compile_grammar(whole, Vocabulary([*TOKENS, b"", b"z"], eos_token_ids=[6])).matcher()
        assert whole.token_limits == limited.token_limits
        assert matcher.temperature == 0.5
        assert matcher.try_accept_tokens([2, 0]) == 1
        assert matcher.temperature is None
        assert matcher.try_accept_tokens([3, 1, 1]) == 2
    again = pickle.loads(pickle.dumps(compile_grammar(limited, vocabulary)))
    assert again.matcher().try_accept_tokens([0, 0]) == 1
    with pytest.raises(UnsupportedFeatureError, match=r"not regular|only terminals"):
        intersection(limited, "ab")
    assert grammar_graph(limited).mermaid
    assert "max_tokens" in str(limited)
