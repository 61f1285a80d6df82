"""The model and its cache as programs use them: tokens behind a text in, logits at some of them out.

Each program is a row. It reads tokens behind its text (a chain, or at the end a tree, whose branches are
scored side by side), says later which of them belong to its text, and may take back what was read too far.
All rows that wait are read in one pass (`TreeModel`), each as far as it needs; rows of different lengths
disturb each other in nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from ..decoding.errors import UnsupportedModelError
from .tree_model import TreeModel


@dataclass(frozen=True)
class Reading:
    """What a program wants to have read.

    length: tokens of its text before this that stay, or belong to it since the last reading. kept: the nodes
    of the last reading that belong to the text now, each the parent of the next.
    tokens, parents: nodes behind the text, as `TreeModel.read_nodes` has them; at least one.
    wanted: nodes whose logits are wanted, ascending.
    """

    length: int
    kept: Sequence[int]
    tokens: Sequence[int]
    parents: Sequence[int]
    wanted: Sequence[int]


class Reader(Protocol):
    """What a program asks for a pass of the model."""

    @property
    def n_forward_passes(self) -> int:
        """Passes of the model so far."""

    def read(self, reading: Reading) -> Tensor:
        """The logits at the wanted nodes, shape [wanted, vocabulary]."""


class ProgramRows:
    """The texts of some programs in the cache of one model.

    Attributes:
        n_forward_passes: passes of the model so far.

    Raises:
        UnsupportedModelError: the model cannot read several branches in one pass; says why.
    """

    def __init__(self, model: Any, n_rows: int) -> None:
        try:
            self._model = TreeModel(model)
        except UnsupportedModelError as error:
            raise UnsupportedModelError(
                error.message.replace("draft trees", "the branches of a program"),
                advice="generate its parts with tt.generate()",
            ) from error
        self.n_forward_passes = 0
        self._rows = list(range(n_rows))  # by row of the cache, the program
        self._is_begun = False

    def read(self, readings: dict[int, Reading]) -> dict[int, Tensor]:
        """One pass; by program. Programs that are not in it have ended: they are forgotten."""
        rows = [self._rows.index(program) for program in readings]
        ordered = [readings[program] for program in (self._rows[row] for row in sorted(rows))]
        if self._is_begun:
            self._settle(readings)
            self._model.select_rows(sorted(rows))
        self._rows = [self._rows[row] for row in sorted(rows)]
        if not self._is_begun:
            self._model.begin(len(ordered))
            self._is_begun = True
        wanted = sorted({node for reading in ordered for node in reading.wanted})
        logits = self._model.read_nodes(
            [reading.tokens for reading in ordered], [reading.parents for reading in ordered], wanted
        )
        self.n_forward_passes += 1
        place = {node: index for index, node in enumerate(wanted)}
        return {
            program: logits[row, [place[node] for node in reading.wanted]]
            for row, (program, reading) in enumerate(zip(self._rows, ordered, strict=True))
        }

    def _settle(self, readings: dict[int, Reading]) -> None:
        """Keep what belongs to the texts and forget the rest."""
        self._model.keep([readings[row].kept if row in readings else [] for row in self._rows])
        lengths = [
            readings[row].length if row in readings else self._model.lengths[index]
            for index, row in enumerate(self._rows)
        ]
        if lengths != self._model.lengths:
            self._model.shorten(lengths)


class OnlyRow:
    """The reader of a program by itself."""

    def __init__(self, rows: ProgramRows) -> None:
        self._rows = rows

    @property
    def n_forward_passes(self) -> int:
        return self._rows.n_forward_passes

    def read(self, reading: Reading) -> Tensor:
        return self._rows.read({0: reading})[0]
