"""What every benchmark is given: the tokenizer, the engines, the seed, the folder for the results.

In: the options of the command line. Out: a `Setting`, with the engines that are installed (those that are not
are named in the results), and a description of the machine by the means of `bench.maskbench`.
"""

from __future__ import annotations

import datetime
import gc
import multiprocessing
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tokentrellis.benchmark.maskbench import engines as engine_modules
from tokentrellis.benchmark.maskbench.__main__ import chosen_engines, describe_machine
from tokentrellis.benchmark.maskbench.engines import Engine
from tokentrellis.benchmark.maskbench.tokenizer import TokenizerFolder
from tokentrellis.benchmark.maskbench.worker import WARM_UP, Conditions

from .synthetic import write_tokenizer

DEFAULT_ENGINES = ("tokentrellis", "llguidance", "xgrammar", "xgrammar+default")
ROOT = Path(__file__).parents[2]
OURS = "tokentrellis"  # what the others are divided by


@dataclass(frozen=True)
class Setting:
    """left_out: engine to reason, for those that could not run at all."""

    tokenizer: TokenizerFolder
    engines: list[str]
    seed: int
    out: Path
    vocabulary: str = ""
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The engine that the others are divided by: ours, or the first one."""
        return OURS if OURS in self.engines else self.engines[0]

    def create(self, name: str) -> Engine[Any, Any]:
        """An engine with a row of its own, for the setting's tokenizer."""
        engine = create_engine(name, self.tokenizer)
        hide_from_collector()
        return engine

    def vocabulary_of_ours(self) -> Any:
        """The setting's vocabulary as tokentrellis has it."""
        import tokentrellis as tt

        return tt.Vocabulary.from_tokenizer(
            self.tokenizer.huggingface,
            vocab_size=self.tokenizer.vocabulary_size,
            eos_token_ids=self.tokenizer.eos_token_ids,
        )

    def describe(self, **question: Any) -> dict[str, Any]:
        """The head of the results: question, machine, versions, who is left out."""
        asked = {"vocabulary": self.vocabulary, "tokens": self.tokenizer.vocabulary_size, "seed": self.seed}
        return {
            "question": asked | question,
            "machine": describe_machine(Conditions()) | describe_sources(),
            "engines": {name: engine_modules.version(name) for name in self.engines},
            "left out": self.left_out,
        }


def describe_sources() -> dict[str, str]:
    """The day, and the commit of the sources, if git knows it."""
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {"date": day, "commit": commit}


def create_engine(name: str, tokenizer: TokenizerFolder) -> Engine[Any, Any]:
    """An engine after its first grammar and mask: what it makes or loads on first use is there."""
    bitmask = np.zeros((1, (tokenizer.vocabulary_size + 31) // 32), dtype=np.int32)
    engine = engine_modules.create(name, tokenizer, bitmask)
    with suppress(engine_modules.EngineError):  # then the benchmark says so, schema by schema
        engine.fill(engine.matcher(engine.compile(WARM_UP)))
    return engine


def hide_from_collector() -> None:
    """What lives now leaves the collector's sight: an engine pays only for garbage that it makes."""
    gc.collect()
    gc.freeze()


def turns(names: Iterable[str], rounds: int, seed: int) -> Iterator[tuple[int, str]]:
    """(number of the round, name): in each round every name once, in an order that is drawn anew.

    Round 0 comes before the `rounds` that count: what is made on first use is made there.
    """
    draw, known = random.Random(seed), list(names)
    for number in range(1 + rounds):
        for name in draw.sample(known, len(known)):
            yield number, name


class NewProcessError(Exception):
    """The process ended without a result."""


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function of this package in a process that has what this one has loaded, no more.

    Where processes are forked, the arguments are inherited: a tokenizer that is loaded here is loaded there.
    Raises NewProcessError if the process dies, or the function raises (standard error has the reason).
    """
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise NewProcessError(f"the process ended with exit status {process.exitcode}") from None
    finally:
        receiver.close()
        process.join()


def _send_result(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    sender.send(function(*arguments))
    sender.close()


@contextmanager
def open_setting(
    folder: Path | None, n_tokens: int, names: str | None, seed: int, out: Path
) -> Iterator[Setting]:
    """The setting of a run; without a folder, the vocabulary is made up and lives as long as the context.

    Raises:
        ValueError, FileNotFoundError: the tokenizer cannot be read, or an engine has another name.
        ModuleNotFoundError: an engine that was asked for by name is not installed.
    """
    if names is None:
        wanted = [name for name in DEFAULT_ENGINES if engine_modules.installed(name.partition("+")[0])]
    else:
        wanted = chosen_engines(names)
    left_out = {name: "not installed" for name in DEFAULT_ENGINES if names is None and name not in wanted}
    for name in wanted:
        engine_modules.options_of(name, engine_modules.find_module(name))
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        if folder is None:
            write_tokenizer(Path(temporary), n_tokens, seed)
        tokenizer = TokenizerFolder(folder or Path(temporary))
        tokenizer.load()
        vocabulary = folder.name if folder else "made up"
        yield Setting(tokenizer, wanted, seed, out, vocabulary, left_out)
