"""CARS, ASAp and the trie as a twist, against enumeration; the trie's own laws; planted bugs."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokentrellis as tt
from tokentrellis.samplers.causal_model import CausalLanguageModel
from tokentrellis.samplers.constraint import Constraint
from tokentrellis.samplers.grammar_aligned import MOST_TRIES, GrammarAlignedSampler
from tokentrellis.samplers.sequential_monte_carlo import SequentialMonteCarlo
from tokentrellis.samplers.token_sampler import MaskSampler
from tokentrellis.samplers.trie import Trie
from tokentrellis.samplers.twist import TrieProposal

from tests.oracles.plain_aligned import PlainAligned
from tests.samplers.markov import EOS, MOST, MarkovCase, WordPredicate, generator
from tests.samplers.statistics import chi_square, divergence, standard_score, total_variation
from tests.tiny_models import tiny_model, tiny_tokenizer

CASE = MarkovCase(6)  # 88 texts, of probability 0.03 together
MODEL, CONSTRAINT = CASE.model(), CASE.constraint()


def spell(token_ids: tuple[int, ...]) -> str:
    return CASE.spell(token_ids)


def learn(method: str, n: int, batch_size: int = 8, seed: int = 0) -> tuple[GrammarAlignedSampler, list[str]]:
    sampler = GrammarAlignedSampler(method, batch_size=batch_size)
    found = [spell(draw.token_ids) for draw in sampler.samples(MODEL, CONSTRAINT, n, generator(seed))]
    return sampler, found


def law_of(trie: Trie) -> dict[str, float]:
    """The law of ASAp's next draw, exactly: known prefixes by their bounds, new ones by the mask."""
    found: dict[str, float] = {}

    def visit(state: Any, node: int | None, probability: float) -> None:
        law = CASE.rows[state.token_ids[-1] if state.token_ids else EOS]
        allowed = [token for token in range(EOS + 1) if state.allows(token)]
        weights = {token: law[token] for token in allowed}
        if node is not None:
            entry = trie.nodes[node]
            weights = dict(zip(entry.tokens.tolist(), (entry.probs * entry.bounds).tolist(), strict=True))
        total = sum(weights.values())
        for token, weight in weights.items():
            if not weight:
                continue
            after = state.after(token)
            if after.is_finished:
                found[spell(after.token_ids)] = probability * weight / total
            else:
                child = None if node is None else trie.nodes[node].children.get(token)
                visit(after, child, probability * weight / total)

    visit(CONSTRAINT.start(), 0 if trie.nodes else None, 1.0)
    return found


def prefixes(trie: Trie) -> list[tuple[tuple[int, ...], int]]:
    """All nodes with their prefixes."""
    found: list[tuple[tuple[int, ...], int]] = []

    def visit(prefix: tuple[int, ...], node: int) -> None:
        found.append((prefix, node))
        for token, child in trie.nodes[node].children.items():
            visit((*prefix, token), child)

    visit((), 0)
    return found


def allowed_after(prefix: tuple[int, ...]) -> set[int]:
    state = CONSTRAINT.start()
    for token in prefix:
        state = state.after(token)
    return {token for token in range(EOS + 1) if state.allows(token)}


def plain_twin(*, is_free: bool) -> PlainAligned:
    def law(prefix: tuple[int, ...]) -> list[float]:
        return CASE.rows[prefix[-1] if prefix else EOS].tolist()

    return PlainAligned(law, allowed_after, EOS, is_free=is_free)


@pytest.mark.parametrize("method", ["cars", "asap"])
def test_bounds_are_sound_and_never_grow(method: str) -> None:
    sampler = GrammarAlignedSampler(method, batch_size=4)
    random = generator(2)
    earlier: dict[tuple[int, ...], float] = {}
    for _ in range(25):
        sampler.draw_batch(MODEL, CONSTRAINT, random)
        trie = sampler.trie(MODEL, CONSTRAINT)
        for prefix, node in prefixes(trie):
            entry = trie.nodes[node]
            assert entry.total >= CASE.finishes(prefix) - 1e-12
            assert entry.total <= earlier.get(prefix, 1.0)
            assert entry.total == pytest.approx(float(entry.probs @ entry.bounds), abs=1e-15)
            earlier[prefix] = entry.total
    assert sampler.report(MODEL, CONSTRAINT).bound == earlier[()] < 0.5


@pytest.mark.parametrize("is_free", [True, False])
def test_the_trie_is_that_of_the_plain_twin(is_free: bool) -> None:
    """What the twin knows after its draws, added to a trie, has the bounds of its definition."""

    twin = plain_twin(is_free=is_free)
    for _ in range(30):
        twin.draw()
    trie = Trie()
    for prefix in sorted(twin.known, key=len):
        tokens = sorted(allowed_after(prefix))
        parent = trie.find(prefix[:-1]) if prefix else None
        trie.add(
            parent, prefix[-1] if prefix else 0, tokens, CASE.rows[prefix[-1] if prefix else EOS][tokens]
        )
    trie.back_up(range(len(trie.nodes)))
    assert trie.bound == pytest.approx(twin.bound(()), abs=1e-14)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_cars_is_exact_from_the_first_text_on(batch_size: int) -> None:
    """The first and the tenth of independent chains."""
    first, tenth = Counter(), Counter()
    for seed in range(100):
        _, found = learn("cars", 10, batch_size, seed)
        first[found[0]] += 1
        tenth[found[9]] += 1
    assert chi_square(first, CASE.law) > 1e-3
    assert chi_square(tenth, CASE.law) > 1e-3


def test_cars_acceptance_never_falls() -> None:
    sampler = GrammarAlignedSampler("cars", batch_size=4)
    random = generator(3)
    bounds = []
    for _ in range(60):
        sampler.draw_batch(MODEL, CONSTRAINT, random)
        bounds.append(CASE.evidence / sampler.trie(MODEL, CONSTRAINT).bound)
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.3 < 0.7 < bounds[-1] <= 1 + 1e-12


def test_asap_begins_as_masked_decoding_and_comes_to_the_right_law() -> None:
    untaught = divergence(CASE.law, law_of(Trie()))
    sampler = GrammarAlignedSampler("asap", batch_size=1)
    random = generator(4)
    sampler.draw_batch(MODEL, CONSTRAINT, random)
    for _ in range(399):
        sampler.draw_batch(MODEL, CONSTRAINT, random)
    trie = sampler.trie(MODEL, CONSTRAINT)
    assert divergence(CASE.law, law_of(trie)) < 0.05 * untaught
    exhausted = Trie()
    for prefix in sorted({word[:i] for word in CASE.words for i in range(len(word) + 1)}, key=len):
        parent = exhausted.find(prefix[:-1]) if prefix else None
        tokens = sorted(allowed_after(prefix))
        law = CASE.rows[prefix[-1] if prefix else EOS]
        exhausted.add(parent, prefix[-1] if prefix else 0, tokens, law[tokens])
    exhausted.back_up(range(len(exhausted.nodes)))
    assert divergence(CASE.law, law_of(exhausted)) < 1e-9
    assert exhausted.bound == pytest.approx(CASE.evidence, abs=1e-12)


def test_weights_of_asap_correct_it() -> None:
    """From the first text on: the mean weight is the probability of the constraint."""
    weights = []
    for seed in range(80):
        sampler = GrammarAlignedSampler("asap", batch_size=2)
        weights += [
            math.exp(draw.log_weight) for draw in sampler.samples(MODEL, CONSTRAINT, 6, generator(seed))
        ][::6]
    assert abs(standard_score(weights, CASE.evidence)) < 4.5


def test_cars_estimates_the_evidence() -> None:
    sampler, _ = learn("cars", 400)
    report = sampler.report(MODEL, CONSTRAINT)
    assert report.evidence == pytest.approx(CASE.evidence, rel=0.25)
    assert report.n_accepted >= 400
    assert 0 < report.acceptance < 1


def test_a_predicate_that_sees_only_the_end() -> None:
    """Its refusals are learnt: the bounds go down to the evidence, and texts stay exact."""
    predicate = WordPredicate(CASE, prefix_is_known=False)
    grammar = tt.compile_grammar(tt.from_regex(r"[a-e]{1,5}"), CASE.vocabulary)
    constraint = Constraint(grammar, predicate=predicate, max_new_tokens=MOST)
    sampler = GrammarAlignedSampler("cars", batch_size=32)
    found = Counter(spell(draw.token_ids) for draw in sampler.samples(MODEL, constraint, 300, generator(5)))
    assert chi_square(found, CASE.law) > 1e-3
    assert sampler.trie(MODEL, constraint).bound < 0.5


@pytest.mark.parametrize("n_learnt", [0, 100, 400])
def test_the_trie_as_a_twist(n_learnt: int) -> None:
    """Unbiased whatever was learnt; and the more was learnt, the more equal the weights."""
    sampler, _ = learn("asap", n_learnt)
    smc = SequentialMonteCarlo(8, proposal=TrieProposal(sampler.trie(MODEL, CONSTRAINT)))
    random = generator(6)
    runs = [smc.run(MODEL, CONSTRAINT, random) for _ in range(60)]
    weights = np.exp([run.log_evidence for run in runs])
    assert abs(standard_score(weights, CASE.evidence)) < 4.5
    variation = weights.std() / weights.mean()
    assert variation < {0: 2.0, 100: 0.4, 400: 0.1}[n_learnt]


def test_saved_and_loaded(tmp_path: Path) -> None:
    sampler, _ = learn("cars", 50)
    trie = sampler.trie(MODEL, CONSTRAINT)
    trie.save(tmp_path / "trie.npz")
    again = Trie.load(tmp_path / "trie.npz")
    assert [vars(node).keys() for node in again.nodes] == [vars(node).keys() for node in trie.nodes]
    for one, other in zip(trie.nodes, again.nodes, strict=True):
        for name in ("tokens", "probs", "bounds"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
        assert (one.parent, one.position, one.depth) == (other.parent, other.position, other.depth)
        assert (one.total, one.children) == (other.total, other.children)
    fresh = GrammarAlignedSampler("cars")
    fresh.use_trie(MODEL, CONSTRAINT, again)
    texts = [draw.token_ids for draw in fresh.samples(MODEL, CONSTRAINT, 20, generator(9))]
    assert texts == [draw.token_ids for draw in sampler.samples(MODEL, CONSTRAINT, 20, generator(9))]
    stranger = MarkovCase(7)
    with pytest.raises(tt.ArgumentValueError, match="must have been learnt with"):
        fresh.use_trie(stranger.model(), CONSTRAINT, again)
    with pytest.raises(tt.ArgumentValueError, match="must have been learnt with"):
        fresh.use_trie(MODEL, stranger.constraint(), again)


def test_other_files_are_no_tries(tmp_path: Path) -> None:
    """Cut off, changed by a bit, or with numbers that no trie has: an error, or the trie that was saved."""
    sampler, _ = learn("cars", 20)
    path = tmp_path / "trie.npz"
    trie = sampler.trie(MODEL, CONSTRAINT)
    trie.save(path)
    data = path.read_bytes()
    random = np.random.default_rng(0)
    broken = [b"", b"no archive", *(data[: random.integers(len(data))] for _ in range(20))]
    for place in random.integers(len(data), size=60):
        changed = bytearray(data)
        changed[place] ^= 1 << random.integers(8)
        broken.append(bytes(changed))
    for contents in broken:
        path.write_bytes(contents)
        with contextlib.suppress(tt.ArgumentValueError):
            assert Trie.load(path).bound == trie.bound
    with pytest.raises(tt.ArgumentValueError, match=r"that Trie\.save wrote"):
        Trie.load(tmp_path / "absent")
    path.write_bytes(data)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name, factor in (("sizes", -1), ("probs", np.nan), ("bounds", 5), ("totals", 0), ("tokens", -1)):
        np.savez(path, **{**arrays, name: arrays[name] * factor})
        with pytest.raises(tt.ArgumentValueError, match=r"that Trie\.save wrote"):
            Trie.load(path)


def test_bounds_fit_together_after_an_error() -> None:
    """A predicate that raises, at any question: what was learnt until then stays sound and exact."""

    class Raises(WordPredicate):
        n_left = 10**9

        def prefix(self, text: str) -> bool:
            self.n_left -= 1
            if not self.n_left:
                raise RuntimeError("planted")
            return super().prefix(text)

    predicate = Raises(CASE)
    constraint = Constraint(CASE.vocabulary, predicate=predicate, max_new_tokens=MOST)
    sampler = GrammarAlignedSampler("cars", batch_size=16)
    random = generator(3)
    n_errors = 0
    for turn in range(40):
        predicate.n_left = 1 + turn % 4
        try:
            sampler.draw_batch(MODEL, constraint, random)
        except RuntimeError:
            n_errors += 1
        trie = sampler.trie(MODEL, constraint)
        for prefix, node in prefixes(trie):
            entry = trie.nodes[node]
            assert entry.total == pytest.approx(float(entry.probs @ entry.bounds), abs=1e-15)
            assert entry.total >= CASE.finishes(prefix) - 1e-12
            for token, child in entry.children.items():
                assert entry.bounds[list(entry.tokens).index(token)] == trie.nodes[child].total
    assert n_errors > 5


def test_threads_share_what_is_learnt() -> None:
    sampler = GrammarAlignedSampler("cars", batch_size=4)

    def draw(seed: int) -> list[str]:
        return [spell(d.token_ids) for d in sampler.samples(MODEL, CONSTRAINT, 40, generator(seed))]

    with ThreadPoolExecutor(4) as threads:
        found = Counter(text for texts in threads.map(draw, range(8)) for text in texts)
    assert chi_square(found, CASE.law) > 1e-3
    trie = sampler.trie(MODEL, CONSTRAINT)
    for _, node in prefixes(trie):
        entry = trie.nodes[node]
        assert entry.total == pytest.approx(float(entry.probs @ entry.bounds), abs=1e-15)


def test_predicates_are_told_apart_by_what_they_are() -> None:
    """Not by their address in memory, which a later one may get."""

    def identity(word: str) -> Any:
        predicate = tt.RegexPredicate(word)
        return Constraint(CASE.vocabulary, predicate=predicate, max_new_tokens=MOST).identity

    assert len({identity("a" * (1 + i % 5)) for i in range(20)}) == 20


def test_the_tries_that_were_used_last_are_kept() -> None:
    sampler = GrammarAlignedSampler("asap", batch_size=1)
    models = [CASE.model() for _ in range(MOST_TRIES + 1)]
    for model in models[:-1]:
        sampler.draw_batch(model, CONSTRAINT, generator())
    sampler.draw_batch(models[0], CONSTRAINT, generator())
    sampler.draw_batch(models[-1], CONSTRAINT, generator())
    assert sampler.trie(models[0], CONSTRAINT).nodes
    assert sampler.trie(models[-1], CONSTRAINT).nodes
    assert not sampler.trie(models[1], CONSTRAINT).nodes


def test_without_room_it_stays_exact() -> None:
    sampler = GrammarAlignedSampler("cars", batch_size=32, max_bytes=6000)
    found = Counter(spell(draw.token_ids) for draw in sampler.samples(MODEL, CONSTRAINT, 300, generator(5)))
    assert chi_square(found, CASE.law) > 1e-3
    assert sampler.trie(MODEL, CONSTRAINT).n_bytes <= 6000
    assert len(sampler.trie(MODEL, CONSTRAINT).nodes) in range(3, 8)


def test_known_prefixes_cost_no_forward_pass() -> None:
    """Beside the twin, which runs the model for every token as the published programs do."""
    twin = plain_twin(is_free=True)
    n_valid = 0
    while n_valid < 100:
        n_valid += twin.draw() is not None
    model = CASE.model()  # its own counters
    sampler = GrammarAlignedSampler("cars", batch_size=1)
    assert len(list(sampler.samples(model, CONSTRAINT, 100, generator()))) == 100
    report = sampler.report(model, CONSTRAINT)
    assert report.n_row_passes < 0.5 * twin.n_forward_passes
    batched = GrammarAlignedSampler("cars", batch_size=8)
    list(batched.samples(model, CONSTRAINT, 100, generator()))
    assert batched.report(model, CONSTRAINT).n_forward_passes < 0.5 * report.n_forward_passes


def test_with_a_model_and_its_cache() -> None:
    """Laws in the trie are those of whole sequences, and texts obey the grammar."""
    vocabulary = tt.Vocabulary.from_tokenizer(tiny_tokenizer())
    compiled = tt.compile_grammar(tt.from_regex(r"[ -~]{1,3}"), vocabulary)
    constraint = Constraint(compiled, max_new_tokens=5)
    model = CausalLanguageModel(tiny_model(), tiny_tokenizer()("Ann")["input_ids"])
    sampler = GrammarAlignedSampler("asap", batch_size=4)
    draws = list(sampler.samples(model, constraint, 12, generator()))
    assert all(compiled.grammar.accepts(draw.text.decode()) for draw in draws)
    trie = sampler.trie(model, constraint)
    for draw in draws[:4]:
        for length in range(len(draw.token_ids)):
            node = trie.find(draw.token_ids[:length])
            if node is not None:
                law = model.begin([draw.token_ids[:length]]).log_probs[0].exp().numpy()
                entry = trie.nodes[node]
                assert np.allclose(entry.probs, law[entry.tokens], atol=1e-5)


@pytest.mark.parametrize("method", ["cars", "asap"])
def test_a_place_without_any_probability_ends_nothing(method: str) -> None:
    """After "b" the model says nothing at all, and the grammar would end the text there."""
    vocabulary = tt.Vocabulary([b"a", b"b", b""], eos_token_ids=[2])
    says = {(): [0.25, 0.5, 0.25], (0,): [0.0, 0.0, 1.0], (1,): [0.0, 0.0, 0.0]}
    with np.errstate(divide="ignore"):
        model = tt.FunctionModel(lambda prefix: np.log(says[prefix]).tolist(), vocab_size=3)
        constraint = Constraint(tt.compile_grammar(tt.from_regex("a|b|"), vocabulary), max_new_tokens=2)
        sampler = GrammarAlignedSampler(method, batch_size=40)
        draws = sampler.draw_batch(model, constraint, generator())
        draws += sampler.draw_batch(model, constraint, generator())
    counts = Counter(draw.text.decode() for draw in draws)
    assert set(counts) == {"a", ""}
    assert sampler.trie(model, constraint).bound == pytest.approx(0.5)


def test_failures_are_errors() -> None:
    class Never:
        def prefix(self, text: str) -> bool:
            return True

        def complete(self, text: str) -> bool:
            return False

    constraint = Constraint(CASE.compiled, predicate=Never(), max_new_tokens=MOST)
    sampler = GrammarAlignedSampler("cars", batch_size=8, max_attempts=40)
    with pytest.raises(tt.SamplingError, match="in a row were rejected"):
        list(sampler.samples(MODEL, constraint, 1, generator()))
    patient = GrammarAlignedSampler("cars", batch_size=64, max_attempts=10**6)
    with pytest.raises(tt.SamplingError, match="no probability"):
        list(patient.samples(MODEL, constraint, 1, generator()))
    for wrong in ({"method": "rejection"}, {"batch_size": 0}, {"max_attempts": 0}):
        with pytest.raises(tt.ArgumentValueError):
            GrammarAlignedSampler(**wrong)


def test_masked_decoding_is_not_the_right_law() -> None:
    """What all this is for."""
    random = generator(7)
    sampler = SequentialMonteCarlo(400, proposal=MaskSampler(), threshold=0.0)
    run = sampler.run(MODEL, CONSTRAINT, random)
    counts = Counter(particle.text.decode() for particle in run.particles)
    shares = {text: count / 400 for text, count in counts.items()}
    assert total_variation(shares, CASE.law) > 0.35
    assert chi_square(counts, CASE.law) < 1e-6


# ---- planted bugs ---------------------------------------------------------------------------------------


def test_a_trie_that_is_not_backed_up_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trie, "back_up", lambda self, changed: None)
    sampler, _ = learn("asap", 400)
    assert divergence(CASE.law, law_of(sampler.trie(MODEL, CONSTRAINT))) > 0.05 * divergence(
        CASE.law, law_of(Trie())
    )


def test_texts_in_the_order_of_their_ends_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that end first are short: the first of a batch must be the one that was begun first."""
    draw_batch = GrammarAlignedSampler.draw_batch

    def by_length(self: Any, *arguments: Any) -> Any:
        return sorted(draw_batch(self, *arguments), key=lambda draw: len(draw.token_ids))

    monkeypatch.setattr(GrammarAlignedSampler, "draw_batch", by_length)
    first: Counter[str] = Counter()
    for seed in range(150):
        first[learn("cars", 1, 64, seed)[1][0]] += 1
    assert chi_square(first, CASE.law) < 1e-3
