"""`tokentrellis run`: batches here, and workers of Ray that are killed in the middle of their work."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tokentrellis as tt
from referencing import Registry
from tokentrellis.lines import open_target, read_records, take_up
from tokentrellis.ray_workers import RowWriter, generate_rows, write_lines
from tokentrellis.writer import WriterSettings, make_writer

from tests.commands import run

SCHEMA = {"type": "object", "properties": {"age": {"enum": [1, 2]}}, "required": ["age"]}
TEXTS = [f"text {number}" for number in range(23)]


def write_texts(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "id": [n]}) + "\n" for n, text in enumerate(texts)))
    return path


# -- here


def test_batches_write_what_generate_writes(model_folder: str, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "in.jsonl", TEXTS[:7])
    options = (json.dumps(SCHEMA), "--jsonl", str(source), "--model", model_folder)
    expected = run("generate", *options).stdout
    out = tmp_path / "out.jsonl"
    run("run", *options, "--out", str(out), "--batch-size", "3")
    assert out.read_text() == expected
    # Cut off in the fifth line, in the middle of a batch.
    out.write_text(expected[: len("".join(expected.splitlines(keepends=True)[:4])) + 9])
    assert (
        "4 of 7 lines are there; one that was cut off is removed"
        in run("run", *options, "--out", str(out), "--batch-size", "3").stderr
    )
    assert out.read_text() == expected
    drawn = (*options, "--seed", "5", "--temperature", "2")
    run("run", *drawn, "--out", str(tmp_path / "drawn.jsonl"))
    assert (tmp_path / "drawn.jsonl").read_text() == run("generate", *drawn).stdout
    run("run", *options, "--json", "--out", str(tmp_path / "reports.jsonl"))
    assert json.loads((tmp_path / "reports.jsonl").read_text().splitlines()[0])["report"]["text"]


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """The same command given twice must not write every line twice."""
    pytest.importorskip("fcntl")
    out = tmp_path / "out.jsonl"
    with open_target(out) as sink:
        with (
            pytest.raises(tt.ConstraintError, match=r"out\.jsonl: another run is writing to it"),
            open_target(out),
        ):
            pass
        sink.write("{}\n")
    with open_target(out):
        assert out.read_text() == "{}\n"


@pytest.mark.parametrize("command", [("run", "--batch-size", "4"), ("generate",)])
def test_a_text_at_fault_is_named_and_those_before_it_are_there(
    command: tuple[str, ...], model_folder: str, tmp_path: Path
) -> None:
    source = write_texts(tmp_path / "in.jsonl", [*TEXTS[:6], "long " * 3000, *TEXTS[6:]])
    out = tmp_path / "out.jsonl"
    options = (json.dumps(SCHEMA), "--jsonl", str(source), "--out", str(out), "--model", model_folder)
    stopped = run(*command, *options, code=2)
    assert "text 7: prompt: must have fewer than" in stopped.stderr
    assert [json.loads(line)["text"] for line in out.read_text().splitlines()] == TEXTS[:6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of SCHEMA, --regex and --choices is needed"),
        (("{}", "--batch-size", "0"), "--batch-size must be at least 1"),
        (("{}", "--workers", "0"), "--workers must be at least 1"),
        (("{}", "--ray-address", "x"), "do nothing without --ray"),
        (("{}", "--workers", "3"), "do nothing without --ray"),
        (("{}", "--gpus-per-worker", "0.5"), "do nothing without --ray"),
    ],
)
def test_errors(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "in.jsonl", TEXTS[:1])
    options = ("--jsonl", str(source), "--out", str(tmp_path / "out.jsonl"))
    assert message in run("run", *arguments, *options, code=2).stderr


def test_without_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tokentrellis.ray_workers.importlib.util.find_spec", lambda name: None)
    source = write_texts(tmp_path / "in.jsonl", TEXTS[:1])
    message = run("run", "{}", "--ray", "--jsonl", str(source), "--out", str(tmp_path / "o"), code=2).stderr
    assert "pip install 'tokentrellis[ray]'" in message


# -- what travels


def test_a_grammar_pickles_by_its_schema_and_options() -> None:
    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    schema = {
        "$defs": {"tree": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}}},
        "properties": {"b": {"$ref": "http://a.example/x"}, "a": {"$ref": "#/$defs/tree"}},
        "required": ["a", "b"],
    }
    options: dict[str, Any] = {
        "whitespace": {"indent": 1},
        "property_order": "any",
        "registry": {"http://a.example/x": {"type": "integer", "minimum": 5}},
    }
    grammar = tt.from_json_schema(schema, **options)
    tt.compile_grammar(grammar, vocabulary).matcher().try_read(b'{\n "a": {\n  "x": {}\n },\n "b": 7\n}')
    data = pickle.dumps(grammar)
    assert len(data) < 600
    again = pickle.loads(data)
    for text in ('{\n "a": {\n  "x": {}\n },\n "b": 7\n}', '{\n "b": 5,\n "a": {}\n}', '{"a": {}, "b": 7}'):
        assert again.accepts(text) == grammar.accepts(text)
    assert not again.accepts('{\n "a": {},\n "b": 4\n}')
    assert pickle.loads(pickle.dumps(again)).whitespace == {"indent": 1}


def test_a_registry_of_referencing_does_not_travel() -> None:
    grammar = tt.from_json_schema(True, registry=Registry())
    with pytest.raises(tt.GrammarError, match="give registry as a dict"):
        pickle.dumps(grammar)


def test_a_row_writer_does_what_the_lines_do(model_folder: str) -> None:
    """In this process, with the model; one text that is too long does not cost its neighbours."""
    pytest.importorskip("ray")
    settings = WriterSettings(tt.from_json_schema(SCHEMA), SCHEMA, model_folder)
    settings = pickle.loads(pickle.dumps(settings))
    batch = {"text": ["a", "b " * 3000, "c"], "number": [4, 5, 6]}
    expected = make_writer(settings)(["a", "c"], 0)
    for chosen in (settings, replace(settings, seed=3)):
        row = RowWriter(chosen)(batch)
        assert [bool(error) for error in row["error"]] == [False, True, False]
        assert row["output"][1] == ""
        assert "context" in row["error"][1]
        assert json.loads(row["report"][0])["value"] == json.loads(row["output"][0])
    greedy = RowWriter(settings)(batch)["output"]
    assert [json.loads(greedy[0]), json.loads(greedy[2])] == [result.value for result in expected]
    drawn = make_writer(replace(settings, seed=3))(["c"], 6)[0].value
    assert json.loads(RowWriter(replace(settings, seed=3))(batch)["output"][2]) == drawn


# -- on Ray


def ray_run(folder: Path, texts: list[str], stop_after: int | None = None) -> int:
    """Take the run in `folder` up, perhaps only for some lines; gives the number of lines that were there."""
    from tests.fake_ray_worker import FakeRowWriter

    source = write_texts(folder / "in.jsonl", texts)
    out = folder / "out.jsonl"
    records = read_records(source)
    n_finished = take_up(out, source, records, False)
    settings = WriterSettings(tt.from_json_schema(SCHEMA), str(folder))
    with open_target(out) as sink:
        written = write_lines(
            *(settings, records, n_finished, sink, False), workers=2, batch_size=2, worker=FakeRowWriter
        )
        for count, _ in enumerate(written, 1):
            if count == stop_after:
                break
        written.close()  # type: ignore[attr-defined]
    return n_finished


def check_lines(path: Path, texts: list[str]) -> None:
    """Each text once, in order, with its other members."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [
        {"text": text, "id": [n], "output": {"said": text.upper(), "digits": 1}}
        for n, text in enumerate(texts)
    ]


def test_a_worker_that_is_killed_costs_no_line(cluster: Any, tmp_path: Path) -> None:
    texts = [*TEXTS[:9], "die", *TEXTS[9:]]
    ray_run(tmp_path, texts)
    assert (tmp_path / "died").exists()
    check_lines(tmp_path / "out.jsonl", texts)
    workers = [path.name.split() for path in tmp_path.iterdir() if path.name.startswith("worker")]
    assert len(workers) >= 3  # two, and the one in place of the dead
    assert len({fingerprint for _, _, fingerprint in workers}) == 1


def test_a_driver_that_was_killed_is_taken_up(cluster: Any, tmp_path: Path) -> None:
    ray_run(tmp_path, TEXTS, stop_after=7)
    out = tmp_path / "out.jsonl"
    assert len(out.read_text().splitlines()) == 7
    with out.open("a") as sink:  # it died while it wrote the eighth
        sink.write('{"text": "text 7", "id": [7], "outp')
    assert ray_run(tmp_path, TEXTS) == 7
    check_lines(out, TEXTS)


def test_an_error_names_its_text_and_keeps_what_is_there(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(tt.ConstraintError, match=r"text 6: this text cannot be written for"):
        ray_run(tmp_path, [*TEXTS[:5], "refuse", *TEXTS[5:]])
    check_lines(tmp_path / "out.jsonl", TEXTS[:5])


def test_the_vocabulary_is_put_into_the_store_once(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fake_ray_worker import FakeRowWriter

    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    put: list[Any] = []
    original = cluster.put
    monkeypatch.setattr(cluster, "put", lambda value: put.append(value) or original(value))
    dataset = cluster.data.from_items([{"text": text} for text in TEXTS], override_num_blocks=4)
    settings = WriterSettings(tt.from_json_schema(SCHEMA), str(tmp_path))
    rows = generate_rows(
        dataset, settings, vocabulary=vocabulary, workers=2, batch_size=3, worker=FakeRowWriter
    )
    outputs = {row["text"]: json.loads(row["output"])["said"] for row in rows.take_all()}
    assert outputs == {text: text.upper() for text in TEXTS}
    assert [value for value in put if isinstance(value, tt.Vocabulary)] == [vocabulary]
