"""Reads the phrasings that are kept as text: `phrases/*.txt`, one template on a line under `[section]`.

What goes in is the name of a file; what goes out is its sections. `general.txt` has the sentences that
serve every field; the others add to what the domains have themselves: `[order openings]`,
`[order.price says]`, `[order.paid true]`, `[ticket.priority implies high]`. Cost: a few milliseconds,
once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .domain import Domain, Field

FOLDER = Path(__file__).with_name("phrases")
HEADER = re.compile(r"\[([^|{}\[\]]+)\]")


@cache
def read_phrases(name: str) -> dict[str, list[str]]:
    """The sections of one file, each with its templates in the order of the file."""
    sections: dict[str, list[str]] = {}
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if header := HEADER.fullmatch(line.strip()):
            section = sections.setdefault(header[1], [])
        elif line.strip():
            section.append(line.strip())
    return sections


def add_phrases(domains: Iterable[Domain], name: str) -> None:
    """Append the templates of a file to the lists of its domains; a field that two share gets them once."""
    by_name = {domain.name: domain for domain in domains}
    for section, templates in read_phrases(name).items():
        place, _, which = section.partition(".")
        if not which:
            by_name[place.removesuffix(" openings")].openings.extend(templates)
            continue
        domain = by_name[place]
        names = [item for item in domain.fields if which.startswith(item + " ")]
        item = domain.fields[max(names, key=len)]
        _list_of(item, which.removeprefix(item.name + " ")).extend(templates)


def _list_of(item: Field, which: str) -> list[str]:
    """The list that a section names: `says`, `true`, `false`, or `implies OPTION`."""
    if option := which.removeprefix("implies ") if which.startswith("implies ") else "":
        return next(said for key, said in item.implies.items() if str(key) == option)
    return {"says": item.says, "true": item.true, "false": item.false}[which]
