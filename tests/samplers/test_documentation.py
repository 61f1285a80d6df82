"""Every Python block of docs/samplers.md is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "samplers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_block(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "samplers.md", "exec"), {"__name__": "samplers_page"})
    assert bool(capsys.readouterr().out) == ("print(" in code)


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 3
