"""A docstring of the package as Markdown.

In: the text as `inspect.getdoc` gives it, and the names of the parameters. Out: Markdown. Docstrings here
are written for people: paragraphs, lines `name: what it is` (short ones follow each other in a line), and
sections that begin with `Raises:`, `Attributes:` or `Args:`. Parameters and what stands in sections become
lists; what is in backticks stays as it is, and outside of them nothing has a meaning for Markdown.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Iterator

SECTION = re.compile(r"^(?:Raises|Attributes|Args|Yields|Returns)\b[^:\n]*:$", flags=re.MULTILINE)
LINE_ENTRY = re.compile(r"(?:^|\n)(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*): |(?<=[.]) (\w+Error): ")
Link = Callable[[str], str]


def to_markdown(text: str, parameters: Collection[str], link: Link) -> str:
    """parameters: names that begin an entry outside of sections. link: what a text in backticks becomes."""
    written = []
    for block in re.split(r"\n\s*\n", text):
        if block.startswith(">>> "):
            written.append("```py\n" + re.sub(r"^(>>>|\.\.\.) ?", "", block, flags=re.MULTILINE) + "\n```")
            continue
        heading = SECTION.search(block)
        before = block[: heading.start()] if heading else block
        written.append(_list(_entries(before, parameter_entry(parameters)), link))
        if heading:
            rest = textwrap.dedent(block[heading.end() :]).strip("\n")
            written += [f"**{heading[0]}**", _list(_entries(rest, LINE_ENTRY), link)]
    return "\n\n".join(filter(None, written)) + "\n"


def parameter_entry(names: Collection[str]) -> re.Pattern[str]:
    """What begins an entry: one of the names, or several, after a line or a sentence."""
    if not names:
        return re.compile(r"(?!)")
    name = r"\*{0,2}(?:" + "|".join(re.escape(name) for name in names) + ")"
    return re.compile(rf"(?:^|\n|(?<=[.]) )({name}(?:, {name})*): ")


def _entries(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(name, what it is); the name is empty for what stands before the first entry."""
    ends = [*(found.start() for found in pattern.finditer(text)), len(text)]
    yield "", text[: ends[0]]
    for found, end in zip(pattern.finditer(text), ends[1:], strict=True):
        yield next(filter(None, found.groups())), text[found.end() : end]


def _list(entries: Iterator[tuple[str, str]], link: Link) -> str:
    written = []
    for name, what in entries:
        said = _inline(" ".join(what.split()), link)
        if name:
            written.append(f"- {', '.join(link(part) for part in name.split(', '))}: {said}")
        elif said:
            written += [said, ""]
    return "\n".join(written).rstrip("\n")


def _inline(text: str, link: Link) -> str:
    """Backticks keep their text; elsewhere characters with a meaning for Markdown are escaped."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(
        link(part) if index % 2 else re.sub(r"([\\*_<\[\]|])", r"\\\1", part)
        for index, part in enumerate(parts)
    )
