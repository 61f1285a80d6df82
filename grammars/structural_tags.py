"""Free text with tags in it, what is in a tag bound by a grammar -> a `Grammar`.

In come tags (what begins one, what is in it, what ends it) and triggers: strings that free text cannot hold,
because where one appears a tag has begun. So a text is read in one way, as in the structural tags of SGLang
and xgrammar: the first trigger to appear must go on as the beginning of one of the tags that begin with it.
After a tag the text is free again. A block of reasoning may come first, in which triggers mean nothing.
Special tokens of the vocabulary are written as tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .call_formats import after_reasoning, checked_reasoning
from .composition import Composition, Skeleton
from .errors import GrammarError, GrammarSyntaxError, line_and_column
from .grammar import Grammar
from .json_schema import JsonSchemaGrammar, from_json_schema
from .parts import piece_of
from .special_tokens import checked_tokens
from .stop_strings import checked_strings, text_without
from .token_texts import split_at_tokens, write, write_reasoning, write_up_to


@dataclass(frozen=True)
class StructuralTag:
    """A tag. content: a `Grammar`, or what `from_json_schema` takes; None: free text up to `end`."""

    begin: str
    content: Any
    end: str


class TagCall(NamedTuple):
    """A tag in a text. value: the parsed JSON where the content is a JSON Schema, else the text of it."""

    tag: StructuralTag
    content: str
    value: Any


class TagGrammar(Composition):
    """What `from_structural_tags` returns."""

    def __init__(
        self,
        skeleton: Skeleton,
        tags: tuple[StructuralTag, ...],
        contents: tuple[Grammar | None, ...],
        triggers: tuple[str, ...],
        reasoning: tuple[str, str] | None,
    ) -> None:
        super().__init__(skeleton)
        self.tags = tags
        self.triggers = triggers
        self.reasoning = reasoning
        self._contents = contents

    def calls(self, text: str) -> list[TagCall]:
        """The tags in a text of this grammar, special tokens written as their names.

        Raises GrammarSyntaxError where a trigger does not begin a tag, or a tag does not end.
        """
        at = after_reasoning(text, self.reasoning)
        found: list[TagCall] = []
        while True:
            places = [place for trigger in self.triggers if (place := text.find(trigger, at)) >= 0]
            if not places:
                return found
            call, at = self._tag_at(text, min(places))
            found.append(call)

    def _tag_at(self, text: str, place: int) -> tuple[TagCall, int]:
        for tag, content in sorted(
            zip(self.tags, self._contents, strict=True), key=lambda pair: -len(pair[0].begin)
        ):
            if not text.startswith(tag.begin, place):
                continue
            start = place + len(tag.begin)
            if isinstance(content, JsonSchemaGrammar):
                try:
                    value, end = json.JSONDecoder().raw_decode(text, start)
                except ValueError:
                    continue
                if text.startswith(tag.end, end):
                    return TagCall(tag, text[start:end], value), end + len(tag.end)
                continue
            end = text.find(tag.end, start)
            while end >= 0 and content is not None and not content.accepts(text[start:end]):
                end = text.find(tag.end, end + 1)
            if end >= 0:
                return TagCall(tag, text[start:end], text[start:end]), end + len(tag.end)
        raise GrammarSyntaxError(
            "a trigger must begin a tag that ends", location=line_and_column(text, place), source=text
        )


def from_structural_tags(
    tags: Iterable[StructuralTag | Mapping[str, Any]],
    triggers: str | Iterable[str] | None = None,
    *,
    at_least_one: bool = False,
    stop_after_first: bool = False,
    reasoning: tuple[str, str] | None = None,
    special_tokens: Mapping[str, int] | None = None,
) -> TagGrammar:
    """The grammar of free text with tags, whose content is bound.

    tags: `StructuralTag`s, or mappings with "begin", "end" and "content" (or "schema"). The same trigger may
        begin several tags.
    triggers: strings that free text cannot hold. Each tag begins with one of them, and each of them begins a
        tag. None: what the tags begin with.
    at_least_one: a text without any tag is refused.
    stop_after_first: the text is over after the first tag.
    reasoning: what begins and ends a block of free text that may come first; in it triggers mean nothing. If
        its beginning is empty it stands in the prompt already, and the block must end.
    special_tokens: name to id: these are written as tokens wherever they appear in tags, triggers and the
        marks of reasoning.

    Raises: GrammarError for what is malformed, and what `from_json_schema` raises for a schema.
    """
    names = checked_tokens(special_tokens)
    if isinstance(tags, (str, bytes, Mapping)) or not isinstance(tags, Iterable):
        raise GrammarError("tags must be a list of tags", got=tags)
    known = tuple(_checked_tag(tag, place) for place, tag in enumerate(tags))
    if not known:
        raise GrammarError("there must be at least one tag", got=known)
    if type(at_least_one) is not bool or type(stop_after_first) is not bool:
        given = (at_least_one, stop_after_first)
        raise GrammarError("at_least_one and stop_after_first must be True or False", got=given)
    starts = checked_strings("triggers", _shortest_beginnings(known) if triggers is None else triggers)
    _check_triggers(known, starts, names)
    contents = tuple(_content(tag) for tag in known)
    if reasoning is not None:
        reasoning = checked_reasoning(reasoning)
    skeleton = Skeleton()
    free, after_tag, end = skeleton.state(), skeleton.state(), skeleton.state()
    skeleton.end(end)
    write_reasoning(skeleton, reasoning, free, names)
    begun = {trigger: skeleton.state() for trigger in starts}
    for trigger, tag, content in _pairs(starts, known, contents):
        here = write(skeleton, begun[trigger], tag.begin[len(trigger) :], names)
        if content is None:
            (here,) = write_up_to(skeleton, here, [tag.end], names)
        else:
            here = write(skeleton, skeleton.join(here, piece_of(content)), tag.end, names)
        skeleton.skip(here, after_tag)
    may_end = {free: not at_least_one, after_tag: True}
    for state in (free,) if stop_after_first else (free, after_tag):
        for trigger, reached in zip(starts, write_up_to(skeleton, state, starts, names), strict=True):
            skeleton.skip(reached, begun[trigger])
        if may_end[state]:
            skeleton.join(state, text_without(starts), end)
    if stop_after_first:
        skeleton.end(after_tag)
    return TagGrammar(skeleton, known, contents, starts, reasoning)


def _shortest_beginnings(tags: Iterable[StructuralTag]) -> list[str]:
    """What tags begin with, without what goes on from another beginning."""
    beginnings = list(dict.fromkeys(tag.begin for tag in tags))
    return [
        begin
        for begin in beginnings
        if not any(begin != other and begin.startswith(other) for other in beginnings)
    ]


def _pairs(
    triggers: tuple[str, ...], tags: tuple[StructuralTag, ...], contents: tuple[Grammar | None, ...]
) -> list[tuple[str, StructuralTag, Grammar | None]]:
    """Each tag with each trigger that it begins with."""
    return [
        (trigger, tag, content)
        for trigger in triggers
        for tag, content in zip(tags, contents, strict=True)
        if tag.begin.startswith(trigger)
    ]


def _checked_tag(tag: Any, place: int) -> StructuralTag:
    if isinstance(tag, Mapping):
        unknown = set(tag) - {"begin", "content", "schema", "end"}
        if unknown or "begin" not in tag or "end" not in tag or ("content" in tag and "schema" in tag):
            raise GrammarError(
                f'tags[{place}] must have "begin", "end", and "content" or "schema"', got=dict(tag)
            )
        tag = StructuralTag(tag["begin"], tag.get("content", tag.get("schema")), tag["end"])
    if not isinstance(tag, StructuralTag):
        raise GrammarError(f"tags[{place}] must be a StructuralTag or a mapping", got=tag)
    for name in ("begin", "end"):
        checked_strings(f"tags[{place}].{name}", getattr(tag, name))
        if not isinstance(getattr(tag, name), str):
            raise GrammarError(f"tags[{place}].{name} must be a string", got=getattr(tag, name))
    return tag


def _content(tag: StructuralTag) -> Grammar | None:
    if tag.content is None or isinstance(tag.content, Grammar):
        return tag.content
    return from_json_schema(tag.content)


def _check_triggers(
    tags: tuple[StructuralTag, ...], triggers: tuple[str, ...], special_tokens: Mapping[str, int]
) -> None:
    for place, tag in enumerate(tags):
        fitting = [trigger for trigger in triggers if tag.begin.startswith(trigger)]
        if not fitting:
            raise GrammarError(
                f"tags[{place}].begin must begin with one of the triggers",
                got=tag.begin,
                advice=f"add a trigger, such as {tag.begin!r}, to {list(triggers)}",
            )
        for trigger in fitting:
            whole = {name for name in split_at_tokens(tag.begin, special_tokens) if name in special_tokens}
            parted = split_at_tokens(trigger, special_tokens) + split_at_tokens(
                tag.begin[len(trigger) :], special_tokens
            )
            if not whole <= set(parted):
                raise GrammarError(
                    f"the trigger ends within a special token of tags[{place}].begin",
                    got=trigger,
                    advice="let it end where the token ends",
                )
    for trigger in triggers:
        if not any(tag.begin.startswith(trigger) for tag in tags):
            raise GrammarError("a trigger begins no tag", got=trigger, advice="leave it out")
