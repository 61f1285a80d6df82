"""The reference page of JSON Schema is what the code's own tables say."""

from __future__ import annotations

import pytest
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.keywords import CHECKS, DRAFTS, KEYWORDS

from bench.conformance.keyword_table import PAGE, STRUCTURE, page, words_of_drafts


def test_the_page_is_not_stale() -> None:
    advice = "stale: run `python -m bench.conformance.keyword_table`"
    assert PAGE.read_text(encoding="utf-8") == page(), advice


def test_the_drafts_of_keywords() -> None:
    words = words_of_drafts()
    assert words["const"] == [6, 7, 2019, 2020]
    assert words["additionalItems"] == [4, 6, 7, 2019]
    assert words["id"] == [4]
    assert words["$recursiveRef"] == words["$recursiveAnchor"] == [2019]
    assert words["$comment"] == [7, 2019, 2020]


@pytest.mark.parametrize("draft", [4, 6, 7, 2019, 2020])
def test_annotations_change_nothing(draft: int) -> None:
    """What the page calls an annotation is read with any value."""
    enforced = frozenset[str]().union(*KEYWORDS.values())
    uri = next(uri for uri, number in DRAFTS.items() if number == draft)
    annotations = [word for word in words_of_drafts() if word not in enforced | STRUCTURE.keys()]
    assert not CHECKS.keys() & set(annotations)
    grammar = from_json_schema({"$schema": uri, "type": "null", **dict.fromkeys(annotations, 1)})
    assert grammar.accepts("null")
    assert not grammar.annotations
