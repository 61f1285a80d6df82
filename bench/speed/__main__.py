"""The command line: `python -m bench.speed masks|compile|batch|end_to_end|device|instructions|all`.

In: options. Out: in the folder `--out`, for each benchmark, NAME.json, NAME.md and NAME.png; the tables are
printed as well. `instructions` ends with 1 if a count went up by more than a tenth; what the machine lacks
(a GPU, valgrind) is said in one line, and the exit status is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

# First: it decides about threads before numpy and torch are loaded.
from bench.maskbench.__main__ import console
from bench.maskbench.measure import CLOCKS
from bench.maskbench.worker import WorkerSetupError

from . import batch as batch_benchmark
from . import compile as compile_benchmark
from . import instructions as instructions_benchmark
from . import masks as masks_benchmark
from .report import write_results
from .setting import Setting, open_setting
from .tables import Table

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

TokenizerOption = Annotated[
    Path | None, typer.Option("--tokenizer", help="Folder with a Hugging Face tokenizer. Default: made up.")
]
Tokens = Annotated[int, typer.Option(help="Size of the made-up vocabulary.")]
Engines = Annotated[str | None, typer.Option(help="Comma-separated: NAME or NAME+VARIANT.")]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Out = Annotated[Path, typer.Option(help="Folder of the results.")]
Rounds = Annotated[int, typer.Option(min=1, help="Times that the engines take turns.")]
Threads = Annotated[int, typer.Option(min=1, help="What the engines' calls for batches may use.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
OUT = Path("bench/results/local/speed")


@application.command()
def masks(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 32_768,
    engines: Engines = None,
    rounds: Rounds = 200,
    fresh: Annotated[int, typer.Option(min=0, help="New processes for each situation and engine.")] = 3,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """One mask and one commit in named situations."""
    with prepared(tokenizer, tokens, engines, seed, out) as setting:
        tables = masks_benchmark.run(setting, rounds=rounds, fresh=fresh)
        finish(setting, "masks", tables, rounds=rounds, fresh=fresh)


@application.command("compile")
def compile_command(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 32_768,
    engines: Engines = None,
    rounds: Rounds = 5,
    largest: Annotated[int, typer.Option(help="Leave out larger schemas.")] = 10_000,
    doubled: Annotated[bool, typer.Option(help="Also a vocabulary of twice the size.")] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds for a schema.")] = 60.0,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Compile time and time to the first mask by size; set-up of the vocabulary."""
    with prepared(tokenizer, tokens, engines, seed, out) as setting:
        tables = compile_benchmark.run(
            setting, rounds=rounds, largest=largest, doubled=doubled, seconds=time_limit
        )
        finish(setting, "compile", tables, rounds=rounds, largest=largest, time_limit=time_limit)


@application.command()
def batch(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 32_768,
    engines: Engines = None,
    rounds: Rounds = 100,
    rows: Annotated[str, typer.Option(help="Sizes of the batch.")] = "1,8,64,256",
    grammars: Annotated[int, typer.Option(min=1, help="How many different ones.")] = 16,
    threads: Threads = 1,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Masks for many sequences; checks of tokens and drafts."""
    sizes = numbers(rows)
    with prepared(tokenizer, tokens, engines, seed, out) as setting:
        tables = batch_benchmark.run(setting, rounds=rounds, rows=sizes, n_grammars=grammars, threads=threads)
        finish(setting, "batch", tables, rounds=rounds, grammars=grammars, threads=threads)


@application.command("end_to_end")
def end_to_end(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 32_768,
    engines: Engines = None,
    rounds: Rounds = 11,
    batches: Annotated[str, typer.Option(help="Sizes of the batch.")] = "1,8,64",
    new_tokens: Annotated[int, typer.Option(min=2, help="Tokens for each row.")] = 48,
    hidden: Annotated[int | None, typer.Option(help="Of the model. Default: 64, on a GPU 2048.")] = None,
    layers: Annotated[int | None, typer.Option(help="Of the model. Default: 2, on a GPU 16.")] = None,
    device: Device = "cpu",
    threads: Threads = 1,
    clock: Annotated[str, typer.Option(help="wall, or cpu: only while the process runs.")] = "wall",
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Tokens per second of generate(), without a grammar and with each engine."""
    from . import end_to_end as benchmark

    if not has_device(device):
        return
    if clock not in CLOCKS or (clock == "cpu" and device != "cpu"):
        refuse(ValueError(f"--clock: must be wall, or on a CPU also cpu, got {clock!r}"))
    sizes = numbers(batches)
    with prepared(tokenizer, tokens, engines, seed, out) as setting:
        size: dict[str, Any] = benchmark.model_size(device, hidden, layers) | {"new_tokens": new_tokens}
        tables = benchmark.run(
            setting, rounds=rounds, batches=sizes, device=device, threads=threads, clock=clock, **size
        )
        name = "end_to_end" if device == "cpu" else f"end_to_end_{device.partition(':')[0]}"
        finish(
            setting,
            name,
            tables,
            rounds=rounds,
            threads=threads,
            clock=clock,
            **size,
            **describe_device(device),
        )


@application.command()
def device(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 131_072,
    engines: Engines = None,
    rounds: Rounds = 50,
    rows: Annotated[str, typer.Option(help="Sizes of the batch.")] = "1,64,256",
    hidden: Annotated[int | None, typer.Option(help="Of the made-up model. Default: 4096.")] = None,
    layers: Annotated[int | None, typer.Option(help="Of the made-up model. Default: 16.")] = None,
    device: Device = "cuda",
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Masks on a GPU: the kernel, the token automaton in a CUDA graph, the engines' processors."""
    from . import device as benchmark

    if not has_device(device):
        return
    sizes = numbers(rows)
    with prepared(tokenizer, tokens, engines, seed, out) as setting:
        tables = benchmark.run(
            setting, rounds=rounds, rows=sizes, device=device, hidden=hidden, layers=layers
        )
        finish(setting, "device", tables, rounds=rounds, **describe_device(device))


@application.command()
def instructions(
    seed: Seed = 0,
    update: Annotated[bool, typer.Option("--update", help="Keep these counts as the table.")] = False,
    table: Annotated[Path, typer.Option(help="The counts that are kept.")] = instructions_benchmark.TABLE,
    out: Out = OUT,
) -> None:
    """Instructions for a mask and a commit, by callgrind, against the table that is kept."""
    if instructions_benchmark.valgrind() is None:
        print("instructions: valgrind is not installed, nothing was counted")
        return
    try:
        counts = instructions_benchmark.count(seed)
    except RuntimeError as error:
        refuse(error)
    kept = instructions_benchmark.read_table(table)
    counted = Table("Instructions, small made-up vocabulary", "instructions")
    for situation, row in counts.items():
        for what, number in row.items():
            counted.add(situation, what, number)
    build = instructions_benchmark.describe_build()
    write_results(out, "instructions", [counted], {"machine": build})
    changed = {key for key, value in kept.get("build", build).items() if value != build[key]}
    if changed:
        print(f"instructions: the table was made with another {', '.join(sorted(changed))}")
    lines, failed = instructions_benchmark.compare(counts, kept.get("instructions", {}))
    print("\n".join(lines))
    if update:
        instructions_benchmark.write_table(table, counts)
    elif failed:
        raise typer.Exit(1)


@application.command("all")
def everything(
    tokenizer: TokenizerOption = None,
    tokens: Tokens = 32_768,
    engines: Engines = None,
    device_name: Annotated[str, typer.Option("--device", help="Of end_to_end, besides the CPU.")] = "cuda",
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Every benchmark with its defaults, one after the other."""
    shared: dict[str, Any] = {"tokenizer": tokenizer, "tokens": tokens, "engines": engines}
    shared |= {"seed": seed, "out": out}
    masks(**shared)
    compile_command(**shared)
    batch(**shared)
    end_to_end(**shared)
    end_to_end(**shared, device=device_name)
    device(tokenizer=tokenizer, engines=engines, seed=seed, out=out, device=device_name)
    instructions(seed=seed, out=out)


@contextmanager
def prepared(
    tokenizer: Path | None, tokens: int, engines: str | None, seed: int, out: Path
) -> Iterator[Setting]:
    """The setting of a run; what is wrong with the options is one line and exit status 2."""
    with ExitStack() as stack:
        try:
            setting = stack.enter_context(open_setting(tokenizer, tokens, engines, seed, out))
        except (ValueError, OSError, ImportError) as error:
            refuse(error)
        try:
            yield setting
        except WorkerSetupError as error:
            refuse(error)


def refuse(error: Exception) -> NoReturn:
    console.print(f"error: {error}", style="red", markup=False, highlight=False)
    raise typer.Exit(2) from error


def finish(setting: Setting, name: str, tables: list[Table], **question: Any) -> None:
    """Write the files, print the tables."""
    print(write_results(setting.out, name, tables, setting.describe(**question)))


def has_device(name: str) -> bool:
    """Whether torch can use it; if not, a line says so."""
    import torch

    if name == "cpu" or torch.cuda.is_available():
        return True
    print(f"{name}: torch finds no GPU here, nothing was measured")
    return False


def describe_device(name: str) -> dict[str, str]:
    import torch

    shown = torch.cuda.get_device_name(name) if name != "cpu" else "cpu"
    return {"device": shown, "torch": torch.__version__}


def numbers(text: str) -> tuple[int, ...]:
    """Sizes, comma-separated; what is none is one line and exit status 2."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        refuse(ValueError(f"sizes must be positive whole numbers, got {text!r}; write for example 1,8"))
    return tuple(int(part) for part in parts)


if __name__ == "__main__":
    application(prog_name="python -m bench.speed")
