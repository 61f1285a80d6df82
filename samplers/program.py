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
from torch import Tensor

from ..decoding.arguments import checked_choice, checked_instance, checked_integer, checked_list
from ..decoding.errors import ArgumentValueError, BudgetTooSmallError
from ..decoding.generate import DEFAULT_SPARE_TOKENS
from ..decoding.generation_options import context_left
from ..grammars.errors import ConstraintError
from .program_choice import OptionTree
from .program_hole import Ends, Hole, TokenLaw
from .program_rows import ProgramRows, Reader, Reading
from .program_setting import ProgramSetting

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")


@dataclass(frozen=True)
class Capture:
    """A hole that is filled: its name, its text, and what the text means."""

    name: str
    text: str
    value: Any


class _Span:
    """The tokens of one hole.

    n_owed: bytes that are spelled before it begins. ahead: the state behind all of its tokens, the guessed
    ones too. committed, data: the tokens that are certain, and their bytes.
    """

    def __init__(self, hole: Hole) -> None:
        self.n_owed = len(hole.owed)
        self.ahead = hole
        self.committed: list[int] = []
        self.data = bytearray()

    def commit(self, token_id: int, data: bytes) -> None:
        self.committed.append(token_id)
        self.data += data


@dataclass(frozen=True)
class _Guess:
    """A token behind the certain ones; `hole` is the state before it, None in fixed text."""

    token_id: int
    span: _Span | None = None
    hole: Hole | None = None


class Program:
    """One text on its way. Not to be shared between threads.

    model, tokenizer: from transformers, belonging to each other; the model is a decoder that reads trees, as
        for drafters.
    seed, temperature, top_k, top_p: as for `generate()`: without any of them the likeliest token is taken.
    healing: whether the last token of fixed text may be cut anew together with the hole behind it
        (`docs/programs.md`).
    on_capture: called with each hole as soon as its text is known.

    Attributes:
        captures: the holes so far, in their order.
        probabilities: by the name of a choice, the probability of each option, given that it is one of them.

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
        healing: bool = True,
        on_capture: Callable[[Capture], object] | None = None,
    ) -> None:
        setting = ProgramSetting(model, tokenizer, healing, on_capture)
        law = setting.token_law(seed, temperature, top_k, top_p)
        self._begin_with(setting, law, _OnlyRow(ProgramRows(model, 1)))

    def _begin_with(self, setting: ProgramSetting, law: TokenLaw, reader: Reader) -> None:
        self.captures: list[Capture] = []
        self.probabilities: dict[str, dict[str, float]] = {}
        self._setting = setting
        self._law = law
        self._reader = reader
        self._parts: list[tuple[str, bool]] = []  # of the transcript: text, whether it was generated
        self._held = ""  # fixed text that has no tokens yet
        self._token_ids: list[int] = []
        self._guesses: list[_Guess] = []  # behind these
        self._n_read = 0  # of `_token_ids`, in the cache
        self._kept: list[int] = []  # nodes of the last reading that belong to the text
        self._logits: Tensor | None = None  # after the last token, if that was read

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
        compiled, value_of = self._setting.compiled(grammar)
        owed = self._encode()
        matcher = compiled.matcher()
        max_tokens = self._budget(matcher.tokens_to_finish - 1, max_tokens)
        hole = Hole(matcher, self._setting.tokens_by_text, owed=owed, max_tokens=max_tokens, ends=ends)
        span = _Span(hole)
        self._guess(span)
        text = None
        while text is None and not span.ahead.is_over:
            if self._read():
                assert self._logits is not None
                token_id = span.ahead.choose(self._logits, self._law)
                if token_id is None:
                    break
                self._take(span, token_id)
                self._guess(span)
            text = self._stopped(span, stops)
        return self._capture(name, (self._bytes_of(span) if text is None else text).decode(), value_of)

    def choose(self, name: str, options: Sequence[str]) -> str:
        """Go on with one of some texts: the one with the highest probability, or drawn by their probabilities.

        The probability of an option is that of the tokens by which the tokenizer writes it here. An option
        that another one begins with has its probability too; let such options end differently.

        Raises:
            ArgumentTypeError, ArgumentValueError: an argument is of the wrong kind, there is no option, one is
                empty or stands twice.
            ConstraintError: there is no text before the first hole, or no context is left.
        """
        _check_name(name)
        texts = _checked_options(options)
        owed = self._encode()
        encoded = [self._setting.encoder.spell(owed + text.encode()) for text in texts]
        self._budget(max(map(len, encoded)), None)
        tree = OptionTree(encoded)
        while True:
            nodes = self._read_tree(tree)
            if nodes is not None:
                break
        assert self._logits is not None
        log_probs = torch.tensor(tree.log_probs(self._logits, nodes), dtype=torch.float64)
        chosen = self._law.choose(log_probs.log_softmax(0).float())
        self.probabilities[name] = dict(zip(texts, log_probs.softmax(0).tolist(), strict=True))
        path = tree.path(chosen)
        first = len(self._kept)
        self._kept += [first + node for node in path]
        self._token_ids += encoded[chosen]
        self._n_read += len(path)
        self._logits = nodes[path[-1]] if len(path) == len(encoded[chosen]) else None
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
        kept = [*self._token_ids, *(guess.token_id for guess in self._guesses)]
        return kept + self._encoded(self._held, is_first=not kept)

    @property
    def n_forward_passes(self) -> int:
        """Passes of the model so far; those of a batch count for each of its programs."""
        return self._reader.n_forward_passes

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

    def _encode(self) -> bytes:
        """Give the fixed text its tokens; the bytes of the last one, if that is to be cut anew."""
        is_first = not (self._token_ids or self._guesses)
        token_ids = self._encoded(self._held, is_first=is_first)
        self._held = ""
        if is_first and not token_ids:
            raise ConstraintError(
                "a program needs a text before its first hole", advice="begin with: program += ..."
            )
        owed = b""
        if self._setting.healing and len(token_ids) > is_first:
            owed = self._setting.vocabulary.token_bytes(token_ids[-1])
            if owed and self._setting.tokens_by_text.goes_on(owed):
                token_ids = token_ids[:-1]
            else:
                owed = b""
        if self._guesses:
            self._guesses += [_Guess(token_id) for token_id in token_ids]
        else:
            self._token_ids += token_ids
            self._logits = None if token_ids else self._logits
        return owed

    def _encoded(self, text: str, *, is_first: bool) -> list[int]:
        encoder = self._setting.encoder
        return encoder.first(text) if is_first else encoder.later(text)

    def _budget(self, needed: int, max_tokens: int | None) -> int:
        """Tokens for a hole. needed: of the shortest text."""
        if max_tokens is not None:
            max_tokens = checked_integer("max_tokens", max_tokens, least=1)
        n_before = len(self._token_ids) + len(self._guesses)
        context = context_left(self._setting.model, n_before)
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

    def _guess(self, span: _Span) -> None:
        """Put tokens for the text that is forced behind a span, which is the last one or all certain."""
        self._guesses += self._forced_guesses(span)

    def _forced_guesses(self, span: _Span) -> list[_Guess]:
        guesses = []
        ahead = span.ahead.copy()
        for token_id in self._setting.encoder.spell(ahead.forced_bytes()):
            guesses.append(_Guess(token_id, span, ahead.copy()))
            ahead.accept(token_id)
        if not ahead.can_finish:  # spelled with more tokens than the budget has
            return []
        span.ahead = ahead
        return guesses

    def _read(self) -> bool:
        """Have the logits after all tokens; False: a guess was wrong, and others stand there now."""
        return self._read_tree(OptionTree([])) is not None

    def _read_tree(self, tree: OptionTree) -> Tensor | None:
        """Have the logits after all tokens, and those of the nodes of a tree behind them, shape [nodes,
        vocabulary]; None: a guess was wrong, and others stand there now.
        """
        if self._logits is None and self._n_read == len(self._token_ids):
            self._n_read -= 1  # what was behind it was taken back
        pending = self._token_ids[self._n_read :]
        chain = pending + [guess.token_id for guess in self._guesses]
        if not chain and not tree.tokens:
            assert self._logits is not None
            return self._logits[:0].reshape(0, len(self._logits))
        n_chain = len(chain)
        first = len(pending) - 1  # the node before the first guess
        compared = [first + index for index, guess in enumerate(self._guesses) if guess.hole is not None]
        wanted = sorted({node for node in [*compared, n_chain - 1] if node >= 0})
        wanted += range(n_chain, n_chain + len(tree.tokens))
        read = self._reader.read(
            Reading(
                self._n_read,
                self._kept,
                chain + tree.tokens,
                [*range(-1, n_chain - 1), *(n_chain + parent for parent in tree.parents)],
                wanted,
            )
        )
        self._setting.check_width(read.shape[1])
        logits = {node: read[index] for index, node in enumerate(wanted)}
        if first < 0 and self._logits is not None:
            logits[-1] = self._logits
        if not self._are_right(logits, first):
            return None
        self._kept = list(range(n_chain))
        self._n_read = len(self._token_ids)
        self._logits = logits[n_chain - 1]
        return read[len(wanted) - len(tree.tokens) :]

    def _are_right(self, logits: Mapping[int, Tensor], first: int) -> bool:
        """Compare the guesses with what the model chooses; those before the first wrong one are certain then.

        logits: by node; first: the node before the first guess.
        """
        guesses, self._guesses = self._guesses, []
        for index, guess in enumerate(guesses):
            token_id = guess.token_id
            if guess.hole is not None and guess.span is not None:
                chosen = guess.hole.choose(logits[first + index], self._law)
                assert chosen is not None, "where text is forced, a hole does not end"
                token_id = chosen
                guess.span.commit(token_id, self._setting.vocabulary.token_bytes(token_id))
            self._token_ids.append(token_id)
            if token_id != guess.token_id:
                self._kept = list(range(first + 1 + index))
                self._n_read = len(self._token_ids) - 1
                self._logits = None
                self._guess_again(guess, token_id, guesses[index + 1 :])
                return False
        return True

    def _guess_again(self, wrong: _Guess, token_id: int, later: list[_Guess]) -> None:
        """Guess the rest of a hole in which another token was chosen; what comes after the hole stays."""
        assert wrong.hole is not None
        assert wrong.span is not None
        wrong.hole.accept(token_id)
        wrong.span.ahead = wrong.hole
        self._guesses = self._forced_guesses(wrong.span)
        self._guesses += [guess for guess in later if guess.span is not wrong.span]

    def _take(self, span: _Span, token_id: int) -> None:
        """Put a chosen token behind all others, which are certain and read."""
        span.ahead.accept(token_id)
        span.commit(token_id, self._setting.vocabulary.token_bytes(token_id))
        self._token_ids.append(token_id)
        self._logits = None

    def _bytes_of(self, span: _Span) -> bytes:
        guessed = [guess.token_id for guess in self._guesses if guess.span is span]
        return (bytes(span.data) + self._setting.vocabulary.decode(guessed))[span.n_owed :]

    def _stopped(self, span: _Span, stops: Sequence[bytes]) -> bytes | None:
        """The text before the first stop, behind which nothing is left then; None: there is no stop."""
        found = [at for at in (span.data.find(stop, span.n_owed) for stop in stops) if at >= 0]
        if not found:
            return None
        wanted = bytes(span.data[: min(found)])
        length = 0
        n_tokens = 0
        for token_id in span.committed:
            size = len(self._setting.vocabulary.token_bytes(token_id))
            if length + size > len(wanted):
                break
            length, n_tokens = length + size, n_tokens + 1
        del self._token_ids[len(self._token_ids) - len(span.committed) + n_tokens :]
        self._n_read = min(self._n_read, len(self._token_ids))
        self._token_ids += self._setting.encoder.spell(wanted[length:])
        return wanted[span.n_owed :]

    def _capture(self, name: str, text: str, value_of: Callable[[str], Any]) -> Any:
        if text:
            self._parts.append((text, True))
        capture = Capture(name, text, value_of(text))
        self.captures.append(capture)
        if self._setting.on_capture is not None:
            self._setting.on_capture(capture)
        return capture.value


class _OnlyRow:
    """The reader of a program by itself."""

    def __init__(self, rows: ProgramRows) -> None:
        self._rows = rows

    @property
    def n_forward_passes(self) -> int:
        return self._rows.n_forward_passes

    def read(self, reading: Reading) -> Tensor:
        return self._rows.read({0: reading})[0]


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
