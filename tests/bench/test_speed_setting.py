"""What bench/speed measures with: vocabularies and documents made up, processes, turns, who is left out."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import jsonschema_rs
import pytest
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder

from bench.speed import batch, batch_calls, masks, setting, synthetic, workload
from bench.speed import compile as compile_benchmark
from bench.speed.setting import NewProcessError, Setting, in_new_process, open_setting
from tests.bench.speed_setting import N_TOKENS, PEERS, Yes

pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_the_made_up_vocabulary_is_closed_under_beginnings() -> None:
    tokens = synthetic.tokens(N_TOKENS, 1)
    assert len(tokens) == N_TOKENS
    assert len(set(tokens)) == N_TOKENS
    assert tokens[-1] == b""
    assert all(token[:-1] in tokens for token in tokens[:-1])
    assert b'{"' in tokens
    assert synthetic.tokens(N_TOKENS, 1) == tokens
    assert synthetic.tokens(N_TOKENS, 2) != tokens
    with pytest.raises(ValueError, match="must be at least 512, got 100"):
        synthetic.merges(100)


def test_the_written_tokenizer_has_the_same_tokens(made_up: Setting) -> None:
    assert made_up.tokenizer.token_bytes == synthetic.tokens(N_TOKENS, 0)
    text = '{"name": "Ann é 漢"}\n'
    token_ids = made_up.tokenizer.encode(text)
    assert b"".join(made_up.tokenizer.token_bytes[token_id] for token_id in token_ids).decode() == text


def test_a_doubled_tokenizer_has_every_token_that_it_had(made_up: Setting, tmp_path: Path) -> None:
    synthetic.double_tokenizer(made_up.tokenizer.folder, tmp_path)
    doubled = TokenizerFolder(tmp_path)
    before, after = made_up.tokenizer.token_bytes, doubled.token_bytes
    assert after[: N_TOKENS - 1] == before[:-1]
    assert doubled.eos_token_ids == [len(after) - 1]
    assert after[-1] == b""
    assert 1.8 * N_TOKENS < len(after) <= 2 * N_TOKENS
    assert len(set(after)) == len(after)
    with pytest.raises(ValueError, match="only a byte-pair encoding"):
        synthetic.double_tokenizer(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize("mark", ["", "k1_"])
def test_orders_are_documents_of_their_schema(mark: str) -> None:
    schema = workload.orders_schema(mark)
    for n_items in (1, 4):
        document = json.loads(workload.orders_text(random.Random(n_items), mark, n_items))
        assert len(document) == n_items
        assert jsonschema_rs.is_valid(schema, document)
    assert not jsonschema_rs.is_valid(workload.orders_schema("other"), document)


def test_schemas_by_size_have_the_size_and_valid_documents() -> None:
    lines = compile_benchmark.lines(100, seed=3)
    assert [line["name"] for line in lines] == [
        *("10 properties", "100 properties", "10 levels", "100 levels"),
        "100 members of an enum",
    ]
    assert len(lines[1]["schema"]["properties"]) == 100
    assert len(lines[-1]["schema"]["items"]["enum"]) == 100
    for line in lines:
        assert jsonschema_rs.is_valid(line["schema"], line["tests"][0]["data"])


def test_situations_are_what_their_names_say() -> None:
    """`before` is a beginning of JSON, and both the token and the wrong text go on with it."""
    cases = masks.situations("_1", seed=0)
    assert len({case.name for case in cases}) == len(cases)
    assert {case.before + case.token for case in cases} >= {"{", '{"name_1": "Ann",'}
    assert all("_1" in json.dumps(case.schema) for case in cases)
    assert cases[6].before + cases[6].wrong > '["' + 24 * " "


def test_a_new_process_gives_its_result_or_says_how_it_died() -> None:
    assert in_new_process(_double, 21) == 42
    with pytest.raises(NewProcessError, match="exit status 3"):
        in_new_process(os._exit, 3)


def _double(number: int) -> int:
    return 2 * number


def test_turns_have_every_name_once_in_each_round() -> None:
    seen = list(setting.turns("abc", 2, seed=1))
    assert [number for number, _ in seen] == [0] * 3 + [1] * 3 + [2] * 3
    assert all(sorted(name for number, name in seen if number == n) == list("abc") for n in range(3))
    assert seen != list(setting.turns("abc", 2, seed=2))


def test_engines_that_are_absent_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setting.engine_modules, "installed", lambda name: name == "tokentrellis")
    with open_setting(None, N_TOKENS, None, 0, tmp_path) as opened:
        assert opened.engines == ["tokentrellis"]
        absent = {"llguidance", "xgrammar", "xgrammar+default"}
        assert opened.left_out == dict.fromkeys(absent, "not installed")
        assert opened.describe(rounds=1)["question"]["rounds"] == 1


def test_engines_without_calls_for_batches_are_left_out(made_up: Setting) -> None:
    assert set(batch_calls.KNOWN) == {"tokentrellis", *PEERS}
    reason = batch.compile_all("unknown+variant", Yes(made_up), [""], [])
    assert reason == "no calls for batches are known"
