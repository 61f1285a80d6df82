"""Right arguments of programs, for `tests/test_wrong_arguments.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tokentrellis as tt

from tests.tiny_models import tiny_model, tiny_tokenizer


def program() -> tt.Program:
    begun = tt.Program(tiny_model(), tiny_tokenizer())
    begun += "Ann"
    return begun


def append(text: Any) -> None:
    begun = program()
    begun += text


def choose(**arguments: Any) -> str:
    return program().choose(**arguments)


def generate(**arguments: Any) -> Any:
    return program().generate(**arguments)


def _fill(program: tt.Program, item: str) -> None:
    program += item
    program.choose("letter", ["x", "y"])


PROGRAMS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Program": (
        tt.Program,
        {
            "model": tiny_model(),
            "tokenizer": tiny_tokenizer(),
            "seed": 1,
            "temperature": 1.0,
            "top_k": 3,
            "top_p": 0.5,
            "min_p": 0.01,
            "healing": True,
            "on_capture": print,
        },
    ),
    "Program.__iadd__": (append, {"text": "x"}),
    "Program.choose": (choose, {"name": "a", "options": ["x", "y"]}),
    "Program.generate": (generate, {"name": "a", "grammar": None, "stop": "e", "max_tokens": 4}),
    "Program.generate by a grammar": (
        generate,
        {"name": "a", "grammar": tt.from_regex("a|b"), "stop": (), "max_tokens": 4, "ends": "eos"},
    ),
    "run_programs": (
        tt.run_programs,
        {
            "model": tiny_model(),
            "tokenizer": tiny_tokenizer(),
            "function": _fill,
            "items": ["Ann", "Bo"],
            "seed": 1,
            "temperature": 1.0,
            "top_k": 3,
            "top_p": 0.5,
            "min_p": 0.01,
            "healing": False,
            "max_rows": 2,
        },
    ),
}
NOT_CALLED = ("Capture",)
