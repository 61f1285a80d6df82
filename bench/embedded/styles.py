"""Ways to write a record down: prose, e-mail, label list, telegram style, table, markup, questions and
answers.

What goes in is a domain with drawn values; what goes out is a text that mentions every one of them. All
styles serve all domains, so a property met in one style is understood in the others. Cost: some tens of
microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .domain import Domain, Field, expand, fill, slots_of, usable
from .phrases import read_phrases
from .values import Value
from .words import Words

ARTICLE = re.compile("\x01 (.)", re.S)
LABEL_SENTENCES = read_phrases("general")["label sentences"]
UNKNOWN_SENTENCES = read_phrases("general")["unknown sentences"]
QUESTIONS = read_phrases("general")["questions"]
FILLERS = read_phrases("general")["fillers"]
GREETINGS = [
    "Hi,",
    "Hello,",
    "Dear team,",
    "Hi {n},",
    "Dear {n},",
    "Hello {n},",
    "Good morning,",
    "Hey {n}!",
    "To whom it may concern,",
    "Dear Sir or Madam,",
    "Hi all,",
    "Hey,",
    "Dear Mr {n},",
]
CLOSINGS = [
    "Best regards",
    "Thanks!",
    "Kind regards,\n{n}",
    "Cheers, {n}",
    "Best,\n{n}",
    "Yours sincerely",
    "Thank you",
    "Bye, {n}",
    "Regards,\n{n}",
    "BR {n}",
]


@dataclass
class Record:
    """A subject with the values that the text has to mention."""

    domain: Domain
    values: dict[str, Value]
    unknown: list[str]

    def texts(self) -> dict[str, str]:
        return {name: value.text for name, value in self.values.items()}


def label_of(item: Field, words: Words, case: str = "") -> str:
    """One of the words for a field, as a text would write it."""
    return recase_label(words.choose(item.keys), case or words.choose(["lower", "lower", "title", "first"]))


def recase_label(label: str, case: str) -> str:
    if case == "title":
        return label.title()
    if case == "first":
        return label[:1].upper() + label[1:]
    if case == "upper":
        return label.upper()
    if case == "snake":
        return label.replace(" ", "_")
    return label


def mark_articles(template: str) -> str:
    """Put a mark for "a or an", which depends on the word that will follow."""
    return template.replace("[a|an]", "\x01")


def write_sentence(template: str, words: Words, slots: dict[str, str]) -> str:
    """Fill a template and make a sentence of it; values keep their letters."""
    template = (
        expand(mark_articles(template), words)
        .replace("  ", " ")
        .replace(" :", ":")
        .replace(" ,", ",")
        .strip()
    )
    if not template.startswith(("{", "\x01")):
        template = template[0].upper() + template[1:]
    sentence = fill(template, slots)
    sentence = ARTICLE.sub(lambda match: ("an " if match[1] in "aeiouAEIOU" else "a ") + match[1], sentence)
    return sentence[0].upper() + sentence[1:] if template.startswith(("\x01", "{S}")) else sentence


def tell_field(item: Field, value: Value, words: Words, subject: str) -> str:
    """One sentence (without its full stop) that tells one field."""
    source = words.source
    if item.true and isinstance(value.option, bool):
        if source.random() < 0.85:
            return write_sentence(
                words.choose(usable(item.true if value.option else item.false, words)), words, {"S": subject}
            )
        return f"{label_of(item, words)}: {value.text}"
    implied = item.implies.get(value.option) if value.option is not None else None
    if implied and value.json == value.option and source.random() < 0.5:
        value.text = ""
        return write_sentence(words.choose(usable(implied, words)), words, {"S": subject})
    label_only = source.random() < 0.22 or not item.says
    template = words.choose(usable(LABEL_SENTENCES if label_only else item.says, words))
    if "{w}" in template:
        other = item.kind.draw(words).text
        if other.lower() == value.text.lower() or item.kind.name == "list":
            template = "The {l} is {v}"
        return write_sentence(
            template, words, {"l": label_of(item, words, "lower"), "v": value.text, "w": other}
        )
    return write_sentence(
        template, words, {"l": label_of(item, words, "lower"), "v": value.text, "S": subject}
    )


def tell_unknown(item: Field, words: Words) -> str:
    return write_sentence(
        words.choose(usable(UNKNOWN_SENTENCES, words)), words, {"l": label_of(item, words, "lower")}
    )


def prose(record: Record, words: Words, vary: Callable[[str, Words], str] | None = None) -> str:
    """Sentences: perhaps an opening that gives several fields, then one for each field that is left.

    `vary` may put other words into an opening; it does so to one in three.
    """
    domain, source, texts = record.domain, words.source, record.texts()
    left = list(record.values)
    source.shuffle(left)
    sentences: list[str] = []
    fitting = [
        opening for opening in usable(domain.openings, words) if texts.keys() >= set(slots_of(opening))
    ]
    if fitting and source.random() < 0.85:
        opening = max(source.sample(fitting, min(2, len(fitting))), key=lambda one: len(slots_of(one)))
        opening = expand(mark_articles(opening), words)
        if vary and source.random() < 0.35:
            opening = vary(opening, words)
        sentences.append(write_sentence(opening, words, texts))
        left = [name for name in left if name not in slots_of(opening)]
    again = words.choose(domain.again)
    named = domain.subject not in left
    must_name = not named and bool(texts.get(domain.subject))
    for name in left:
        if name == domain.subject and named:
            continue
        subject = again if source.random() < 0.8 else words.choose(domain.again)
        if must_name and not named and name != domain.subject:
            subject = fill(expand(words.choose(domain.first), words), texts)
        sentence = tell_field(domain.fields[name], record.values[name], words, subject)
        if must_name and not named and (name == domain.subject or texts[domain.subject] in sentence):
            named = True
        sentences.append(sentence)
    sentences += [
        tell_unknown(domain.fields[name], words) for name in record.unknown if source.random() < 0.3
    ]
    if len(sentences) > 2 and source.random() < 0.3:
        rest = sentences[1:]
        source.shuffle(rest)
        sentences[1:] = rest
    while source.random() < 0.22:
        sentences.insert(source.randint(0, len(sentences)), expand(words.choose(FILLERS), words).strip())
    return join_sentences(sentences, again, words)


def join_sentences(sentences: list[str], again: str, words: Words) -> str:
    """Put full stops; now and then merge two sentences about the same subject."""
    source = words.source
    merged: list[str] = []
    for sentence in sentences:
        before = merged[-1] if merged else ""
        if before and len(before) < 90 and not before.endswith((".", "?", "!")) and source.random() < 0.3:
            if sentence.startswith(again + " "):
                joint = words.choose([" and", ", and", " and also", ", but", ";", " and"])
                tail = sentence[len(again) :] if joint != ";" else f" {again.lower()}{sentence[len(again) :]}"
                merged[-1] = before + joint + tail
                continue
            if sentence.split(" ")[0] in ("The", "It", "There", "This", "They", "We", "Its"):
                merged[-1] = (
                    before
                    + words.choose([", ", "; ", " and ", ", and ", " - "])
                    + sentence[0].lower()
                    + sentence[1:]
                )
                continue
        merged.append(sentence)
    end = words.choose([".", ".", ".", ".", ".", "!", ""])
    stop = [sentence if sentence.endswith((".", "!", "?")) else sentence + "." for sentence in merged[:-1]]
    last = merged[-1] if merged[-1].endswith((".", "!", "?")) else merged[-1] + end
    return words.choose([" ", " ", " ", " ", "\n"]).join([*stop, last])


def email(record: Record, words: Words) -> str:
    body = prose(record, words) if words.source.random() < 0.6 else labelled(record, words)
    name = words.first_name()
    greeting = words.choose(GREETINGS).format(n=name)
    closing = words.choose(CLOSINGS).format(n=words.first_name())
    joint = words.choose(["\n\n", "\n", " "])
    return joint.join([greeting, body, closing] if words.source.random() < 0.8 else [greeting, body])


def labelled(record: Record, words: Words) -> str:
    """`Label: value` lines, or the like."""
    source = words.source
    between = words.choose([": ", ": ", ": ", " - ", " = ", ":", "\t", " : ", " -> "])
    start, joint = words.choose(
        [
            ("", "\n"),
            ("", "\n"),
            ("- ", "\n"),
            ("* ", "\n"),
            ("", "; "),
            ("", ", "),
            ("", " | "),
            ("• ", "\n"),
            ("", ". "),
        ]
    )
    case = words.choose(["lower", "title", "first", "first", "upper", "snake"])
    fields = record.domain.fields
    lines = [
        start + label_of(fields[name], words, case) + between + value.text
        for name, value in record.values.items()
    ]
    lines += [
        start + label_of(fields[name], words, case) + between + words.choose(["-", "n/a", "", "unknown"])
        for name in record.unknown
        if source.random() < 0.4
    ]
    source.shuffle(lines)
    title = (
        words.choose(record.domain.nouns).capitalize() + words.choose([":", "", " details:", " data"]) + joint
        if source.random() < 0.2
        else ""
    )
    return title + joint.join(lines)


def telegram(record: Record, words: Words) -> str:
    """Values after one another; those that do not explain themselves get a label."""
    parts = []
    for name, value in record.values.items():
        item = record.domain.fields[name]
        if item.true and isinstance(value.option, bool):
            label = label_of(item, words, "lower")
            parts.append(f"{label}: {value.text}")
        elif item.bare and words.source.random() < 0.85:
            parts.append(words.choose(item.bare).replace("{v}", value.text))
        else:
            parts.append(label_of(item, words, "lower") + words.choose([" ", ": "]) + value.text)
    if words.source.random() < 0.6:
        words.source.shuffle(parts)
    text = words.choose([", ", ", ", ", ", "; ", " - ", " / ", " | ", ". ", "\n", " "]).join(parts)
    noun = words.choose(record.domain.nouns)
    return words.choose(["", "", "", f"{noun}: ", f"New {noun}: ", f"{noun.capitalize()} - "]) + text


def table(records: list[Record], words: Words) -> str:
    """A header and one row for each record."""
    joint = words.choose([" | ", ",", "\t", ";", ", ", "|"])
    case = words.choose(["lower", "title", "first", "upper", "snake"])
    names = list(records[0].values)
    header = joint.join(label_of(records[0].domain.fields[name], words, case) for name in names)
    rows = [joint.join(record.values[name].text for name in names) for record in records]
    if joint == " | " and words.source.random() < 0.5:
        return "\n".join([f"| {header} |", "|" + "---|" * len(names), *(f"| {row} |" for row in rows)])
    return "\n".join([header, *rows])


def markup(record: Record, words: Words) -> str:
    """Notations that programs write: JSON, YAML, assignments, XML."""
    case = words.choose(["snake", "snake", "lower", "title"])
    labels = {name: label_of(record.domain.fields[name], words, case) for name in record.values}
    texts = record.texts()
    shape = words.source.randrange(4)
    if shape == 0:
        return "{" + ", ".join(f'"{labels[name]}": "{texts[name]}"' for name in texts) + "}"
    if shape == 1:
        return "\n".join(f"{labels[name]}: {texts[name]}" for name in texts)
    if shape == 2:
        return words.choose([" ", "&", "\n", ", "]).join(f"{labels[name]}={texts[name]}" for name in texts)
    return "".join(
        f"<{labels[name].replace(' ', '_')}>{texts[name]}</{labels[name].replace(' ', '_')}>"
        for name in texts
    )


def interview(record: Record, words: Words) -> str:
    """Questions and answers."""
    ask, answer = words.choose(
        [("Q: ", "A: "), ("", ""), ("- ", "- "), ("Agent: ", "Customer: "), ("A: ", "B: ")]
    )
    joint = words.choose(["\n", "\n", " "])
    lines = []
    names = list(record.values)
    words.source.shuffle(names)
    for name in names:
        question = expand(words.choose(usable(QUESTIONS, words)), words).replace(
            "{l}", label_of(record.domain.fields[name], words, "lower")
        )
        reply = record.values[name].text
        lines.append(
            ask
            + question[0].upper()
            + question[1:]
            + joint
            + answer
            + words.choose(["{}", "{}.", "{}", "It is {}.", "That's {}"]).format(reply)
        )
    return joint.join(lines)
