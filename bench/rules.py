"""Masks of grammars of rules: JSON, SQL and expressions of Python, beside llguidance and xgrammar.

    python -m bench.rules --tokenizer FOLDER [--rounds 3] [--engines tokentrellis llguidance]

All get the same Lark text and the same documents, token by token, and take turns. A round begins with a
grammar that is compiled anew, ours on a vocabulary without tables, and goes through the documents twice: the
first time pays for what is learnt on the way. Times are in microseconds, for the mask and the step after it;
compile times in milliseconds, reading the text included. They are the processor's time of the thread, which
what else runs on the machine disturbs less; to ask for it costs 0.3 us, which is in all figures.

The grammars are written here, though `from_library` has some of the same languages: llguidance does not read
the look-aheads of those, and figures of different days are of the same texts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tokentrellis as tt
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder

JSON = r"""
start: value
value: object | array | STRING | NUMBER | "true" | "false" | "null"
object: "{" (pair ("," pair)*)? "}"
pair: STRING ":" value
array: "[" (value ("," value)*)? "]"
STRING: /"(\\(["\\\/bfnrt]|u[0-9a-fA-F]{4})|[^"\\\x00-\x1F\x7F])*"/
NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
WS: /[ \t\n\r]+/
%ignore WS
"""
SQL = r"""
start: query ";"?
query: "SELECT" DISTINCT? columns "FROM" table (join)* where? group? order? limit?
DISTINCT: "DISTINCT"
columns: "*" | column ("," column)*
column: sum ("AS" NAME)?
table: NAME NAME? | "(" query ")" NAME
join: ("LEFT" | "INNER")? "JOIN" table "ON" condition
where: "WHERE" condition
group: "GROUP" "BY" sum ("," sum)* ("HAVING" condition)?
order: "ORDER" "BY" item ("," item)*
item: sum ("ASC" | "DESC")?
limit: "LIMIT" NUMBER
condition: conjunction | condition "OR" conjunction
conjunction: test | conjunction "AND" test
test: sum OPERATOR sum | sum "IN" "(" sum ("," sum)* ")" | sum "IS" "NOT"? "NULL" | "NOT" test
sum: product | sum SIGN product
product: atom | product STAR atom
atom: NAME ("." NAME)? | NAME "(" (sum ("," sum)*)? ")" | NUMBER | TEXT | "(" sum ")"
OPERATOR: "=" | "<" | "<=" | ">" | ">=" | "<>"
SIGN: "+" | "-" | "||"
STAR: "/" | "%"
NAME: /[a-z_][a-z0-9_]*/
NUMBER: /[0-9]+(\.[0-9]+)?/
TEXT: /'([^']|'')*'/
WS: /[ \t\n]+/
%ignore WS
"""
PYTHON = r"""
start: (statement NEWLINE)* statement?
statement: (expression "=")* expression | "return" expression | "assert" expression | "del" expression
expression: or_test ("if" or_test "else" expression)? | "lambda" (NAME ("," NAME)*)? ":" expression
or_test: and_test | or_test "or" and_test
and_test: not_test | and_test "and" not_test
not_test: "not" not_test | comparison
comparison: bits | comparison COMPARISON bits
bits: arithmetic | bits BITS arithmetic
arithmetic: term | arithmetic SIGN term
term: factor | term (STAR | TERM) factor
factor: SIGN factor | power
power: atom ("**" factor)?
atom: NAME | NUMBER | STRING | "None" | "True" | "False"
    | "(" (expression ("," expression)* ","?)? ")"
    | "[" (expression ("," expression)* ","?)? "]"
    | "[" expression "for" NAME "in" or_test ("if" or_test)? "]"
    | "{" (pair ("," pair)* ","?)? "}"
    | atom "(" (argument ("," argument)* ","?)? ")"
    | atom "." NAME
    | atom "[" expression "]"
pair: expression ":" expression
argument: (NAME "=")? expression
COMPARISON: "<" | ">" | "==" | ">=" | "<=" | "!="
BITS: "|" | "^" | "&" | "<<" | ">>"
SIGN: "+" | "-"
STAR: "*"
TERM: "/" | "%" | "//" | "@"
NAME: /[A-Za-z_][A-Za-z0-9_]*/
NUMBER: /[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?/
STRING: /"([^"\\\n]|\\.)*"/ | /'([^'\\\n]|\\.)*'/
NEWLINE: /(\r?\n[ \t]*)+/
WS: /[ \t]+/
%ignore WS
"""
DOCUMENTS = {
    "JSON": [
        '{"id": 17, "name": "Ada Lovelace", "tags": ["maths", "engines"], "score": -1.5e3, "ok": true}',
        '[{"a": null, "b": [1, 2, [3, [4.25]]]}, {"c": "a \\"quoted\\" word and \\u00e9"}, {}, []]',
        '{\n  "order": {\n    "lines": [\n      {"sku": "X-1", "n": 3},\n      {"sku": "Y-2"}\n    ]\n  }\n}',
    ],
    "SQL": [
        "SELECT name, count(id) AS n FROM users u LEFT JOIN orders o ON u.id = o.user_id "
        "WHERE o.total >= 10.5 AND name <> 'O''Brien' GROUP BY name HAVING count(id) > 3 "
        "ORDER BY n DESC LIMIT 20;",
        "SELECT * FROM (SELECT a + 1 AS b FROM t WHERE a IN (1, 2, 3)) x WHERE b IS NOT NULL OR NOT b = 'x'",
        "SELECT DISTINCT lower(city) FROM addresses WHERE country = 'FR' ORDER BY city ASC LIMIT 5",
    ],
    "Python": [
        "total = sum([price * n for price in prices if price > 0]) + 0.5\nreturn round(total, 2)",
        'result = load(path, mode="r", retries=3).rows[0]["name"] if path != None else default',
        "squares = {'a': [x ** 2, -x // 2], \"b\": (1, 2,)}\nassert len(squares) == 2 and not squares['a']",
    ],
}


class Engine(NamedTuple):
    """What is measured. compile: text -> (grammar, seconds); begin: grammar -> state of one sequence."""

    compile: Callable[[str], tuple[Any, float]]
    begin: Callable[[Any], Any]
    fill: Callable[[Any], object]
    accept: Callable[[Any, int], bool]


def ours(tokenizer: TokenizerFolder, bitmask: np.ndarray) -> Engine:
    def compile_text(text: str) -> tuple[Any, float]:
        vocabulary = tt.Vocabulary(
            tokenizer.token_bytes, eos_token_ids=tokenizer.eos_token_ids, vocab_size=tokenizer.vocabulary_size
        )
        tt.compile_grammar(tt.from_regex("a"), vocabulary)  # the vocabulary is no part of the time
        begin = time.thread_time()
        made = tt.compile_grammar(tt.from_lark(text), vocabulary)
        return made, time.thread_time() - begin

    def accept(matcher: Any, token: int) -> bool:
        matcher.accept_token(token)
        return True

    return Engine(compile_text, lambda made: made.matcher(), lambda m: m.fill_bitmask(bitmask), accept)


def llguidance(tokenizer: TokenizerFolder, bitmask: np.ndarray) -> Engine:
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer

    lltokenizer = from_tokenizer(
        tokenizer.huggingface,
        n_vocab=tokenizer.vocabulary_size,
        eos_token=tokenizer.eos_token_ids,  # type: ignore[arg-type]
    )

    def compile_text(text: str) -> tuple[Any, float]:
        begin = time.thread_time()
        made = LLMatcher(lltokenizer, LLMatcher.grammar_from_lark(text), log_level=0)
        elapsed = time.thread_time() - begin
        if made.is_error():
            raise ValueError(made.get_error())
        return made, elapsed

    address, size = bitmask.ctypes.data, bitmask.nbytes
    return Engine(
        compile_text,
        lambda made: made.deep_copy(),
        lambda m: m.unsafe_compute_mask_ptr(address, size),
        lambda m, token: m.consume_token(token),
    )


def xgrammar(tokenizer: TokenizerFolder, bitmask: np.ndarray) -> Engine:
    from xgrammar import Grammar, GrammarCompiler, GrammarMatcher, TokenizerInfo

    information = TokenizerInfo.from_huggingface(
        tokenizer.huggingface, vocab_size=tokenizer.vocabulary_size, stop_token_ids=tokenizer.eos_token_ids
    )

    def compile_text(text: str) -> tuple[Any, float]:
        compiler = GrammarCompiler(information, max_threads=1, cache_enabled=False)
        begin = time.thread_time()
        grammar = Grammar.from_lark(text) if hasattr(Grammar, "from_lark") else Grammar.from_ebnf(text)
        made = compiler.compile_grammar(grammar)
        return made, time.thread_time() - begin

    return Engine(
        compile_text,
        GrammarMatcher,
        lambda m: m.fill_next_token_bitmask(bitmask),
        lambda m, token: m.accept_token(token),
    )


class Times(NamedTuple):
    """Seconds of the processor: of each mask with its step, the first time that the documents come and
    later; of the compilation."""

    first: list[float]
    later: list[float]
    compilation: list[float]


def measure(engine: Engine, text: str, documents: list[list[int]], times: Times) -> None:
    """One round. Raises ValueError where a token of a document is refused."""
    grammar, compilation = engine.compile(text)
    times.compilation.append(compilation)
    for masks in (times.first, times.later):
        for tokens in documents:
            state = engine.begin(grammar)
            for token in tokens:
                begin = time.thread_time()
                engine.fill(state)
                is_accepted = engine.accept(state, token)
                masks.append(time.thread_time() - begin)
                if not is_accepted:
                    raise ValueError(f"token {token} is refused")


def compare(
    name: str, text: str, engines: dict[str, Engine], documents: list[list[int]], rounds: int
) -> None:
    """The lines of one grammar; in each round the engines take turns."""
    all_times = {engine: Times([], [], []) for engine in engines}
    refused: dict[str, str] = {}
    for _ in range(rounds):
        for engine_name, engine in engines.items():
            if engine_name not in refused:
                try:
                    measure(engine, text, documents, all_times[engine_name])
                except (ValueError, RuntimeError) as error:
                    refused[engine_name] = str(error).splitlines()[0][:80]
    for engine_name, times in all_times.items():
        if engine_name in refused:
            print(f"| {name} | {engine_name} | refused: {refused[engine_name]} |")
            continue
        cells = []
        for masks in (times.first, times.later):
            micro = 1e6 * np.array(masks)
            cells += [f"{micro.mean():.1f}", *(f"{np.quantile(micro, q):.1f}" for q in (0.5, 0.99))]
        print(
            f"| {name} | {engine_name} | {' | '.join(cells)} | {1e3 * min(times.compilation):.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    makers = {"tokentrellis": ours, "llguidance": llguidance, "xgrammar": xgrammar}
    parser.add_argument("--engines", nargs="+", choices=makers, default=list(makers))
    options = parser.parse_args()
    tokenizer = TokenizerFolder(options.tokenizer)
    tokenizer.load()
    bitmask = np.zeros((1, (tokenizer.vocabulary_size + 31) // 32), dtype=np.int32)
    engines = {name: makers[name](tokenizer, bitmask) for name in options.engines}
    print("| grammar | engine | first: mean, us | p50 | p99 | later: mean | p50 | p99 | compile, ms |")
    print("| :-- | :-- | --: | --: | --: | --: | --: | --: | --: |")
    for name, text in (("JSON", JSON), ("SQL", SQL), ("Python", PYTHON)):
        documents = [tokenizer.encode(document) for document in DOCUMENTS[name]]
        compare(name, text, engines, documents, options.rounds)


if __name__ == "__main__":
    main()
