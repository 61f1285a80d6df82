"""A collection of real schemas with labelled documents: every verdict, in every layout of options.

In: the lines of a MaskBench file, {name, schema, tests: [{valid, data}]}, and options of the grammar. Out: a
report: each schema that is refused, each document on which the grammar and its label disagree. Where
`jsonschema-rs` (formats asserted) is on our side, the label is called doubtful and the finding counts as
explained. Documents are read by bytes, so no tokenizer plays a part and thousands of schemas take minutes.

Where the order of the keys is the schema's, valid documents are brought into it first (`reordering.py`).
"""

from __future__ import annotations

import json
from typing import Any

from tokentrellis import ConstraintError, UnsatisfiableError
from tokentrellis.benchmark.conformance.documents import Reader
from tokentrellis.benchmark.conformance.report import Finding, Outcome, Report, named
from tokentrellis.benchmark.isolation import Limits, run_each

from .witness import Witness


class Judge:
    """The verdicts of one set of options of `from_json_schema`."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __call__(self, line: dict[str, Any]) -> Outcome:
        """All documents of one schema."""
        name, schema, judged = line["name"], line["schema"], Outcome()
        try:
            reader = Reader(schema, **self.options)
        except ConstraintError as error:
            kind = "unsatisfiable" if isinstance(error, UnsatisfiableError) else "refused"
            judged.kinds[f"schemas {kind}"] += 1
            expected = kind == "unsatisfiable" and not any(test["valid"] for test in line["tests"])
            (judged.explained if expected else judged.findings).append(Finding(kind, name, named(error)))
            return judged
        for test in line["tests"]:
            self._judge(reader, line, test, judged)
        return judged

    def _judge(self, reader: Reader, line: dict[str, Any], test: dict[str, Any], judged: Outcome) -> None:
        text = json.dumps(test["data"], ensure_ascii=False)
        reordered = test["valid"] and self.options["property_order"] == "schema"
        try:
            accepted = reader.accepts_reordered(test["data"]) if reordered else reader.accepts(text)
        except ConstraintError as error:
            judged.findings.append(Finding("error while reading", line["name"], named(error), None, text))
            return
        label = "valid" if test["valid"] else "invalid"
        verdict = "accepted" if accepted else "refused"
        judged.kinds[f"{label} {verdict}"] += 1
        if accepted == test["valid"]:
            return
        reason = "in no order" if reordered else f"from byte {reader.refused_at(text)}"
        finding = Finding(f"{label} {verdict}", line["name"], reason, None, text)
        doubtful = Witness(line["schema"], formats=True).accepts(text) == accepted
        (judged.explained if doubtful else judged.findings).append(finding)


def run_collection(lines: list[dict[str, Any]], judge: Judge, limits: Limits) -> Report:
    """All lines, in one worker after the other."""
    report = Report("A collection of schemas")
    report.counts["schemas"] = len(lines)
    run_each(report, lines, judge, limits)
    return report
