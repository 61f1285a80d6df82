"""The documentation as a site: it builds without a warning, and its reference has every public name.

Building it takes some ten seconds, so it is built once, for all tests here.
"""

from __future__ import annotations

import html
import inspect
import re
from pathlib import Path

import pytest
import tokentrellis

pytest.importorskip("material", reason="needs mkdocs-material: pip install 'tokentrellis[docs]'")

from mkdocs.commands.build import build
from mkdocs.config import load_config
from tokentrellis.command_line import app

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Strict: a broken link, a page outside of the navigation, and any other warning end it."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    config.plugins.on_shutdown()
    return folder


def test_every_page_is_there(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        place = site if page.stem == "index" else site / page.stem
        title = re.search(r"^# (.*)", page.read_text(encoding="utf-8"))
        assert title is not None
        first_words = title[1].partition("`")[0].strip()
        assert first_words in html.unescape((place / "index.html").read_text(encoding="utf-8"))


def test_the_reference_has_every_public_name(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in site.glob("api/**/index.html")}
    index = pages[site / "api" / "index.html"]
    for name in tokentrellis.__all__:
        places = [path for path, text in pages.items() if f'id="{name}"' in text]
        assert len(places) == 1, name
        assert f'href="{places[0].parent.name}/#{name}"' in index


def test_the_reference_says_what_a_docstring_says(site: Path) -> None:
    page = (site / "api" / "decoding" / "index.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    for name, words in (
        ("budget_slack", "tokens before the end of the budget from which on the output is steered"),
        ("BudgetTooSmallError", "the shortest output does not fit."),
    ):
        assert words in " ".join((inspect.getdoc(tokentrellis.generate) or "").split())
        assert f"{name}: {words}" in text
    assert "Write the allowed tokens into a row of packed int32 bits." in text  # of the compiled Matcher


def test_the_command_line_is_there(site: Path) -> None:
    page = html.unescape((site / "api" / "commands" / "index.html").read_text(encoding="utf-8"))
    for name in app.registered_commands:
        assert name.callback is not None
        command = name.name or name.callback.__name__
        assert f'id="tokentrellis-{command}"' in page
    for option in ("--max-new-tokens <int>", "--particles N", "--ray-address"):
        assert option in page


def test_code_in_tables(site: Path) -> None:
    page = html.unescape((site / "tools" / "index.html").read_text(encoding="utf-8"))
    assert "<code><|tool_call|>{...}<|/tool_call|></code>" in page


def test_figures_are_drawn(site: Path) -> None:
    assert '<pre class="mermaid">' in (site / "grammars" / "index.html").read_text(encoding="utf-8")
    page = (site / "speed" / "index.html").read_text(encoding="utf-8")
    pictures = re.findall(r'<img alt="[^"]*" src="\.\./([^"]+)"', page)
    assert pictures
    assert all((site / picture).is_file() for picture in pictures)
