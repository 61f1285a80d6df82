"""Memory: what a compiled schema takes, what the tables of a vocabulary take, and what stays.

In: schemas with documents (a file of MaskBench, else those of `compile`), a tokenizer. All of them use one
vocabulary, one after the other, in a process in which Python takes its memory from the C library as the core
does, so that the library's own count of bytes in use (`mallinfo2`) has everything: rows, states, automata,
the front end's objects. A schema is compiled and reads its documents twice. What the first time leaves behind
is what the vocabulary's tables, which all schemas share, learnt from it; what the second time takes, while
the grammar is alive, is the grammar's own, since nothing was left to be learnt. Out: a table of megabytes.
This file is both sides: `run` starts the other one (`python -m bench.speed.memory`).
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokentrellis.benchmark.maskbench.problems import Problem, encode_problem, read_lines
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder

from .compile import lines as described_lines
from .setting import OURS, ROOT, Setting
from .tables import Table

LARGEST = 1000  # properties of the schemas that are used without a file
# Memory that a thread keeps for itself when it is freed would count as in use.
ENVIRONMENT = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
SCHEMA, LARGEST_SCHEMA = "a compiled schema after its documents", "the largest of them"
SET_UP, COUNTED = "tables of a new vocabulary", "what they have learnt, as the core counts it, at most"
IN_USE = "all in use after a schema, with what the front end remembers in Python, at most"
LEFT = "still in use after the last grammar, tables included"


class NotMeasuredError(Exception):
    """Nothing could be measured."""


def in_use() -> int:
    """Bytes that were taken from the C library and not given back, without garbage.

    Raises NotMeasuredError where the library does not count.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        raise NotMeasuredError("the C library has no mallinfo2 (glibc 2.33 or newer is needed)")
    library.mallinfo2.restype = _Counts
    counts = library.mallinfo2()
    return int(counts.uordblks + counts.hblkhd)


class _Counts(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def run(setting: Setting, *, data: Path | None = None, sample: int | None = None) -> list[Table]:
    """The table. Raises NotMeasuredError where nothing could be measured."""
    table = Table(
        "Memory of tokentrellis", "MB", order=(SCHEMA, LARGEST_SCHEMA, SET_UP, COUNTED, IN_USE, LEFT)
    )
    arguments = [str(setting.tokenizer.folder), str(setting.seed), str(data or ""), str(sample or "")]
    finished = subprocess.run(
        [sys.executable, "-m", "bench.speed.memory", *arguments],
        env={**os.environ, **ENVIRONMENT},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise NotMeasuredError(finished.stderr.strip()[-600:])
    records = [json.loads(line) for line in finished.stdout.splitlines()]
    keep(records, table)
    return [table]


def keep(records: list[dict[str, int]], table: Table) -> None:
    """Put what `measure` yielded into the table."""
    first, *schemas = records
    table.add(SET_UP, OURS, first["stays"])
    for record in schemas:
        table.add(SCHEMA, OURS, max(record["own"], 1))
    table.add(LARGEST_SCHEMA, OURS, max(record["own"] for record in schemas))
    table.add(IN_USE, OURS, max(record["stays"] for record in schemas))
    table.add(COUNTED, OURS, max(record["counted"] for record in schemas))
    table.add(LEFT, OURS, schemas[-1]["stays"])


def measure(tokenizer: TokenizerFolder, problems: Iterable[Problem]) -> Iterator[dict[str, int]]:
    """Bytes: first what a new vocabulary takes ("stays"); then for each schema that compiles what its grammar
    takes ("own"), what stays when it is gone, and what the tables say that they have learnt ("counted").
    """
    import tokentrellis as tt
    from tokentrellis.decoding.compile import lexicon_of

    tokenizer.load()
    # Before anything is counted: encoding fills the tokenizer's own caches.
    encoded = [
        (problem.schema, [np.array(instance.token_ids, dtype=np.int32) for instance in problem.instances])
        for problem in problems
    ]
    small = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    use({}, small, [])  # what is loaded on first use
    gc.collect()
    gc.freeze()
    before = in_use()
    vocabulary = tt.Vocabulary.from_tokenizer(tokenizer.huggingface, vocab_size=tokenizer.vocabulary_size)
    lexicon_of(vocabulary)
    yield {"stays": in_use() - before}
    for schema, texts in encoded:
        try:
            use(schema, vocabulary, texts)
        except tt.ConstraintError:
            continue
        lexicon = lexicon_of(vocabulary)
        start = in_use()
        compiled = use(schema, vocabulary, texts)
        own = in_use() - start
        is_known = compiled.lexicon is lexicon  # else it began new tables, because the old ones were large
        del compiled
        if is_known:
            yield {"own": own, "stays": in_use() - before, "counted": lexicon.n_bytes}


def use(schema: Any, vocabulary: Any, texts: list[NDArray[np.int32]]) -> Any:
    """The compiled grammar, after a mask and a commit for each token, to the first that is refused."""
    import tokentrellis as tt

    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="any"), vocabulary)
    bitmask = tt.allocate_bitmask(1, vocabulary.vocab_size)
    for token_ids in texts:
        matcher = compiled.matcher()
        for token_id in token_ids.tolist():
            try:
                matcher.fill_bitmask(bitmask)
                matcher.accept_token(token_id)
            except tt.ConstraintError:
                break
    return compiled


def main(folder: str, seed: str, data: str, sample: str) -> None:
    tokenizer = TokenizerFolder(Path(folder))
    lines = (
        read_lines(Path(data), sample=int(sample) if sample else None, seed=int(seed))
        if data
        else described_lines(LARGEST, int(seed))
    )
    for record in measure(tokenizer, (encode_problem(line, tokenizer) for line in lines)):
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
