"""The problems of a run: schemas, each with the documents that it must accept or refuse.

In: a gzipped file of lines `{"name", "schema", "tests": [{"valid", "data"}]}`. Out: `Problem`s with their
documents already encoded, so that no tokenizer runs between two masks. A sample is drawn over the whole file
with a seed and kept in the file's order; a shard is every n-th problem of what is left, so that several
machines can share one run.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tokenizer import Tokenizer


@dataclass(frozen=True)
class Instance:
    """A document: its text, its tokens, and whether the schema allows it."""

    valid: bool
    text: str
    token_ids: list[int]

    def byte_offset(self, token: int, token_bytes: list[bytes]) -> int:
        """Where token number `token` begins in the text, in bytes."""
        return sum(len(token_bytes[token_id]) for token_id in self.token_ids[:token])


@dataclass(frozen=True)
class Problem:
    """A schema with its documents."""

    name: str
    schema: Any
    instances: list[Instance]

    @property
    def uses_pattern(self) -> bool:
        """Whether `pattern`, `patternProperties` or `format` occurs: such schemas make the tails."""
        return _uses_pattern(self.schema)


def read_lines(
    path: Path, *, sample: int | None = None, seed: int = 0, shard: str = "1/1"
) -> list[dict[str, Any]]:
    """The chosen lines of a data file. Raises ValueError for a bad line, a repeated name or a bad shard."""
    opened = gzip.open if path.suffix == ".gz" else open
    lines: list[dict[str, Any]] = []
    names: set[str] = set()
    with opened(path, "rt", encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            line = json.loads(text)
            missing = {"name", "schema", "tests"} - set(line)
            if missing or line["name"] in names:
                problem = (
                    f"keys {sorted(missing)} are missing" if missing else f"name {line['name']!r} is repeated"
                )
                raise ValueError(
                    f"{path}, line {number}: {problem}; each line needs its own name, a schema and tests"
                )
            names.add(line["name"])
            lines.append(line)
    if sample is not None and sample < len(lines):
        chosen = sorted(random.Random(seed).sample(range(len(lines)), sample))
        lines = [lines[index] for index in chosen]
    return take_shard(lines, shard)


def take_shard(lines: list[dict[str, Any]], shard: str) -> list[dict[str, Any]]:
    """Shard "i/n" (i from 1 to n): every n-th line, beginning with the i-th."""
    part, slash, parts = shard.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise ValueError(f"--shard: must be i/n with 1 <= i <= n, got {shard!r}; write for example 1/4")
    return lines[int(part) - 1 :: int(parts)]


def encode_problem(line: dict[str, Any], tokenizer: Tokenizer) -> Problem:
    """Write and encode the documents of one line."""
    instances = []
    for test in line["tests"]:
        text = json.dumps(test["data"], ensure_ascii=False)
        instances.append(Instance(bool(test["valid"]), text, tokenizer.encode(text)))
    return Problem(line["name"], line["schema"], instances)


def _uses_pattern(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(_uses_pattern(member) for member in schema)
    if not isinstance(schema, dict):
        return False
    if any(isinstance(schema.get(keyword), str) for keyword in ("pattern", "format")):
        return True
    return isinstance(schema.get("patternProperties"), dict) or any(
        _uses_pattern(value) for value in schema.values()
    )
