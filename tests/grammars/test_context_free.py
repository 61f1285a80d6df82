"""Context-free grammars against the obvious meaning of their rules, and against what is large or hostile.

More seeds are run by `python -m tests.grammars.test_context_free FIRST LAST`.
"""

from __future__ import annotations

import random
import sys

import pytest
from tokentrellis import Vocabulary, compile_grammar
from tokentrellis.grammars.context_free import ContextFreeGrammar
from tokentrellis.grammars.errors import LimitExceededError, UnsatisfiableError
from tokentrellis.grammars.expressions import UNLIMITED, literal
from tokentrellis.grammars.recognizer import Recognizer
from tokentrellis.grammars.rules import (
    Choice,
    Repetition,
    RuleCall,
    Sequence,
    Tree,
    calls_of,
    components,
    settle,
)

from tests.masks import allowed_tokens
from tests.oracles.brute_force_mask import allowed_after
from tests.oracles.context_free import all_texts, derives, random_rules

TEXTS = all_texts(4)
LONGEST_JUDGED = 12  # of texts that the oracle judges
TOKENS = [bytes([byte]) for byte in range(256)] + [b"", b"ab", b"aab", b"ba", b"bb", b"aaa", b"abab"]
VOCABULARY = Vocabulary(TOKENS, eos_token_ids=[256])


def sequence(*items: Tree) -> Tree:
    return Sequence(items)


def call(name: str) -> Tree:
    return RuleCall(name)


def check(seed: int) -> bool:
    """Acceptance, masks and shortest ends of one random grammar; False if it has no text."""
    rng = random.Random(seed)
    rules = random_rules(rng)
    language = {text for text in TEXTS if derives(rules, "r0", text)}
    try:
        grammar = ContextFreeGrammar(rules, "r0")
    except UnsatisfiableError:
        assert not language, (seed, rules)
        return False
    compiled = compile_grammar(grammar, VOCABULARY)
    recognizer = Recognizer(grammar)
    for text in TEXTS:
        matcher = compiled.matcher()
        n_read = matcher.try_accept_tokens(text)
        accepted = n_read == len(text) and matcher.is_accepting
        assert accepted == (text in language), (seed, text, rules)
        assert recognizer.accepts(text) == accepted, (seed, text, rules)
        if n_read < len(text):
            continue
        expected = allowed_after(recognizer, recognizer.run(text), TOKENS) | ({256} if accepted else set())
        assert set(allowed_tokens(matcher)) == expected, (seed, text, rules)
        budget = matcher.tokens_to_finish
        assert budget is not None
        written = text
        while not matcher.is_terminated:
            token = rng.choice(allowed_tokens(matcher, budget))
            matcher.accept_token(token)
            written += TOKENS[token]
            budget -= 1
        assert len(written) > LONGEST_JUDGED or derives(rules, "r0", written), (seed, text, written, rules)
    return True


def test_random_rules() -> None:
    with_texts = sum(check(seed) for seed in range(60))
    assert with_texts > 30


def accepts(rules: dict[str, Tree], text: bytes) -> bool:
    """By the core; the start is `s`."""
    matcher = compile_grammar(ContextFreeGrammar(rules, "s"), VOCABULARY).matcher()
    return matcher.try_accept_tokens(text) == len(text) and matcher.is_accepting


def test_left_recursion_needs_no_stack() -> None:
    rules = {"s": Choice((literal("a"), sequence(call("s"), literal("+a"))))}
    compiled = compile_grammar(ContextFreeGrammar(rules, "s"), VOCABULARY)
    matcher = compiled.matcher()
    assert matcher.try_accept_tokens(b"a" + b"+a" * 5000) == 10001
    assert compiled.n_states < 10


def test_hidden_left_recursion() -> None:
    rules = {
        "s": Choice((sequence(call("n"), call("s"), literal("x")), literal("y"))),
        "n": Choice((Sequence(()), literal("z"))),
    }
    for text, expected in ((b"y", True), (b"yx", True), (b"zyx", True), (b"zzyxx", True), (b"zy", False)):
        assert accepts(rules, text) == expected, text


def test_rules_that_only_derive_each_other() -> None:
    rules = {"s": Choice((call("t"), literal("a"))), "t": Choice((call("s"), call("t")))}
    assert accepts(rules, b"a")
    assert not accepts(rules, b"aa")


def test_deep_nesting() -> None:
    rules = {"s": Choice((literal("a"), sequence(literal("("), call("s"), literal(")"))))}
    assert accepts(rules, b"(" * 10_000 + b"a" + b")" * 10_000)
    assert not accepts(rules, b"(" * 10_000 + b"a" + b")" * 9_999)


def test_deep_nesting_that_may_be_left_open() -> None:
    rules = {"s": Choice((literal("a"), sequence(literal("("), call("s"), Repetition(literal(")"), 0, 1))))}
    assert accepts(rules, b"(" * 3_000 + b"a" + b")" * 5)
    assert not accepts(rules, b"(" * 3 + b"a" + b")" * 4)


@pytest.mark.parametrize(
    "rules",
    [
        {
            "s": Choice(
                (literal("a"), sequence(call("s"), call("s")), sequence(call("s"), call("s"), call("s")))
            )
        },
        {
            "s": Choice(
                (
                    literal("a"),
                    sequence(literal("a"), call("s"), call("x")),
                    sequence(literal("a"), call("s"), call("y")),
                )
            ),
            "x": Choice((call("s"), Sequence(()))),
            "y": Choice((call("s"), literal("a"))),
        },
    ],
)
def test_exponentially_many_readings(rules: dict[str, Tree]) -> None:
    assert accepts(rules, b"a" * 60)
    assert not accepts(rules, b"a" * 60 + b"b")


def test_thousands_of_rules() -> None:
    rules: dict[str, Tree] = {
        f"r{i}": Choice(
            (
                sequence(literal(f"<{i}>"), call(f"r{(i * 7 + 1) % 5000}"), call(f"r{(i * 13 + 5) % 5000}")),
                literal(f"x{i}"),
            )
        )
        for i in range(5000)
    }
    rules["s"] = call("r0")
    assert accepts(rules, b"<0>x1x5")
    assert not accepts(rules, b"<0>x1x6")


def test_a_long_chain_of_rules() -> None:
    rules: dict[str, Tree] = {
        f"r{i}": Choice((sequence(call(f"r{i + 1}"), literal(f"x{i}")), literal(f"y{i}")))
        for i in range(2000)
    }
    rules |= {"r2000": literal("z"), "s": call("r0")}
    assert accepts(rules, b"y3x2x1x0")
    assert not accepts(rules, b"y3x2x0")


def test_what_derives_nothing_is_left_out() -> None:
    rules = {
        "s": Choice((literal("a"), sequence(literal("b"), call("t")))),
        "t": sequence(call("t"), literal("c")),
    }
    compiled = compile_grammar(ContextFreeGrammar(rules, "s"), VOCABULARY)
    assert compiled.matcher().next_bytes() == {ord("a")}
    with pytest.raises(UnsatisfiableError, match="rule 't' derives no text"):
        ContextFreeGrammar(rules, "t")


def test_bounded_repetitions_of_rules() -> None:
    rules = {
        "s": Repetition(call("t"), 2, 4),
        "t": Choice((literal("a"), sequence(literal("("), call("t"), literal(")")))),
    }
    for n in range(6):
        assert accepts(rules, b"(a)" * n) == (2 <= n <= 4), n


def test_limits() -> None:
    recursive = {"s": Choice((literal("a"), Repetition(sequence(literal("("), call("s")), 0, 300_000)))}
    with pytest.raises(LimitExceededError, match="repetitions written out"):
        ContextFreeGrammar(recursive, "s")
    tree: Tree = literal("a")
    for _ in range(300):
        tree = Repetition(Choice((tree, call("s"))), 1, UNLIMITED)
    with pytest.raises(LimitExceededError, match="nesting"):
        ContextFreeGrammar({"s": Choice((tree, literal("b")))}, "s")


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:])
    print(sum(check(seed) for seed in range(first, last)), "grammars with texts agree")


def test_rules_that_call_each_other_settle_soon() -> None:
    """However many rules call each other, each is looked at a few times only."""
    n_rules = 400
    rules: dict[str, Tree] = {
        f"r{i}": Choice((sequence(literal("a"), call(f"r{i + 1}")), call("r0"))) for i in range(n_rules)
    }
    rules[f"r{n_rules}"] = literal("b")
    depths: dict[str, int] = {}
    n_asked = 0

    def update(name: str) -> bool:
        nonlocal n_asked
        n_asked += 1
        called = [depths[other] + 1 for other in calls_of(rules[name]) if other in depths]
        depth = min(called, default=0 if name == f"r{n_rules}" else n_rules * 9)
        is_less = depth < depths.get(name, n_rules * 9)
        depths[name] = min(depth, depths.get(name, depth))
        return is_less

    last, component = components(rules, ["r0"])
    settle([*component, *last], rules, update)
    assert all(depths[f"r{i}"] == n_rules - i for i in range(n_rules))
    assert n_asked <= 4 * n_rules
