"""How far a long run is: a bar where a person looks on, else a line now and then, both on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

N_LINES = 10


@contextmanager
def shown_progress(
    what: str, total: int, completed: int = 0, *, is_said: bool = True
) -> Iterator[Callable[[str], None]]:
    """What is called after each step, with a word about it that the bar shows.

    is_said: where nobody looks on, write a line after each tenth of the whole; False: nothing.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=total, completed=completed)
        n_done = completed

        def advance(word: str) -> None:
            nonlocal n_done
            n_done += 1
            progress.update(bar, advance=1, description=word or what)
            is_tenth = n_done * N_LINES // total > (n_done - 1) * N_LINES // total
            if is_said and is_tenth and not console.is_terminal:
                print(f"{what}: {n_done} of {total}", file=sys.stderr, flush=True)

        yield advance
