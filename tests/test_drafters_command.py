"""`tokentrellis generate --drafter`: the same output, and clear words where options do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import run
from tests.tiny_models import tiny_model, tiny_tokenizer

SCHEMA = '{"type": "object", "properties": {"age": {"enum": [1, 2]}}, "required": ["age"]}'


@pytest.mark.parametrize("name", ["recycling", "ngram", "lookup", "suffix", "forced"])
def test_without_a_draft_model(model_folder: str, name: str) -> None:
    options = ("generate", SCHEMA, "text", "--model", model_folder)
    assert run(*options, "--drafter", name).stdout == run(*options).stdout


def test_the_report_has_the_drafts(model_folder: str) -> None:
    options = ("generate", SCHEMA, "text", "--model", model_folder, "--json")
    report = json.loads(run(*options, "--drafter", "rsd", "--draft-model", model_folder).stdout)
    speculation = report["stats"]["speculation"]
    assert speculation["n_tokens"] == report["stats"]["n_tokens"] - 1
    assert speculation["block_efficiency"] >= 1
    assert json.loads(run(*options).stdout)["stats"]["speculation"] is None


@pytest.mark.parametrize("name", ["beam", "dyspec", "sequoia"])
def test_with_a_draft_model(model_folder: str, name: str) -> None:
    options = ("generate", SCHEMA, "text", "--model", model_folder)
    drafting = ("--drafter", name, "--draft-model", model_folder)
    assert run(*options, *drafting).stdout == run(*options).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--drafter", "magic"), "there is no such drafter, got 'magic'; take one of recycling, ngram"),
        (("--drafter", "rsd"), "--drafter rsd needs a draft model; name a smaller one with --draft-model"),
        (("--draft-model", "./x"), "--draft-model would do nothing with no --drafter"),
        (("--drafter", "lookup", "--draft-model", "./x"), "would do nothing with --drafter lookup"),
        (("--drafter", "rsd", "--draft-model", "./no/such"), "there is no such folder"),
    ],
)
def test_what_does_not_go_together(model_folder: str, options: tuple[str, ...], message: str) -> None:
    assert message in run("generate", SCHEMA, "text", "--model", model_folder, *options, code=2).stderr


def test_a_draft_model_with_other_tokens(model_folder: str, tmp_path: Path) -> None:
    tiny_model(n_logits=300).save_pretrained(tmp_path)
    tiny_tokenizer(300).save_pretrained(tmp_path)
    options = ("--model", model_folder, "--drafter", "rsd", "--draft-model", str(tmp_path))
    message = run("generate", SCHEMA, "text", *options, code=2).stderr
    assert "the draft model must have the tokens of the model" in message
