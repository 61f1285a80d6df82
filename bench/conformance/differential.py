"""Random schemas and documents near them: the grammar's verdicts against the witness's.

In: a number of pairs and a seed. Out: a report with every disagreement. A schema is compiled once and gets
many documents, so that a hundred thousand pairs take minutes; each document is spelled in one of several
ways. A schema that the grammar calls unsatisfiable must have no
valid document; one that it refuses is counted by its reason, and its documents are not compared.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from tokentrellis import ConstraintError, UnsatisfiableError
from tokentrellis.benchmark.conformance.documents import Reader, spellings
from tokentrellis.benchmark.conformance.report import Finding, Outcome, Report, named
from tokentrellis.benchmark.isolation import DONE, Isolated, Limits

from .drafts import in_draft
from .schemas import near, random_schema, random_value, refers_in_place
from .shrink import shrink
from .witness import Witness, excuse

RANDOM_DOCUMENTS = 8  # of each schema; the others are near it


class Comparer:
    """Compares all documents of one seed."""

    def __init__(self, documents: int, without: frozenset[str] = frozenset(), draft: str = "2020-12") -> None:
        self.documents = documents
        self.without = without
        self.draft = draft

    def __call__(self, seed: str) -> Outcome:
        """One schema with its documents."""
        rng = random.Random(seed)
        schema = random_schema(rng, self.without)
        documents = [random_value(rng) for _ in range(RANDOM_DOCUMENTS)]
        documents += [near(rng, schema, schema) for _ in range(self.documents - RANDOM_DOCUMENTS)]
        texts = [rng.choice(list(spellings(document, rng)))[1] for document in documents]
        return compare(in_draft(schema, self.draft), texts, seed)


def compare(schema: Any, texts: list[str], name: str) -> Outcome:
    """The verdicts on each text, grammar against witness."""
    found = Outcome()
    try:
        witness = Witness(schema, formats=False)
    except ValueError as error:
        found.kinds["schemas that the witness cannot read"] += 1
        found.explained.append(Finding("no witness", name, str(error), schema))
        return found
    reader = None
    try:
        reader = Reader(schema, formats="annotation")
    except UnsatisfiableError:
        found.kinds["schemas unsatisfiable"] += 1
    except ConstraintError as error:
        found.kinds["schemas refused"] += 1
        found.kinds[f"refused: {_reason(error)}"] += 1
        found.explained.append(Finding("refused", name, named(error), schema))
        return found
    for text in texts:
        expected = witness.accepts(text)
        if expected is None:
            found.kinds["pairs without a witness"] += 1
            continue
        try:
            accepted = reader is not None and reader.accepts(text)
        except ConstraintError as error:
            found.kinds["errors while reading"] += 1
            found.kinds[f"while reading: {_reason(error)}"] += 1
            found.explained.append(Finding("error while reading", name, named(error), schema, text))
            break
        found.kinds["pairs, valid" if expected else "pairs, invalid"] += 1
        if accepted != expected:
            kind = "invalid accepted" if accepted else "valid refused"
            reason = excuse(schema, text)
            finding = Finding(kind, name, reason or _why(reader, witness, text, accepted), schema, text)
            (found.explained if reason else found.findings).append(finding)
            found.kinds["disagreements, explained" if reason else "disagreements"] += 1
    return found


def shrunk(finding: Finding) -> Finding:
    """The same disagreement on a smaller schema and document. The spelling of the document is not kept."""

    def disagrees(schema: Any, document: Any) -> bool:
        try:
            if refers_in_place(schema):
                return False
            return bool(compare(schema, [json.dumps(document)], "").findings)
        except (TypeError, AttributeError, RecursionError):  # what is left is no schema
            return False

    assert finding.document is not None
    document = json.loads(finding.document)
    if not disagrees(finding.schema, document):
        return finding
    schema, document = shrink(finding.schema, document, disagrees)
    return compare(schema, [json.dumps(document)], finding.where).findings[0]


def _reason(error: ConstraintError) -> str:
    return named(error).partition(", got")[0][:100]


def _why(reader: Reader | None, witness: Witness, text: str, accepted: bool) -> str:
    if accepted:
        return witness.why_not(text)
    return "unsatisfiable" if reader is None else f"refused from byte {reader.refused_at(text)}"


def run_differential(pairs: int, seed: int, comparer: Comparer, limits: Limits) -> Report:
    """So many pairs, in one worker after the other."""
    report = Report(f"Random schemas against jsonschema_rs, seed {seed}")
    isolated = Isolated(comparer, limits)
    refused = Counter[str]()
    try:
        for place in range(-(-pairs // comparer.documents)):
            name = f"{seed}-{place}"
            report.counts["schemas"] += 1
            answer = isolated.call(name)
            if answer.status != DONE:
                report.counts[f"schemas: {answer.status}"] += 1
                schema = random_schema(random.Random(name), comparer.without)
                report.failures.append(Finding(answer.status, name, answer.reason, schema))
                continue
            outcome: Outcome = answer.value
            explained = outcome.explained
            outcome.explained = [finding for finding in explained if refused[finding.reason] < 3]
            refused.update(finding.reason for finding in explained)
            report.add(outcome)
    finally:
        isolated.close()
    report.failures.sort(key=lambda finding: len(json.dumps(finding.schema)))
    return report
