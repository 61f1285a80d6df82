"""The official JSON Schema Test Suite: `suite` runs it, `documents` reads texts by a schema, `reordering`
finds the order of keys that a grammar wants, `report` prints. `bench/conformance` in the repository asks
harder questions by the same means.
"""
