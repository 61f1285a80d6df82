"""Makes the examples: a text, a JSON Schema, and the JSON that the schema wants from the text.

What goes in is a seed; what comes out is an endless stream of `Example`s. A domain gives the facts, a
style writes them down (`styles.py`), and a schema asks for a random part of them: with other words for
the keys, in random order and case, enums shuffled, some properties grouped into nested objects, some
nullable or absent, sometimes several records as an array. With `held_out=True` the names and the
combinations of keys are those that training never sees, and so are the phrasings, but for short lists all of
whose phrasings are in training: then these are used, and `Example.seen` is true. Cost: about a quarter
of a millisecond for an example.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from . import styles
from .domain import Domain, Field, expand, slots_of, usable
from .domains import DOMAINS, ORDER
from .styles import Record
from .values import (
    Kind,
    Value,
    bool_kind,
    choices_list,
    date_kind,
    dump_json,
    int_kind,
    money_kind,
    num_kind,
    text_kind,
)
from .variations import row, vary
from .words import Words, is_held_out

COMBINATION_SHARE = 9
SEVERAL_SHARE = 0.15
ROW_SHARE, VARIED_SHARE = 0.2, 0.35  # of the openings, where `varied`
LINES = {
    ORDER.name: """
{quantity} x {product} at {price}
{quantity}x {product} ({price})
{product} x {quantity}, {price} each
{product}: {quantity} at {price}
{quantity} {product}
{product} - {price}
{quantity} {product} for {price} each
{product}, {quantity} pcs
{product} ({quantity})
{quantity} of the {product}, {price}
{product} {price}
{price} for {quantity} {product}
""".strip().splitlines()
}


@dataclass(frozen=True)
class Example:
    """A text, what is asked of it, and the answer; `style` tells how it was written.

    Of evaluation's examples, `phrased` tells that there are phrasings in it that training never sees,
    and `seen` that there is one that it sees.
    """

    text: str
    schema: dict[str, Any]
    expected: Any
    style: str
    domain: str
    phrased: bool = False
    seen: bool = False

    @property
    def answer(self) -> str:
        return dump_json(self.expected)


def examples(
    seed: int, held_out: bool = False, several: float = SEVERAL_SHARE, varied: bool = False
) -> Iterator[Example]:
    """Yield examples without end; the same seed gives the same ones.

    `several` is the share of texts with several records; `varied` adds phrasings of `variations.py`.
    """
    source = random.Random(seed)
    words = Words(source, held_out)
    maker = Maker(words, several, varied)
    while True:
        yield maker.make()


class Maker:
    """Composes examples from one source of words."""

    def __init__(self, words: Words, several: float = SEVERAL_SHARE, varied: bool = False) -> None:
        self.words = words
        self.source = words.source
        self.several = several
        self.varied = varied

    def make(self) -> Example:
        """One example; what is rejected is replaced by one of its kind, so that the shares stay."""
        roll, example = self.source.random(), None
        while example is None:
            self.words.phrases_unseen = self.words.phrases_seen = 0
            if roll < self.several:
                example = self._several()
            else:
                mixed = roll < self.several + 0.12
                example = self._single(self._mixed_domain() if mixed else self.source.choice(DOMAINS))
        return replace(example, phrased=self.words.phrases_unseen > 0, seen=self.words.phrases_seen > 0)

    # ---- one record ------------------------------------------------------------------------------------

    def _single(self, domain: Domain) -> Example | None:
        source = self.source
        count = min(source.choice([1, 2, 3, 3, 4, 4, 5, 5, 6, 7]), len(domain.fields))
        names = source.sample(list(domain.fields), count)
        if domain.subject not in names and source.random() < 0.75:
            names[0] = domain.subject
        if source.random() < 0.5 and domain.openings:
            opening = slots_of(source.choice(usable(domain.openings, self.words)))
            names = list(dict.fromkeys([*opening, *names]))[: max(count, len(opening))]
        unasked = [name for name in domain.fields if name not in names]
        unknown = source.sample(unasked, min(source.choice([0, 0, 1, 1, 2]), len(unasked)))
        if not self._allowed(domain, names):
            return None
        record = Record(domain, {name: domain.fields[name].kind.draw(self.words) for name in names}, unknown)
        if len({value.text for value in record.values.values()}) < len(names) - 1:
            return None
        style, text = self._write(record)
        wanted = (
            source.sample(names, source.randint(max(1, min(2, len(names))), len(names)))
            if source.random() < 0.3
            else names
        )
        wanted = list(wanted)
        source.shuffle(wanted)
        schema, expected = self._ask(
            record, wanted, [name for name in unknown if source.random() < 0.6], style
        )
        return Example(text, schema, expected, style, domain.name)

    def _allowed(self, domain: Domain, names: list[str]) -> bool:
        """Keep one combination of properties in nine for evaluation, and only those there."""
        if len(names) < 3 or domain.name == "anything":
            return True
        return is_held_out(domain.name + "".join(sorted(names)), COMBINATION_SHARE) == self.words.held_out

    def _write(self, record: Record) -> tuple[str, str]:
        roll, words = self.source.random(), self.words
        words.phrases_unseen = words.phrases_seen = 0  # what chose the properties is not in the text
        if roll < 0.56:
            return "prose", styles.prose(record, words, vary if self.varied else None)
        if roll < 0.64:
            return "email", styles.email(record, words)
        if roll < 0.77:
            return "labelled", styles.labelled(record, words)
        if roll < 0.87:
            return "telegram", styles.telegram(record, words)
        if roll < 0.91:
            return "table", styles.table([record], words)
        if roll < 0.95:
            return "markup", styles.markup(record, words)
        return "interview", styles.interview(record, words)

    # ---- several records -------------------------------------------------------------------------------

    def _several(self) -> Example | None:
        source, words = self.source, self.words
        domain = ORDER if source.random() < 0.25 else source.choice(DOMAINS)
        lines = LINES.get(domain.name, [])
        template = words.choose(usable(lines if lines and source.random() < 0.8 else domain.openings, words))
        template = expand(styles.mark_articles(template), words)
        if self.varied:
            template = self._vary(template, domain)
        names = slots_of(template)
        by_line = source.random() < 0.6 and len(names) <= 3
        if not by_line:
            self.words.phrases_unseen = self.words.phrases_seen = 0
            names = [
                name
                for name in source.sample(list(domain.fields), 3)
                if domain.fields[name].kind.name != "bool" and domain.fields[name].bare
            ]
            if domain.fields[domain.subject].bare:
                names = list(dict.fromkeys([domain.subject, *names]))[: source.randint(2, 3)]
            if not names:
                return None
        records = [
            Record(domain, {name: domain.fields[name].kind.draw(words) for name in names}, [])
            for _ in range(source.choice([1, 2, 2, 3, 3, 4]))
        ]
        if by_line:
            joint = words.choose(["\n", ", ", "; ", ". ", "\n- ", " and "])
            text = joint.join(styles.write_sentence(template, words, record.texts()) for record in records)
        elif source.random() < 0.4:
            text = styles.table(records, words)
        else:
            inner, outer = words.choose(
                [
                    (", ", "\n"),
                    (", ", "; "),
                    (" - ", "\n"),
                    (" (", "), "),
                    (" | ", "\n"),
                    (", ", "\n- "),
                    (": ", ", "),
                ]
            )
            text = outer.join(
                inner.join(
                    words.choose(domain.fields[name].bare).replace("{v}", record.values[name].text)
                    for name in names
                )
                for record in records
            )
        intro = words.choose(
            ["", "", "", "{}:\n", "Here are the {}: ", "{}: ", "List of {}:\n", "We have these {}: "]
        )
        plural = words.choose(domain.nouns) + "s"
        wanted = source.sample(names, source.randint(max(1, len(names) - 1), len(names)))
        keys = self._keys(domain, wanted)
        shapes = {
            name: self._shape(domain.fields[name], record_values=[record.values[name] for record in records])
            for name in wanted
        }
        item = {
            "type": "object",
            "properties": {keys[name]: shapes[name][0] for name in wanted},
            "required": [keys[name] for name in wanted],
        }
        if len(wanted) == 1 and source.random() < 0.7:
            item = shapes[wanted[0]][0]
            rows: list[Any] = shapes[wanted[0]][1]
        else:
            rows = [{keys[name]: shapes[name][1][at] for name in wanted} for at in range(len(records))]
        schema: dict[str, Any] = {"type": "array", "items": item}
        if source.random() < 0.8:
            key = self._style_key(
                words.choose([plural, "items", plural, "entries", "list", "rows", "records", "results"]),
                self._key_style(),
            )
            return Example(
                intro.format(plural) + text,
                {"type": "object", "properties": {key: schema}, "required": [key]},
                {key: rows},
                "several",
                domain.name,
            )
        return Example(intro.format(plural) + text, schema, rows, "several", domain.name)

    def _vary(self, template: str, domain: Domain) -> str:
        roll = self.source.random()
        if roll < ROW_SHARE:
            return row(domain, self.words) or template
        return vary(template, self.words) if roll < ROW_SHARE + VARIED_SHARE else template

    # ---- schemas ---------------------------------------------------------------------------------------

    def _ask(
        self, record: Record, wanted: list[str], unknown: list[str], style: str
    ) -> tuple[dict[str, Any], Any]:
        """The schema over the wanted properties and its answer."""
        source, domain = self.source, record.domain
        keys = self._keys(domain, wanted + unknown)
        order = wanted + unknown
        source.shuffle(order)
        schemas: dict[str, dict[str, Any]] = {}
        answers: dict[str, Any] = {}
        optional: set[str] = set()
        for name in order:
            if name in unknown:
                schemas[name] = self._nullable(
                    self._shape(domain.fields[name], [domain.fields[name].kind.draw(self.words)])[0]
                )
                if source.random() < 0.3:
                    schemas[name] = self._shape(
                        domain.fields[name], [domain.fields[name].kind.draw(self.words)]
                    )[0]
                    optional.add(name)
                else:
                    answers[name] = None
                continue
            schemas[name], values = self._shape(domain.fields[name], [record.values[name]])
            answers[name] = values[0]
            if source.random() < 0.12:
                schemas[name] = self._nullable(schemas[name])
            elif source.random() < 0.08:
                optional.add(name)
        groups = self._groups(domain, order) if source.random() < 0.3 else {}
        grouped = {name: group for group, names in groups.items() for name in names}
        properties: dict[str, Any] = {}
        expected: dict[str, Any] = {}
        required: list[str] = []
        for name in order:
            group = grouped.get(name)
            if group is None:
                properties[keys[name]] = schemas[name]
                if name in answers:
                    expected[keys[name]] = answers[name]
                if name not in optional:
                    required.append(keys[name])
            elif group not in properties:
                members = groups[group]
                properties[group] = {
                    "type": "object",
                    "properties": {keys[member]: schemas[member] for member in members},
                    "required": [keys[member] for member in members if member not in optional],
                }
                expected[group] = {keys[member]: answers[member] for member in members if member in answers}
                required.append(group)
        return {"type": "object", "properties": properties, "required": required}, expected

    def _groups(self, domain: Domain, order: list[str]) -> dict[str, list[str]]:
        """At most two nested objects, of properties that belong together."""
        groups: dict[str, list[str]] = {}
        taken: set[str] = set()
        candidates = list(domain.groups)
        self.source.shuffle(candidates)
        for group in candidates[:2]:
            members = [name for name in order if name in domain.groups[group] and name not in taken]
            if (
                len(members) >= (2 if self.source.random() < 0.8 else 1)
                and len(members) < max(2, len(order)) + 1
            ):
                groups[group] = members
                taken.update(members)
        # A group must not carry the name of a property.
        return {
            group: members
            for group, members in groups.items()
            if all(group not in domain.fields[name].keys for name in order)
        }

    def _shape(self, item: Field, record_values: list[Value]) -> tuple[dict[str, Any], list[Any]]:
        """The schema of a property and its values: enums restyled, some kinds asked for as plain strings."""
        source, kind = self.source, item.kind
        said = all(value.text for value in record_values)
        if kind.options:
            if said and source.random() < 0.12:
                return {"type": "string"}, [value.text for value in record_values]
            return self._enum(kind, record_values)
        if kind.name in ("date", "time", "datetime") and source.random() < 0.06:
            return {"type": "string"}, [value.text for value in record_values]
        if kind.name in ("email", "url") and source.random() < 0.5:
            return {"type": "string"}, [value.json for value in record_values]
        return dict(kind.schema), [value.json for value in record_values]

    def _enum(self, kind: Kind, values: list[Value]) -> tuple[dict[str, Any], list[Any]]:
        style = self.words.choose(["snake", "snake", "lower", "upper", "title", "kebab", "camel"])
        used = list(dict.fromkeys(value.option for value in values))
        others = [option for option in kind.options if option not in used]
        keep = self.source.randint(1, len(others)) if others else 0
        options = [*used, *self.source.sample(others, keep)]
        self.source.shuffle(options)
        styled = {
            option: self._style_key(option.replace("_", " "), style) if len(option) > 2 else option
            for option in options
        }
        schema: dict[str, Any] = {"enum": [styled[option] for option in options]}
        if self.source.random() < 0.5:
            schema = {"type": "string", **schema}
        return schema, [styled[value.option] for value in values]

    def _nullable(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [schema, {"type": "null"}]}

    def _keys(self, domain: Domain, names: list[str]) -> dict[str, str]:
        """A key for each property: one of its words, in one style for the whole schema, all different."""
        style = self._key_style()
        keys: dict[str, str] = {}
        for name in names:
            for attempt in range(6):
                aliases = domain.fields[name].keys
                alias = (
                    aliases[0] if self.source.random() < 0.4 or attempt > 3 else self.words.choose(aliases)
                )
                if self.source.random() < 0.07:
                    alias = f"{domain.nouns[0]} {alias}"
                key = self._style_key(alias, style)
                if key not in keys.values():
                    break
            else:
                key = self._style_key(f"{domain.nouns[0]} {name}", style)
            keys[name] = key
        return keys

    def _key_style(self) -> str:
        return self.words.choose(
            ["snake"] * 9 + ["camel"] * 5 + ["lower", "title", "kebab", "pascal", "upper"]
        )

    def _style_key(self, label: str, style: str) -> str:
        words = label.replace("-", " ").replace("'", "").split()
        if style == "snake":
            return "_".join(words).lower()
        if style == "kebab":
            return "-".join(words).lower()
        if style == "camel":
            return words[0].lower() + "".join(word[:1].upper() + word[1:] for word in words[1:])
        if style == "pascal":
            return "".join(word[:1].upper() + word[1:] for word in words)
        if style == "upper":
            return "_".join(words).upper()
        if style == "title":
            return " ".join(word[:1].upper() + word[1:] for word in words)
        return " ".join(words)

    # ---- properties of any kind ------------------------------------------------------------------------

    def _mixed_domain(self) -> Domain:
        """A made-up domain: properties from everywhere, and properties with invented names."""
        fields: dict[str, Field] = {}
        for _ in range(self.source.randint(3, 6)):
            if self.source.random() < 0.35:
                item = self.source.choice(list(self.source.choice(DOMAINS).fields.values()))
                item = replace(item, says=[], bare=[])
            else:
                item = self._invented_field()
            if not any(set(item.keys) & set(other.keys) for other in fields.values()):
                fields[item.name] = item
        nouns = [self.words.draw("word"), "thing", "entry", "object", "record", "form"]
        return Domain("anything", nouns, fields, next(iter(fields)), ["It"], ["It"], [])

    def _invented_field(self) -> Field:
        words = self.words
        head, tail, kind = words.choose(INVENTED)
        tail_word = words.choose(tail)
        label = words.choose(
            [f"{words.draw('word')} {tail_word}", tail_word, f"{words.choose(head)} {tail_word}"]
        ).lower()
        if kind.name == "bool":
            label = words.choose(["is ", "has ", ""]) + words.choose(ADJECTIVES)
            return Field(
                [label],
                kind,
                [],
                [],
                [said.format(label.split()[-1], label=label) for said in INVENTED_TRUE],
                [said.format(label.split()[-1], label=label) for said in INVENTED_FALSE],
            )
        return Field([label], kind)


INVENTED_TRUE = """
It is {0}
{{S}} is {0}
{label}: yes
{{S}} [seems|turned out] to be {0}
Everybody says that it is {0}
We can call it {0}
It has been {0} for [a while|years]
""".strip().splitlines()
INVENTED_FALSE = """
It is not {0}
{{S}} is not {0}
{label}: no
It isn't {0}
{{S}} [is no longer|is anything but|was never] {0}
Nobody would call it {0}
It is far from {0}
""".strip().splitlines()
# fmt: off
ADJECTIVES = [
    "ready", "broken", "portable", "organic", "secure", "shared", "hidden", "archived", "editable", "printed",
    "valid", "expired", "official", "required", "visible", "locked", "complete", "urgent", "approved",
    "signed", "heavy", "clean", "empty", "full", "public", "private", "new", "used", "final", "safe", "open",
    "closed", "taxable", "refundable", "local", "dangerous", "ripe"
]
# fmt: on
INVENTED: list[tuple[list[str], list[str], Kind]] = [
    (
        ["main", "first", "second", "old", "new", "internal", "spare"],
        ["name", "label", "title", "owner", "author", "contact", "editor", "partner", "leader", "judge"],
        text_kind(lambda w: w.full_name()),
    ),
    (
        ["main", "first", "second", "old", "new", "internal"],
        ["title", "label", "topic", "theme", "subject", "project", "nickname", "slogan", "code name"],
        text_kind(lambda w: w.title(1, 4)),
    ),
    (
        ["main", "serial", "batch", "internal", "external", "access"],
        ["code", "id", "key", "reference", "token", "number", "tag"],
        text_kind(lambda w: w.code()),
    ),
    (
        ["total", "max", "min", "average", "daily", "weekly", "extra"],
        [
            "count",
            "points",
            "hours",
            "pages",
            "days",
            "steps",
            "votes",
            "units",
            "level",
            "rank",
            "copies",
            "floors",
        ],
        int_kind(0, 200),
    ),
    (
        ["total", "yearly", "monthly", "lifetime"],
        ["visitors", "views", "population", "members", "distance", "followers", "copies sold", "capacity"],
        int_kind(100, 90000),
    ),
    (
        ["max", "min", "average", "outer", "inner"],
        [
            "length",
            "width",
            "depth",
            "ratio",
            "speed",
            "volume",
            "density",
            "score",
            "rate",
            "thickness",
            "share",
        ],
        num_kind(0, 500, 2),
    ),
    (
        ["total", "estimated", "monthly", "extra"],
        ["cost", "fee", "budget", "price", "deposit", "bonus", "fine", "bid", "debt", "savings"],
        money_kind(1, 9000),
    ),
    (
        ["start", "end", "due", "first", "last", "next"],
        ["date", "day", "deadline", "visit", "check", "release", "review", "exam"],
        date_kind(1980, 2030),
    ),
    (
        ["main", "other", "allowed", "missing", "spare"],
        ["parts", "tools", "colors", "topics", "items", "words", "tags", "options", "flavours", "materials"],
        choices_list(
            "red|blue|north|south|wood|glass|small|large|paper|metal|salt|sugar|morning|evening|alpha|beta|gamma",
            5,
        ),
    ),
    (
        ["main", "first", "next", "other"],
        ["city", "place", "stop", "port", "base", "station"],
        text_kind(lambda w: w.draw("city")),
    ),
    (
        ["main", "other", "local"],
        ["company", "supplier", "sponsor", "partner", "brand", "team"],
        text_kind(lambda w: w.company()),
    ),
    ([""], ["flag"], bool_kind()),
    ([""], ["flag"], bool_kind()),
]
