"""`tokentrellis bench --ray`: workers on Ray of this machine, without a model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
from tokentrellis.benchmark.generation import Setting
from tokentrellis.benchmark.isolation import Limits
from tokentrellis.benchmark.run import Journal
from tokentrellis.benchmark.tasks import Task

from tests.commands import run

ENGINES = ("one", "two")


def run_on_ray(
    folder: Path, prompts: dict[str, str], *, takes_turns: bool = True
) -> dict[tuple[str, str], str]:
    """The status of every outcome; the tasks that were asked for are noted in the folder."""
    from tokentrellis.benchmark.ray_run import run_on_ray

    from tests.benchmark.fake_writer import FakeBench

    tasks = [Task(name, "g", prompt=prompt) for name, prompt in prompts.items()]
    journal = Journal(folder / "out", {"tasks": 1}, {})
    try:
        run_on_ray(
            *(
                tasks,
                ENGINES,
                Setting(str(folder / "notes"), None, 1, "compact"),
                journal,
                Limits(60.0, 500.0),
            ),
            takes_turns=takes_turns,
            report=lambda outcome: None,
            workers=2,
            bench=FakeBench,
        )
    finally:
        journal.close()
    return {key: outcome.status for key, outcome in journal.outcomes.items()}


def test_every_outcome_once(cluster: Any, tmp_path: Path) -> None:
    """A worker that is killed, an engine that crashes: each task is there, with one outcome an engine."""
    prompts = {**{f"t{number}": "text" for number in range(6)}, "bad": "crash", "deadly": "die"}
    found = run_on_ray(tmp_path, prompts)
    assert (tmp_path / "died").exists()
    assert Counter(found.values()) == {"written": 14, "crash": 2}
    lines = (tmp_path / "out" / "outcomes.jsonl").read_text().splitlines()
    assert len(lines) == len(found) == 16
    # Taken up: only what is new is asked for.
    (tmp_path / "notes").write_text("")
    run_on_ray(tmp_path, {**prompts, "new": "text"})
    assert sorted((tmp_path / "notes").read_text().splitlines()) == ["one new", "two new"]


def test_one_engine_after_the_other(cluster: Any, tmp_path: Path) -> None:
    found = run_on_ray(tmp_path, {"a": "text", "b": "text"}, takes_turns=False)
    assert set(found) == {(engine, name) for engine in ENGINES for name in "ab"}


def test_what_cannot_be_set_up_is_said(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(tt.ConstraintError, match="cannot be set up"):
        run_on_ray(tmp_path, {"a": "refuse"})


def test_options_that_need_ray(tmp_path: Path) -> None:
    message = run("bench", "--workers", "3", "--out", str(tmp_path / "o"), code=2).stderr
    assert "do nothing without --ray" in message
