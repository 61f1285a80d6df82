"""Measures the embedded model: `python -m bench.embedded.evaluate`.

What goes in is the model folder; what comes out is the share of fields that are exactly right, on made-up
texts with names, phrasings and combinations of keys that training never saw, and on the hand-written texts of
`tokentrellis/benchmark/extraction.jsonl`. A field is a leaf of the expected JSON (an array of plain values is
one field); numbers count as right when equal, everything else letter by letter; a field too many counts as
wrong. With `tokentrellis` the grammar of the schema constrains the answer (one text at a time); `--plain`
decodes greedily without it (in batches). Every answer is also checked against its schema by `jsonschema-rs`,
formats included.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs
import torch
from tokentrellis.benchmark.scoring import MISSING, fields_of, same
from tokentrellis.benchmark.tasks import EXTRACTION
from transformers import AutoModelForCausalLM, AutoTokenizer

from .data import dump_json, examples
from .train import FOLDER, build_prompt

HANDWRITTEN = EXTRACTION


@dataclass
class Case:
    """A text, what is asked of it, the right answer, and the group that it is counted in."""

    text: str
    schema: dict[str, Any]
    expected: Any
    group: str


def made_up_cases(count: int, seed: int, held_out: bool = True, strict: bool = False) -> list[Case]:
    """Made-up texts without a phrasing that training saw; `strict` keeps those that have phrasings at all.

    Label lists, tables and values in a row have none.
    """
    stream = (
        example
        for example in examples(seed, held_out=held_out)
        if not example.seen and (example.phrased or not strict)
    )
    return [
        Case(example.text, example.schema, json.loads(example.answer), example.style)
        for example in islice(stream, count)
    ]


def handwritten_cases(path: Path = HANDWRITTEN) -> list[Case]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Case(**json.loads(line), group="handwritten") for line in lines]


def kind_of(schema: Any, path: tuple[str | int, ...]) -> str:
    """The kind of value that a schema of our own wants at a path."""
    for step in path:
        for branch in schema.get("anyOf", ()):
            schema = branch if "properties" in branch or "items" in branch else schema
        schema = schema["items"] if isinstance(step, int) else schema["properties"][step]
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "enum" in schema:
        return "enum"
    return str(schema.get("format", schema.get("type", "any")))


class Tally:
    """Counts right fields, by group and by kind, and whole answers."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.mistakes: list[str] = []

    def add(self, case: Case, answer: str) -> None:
        try:
            found = json.loads(answer)
        except json.JSONDecodeError:
            found = None
            self.total["not JSON"] += 1
        else:
            validator = jsonschema_rs.validator_for(case.schema, validate_formats=True)
            self.total["invalid"] += not validator.is_valid(found)
        expected_fields, found_fields = dict(fields_of(case.expected)), dict(fields_of(found))
        whole = True
        for path, expected in expected_fields.items():
            right = same(expected, found_fields.get(path, MISSING))
            whole &= right
            for name in ("fields", f"style {case.group}", f"kind {kind_of(case.schema, path)}"):
                self.total[name] += 1
                self.right[name] += right
        extra = len(found_fields.keys() - expected_fields.keys()) if isinstance(found, dict) else 0
        self.total["fields"] += extra
        self.total["whole answers"] += 1
        self.right["whole answers"] += whole and not extra
        if not whole or extra:
            self.mistakes.append(f"{case.text!r}\n   wanted {dump_json(case.expected)}\n   got    {answer}")

    def report(self, title: str) -> None:
        broken, invalid = self.total["not JSON"], self.total["invalid"]
        print(f"{title}: {self.total['whole answers']} texts, {broken} answers not JSON, {invalid} not valid")
        for name in sorted(self.total, key=lambda name: (" " in name, name)):
            if name not in ("not JSON", "invalid"):
                share = 100 * self.right[name] / self.total[name]
                print(f"  {name:24s} {share:5.1f} %  ({self.right[name]} of {self.total[name]})")


@torch.no_grad()
def answer_plainly(
    model: Any, tokenizer: Any, cases: list[Case], rows: int = 25, longest: int = 220
) -> list[str]:
    """Greedy answers without a grammar, in batches of prompts of about the same length."""
    order = sorted(range(len(cases)), key=lambda at: len(cases[at].text))
    answers = [""] * len(cases)
    for start in range(0, len(order), rows):
        part = order[start : start + rows]
        prompts = [build_prompt(cases[at].text, cases[at].schema) for at in part]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        output = model.generate(**inputs, max_new_tokens=longest, do_sample=False)
        texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        for at, text in zip(part, texts, strict=True):
            answers[at] = text
    return answers


def answer_by_grammar(model: Any, tokenizer: Any, cases: list[Case], longest: int = 220) -> list[str]:
    """Answers that the grammar of each schema constrains."""
    import tokentrellis as tt

    return [
        tt.generate(
            model,
            tokenizer,
            build_prompt(case.text, case.schema),
            grammar=tt.from_json_schema(case.schema, whitespace="compact"),
            max_new_tokens=longest,
        ).text
        for case in cases
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--count", type=int, default=500, help="made-up texts")
    parser.add_argument("--seed", type=int, default=990_001)
    parser.add_argument(
        "--seen", action="store_true", help="names and phrasings of the training part instead"
    )
    parser.add_argument("--plain", action="store_true", help="greedy, without a grammar")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mistakes", type=int, default=0, help="how many wrong answers to show")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.folder)
    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32).eval()
    sets = {"hand-written": handwritten_cases()}
    if options.count and options.seen:
        sets["made up, seen part"] = made_up_cases(options.count, options.seed, held_out=False)
    elif options.count:
        sets["made up, all styles"] = made_up_cases(options.count, options.seed)
        sets["made up, only texts with phrasings"] = made_up_cases(options.count, options.seed, strict=True)
    for title, cases in sets.items():
        start = time.monotonic()
        answer = answer_plainly if options.plain else answer_by_grammar
        tally = Tally()
        for case, text in zip(cases, answer(model, tokenizer, cases), strict=True):
            tally.add(case, text)
        tally.report(
            f"{title} ({'greedy' if options.plain else 'by grammar'}, {time.monotonic() - start:.0f} s)"
        )
        print("\n".join(tally.mistakes[: options.mistakes]))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
