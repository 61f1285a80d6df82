"""Programs side by side: a function and items in, one program for each item out, their passes shared.

Each program runs the function in a thread of its own, so that it may branch, loop and call tools as it likes.
A program that needs a pass of the model waits; when all of them wait or are through, one pass reads what
every one of them asked for (`program_rows.py`). Only the calling thread runs the model, and chance belongs to
the program, so the texts do not depend on how the threads are scheduled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import Tensor

from ..decoding.arguments import checked_integer
from ..decoding.errors import ArgumentTypeError
from .program import Program
from .program_rows import ProgramRows, Reading
from .program_setting import ProgramSetting

Item = TypeVar("Item")


def run_programs(
    model: Any,
    tokenizer: Any,
    function: Callable[[Program, Item], object],
    items: Sequence[Item],
    *,
    seed: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    healing: bool = True,
    max_rows: int = 16,
    keep_going: bool = False,
) -> list[Program]:
    """Run a function for each item, with a new program; the programs, in the order of the items.

    Args:
        model, tokenizer, temperature, top_k, top_p, min_p, healing: as for `Program`.
        function: called as `function(program, item)`, several of them at a time, in threads.
        seed: program number i, from 0, draws as `Program(seed=seed + i)` does.
        max_rows: so many programs are in one pass at most; each has a row of the cache.
        keep_going: an error of the function ends its program alone, which has it as `error`.

    Raises whatever the function raises first, unless `keep_going`; the programs that are under way then are
    given up. Otherwise as `Program`.
    """
    if not callable(function):
        raise ArgumentTypeError("function must be called as function(program, item)", got=function)
    if isinstance(items, (str, bytes)) or not isinstance(items, Sequence):
        raise ArgumentTypeError("items must be a list", got=items)
    max_rows = checked_integer("max_rows", max_rows, least=1)
    if seed is not None:
        seed = checked_integer("seed", seed, least=-(2**63), most=2**63 - 1)
    setting = ProgramSetting(model, tokenizer, healing, None)
    laws = [
        setting.token_law(None if seed is None else seed + index, temperature, top_k, top_p, min_p)
        for index in range(max(len(items), 1))
    ]
    programs: list[Program] = []
    for first in range(0, len(items), max_rows):
        group = items[first : first + max_rows]
        shared = _SharedPasses(ProgramRows(model, len(group)), len(group))
        members = [
            Program._in_batch(setting, laws[first + index], _Row(shared, index))
            for index in range(len(group))
        ]
        calls = [_bound(function, *pair) for pair in zip(members, group, strict=True)]
        for index, error in shared.run(calls, keeps_going=keep_going).items():
            members[index].error = error
        programs += members
    return programs


def _bound(function: Callable[[Program, Item], object], program: Program, item: Item) -> Callable[[], object]:
    return lambda: function(program, item)


class _GivenUp(BaseException):
    """Ends the thread of a program, past whatever the user's function catches."""


class _SharedPasses:
    """Gathers what programs want to have read until all of them wait."""

    def __init__(self, rows: ProgramRows, n_programs: int) -> None:
        self.rows = rows
        self._changed = threading.Condition()
        self._running = set(range(n_programs))
        self._wanted: dict[int, Reading] = {}
        self._read: dict[int, Tensor] = {}
        self._errors: dict[int, Exception] = {}  # that the caller wants to have
        self._fatal: dict[int, BaseException] = {}
        self._keeps_going = False
        self._is_given_up = False

    def run(self, calls: Sequence[Callable[[], object]], *, keeps_going: bool) -> dict[int, Exception]:
        """Run a call for each program to its end; the errors of those that failed.

        keeps_going: False: the first error of one, by their order, is raised instead.
        """
        self._keeps_going = keeps_going
        threads = [
            threading.Thread(target=self._follow, args=(number, call), daemon=True)
            for number, call in enumerate(calls)
        ]
        try:
            for thread in threads:
                thread.start()
            while self._wait_for_all():
                read = self.rows.read(dict(sorted(self._wanted.items())))
                with self._changed:
                    self._wanted.clear()
                    self._read = read
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._is_given_up = True
                self._changed.notify_all()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._fatal:
            raise self._fatal[min(self._fatal)]
        return self._errors

    def read(self, number: int, reading: Reading) -> Tensor:
        """In the thread of a program: wait for a pass."""
        with self._changed:
            self._wanted[number] = reading
            self._changed.notify_all()
            self._changed.wait_for(lambda: number in self._read or self._is_given_up)
            if number not in self._read:
                raise _GivenUp
            return self._read.pop(number)

    def _wait_for_all(self) -> bool:
        """Until every program waits or is through; whether there is something to be read."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._wanted) == len(self._running) or bool(self._fatal))
            return bool(self._wanted) and not self._fatal

    def _follow(self, number: int, call: Callable[[], object]) -> None:
        try:
            call()
        except _GivenUp:
            pass
        except BaseException as error:  # handed to the caller
            with self._changed:
                if self._keeps_going and isinstance(error, Exception):
                    self._errors[number] = error
                else:
                    self._fatal[number] = error
        finally:
            with self._changed:
                self._running.discard(number)
                self._changed.notify_all()


class _Row:
    """The reader of one program of a batch."""

    def __init__(self, shared: _SharedPasses, number: int) -> None:
        self._shared = shared
        self._number = number

    @property
    def n_forward_passes(self) -> int:
        return self._shared.rows.n_forward_passes

    def read(self, reading: Reading) -> Tensor:
        return self._shared.read(self._number, reading)
