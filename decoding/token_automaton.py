"""Constrained decoding on the device alone: mask, choose, go on, and end in time, without asking the host.

In come the tables of a grammar (`automaton_tables.py`) and, at each step, the logits of a batch; out come the
tokens. All state is two integers for each row, the state of its text and the tokens that it may still write.
A step is a fixed sequence of tensor operations of fixed shapes: nothing is copied to the host, nothing
depends on data, and all that changes is changed in place, so that it can be captured in a CUDA graph together
with the model, and replayed.

With B tokens left, a token is allowed only if 1 + the cost after it is at most B: a row that was begun with
enough of them ends in time, whatever the logits are. A row that has ended, or got a token that is not
allowed, stays there and emits padding. Cost of a step: for each row one row of the table (a few hundred
entries), and for each token one look-up of its class; no row of bits is stored, moved or unpacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import checked_instance, checked_integer, checked_list
from .automaton_tables import FINISHED, MOST_BYTES, NO_LIMIT, AutomatonTables, join_tables
from .errors import ArgumentTypeError, ArgumentValueError, BudgetTooSmallError

if TYPE_CHECKING:
    import torch

REJECTED = -1
MOST_ROWS = 2**20


@dataclass(frozen=True, eq=False)
class AutomatonTensors:
    """The tables of a token automaton on a device; shapes and meanings as in `AutomatonTables`."""

    token_classes: torch.Tensor  # int32 [vocab_size]
    transitions: torch.Tensor  # int32 [n_states, n_classes]
    costs: torch.Tensor  # int32 [n_states]
    accepting: torch.Tensor  # bool [n_states]
    first_tokens: torch.Tensor  # int64 [n_classes], a token of each class


@dataclass(eq=False)
class AutomatonRows:
    """Where the rows of a batch are; changed in place by each step.

    states: int64 [rows]; 0 after EOS, -1 after a token that was not allowed.
    left: int32 [rows], the tokens that may still be written, EOS included; without a budget it begins near
        2**31.
    """

    states: torch.Tensor
    left: torch.Tensor

    @property
    def finished(self) -> torch.Tensor:
        """bool [rows], whether EOS has come."""
        return self.states == FINISHED

    @property
    def rejected(self) -> torch.Tensor:
        """bool [rows], whether a token came that was not allowed."""
        return self.states == REJECTED


class TokenAutomaton:
    """A grammar as tables on a device. Made by `CompiledGrammar.token_automaton()`; immutable.

    >>> automaton = compiled.token_automaton("cuda")
    >>> rows = automaton.start(batch_size, budgets=200)
    >>> tokens = automaton.step(logits, rows)  # int64 [batch_size], to be captured or called in a loop

    tables: the numpy arrays, which need no torch. tensors: the same on `device`, made when first used.
    """

    def __init__(self, tables: AutomatonTables, device: torch.device | str | None = None) -> None:
        checked_instance(
            *("tables", tables, AutomatonTables, "AutomatonTables"), advice="call compiled.token_automaton()"
        )
        self.tables = tables
        self.device = "cpu" if device is None else _checked_device(device)

    @property
    def vocab_size(self) -> int:
        """Width of the logits that a step takes."""
        return self.tables.vocab_size

    @property
    def n_states(self) -> int:
        """States of all grammars together."""
        return self.tables.n_states

    @property
    def n_classes(self) -> int:
        """Classes of tokens that lead to the same state from everywhere."""
        return self.tables.n_classes

    @property
    def n_grammars(self) -> int:
        """Grammars that rows may follow."""
        return len(self.tables.start_states)

    @cached_property
    def tensors(self) -> AutomatonTensors:
        """The tables on the device. Made when first asked for."""
        import torch

        def on_device(array: Any) -> torch.Tensor:
            return torch.tensor(array, device=self.device)

        tables = self.tables
        return AutomatonTensors(
            on_device(tables.token_classes),
            on_device(tables.transitions),
            on_device(tables.costs),
            on_device(tables.accepting),
            on_device(np.unique(tables.token_classes, return_index=True)[1].astype(np.int64)),
        )

    @classmethod
    def join(
        cls,
        automata: Sequence[TokenAutomaton],
        device: torch.device | str | None = None,
        *,
        max_bytes: int = MOST_BYTES,
    ) -> TokenAutomaton:
        """One automaton for several grammars over one vocabulary; `start` says which row follows which.

        The grammars are numbered as they are given (those of a joined automaton one after the other). device:
        by default that of the first.

        Raises:
            ArgumentValueError: there are none, or they are of different vocabularies.
            ArgumentTypeError: one is no TokenAutomaton.
            LimitExceededError: the table would have more than `max_bytes` bytes.
        """
        automata = checked_list("automata", automata, cls, "a TokenAutomaton", "call token_automaton()")
        tables = join_tables([automaton.tables for automaton in automata], max_bytes=max_bytes)
        return cls(tables, automata[0].device if device is None else device)

    # ---- on the host, before the first step --------------------------------------------------------------

    def start(
        self,
        n_rows: int,
        *,
        budgets: int | Sequence[int | None] | None = None,
        grammars: Sequence[int] | None = None,
    ) -> AutomatonRows:
        """The rows of a batch at the beginning of their texts.

        Args:
            n_rows: how many.
            budgets: the most tokens that each row may write, EOS included; None: what the automaton was made
                for (`max_tokens`), or no limit.
            grammars: for each row the number of its grammar; by default 0 for all.

        Raises:
            BudgetTooSmallError: a budget is too small for the shortest document.
            ArgumentTypeError, ArgumentValueError: there is no such grammar, a budget is above the
                `max_tokens` of the automaton, or a list has not one entry for each row.
        """
        import torch

        n_rows = checked_integer("n_rows", n_rows, least=0, most=MOST_ROWS)
        of_rows = [0] * n_rows if grammars is None else _checked_integers("grammars", grammars, n_rows)
        given: list[Any]
        if budgets is None or isinstance(budgets, (int, np.integer)):
            given = [budgets] * n_rows
        else:
            given = _checked_integers("budgets", budgets, n_rows, optional=True)
        states, left = [], []
        for grammar, budget in zip(of_rows, given, strict=True):
            if not 0 <= grammar < self.n_grammars:
                raise ArgumentValueError(f"grammars: must be from 0 to {self.n_grammars - 1}", got=grammar)
            state, most = int(self.tables.start_states[grammar]), int(self.tables.most_tokens[grammar])
            if budget is None:
                budget = most
            budget = checked_integer(
                "budgets",
                budget,
                most=most,
                advice="" if most == NO_LIMIT else "make the automaton with larger max_tokens",
            )
            needed = int(self.tables.costs[state])
            if budget != NO_LIMIT and budget < needed:
                raise BudgetTooSmallError(needed, budget, advice=f"raise the budget to {needed} or more")
            states.append(state)
            left.append(budget)
        _ = self.tensors  # now, and not while a graph is captured
        return AutomatonRows(
            torch.tensor(states, dtype=torch.int64, device=self.device),
            torch.tensor(left, dtype=torch.int32, device=self.device),
        )

    # ---- on the device -----------------------------------------------------------------------------------

    def allowed_tokens(self, rows: AutomatonRows) -> torch.Tensor:
        """bool [rows, vocab_size], which tokens may come next: as `Matcher.fill_bitmask` with a budget.

        After EOS it is EOS only; after a token that was not allowed there is none.
        """
        _check_rows(rows)
        return self._allowed_classes(rows).index_select(1, self.tensors.token_classes)

    def mask_logits(self, logits: torch.Tensor, rows: AutomatonRows) -> torch.Tensor:
        """Set the logits of tokens that may not come next to -inf, in place, and return them.

        logits: floating point [rows, at least vocab_size], on the device; columns from vocab_size on are
        forbidden.

        Raises:
            ArgumentTypeError, ArgumentValueError: the logits are of another kind or shape.
        """
        self._check_logits(logits, rows)
        self._forbid(logits, self._allowed_classes(rows))
        return logits

    def allows_tokens(self, rows: AutomatonRows, tokens: torch.Tensor) -> torch.Tensor:
        """bool [rows, n], which of n tokens may come next: for rejection sampling, without a mask.

        tokens: integers [rows, n], also such as are no ids.
        """
        _check_rows(rows)
        _check_tensor("tokens", tokens, (rows.states.shape[0], None), floats=False)
        return self._follow(rows, tokens)[1]

    def advance(self, rows: AutomatonRows, tokens: torch.Tensor) -> None:
        """Go on by one token for each row, in place: for tokens that were chosen elsewhere.

        tokens: integers [rows]. Those of rows that have ended are not looked at. A token that is not allowed
        puts its row into the state -1 (`rows.rejected`), where it stays: the device cannot raise an error.
        """
        import torch

        _check_rows(rows)
        _check_tensor("tokens", tokens, (rows.states.shape[0],), floats=False)
        following, allowed = self._follow(rows, tokens.unsqueeze(1))
        under_way = rows.states > FINISHED
        after = torch.where(allowed, following, REJECTED).squeeze(1)
        rows.states.copy_(torch.where(under_way, after, rows.states))
        rows.left.sub_(under_way.to(rows.left.dtype))

    def _allowed_classes(self, rows: AutomatonRows) -> torch.Tensor:
        """bool [rows, n_classes]."""
        return self._may_follow(self.tensors.transitions.index_select(0, rows.states.clamp(min=0)), rows)

    def _follow(self, rows: AutomatonRows, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The states after tokens [rows, n], and whether the tokens are allowed."""
        tensors = self.tensors
        tokens = tokens.long()
        known = tokens.clamp(0, self.vocab_size - 1)
        classes = tensors.token_classes.index_select(0, known.flatten()).view_as(known).long()
        following = tensors.transitions[rows.states.clamp(min=0).unsqueeze(1), classes].long()
        allowed = (tokens == known) & self._may_follow(following, rows)
        return following, allowed

    def _may_follow(self, following: torch.Tensor, rows: AutomatonRows) -> torch.Tensor:
        """Whether states [rows, n] exist and leave room for the end."""
        import torch

        costs = self.tensors.costs.index_select(0, following.clamp(min=0).flatten()).view_as(following)
        left = torch.where(rows.finished, 1, rows.left).unsqueeze(1)
        return (following >= 0) & (costs < left) & ~rows.rejected.unsqueeze(1)

    def step(
        self,
        logits: torch.Tensor,
        rows: AutomatonRows,
        *,
        noise: torch.Tensor | None = None,
        uniforms: torch.Tensor | None = None,
        pad_token_id: int | None = None,
    ) -> torch.Tensor:
        """Mask the logits in place, choose a token for each row, and go on by it.

        Args:
            logits: floating point [rows, at least vocab_size], on the device; divide them by the temperature
                before. Where no allowed token has a finite one, some allowed token is taken all the same.
            rows: from `start`, changed in place.
            noise: [rows, vocab_size], independent standard Gumbel variables, -log(-log(u)): the token is then
                a sample of the masked distribution (Gumbel-max).
            uniforms: [rows], uniform on [0, 1): the same by inverting the distribution function. With
                neither, the likeliest allowed token is taken.
            pad_token_id: what rows emit that have ended; by default the first EOS.

        Returns:
            int64 [rows], the tokens; the first EOS of a row is among them, what comes after is padding.

        Raises:
            ArgumentTypeError, ArgumentValueError: the logits are of another kind or shape, or there are both
                noise and uniforms.
        """
        import torch

        self._check_logits(logits, rows)
        n_rows = rows.states.shape[0]
        if noise is not None and uniforms is not None:
            raise ArgumentValueError("step takes noise or uniforms, not both")
        if noise is not None:
            _check_tensor("noise", noise, (n_rows, self.vocab_size), floats=True)
        if uniforms is not None:
            _check_tensor("uniforms", uniforms, (n_rows,), floats=True)
        end = self.tables.eos_token_ids[0]
        pad = (
            end
            if pad_token_id is None
            else checked_integer("pad_token_id", pad_token_id, least=-(2**63), most=2**63 - 1)
        )
        allowed = self._allowed_classes(rows)
        self._forbid(logits, allowed)
        scores = logits[:, : self.vocab_size]
        if noise is not None:
            scores = scores.to(torch.promote_types(scores.dtype, torch.float32)) + noise
        tokens = scores.argmax(dim=1) if uniforms is None else _invert(scores, uniforms)
        # Where the scores say nothing (no finite one, or what is no number), a token that is allowed.
        classes = self.tensors.token_classes.index_select(0, tokens).long().unsqueeze(1)
        other = self.tensors.first_tokens.index_select(0, allowed.to(torch.uint8).argmax(dim=1))
        tokens = torch.where(allowed.gather(1, classes).squeeze(1), tokens, other)
        tokens = torch.where(rows.states > FINISHED, tokens, pad)
        self.advance(rows, tokens)
        return tokens

    def _forbid(self, logits: torch.Tensor, allowed: torch.Tensor) -> None:
        """allowed: by class."""
        forbidden = (~allowed).index_select(1, self.tensors.token_classes)
        logits[:, : self.vocab_size].masked_fill_(forbidden, float("-inf"))
        if logits.shape[1] > self.vocab_size:
            logits[:, self.vocab_size :].fill_(float("-inf"))

    def _check_logits(self, logits: torch.Tensor, rows: AutomatonRows) -> None:
        _check_rows(rows)
        _check_tensor("logits", logits, (rows.states.shape[0], None), floats=True)
        is_shared = logits.stride(0) == 0 < logits.shape[0] - 1
        if is_shared or logits.element_size() < 2 or (logits.requires_grad and logits.is_leaf):
            raise ArgumentTypeError(
                "logits must be floats of at least 16 bits, have rows of their own, and not require grad",
                got=logits.dtype,
                advice="pass a copy: logits.detach().float()",
            )
        if logits.shape[1] < self.vocab_size:
            raise ArgumentValueError(
                f"logits must have at least {self.vocab_size} columns", got=tuple(logits.shape)
            )

    def __repr__(self) -> str:
        return (
            f"<TokenAutomaton of {self.n_states} states and {self.n_classes} classes of {self.vocab_size}"
            f" tokens, {self.tables.n_bytes / 1e6:.1f} MB, on {self.device}>"
        )


def _invert(scores: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """For each row the first token whose cumulated probability exceeds its uniform number."""
    import torch

    cumulated = scores.double().softmax(dim=1).cumsum(dim=1)
    wanted = uniforms.to(cumulated.dtype).unsqueeze(1) * cumulated[:, -1:]
    return torch.searchsorted(cumulated, wanted, right=True).squeeze(1).clamp(0, scores.shape[1] - 1)


def _checked_device(device: Any) -> Any:
    """A device that can be used, as it was given."""
    import torch

    try:
        torch.empty(0, device=device)
    except (TypeError, ValueError, RuntimeError, AssertionError, OverflowError) as error:
        advice = f"torch says: {str(error).splitlines()[0]}"
        raise ArgumentValueError("device must be one that torch can use", got=device, advice=advice) from None
    return device


def _check_rows(rows: Any) -> None:
    checked_instance("rows", rows, AutomatonRows, "the rows of start()", "call automaton.start(n_rows)")


def _check_tensor(name: str, value: Any, shape: tuple[int | None, ...], *, floats: bool) -> None:
    """Raise unless it is a tensor of this shape (None: any length) and kind. Asks nothing of the device."""
    import torch

    what = f"a tensor of {'floats' if floats else 'integers'}"
    wanted = f"[{', '.join('any' if size is None else str(size) for size in shape)}]"
    if not torch.is_tensor(value) or value.is_floating_point() != floats or value.dtype == torch.bool:
        raise ArgumentTypeError(f"{name} must be {what} of shape {wanted}", got=value)
    fits = value.ndim == len(shape) and all(
        size is None or size == own for size, own in zip(shape, value.shape, strict=True)
    )
    if not fits:
        raise ArgumentValueError(f"{name} must be {what} of shape {wanted}", got=tuple(value.shape))


def _checked_integers(name: str, values: Any, n_rows: int, *, optional: bool = False) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
        raise ArgumentTypeError(f"{name} must be a list of integers", got=values)
    if len(values) != n_rows:
        raise ArgumentValueError(f"{name} must have one entry for each of the {n_rows} rows", got=values)
    return [None if value is None and optional else checked_integer(name, value) for value in values]
