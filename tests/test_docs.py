"""The blocks of Python in the pages that promise to run."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (
    "benchmarks.md",
    "composition.md",
    "grammars.md",
    "integrations.md",
    "length.md",
    "programs.md",
    "ray.md",
    "samplers.md",
    "serving.md",
    "speculation.md",
    "tools.md",
    "traces.md",
)
BLOCKS = [
    (page, code)
    for page in PAGES
    for code in re.findall(
        r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
]


@pytest.mark.parametrize(("page", "code"), BLOCKS, ids=[f"{page}-{i}" for i, (page, _) in enumerate(BLOCKS)])
def test_block(page: str, code: str) -> None:
    pytest.importorskip("lark")
    exec(compile(code, page, "exec", dont_inherit=True), ModuleType("docs_block").__dict__)
