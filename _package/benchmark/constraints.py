"""Constraints on a text that a program can verify, in the manner of IFEval, CoDI-Eval and MulDimIF.

In: a list of constraints as JSON has them, and a text. Out: which of them hold. A constraint is an object
with its `kind`: `{"kind": "words", "at_most": 50}`, `{"kind": "includes", "texts": ["lamp"]}`. Strict
verdicts are about the text as it is; loose ones (as IFEval counts) also accept a text whose first or last
line, or whose asterisks, a model added to be friendly. Unlike `Length`, these verifiers only look at a
finished text; what a grammar or a length could have enforced is in `enforceable`.

Papers: IFEval (Zhou et al. 2023, arXiv:2311.07911), CoDI-Eval (Chen et al. 2024, arXiv:2401.00690), MulDimIF
(Ye et al. 2025, arXiv:2505.07591).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..decoding.length import Length
from ..decoding.length_measures import LengthMeasure
from ..grammars.errors import ConstraintError
from ..sources import write_json

Spec = Mapping[str, Any]
_BOUNDS = ("exactly", "at_least", "at_most")
_MEASURED = ("words", "characters", "sentences", "items")
_SECTION = re.compile(r"^#{1,6} \S", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]+\]")


def _bounds(spec: Spec) -> tuple[int | None, int | None]:
    exact = spec.get("exactly")
    return (exact, exact) if exact is not None else (spec.get("at_least"), spec.get("at_most"))


def _is_within(count: int, spec: Spec) -> bool:
    least, most = _bounds(spec)
    return (least is None or count >= least) and (most is None or count <= most)


def _count_paragraphs(text: str) -> int:
    return sum(bool(part.strip()) for part in re.split(r"\n\s*\n", text))


def _count_lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _has_case(text: str, spec: Spec) -> bool:
    letters = "".join(filter(str.isalpha, text))
    if spec["case"] == "title":
        words = re.findall(r"[^\W\d_]+", text)
        return bool(words) and all(word[0].isupper() for word in words)
    return bool(letters) and (letters.isupper() if spec["case"] == "upper" else letters.islower())


def _is_json(text: str, spec: Spec) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_COUNTS: dict[str, Callable[[str], int]] = {
    "paragraphs": _count_paragraphs,
    "lines": _count_lines,
    "sections": lambda text: len(_SECTION.findall(text)),
    "placeholders": lambda text: len(_PLACEHOLDER.findall(text)),
    "numbers": lambda text: len(re.findall(r"\d+(?:[.,]\d+)*", text)),
    "capitalized words": lambda text: sum(word.isupper() for word in re.findall(r"[^\W\d_]{2,}", text)),
}
_VERDICTS: dict[str, tuple[tuple[str, ...], Callable[[str, Spec], bool]]] = {
    "includes": (("texts",), lambda text, spec: all(t.lower() in text.lower() for t in spec["texts"])),
    "excludes": (("texts",), lambda text, spec: not any(t.lower() in text.lower() for t in spec["texts"])),
    "begins with": (("text",), lambda text, spec: text.lstrip().startswith(spec["text"])),
    "ends with": (("text",), lambda text, spec: text.rstrip().endswith(spec["text"])),
    "matches": (("pattern",), lambda text, spec: re.fullmatch(spec["pattern"], text) is not None),
    "one of": (("texts",), lambda text, spec: text.strip() in spec["texts"]),
    "case": (("case",), _has_case),
    "quoted": ((), lambda text, spec: len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"'),
    "json": ((), _is_json),
}
_OF_TEXT = {"occurrences": "text", "letter": "letter"}
KINDS = (*_MEASURED, *_COUNTS, *_OF_TEXT, *_VERDICTS)


def check_constraints(constraints: Any, place: str) -> None:
    """Raise ConstraintError for a list that says nothing, or what cannot be verified."""
    if not isinstance(constraints, list):
        raise ConstraintError(f"{place}: constraints must be a list", got=constraints)
    for spec in constraints:
        kind = spec.get("kind") if isinstance(spec, dict) else None
        if kind not in KINDS:
            raise ConstraintError(
                f"{place}: a constraint must have a kind", got=spec, advice=f"one of: {', '.join(KINDS)}"
            )
        needed = set(_VERDICTS[kind][0] if kind in _VERDICTS else (_OF_TEXT.get(kind, "kind"),)) - {"kind"}
        allowed = {"kind", *needed, *(() if kind in _VERDICTS else _BOUNDS)}
        if not needed <= set(spec) <= allowed:
            members = ", ".join(sorted(allowed - {"kind"})) or "nothing"
            raise ConstraintError(
                f"{place}: the constraint {kind!r} takes {members}",
                got=write_json(spec),
            )
        _check_values(spec, kind, f"{place}: the constraint {kind!r}")


def _check_values(spec: Spec, kind: str, place: str) -> None:
    if kind not in _VERDICTS and not set(_BOUNDS) & set(spec):
        raise ConstraintError(f"{place} needs one of {', '.join(_BOUNDS)}", got=write_json(spec))
    for name, value in spec.items():
        if name in _BOUNDS:
            is_right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        elif name == "texts":
            is_right = isinstance(value, list) and bool(value) and all(isinstance(t, str) for t in value)
        elif name == "case":
            is_right = value in ("upper", "lower", "title")
        else:
            is_right = isinstance(value, str) and bool(value)
        if not is_right:
            raise ConstraintError(f"{place}: {name} is no value of its kind", got=value)
    if kind == "matches":
        try:
            re.compile(spec["pattern"])
        except re.error as error:
            raise ConstraintError(f"{place}: is no pattern ({error})", got=spec["pattern"]) from error


def holds(spec: Spec, text: str) -> bool:
    """Whether one constraint, which was checked before, holds for a text."""
    kind = spec["kind"]
    if kind in _MEASURED:
        return _is_within(LengthMeasure(kind).count(text), spec)
    if kind in _COUNTS:
        return _is_within(_COUNTS[kind](text), spec)
    if kind in _OF_TEXT:
        return _is_within(text.lower().count(spec[_OF_TEXT[kind]].lower()), spec)
    return _VERDICTS[kind][1](text, spec)


def verify(constraints: Sequence[Spec], text: str) -> list[dict[str, Any]]:
    """For each constraint `{"kind", "strict", "loose"}`: whether it holds."""
    texts = list(_variants(text))
    return [
        {
            "kind": spec["kind"],
            "strict": holds(spec, text),
            "loose": any(holds(spec, variant) for variant in texts),
        }
        for spec in constraints
    ]


def _variants(text: str) -> Iterator[str]:
    lines = text.split("\n")
    parts = (lines, lines[1:], lines[:-1], lines[1:-1])
    for cut in ("\n".join(part).strip() for part in parts if part):
        yield cut
        yield cut.replace("*", "")
    yield text


def enforceable(constraints: Sequence[Spec]) -> Length | None:
    """The first constraint that a length can enforce while a text is written; None: there is none."""
    for spec in constraints:
        if spec["kind"] in _MEASURED:
            bounds: dict[str, Any] = {spec["kind"]: _bounds(spec)}
            return Length(**bounds)
    return None
