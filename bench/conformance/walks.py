"""Random walks: whether every allowed token leads to the end, and to a valid document.

In: the schemas of a MaskBench file, a vocabulary, options of the grammar. Out: a report. A walk takes, at
each step, a token drawn uniformly from those that the mask allows; the mask gets what is left of a budget of
tokens, so that the walk ends. Its document must be accepted by the witness, with formats asserted. A walk
fails if the mask is empty, if the engine raises, or if the document is not valid. Uniform tokens are the
hardest reader: they go where no model would.

One worker process reads the schemas in turn, under limits of time and memory for each.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from tokentrellis import ConstraintError, UnsatisfiableError, Vocabulary, compile_grammar, from_json_schema
from tokentrellis.benchmark.conformance.documents import repeats_a_key
from tokentrellis.benchmark.conformance.report import Finding, Outcome, Report, named
from tokentrellis.benchmark.isolation import Limits, run_each
from tokentrellis.decoding.bitmask import unpack_bitmask

from .witness import Witness, excuse

BUDGETS = (0, 4, 12, 30, 60)
"""Tokens that a walk may take beyond the shortest document, one after the other."""


class Walker:
    """Walks on one vocabulary, with `options` of `from_json_schema`."""

    def __init__(self, vocabulary: Vocabulary, walks: int, seed: int, options: dict[str, Any]) -> None:
        self.vocabulary = vocabulary
        self.walks = walks
        self.seed = seed
        self.options = options
        self._mask = np.zeros((1, (vocabulary.vocab_size + 31) // 32), dtype=np.int32)

    def __call__(self, line: dict[str, Any]) -> Outcome:
        """All walks of one schema, given as a line of the file."""
        name, schema = line["name"], line["schema"]
        walked = Outcome()
        try:
            compiled = compile_grammar(from_json_schema(schema, **self.options), self.vocabulary)
        except ConstraintError as error:
            kind = "unsatisfiable" if isinstance(error, UnsatisfiableError) else "refused"
            walked.kinds[f"schemas {kind}"] += 1
            walked.explained.append(Finding(kind, name, named(error)))
            return walked
        try:
            witness = Witness(schema, formats=True)
        except ValueError as error:
            walked.kinds["schemas that the witness cannot read"] += 1
            walked.explained.append(Finding("no witness", name, str(error)))
            witness = None
        rng = random.Random(f"{self.seed} {name}")
        for place in range(self.walks):
            self._walk(compiled.matcher(), BUDGETS[place % len(BUDGETS)], rng, name, witness, walked)
        return walked

    def _walk(
        self,
        matcher: Any,
        extra: int,
        rng: random.Random,
        name: str,
        witness: Witness | None,
        walked: Outcome,
    ) -> None:
        taken: list[int] = []
        try:
            left = matcher.tokens_to_finish + extra
            while not matcher.is_terminated:
                matcher.fill_bitmask(self._mask, 0, budget=left)
                allowed = np.flatnonzero(unpack_bitmask(self._mask[0], self.vocabulary.vocab_size))
                if not len(allowed):
                    walked.kinds["dead ends"] += 1
                    walked.findings.append(Finding("dead end", name, document=self._text(taken)))
                    return
                taken.append(int(allowed[rng.randrange(len(allowed))]))
                matcher.accept_token(taken[-1])
                left -= 1
        except ConstraintError as error:
            walked.kinds["walks ended by an error"] += 1
            walked.findings.append(Finding("error", name, named(error), document=self._text(taken)))
            return
        walked.kinds["tokens"] += len(taken)
        _judge(self._text(taken[:-1]), name, witness, walked)

    def _text(self, token_ids: list[int]) -> str:
        return b"".join(self.vocabulary.token_bytes(token_id) for token_id in token_ids).decode(
            errors="replace"
        )


def _judge(text: str, name: str, witness: Witness | None, walked: Outcome) -> None:
    """Count a finished document."""
    try:
        repeats = repeats_a_key(text)
        verdict = None if witness is None else witness.accepts(text)
    except ValueError as error:
        walked.kinds["not JSON"] += 1
        walked.findings.append(Finding("not JSON", name, str(error), document=text))
        return
    if verdict is None:
        walked.kinds["without a witness"] += 1
    elif verdict and not repeats:
        walked.kinds["valid"] += 1
    elif repeats:
        walked.kinds["repeat a key"] += 1
        walked.explained.append(Finding("repeats a key", name, document=text))
    elif reason := excuse(witness and witness.schema, text):
        walked.kinds["invalid, explained"] += 1
        walked.explained.append(Finding("invalid", name, reason, document=text))
    else:
        assert witness is not None  # it has a verdict
        walked.kinds["invalid"] += 1
        walked.findings.append(Finding("invalid", name, witness.why_not(text), witness.schema, text))


def run_walks(lines: list[dict[str, Any]], walker: Walker, limits: Limits) -> Report:
    """All lines, in one worker after the other."""
    report = Report("Random walks")
    report.counts.update({"schemas": len(lines), "walks asked for": len(lines) * walker.walks})
    run_each(report, lines, walker, limits)
    return report
