"""Byte-level laws against brute force over all token sequences; healing; two vocabularies under one
schema."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
import torch

from tests.tiny_models import tiny_model, tiny_tokenizer

TOKENS = [b"a", b"b", b"ab", b"ba", b"aab", b"ab", b"bb"]  # two ids have one text
EOS = len(TOKENS)
VOCABULARY = tt.Vocabulary([*TOKENS, b""], eos_token_ids=[EOS])


def law(tokens: tuple[int, ...]) -> np.ndarray:
    """Any law: it depends on all tokens, so that each way to cut a text has another future."""
    return np.random.default_rng([7, *tokens]).dirichlet(np.ones(EOS + 1))


def model(function: Any = law) -> tt.FunctionModel:
    return tt.FunctionModel(lambda tokens: np.log(function(tokens)).tolist(), vocab_size=EOS + 1)


@cache
def begins(tokens: tuple[int, ...], text: bytes) -> float:
    """The probability that what follows the tokens begins with the text, by definition."""
    if not text:
        return 1.0
    total = 0.0
    for token, spelled in enumerate(TOKENS):
        if spelled.startswith(text):
            total += law(tokens)[token]
        elif text.startswith(spelled):
            total += law(tokens)[token] * begins((*tokens, token), text[len(spelled) :])
    return total


@cache
def equals(tokens: tuple[int, ...], text: bytes) -> float:
    """The probability that what follows is just the text."""
    if not text:
        return float(law(tokens)[EOS])
    return sum(
        law(tokens)[token] * equals((*tokens, token), text[len(spelled) :])
        for token, spelled in enumerate(TOKENS)
        if text.startswith(spelled)
    )


@pytest.mark.parametrize("text", [b"", b"a", b"ab", b"aabab", b"babbaa"])
def test_next_bytes_are_those_of_brute_force(text: bytes) -> None:
    bytes_model = tt.ByteModel(model(), VOCABULARY)
    found = bytes_model.begin([list(text)]).log_probs[0].exp()
    for byte in range(256):
        wanted = begins((), text + bytes([byte])) / begins((), text)
        assert float(found[byte]) == pytest.approx(wanted, abs=1e-9)
    assert float(found[256]) == pytest.approx(equals((), text) / begins((), text), abs=1e-9)
    assert bytes_model.lost_mass == 0


def test_rows_go_their_own_ways() -> None:
    rows = tt.ByteModel(model(), VOCABULARY).begin([list(b"ab"), []])
    rows.advance([1, 0, 0], list(b"bab"))
    texts = [b"b", b"aba", b"abb"]
    for text, found in zip(texts, rows.log_probs, strict=True):
        wanted = begins((), text + b"a") / begins((), text)
        assert float(found[ord("a")].exp()) == pytest.approx(wanted, abs=1e-9)


def test_a_tail_is_healed() -> None:
    """A prompt that ends inside a token: its bytes are cut anew, whatever its tokens were."""
    prompt = [0, 2]
    kept, tail = tt.split_prompt(VOCABULARY, prompt)
    assert (kept, tail) == ([0], b"ab")
    continued = tt.FunctionModel(lambda tokens: np.log(law((0, *tokens))).tolist(), vocab_size=EOS + 1)
    found = tt.ByteModel(continued, VOCABULARY, tail=tail).begin().log_probs[0].exp()
    for byte in b"ab":
        wanted = begins((0,), b"ab" + bytes([byte])) / begins((0,), b"ab")
        assert float(found[byte]) == pytest.approx(wanted, abs=1e-9)
    assert tt.split_prompt(VOCABULARY, [0, 1], 5) == ([0], b"b")
    assert tt.split_prompt(VOCABULARY, [0, 1, EOS]) == ([0, 1, EOS], b"")


def test_texts_have_the_law_of_the_tokens() -> None:
    """The probability of a whole text by bytes is the sum over its tokenizations."""
    bytes_model = tt.ByteModel(model(), VOCABULARY)
    for text in (b"ab", b"aab", b"babb"):
        rows = bytes_model.begin()
        total = 0.0
        for byte in text:
            total += float(rows.log_probs[0, byte])
            rows.advance([0], [byte])
        total += float(rows.log_probs[0, 256])
        assert math.exp(total) == pytest.approx(equals((), text), abs=1e-12)


def test_what_is_given_up_is_said() -> None:
    bytes_model = tt.ByteModel(model(), VOCABULARY, max_hypotheses=2)
    found = bytes_model.begin([list(b"aabaabb")]).log_probs[0].exp()
    assert float(found.sum()) == pytest.approx(1)
    assert 0 < bytes_model.lost_mass < 1
    few = tt.ByteModel(model(), VOCABULARY, min_share=0.01)
    rows = few.begin([list(b"aabaabbab")])
    assert 0 < few.lost_mass < 0.2
    wanted = begins((), b"aabaabbaba") / begins((), b"aabaabbab")
    assert float(rows.log_probs[0].exp()[ord("a")]) == pytest.approx(wanted, abs=0.05)
    every = tt.ByteModel(model(), VOCABULARY, min_share=0)
    every.begin([list(b"aabaabbab")])
    assert few.n_row_passes < 0.6 * every.n_row_passes
    assert every.lost_mass == 0
    with pytest.raises(tt.SamplingError, match="spell"):
        bytes_model.begin([list(b"abc")])


@pytest.mark.parametrize("rule", ["product", "mixture"])
def test_ensembles(rule: str) -> None:
    def other(tokens: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng([9, *tokens]).dirichlet(np.ones(EOS + 1))

    members = [tt.ByteModel(model(), VOCABULARY), tt.ByteModel(model(other), VOCABULARY)]
    ensemble = tt.EnsembleModel(members, weights=[3, 1], rule=rule)
    text = list(b"aba")
    laws = [[member.begin([text[:i]]).log_probs[0].exp() for i in range(4)] for member in members]
    rows = ensemble.begin()
    for byte in text:
        rows.advance([0], [byte])
    if rule == "product":
        wanted = laws[0][3] ** 0.75 * laws[1][3] ** 0.25
        wanted = wanted / wanted.sum()
    else:
        shares = [
            weight * math.prod(float(laws[k][i][byte]) for i, byte in enumerate(text))
            for k, weight in enumerate((0.75, 0.25))
        ]
        wanted = sum(share * laws[k][3] for k, share in enumerate(shares)) / sum(shares)
    assert torch.allclose(rows.log_probs[0].exp(), wanted, atol=1e-9)
    assert torch.allclose(ensemble.begin([text]).log_probs[0].exp(), wanted, atol=1e-9)


def test_two_vocabularies_under_one_schema() -> None:
    """Each model in its own tokens; one grammar, over bytes."""
    members = []
    for n_tokens in (340, 300):
        tokenizer = tiny_tokenizer(n_tokens)
        causal = tt.CausalLanguageModel(tiny_model(seed=n_tokens), tokenizer("Ann")["input_ids"])
        members.append(tt.ByteModel(causal, tt.Vocabulary.from_tokenizer(tokenizer), max_hypotheses=4))
    schema = {
        "type": "object",
        "properties": {"tag": {"enum": ["red", "é"]}, "n": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["tag", "n"],
        "additionalProperties": False,
    }
    grammar = tt.from_json_schema(schema, whitespace="compact")
    constraint = tt.Constraint(tt.compile_grammar(grammar, tt.byte_vocabulary()), max_new_tokens=40)
    sampler = tt.SequentialMonteCarlo(2, proposal=tt.MaskSampler())
    run = sampler.run(tt.EnsembleModel(members), constraint, torch.Generator().manual_seed(0))
    for text in run.posterior:
        value = json.loads(text)
        assert value["tag"] in ("red", "é")
        assert 0 <= value["n"] <= 99


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: tt.ByteModel(3, VOCABULARY), tt.ArgumentTypeError),
        (lambda: tt.ByteModel(model(), VOCABULARY, tail="a"), tt.ArgumentTypeError),
        (lambda: tt.EnsembleModel([]), tt.ArgumentValueError),
        (lambda: tt.EnsembleModel([model()], weights=[1, 2]), tt.ArgumentValueError),
        (lambda: tt.EnsembleModel([model()], rule="vote"), tt.ArgumentValueError),
    ],
)
def test_wrong_arguments(make: Any, kind: type) -> None:
    with pytest.raises(kind):
        make()
