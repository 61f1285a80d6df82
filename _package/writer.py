"""What writes for texts: settings in, a function from texts to results out.

The settings are plain data that pickle, a grammar by its source and options; so the same function serves one
text on the command line, the lines of a file, and the workers of a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .drafters import make_drafter
from .grammars.grammar import Grammar
from .models import load_model
from .sampler_options import SamplerName, make_sampler

if TYPE_CHECKING:
    from .decoding.vocabulary import Vocabulary

Writer = Callable[[list[str], int], list[Any]]
"""(texts, number of the first of them) -> a Result for each; text n draws from seed + n"""


@dataclass(frozen=True)
class WriterSettings:
    """What to write, and with what.

    described: a JSON Schema that describes the grammar to the model. model, tokenizer: names; None: embedded.
    sampling: `temperature`, `top_k`, `top_p`, `min_p`, `trace`, as `generate()` takes them.
    sampler, particles, drafter, draft_model: as on the command line.
    """

    grammar: Grammar
    described: Any
    model: str | None = None
    tokenizer: str | None = None
    seed: int | None = None
    max_new_tokens: int | None = None
    sampling: dict[str, Any] = field(default_factory=dict)
    sampler: SamplerName | None = None
    particles: int | None = None
    drafter: str | None = None
    draft_model: str | None = None

    @property
    def is_by_batches(self) -> bool:
        """Whether several texts can share their steps: without chance, and without what takes one text."""
        is_drawn = any(
            self.sampling.get(name) is not None for name in ("temperature", "top_k", "top_p", "min_p")
        )
        return not is_drawn and self.seed is None and self.sampler is None and self.drafter is None


def make_writer(settings: WriterSettings, vocabulary: Vocabulary | None = None) -> Writer:
    """Load the model and compile the grammar. vocabulary: of this tokenizer, if it was read before.

    Raises:
        ConstraintError: the model cannot be loaded, or the grammar does not compile for it.
    """
    loaded = load_model(settings.model, settings.tokenizer)
    sampler = make_sampler(settings.sampler, settings.particles)
    drafter = None
    if settings.drafter is not None:
        drafter = make_drafter(settings.drafter, settings.draft_model, loaded)
    from .decoding.compile import compile_grammar
    from .decoding.generate import generate, keep_vocabulary, read_vocabulary

    if vocabulary is not None:
        keep_vocabulary(loaded.model, loaded.tokenizer, vocabulary)
    started = time.perf_counter()
    compiled = compile_grammar(settings.grammar, read_vocabulary(loaded.model, loaded.tokenizer))
    compile_ms = 1000 * (time.perf_counter() - started)

    def write_together(texts: list[str], number: int) -> list[Any]:
        results = generate(
            loaded.model,
            loaded.tokenizer,
            [loaded.prompt(text, settings.described) for text in texts],
            grammar=compiled,
            max_new_tokens=settings.max_new_tokens,
            seed=None if settings.seed is None else settings.seed + number,
            sampler=sampler,
            drafter=drafter,
            **settings.sampling,
        )
        # Compiled above, once for all texts: generate() itself had nothing to compile.
        return [replace(result, stats=replace(result.stats, compile_ms=compile_ms)) for result in results]

    def write(texts: list[str], number: int) -> list[Any]:
        if settings.is_by_batches:
            return write_together(texts, number)
        return [write_together([text], place)[0] for place, text in enumerate(texts, number)]

    return write
