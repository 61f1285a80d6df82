"""How far the texts of each sampler are from the right law, by texts and by forward passes.

Every sampler draws `--samples` texts of one problem, several times over. After 25, 100 ... texts:
KL(empirical || law) in nats, the absolute difference of the mean probability of the texts from its
expectation sum P^2, and the tokens that the model was run for. An empirical law is never right with finitely
many texts, so the floor is what independent exact draws give. Particles and weighted draws count with their
weights.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import tokentrellis as tt
import torch

from .problems import RULES, Problem

Path = tuple[int, ...]
Draw = tuple[Path, float, int]  # tokens, weight, passes so far
N_PARTICLES = 25


def samplers() -> dict[str, Callable[[Problem, torch.Generator], Iterator[Draw]]]:
    """Endless streams."""
    return {
        "independent exact draws (the floor)": _exact,
        "masked decoding": lambda problem, random: _chains(problem, random, n_steps=0),
        "Metropolis-Hastings, restart, 10 steps": lambda problem, random: _chains(
            problem, random, n_steps=10, cut="restart"
        ),
        "Metropolis-Hastings, priority, 10 steps": lambda problem, random: _chains(
            problem, random, n_steps=10, cut="priority"
        ),
        "ASAp": lambda problem, random: _aligned(problem, random, "asap", is_weighted=False),
        "ASAp, weighted": lambda problem, random: _aligned(problem, random, "asap", is_weighted=True),
        "CARS": lambda problem, random: _aligned(problem, random, "cars", is_weighted=False),
        f"SMC, {N_PARTICLES} particles a run": lambda problem, random: _particles(problem, random, 0),
        f"SMC twisted by 50 texts of ASAp, {N_PARTICLES} particles": lambda problem, random: _particles(
            problem, random, 50
        ),
    }


def _exact(problem: Problem, generator: torch.Generator) -> Iterator[Draw]:
    source = random.Random(int(torch.randint(2**31, (), generator=generator)))
    paths, weights = list(problem.law), list(problem.law.values())
    while True:
        yield source.choices(paths, weights)[0], 1.0, 0


def _chains(
    problem: Problem, generator: torch.Generator, n_steps: int, cut: str = "restart"
) -> Iterator[Draw]:
    model, constraint = problem.model(), problem.constraint()
    sampler = tt.MetropolisHastings(cut, n_steps=n_steps, batch_size=25)
    for draw in sampler.samples(model, constraint, 10**6, generator):
        yield draw.token_ids, 1.0, model.n_row_passes


def _aligned(
    problem: Problem, generator: torch.Generator, method: str, *, is_weighted: bool
) -> Iterator[Draw]:
    model, constraint = problem.model(), problem.constraint()
    sampler = tt.GrammarAlignedSampler(method, batch_size=1)
    for draw in sampler.samples(model, constraint, 10**6, generator):
        yield draw.token_ids, math.exp(draw.log_weight) if is_weighted else 1.0, model.n_row_passes


def _particles(problem: Problem, generator: torch.Generator, n_taught: int) -> Iterator[Draw]:
    model, constraint = problem.model(), problem.constraint()
    proposal = None
    if n_taught:
        teacher = tt.GrammarAlignedSampler("asap", batch_size=1)
        list(teacher.samples(model, constraint, n_taught, generator))
        proposal = tt.TrieProposal(teacher.trie(model, constraint))
    sampler = tt.SequentialMonteCarlo(N_PARTICLES, proposal=proposal)
    while True:
        for particle in sampler.run(model, constraint, generator).particles:
            yield particle.token_ids, math.exp(particle.log_weight), model.n_row_passes


def divergence(weights: Mapping[Path, float], law: Mapping[Path, float]) -> float:
    """KL(empirical || law), nats."""
    total = sum(weights.values())
    return sum(w / total * math.log(w / total / law[path]) for path, w in weights.items() if w > 0)


def report(n_samples: int, n_repeats: int) -> None:
    """Print one table for each problem."""
    marks = [n for n in (25, 100, 400, 1600) if n <= n_samples]
    for name in RULES:
        problem = Problem(name)
        expectation = sum(p * p for p in problem.law.values())
        print(f"\n### {name}: {len(problem.law)} texts, together {problem.evidence:.3f} of the model\n")
        columns = [f"{what} {n}" for n in marks for what in ("KL at", "error of mean P at")]
        _report_learnt(problem, marks, n_repeats)
        print("\n| sampler | " + " | ".join(columns) + " | passes for a text |")
        print("| :-- |" + " --: |" * (len(columns) + 1))
        for label, make in samplers().items():
            sums = defaultdict(float)
            for seed in range(n_repeats):
                weights: dict[Path, float] = defaultdict(float)
                for n, (path, weight, passes) in enumerate(
                    make(problem, torch.Generator().manual_seed(seed)), 1
                ):
                    weights[path] += weight
                    if n in marks:
                        total = sum(weights.values())
                        mean = sum(w * problem.law.get(p, 0) for p, w in weights.items()) / max(total, 1e-300)
                        sums["KL", n] += divergence(weights, problem.law) / n_repeats
                        sums["mean", n] += abs(mean - expectation) / n_repeats
                    if n == marks[-1]:
                        sums["passes"] += passes / n / n_repeats
                        break
            cells = [f"{sums[what, n]:.3f}" for n in marks for what in ("KL", "mean")]
            print(f"| {label} | " + " | ".join(cells) + f" | {sums['passes']:.1f} |", flush=True)


def _report_learnt(problem: Problem, marks: list[int], n_repeats: int) -> None:
    """KL(law || law of ASAp's next draw): exact, so without the floor that any table of counts has."""
    found = {0: divergence(problem.law, learnt_law(problem, tt.Trie()))}
    for seed in range(n_repeats):
        model, constraint = problem.model(), problem.constraint()
        sampler = tt.GrammarAlignedSampler("asap", batch_size=1)
        draws = sampler.samples(model, constraint, marks[-1], torch.Generator().manual_seed(seed))
        for n, _ in enumerate(draws, 1):
            if n in marks:
                law = learnt_law(problem, sampler.trie(model, constraint))
                found[n] = found.get(n, 0.0) + divergence(problem.law, law) / n_repeats
    print("The law of ASAp's next draw, KL from the right one: " + found_words(found))


def found_words(found: Mapping[int, float]) -> str:
    """KL by the number of texts, as a sentence."""
    parts = [f"{kl:.4f} after {n} texts ({kl / found[0]:.1%})" for n, kl in found.items() if n]
    return f"{found[0]:.3f} at first, which is masked decoding; " + ", ".join(parts)


def learnt_law(problem: Problem, trie: tt.Trie) -> dict[Path, float]:
    """ASAp's next draw over all right texts: by bounds where the trie knows, else by the mask."""
    found: dict[Path, float] = {}
    followers: dict[Path, set[int]] = defaultdict(set)
    for path in problem.law:
        for end, token in enumerate(path):
            followers[path[:end]].add(token)

    def visit(prefix: Path, node: int | None, probability: float) -> None:
        if prefix in problem.law:
            found[prefix] = probability
            return
        law = problem.law_after(prefix)
        weights = {token: law[token] for token in followers[prefix]}
        children: Mapping[int, int] = {}
        if node is not None:
            known = trie.nodes[node]
            weights = dict(zip(known.tokens.tolist(), (known.probs * known.bounds).tolist(), strict=True))
            children = known.children
        total = sum(weights.values())
        for token, weight in weights.items():
            if weight > 0:
                visit((*prefix, token), children.get(token), probability * weight / total)

    visit((), 0 if trie.nodes else None, 1.0)
    return found


def report_passes(n_samples: int) -> None:
    """CARS: passes of the model for a right text, beside those of a program that runs it for every token."""
    print("\n| problem | tokens drawn (the published program) | passes, batch 1 | passes, batch 8 |")
    print("| :-- | --: | --: | --: |")
    for name in RULES:
        problem = Problem(name)
        cells = []
        for batch_size in (1, 8):
            model, constraint = problem.model(), problem.constraint()
            sampler = tt.GrammarAlignedSampler("cars", batch_size=batch_size)
            list(sampler.samples(model, constraint, n_samples, torch.Generator().manual_seed(0)))
            found = sampler.report(model, constraint)
            if batch_size == 1:
                cells.append(f"{found.n_tokens / n_samples:.2f}")
            cells.append(f"{found.n_forward_passes / n_samples:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
