"""The benchmarks of bench/speed that run a model, or torch alone, on the CPU and with tiny sizes.

What they count, who is left out and why, never how fast. A peer that is not there is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from bench.speed import setting
from bench.speed.setting import Setting
from bench.speed.tables import Table
from tests.bench.speed_setting import N_TOKENS, check_figures

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from bench.speed import automata, device, device_steps, end_to_end, hf_processors  # noqa: E402  (they need torch)


@pytest.fixture(autouse=True)
def _without_compiler() -> Iterator[None]:
    """llguidance's mask is applied by a function that torch compiles, which takes seconds."""
    with getattr(torch.compiler, "set_stance", nullcontext)("force_eager"):
        yield


def ways_of(opened: Setting) -> list[str]:
    """Ours copies the scores, and works in place."""
    (name,) = opened.engines
    return [name, name + hf_processors.IN_PLACE] if name == setting.OURS else [name]


def test_end_to_end(one_engine: Setting) -> None:
    tables = end_to_end.run(one_engine, rounds=1, batches=(1, 2), new_tokens=6, hidden_size=32, layers=1)
    ways = ways_of(one_engine)
    engines = [end_to_end.FREE, *ways]
    assert tables[0].reasons == {}
    assert tables[0].engines == engines
    for table, known in zip(tables, (engines, ways), strict=True):
        assert [set(row) for row in table.figures().values()] == [set(known)] * 2
    assert tables[0].figures()["batch of 2"][end_to_end.FREE]["ratio"] == 1
    # All generate as many tokens: a sample for each generation, and one for each step but
    # the first of round 0.
    assert {len(samples) for row in tables[0].samples.values() for samples in row.values()} == {1}
    assert {len(samples) for row in tables[1].samples.values() for samples in row.values()} == {5}


def test_the_size_of_the_model_depends_on_the_device() -> None:
    assert end_to_end.model_size("cpu", None, None) == {"hidden_size": 64, "layers": 2}
    assert end_to_end.model_size("cuda", None, 4) == {"hidden_size": 2048, "layers": 4}


def test_end_to_end_notices_another_text(made_up: Setting) -> None:
    """A processor that forbids what the script wants: the generation is not counted."""
    script = end_to_end.make_script(made_up, 1, 4)
    model = end_to_end.make_model(N_TOKENS, 32, 1, 40, "cpu", 0)
    assert end_to_end.time_generation(model, script, list)[0] is not None
    assert end_to_end.time_generation(model, script, lambda: [_only_the_first])[0] is None


def _only_the_first(input_ids: Any, scores: Any) -> Any:
    forbidden = torch.full_like(scores, -torch.inf)
    forbidden[:, 0] = 0
    return forbidden


def test_device_runs_without_a_gpu_in_tests(one_engine: Setting) -> None:
    tables = device.run(one_engine, rounds=1, device="cpu", rows=(2,), columns=257, hidden=16, layers=1)
    kernels, steps, calls = tables
    assert len(kernels.figures()) == len(device.DTYPES) * len(device.SHARES)
    for row in kernels.figures().values():
        assert {device.BOUND, device.COPY, "tokentrellis"} <= set(row)
        assert row["tokentrellis"]["median"] > 0
    assert list(steps.figures()) == ["batch of 2, projection alone", "batch of 2, 1 blocks"]
    for row in steps.figures().values():
        assert row[device_steps.FREE]["median"] > 0
        assert row[device_steps.AUTOMATON]["median"] > 0
    assert set(calls.figures()["batch of 2, 1 blocks"]) == {device_steps.FREE, *ways_of(one_engine)}
    assert calls.reasons == {}


def test_the_bound_is_bits_and_touched_sectors() -> None:
    problem = device.Problem.make(1, 64, torch.float32, 1.0, 0, torch.device("cpu"))
    assert problem.least_bytes == 8
    problem.masked[0, 7] = problem.masked[0, 8] = problem.masked[0, 9] = float("-inf")
    assert problem.least_bytes == 8 + 2 * 32  # logits 0 to 7, and 8 to 15


class Idle:
    """A token automaton that forbids nothing."""

    def start(self, rows: int, budgets: int) -> Any:
        zeros = torch.zeros(rows, dtype=torch.int64)
        return SimpleNamespace(states=zeros, left=zeros + budgets)

    def step(self, logits: Any, rows: Any) -> Any:
        return logits.argmax(-1)


def test_a_token_automaton_that_is_wrong_is_left_out(made_up: Setting) -> None:
    model = device_steps.StepModel(N_TOKENS, 16, 1, torch.device("cpu"), 0)
    finite = device_steps.compile_finite(made_up, torch.device("cpu"))
    table = Table("t", "us", device_steps.FREE)
    idle = device_steps.Finite(finite.compiled, Idle())
    device_steps.time_automaton(table, "case", idle, model, torch.arange(2), 1)
    reason = "writes a token that the grammar forbids"
    assert table.figures()["case"][device_steps.AUTOMATON] == {"left out": reason}
    assert device_steps.FREE in table.figures()["case"]


def test_the_schema_for_steps_is_not_finished_before_they_are(made_up: Setting) -> None:
    finite = device_steps.compile_finite(made_up, torch.device("cpu"))
    assert finite.compiled.matcher().tokens_to_finish > device_steps.STEPS


def test_automata(made_up: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    every = automata.grammars()
    few = {name: every[name] for name in ("50 choices", automata.STEPPED, "a recursive list in 40 tokens")}
    monkeypatch.setattr(automata, "grammars", lambda: few)
    made, sizes, tables, steps = automata.run(made_up, rounds=1, rows=(1, 2))
    for table, engines in ((made, [setting.OURS]), (tables, [setting.OURS]), (sizes, sizes.engines)):
        assert list(table.figures()) == list(few)
        check_figures(table, list(few), engines)
    assert sizes.engines == [automata.STATES, automata.CLASSES, automata.MASKS]
    check_figures(steps, ["batch of 1", "batch of 2"], [automata.FREE, automata.STEP])
