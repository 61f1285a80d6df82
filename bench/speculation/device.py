"""What trees are worth on this device: passes of a target by size of tree in, speed-ups in the open out.

The target has the shape of Llama 3.2 1B on a GPU (bfloat16), a small one on a CPU, and random weights: a pass
costs what it costs, whatever the weights are. What random weights cannot tell is how many tokens of a tree
are kept; that comes from measurements with trained models (`efficiency`, `compare`), as tokens for each pass.
From both:

    speed-up = tokens a pass * plain step / (pass over the tree + moving the cache + draft passes)

Besides, each case is *replayed*: the whole loop of `Speculation` writes a text that was fixed beforehand (a
processor leaves one token at each step, in plain decoding, too), with trees in which just so many tokens are
right as were kept in the measurement, and with as many passes of a draft model, whose results are thrown
away. What is measured there has everything in it: masks, verification, Python.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tokentrellis as tt
import torch
from tokentrellis.samplers.draft_tree import ROOT
from tokentrellis.samplers.tree_growth import TreeGrowth
from tokentrellis.samplers.tree_model import TreeModel
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor

SHAPES = {  # layers, width, width inside, heads, heads of keys, tokens
    "1b": (16, 2048, 8192, 32, 8, 128256),
    "small": (8, 256, 1024, 8, 2, 8192),
    "tiny": (2, 32, 64, 2, 1, 300),
}
SIZES = (1, 2, 4, 8, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Case:
    """What was measured elsewhere: nodes of a tree, tokens a pass, passes of the draft model a tree."""

    name: str
    nodes: int
    tokens: float
    draft_passes: float

    @classmethod
    def read(cls, text: str) -> Case:
        """From "name:nodes:tokens:draft passes"."""
        name, nodes, tokens, passes = text.rsplit(":", 3)
        return cls(name, int(nodes), float(tokens), float(passes))


MEASURED = (
    Case("JSON, recycling + look-up + forced", 16, 2.96, 0),
    Case("JSON, Sequoia of 8 levels", 16, 6.24, 8),
    Case("JSON, DySpec", 16, 10.93, 13),
    Case("text, Sequoia", 16, 2.13, 6),
    Case("text, DySpec", 16, 2.13, 6),
)
"""Tokens a pass as in docs/speculation.md, drawn at temperature 1."""


def device(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Print the cost curve and, for each case, the derived speed-up and that of the replay."""
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = options.shape or ("1b" if place.type == "cuda" else "small")
    dtype = torch.bfloat16 if place.type == "cuda" else torch.float32
    target = random_llama(shape, 1.0, place, dtype)
    draft = random_llama(shape, options.draft_share, place, dtype)
    cases = [Case.read(text) for text in options.given] or list(MEASURED)
    name = torch.cuda.get_device_name() if place.type == "cuda" else "CPU"
    print(f"{name}, {shape}, {dtype}, prompt of {options.prompt} tokens, median of {options.repeats}")
    plain_s = step_seconds(target, options, None)
    passes = {size: pass_seconds(target, options, size) for size in SIZES}
    draft_s = pass_seconds(draft, options, 1)[0]
    print(f"plain step of generate(): {1e3 * plain_s:.2f} ms; draft pass: {1e3 * draft_s:.2f} ms\n")
    print(
        "| nodes, the root included | pass, ms | in plain steps | moving the cache, ms |\n|--:|--:|--:|--:|"
    )
    for size, (read_s, keep_s) in passes.items():
        print(f"| {size} | {1e3 * read_s:.2f} | {read_s / plain_s:.2f} | {1e3 * keep_s:.2f} |")
    print("\n| case | nodes | tokens a pass | draft passes | derived | replayed |\n|:--|--:|--:|--:|--:|--:|")
    rows: list[dict[str, Any]] = [{"name": name, "shape": shape, "plain_s": plain_s, "passes": passes}]
    for case in cases:
        step_s = sum(interpolated(passes, case.nodes + 1)) + case.draft_passes * draft_s
        derived = case.tokens * plain_s / step_s
        replayed = plain_s / step_seconds(target, options, Replay(case, draft))
        rows.append({**vars(case), "derived": derived, "replayed": replayed})
        print(
            f"| {case.name} | {case.nodes} | {case.tokens:.2f} | {case.draft_passes:g} | {derived:.2f} "
            f"| {replayed:.2f} |",
            flush=True,
        )
    return rows


def random_llama(shape: str, share: float, place: torch.device, dtype: torch.dtype) -> Any:
    """Random weights. share: of the layers of the shape."""
    layers, width, inside, heads, key_heads, tokens = SHAPES[shape]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokens,
        hidden_size=width,
        intermediate_size=inside,
        num_hidden_layers=max(1, round(share * layers)),
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    with place:
        return LlamaForCausalLM(config).to(dtype).eval()


def script(model: Any, options: argparse.Namespace) -> torch.Tensor:
    """Prompt and text, int64, shape [1, tokens]."""
    generator = torch.Generator().manual_seed(1)
    n_tokens = options.prompt + options.new_tokens
    ids = torch.randint(1, model.config.vocab_size, (1, n_tokens), generator=generator)
    return ids.to(model.device)


class Scripted(LogitsProcessor):
    """Leaves the token that stands at the next position of a text."""

    def __init__(self, text: Sequence[int]) -> None:
        self.text = text

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        token = self.text[input_ids.shape[1]]
        return torch.full_like(scores, -torch.inf).index_fill_(
            1, torch.tensor([token], device=scores.device), 0.0
        )


class Replay(tt.Drafter):
    """Trees of which as much is right as a case says, after passes of a draft model that nobody looks at."""

    def __init__(self, case: Case, draft: Any) -> None:
        self.case = case
        self.draft = draft
        self.text: Sequence[int] = ()

    def session(self, prompt: Sequence[int]) -> tt.DraftSession:
        return _ReplaySession(self, prompt)


class _ReplaySession(tt.DraftSession):
    def __init__(self, replay: Replay, prompt: Sequence[int]) -> None:
        self._replay = replay
        self._owed = self._owed_passes = 0.0  # right tokens and draft passes, rounded with what is left over
        self._reader = TreeModel(replay.draft)
        if replay.case.draft_passes:
            self._reader.read_prompt(torch.tensor([list(prompt)], device=replay.draft.device))

    def grow(self, growth: TreeGrowth) -> None:
        case = self._replay.case
        self._owed += case.tokens - 1
        n_right = int(self._owed)
        self._owed -= n_right
        place, n_tokens = len(growth.text), growth.n_logits
        node = ROOT
        for token in self._replay.text[place : place + n_right]:
            child = growth.add_fixed(node, token)
            if child is None:
                break
            node = child
        # Wrong ones: the next token is not among them.
        right = self._replay.text[place + n_right] if place + n_right < len(self._replay.text) else 0
        for step in range(1, growth.n_left + 1):
            growth.add_fixed(node, (right + step) % n_tokens)
        self._draft()

    def _draft(self) -> None:
        self._owed_passes += self._replay.case.draft_passes
        while self._owed_passes >= 1:
            self._owed_passes -= 1
            # The host needs the result of each pass before it can begin the next.
            self._reader.read_nodes([[1]], [[-1]]).argmax(-1).cpu()
            self._reader.keep([[]])


def step_seconds(model: Any, options: argparse.Namespace, replay: Replay | None) -> float:
    """Seconds for each token of the scripted text, the prompt's pass not counted."""
    whole = script(model, options)
    text = whole[0].tolist()
    prompt = whole[:, : options.prompt]
    extra: dict[str, Any] = {}
    if replay is not None:
        replay.text = text
        extra["custom_generate"] = tt.Speculation(replay, max_nodes=replay.case.nodes, adaptive=False)

    def run(n_new: int) -> None:
        ids = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            logits_processor=[Scripted(text)],
            do_sample=False,
            min_new_tokens=None,
            max_new_tokens=n_new,
            **extra,
        )
        if ids[0].tolist() != text[: options.prompt + n_new]:
            raise SystemExit("the text that was written is not the script")

    begin = median_seconds(lambda: run(1), options, model.device)
    return (median_seconds(lambda: run(options.new_tokens), options, model.device) - begin) / (
        options.new_tokens - 1
    )


def pass_seconds(model: Any, options: argparse.Namespace, size: int) -> tuple[float, float]:
    """Seconds of a pass over so many nodes, and of keeping a path that does not lie in its place."""
    reader = TreeModel(model)
    reader.read_prompt(script(model, options)[:, : options.prompt])
    tokens = [list(range(1, size + 1))]
    parents = [[-1, *((node - 1) // 2 for node in range(1, size))]]
    path = [0, 2, 6][: 1 + (size > 2) + (size > 6)]
    keeping: list[float] = []

    def run() -> None:
        reader.read_nodes(tokens, parents)
        finish(model.device)
        begin = now(model.device)
        reader.keep([path])
        finish(model.device)
        keeping.append(now(model.device) - begin)
        reader.shorten([options.prompt])

    seconds = median_seconds(run, options, model.device)
    keep_s = statistics.median(keeping)
    return seconds - keep_s, keep_s


def interpolated(passes: dict[int, tuple[float, float]], size: int) -> tuple[float, float]:
    """Between the sizes that were measured, or the largest one."""
    above = min((other for other in passes if other >= size), default=max(passes))
    below = max(other for other in passes if other <= size)
    share = 0.0 if above == below else (size - below) / (above - below)
    low, high = passes[below], passes[above]
    return low[0] + share * (high[0] - low[0]), low[1] + share * (high[1] - low[1])


def median_seconds(run: Callable[[], object], options: argparse.Namespace, place: torch.device) -> float:
    """After warming up."""
    found = []
    for repeat in range(options.warm_ups + options.repeats):
        finish(place)
        begin = now(place)
        run()
        finish(place)
        if repeat >= options.warm_ups:
            found.append(now(place) - begin)
    return statistics.median(found)


def finish(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)


def now(place: torch.device) -> float:
    """On a CPU the time of this process: what other programs do on the machine does not count."""
    return time.perf_counter() if place.type == "cuda" else time.process_time()
