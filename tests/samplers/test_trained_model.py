"""Samplers with a network that has learnt something: its law by one pass over every text that there is.

A Llama of one layer is trained for a second on texts a..ab..b of which some have one letter too many. It has
opinions about whole texts then, and whether a text will be right is known only at its end: masked decoding is
wrong, and the samplers, which go by caches, holes and re-ordered rows, have to be right.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from functools import cache
from typing import Any

import pytest
import tokentrellis as tt
import torch

from tests.samplers.markov import generator
from tests.samplers.statistics import chi_square, standard_score, total_variation
from tests.tiny_models import random_model

START, EOS, MOST = 2, 3, 7
VOCABULARY = tt.Vocabulary([b"a", b"b", b"", b""], eos_token_ids=[EOS], special_token_ids=[START])
RIGHT = tt.from_choices(["ab", "aabb", "aaabbb", "bb"])


@cache
def trained_model() -> Any:
    model = random_model(
        "llama", 1, vocab_size=4, hidden_size=16, num_hidden_layers=1, eos_token_id=EOS, pad_token_id=EOS
    ).train()
    texts = [[START, *[0] * n, *[1] * m, EOS] for n in (1, 2, 3) for m in (n, n, n, n + 1, n - 1)]
    longest = max(map(len, texts))
    inputs = torch.tensor([text + [EOS] * (longest - len(text)) for text in texts])
    labels = torch.tensor([text + [-100] * (longest - len(text)) for text in texts])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with torch.enable_grad():
        for _ in range(60):
            optimizer.zero_grad()
            model(input_ids=inputs, labels=labels).loss.backward()
            optimizer.step()
    return model.eval()


@cache
def law(temperature: float) -> dict[str, float]:
    """The probability of each right text, EOS included: the model's own, after whole sequences."""
    found = {}
    for length in range(MOST):
        words = torch.tensor(list(itertools.product((0, 1), repeat=length)), dtype=torch.long)
        rows = torch.cat([torch.full((len(words), 1), START), words.reshape(len(words), length)], dim=1)
        with torch.no_grad():
            scores = model_scores(rows, temperature)
        for row, log_probs in zip(rows[:, 1:].tolist(), scores, strict=True):
            text = "".join("ab"[token] for token in row)
            if RIGHT.accepts(text):
                path = enumerate([*row, EOS])
                found[text] = math.exp(sum(float(log_probs[i, token]) for i, token in path))
    return found


def model_scores(rows: torch.Tensor, temperature: float) -> torch.Tensor:
    return torch.log_softmax(trained_model()(rows, use_cache=False).logits.double() / temperature, dim=-1)


def task(temperature: float) -> tuple[tt.CausalLanguageModel, tt.Constraint]:
    compiled = tt.compile_grammar(RIGHT, VOCABULARY)
    model = tt.CausalLanguageModel(trained_model(), [START], temperature=temperature)
    return model, tt.Constraint(compiled, max_new_tokens=MOST)


def normalised(temperature: float) -> dict[str, float]:
    total = sum(law(temperature).values())
    return {text: p / total for text, p in law(temperature).items()}


def test_it_has_learnt_and_masks_are_wrong() -> None:
    assert 0.2 < sum(law(1.0).values()) < 0.9
    sampler = tt.MetropolisHastings(n_steps=0, batch_size=600)
    found = Counter(draw.text.decode() for draw in sampler.samples(*task(1.5), 600, generator()))
    assert chi_square(found, normalised(1.5)) < 1e-6


@pytest.mark.parametrize("temperature", [1.0, 1.5])
@pytest.mark.parametrize(
    "make",
    [
        lambda: tt.GrammarAlignedSampler("cars", batch_size=8),
        lambda: tt.MetropolisHastings("priority", n_steps=15, batch_size=200),
    ],
    ids=["cars", "chains"],
)
def test_texts_have_the_law_of_the_network(make: Any, temperature: float) -> None:
    found = Counter(draw.text.decode() for draw in make().samples(*task(temperature), 200, generator(1)))
    assert chi_square(found, normalised(temperature)) > 1e-3


@pytest.mark.parametrize("temperature", [1.0, 1.5])
@pytest.mark.parametrize("estimator", ["sparing", "recursive", "two_loops", "geometric"])
def test_particles_weigh_what_the_network_says(estimator: str, temperature: float) -> None:
    proposal = tt.AdaptiveRejectionSampler(estimator=estimator)
    sampler = tt.SequentialMonteCarlo(8, proposal=proposal, threshold=0.9)
    random = generator(2)
    runs = [sampler.run(*task(temperature), random) for _ in range(30)]
    assert (
        abs(standard_score([math.exp(run.log_evidence) for run in runs], sum(law(temperature).values())))
        < 4.5
    )


def test_many_particles_are_near() -> None:
    run = tt.SequentialMonteCarlo(2000).run(*task(1.5), generator(3))
    assert total_variation(run.posterior, normalised(1.5)) < 0.05
    assert math.exp(run.log_evidence) == pytest.approx(sum(law(1.5).values()), rel=0.1)
