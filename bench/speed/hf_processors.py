"""Each engine as a logits processor of transformers: its own where it has one, else the least that is right.

In: the names of engines of MaskBench and a schema. Out: for each a function that makes the processors for one
`generate()`, new ones for each, as xgrammar's serves one generation only. tokentrellis and xgrammar bring
their own; ours copies the scores, or works in place (`IN_PLACE`), as both peers do. llguidance brings the
parts, put together here as its documentation shows: a copy of the matcher for each row; the mask by the
matcher for one row, by the executor (which is made once) for several; applied by `llguidance.torch` (which
torch compiles on first use).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from tokentrellis.benchmark.maskbench.engines import EngineError
from transformers import LogitsProcessor

from .setting import OURS, Setting
from .tables import Table
from .workload import refusal

Factory = Callable[[], list[LogitsProcessor]]
FREE = "unconstrained"
IN_PLACE = ", in place"


class LlguidanceProcessor(LogitsProcessor):
    """Rows do not end and are not reordered here, so the last token of each is what its matcher reads."""

    def __init__(self, matcher: Any, vocabulary_size: int, executor: Any) -> None:
        self.start = matcher
        self.vocabulary_size = vocabulary_size
        self.executor = executor
        self.matchers: list[Any] = []
        self.bitmask = torch.empty(0)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        import llguidance.torch as masks

        if self.matchers:
            for matcher, token_id in zip(self.matchers, input_ids[:, -1].tolist(), strict=True):
                if not matcher.consume_token(token_id):
                    raise RuntimeError(matcher.get_error())
        else:
            self.matchers = [self.start.deep_copy() for _ in input_ids]
            self.bitmask = masks.allocate_token_bitmask(len(input_ids), self.vocabulary_size)
        if len(self.matchers) == 1:
            masks.fill_next_token_bitmask(self.matchers[0], self.bitmask)
        else:
            pairs = [(matcher, row) for row, matcher in enumerate(self.matchers)]
            masks.fill_next_token_bitmask_par(self.executor, pairs, self.bitmask)
        masks.apply_token_bitmask_inplace(scores, self.bitmask.to(scores.device))
        return scores


def make_factories(
    setting: Setting, schema: Any, documents: list[list[int]], tables: Sequence[Table], threads: int = 1
) -> dict[str, Factory]:
    """What makes each engine's processors for the schema, and none for the run without a grammar.

    An engine that refuses the schema or one of the documents, or has no processor, is left out of the tables,
    in each of their cases.
    """
    factories: dict[str, Factory] = {FREE: list}
    for name in setting.engines:
        try:
            engine = setting.create(name)
            grammar = engine.compile(schema)
            for token_ids in documents:
                reason = refusal(engine, grammar, token_ids)
                if reason is not None:
                    raise EngineError(reason)
            for way in (name, name + IN_PLACE) if name == OURS else (name,):
                factories[way] = factory(way, grammar, setting.tokenizer.vocabulary_size, threads)
        except (EngineError, LookupError) as error:
            for table in tables:
                for case in table.order:
                    table.leave_out(case, name, str(error))
    return factories


def factory(name: str, grammar: Any, vocabulary_size: int, threads: int) -> Factory:
    """What makes the processors of one `generate()`. Raises LookupError for an engine without one."""
    base = name.removesuffix(IN_PLACE).partition("+")[0]
    if base == OURS:
        from tokentrellis import GrammarProcessor

        return lambda: [GrammarProcessor(grammar, in_place=name.endswith(IN_PLACE))]
    if base == "llguidance":
        from llguidance import LLExecutor

        executor = LLExecutor(num_threads=threads)
        return lambda: [LlguidanceProcessor(grammar, vocabulary_size, executor)]
    if base == "xgrammar":
        from xgrammar.contrib.hf import LogitsProcessor as XgrammarProcessor

        return lambda: [XgrammarProcessor(grammar)]
    raise LookupError("has no processor for transformers here")
