"""What a domain is made of: fields, the ways to say them, and the little template language they are written
in.

A template is a sentence with alternatives in square brackets, `[lives|resides] in {v}`, which may nest,
and slots in braces: `{v}` the value, `{S}` the subject (a name or a pronoun), `{l}` the label, or the
name of a field. What goes in is a template and a source of words; what goes out is one expansion, slots
still in it. Templates are split by a hash into those for training and those that only evaluation sees
(one in seven, and one at least of every longer list). Cost: a walk over the alternatives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .values import Kind
from .words import Words, is_held_out

PHRASE_SHARE = 7
FEWEST = 6  # a list of so many gives one to evaluation even if the hash gives none
SLOT = re.compile(r"\{(\w[\w ]*)\}")


@dataclass(frozen=True)
class Field:
    """One property: `keys` are the words for it (the first one names it), `says` the sentences.

    `true` and `false` are for booleans, `implies` for options that a sentence gives without their
    name. `bare` says how the value looks without a label, if that is clear.
    """

    keys: list[str]
    kind: Kind
    says: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    true: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    implies: dict[Any, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.keys[0]


@dataclass(frozen=True)
class Domain:
    """A subject matter: its fields, the nouns for its subject, and openings that give several fields at once.

    `subject` is the field whose value can stand for the subject, `first` how it is mentioned first, `again`
    later on. `groups` lists the fields that a schema may put into a nested object.
    """

    name: str
    nouns: list[str]
    fields: dict[str, Field]
    subject: str
    first: list[str]
    again: list[str]
    openings: list[str]
    groups: dict[str, list[str]] = field(default_factory=dict)
    person: bool = False


def make_field(
    keys: str, kind: Kind, says: str = "", bare: str = "", true: str = "", false: str = "", **implies: str
) -> Field:
    """Build a field from strings: keys by `|`, sentences one on a line."""
    return Field(
        keys.split("|"),
        kind,
        _lines(says),
        bare.split("|") if bare else [],
        _lines(true),
        _lines(false),
        {option: _lines(said) for option, said in implies.items()},
    )


def make_domain(
    name: str,
    nouns: str,
    subject: str,
    first: str,
    again: str,
    openings: str,
    fields: list[Field],
    groups: dict[str, str] | None = None,
    person: bool = False,
) -> Domain:
    by_name = {item.name: item for item in fields}
    nested = {key: members.split("|") for key, members in (groups or {}).items()}
    return Domain(
        name,
        nouns.split("|"),
        by_name,
        subject,
        _lines(first),
        again.split("|"),
        _lines(openings),
        nested,
        person,
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


@cache
def _parse(template: str) -> tuple[Any, ...]:
    """Split a template into texts (str) and alternatives (tuple of parsed templates)."""
    parts, _ = _parse_until(template, 0, nested=False)
    return parts[0]


def _parse_until(template: str, at: int, nested: bool) -> tuple[tuple[tuple[Any, ...], ...], int]:
    options: list[list[Any]] = [[]]
    text = ""
    while at < len(template):
        letter = template[at]
        if letter == "[" or (nested and letter in "|]"):
            if text:
                options[-1].append(text)
                text = ""
            if letter == "[":
                inner, at = _parse_until(template, at + 1, nested=True)
                options[-1].append(inner)
                continue
            if letter == "]":
                return tuple(tuple(option) for option in options), at + 1
            options.append([])
        else:
            text += letter
        at += 1
    if text:
        options[-1].append(text)
    return tuple(tuple(option) for option in options), at


def expand(template: str, words: Words) -> str:
    """Choose one alternative everywhere; the slots stay."""
    return _expand_parts(_parse(template), words) if "[" in template else template


def _expand_parts(parts: tuple[Any, ...], words: Words) -> str:
    choice = words.source.choice
    return "".join(part if isinstance(part, str) else _expand_parts(choice(part), words) for part in parts)


@cache
def _split(templates: tuple[str, ...]) -> tuple[list[str], list[str]]:
    kept = [template for template in templates if is_held_out(template, PHRASE_SHARE)]
    if not kept and len(templates) >= FEWEST:
        kept = [templates[-1]]
    return [template for template in templates if template not in kept], kept


def usable(templates: list[str], words: Words) -> list[str]:
    """The templates of this part of the split; evaluation falls back to all where it has none of its own."""
    training, held_out = _split(tuple(templates))
    if words.held_out:
        words.phrases_unseen += bool(held_out)
        words.phrases_seen += not held_out
        return held_out or training
    return training or templates


def slots_of(template: str) -> list[str]:
    """The slots, each once, in the order of the template (a set would make the examples differ by run)."""
    return list(dict.fromkeys(SLOT.findall(template)))


def fill(template: str, values: dict[str, str]) -> str:
    return SLOT.sub(lambda match: values.get(match.group(1), match.group(0)), template)
