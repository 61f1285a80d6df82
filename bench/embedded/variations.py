"""Phrasings that nobody wrote, for training only: known sentences with other words, and plain rows of values.

What goes in is a template of a domain, or its fields; what goes out is a template again. The written
phrasings are few, and a model that has seen only them learns them by heart: given "24 EUR for 3 lamps" after
"3 lamps at 24 EUR" it mixes up price and quantity. So some words between the slots become words that
mean nothing there, and some sentences are made of values that can be told apart by their looks, in any
order. Evaluation never uses this file. Cost: microseconds.
"""

from __future__ import annotations

import re

from .domain import Domain, Field
from .words import Words

WORD = re.compile(r"(?<![\w{}'])[a-zA-Z]{3,}(?![\w{}'])")
KEPT = frozenset(["the", "and", "for", "from", "with", "not", "none", "into", "onto", "per", "out", "off"])
ENDINGS = ["", "", "s", "ed", "ing", "er"]
LEADS = ["{}", "{} {}", "We {}", "They {} {}", "Please {}", "{} {} {}", "A {}", "The {} {}"]
# fmt: off
JOINTS = [
    " for ", " at ", " in ", " of ", " with ", " to ", " on ", " x ", " - ", ", ", " from ", ": ", " by ",
    " ", " as ", " and ", " / ", "; ", " ("
]
# fmt: on


def vary(template: str, words: Words) -> str:
    """The template with some of its words exchanged, and perhaps words before and after it."""
    source = words.source
    share = source.choice([0.0, 0.3, 0.6])
    varied = _outside_slots(template, share, words)
    if source.random() < 0.3:
        varied = lead(words) + " " + varied
    if source.random() < 0.15:
        varied += " " + nonsense(words)
    return varied


def row(domain: Domain, words: Words) -> str | None:
    """A template of two or three fields of different looks in any order; None if there are none."""
    source = words.source
    by_looks: dict[str, list[Field]] = {}
    for item in domain.fields.values():
        if item.kind.name not in ("bool", "list", "enum"):
            by_looks.setdefault("string" if item.kind.name == "text" else item.kind.name, []).append(item)
    if len(by_looks) < 2:
        return None
    looks = source.sample(sorted(by_looks), min(len(by_looks), source.randint(2, 3)))
    template = lead(words) + " " if source.random() < 0.25 else ""
    for at, look in enumerate(looks):
        if at:
            joint = source.choice(JOINTS)
            template += f" {nonsense(words)}{joint}" if source.random() < 0.3 else joint or " "
            template = template.rstrip() + " " if not template.endswith("(") else template
        template += "{" + source.choice(by_looks[look]).name + "}"
    return template + ")" if "(" in template else template


def lead(words: Words) -> str:
    pattern = words.choose(LEADS)
    text = pattern.format(*(nonsense(words) for _ in range(pattern.count("{}"))))
    return text[0].upper() + text[1:]


def nonsense(words: Words) -> str:
    """A word that says nothing about the values beside it."""
    stem = words.draw("word").lower() if words.source.random() < 0.8 else words.invented().lower()
    return stem + words.choose(ENDINGS)


def _outside_slots(template: str, share: float, words: Words) -> str:
    def exchange(found: re.Match[str]) -> str:
        word = found.group()
        return word if word.lower() in KEPT or words.source.random() >= share else nonsense(words)

    parts = re.split(r"(\{[^}]*\})", template)
    return "".join(part if part.startswith("{") else WORD.sub(exchange, part) for part in parts)
