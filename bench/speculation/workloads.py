"""What is generated, and with what: prompts and grammars by kind of text, drafters and rivals by name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tokentrellis as tt
import torch
from tokentrellis.decoding.generate import read_vocabulary
from tokentrellis.samplers.draft_reader import DraftReader
from tokentrellis.samplers.draft_tree import ROOT
from tokentrellis.samplers.tree_growth import TreeGrowth
from torch import Tensor

from ..embedded.evaluate import made_up_cases
from ..embedded.train import build_prompt
from .training import Pair, load_pair, texts


@dataclass(frozen=True)
class Task:
    """One prompt. compiled: its grammar, if there is one."""

    ids: Tensor
    max_new_tokens: int
    compiled: tt.CompiledGrammar | None = None

    def options(self) -> dict[str, Any]:
        """Of `model.generate()`."""
        processors = []
        if self.compiled is not None:
            processors = [tt.GrammarProcessor(self.compiled, max_new_tokens=self.max_new_tokens)]
        return {
            "inputs": self.ids,
            "attention_mask": torch.ones_like(self.ids),
            "logits_processor": processors,
            "max_new_tokens": self.max_new_tokens,
        }


@dataclass(frozen=True)
class Workload:
    """Models, and what they are to write."""

    kind: str
    pair: Pair
    tasks: list[Task] = field(repr=False)


def workload(kind: str, count: int) -> Workload:
    """kind: "json" (texts and schemas that the embedded model has not seen, by the grammar of the schema) or
    "text" (pieces of held-out pages, to be continued by 96 tokens, no grammar; there are 48).
    """
    pair = load_pair(kind)
    if kind == "text":
        tasks = []
        for text in texts()[1]:
            ids = pair.tokenizer(text, return_tensors="pt")["input_ids"]
            tasks += [Task(ids[:, at : at + 200], 96) for at in range(0, ids.shape[1] - 120, 260)]
        random.Random(0).shuffle(tasks)
        return Workload(kind, pair, (tasks * count)[:count])
    vocabulary = read_vocabulary(pair.target, pair.tokenizer)
    tasks = []
    for case in made_up_cases(count, 12):
        grammar = tt.from_json_schema(case.schema, whitespace="compact")
        prompt = build_prompt(case.text, case.schema)
        ids = pair.tokenizer(prompt, return_tensors="pt")["input_ids"]
        tasks.append(Task(ids, 200, tt.compile_grammar(grammar, vocabulary)))
    return Workload(kind, pair, tasks)


def sampling(is_sampled: bool, temperature: float = 1.0) -> dict[str, Any]:
    """Options of `model.generate()`."""
    return {"do_sample": True, "top_k": 0, "temperature": temperature} if is_sampled else {"do_sample": False}


class IndependentTree(tt.GumbelTree):
    """As `GumbelTree`, but siblings are drawn with replacement (SpecInfer): to compare with."""

    def grow(self, growth: TreeGrowth, logits: Tensor, reader: DraftReader) -> None:
        """See `ModelDrafter`."""
        tree = growth.tree
        tree.with_replacement = True
        level = [(ROOT, logits)]
        for depth, n_children in enumerate(self.branching):
            children = []
            for node, row in level:
                probs = growth.draft_probs(node, row)
                tree.set_draft_probs(node, probs)
                drawn = [
                    growth.add_drawn(node, growth.chance.draw(probs))
                    for _ in range(min(n_children, growth.n_left))
                    if node not in tree.final
                ]
                # Of equal siblings the first is the one that can be kept.
                children += {tree.tokens[child]: child for child in reversed(drawn)}.values()
            if depth + 1 < len(self.branching):
                open_nodes = [node for node in children if growth.may_grow(node)]
                level = list(zip(open_nodes, reader.read(tree, open_nodes), strict=True))


def drafters(pair: Pair, n_nodes: int) -> dict[str, Callable[[], tt.Drafter]]:
    """By name; trees of at most so many nodes. Fixed shapes have just so many for 8, 16 and 32."""
    shapes = {8: (2, 1, 1, 1), 16: (4, 1, 1, 1), 32: (8, 1, 1, 1)}
    branching = shapes.get(n_nodes, (3, 2, 1))
    deep = {8: (1,) * 8, 16: (2, 2, 1, 1), 32: (2, 2, 2, 1, 1)}.get(n_nodes, (2, 2, 1))
    draft = pair.draft
    return {
        "forced tokens": tt.ForcedTokens,
        "prompt look-up": tt.PromptLookup,
        "suffix look-up": tt.SuffixLookup,
        "token recycling": tt.TokenRecycling,
        "trigrams (ADED)": tt.TrigramTree,
        "recycling + look-up + forced": lambda: tt.CombinedDrafter(
            [tt.TokenRecycling(), tt.PromptLookup(), tt.ForcedTokens()]
        ),
        "chain of draws": lambda: tt.GumbelTree(draft, branching=(1,) * min(n_nodes, 8)),
        f"independent draws {branching}": lambda: IndependentTree(draft, branching=branching),
        f"independent draws {deep}": lambda: IndependentTree(draft, branching=deep),
        f"RSD-C {branching}": lambda: tt.GumbelTree(draft, branching=branching),
        f"RSD-C {deep}": lambda: tt.GumbelTree(draft, branching=deep),
        "RSD-S 4 wide": lambda: tt.StochasticBeam(draft, width=4, depth=max(2, n_nodes // 4)),
        "Sequoia": lambda: tt.OptimalTree(draft, max_depth=8),
        "Sequoia, 16 levels": lambda: tt.OptimalTree(draft, max_depth=16),
        "DySpec": lambda: tt.DynamicTree(draft, threshold=1e-3),
        "DySpec, by draft probabilities": lambda: tt.DynamicTree(draft, threshold=1e-3, measured=False),
        "DySpec + recycling + forced": lambda: tt.CombinedDrafter(
            [tt.DynamicTree(draft, threshold=1e-3), tt.TokenRecycling(), tt.ForcedTokens()]
        ),
    }


def rivals(pair: Pair) -> dict[str, dict[str, Any]]:
    """transformers' own, by name: options of `model.generate()`."""
    return {
        "transformers: prompt look-up": {"prompt_lookup_num_tokens": 10},
        "transformers: assistant": {"assistant_model": pair.draft},
    }


@contextmanager
def counted_passes(model: Any) -> Iterator[list[int]]:
    """A list with one entry for each pass of the model: the tokens that were read."""
    passes: list[int] = []

    def note(module: Any, arguments: Any, options: dict[str, Any]) -> None:
        passes.append(options["input_ids"].shape[1])

    handle = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield passes
    finally:
        handle.remove()
