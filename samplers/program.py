"""`Program`: a text that is written in parts, fixed ones by Python and holes by a model, with Python between.

    program = tt.Program(model, tokenizer)
    program += "Name: "
    name = program.generate("name", tt.from_regex("[A-Z][a-z]+"), max_tokens=8)
    if program.choose("known", ["yes", "no"]) == "yes": ...

The text so far is in the model's cache. Fixed text is only noted, and read with the next pass that a hole
needs. Where a grammar forces the text, its tokens are guessed as the tokenizer writes them, read with that
pass too, and compared with what the model chooses there: greedy output is that of plain decoding, and drawn
output has its law, but a pass is spent only where there is a choice, or where a guess was wrong. If the end
of a hole is forced, its value is known at once, and the guess is compared when the next pass comes. `choose`
reads the tokens of all options as one tree (`program_choice.py`).

Cost: for a hole at most as many passes as plain decoding needs for it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import torch

from ..decoding.arguments import checked_choice, checked_instance, checked_integer, checked_list
from ..decoding.errors import ArgumentValueError, BudgetTooSmallError
from ..decoding.generate import DEFAULT_SPARE_TOKENS
from ..decoding.generation_options import context_left
from .program_choice import OptionTree
from .program_hole import Ends, Hole, TokenLaw
from .program_rows import OnlyRow, ProgramRows, Reader
from .program_setting import ProgramSetting
from .program_tape import Span, Tape

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")


@dataclass(frozen=True)
class Capture:
    """A hole that is filled: its name, its text, and what the text means."""

    name: str
    text: str
    value: Any


class Program:
    """One text on its way. Not to be shared between threads.

    model, tokenizer: from transformers, belonging to each other; the model is a decoder that reads trees, as
        for drafters.
    seed, temperature, top_k, top_p, min_p: as for `generate()`; without any of them the likeliest token is
        taken.
    healing: whether the last token of fixed text may be cut anew together with the hole behind it
        (`docs/programs.md`).
    on_capture: called with each hole as soon as its text is known.

    Attributes:
        captures: the holes so far, in their order.
        probabilities: by the name of a choice, the probability of each option, given that it is one of them.
        error: what ended it, for `run_programs(..., keep_going=True)`; else None.

    Raises:
        UnsupportedModelError: the model cannot read several branches at a time.
        VocabularyError: the tokenizer cannot be read, or is that of another model.
        ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, or out of bounds.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        healing: bool = True,
        on_capture: Callable[[Capture], object] | None = None,
    ) -> None:
        setting = ProgramSetting(model, tokenizer, healing, on_capture)
        law = setting.token_law(seed, temperature, top_k, top_p, min_p)
        self._begin_with(setting, law, OnlyRow(ProgramRows(model, 1)))

    def _begin_with(self, setting: ProgramSetting, law: TokenLaw, reader: Reader) -> None:
        self.captures: list[Capture] = []
        self.error: Exception | None = None
        self.probabilities: dict[str, dict[str, float]] = {}
        self._setting = setting
        self._law = law
        self._tape = Tape(setting, law, reader)
        self._parts: list[tuple[str, bool]] = []  # of the transcript: text, whether it was generated
        self._held = ""  # fixed text that has no tokens yet

    @classmethod
    def _in_batch(cls, setting: ProgramSetting, law: TokenLaw, reader: Reader) -> Self:
        program = cls.__new__(cls)
        program._begin_with(setting, law, reader)
        return program

    def __iadd__(self, text: str) -> Self:
        """Go on with fixed text. Names of special tokens in it are these tokens."""
        checked_instance("text", text, str, "a text")
        self._held += text
        if text:
            self._parts.append((text, False))
        return self

    @overload
    def generate(
        self,
        name: str,
        grammar: type[Value],
        *,
        stop: str | Sequence[str] = (),
        max_tokens: int | None = None,
        ends: Ends = "other",
    ) -> Value: ...

    @overload
    def generate(
        self,
        name: str,
        grammar: Any = None,
        *,
        stop: str | Sequence[str] = (),
        max_tokens: int | None = None,
        ends: Ends = "other",
    ) -> Any: ...

    def generate(
        self,
        name: str,
        grammar: Any = None,
        *,
        stop: str | Sequence[str] = (),
        max_tokens: int | None = None,
        ends: Ends = "other",
    ) -> Any:
        """Let the model fill a hole; its value.

        name: under which the value is kept; the last one of a name counts.
        grammar: a `CompiledGrammar`, a `Grammar`, or what `from_json_schema` takes. Of a type (int, a
            pydantic model, a dataclass ...) the value is an instance. None or str: any text.
        stop: for any text: it ends before the first of these, which is not part of it and is not written.
        max_tokens: tokens of the hole. By a grammar it is complete within them; any text is cut off. None:
            `DEFAULT_SPARE_TOKENS` more than the shortest text has, or what the context leaves.
        ends: where the grammar may end, the hole is over when the model would go on with something that the
            grammar does not take ("other"), or ends the whole text ("eos"). Any text ends with "eos".

        Raises:
            GrammarError: the grammar cannot be read. VocabularyError: the tokens cannot spell it.
            BudgetTooSmallError: the shortest text does not fit.
            SamplingError: a text obeys the schema of a type, but the type itself refuses it.
            ConstraintError: there is no text before the first hole, or no context is left.
            ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind.
        """
        _check_name(name)
        checked_choice("ends", ends, ("other", "eos"))
        is_free = grammar is None or grammar is str
        stops = _checked_stops(stop, is_free)
        compiled, value_of = self._setting.grammars.find(grammar)
        owed = self._write_held()
        matcher = compiled.matcher()
        max_tokens = self._budget(matcher.tokens_to_finish - 1, max_tokens)
        hole = Hole(matcher, self._setting.tokens_by_text, owed=owed, max_tokens=max_tokens, ends=ends)
        span = Span(hole)
        self._tape.guess(span)
        while not span.ahead.is_over:
            if self._tape.read():
                assert self._tape.logits is not None
                token_id = span.ahead.choose(self._tape.logits, self._law)
                if token_id is None:
                    break
                self._tape.take(span, token_id)
                self._tape.guess(span)
            stop_at = span.find(stops)
            if stop_at is not None:
                self._tape.take_back(span, stop_at)
                return self._capture(name, bytes(span.data[span.n_owed : stop_at]).decode(), value_of)
        return self._capture(name, self._tape.bytes_of(span).decode(), value_of)

    def choose(self, name: str, options: Sequence[str]) -> str:
        """Go on with one of some texts: that with the highest probability, or drawn by their probabilities.

        The probability of an option is that of the tokens by which the tokenizer writes it here. An option
        that another one begins with has its probability too; let such options end differently.

        Raises:
            ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind; there is no option, one
                is empty, or one stands twice.
            ConstraintError: there is no text before the first hole, or no context is left.
        """
        _check_name(name)
        texts = _checked_options(options)
        owed = self._write_held()
        encoded = [self._setting.encoder.spell(owed + text.encode()) for text in texts]
        self._budget(max(map(len, encoded)), None)
        tree = OptionTree(encoded)
        nodes = self._tape.read_tree(tree)
        while nodes is None:
            nodes = self._tape.read_tree(tree)
        assert self._tape.logits is not None
        log_probs = torch.tensor(tree.log_probs(self._tape.logits, nodes), dtype=torch.float64)
        self.probabilities[name] = dict(zip(texts, log_probs.softmax(0).tolist(), strict=True))
        chosen = self._law.choose(log_probs.log_softmax(0).float())
        self._tape.take_option(tree, chosen, encoded[chosen], nodes)
        return str(self._capture(name, texts[chosen], str))

    @property
    def values(self) -> Mapping[str, Any]:
        """By name, the values so far."""
        return MappingProxyType({capture.name: capture.value for capture in self.captures})

    @property
    def text(self) -> str:
        """The transcript: everything so far, fixed and generated."""
        return "".join(text for text, _ in self._parts)

    @property
    def token_ids(self) -> list[int]:
        """The tokens so far. Those of forced text are guesses until the model has read them."""
        return self._tape.token_ids + (self._tape.encoded(self._held) if self._held else [])

    @property
    def n_forward_passes(self) -> int:
        """Passes of the model so far; those of a batch count for each of its programs."""
        return self._tape.reader.n_forward_passes

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Program of {len(self.captures)} holes: {self.text!r}>"

    def _repr_html_(self) -> str:
        marked = [
            f"<mark>{html.escape(text)}</mark>" if is_generated else html.escape(text)
            for text, is_generated in self._parts
        ]
        return f'<pre style="white-space: pre-wrap">{"".join(marked)}</pre>'

    def _write_held(self) -> bytes:
        """Give the fixed text its tokens; the bytes of the last one, if that is to be cut anew."""
        owed = self._tape.write(self._held)
        self._held = ""
        return owed

    def _budget(self, needed: int, max_tokens: int | None) -> int:
        """Tokens for a hole. needed: of the shortest text."""
        if max_tokens is not None:
            max_tokens = checked_integer("max_tokens", max_tokens, least=1)
        context = context_left(self._setting.model, len(self._tape))
        least = max(needed, 0)
        most = min(least + DEFAULT_SPARE_TOKENS, context) if max_tokens is None else max_tokens
        if least > min(most, context):
            raise BudgetTooSmallError(
                least,
                min(most, context),
                message=f"the hole must have at least {least} tokens for the shortest text",
                advice="raise max_tokens" if most < context else "shorten the program",
            )
        return min(most, context)

    def _capture(self, name: str, text: str, value_of: Callable[[str], Any]) -> Any:
        if text:
            self._parts.append((text, True))
        capture = Capture(name, text, value_of(text))
        self.captures.append(capture)
        if self._setting.on_capture is not None:
            self._setting.on_capture(capture)
        return capture.value


def _check_name(name: str) -> None:
    checked_instance("name", name, str, "a text")


def _checked_stops(stop: Any, is_free: bool) -> list[bytes]:
    stops = [stop] if isinstance(stop, str) else checked_list("stop", stop, str, "a text")
    if stops and not is_free:
        raise ArgumentValueError(
            "stop: a hole with a grammar ends where the grammar does", got=stop, advice="leave one out"
        )
    if not all(stops):
        raise ArgumentValueError("stop: must not be empty", got=stop)
    return [text.encode("utf-8", "surrogatepass") for text in stops]


def _checked_options(options: Any) -> list[str]:
    texts = checked_list("options", options, str, "a text")
    if not texts or not all(texts) or len(set(texts)) < len(texts):
        raise ArgumentValueError("options: must be texts that differ, none of them empty", got=options)
    return texts
