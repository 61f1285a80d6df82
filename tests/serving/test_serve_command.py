"""`tokentrellis serve`: what its options become, and what is refused before anything is loaded."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tokentrellis.serving.engine import Engine

from tests.commands import run


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What uvicorn was told, and the engine; nothing is served."""
    seen: dict[str, Any] = {}
    made = Engine.__init__

    def note_engine(engine: Engine, *arguments: Any, **options: Any) -> None:
        made(engine, *arguments, **options)
        seen["engine"] = engine

    monkeypatch.setattr(Engine, "__init__", note_engine)
    monkeypatch.setattr("uvicorn.run", lambda application, **options: seen.update(options))
    return seen


def test_options(started: dict[str, Any], model_folder: str) -> None:
    run(
        *("serve", "--model", model_folder, "--name", "tiny", "--host", "0.0.0.0", "--port", "9000"),
        *("--mask-seconds", "0.5", "--stop-seconds", "3"),
        *("--max-rows", "3", "--max-new-tokens", "50", "--compile-seconds", "2", "--max-grammars", "7"),
    )
    engine = started["engine"]
    assert (started["host"], started["port"], engine.name) == ("0.0.0.0", 9000, "tiny")
    limits = engine.limits
    assert (limits.most_rows, limits.most_new_tokens, limits.compile_seconds) == (3, 50, 2)
    assert limits.most_grammars == 7
    assert limits.mask_seconds == 0.5
    assert started["timeout_graceful_shutdown"] == 3


def test_the_embedded_model_is_served_without_options(started: dict[str, Any]) -> None:
    run("serve")
    assert started["engine"].name == "tokentrellis-embedded"
    assert started["host"] == "127.0.0.1"
    assert started["timeout_graceful_shutdown"] == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--whitespace", "wide"], "--whitespace must be natural"),
        (["--api-key", ""], "a key must not be empty"),
        (["--model", "./no/such/folder"], "no such folder"),
    ],
)
def test_refusals(options: list[str], message: str) -> None:
    assert message in run("serve", *options, code=2).stderr


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'tokentrellis[serve]'" in run("serve", code=2).stderr
