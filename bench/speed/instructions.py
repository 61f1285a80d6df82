"""Instructions for a mask and a commit, counted by callgrind: a measure that a busy machine does not disturb.

Six situations on a made-up vocabulary of 4,096 tokens (small, because valgrind counts every byte of a large
`rep movs`): inside a free string, inside a key, after a value, inside a number, each met twice before, a free
string in a grammar that was not met before, and a place in a grammar of rules that was not. This file is both
sides: `count` starts it under valgrind (`python -m bench.speed.instructions`); there, counting is on within
the methods of the core's `Matcher` only, and a look at the property `n_accepted` ends a part, so a part is
one mask or one commit. The counts are compared with `instructions.json`, which is kept with the sources; over
`LIMIT` more is a failure. Counts depend on the compiler and on Python, so the table names both, and a
difference of these is said.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("instructions.json")
ROOT = Path(__file__).parents[2]
LIMIT = 0.10
N_TOKENS = 4096
COUNTED = "*pw*core*Matcher_*"  # every method of the core's Matcher; callgrind heeds one such pattern only
MARK = "*getprop*Matcher_n_accepted*"
Counts = dict[str, dict[str, int]]  # situation -> "mask" and "commit" -> instructions

NEW_STATE, NEW_RULE = "new state", "new state of rules"
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "second": {"type": "string"},
        "count": {"type": "integer"},
        "gift": {"type": "boolean"},
    },
    "required": ["name", "second", "count", "gift"],
}
# Many statements, so that the last is not among the places that are prepared.
KEYWORDS = (
    *("if", "elif", "while", "until", "unless", "when", "print", "return", "yield", "raise"),
    *("assert", "del", "await", "send", "wait", "skip", "show", "hide"),
)
RULES = rf"""
start: (statement ";")*
statement: NAME "=" sum | {" | ".join(f'"{word}" sum ":" sum' for word in KEYWORDS)}
sum: term | sum ("+" | "-") term
term: NAME ("(" (sum ("," sum)*)? ")")? | NUMBER | "(" sum ")"
NAME: /[a-z_][a-z0-9_]*/
NUMBER: /[0-9]+(\.[0-9]+)?/
%ignore /[ \n]+/
"""
SITUATIONS = {  # what was read, and what comes next
    "free string": ('{"name": "The quick', "s"),
    "key": ('{"name": "Ann", "se', "c"),
    "after a value": ('{"name": "Ann"', ", "),
    "number": ('{"name": "Ann", "second": "Lee", "count": 1', "2"),
    NEW_STATE: ('{"nom": "The quick', "s"),
    NEW_RULE: ("hide price + tax(rate", ")"),
}


def valgrind() -> str | None:
    """Where valgrind is."""
    return shutil.which("valgrind")


def count(seed: int = 0, n_tokens: int = N_TOKENS) -> Counts:
    """Run the situations under callgrind. Raises RuntimeError if nothing was counted."""
    program = valgrind()
    if program is None:
        raise RuntimeError("valgrind is not installed")
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        command = [
            program,
            "--tool=callgrind",
            "--collect-atstart=no",
            f"--toggle-collect={COUNTED}",
            f"--dump-before={MARK}",
            f"--callgrind-out-file={folder}/counts",
            *(sys.executable, "-m", "bench.speed.instructions", str(seed), str(n_tokens)),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        finished = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False
        )
        parts = read_parts(Path(folder))
    names = [(situation, what) for situation in SITUATIONS for what in ("before", "mask", "commit")]
    if finished.returncode or len(parts) < len(names):
        said = finished.stderr.strip()[-600:]
        raise RuntimeError(f"{len(parts)} counts came back, {len(names)} were expected: {said}")
    counts: Counts = {situation: {} for situation in SITUATIONS}
    for (situation, what), number in zip(names, parts, strict=False):
        if what != "before":
            counts[situation][what] = number
    return counts


def read_parts(folder: Path) -> list[int]:
    """The totals of callgrind's files, in the order of the parts."""
    found = {}
    for path in folder.glob("counts*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        part = re.search(r"^part: (\d+)$", text, re.MULTILINE)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
        if part and total:
            found[int(part[1])] = int(total[1])
    return [found[part] for part in sorted(found)]


def compare(counts: Counts, kept: Counts) -> tuple[list[str], bool]:
    """Lines for people, and whether a count went over the limit."""
    lines, failed = [], False
    for situation, row in counts.items():
        for what, number in row.items():
            before = kept.get(situation, {}).get(what)
            change = f"{number / before - 1:+.1%} of {before:,}" if before else "not in the table"
            over = before is not None and number > before * (1 + LIMIT)
            failed |= over
            lines.append(f"{situation}, {what}: {number:,} ({change}){' TOO MANY' if over else ''}")
    return lines, failed


def describe_build() -> dict[str, str]:
    """What the counts depend on, besides the sources."""
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "library": " ".join(platform.libc_ver()),
        "compiler": platform.python_compiler(),
    }


def read_table(path: Path) -> dict[str, Any]:
    """The table that is kept; empty where there is none."""
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return table


def write_table(path: Path, counts: Counts) -> None:
    table = {"tokens": N_TOKENS, "build": describe_build(), "instructions": counts}
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def walk(seed: int, n_tokens: int) -> None:
    """The inner side: each situation, with a mark before it, after its mask, and after its commit."""
    import tokentrellis as tt

    from .synthetic import tokens

    vocabulary = tt.Vocabulary(tokens(n_tokens, seed), eos_token_ids=[n_tokens - 1])
    bitmask = tt.allocate_bitmask(1, n_tokens)
    known = tt.compile_grammar(tt.from_json_schema(SCHEMA), vocabulary)
    other = {"type": "object", "properties": {"nom": {"type": "string"}}, "required": ["nom"]}
    unmet = tt.compile_grammar(tt.from_json_schema(other), vocabulary)
    grammars = {NEW_STATE: unmet, NEW_RULE: tt.compile_grammar(tt.from_lark(RULES), vocabulary)}
    for situation, (before, after) in SITUATIONS.items():
        compiled, visits = (grammars[situation], 1) if situation in grammars else (known, 3)
        for visit in range(visits):
            matcher = compiled.matcher()
            matcher.fill_bitmask(bitmask)  # the first one also takes hold of the caller's memory
            for token_id in vocabulary.greedy_tokenize(before.encode()):
                matcher.accept_token(token_id)
            if visit == visits - 1:
                _ = matcher.n_accepted
            matcher.fill_bitmask(bitmask)
            if visit == visits - 1:
                _ = matcher.n_accepted
            matcher.accept_token(vocabulary.greedy_tokenize(after.encode())[0])
            if visit == visits - 1:
                _ = matcher.n_accepted


if __name__ == "__main__":
    walk(int(sys.argv[1]), int(sys.argv[2]))
