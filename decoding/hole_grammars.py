"""What a hole of a program may be given as: a grammar, a schema or a type in, a compiled grammar out.

With it comes the meaning of its texts. What was compiled is kept by the identity of what was given, so that a
loop over a hole compiles its type once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..grammars.grammar import Grammar
from ..grammars.json_schema import from_json_schema
from ..grammars.regex import from_regex
from .compile import CompiledGrammar, compile_grammar
from .errors import SamplingError, VocabularyError
from .vocabulary import Vocabulary

_SCHEMAS = (bool, str, bytes, bytearray, Mapping, Grammar)  # all else is a type

ValueOf = Callable[[str], Any]


class HoleGrammars:
    """Compiles for one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._compiled: dict[int, tuple[Any, CompiledGrammar]] = {}

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

    def _compile_once(self, key: Any, make: Callable[[], Grammar]) -> CompiledGrammar:
        known = self._compiled.get(id(key))
        if known is None:
            known = self._compiled[id(key)] = key, compile_grammar(make(), self._vocabulary)
        return known[1]


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
