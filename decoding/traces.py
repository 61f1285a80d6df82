"""What happened at each token of a generation: observations of a model and a mask in, a `Trace` out.

For each token a trace has what the model alone thought of it and of the likeliest others, what the mask took
away, whether the grammar left a choice at all, and how much of the budget was left. It is plain data: no
tensor, no model. `trace_recorder.py` makes the observations; `trace_page.py` shows a trace as a page,
`trace_terminal.py` in a terminal. The text is read once more through a fresh matcher, which knows what was
forced and what it took to finish; that costs microseconds for a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..grammars.errors import ConstraintError
from .compile import CompiledGrammar
from .compiled_length import CompiledLength
from .matcher import is_forced
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Source = CompiledGrammar | CompiledLength | Vocabulary
"""What decided: a compiled grammar or length; or a vocabulary, where nothing did."""

_WHITE = b" \t\n\r"


@dataclass(frozen=True)
class Observation:
    """What was seen when one token was chosen; all probabilities are from 0 to 1.

    probability: of the token, by the model alone; masked_probability: among the allowed tokens, as they were
        handed on to the choice (temperature and truncation come later). None: it was no longer known.
    removed: probability mass of the model on tokens that the mask forbids.
    n_allowed: tokens that were allowed.
    likeliest: (token id, probability by the model alone, whether it was allowed), the likeliest first.
    """

    probability: float | None
    masked_probability: float | None
    removed: float
    n_allowed: int
    likeliest: tuple[tuple[int, float, bool], ...]


@dataclass(frozen=True)
class Alternative:
    """A token that the model might have written here. probability: by the model alone, without the mask."""

    token_id: int
    text: str
    probability: float
    is_allowed: bool


@dataclass(frozen=True)
class TraceStep:
    """One token of an output, and the choice that it was; `Observation` has the terms that are not here.

    text: what it appends, a broken character as `\\xc3`; a token without text by its name.
    is_forced: it spells text about which the grammar left no choice.
    tokens_left: tokens that the budget had before this one, EOS included; None without a budget.
    tokens_to_finish: so many were needed from here for the shortest end; None without a grammar or a length.
    whitespace_share: of the token's bytes, how many are white space; 0 to 1.
    """

    token_id: int
    text: str
    probability: float | None
    masked_probability: float | None
    removed: float
    n_allowed: int
    is_forced: bool
    tokens_left: int | None
    tokens_to_finish: int | None
    whitespace_share: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class Trace:
    """All tokens of one output.

    prompt: the text before it, for the reader. text: the output. vocab_size: tokens to choose from.
    """

    prompt: str
    text: str
    steps: tuple[TraceStep, ...]
    vocab_size: int

    @cached_property
    def n_forced_tokens(self) -> int:
        """Tokens about which the grammar left no choice."""
        return sum(step.is_forced for step in self.steps)

    @cached_property
    def whitespace_share(self) -> float:
        """Share of the characters of the output that are white space, 0 to 1."""
        return sum(character in " \t\n\r" for character in self.text) / max(1, len(self.text))

    @cached_property
    def mean_removed(self) -> float:
        """Probability mass that the mask removed, on average over the tokens, 0 to 1."""
        return sum(step.removed for step in self.steps) / max(1, len(self.steps))

    def to_json(self) -> dict[str, Any]:
        """The trace as JSON has it."""
        return {**asdict(self), "whitespace_share": self.whitespace_share, "mean_removed": self.mean_removed}

    def html(self) -> str:
        """A page that needs nothing from outside: hover a token to see what else could have come."""
        from .trace_page import trace_page

        return trace_page(self)

    def save(self, path: str | Path) -> None:
        """Write the page to a file.

        Raises:
            ConstraintError: it cannot be written.
        """
        try:
            Path(path).write_text(self.html(), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ConstraintError(
                f"{path}: cannot be written ({error.strerror or error})", advice="name another file"
            ) from error

    def show(self, console: Console | None = None) -> None:
        """Print the trace to a terminal. console: of rich; by default standard output."""
        from rich.console import Console as DefaultConsole

        (console or DefaultConsole(highlight=False)).print(self)

    def __rich__(self) -> RenderableType:
        from .trace_terminal import trace_table

        return trace_table(self)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from .trace_page import trace_frame

        return trace_frame(self)


def make_trace(
    source: Source,
    token_ids: Sequence[int],
    observations: Sequence[Observation],
    *,
    prompt: str = "",
    max_new_tokens: int | None = None,
) -> Trace:
    """Put together what was observed and what the grammar knows.

    token_ids: the output, EOS included; observations: one for each.

    Raises:
        TokenRejectedError: the grammar does not allow the output.
    """
    vocabulary = source if isinstance(source, Vocabulary) else source.vocabulary
    matcher = None if isinstance(source, Vocabulary) else source.matcher()
    grammar = source.grammar if isinstance(source, CompiledLength) else source
    forcing = grammar.matcher() if isinstance(grammar, CompiledGrammar) else None
    names = vocabulary.special_names

    def text_of(token_id: int) -> str:
        is_padding = token_id >= vocabulary.vocab_size  # more logits than tokens
        data = b"" if is_padding else vocabulary.token_bytes(token_id)
        return data.decode("utf-8", "backslashreplace") if data else names.get(token_id, f"[{token_id}]")

    steps = []
    for place, (token_id, seen) in enumerate(zip(token_ids, observations, strict=True)):
        data = vocabulary.token_bytes(token_id)
        was_forced = False
        if forcing is not None:
            was_forced = is_forced(forcing, data)
            forcing.accept_token(token_id)
        needed = None if matcher is None else matcher.tokens_to_finish
        if matcher is not None:
            matcher.accept_token(token_id)
        step = TraceStep(
            token_id=token_id,
            text=text_of(token_id),
            probability=seen.probability,
            masked_probability=seen.masked_probability,
            removed=seen.removed,
            n_allowed=seen.n_allowed,
            is_forced=was_forced,
            tokens_left=None if max_new_tokens is None else max_new_tokens - place,
            tokens_to_finish=needed,
            whitespace_share=sum(byte in _WHITE for byte in data) / max(1, len(data)),
            alternatives=tuple(
                Alternative(other, text_of(other), probability, is_allowed)
                for other, probability, is_allowed in seen.likeliest
            ),
        )
        steps.append(step)
    text = vocabulary.decode(token_ids).decode("utf-8", "backslashreplace")
    return Trace(prompt, text, tuple(steps), vocabulary.vocab_size)
