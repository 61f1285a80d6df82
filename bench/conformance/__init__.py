"""Conformance: whether the JSON Schema front end allows exactly the documents that the standard allows.

In: schemas, from a test suite, from MaskBench, from a generator, from a list of nasty ones. Out: counts, and
every disagreement by itself. Four questions, one sub-command for each:

- `suite`: the official JSON Schema Test Suite; do the verdicts agree, however a document is spelled?
- `walks`: random walks over allowed tokens; does each end, and in a document that a validator accepts?
- `differential`: random schemas with documents near them; do a validator and the grammar agree?
- `hostile`: schemas made to hang or crash; is each answered in time, rightly or by an error of our family?

The validator is `jsonschema_rs`. It is a witness, not the judge: where it departs from the standard, the
disagreement is listed with the reason (`witness.py`) and counted apart.

The modules, in the order of the data: `witness` (the validator), then `walks`, `schemas` (the generator)
with `differential` and `shrink`, `large_cases` and `broken_cases` with `hostile`; `__main__` is the command
line. What is installed with the package is in `tokentrellis.benchmark`: `conformance` (the suite, the
documents of a schema, the report) and `isolation` (a process with limits).
"""
