"""The API reference: every public name with its signature and docstring.

In: the installed package. Out: pages of Markdown by their place, one for each theme, and an index. The
theme of a name follows from the module that it lives in, so a new name needs no line here. Methods of
compiled classes have no signatures at run time; those come from the stub beside the core, which Python can
execute.
"""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import tokentrellis
from docstrings import LINE_ENTRY, to_markdown
from tokentrellis._ext import core

# (place, title, modules); the first theme with a module of that name has it.
THEMES = [
    ("errors", "Errors", ["*.errors"]),
    ("drafters", "Drafters", [".samplers.draft*", "*.specul*"]),
    ("programs", "Programs and partial JSON", [".samplers.program*", ".decoding.partial_json"]),
    (
        "predicates",
        "Predicates and constraints of samplers",
        [".samplers.predicates", ".samplers.constraint"],
    ),
    ("samplers", "Samplers and their models", [".samplers.*"]),
    ("tools", "Tool calls and structural tags", [".grammars.tool*", ".grammars.call*", ".grammars.struct*"]),
    ("grammars", "Grammars", [".grammars.*"]),
    ("traces", "Traces", [".decoding.trace*"]),
    (
        "lengths",
        "Lengths and ends",
        ["*length*", "*countdown*", "*response*", "*termination*", "*terminating*", "*model_writer"],
    ),
    ("decoding", "Vocabularies, masks and generate", [".decoding.*"]),
]
ORDER = (
    *("decoding", "grammars", "tools", "lengths", "samplers"),
    *("predicates", "drafters", "programs", "traces", "errors"),
)
FOLDER = "api"
MEMBERS = (property, cached_property, classmethod, staticmethod)
WIDEST = 90  # characters of a signature on one line


def theme_of(name: str) -> str:
    module = tokentrellis._MODULE_OF_NAME[name]
    return next(place for place, _, modules in THEMES if any(fnmatch(module, pattern) for pattern in modules))


def pages() -> dict[str, str]:
    """Markdown by place, for example "api/errors.md"."""
    titles = {place: title for place, title, _ in THEMES}
    names = {place: [name for name in tokentrellis.__all__ if theme_of(name) == place] for place in ORDER}
    index = ["# API reference", "", "Every public name of `import tokentrellis as tt`, by theme.", ""]
    for place in ORDER:
        index += [f"## [{titles[place]}]({place}.md)", "", "| | |", "| :-- | :-- |"]
        index += [f"| {link(name)} | {_summary(getattr(tokentrellis, name))} |" for name in names[place]]
        index.append("")
    written = {f"{FOLDER}/index.md": "\n".join(index)}
    for place in ORDER:
        parts = [f"# {titles[place]}\n", *(entry(name) for name in names[place])]
        written[f"{FOLDER}/{place}.md"] = "\n".join(parts)
    return written


def link(text: str) -> str:
    """A text in backticks, as a link where it is a public name or a page of the documentation."""
    name = re.sub(r"^tt\.|\(.*\)$", "", text)
    if name in tokentrellis._MODULE_OF_NAME:
        return f"[`{text}`]({theme_of(name)}.md#{name})"
    return f"``{text}``" if "`" in text else f"`{text}`"


def entry(name: str) -> str:
    """A name with everything below it."""
    thing = getattr(tokentrellis, name)
    if isinstance(thing, Mapping):  # a table of what there is
        rows = [f"| `{key}` | {_cell(value)} |" for key, value in thing.items()]
        return "\n".join(
            [f"## `{name}` {{#{name}}}\n", f"```py\ntt.{name}\n```\n", "| | |", "| :-- | :-- |", *rows, ""]
        )
    parts = [f"## `{name}` {{#{name}}}\n", described(f"tt.{name}", thing)]
    if inspect.isclass(thing):
        bases = [base.__name__ for base in thing.__mro__[1:] if base in _public_classes()]
        if bases:
            parts.append(f"Derived from {', '.join(map(link, bases))}.\n")
        for member, found in members(thing):
            parts += [f"### `{name}.{member}` {{#{name}.{member}}}\n", described(f".{member}", found)]
    return "\n".join(parts)


def described(shown: str, thing: Any) -> str:
    """Signature and docstring. Properties have no brackets."""
    is_value = isinstance(thing, property | cached_property)
    function = _function(thing)
    parameters: list[inspect.Parameter] = []
    text = shown
    if not is_value:
        text, parameters = signature(shown, function)
    document = inspect.getdoc(function) or ""
    names = {parameter.name for parameter in parameters}
    document = re.sub(r"\bdocs/(\w+\.md)\b", r"\1", document)
    return f"```py\n{text}\n```\n\n{to_markdown(document, names, link)}"


def signature(shown: str, function: Any) -> tuple[str, list[inspect.Parameter]]:
    try:
        found = inspect.signature(function)
    except ValueError:  # a class whose constructor is compiled
        return shown, []
    parameters = [item for item in found.parameters.values() if item.name not in ("self", "cls")]
    pieces = []
    for item in parameters:
        if (
            item.kind is item.KEYWORD_ONLY
            and "*" not in pieces
            and not any(p.startswith("*") for p in pieces)
        ):
            pieces.append("*")
        pieces.append(_parameter(item))
    returns = ""
    if found.return_annotation is not found.empty and not inspect.isclass(function):
        returns = f" -> {_annotation(found.return_annotation)}"
    line = f"{shown}({', '.join(pieces)}){returns}"
    if len(line) > WIDEST:
        inner = "".join(f"    {piece},\n" for piece in pieces)
        line = f"{shown}(\n{inner}){returns}"
    return line, parameters


def _parameter(item: inspect.Parameter) -> str:
    stars = {item.VAR_POSITIONAL: "*", item.VAR_KEYWORD: "**"}.get(item.kind, "")
    written = stars + item.name
    if item.annotation is not item.empty:
        written += f": {_annotation(item.annotation)}"
    if item.default is not item.empty:
        default = repr(item.default)
        written += f" = {'...' if default.startswith('<') else default}"
    return written


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, also of base classes that are not public themselves.

    What only does as its base class says, or as a foreign one asks, has no text of its own and is left out.
    """
    seen: set[str] = set()
    for base in owner.__mro__:
        is_listed = base is not owner and base in _public_classes()
        if is_listed or not base.__module__.startswith("tokentrellis."):
            continue
        if base.__module__.endswith("_ext.core"):
            base = _stubs()[base.__name__]
        for name, found in vars(base).items():
            is_member = isinstance(found, MEMBERS) or inspect.isfunction(found)
            text = inspect.getdoc(_function(found)) if is_member else None
            if text and not text.startswith("See `") and not name.startswith("_") and name not in seen:
                yield name, found
            seen.add(name)


@cache
def _public_classes() -> frozenset[type]:
    things = (getattr(tokentrellis, name) for name in tokentrellis.__all__)
    return frozenset(thing for thing in things if inspect.isclass(thing))


def _function(thing: Any) -> Any:
    if isinstance(thing, property):
        return thing.fget
    if isinstance(thing, cached_property):
        return thing.func
    return getattr(thing, "__func__", thing)


def _summary(thing: Any) -> str:
    """The first paragraph of a docstring, in one line, up to where the arguments begin."""
    if isinstance(thing, Mapping):
        return _cell(", ".join(f"`{key}`" for key in thing))
    text = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    begins = LINE_ENTRY.search(text)
    return to_markdown(text[: begins.start()] if begins else text, (), link).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


@cache
def _stubs() -> dict[str, Any]:
    return runpy.run_path(str(Path(core.__file__).parent / "core.pyi"))
