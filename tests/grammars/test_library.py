"""The grammars of the library: random texts within a budget end, and the language's own parser takes them.

Each walk draws tokens of the embedded model's vocabulary, any that the mask allows. A few for each grammar
are drawn here; `TOKENTRELLIS_WALKS=1000` draws more, and `python -m tests.grammars.test_library 1000` says
how many were accepted, and how long they are.
"""

from __future__ import annotations

import ast
import csv
import datetime
import importlib
import json
import os
import random
import re
import sys
import warnings
from collections.abc import Callable
from email.headerregistry import Address
from functools import cache
from typing import Any

import pytest
from tokentrellis import LIBRARY, UnresolvedReferenceError, Vocabulary, compile_grammar, from_library
from tokentrellis.models import load_model

from tests.masks import allowed_tokens

lark = pytest.importorskip("lark")
lark.lexer.has_interegular = False  # only warnings come from it, and it takes a minute

N_WALKS = int(os.environ.get("TOKENTRELLIS_WALKS", "3"))
BUDGETS = (24, 60, 150)


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary.from_tokenizer(load_model().tokenizer)


@cache
def single_bytes() -> frozenset[int]:
    return frozenset(token for token, data in enumerate(vocabulary().tokens) if len(data) == 1)


def walk(name: str, chance: random.Random, budget: int) -> str:
    """A text of random tokens, all of which the masks allow with what is left of a budget."""
    matcher = compile_grammar(from_library(name), vocabulary()).matcher()
    budget = max(budget, matcher.tokens_to_finish)
    data = bytearray()
    while not matcher.is_terminated:
        allowed = allowed_tokens(matcher, budget)
        assert allowed, (name, bytes(data), budget)
        # Random tokens are long or strange; single bytes are as likely here.
        short = sorted(single_bytes().intersection(allowed)) if chance.random() < 0.5 else []
        token = chance.choice(short or allowed)
        matcher.accept_token(token)
        data += vocabulary().token_bytes(token)
        budget -= 1
    assert budget >= 0
    return data.decode()


def read_csv(text: str) -> None:
    list(csv.reader(text.splitlines(keepends=True), strict=True))


def read_sql(text: str) -> None:
    sqlglot = pytest.importorskip("sqlglot")
    sqlglot.parse_one(text, error_level=sqlglot.ErrorLevel.RAISE)


def read_smiles(text: str) -> None:
    pytest.importorskip("partialsmiles").ParseSmiles(text, partial=False)


def read_url(text: str) -> None:
    pydantic = importlib.import_module("pydantic")
    pydantic.TypeAdapter(pydantic.AnyHttpUrl).validate_python(text)


def read_html(text: str) -> None:
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parseFragment(text)


def read_python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `1()`, `"a" is b`
        ast.parse(text)


def read_regex(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        re.compile(text)


def read_arithmetic(text: str) -> None:
    python = re.sub(r"[a-z_][a-z0-9_]*", r"name_\g<0>", text.strip().replace("^", "**"))
    ast.parse(python, mode="eval")


def read_mermaid(text: str) -> None:
    """No parser in Python: nodes and arrows line by line, each subgraph with its end."""
    lines = [line.strip() for line in text.split("\n")]
    assert re.fullmatch(r"flowchart (TD|TB|BT|LR|RL)", lines[0])
    brackets = ("[]", "()", "([])", "[[]]", "(())", "{}", "{{}}", ">]")
    halves = [(pair[: (len(pair) + 1) // 2], pair[(len(pair) + 1) // 2 :]) for pair in brackets]
    shape = "(" + "|".join(f'{re.escape(a)}"[^"]+"{re.escape(b)}' for a, b in halves) + ")"
    node = rf"n[0-9]+{shape}?"
    edge = r' (-->|---|-\.->|==>|--o|--x|<-->) (\|"[^"]+"\|)?'
    is_open = False
    for line in lines[1:]:
        if line.startswith("subgraph ") or line == "end":
            assert is_open == (line == "end")
            is_open = not is_open
        else:
            assert re.fullmatch(rf"({node}({edge}{node})*)?", line), line
    assert not is_open


READERS: dict[str, Callable[[str], Any]] = {
    "arithmetic": read_arithmetic,
    "csv": read_csv,
    "date": datetime.date.fromisoformat,
    "date-time": datetime.datetime.fromisoformat,
    "email": lambda text: Address(addr_spec=text),
    "html": read_html,
    "json": json.loads,
    "json5": lambda text: pytest.importorskip("json5").loads(text),
    "mermaid": read_mermaid,
    "python": read_python,
    "python-expression": lambda text: ast.parse(text.strip(), mode="eval"),
    "regex": read_regex,
    "smiles": read_smiles,
    "sql": read_sql,
    "url": read_url,
    "yaml": lambda text: importlib.import_module("yaml").safe_load(text),
}
KNOWN = {
    "arithmetic": (["1", "-(a + 2.5)*f(x, y)**2"], ["1 +", "f(", "01"]),
    "csv": (['a,"b ""c""",\n1,2,3\n'], ['a"b', '"a']),
    "date": (["2024-02-29", "1999-12-31"], ["2023-02-29", "2024-13-01", "0000-01-01"]),
    "date-time": (["2024-02-29T23:59:59Z", "2024-01-01T00:00:00.123+01:00"], ["2024-01-01T24:00:00"]),
    "email": (["ann.lee+x@mail.example.org"], ["ann@", "a..b@c.de", "a@b"]),
    "html": (['<p class="a">x &amp; <b>y</b></p><ul><li>z</li></ul>'], ["<p>x", "<p><p></p></p>", "x"]),
    "json": (['{"a": [1, -2.5e3, "\\n", null]}'], ["{a: 1}", "[1,]", "01"]),
    "json5": (["{a: [1, .5, 'x', 0xFF,], /* c */ 'b': +Infinity, // d\n}"], ["{a b}", "[1 2]", "[,]"]),
    "mermaid": (
        ['flowchart LR\n  n1["a b"] --> |"yes"|n2{"c?"} --- n3'],
        ["flowchart XX\n  n1", "n1 --> n2", "flowchart TD\n  end"],
    ),
    "python": (
        [
            "def f(a, b):\n    if a:\n        return_ = {1: a}\n    x = a[1:2]\ny += 1\n",
            "while a:\n    if b: \n\n        c\n    elif d:\n        e\n    else:\n        f\n    g\nh",
            "try:\n    a\nexcept b:\n    c\nelse_",
            "def f(a):\n    while a:\n        break\n    return\ndef g(a):\n    return f(a) + 1",
        ],
        ["if a:\nb", "return = 1", "break 1", "1 = a", "def f(:", "  a", "if a:\n    b\n   c"],
    ),
    "python-expression": (
        ["lambda x: [y for y in x if not y is None][0].z(1,)"],
        ["a b", "1 if", "a ifb else c"],
    ),
    "regex": (["a(?:b|[^0-9_])*?\\d{2,10}"], ["a**", "[", "(a"]),
    "smiles": (["CC(=O)Oc1ccc(C(N)=O)cc1", "C1CCCC1", "[Na+].[OH-]"], ["C(", "C1CC", "CF(C)"]),
    "sql": (
        ["SELECT a, count(*) AS n FROM t WHERE b = 'x' AND c IS NOT NULL GROUP BY a LIMIT 3;"],
        ["SELECT FROM t", "SELECT a FROMt", "SELECT select FROM t"],
    ),
    "url": (["https://www.example.org:8080/a/b%20c?x=1#y"], ["ftp://a.de", "http://a", "http://a.de/%zz"]),
    "yaml": (['a:\n  - 1\n  - b c\nd: {e: [1, "x"]}', "- a\n-\n  b: 'it''s'"], ["a", "a: [1", "- a: b"]),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_random_texts_are_taken_by_the_real_parser(name: str) -> None:
    for number in range(N_WALKS):
        text = walk(name, random.Random(number), BUDGETS[number % len(BUDGETS)])
        READERS[name](text)


@pytest.mark.parametrize("name", LIBRARY)
def test_known_texts(name: str) -> None:
    good, bad = KNOWN[name]
    grammar = from_library(name)
    for text in good:
        assert grammar.accepts(text), text
        READERS[name](text)
    assert [text for text in bad if grammar.accepts(text)] == []


def test_names() -> None:
    assert set(READERS) == set(LIBRARY)
    assert from_library("json") is from_library("json")
    with pytest.raises(UnresolvedReferenceError, match="the library has no such grammar"):
        from_library("jsn5")


def report(n: int) -> None:
    for name in LIBRARY:
        accepted, length, failures = 0, 0, []
        for number in range(n):
            text = walk(name, random.Random(number), BUDGETS[number % len(BUDGETS)])
            length += len(text)
            try:
                READERS[name](text)
                accepted += 1
            except Exception as error:
                failures.append((text, f"{type(error).__name__}: {error}"))
        print(f"{name}: {accepted} of {n} accepted, {length / n:.0f} characters each", flush=True)
        for text, problem in failures[:3]:
            print(f"    {text!r}\n    {problem[:300]}")


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
