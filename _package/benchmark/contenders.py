"""The engines that write for a model: a task in, logits processors for `generate()` of transformers out.

The peers are those of MaskBench, behind the same five calls, with one processor for all of them: so the time
for applying a mask is the same for everybody. tokentrellis comes with its own processor, which is told the
budget, and for a task without a schema it takes the length that the task's constraints ask for. All engines
have their own defaults, except that xgrammar allows further properties, as the standard does.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..grammars.errors import ConstraintError
from ..grammars.json_schema.layout import Whitespace
from .constraints import enforceable
from .maskbench import engines as mask_engines
from .maskbench.engines import Engine
from .tasks import Task

if TYPE_CHECKING:
    from ..decoding.vocabulary import Vocabulary

OURS, FREE = "tokentrellis", "unconstrained"
PEERS = {"llguidance": "llguidance", "xgrammar": "xgrammar", "outlines_core": "outlines"}
"""Engine -> its name in MaskBench."""
NAMES = (OURS, *PEERS, FREE)
DEFAULT = (OURS, "llguidance", "xgrammar", FREE)

Processors = list[Any]
MakeProcessors = Callable[[], Processors]


class NotForThisTaskError(Exception):
    """The engine has nothing to enforce here: a task without a schema."""


def chosen_engines(names: str | None) -> tuple[list[str], list[str]]:
    """The engines to measure, and those of the default ones that are not installed.

    Raises:
        ConstraintError: a name is unknown, repeated, or asked for and not installed.
    """
    if names is None:
        missing = [name for name in DEFAULT if not is_installed(name)]
        return [name for name in DEFAULT if name not in missing], missing
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in NAMES or chosen.count(name) > 1:
            raise ConstraintError(
                "--engines: must be different engines", got=name, advice=f"choose from {', '.join(NAMES)}"
            )
        if not is_installed(name):
            raise ConstraintError(
                "--engines: is not installed", got=name, advice="pip install 'tokentrellis[bench]'"
            )
    return chosen, []


def is_installed(name: str) -> bool:
    """Whether an engine can be measured here."""
    return name in (OURS, FREE) or importlib.util.find_spec(name) is not None


def version_of(name: str) -> str:
    """The version of an engine; empty for none."""
    if name == FREE:
        return ""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a distribution"


@dataclass
class ModelTokenizer:
    """A loaded tokenizer as the engines of MaskBench want it."""

    huggingface: Any
    vocabulary_size: int
    eos_token_ids: list[int]
    vocabulary: Vocabulary

    @cached_property
    def token_bytes(self) -> list[bytes]:
        known = list(self.vocabulary.tokens)
        return known + [b""] * (self.vocabulary_size - len(known))

    def load(self) -> None:
        """It is."""

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.huggingface.encode(text, add_special_tokens=False)
        return ids


class Contender:
    """An engine on a model. `prepare` compiles for a task; the result makes the processors of one run."""

    def __init__(self, name: str, model: Any, tokenizer: Any, whitespace: Whitespace) -> None:
        from ..decoding.generate import read_vocabulary

        self.name = name
        self._whitespace = whitespace
        self._vocabulary = read_vocabulary(model, tokenizer)
        size = max(self._vocabulary.vocab_size, len(tokenizer))
        self._tokenizer = ModelTokenizer(
            tokenizer, size, list(self._vocabulary.eos_token_ids), self._vocabulary
        )
        self._engine: Engine[Any, Any] | None = None
        if name in PEERS:
            os.environ.setdefault("RAYON_NUM_THREADS", "1")
            row = np.zeros((1, (size + 31) // 32), dtype=np.int32)
            self._engine = mask_engines.create(PEERS[name], self._tokenizer, row)

    @property
    def eos_token_ids(self) -> tuple[int, ...]:
        """What ends a text."""
        return self._vocabulary.eos_token_ids

    def decode(self, token_ids: list[int]) -> str:
        """The text of generated tokens."""
        known = [token_id for token_id in token_ids if token_id < self._vocabulary.vocab_size]
        return self._vocabulary.decode(known).decode("utf-8", "replace")

    def prepare(self, task: Task, max_new_tokens: int) -> MakeProcessors:
        """Compile for a task.

        Raises:
            EngineError, ConstraintError: the engine refuses it. NotForThisTaskError: there is nothing to do.
        """
        if self.name == FREE:
            return list
        if self._engine is not None:
            return self._prepare_peer(task)
        from ..decoding.compile import compile_grammar
        from ..decoding.compiled_length import compile_length
        from ..decoding.processors import GrammarProcessor
        from ..grammars.json_schema import from_json_schema

        length = enforceable(task.constraints) if task.schema is None else None
        if task.schema is not None:
            grammar = from_json_schema(task.schema, whitespace=self._whitespace)
            compiled: Any = compile_grammar(grammar, self._vocabulary)
        elif length is not None:
            compiled = compile_length(length, self._vocabulary)
        else:
            raise NotForThisTaskError
        return lambda: [GrammarProcessor(compiled, max_new_tokens=max_new_tokens, in_place=True)]

    def _prepare_peer(self, task: Task) -> MakeProcessors:
        if task.schema is None:
            raise NotForThisTaskError
        engine = self._engine
        assert engine is not None
        compiled = engine.compile(task.schema)
        from .peer_processor import PeerProcessor

        return lambda: [PeerProcessor(engine, compiled)]
