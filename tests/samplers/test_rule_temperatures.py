"""Rules with a temperature of their own: what is drawn has the law that they say, whoever draws it."""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from functools import cache
from typing import Any

import pytest
import tokentrellis as tt
import torch
from tokentrellis.decoding.sampling import SamplingTask
from tokentrellis.grammars.errors import UnsupportedFeatureError
from tokentrellis.integrations.followed_tokens import FollowedTokens
from tokentrellis.samplers.program_hole import TokenLaw
from tokentrellis.serving.choosing import Choosing
from tokentrellis.serving.row import Job, Row

from tests.oracles.counted_readings import CountedReadings
from tests.oracles.llguidance_matcher import EOS as LAST
from tests.oracles.llguidance_matcher import LlguidanceOracle
from tests.samplers.chi_square import chi_square_p
from tests.samplers.small_worlds import EOS, LENGTH, PROMPT, TOKENS, VOCABULARY, small_model
from tests.samplers.table_drafters import TableDrafter, always
from tests.tiny_models import tiny_model, tiny_tokenizer

pytest.importorskip("lark")

N_DRAWS = int(os.environ.get("TOKENTRELLIS_DRAWS", "500"))
RULES = """
    start: x y? "c"?
    x[temperature=3, max_tokens=2]: /[ab]+/
    y[temperature=0.4]: z | z "a"
    z: "c" | "bc"
"""


@cache
def compiled_rules(rules: str = RULES) -> tt.CompiledGrammar:
    return tt.compile_grammar(tt.from_lark(rules), VOCABULARY)


def law_of_rules(temperature: float, *, is_masked: bool = True) -> dict[tuple[int, ...], float]:
    """Text -> probability, from the model's logits at each prefix and the readings one by one.

    is_masked: each token given that it is allowed; else whole texts given that they are.
    """
    compiled = compiled_rules()
    law: dict[tuple[int, ...], float] = {}
    pending = [((), 1.0, CountedReadings(compiled.grammar, TOKENS[:EOS]))]
    while pending:
        text, probability, readings = pending.pop()
        ids = torch.tensor([[*PROMPT, *text]])
        with torch.no_grad():
            scores = small_model()(ids).logits[0, -1].double()
        matcher = compiled.matcher()
        matcher.try_accept_tokens(text)
        bitmask = tt.allocate_bitmask(1, len(TOKENS))
        matcher.fill_bitmask(bitmask, budget=LENGTH - len(text))
        allowed = torch.tensor([bool(int(bitmask[0, 0]) >> token & 1) for token in range(len(TOKENS))])
        if is_masked:
            scores = scores.masked_fill(~allowed, -torch.inf)
        found = readings.temperature
        probs = torch.softmax(scores / (temperature if found is None else found), -1)
        for token in allowed.nonzero()[:, 0].tolist():
            p = probability * float(probs[token])
            if token == EOS:
                law[(*text, token)] = p
            else:
                pending.append(((*text, token), p, readings.after(token)))
    total = sum(law.values())
    return {text: p / total for text, p in law.items()}


def counts_of(sequences: Any) -> Counter[tuple[int, ...]]:
    found: Counter[tuple[int, ...]] = Counter()
    for row in sequences.tolist():
        text = row[len(PROMPT) :]
        found[tuple(text[: text.index(EOS) + 1])] += 1
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("has_drafts", [False, True], ids=["plain", "drafts"])
def test_the_law_of_generate(temperature: float, has_drafts: bool) -> None:
    law = law_of_rules(temperature)
    processor = tt.GrammarProcessor(compiled_rules(), max_new_tokens=LENGTH, temperature=temperature)
    drafts = {"custom_generate": always(TableDrafter(len(TOKENS), branching=(2, 1), fixed=(1, 4, EOS)))}
    torch.manual_seed(4)
    sequences = small_model().generate(
        torch.tensor([PROMPT] * N_DRAWS),
        logits_processor=[processor],
        max_new_tokens=LENGTH,
        do_sample=True,
        temperature=temperature,
        top_k=0,
        eos_token_id=EOS,
        pad_token_id=EOS,
        **(drafts if has_drafts else {}),
    )
    assert chi_square_p(counts_of(sequences), law) > 1e-3


def test_a_forgotten_temperature_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests of laws would say if drafts did not know of temperatures."""
    monkeypatch.setattr("tokentrellis.samplers.tree_growth.tempered", lambda scores, *rest: scores)
    drafter = always(TableDrafter(len(TOKENS), branching=(2, 1)))
    processor = tt.GrammarProcessor(compiled_rules(), max_new_tokens=LENGTH)
    torch.manual_seed(4)
    sequences = small_model().generate(
        torch.tensor([PROMPT] * 2000),
        logits_processor=[processor],
        max_new_tokens=LENGTH,
        do_sample=True,
        top_k=0,
        eos_token_id=EOS,
        pad_token_id=EOS,
        custom_generate=drafter,
    )
    assert chi_square_p(counts_of(sequences), law_of_rules(1.0)) < 1e-6


@pytest.mark.parametrize(
    ("sampler", "is_masked"),
    [(tt.MaskSampler(), True), (tt.GrammarAlignedSampler(), False)],
    ids=["masks", "aligned"],
)
def test_the_law_of_samplers(sampler: Any, is_masked: bool) -> None:
    """The model and the temperatures of the rules make another model, whose law it is."""
    task = SamplingTask(small_model(), tuple(PROMPT), compiled_rules(), LENGTH, {"temperature": 0.5})
    generator = torch.Generator().manual_seed(5)
    if hasattr(sampler, "draw_several"):
        drawn = sampler.draw_several(task, N_DRAWS, generator)
    else:
        drawn = [sampler.draw(task, generator) for _ in range(N_DRAWS)]
    counts = Counter(tuple(text.token_ids) for text in drawn)
    assert chi_square_p(counts, law_of_rules(0.5, is_masked=is_masked)) > 1e-3
    assert chi_square_p(counts, law_of_rules(0.5, is_masked=not is_masked)) < 0.05 or N_DRAWS < 1000


@pytest.mark.parametrize("in_place", [False, True])
def test_scores_of_rows_inside_and_outside(in_place: bool) -> None:
    """Divided by the caller's temperature they are at the rule's; elsewhere they are as they were."""
    processor = tt.GrammarProcessor(compiled_rules(), temperature=0.5, in_place=in_place)
    given = torch.randn(2, len(TOKENS), generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([PROMPT] * 2)
    for tokens, temperatures in (
        ([], (3, 3)),
        ([0, 1], (3, 3)),
        ([4, 2], (0.4, 0.4)),
        ([0, 2], (None, None)),
    ):
        if tokens:
            ids = torch.cat([ids, torch.tensor(tokens)[:, None]], dim=1)
        scores = given.clone()
        found = processor(ids, scores)
        assert (found is scores) or not in_place
        for row, temperature in enumerate(temperatures):
            left = given[row].masked_fill(found[row] == -torch.inf, -torch.inf)
            expected = torch.softmax(left / (temperature or 0.5), -1)
            torch.testing.assert_close(torch.softmax(found[row] / 0.5, -1), expected)


def test_zero_is_the_likeliest_token() -> None:
    compiled = compiled_rules("start: x\nx[temperature=0]: /[ab]+/")
    scores = torch.randn(1, len(TOKENS), generator=torch.Generator().manual_seed(0)).half()
    for temperature in (1e-9, 1.0, 1e9):
        processor = tt.GrammarProcessor(compiled, temperature=temperature)
        found = processor(torch.tensor([PROMPT]), scores.float()) / processor.temperature
        probs = torch.softmax(found, -1)[0]
        allowed = scores[0].masked_fill(found[0] == -torch.inf, -torch.inf)
        assert probs[int(allowed.argmax())] == 1


def test_generate_draws_in_such_rules_only() -> None:
    """Without options the rest is the likeliest; with do_sample=False all of it is."""
    rules = 'start: "a: " x "; b: " y\nx: /[a-z ]{1,8}/\ny[temperature=5]: /[a-z ]{8}/'
    options = {"grammar": tt.from_lark(rules), "max_new_tokens": 60}
    model, tokenizer = tiny_model(), tiny_tokenizer()
    drawn = [
        tt.generate(model, tokenizer, "Ann", seed=seed, temperature=1e-9, **options).text for seed in range(6)
    ]
    torch.manual_seed(0)
    by_itself = [tt.generate(model, tokenizer, "Ann", **options).text for _ in range(6)]
    greedy = {tt.generate(model, tokenizer, "Ann", do_sample=False, **options).text for _ in range(3)}
    for texts in (drawn, by_itself):
        assert len({text.split(";")[0] for text in texts}) == 1
        assert len({text.split(";")[1] for text in texts}) > 3
    assert len(greedy) == 1
    assert greedy.pop().split(";")[0] == drawn[0].split(";")[0] == by_itself[0].split(";")[0]
    with_drafts = tt.generate(model, tokenizer, "Ann", do_sample=False, drafter=tt.ForcedTokens(), **options)
    assert with_drafts.text == tt.generate(model, tokenizer, "Ann", do_sample=False, **options).text
    traced = tt.generate(model, tokenizer, "Ann", seed=1, trace=True, **options)
    assert all(0 <= step.masked_probability <= 1 for step in traced.trace.steps)


def test_traces_show_probabilities_without_temperatures() -> None:
    grammar = compiled_rules("start: x\nx[temperature=9]: /[ab]+/")
    plain = compiled_rules("start: x\nx[capture]: /[ab]+/")
    found = []
    for compiled in (grammar, plain):
        recorder = tt.TraceRecorder(tt.GrammarProcessor(compiled, max_new_tokens=LENGTH))
        torch.manual_seed(0)
        options = {"max_new_tokens": LENGTH, "do_sample": False, "eos_token_id": EOS, "pad_token_id": EOS}
        sequences = small_model().generate(torch.tensor([PROMPT]), logits_processor=[recorder], **options)
        found.append([step.masked_probability for step in recorder.traces(sequences)[0].steps])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_programs_draw_in_such_rules() -> None:
    law = TokenLaw(None, None, None, None)
    scores = torch.tensor([0.6, 0.4]).log()
    assert {law.choose(scores) for _ in range(50)} == {0}
    assert {law.choose(scores, 5.0) for _ in range(50)} == {0, 1}
    assert {law.choose(scores, 1e-6) for _ in range(50)} == {0}
    drawn = TokenLaw(torch.Generator().manual_seed(0), 0.5, None, None)
    counts = Counter(drawn.choose(scores, 2.0) for _ in range(2000))
    weights = [math.sqrt(0.6), math.sqrt(0.4)]
    assert chi_square_p(counts, {n: weight / sum(weights) for n, weight in enumerate(weights)}) > 1e-3


def test_a_row_of_the_server_has_the_temperature_of_its_rule() -> None:
    job = Job((1,), 9, lambda event: None, compiled_rules(), choosing=Choosing(temperature=0.0, top_k=3))
    row = Row(job, 0, VOCABULARY)
    assert (row.choosing.temperature, row.choosing.top_k) == (3, 3)
    row.matcher.try_accept_tokens([0, 2])
    row.matcher.try_accept_tokens([1])
    assert row.choosing.temperature == 0.4
    free = Row(Job((1,), 9, lambda event: None, choosing=job.choosing), 0, VOCABULARY)
    assert free.choosing is job.choosing


def test_engines_that_take_masks_refuse_temperatures() -> None:
    with pytest.raises(UnsupportedFeatureError, match="a temperature of a rule"):
        FollowedTokens(compiled_rules())
    FollowedTokens(compiled_rules("start: x\nx[max_tokens=2]: /[ab]+/"))


@pytest.mark.parametrize(
    "rules",
    [
        "start: a b\na[temperature=0.5]: /[a-z]+/\nb[temperature=0.75]: /[0-9]+/",
        "start: x b\nx: /[a-z]+/\nb[temperature=0.75]: /[0-9]+;/",
        "start: (a b)+\na[temperature=0.5]: /[a-z]+;/\nb[temperature=2]: /[0-9]+/",
    ],
)
def test_temperatures_are_those_of_llguidance(rules: str) -> None:
    """Which says 0 before there is one, and at the beginning of a rule still what was before it. (In a rule
    without a temperature it keeps the one before, so there the two differ.)"""
    pytest.importorskip("llguidance")
    theirs = LlguidanceOracle(rules)
    vocabulary = tt.Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[LAST])
    compiled = tt.compile_grammar(tt.from_lark(rules), vocabulary)
    chance = random.Random(2)
    n_compared = 0
    for _ in range(40):
        text = theirs.random_text(chance, 30)
        if not text or not compiled.grammar.accepts(text):
            continue
        matcher = compiled.matcher()
        ours = [matcher.temperature or 0.0]
        for byte in text.encode():
            matcher.accept_token(byte)
            ours.append(matcher.temperature or 0.0)
        for place, expected in enumerate(theirs.temperatures(text)):
            if place >= 3 and len(set(ours[place - 3 : place + 2])) == 1:
                assert ours[place] == expected, (text, place)
                n_compared += 1
    assert n_compared > 10
