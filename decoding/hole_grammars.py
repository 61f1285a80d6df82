"""What a hole of a program may be given as: a grammar, a schema or a type in, a compiled grammar out.

With it comes the meaning of its texts. What was compiled is kept, for all programs of a tokenizer, by what
was given: `tt.from_regex("...")` in a loop is compiled once.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from ..grammars.grammar import Grammar
from ..grammars.json_schema import from_json_schema
from ..grammars.regex import from_regex
from .compile import CompiledGrammar, compile_grammar
from .errors import SamplingError, VocabularyError
from .vocabulary import Vocabulary

_SCHEMAS = (bool, str, bytes, bytearray, Mapping, Grammar)  # all else is a type

ValueOf = Callable[[str], Any]


MOST_KEPT = 256
"""Compiled grammars of one vocabulary; the one that was not asked for longest goes first."""

_of_tokenizer: WeakKeyDictionary[Any, dict[Vocabulary, HoleGrammars]] = WeakKeyDictionary()
_lock = threading.Lock()


def hole_grammars(tokenizer: Any, vocabulary: Vocabulary) -> HoleGrammars:
    """What was compiled for a vocabulary of a tokenizer, kept as long as the tokenizer lives."""
    with _lock:
        known = _of_tokenizer.setdefault(tokenizer, {})
        return known.setdefault(vocabulary, HoleGrammars(vocabulary))


class HoleGrammars:
    """Compiles for one vocabulary. May be shared between threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._compiled: OrderedDict[Any, tuple[Any, CompiledGrammar]] = OrderedDict()

    def find(self, source: Any) -> tuple[CompiledGrammar, ValueOf]:
        """A grammar for the vocabulary, and what a text of it means.

        source: None or str: any text. A `CompiledGrammar`, a `Grammar`, or what `from_json_schema` takes.

        Raises:
            GrammarError: it cannot be read. VocabularyError: it was compiled for another vocabulary, or the
                tokens cannot spell what it needs.
        """
        from .generate import is_same_tokenizer  # these import torch
        from .results import value_of

        if source is None or source is str:
            return self._compile_once(str, lambda: from_regex(r"[\s\S]*")), str
        if isinstance(source, CompiledGrammar):
            if not is_same_tokenizer(source.vocabulary, self._vocabulary):
                raise VocabularyError(
                    "grammar must be compiled for the vocabulary of this tokenizer",
                    got=source.vocabulary,
                    advice=f"compile it for {self._vocabulary!r}",
                )
            return source, lambda text: value_of(source.grammar, text)
        compiled = self._compile_once(
            source, lambda: source if isinstance(source, Grammar) else from_json_schema(source)
        )
        if isinstance(source, _SCHEMAS):
            return compiled, lambda text: value_of(compiled.grammar, text)
        return compiled, lambda text: _instance(source, text)

    def _compile_once(self, source: Any, make: Callable[[], Grammar]) -> CompiledGrammar:
        key = _key_of(source)
        with _lock:
            known = self._compiled.get(key)
            if known is not None:
                self._compiled.move_to_end(key)
                return known[1]
        compiled = compile_grammar(make(), self._vocabulary)
        with _lock:
            self._compiled[key] = source, compiled  # the source too: its identity must stay its own
            if len(self._compiled) > MOST_KEPT:
                self._compiled.popitem(last=False)
        return compiled


def _key_of(source: Any) -> Any:
    """What a grammar was made of, or a schema as text, if that can be a key; else the identity."""
    with suppress(TypeError, ValueError, RecursionError):
        if isinstance(source, Grammar):
            made_of = source.__reduce__()
            if made_of[0] is type(source) and hash(made_of) is not None:
                return made_of
        elif isinstance(source, dict):
            return "schema", json.dumps(source)
    return id(source)


def _instance(kind: Any, text: str) -> Any:
    """The instance of a type that a JSON text stands for."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        reason = " ".join(str(error).split("\n")[:3])
        raise SamplingError(
            f"the text obeys the schema of {kind!r}, which refuses it nevertheless ({reason})",
            got=text,
            advice="say in the schema what a validator asks for",
        ) from error
