"""The adapters to vLLM against its interfaces: its own files where they are there, stand-ins elsewhere; the
engine's part is played here, as its sources say it.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
import torch
from pydantic import BaseModel
from tokentrellis.decoding.bitmask import unpack_bitmask

from tests.integrations.engine_interfaces import adapter, vllm_modules
from tests.tiny_models import N_LOGITS, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
EOS = TOKENIZER.eos_token_id
SCHEMA = {"type": "array", "items": {"enum": ["red", "blue"]}, "maxItems": 3}
VOCABULARY = tt.Vocabulary.from_tokenizer(TOKENIZER, vocab_size=N_LOGITS)


@pytest.fixture(scope="module", autouse=True)
def is_real() -> Iterator[bool]:
    with vllm_modules(TOKENIZER) as is_real:
        yield is_real


@pytest.fixture(scope="module")
def backend() -> Any:
    return adapter("vllm_backend").TokentrellisBackend(SimpleNamespace(), TOKENIZER, N_LOGITS)


def options() -> Any:
    return sys.modules["vllm.v1.structured_output.backend_types"].StructuredOutputOptions


def ids(text: str) -> list[int]:
    return VOCABULARY.greedy_tokenize(text.encode())


def matcher_after(grammar: Any, text: str) -> Any:
    matcher = tt.compile_grammar(grammar, VOCABULARY).matcher()
    assert matcher.read_bytes(text.encode())
    return matcher


def row_of(matcher: Any, budget: int | None = None) -> Any:
    mask = tt.allocate_bitmask(1, N_LOGITS)
    matcher.fill_bitmask(mask, 0, budget)
    return mask[0]


def config() -> Any:
    model_config = SimpleNamespace(
        get_vocab_size=lambda: N_LOGITS, try_get_generation_config=lambda: {"eos_token_id": EOS}
    )
    return SimpleNamespace(model_config=model_config)


def params(max_tokens: int | None = 40, **form: Any) -> Any:
    extra = {"tokentrellis": form} if form else None
    return SimpleNamespace(extra_args=extra, max_tokens=max_tokens, all_stop_token_ids={EOS})


@pytest.mark.parametrize(
    ("kind", "spec", "text", "wrong"),
    [
        ("JSON", json.dumps(SCHEMA), '["red"]', "{"),
        ("JSON_OBJECT", "{}", '{"a":1}', "["),
        ("REGEX", "[ab]{2}", "ab", "c"),
        ("CHOICE", '["yes", "no"]', "no", "x"),
        ("GRAMMAR", 'root ::= "a" "b"', "ab", "b"),
        ("GRAMMAR", 'start: "a" "b"', "ab", "b"),
    ],
)
def test_every_kind(backend: Any, kind: str, spec: str, text: str, wrong: str) -> None:
    grammar = backend.compile_grammar(options()[kind], spec, {EOS})
    assert grammar.validate_tokens([*ids(text), EOS, EOS]) == [*ids(text), EOS]
    assert not grammar.accept_tokens("r", ids(wrong))
    assert grammar.accept_tokens("r", ids(text))
    assert not grammar.is_terminated()
    assert grammar.accept_tokens("r", [EOS])
    assert grammar.is_terminated()
    assert grammar.accept_tokens("r", [5, 6])  # after the end: ignored, and not counted
    grammar.rollback(1)
    assert not grammar.is_terminated()
    grammar.reset()
    assert grammar.validate_tokens(ids(text)) == ids(text)


def test_masks_and_speculation(backend: Any) -> None:
    """As the scheduler walks over drafts: fill, accept, fill ..., and roll all of it back."""
    grammar = backend.compile_grammar(options().JSON, json.dumps(SCHEMA), {EOS})
    bitmask = backend.allocate_token_bitmask(4)
    assert bitmask.shape == (4, N_LOGITS // 32)
    assert (bitmask == -1).all()
    drafts = ids('["red"')[:3]
    for position, token in enumerate(drafts):
        grammar.fill_bitmask(bitmask, position)
        assert grammar.accept_tokens("r", [token])
    text = b""
    for position, token in enumerate(drafts):
        expected = row_of(matcher_after(tt.from_json_schema(SCHEMA), text.decode()))
        assert (bitmask[position].numpy() == expected).all()
        text += VOCABULARY.token_bytes(token)
    grammar.rollback(len(drafts))
    assert grammar.validate_tokens(drafts) == drafts
    assert not grammar.accept_tokens("r", [*drafts, *ids("}")])
    assert grammar.validate_tokens(drafts) == drafts, "a refusal changes nothing"


def test_a_limit_ends_its_own_text(backend: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error would stop the engine, with all that it serves."""
    grammar = backend.compile_grammar(options().REGEX, "(.*a.{200})+", {EOS})
    chance = random.Random(0)
    bitmask = backend.allocate_token_bitmask(1)
    for _ in range(1000):
        grammar.fill_bitmask(bitmask, 0)
        if caplog.records or not grammar.accept_tokens("r", ids(chance.choice("ab"))):
            break
    assert "a grammar met a limit" in caplog.text
    grammar.fill_bitmask(bitmask, 0)
    assert unpack_bitmask(bitmask[0].numpy(), N_LOGITS).nonzero()[0].tolist() == [EOS]


def test_tokens_that_end_a_request(backend: Any) -> None:
    """Those of a request never match as text, and are masked until the grammar may end."""
    stop = ids("r")[0]
    grammar = backend.compile_grammar(options().REGEX, "[a-z]{2}", {stop})
    bitmask = backend.allocate_token_bitmask(1)
    for token in (ids("a")[0], ids("b")[0]):
        grammar.fill_bitmask(bitmask, 0)
        allowed = unpack_bitmask(bitmask[0].numpy(), N_LOGITS)
        assert (allowed[stop], allowed[EOS]) == (False, False)
        assert grammar.accept_tokens("r", [token])
    grammar.fill_bitmask(bitmask, 0)
    allowed = unpack_bitmask(bitmask[0].numpy(), N_LOGITS)
    assert set(np.flatnonzero(allowed)) == {stop, EOS}


def test_the_slot_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = adapter("vllm_backend")
    slot: Any = sys.modules["vllm.v1.structured_output.backend_outlines"]
    before = slot.OutlinesBackend
    monkeypatch.delenv(module.SWITCH, raising=False)
    module.install()
    assert slot.OutlinesBackend is before
    monkeypatch.setenv(module.SWITCH, "1")
    module.install()
    module.install()
    assert slot.OutlinesBackend is module.TokentrellisBackend
    assert slot.validate_structured_output_request_outlines is module.check_request


def test_wrong_grammars_are_refused_at_admission() -> None:
    module = adapter("vllm_backend")
    none = dict.fromkeys(("json", "regex", "choice", "grammar", "json_object", "structural_tag"))
    module.check_request(SimpleNamespace(structured_outputs=None))
    module.check_request(SimpleNamespace(structured_outputs=SimpleNamespace(**{**none, "json": SCHEMA})))
    for wrong in ({"json": '{"type": 3}'}, {"regex": "("}, {"choice": []}, {"grammar": "root ::= x"}, {}):
        with pytest.raises(ValueError, match=r"must be|line 1|no choices|needs") as caught:
            module.check_request(SimpleNamespace(structured_outputs=SimpleNamespace(**{**none, **wrong})))
        assert type(caught.value).__name__ in ("_ValidationError", "VLLMValidationError")


def processor(*rest: Any) -> Any:
    return adapter("vllm_processor").GrammarLogitsProcessor(config(), *rest)


def update(**changes: Any) -> Any:
    interface: Any = sys.modules["vllm.v1.sample.logits_processor.interface"]
    return interface.BatchUpdate(batch_size=4, **{"removed": [], "added": [], "moved": [], **changes})


def allowed_of(logits: torch.Tensor, row: int) -> Any:
    return logits[row].isfinite().numpy()


def expected_row(grammar: Any, text: str, budget: int) -> Any:
    return unpack_bitmask(row_of(matcher_after(grammar, text), budget), N_LOGITS)


def test_the_first_runner() -> None:
    """Requests join, write, move, swap and leave; each row is masked by its own grammar and budget."""
    interface: Any = sys.modules["vllm.v1.sample.logits_processor.interface"]
    ours = processor(torch.device("cpu"), False)
    assert not ours.is_argmax_invariant()
    array, choice = tt.from_json_schema(SCHEMA), tt.from_choices(["yes", "no"])
    first: list[int] = []
    second: list[int] = []
    ours.update_state(
        update(
            added=[
                (0, params(json=SCHEMA), [], first),
                (1, params(), [], []),
                (2, params(9, choice=["yes", "no"]), [], second),
            ]
        )
    )
    logits = ours.apply(torch.zeros(3, N_LOGITS))
    assert (allowed_of(logits, 0) == expected_row(array, "", 40)).all()
    assert allowed_of(logits, 1).all(), "a request without a grammar is left alone"
    assert (allowed_of(logits, 2) == expected_row(choice, "", 9)).all()
    first.extend(ids('["'))
    second.extend(ids("y"))
    ours.update_state(update(removed=[1], moved=[(2, 1, interface.MoveDirectionality.UNIDIRECTIONAL)]))
    logits = ours.apply(torch.zeros(2, N_LOGITS))
    assert (allowed_of(logits, 0) == expected_row(array, '["', 40 - len(first))).all()
    assert (allowed_of(logits, 1) == expected_row(choice, "y", 9 - len(second))).all()
    ours.update_state(update(moved=[(0, 1, interface.MoveDirectionality.SWAP)]))
    logits = ours.apply(torch.zeros(2, N_LOGITS))
    assert (allowed_of(logits, 1) == expected_row(array, '["', 40 - len(first))).all()
    ours.update_state(update(removed=[0, 1]))
    ours.update_state(None)
    assert torch.isfinite(ours.apply(torch.zeros(2, N_LOGITS))).all()


def test_texts_are_complete_within_max_tokens() -> None:
    """Whatever is drawn, by a model that would go on for ever."""
    grammar = tt.from_json_schema(SCHEMA)
    for budget in range(3, 14):
        ours = processor(torch.device("cpu"), False)
        written: list[int] = []
        ours.update_state(update(added=[(0, params(budget, json=SCHEMA), [], written)]))
        scores = torch.rand(1, N_LOGITS, generator=torch.Generator().manual_seed(budget))
        scores[0, EOS] = -5
        while not written or written[-1] != EOS:
            assert len(written) < budget
            written.append(int(ours.apply(scores.clone())[0].argmax()))
        assert grammar.accepts(VOCABULARY.decode(written).decode())


def test_unknown_tokens_are_an_error() -> None:
    ours = processor(torch.device("cpu"), False)
    ours.update_state(update(added=[(0, params(json=SCHEMA), [], [-1])]))
    with pytest.raises(tt.ArgumentValueError, match="asynchronous"):
        ours.apply(torch.zeros(1, N_LOGITS))


def test_budgets_that_cannot_be_kept_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    ours = processor(torch.device("cpu"), False)
    ours.update_state(update(added=[(0, params(2, regex="a{9}"), [], [])]))
    assert "max_tokens is 2" in caplog.text
    assert torch.isfinite(ours.apply(torch.zeros(1, N_LOGITS))).any()


def test_the_second_runner_with_drafts() -> None:
    """Slots, chunks of a prompt, rows of drafts (one of them refused by the grammar), a slot used again."""
    tokens = torch.zeros(4, 32, dtype=torch.int32)
    prompt_len = np.zeros(4, dtype=np.int32)
    states = SimpleNamespace(
        all_token_ids=SimpleNamespace(gpu=tokens), prompt_len=SimpleNamespace(np=prompt_len)
    )
    ours = processor(states)
    array, choice = tt.from_json_schema(SCHEMA), tt.from_choices(["yes", "no"])
    assert ours.add_request(3, params(json=SCHEMA))
    assert not ours.add_request(1, params())
    assert ours.add_request(0, params(9, choice=["yes", "no"]))
    ours.apply_staged_writes() if hasattr(ours, "apply_staged_writes") else None
    written, drafts = ids('["'), [*ids("re"), *ids("}"), *ids("x")]
    prompt_len[:] = (5, 2, 0, 3)
    tokens[3, :3] = 9
    tokens[3, 3 : 3 + len(written)] = torch.tensor(written)
    last = 3 + len(written) - 1  # the position of the last committed token of slot 3
    # Rows: slot 3 with its drafts, slot 1, slot 0 in the middle of its prompt.
    n_rows = 1 + len(drafts)
    context = SimpleNamespace(
        expanded_idx_mapping=torch.tensor([3] * n_rows + [1, 0]),
        expanded_local_pos=torch.tensor([*range(n_rows), 0, 0]),
        pos=torch.tensor([*range(last, last + n_rows), 7, 2]),
        input_ids=torch.tensor([written[-1], *drafts, 4, 4]),
    )
    logits = ours.apply(torch.zeros(n_rows + 2, N_LOGITS), context)
    text = '["'
    n_legal = len(ids("re"))
    for row in range(n_legal + 1):
        assert (allowed_of(logits, row) == expected_row(array, text, 40 - len(written) - row)).all()
        if row < n_legal:
            text += VOCABULARY.token_bytes(drafts[row]).decode()
    for row in range(n_legal + 1, n_rows + 2):
        assert allowed_of(logits, row).all(), "refused drafts, no grammar, a part of a prompt: left alone"
    # The drafts were wrong: another token is committed, and slot 1 gets a request with a grammar.
    tokens[3, last + 1] = ids("b")[0]
    assert ours.add_request(1, params(9, choice=["yes", "no"]))
    context = SimpleNamespace(
        expanded_idx_mapping=torch.tensor([1, 3]),
        expanded_local_pos=torch.tensor([0, 0]),
        pos=torch.tensor([1, last + 1]),
        input_ids=torch.tensor([4, ids("b")[0]]),
    )
    logits = ours.apply(torch.zeros(2, N_LOGITS), context)
    assert (allowed_of(logits, 0) == expected_row(choice, "", 9)).all()
    assert (allowed_of(logits, 1) == expected_row(array, '["b', 40 - len(written) - 1)).all()


@pytest.mark.parametrize(
    "form", [{"xml": 1}, {}, 3, {"json": SCHEMA, "regex": "a"}, {"regex": 3}, {"json": "{"}]
)
def test_wrong_arguments_are_refused_at_admission(form: Any) -> None:
    ours = adapter("vllm_processor").GrammarLogitsProcessor
    with pytest.raises(ValueError, match=r"extra_args|not JSON"):
        ours.validate_params(SimpleNamespace(extra_args={"tokentrellis": form}))
    ours.validate_params(SimpleNamespace(extra_args={"other": 1}))
    ours.validate_params(params(json=SCHEMA))
    ours.validate_params(SimpleNamespace(extra_args={"tokentrellis": json.dumps({"json": SCHEMA})}))


def test_one_class_has_both_interfaces() -> None:
    ours = adapter("vllm_processor").GrammarLogitsProcessor
    for name in (
        "vllm.v1.sample.logits_processor.interface",
        "vllm.v1.worker.gpu.sample.logits_processor.interface",
    ):
        assert issubclass(ours, sys.modules[name].LogitsProcessor)
    with pytest.raises(ValueError, match="must be true"):
        ours.validate_params(params(json_object=False))


def test_a_type_in_the_place_of_its_schema() -> None:
    """From Python, without HTTP, a pydantic class may stand there."""

    class Colours(BaseModel):
        red: bool

    ours = adapter("vllm_processor").GrammarLogitsProcessor(config(), "cpu", False)
    request = params(json=Colours)
    ours.validate_params(request)
    output: list[int] = []
    ours._add(0, request, output)
    logits = ours.apply(torch.zeros(1, N_LOGITS))
    assert logits[0, ids("{")[0]] == 0
    assert logits[0, ids("[")[0]] == float("-inf")


def test_a_grammar_that_does_not_compile_ends_its_own_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The vocabulary is not known where a request is admitted, and an error later would stop the engine."""
    ours = adapter("vllm_processor").GrammarLogitsProcessor(config(), "cpu", False)

    def refuse(constraint: Any, ends: Any) -> Any:
        raise tt.VocabularyError("the vocabulary cannot spell this")

    monkeypatch.setattr(ours._grammars, "get", refuse)
    assert ours._add(0, params(regex="a"), [])
    monkeypatch.undo()
    assert ours._add(1, params(regex="a"), [])
    assert "cannot spell" in caplog.text
    logits = ours.apply(torch.zeros(2, N_LOGITS))
    assert logits[0].isfinite().nonzero().flatten().tolist() == [EOS]
    assert logits[1].isfinite().nonzero().flatten().tolist() == ids("a")
