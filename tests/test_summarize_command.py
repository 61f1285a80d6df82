"""`tokentrellis summarize`: extracts with the embedded model, free text with another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokentrellis import Length

from tests.commands import run

TEXT = (
    "The council of Marlow approved a plan to replace two hundred old lamps. The work begins in March. "
    "Mayor Ortiz said that the new lamps use less energy, and some residents asked for warmer light."
)


def test_the_embedded_model_chooses_sentences() -> None:
    summary = run("summarize", TEXT, "--words", "18").stdout.strip()
    assert Length(words=18).measure().count(summary) == 18
    assert all(sentence in TEXT for sentence in summary.removesuffix(".").split(". "))


def test_another_model_writes_within_the_length(model_folder: str) -> None:
    options = ("--model", model_folder, "--max-new-tokens", "60", "--json")
    report = json.loads(run("summarize", TEXT, "--characters", "10-20", *options).stdout)
    assert 10 <= len(report["text"]) <= 20
    assert report["value"] == report["text"]
    extract = run("summarize", TEXT, "--sentences", "1", "--model", model_folder, "--extract").stdout
    assert extract.strip().removesuffix(".") in TEXT


def test_lines_of_a_file(model_folder: str, tmp_path: Path) -> None:
    source, target = tmp_path / "texts.jsonl", tmp_path / "summaries.jsonl"
    source.write_text(json.dumps(TEXT) + "\n" + json.dumps({"id": 2, "text": TEXT}) + "\n")
    run(
        "summarize",
        "--jsonl",
        str(source),
        "--out",
        str(target),
        "--words",
        "-30",
        "--model",
        model_folder,
        "--extract",
    )
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line.get("id") for line in lines] == [None, 2]
    assert all(Length.at_most(words=30).measure().count(line["output"]) <= 30 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--words", "ten"), "--words must be a number or a range, got 'ten'; write 50, 40-60, -60 or 40-"),
        (("--words", "-"), "--words must be a number or a range"),
        (("--words", "20-10"), "the least must not be above the most"),
        (("--words", "1", "--sentences", "1"), "--words and --sentences exclude each other"),
        (("--words", "4000"), "the text has no extract of exactly 4000 words"),
        (("--tokens", "5"), "--tokens needs a model that writes"),
        (("--words", "5", "--top-p", "7"), "--top-p must be greater than 0 and at most 1"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], message: str) -> None:
    assert message in run("summarize", TEXT, *arguments, code=2).stderr
