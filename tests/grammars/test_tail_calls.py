"""Calls that leave no frame on the stack: the same texts, and long ambiguous ones in linear time."""

from __future__ import annotations

import random

import pytest
from tokentrellis import Vocabulary, compile_grammar
from tokentrellis.grammars.context_free import ContextFreeGrammar
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.expressions import EPSILON, literal
from tokentrellis.grammars.gbnf import from_gbnf
from tokentrellis.grammars.rules import Choice, RuleCall, Sequence, Tree

from tests.oracles.context_free import all_texts, derives

TEXTS = all_texts(5)
VOCABULARY = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])


def ambiguous_rules(chance: random.Random) -> dict[str, Tree]:
    """Two rules of short options, most of which begin or end with a rule."""
    names = ["r0", "r1"]

    def option() -> Tree:
        leaves: list[Tree] = [RuleCall(chance.choice(names)) for _ in range(chance.randint(0, 3))]
        leaves.insert(chance.randint(0, len(leaves)), chance.choice([literal("a"), literal("b"), EPSILON]))
        return Sequence(tuple(leaves))

    return {
        name: Choice((chance.choice([literal("a"), literal("b")]), *(option() for _ in range(3))))
        for name in names
    }


def test_random_ambiguous_rules_derive_the_same_texts() -> None:
    n_without_frames = 0
    for seed in range(120):
        rules = ambiguous_rules(random.Random(seed))
        try:
            grammar = ContextFreeGrammar(rules, "r0")
        except UnsatisfiableError:
            continue
        compiled = compile_grammar(grammar, VOCABULARY)
        for text in TEXTS:
            matcher = compiled.matcher()
            accepted = matcher.read_bytes(text) and matcher.is_accepting
            assert accepted == derives(rules, "r0", text), (seed, text)
        n_without_frames += any(grammar._tail_calls._known.values())
    assert n_without_frames > 20


@pytest.mark.parametrize(
    ("rules", "text", "wrong"),
    [
        ('root ::= root root | "a"', "a" * 50_000, "b"),
        ('root ::= root root root | root root | "a" | ""', "a" * 50_000, "b"),
        ('root ::= root "+" root | root "*" root | "-" root | "n"', "n+-n*" * 10_000 + "n", "nn"),
        ('root ::= "<" s ">"\ns ::= s s | t\nt ::= "a" | "(" s ")"', "<" + "a(aa)" * 10_000 + ">", ">"),
    ],
)
def test_long_ambiguous_texts(rules: str, text: str, wrong: str) -> None:
    matcher = compile_grammar(from_gbnf(rules), VOCABULARY).matcher()
    assert matcher.read_bytes(text.encode())
    assert matcher.is_accepting
    assert not matcher.read_bytes(wrong.encode())


def test_captured_rules_keep_their_frames() -> None:
    grammar = from_gbnf('root ::= s\ns ::= t s | t\nt ::= "a" t | "a"', captures=["t"])
    assert [found.text for found in grammar.captures("aaa")] == ["a", "aa", "aaa"]
