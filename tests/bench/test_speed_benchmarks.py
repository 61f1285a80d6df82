"""The benchmarks of bench/speed that need no model: once each, with every engine that is installed.

What they count, who is left out and why, never how fast. A peer that is not there is skipped.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder

from bench.speed import batch, masks, memory, setting, synthetic, warm, workload
from bench.speed import compile as compile_benchmark
from bench.speed.setting import Setting
from bench.speed.tables import Table
from tests.bench.speed_setting import N_TOKENS, Yes, check_figures

pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_masks(one_engine: Setting) -> None:
    tables = masks.run(one_engine, rounds=1, fresh=1)
    assert [table.unit for table in tables] == ["us"] * 4
    names = {case.name for case in masks.situations("")}
    left_out = set(tables[0].reasons)
    for table in tables:
        assert set(table.samples) == names
        figures = {case: row for case, row in table.figures().items() if case not in left_out}
        assert all("median" in row[one_engine.engines[0]] for row in figures.values())
    if one_engine.engines == ["tokentrellis"]:
        assert not left_out
    else:
        assert tables[0].reasons["near the budget"] == {one_engine.engines[0]: "knows no budget"}
        assert left_out <= {"near the budget", "in a uniqueItems array"}


def test_masks_leave_out_who_does_not_keep_the_schema(made_up: Setting) -> None:
    situation = masks.Situation("any", {"enum": ["lamp"]}, '"', "lamp", "desk")
    encoded = masks.encode(situation, made_up)
    tables = [Table("t")]
    grammars = masks.admitted({"yes": Yes(made_up)}, encoded, tables)
    assert grammars == {}
    assert tables[0].reasons == {"any": {"yes": "does not keep the schema: takes 'desk' here"}}


def test_compile(one_engine: Setting) -> None:
    tables = compile_benchmark.run(one_engine, rounds=1, largest=10)
    engines = one_engine.engines
    for table in tables[:3]:
        check_figures(table, ["10 properties", "10 levels"], engines)
    compiled, first, document = (table.figures() for table in tables[:3])
    for case, row in compiled.items():
        times = [figures[case][engines[0]]["median"] for figures in (compiled, first, document)]
        assert times == sorted(times), row
    assert next(iter(tables[3].figures().values())).keys() == {"transformers", *engines}
    assert len(tables[3].figures()) == 2


def test_batch(one_engine: Setting) -> None:
    tables = batch.run(one_engine, rounds=3, rows=(1, 3), n_grammars=2)
    cases = [
        f"{kind}, {way}, {n_rows}"
        for kind in (batch.SAME, batch.DIFFERENT)
        for n_rows in (1, 3)
        for way in batch.WAYS
    ]
    check_figures(tables[0], cases, one_engine.engines)
    check_figures(tables[1], [batch.CHECK, batch.DRAFTED], one_engine.engines)
    assert {len(row[one_engine.engines[0]]) for row in tables[0].samples.values()} == {3}


def test_every_way_of_a_batch_writes_the_same_masks(one_engine: Setting) -> None:
    name = one_engine.engines[0]
    engine = one_engine.create(name)
    documents = batch.make_documents(one_engine, ["", "k_"], 3)
    grammars = batch.compile_all(name, engine, ["", "k_"], documents)
    assert isinstance(grammars, dict)
    walkers = batch.make_walkers(engine, grammars, documents, seed=5)
    expected = []
    for walker in walkers:
        engine.fill(walker.matcher)
        expected.append(engine.bitmask[0].copy())
    calls = batch.make_calls(name, engine, 3, threads=2)
    matchers = [walker.matcher for walker in walkers]
    for fill, argument in ((calls.loop, matchers), (calls.batch, calls.prepare(matchers))):
        calls.bitmask[:] = 0
        fill(argument)
        assert np.array_equal(calls.bitmask, np.stack(expected))


def test_checks_leave_the_matcher_where_it_was(one_engine: Setting) -> None:
    name = one_engine.engines[0]
    engine = one_engine.create(name)
    token_ids = one_engine.tokenizer.encode(workload.orders_text(random.Random(0)))
    matcher = engine.matcher(engine.compile(workload.orders_schema()))
    calls = batch.make_calls(name, engine, 1, threads=1)
    wrong = one_engine.tokenizer.encode("}")[0]
    for _ in range(2):
        assert calls.check(matcher, token_ids[0])
        assert not calls.check(matcher, wrong)
        assert calls.draft(matcher, token_ids[:8]) == 8
        assert calls.draft(matcher, [*token_ids[:3], wrong]) == 3
    for token_id in token_ids:
        assert engine.commit(matcher, token_id)


def test_the_second_document_is_read_by_all(one_engine: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "LARGEST", 10)
    (table,) = warm.run(one_engine)
    extra = [warm.BY_NUMBER] if one_engine.engines == [setting.OURS] else []
    known = [*one_engine.engines, *extra, *([warm.NOTHING] if extra else [])]
    figures = table.figures()
    assert {case: set(row) for case, row in figures.items()} == {
        warm.DOCUMENTS: set(known),
        warm.AVERAGE: set(known),
    }
    assert figures[warm.DOCUMENTS][known[0]]["n"] == 2


def test_memory_of_a_schema_goes_with_it(tmp_path: Path) -> None:
    """In a process of its own, as the benchmark runs it: a large schema takes more, and all of it goes."""
    synthetic.write_tokenizer(tmp_path, N_TOKENS)
    opened = Setting(TokenizerFolder(tmp_path), [setting.OURS], 0, tmp_path)
    data = tmp_path / "data.jsonl"
    sizes = (3, 600, 3, 600)
    lines = [
        {"name": str(number), "schema": {"enum": [f"{size} {i}" for i in range(size)]}, "tests": [TEST]}
        for number, size in enumerate(sizes)
    ]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    try:
        (table,) = memory.run(opened, data=data)
    except memory.NotMeasuredError as error:
        pytest.skip(str(error))
    small, large, small_again, large_again = table.samples[memory.SCHEMA][setting.OURS]
    assert (small_again, large_again) == (pytest.approx(small, rel=0.2), pytest.approx(large, rel=0.2))
    assert large > 2 * small
    (largest,) = table.samples[memory.LARGEST_SCHEMA][setting.OURS]
    assert largest == max(large, large_again)
    (set_up,), (left,) = (table.samples[case][setting.OURS] for case in (memory.SET_UP, memory.LEFT))
    assert 0 < set_up < left < set_up + 4 * large + 2**20


TEST = {"valid": True, "data": "3 1"}


def test_memory_that_cannot_be_counted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with pytest.raises(memory.NotMeasuredError, match="has no mallinfo2"):
        memory.in_use()
