"""The engines that can be measured: one file for each, all behind the same five calls.

A name on the command line is `NAME` or `NAME+VARIANT...`: `tokentrellis`, `xgrammar+default`,
`tokentrellis+schema-order+natural`. NAME is a module of this folder, or any importable module of your own.
Such a module has `PACKAGE` (the distribution whose version is reported), `VARIANTS` (variant -> keyword
arguments) and `create(tokenizer, bitmask, **options)`, which returns an `Engine`. Nothing is imported before
it is asked for.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..tokenizer import Tokenizer

Grammar = TypeVar("Grammar")
Matcher = TypeVar("Matcher")

KNOWN = ("tokentrellis", "llguidance", "xgrammar", "outlines")
# outlines can need minutes for one schema, so it runs only when it is asked for.
DEFAULT = ("tokentrellis", "llguidance", "xgrammar")


class EngineError(Exception):
    """The engine said no as it documents: a schema refused, a limit reached, a mask that failed.

    Any other exception of an engine is a crash, and is counted as one.
    """


class Engine(ABC, Generic[Grammar, Matcher]):
    """One engine, set up for one vocabulary; all masks go to `bitmask`, a row that belongs to the caller.

    `bitmask` is int32 of shape [1, ceil(V/32)], bit set = allowed. The row never moves, so that an
    engine may keep its address.
    """

    def __init__(self, tokenizer: Tokenizer, bitmask: NDArray[np.int32]) -> None:
        self.bitmask = bitmask
        # Bits are tested on an unsigned view: in int32, `1 << 31` overflows where id % 32 == 31.
        self.words = bitmask.reshape(-1).view(np.uint32)
        self.eos_token_ids = tokenizer.eos_token_ids

    @abstractmethod
    def compile(self, schema: Any) -> Grammar:
        """Schema (parsed JSON) to compiled grammar; raises EngineError where the engine refuses it."""

    @abstractmethod
    def matcher(self, grammar: Grammar) -> Matcher:
        """The state of a new sequence."""

    @abstractmethod
    def fill(self, matcher: Matcher) -> None:
        """Write the mask of the next token to the row, all of it."""

    @abstractmethod
    def commit(self, matcher: Matcher, token_id: int) -> bool:
        """Go on by one token; False or EngineError if the engine does not take it."""

    def allows(self, token_id: int) -> bool:
        """The token's bit in the mask that was written last."""
        return bool(int(self.words[token_id >> 5]) >> (token_id & 31) & 1)

    def eos_allowed(self, matcher: Matcher) -> bool:
        """Whether the mask allows the sequence to end here: what a server would go by."""
        self.fill(matcher)
        return any(self.allows(token_id) for token_id in self.eos_token_ids)


def find_module(name: str) -> ModuleType:
    """The module behind the first part of an engine's name.

    Raises ValueError if there is none, ModuleNotFoundError if the package that it measures is not installed.
    """
    base = name.partition("+")[0]
    path = f"{__name__}.{base}" if base in KNOWN else base
    if path == base and importlib.util.find_spec(base.partition(".")[0]) is None:
        raise ValueError(
            f"--engines: {base!r} is not an engine; choose from {', '.join(KNOWN)}, or name a module"
        )
    return importlib.import_module(path)


def installed(name: str) -> bool:
    """Whether the package behind an engine of this folder can be imported."""
    return importlib.util.find_spec({"outlines": "outlines_core"}.get(name, name)) is not None


def options_of(name: str, module: ModuleType) -> dict[str, Any]:
    """The keyword arguments that a name's variants stand for. Raises ValueError for an unknown variant."""
    options: dict[str, Any] = {}
    for variant in name.split("+")[1:]:
        if variant not in module.VARIANTS:
            known = ", ".join(sorted(module.VARIANTS)) or "none"
            raise ValueError(f"--engines: {name!r} has no variant {variant!r}; known variants: {known}")
        options.update(module.VARIANTS[variant])
    return options


def create(name: str, tokenizer: Tokenizer, bitmask: NDArray[np.int32]) -> Engine[Any, Any]:
    """Set an engine up for a tokenizer; its masks will go to `bitmask`."""
    module = find_module(name)
    engine: Engine[Any, Any] = module.create(tokenizer, bitmask, **options_of(name, module))
    return engine


def version(name: str) -> str:
    """The version of the package behind an engine."""
    package = find_module(name).PACKAGE
    return importlib.metadata.version(package) if package else "unversioned"
