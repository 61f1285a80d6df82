"""One pass over the schema before it is used: malformed keywords, references that lead nowhere, what is not
supported.

In comes a schema in its context, out comes a `Survey`: problems (what is not supported), annotations (formats
that nobody knows) and the keywords to drop if the problems are to be ignored. Everything that can be reached
from the root is visited once, through the applicators and `$ref`; what stands in unused definitions may be
anything. The pass costs about a microsecond for each keyword and does not recurse, so that depth is no
problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from ..errors import GrammarSyntaxError, UnresolvedReferenceError, UnsupportedFeatureError
from .formats import format_names, text_format
from .json_data import Pointer, check_key, check_value, written
from .keywords import (
    CHECKS,
    DRAFT_4,
    DRAFT_7,
    KEYWORDS,
    SCHEMA,
    SCHEMA_LIST,
    SCHEMA_MAP,
    SHAPES,
    TYPES,
    bare_type,
    is_schema,
    malformed,
)
from .references import Context
from .string_sets import format_verdict, pattern_language, writable
from .vocabularies import Dialect

_NESTED = {**SHAPES, "additionalItems": SCHEMA}
_LOOKED_AT = frozenset(
    (
        "pattern",
        "patternProperties",
        "format",
        "uniqueItems",
        "contains",
        "enum",
        "const",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        *("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties"),
        "$ref",
        *("dependencies", "dependentRequired"),
        "$dynamicRef",
        "$recursiveRef",
    )
)


def _right(value: object, draft: int) -> str:
    """The check of a keyword that may have any value, such as `const`."""
    return ""


Plans: TypeAlias = "dict[str, tuple[Callable[[object, int], str] | None, int | None, bool]]"
"""By keyword: what checks its value, how schemas stand in it, whether it needs a closer look."""

_PLANS: dict[int, Plans] = {
    draft: {word: (CHECKS.get(word, _right), _NESTED.get(word), word in _LOOKED_AT) for word in words}
    for draft, words in KEYWORDS.items()
}
_TYPE_NAMES = frozenset(TYPES)
_FORMAT_NAMES = format_names()

faster: Callable[..., Callable[[], None]] | None = None
"""What passes over plain schemas instead of `_visit`, many times as fast; `decoding/` sets it.

It is called with what is waiting, what has been seen, the plans by context and by draft, the context of the
document, the names of types, and of formats with nothing to report."""


class Survey:
    """What a pass over a schema found.

    problems: (JSON Pointer, reason). annotations: the same for what asserts nothing. dropped: (id of the
    schema object, keyword) of each problem. distinct_items: whether `uniqueItems` is true anywhere. contains:
    (schema, its context, place) of each `contains`. chained: the schemas that may lead on at once to others
    and so back to themselves: with their contexts, and the place and the value of the `$ref` that means them.
    """

    def __init__(self, schema: Any, context: Context, asserts_formats: bool = True) -> None:
        self.problems: list[tuple[str, str]] = []
        self.annotations: list[tuple[str, str]] = []
        self.dropped: set[tuple[int, str]] = set()
        self.distinct_items = False
        self.contains: list[tuple[Any, Context, Pointer]] = []
        self.chained: list[tuple[Any, Context, Pointer, object]] = []
        self._root = context
        self._asserts_formats = asserts_formats
        self._dialects: dict[int, Dialect] = {}
        self._plans: dict[int, Plans] = {}
        self._seen: set[tuple[int, int]] = set()
        self._waiting: list[tuple[Any, Context, Pointer]] = [(schema, context, ())]
        pass_over_plain = self._passes(schema, context)
        while self._waiting:
            pass_over_plain()
            if self._waiting:
                self._visit(*self._waiting.pop())

    def _passes(self, schema: Any, context: Context) -> Callable[[], None]:
        """What takes plain schemas off before a visit; nothing does where `faster` is not set."""
        if faster is None:
            return lambda: None
        if type(schema) is dict and "$ref" not in schema:
            self._plans_of(context, ())
        formats = _FORMAT_NAMES if self._asserts_formats else frozenset[str]()
        return faster(self._waiting, self._seen, self._plans, _PLANS, context, _TYPE_NAMES, formats)

    def _visit(self, schema: Any, context: Context, pointer: Pointer) -> None:
        if schema is True or schema is False:
            return
        if type(schema) is not dict and not isinstance(schema, Mapping):
            raise GrammarSyntaxError(
                "a schema must be an object or a Boolean", location=written(pointer), got=schema
            )
        key = (id(schema), context.index)
        if key in self._seen:
            if "allOf" in schema:
                self.chained.append((schema, context, pointer, ...))
            return
        self._seen.add(key)
        if "$id" in schema or "id" in schema:
            context = context.enter(schema)
        draft = context.draft
        if "$ref" in schema and draft <= DRAFT_7:
            self._check("$ref", schema["$ref"], draft, pointer)
            self._follow("$ref", schema["$ref"], context, pointer)
            return
        waiting = self._waiting
        plans = self._plans.get(context.index) or self._plans_of(context, pointer)
        check_all = plans is not _PLANS[draft]  # where a keyword may assert nothing
        for word, value in schema.items():
            plan = plans.get(word)
            if plan is None:
                if type(word) is not str:
                    check_key(word, pointer)
                continue
            check, shape, is_looked_at = plan
            if check is None:
                self.dropped.add((id(schema), word))
                continue
            if check(value, draft):
                self._check(word, value, draft, pointer)
            if shape is not None:
                here = (pointer, word)
                if shape == SCHEMA_MAP:
                    for name, member in value.items():
                        if type(name) is not str:
                            check_key(name, here)
                        if type(member) is not dict or check_all or bare_type(member, draft) is None:
                            waiting.append((member, context, (here, name)))
                elif shape == SCHEMA_LIST or type(value) is list:
                    waiting.extend([(member, context, (here, place)) for place, member in enumerate(value)])
                elif type(value) is not dict or check_all or bare_type(value, draft) is None:
                    waiting.append((value, context, here))
            if is_looked_at:
                self._look_at(word, value, schema, context, (pointer, word))

    def _plans_of(self, context: Context, pointer: Pointer) -> Plans:
        """What to do about each keyword in a context; without a check: it asserts nothing there."""
        plans = _PLANS[context.draft]
        left_out = self._dialect(context, pointer).left_out
        if left_out:
            plans = {word: (None, None, False) if word in left_out else plan for word, plan in plans.items()}
        self._plans[context.index] = plans
        return plans

    def _dialect(self, context: Context, pointer: Pointer) -> Dialect:
        """What the meta-schema says about keywords; that it requires unknown ones is a problem."""
        known = self._dialects.get(context.index)
        if known is None:
            known = self._dialects[context.index] = context.references.dialect(context)
            for name in known.not_known:
                reason = f"the meta-schema requires the vocabulary {name!r}, which is not known"
                self.problems.append((written((pointer, "$schema")), reason))
        return known

    def _check(self, word: str, value: Any, draft: int, pointer: Pointer) -> None:
        wrong = malformed(word, value, draft)
        if wrong:
            raise GrammarSyntaxError(f"must be {wrong}", location=written((pointer, word)), got=value)

    def _follow(self, word: str, reference: str, context: Context, pointer: Pointer) -> None:
        try:
            if word == "$ref":
                schema, target = context.resolve(reference)
            else:
                schema, target = context.resolve_dynamically(reference, word)
        except UnresolvedReferenceError as error:
            error.location = written((pointer, word))
            raise
        if not is_schema(schema):
            raise GrammarSyntaxError(
                "the reference leads to no schema", location=written((pointer, word)), got=reference
            )
        here: Pointer = (pointer, word)
        if target is self._root and (reference == "#" or reference.startswith("#/")):
            here = _place(reference)
        if schema is not True and schema is not False and ("$ref" in schema or "allOf" in schema):
            self.chained.append((schema, target, (pointer, word), reference))
        self._waiting.append((schema, target, here))

    def _look_at(
        self, word: str, value: Any, schema: Mapping[str, Any], context: Context, here: Pointer
    ) -> None:
        if word in ("$ref", "$dynamicRef", "$recursiveRef"):
            self._follow(word, value, context, here[0])
        elif word == "pattern":
            self._try_pattern(value, schema, word, here)
        elif word == "patternProperties":
            for pattern in value:
                self._try_pattern(pattern, schema, word, (here, pattern))
        elif word == "format":
            self._try_format(value, schema, context, here)
        elif word == "uniqueItems":
            self.distinct_items |= value
        elif word == "maxContains":
            check_value(value, here)
        elif word == "contains":
            self.contains.append((value, context, here))
        elif word == "dependentRequired":
            for name in value:
                check_key(name, here)
        elif word == "dependencies":
            for name, needs in value.items():
                check_key(name, here)
                if isinstance(needs, Mapping):
                    self._waiting.append((needs, context, (here, name)))
        elif not isinstance(value, (bool, str)):
            check_value(value, here)

    def _try_pattern(self, pattern: str, schema: Mapping[str, Any], word: str, here: Pointer) -> None:
        if not writable(pattern):
            self._problem(schema, word, here, "a lone surrogate is no character of UTF-8")
            return
        try:
            pattern_language(pattern)
        except UnsupportedFeatureError as error:
            self._problem(schema, word, here, str(error))
        except GrammarSyntaxError as error:
            raise GrammarSyntaxError(
                f"must be an ECMA-262 regular expression ({error.message})",
                location=written(here),
                got=pattern,
            ) from error

    def _try_format(self, name: str, schema: Mapping[str, Any], context: Context, here: Pointer) -> None:
        """A format must be known; listed values beside it must be certain to be of it, or not to be."""
        if not (self._asserts_formats or self._dialect(context, here).asserts_formats):
            reason = f"the format {name!r} asserts nothing, as was asked for"
            self.annotations.append((written(here), reason))
            self.dropped.add((id(schema), "format"))
            return
        found = text_format(name)
        if found is None:
            self.annotations.append((written(here), f"the format {name!r} is not known and asserts nothing"))
            return
        listed = [schema["const"]] if "const" in schema and context.draft > DRAFT_4 else schema.get("enum")
        for text in listed if isinstance(listed, list) else ():
            if isinstance(text, str) and writable(text) and format_verdict(found, text) is None:
                self._problem(schema, "format", here, f"whether {text!r} is a {name!r} is not certain")
                return

    def _problem(self, schema: Mapping[str, Any], word: str, here: Pointer, reason: str) -> None:
        self.problems.append((written(here), reason))
        self.dropped.add((id(schema), word))


def _place(reference: str) -> Pointer:
    """The place in the document that a reference to a JSON Pointer means."""
    place: Pointer = ()
    for token in unquote(reference).split("/")[1:]:
        place = (place, token.replace("~1", "/").replace("~0", "~"))
    return place
