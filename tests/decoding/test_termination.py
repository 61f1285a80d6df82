"""`TerminationProcessor`: the deadline is kept by every sampler, and the end comes where a text may end.

The model wants EOS as little as possible, so that without the processor no text would end.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.sentences import ends_sentence
from tokentrellis.decoding.termination import mix_in_end
from transformers import LogitsProcessor

from tests.tiny_models import N_LOGITS, tiny_model, tiny_tokenizer

EOS = 1
SCHEMA = {"type": "array", "items": {"type": "string", "maxLength": 5}}
TEXTS = ["Ann", "Ann Lee is 41 years old"]


@pytest.fixture(scope="module")
def vocabulary() -> tt.Vocabulary:
    return tt.Vocabulary.from_tokenizer(tiny_tokenizer())


@pytest.fixture(scope="module")
def compiled(vocabulary: tt.Vocabulary) -> tt.CompiledGrammar:
    return tt.compile_grammar(tt.from_json_schema(SCHEMA), vocabulary)


class Lower(LogitsProcessor):
    """Stands for a model that does not want to end."""

    def __init__(self, amount: float = 60.0) -> None:
        self.amount = amount

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        scores = scores.clone()
        scores[:, EOS] -= self.amount
        return scores


def run(
    processors: list[Any], texts: list[str] | None = None, seed: int = 0, **options: Any
) -> list[list[int]]:
    """Generated ids up to EOS, without it if it did not come."""
    inputs = tiny_tokenizer()(TEXTS if texts is None else texts, return_tensors="pt", padding=True)
    torch.manual_seed(seed)
    options = {"max_new_tokens": 60, "do_sample": False, **options}
    output = tiny_model().generate(**inputs, logits_processor=[Lower(), *processors], **options)
    rows = output[:, inputs["input_ids"].shape[1] :].tolist()
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in rows]


SAMPLERS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "ancestral": {"do_sample": True, "top_k": 0},
    "cold": {"do_sample": True, "top_k": 0, "temperature": 0.1},
    "hot": {"do_sample": True, "top_k": 0, "temperature": 5.0},
    "top-k": {"do_sample": True, "top_k": 3},
    "nucleus": {"do_sample": True, "top_k": 0, "top_p": 0.3},
    "min-p": {"do_sample": True, "top_k": 0, "min_p": 0.2},
    "typical": {"do_sample": True, "top_k": 0, "typical_p": 0.3},
    "eta": {"do_sample": True, "top_k": 0, "eta_cutoff": 0.3},
    "3 beams": {"num_beams": 3, "num_return_sequences": 2},
    "3 beams, never early": {"num_beams": 3, "early_stopping": "never", "length_penalty": 2.0},
    "beams and sampling": {"num_beams": 3, "do_sample": True},
    "several": {"do_sample": True, "num_return_sequences": 3},
    "repetition penalty": {"repetition_penalty": 3.0},
    "no cache": {"use_cache": False},
}


@pytest.mark.parametrize("options", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("ends_at", ["sentence", "anywhere"])
def test_every_sampler_stops(vocabulary: tt.Vocabulary, ends_at: str, options: dict[str, Any]) -> None:
    for stops_by in (1, 2, 13):
        processor = tt.TerminationProcessor(vocabulary, stops_by=stops_by, ends_at=ends_at)
        rows = run([processor], max_new_tokens=stops_by + 20, **options)
        assert all(row[-1] == EOS and len(row) <= processor.stops_by for row in rows)


def test_a_deadline_that_waits_for_a_sentence_is_none(
    vocabulary: tt.Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: the gate holds at the deadline, too. Then the test before would fail."""
    right = tt.TerminationProcessor._floor
    monkeypatch.setattr(tt.TerminationProcessor, "_is_sentence_end", lambda self, row: False)
    monkeypatch.setattr(tt.TerminationProcessor, "_floor", lambda self, row: right(self, row) % 1)
    rows = run([tt.TerminationProcessor(vocabulary, stops_by=13)], max_new_tokens=33)
    assert all(EOS not in row for row in rows)


@pytest.mark.parametrize("options", SAMPLERS.values(), ids=SAMPLERS)
def test_documents_of_a_grammar_are_complete(compiled: tt.CompiledGrammar, options: dict[str, Any]) -> None:
    for stops_by in (4, 5, 20):
        processor = tt.TerminationProcessor(compiled, stops_by=stops_by)
        for row in run([processor], **options):
            assert row[-1] == EOS
            assert len(row) <= stops_by
            assert isinstance(json.loads(tiny_tokenizer().decode(row[:-1])), list)


def test_after_a_grammar_processor_in_the_list(compiled: tt.CompiledGrammar) -> None:
    """The list as `source` does it; EOS is never in the middle of a document."""
    vocabulary = compiled.vocabulary
    grammar = tt.GrammarProcessor(compiled, max_new_tokens=20)
    last = tt.TerminationProcessor(vocabulary, stops_by=20, ends_at="anywhere")
    alone = tt.TerminationProcessor(compiled, stops_by=20)
    for options in ({}, {"do_sample": True, "top_k": 0}, {"num_beams": 3}):
        assert run([grammar, last], **options) == run([alone], **options)


def test_without_a_budget_the_broken_promise_is_an_error(compiled: tt.CompiledGrammar) -> None:
    grammar = tt.GrammarProcessor(compiled)
    last = tt.TerminationProcessor(compiled.vocabulary, stops_by=3)
    with pytest.raises(
        tt.NoAllowedTokenError, match="must end with token 3, and EOS has the score -inf; give"
    ):
        run([grammar, last])
    with pytest.raises(tt.NoAllowedTokenError, match="must end with token 3"):
        run([tt.TerminationProcessor(compiled.vocabulary, stops_by=3)], min_new_tokens=5)
    with pytest.raises(tt.BudgetTooSmallError):
        run([tt.TerminationProcessor(compiled, stops_by=2)])


def test_one_grammar_for_each_prompt(compiled: tt.CompiledGrammar) -> None:
    letters = tt.compile_grammar(tt.from_regex("[a-z]*"), compiled.vocabulary)
    processor = tt.TerminationProcessor([compiled, letters], stops_by=12)
    for options in ({}, {"num_beams": 2, "num_return_sequences": 2}):
        rows = run([processor], **options)
        half = len(rows) // 2
        assert all(isinstance(json.loads(tiny_tokenizer().decode(row[:-1])), list) for row in rows[:half])
        assert all(letters.grammar.accepts(tiny_tokenizer().decode(row[:-1])) for row in rows[half:])
        assert all(len(row) <= 12 for row in rows)


@pytest.mark.parametrize(
    "drafting",
    [
        {"assistant_model": tiny_model(seed=1)},
        {"assistant_model": tiny_model()},
        {"prompt_lookup_num_tokens": 3},
    ],
    ids=["another model", "the same model", "prompt look-up"],
)
def test_drafts(vocabulary: tt.Vocabulary, drafting: dict[str, Any]) -> None:
    text = ["Ann Lee is 41 years old and Ann Lee is"]
    for ends_at in ("sentence", "anywhere"):
        expected = run([tt.TerminationProcessor(vocabulary, stops_by=15, ends_at=ends_at)], text)
        processor = tt.TerminationProcessor(vocabulary, stops_by=15, ends_at=ends_at)
        assert run([processor], text, **drafting) == expected
        sampled = run([processor], text, do_sample=True, top_k=0, **drafting)
        assert len(sampled[0]) <= 15
        assert sampled[0][-1] == EOS


def test_reuse(vocabulary: tt.Vocabulary) -> None:
    processor = tt.TerminationProcessor(vocabulary, stops_by=9)
    for texts, options in (
        (TEXTS, {}),
        (TEXTS, {}),
        (["Bo"], {"num_beams": 2}),
        (["Bo is"], {}),
        (TEXTS, {}),
    ):
        rows = run([processor], texts, **options)
        assert rows == run([tt.TerminationProcessor(vocabulary, stops_by=9)], texts, **options)
    processor.reset()
    assert run([processor]) == rows


def letters_and_stops() -> tt.Vocabulary:
    return tt.Vocabulary([b"a", b".", b'"', b" b", b"c. ", b"<eos>", b"<end>"], eos_token_ids=[5, 6])


def test_the_mixture_step_by_step() -> None:
    """Against the formula, with the gate open and closed, for two EOS tokens that keep their shares."""
    vocabulary = letters_and_stops()
    generator = torch.Generator().manual_seed(0)
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        processor = tt.TerminationProcessor(vocabulary, stops_by=10, starts_at=2, prompt_length=1)
        for generated in ([], [0], [0, 1], [0, 1, 2], [0, 1, 2, 0], [3, 4, 3, 4], [0] * 9, [1] * 8):
            scores = torch.randn(1, 8, generator=generator).to(dtype)
            before = scores.clone()
            found = processor(torch.tensor([[0, *generated]]), scores)  # type: ignore[arg-type]
            assert torch.equal(scores, before)
            assert found.dtype == dtype
            t = len(generated) + 1
            text = vocabulary.decode(generated)
            f = max(0.0, (t - 2) / 8) if text.rstrip(b' "').endswith(b".") or t == 10 else 0.0
            p = scores[0].double().softmax(-1).tolist()
            end = p[5] + p[6]
            expected = [x * (1 - f) for x in p]
            for i in (5, 6):
                expected[i] = (end + (1 - end) * f) * p[i] / end
            tolerance = 0.05 if dtype == torch.bfloat16 else 1e-5
            assert found[0].double().softmax(-1).tolist() == pytest.approx(expected, abs=tolerance)
            if f == 0:
                assert torch.equal(found, before), "rows that are left to the model are not even normalised"


def test_mix_in_end_at_the_edges() -> None:
    infinite = -math.inf
    scores = torch.tensor([[0.0, 1.0, infinite], [infinite, 2.0, infinite], [0.0, infinite, infinite]] * 2)
    mixed = mix_in_end(scores, [1], torch.tensor([0.5, 0.5, 0.5, 1.0, 1.0, 1.0]))
    assert not bool(mixed.isnan().any())
    assert torch.allclose(mixed.exp().sum(1), torch.ones(6))
    assert mixed[3].tolist() == pytest.approx([infinite, 0.0, infinite], abs=1e-6)
    assert torch.equal(mixed[5], mixed[2]), "where EOS is forbidden it stays so"
    unlikely = mix_in_end(torch.tensor([[0.0, -1e4, 0.0]]), [1], torch.tensor([0.25]))
    assert unlikely.exp()[0].tolist() == pytest.approx([0.375, 0.25, 0.375])


def test_padding_is_left_alone() -> None:
    vocabulary = letters_and_stops()
    processor = tt.TerminationProcessor(vocabulary, stops_by=3, prompt_length=1)
    scores = torch.zeros(2, 7)
    found = processor(torch.tensor([[0, 1, 5], [0, 1, 1]]), scores)  # type: ignore[arg-type]
    assert torch.equal(found[0], scores[0])
    assert found[1].isfinite().nonzero().flatten().tolist() == [5, 6]


def test_the_end_comes_after_a_sentence() -> None:
    """With the gate nearly every text ends after a full stop, without it few do."""
    vocabulary = letters_and_stops()
    generator = torch.Generator().manual_seed(1)
    shares = {}
    for ends_at in ("sentence", "anywhere"):
        ends = []
        for _ in range(100):
            processor = tt.TerminationProcessor(vocabulary, stops_by=60, ends_at=ends_at, prompt_length=1)
            row = [0]
            while row[-1] < 5:
                logits = torch.tensor([[1.0, 0.0, -9, 1.0, -9, -9, -9]])
                probabilities = processor(torch.tensor([row]), logits).softmax(-1)  # type: ignore[arg-type]
                row.append(int(torch.multinomial(probabilities, 1, generator=generator)))
            assert len(row) - 1 <= 60
            ends.append(row[-2] == 1)
        shares[ends_at] = sum(ends) / len(ends)
    assert shares["sentence"] > 0.9
    assert shares["anywhere"] < 0.4


@pytest.mark.parametrize(
    "text",
    [
        "a.",
        "a!",
        "a? ",
        'He said "no."',
        "(So.)\n",
        "a…",
        "好。",
        "「好\uff01」",
        "a.\u2019 ",
        "**So.**",
        "« So. »",
        "plan B.",
        "A\n\na.\n\n",
    ],
)
def test_ends_of_sentences(text: str) -> None:
    assert ends_sentence(text.encode())
    assert ends_sentence(b"\x82" + text.encode()), "a cut character in front does no harm"


@pytest.mark.parametrize(
    "text", ["", "a", "a. b", '"', "a,", "3.5", "a. (", "a:", 'a. "', "Dr.", "red, e.g. ", "The list:\n\n"]
)
def test_what_does_not_end_a_sentence(text: str) -> None:
    assert not ends_sentence(text.encode())


def test_wrong_arguments(vocabulary: tt.Vocabulary) -> None:
    for wrong in (None, [], "x", tt.from_regex("a")):
        with pytest.raises(tt.ConstraintError, match="needs a CompiledGrammar"):
            tt.TerminationProcessor(wrong, stops_by=5)  # type: ignore[arg-type]
    for number in (0, -3):
        with pytest.raises(tt.ArgumentValueError, match="stops_by must be at least 1"):
            tt.TerminationProcessor(vocabulary, stops_by=number)
    with pytest.raises(tt.ArgumentValueError, match="starts_at must be at most 4, got 5"):
        tt.TerminationProcessor(vocabulary, stops_by=5, starts_at=5)
    with pytest.raises(tt.ArgumentValueError, match="ends_at must be 'sentence' or 'anywhere', or None"):
        tt.TerminationProcessor(vocabulary, stops_by=5, ends_at="word")
    with pytest.raises(tt.VocabularyError, match="logits must be at least 7"):
        tt.TerminationProcessor(letters_and_stops(), stops_by=3)(
            torch.zeros(1, 1, dtype=torch.int64),  # type: ignore[arg-type]
            torch.zeros(1, 5),  # type: ignore[arg-type]
        )


def test_logits_beyond_the_vocabulary(vocabulary: tt.Vocabulary) -> None:
    """A padded id that was chosen is text of no bytes."""
    processor = tt.TerminationProcessor(vocabulary, stops_by=9, starts_at=0, prompt_length=1)
    scores = torch.zeros(1, N_LOGITS)
    assert torch.equal(processor(torch.tensor([[5, N_LOGITS - 1]]), scores), scores)  # type: ignore[arg-type]
