"""The command line: `python -m bench.speed masks|compile|batch|end_to_end|automata|warm|memory|device|...`.

In: options. Out: in the folder `--out`, for each benchmark, NAME.json, NAME.md and NAME.png; the tables are
printed as well. `all` runs everything in sizes for about half an hour of one quiet core, MaskBench
included, and `page` puts its figures into the page of the documentation. `instructions` ends with 1 if a
count went up by more than a tenth; what the machine lacks (a GPU, valgrind) is said in one line, and the exit
status is 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

# First: it decides about threads before numpy and torch are loaded.
from tokentrellis.benchmark.maskbench.__main__ import console
from tokentrellis.benchmark.maskbench.measure import CLOCKS
from tokentrellis.benchmark.maskbench.worker import WorkerSetupError

from . import batch as batch_benchmark
from . import common_sample
from . import compile as compile_benchmark
from . import instructions as instructions_benchmark
from . import masks as masks_benchmark
from . import memory as memory_benchmark
from . import warm as warm_benchmark
from .page import PAGE, write_page
from .report import write_results
from .setting import Setting, open_setting
from .tables import Table

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

TOKENS = 32_768
DEVICE_TOKENS = 131_072
OUT = Path("bench/results/local/speed")
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Out = Annotated[Path, typer.Option(help="Folder of the results.")]
TokenizerOption = Annotated[
    Path | None, typer.Option("--tokenizer", help="Folder with a Hugging Face tokenizer. Default: made up.")
]
Rounds = Annotated[int, typer.Option(min=1, help="Times that the engines take turns.")]
Rows = Annotated[str, typer.Option(help="Sizes of the batch.")]
Threads = Annotated[int, typer.Option(min=1, help="What the engines' calls for batches may use.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Data = Annotated[Path | None, typer.Option(help="A file of MaskBench. Default: schemas made up.")]
Sample = Annotated[int | None, typer.Option(min=1, help="Draw so many schemas of it.")]


def _shared_options(
    tokenizer: TokenizerOption = None,
    tokens: Annotated[int, typer.Option(help="Size of the made-up vocabulary.")] = TOKENS,
    engines: Annotated[str | None, typer.Option(help="Comma-separated: NAME or NAME+VARIANT.")] = None,
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """What every benchmark is asked for."""


@dataclass
class Answer:
    """Tables; what else belongs to the question; what the files are called, if not as the benchmark."""

    tables: list[Table]
    about: dict[str, Any] = field(default_factory=dict)
    name: str | None = None


Benchmark = Callable[..., Answer]


def benchmark(
    name: str, *, tokens: int = TOKENS, is_possible: Callable[[dict[str, Any]], bool] = lambda options: True
) -> Callable[[Benchmark], Callable[..., None]]:
    """A function `(setting, *, its own options) -> Answer` becomes a command, which has the shared options
    too, writes the files and prints the tables.

    is_possible: asked with all options before anything is loaded; if not, it has said so.
    """

    def decorate(function: Benchmark) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            option.replace(default=tokens) if option.name == "tokens" else option
            for option in inspect.signature(_shared_options, eval_str=True).parameters.values()
        ]
        defaults = {option.name: option.default for option in (*shared, *own)}

        def run(**options: Any) -> None:
            options = defaults | options
            if not is_possible(options):
                return
            asked = {option.name: options[option.name] for option in own}
            try:
                with open_setting(*(options[option.name] for option in shared)) as setting:
                    answer = function(setting, **asked)
                    shown = {
                        k: v.name if isinstance(v, Path) else v for k, v in asked.items() if v is not None
                    }
                    about = setting.describe(**shown | answer.about)
                    print(write_results(setting.out, answer.name or name, answer.tables, about))
            except (ValueError, OSError, ImportError, WorkerSetupError) as error:
                refuse(error)
            except memory_benchmark.NotMeasuredError as error:
                print(f"{name}: {error}")

        parameters = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in (*own, *shared)]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {option.name: option.annotation for option in parameters}
        run.__doc__ = function.__doc__
        return application.command(name)(run)

    return decorate


@benchmark("masks")
def masks(
    setting: Setting,
    *,
    rounds: Rounds = 200,
    fresh: Annotated[int, typer.Option(min=0, help="New processes for each situation and engine.")] = 3,
) -> Answer:
    """One mask and one commit in named situations."""
    return Answer(masks_benchmark.run(setting, rounds=rounds, fresh=fresh))


@benchmark("compile")
def compile_command(
    setting: Setting,
    *,
    rounds: Rounds = 5,
    largest: Annotated[int, typer.Option(help="Leave out larger schemas.")] = 10_000,
    doubled: Annotated[bool, typer.Option(help="Also a vocabulary of twice the size.")] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds for a schema.")] = 60.0,
) -> Answer:
    """Compile time and time to the first mask by size; set-up of the vocabulary."""
    tables = compile_benchmark.run(
        setting, rounds=rounds, largest=largest, doubled=doubled, seconds=time_limit
    )
    return Answer(tables)


@benchmark("batch")
def batch(
    setting: Setting,
    *,
    rounds: Rounds = 100,
    rows: Rows = "1,8,64,256",
    grammars: Annotated[int, typer.Option(min=1, help="How many different ones.")] = 16,
    threads: Threads = 1,
) -> Answer:
    """Masks for many sequences; checks of tokens and drafts."""
    sizes = numbers(rows)
    return Answer(
        batch_benchmark.run(setting, rounds=rounds, rows=sizes, n_grammars=grammars, threads=threads)
    )


@benchmark("warm")
def warm(setting: Setting, *, data: Data = None, sample: Sample = None) -> Answer:
    """Mask and commit in the second document of a schema."""
    return Answer(warm_benchmark.run(setting, data=data, sample=sample))


@benchmark("memory")
def memory(setting: Setting, *, data: Data = None, sample: Sample = None) -> Answer:
    """What compiled schemas and the tables of a vocabulary take."""
    return Answer(memory_benchmark.run(setting, data=data, sample=sample))


def _has_device_and_clock(options: dict[str, Any]) -> bool:
    clock, device = options["clock"], options["device"]
    if clock not in CLOCKS or (clock == "cpu" and device != "cpu"):
        refuse(ValueError(f"--clock: must be wall, or on a CPU also cpu, got {clock!r}"))
    return has_device(device)


@benchmark("end_to_end", is_possible=_has_device_and_clock)
def end_to_end(
    setting: Setting,
    *,
    rounds: Rounds = 11,
    batches: Rows = "1,8,64",
    new_tokens: Annotated[int, typer.Option(min=2, help="Tokens for each row.")] = 48,
    hidden: Annotated[int | None, typer.Option(help="Of the model. Default: 64, on a GPU 2048.")] = None,
    layers: Annotated[int | None, typer.Option(help="Of the model. Default: 2, on a GPU 16.")] = None,
    device: Device = "cpu",
    threads: Threads = 1,
    clock: Annotated[str, typer.Option(help="wall, or cpu: only while the process runs.")] = "wall",
) -> Answer:
    """Tokens per second of generate(), without a grammar and with each engine."""
    from . import end_to_end as module

    size: dict[str, Any] = module.model_size(device, hidden, layers) | {"new_tokens": new_tokens}
    tables = module.run(
        setting,
        rounds=rounds,
        batches=numbers(batches),
        device=device,
        threads=threads,
        clock=clock,
        **size,
    )
    parts = ["end_to_end", "" if device == "cpu" else device.partition(":")[0], str(hidden or "")]
    return Answer(tables, size | describe_device(device), "_".join(filter(None, parts)))


@benchmark("automata", is_possible=lambda options: has_device(options["device"]))
def automata(setting: Setting, *, rounds: Rounds = 20, rows: Rows = "1,64", device: Device = "cpu") -> Answer:
    """Token automata: time to make one, sizes, a step beside an unconstrained one."""
    from . import automata as module

    tables = module.run(setting, rounds=rounds, rows=numbers(rows), device=device)
    name = "automata" if device == "cpu" else f"automata_{device.partition(':')[0]}"
    return Answer(tables, describe_device(device), name)


@benchmark("device", tokens=DEVICE_TOKENS, is_possible=lambda options: has_device(options["device"]))
def device(
    setting: Setting,
    *,
    rounds: Rounds = 50,
    rows: Rows = "1,64,256",
    hidden: Annotated[int | None, typer.Option(help="Of the made-up model. Default: 4096.")] = None,
    layers: Annotated[int | None, typer.Option(help="Of the made-up model. Default: 16.")] = None,
    device: Device = "cuda",
) -> Answer:
    """Masks on a GPU: the kernel, the token automaton in a CUDA graph, the engines' processors."""
    from . import device as module

    tables = module.run(
        setting, rounds=rounds, rows=numbers(rows), device=device, hidden=hidden, layers=layers
    )
    return Answer(tables, describe_device(device))


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
    data: Data = None,
    engines: Annotated[str | None, typer.Option(help="Comma-separated: NAME or NAME+VARIANT.")] = None,
    tokens: Annotated[int, typer.Option(help="Size of the made-up vocabulary.")] = TOKENS,
    device_name: Annotated[str, typer.Option("--device", help="Besides the CPU.")] = "cuda",
    seed: Seed = 0,
    out: Out = OUT,
) -> None:
    """Every benchmark, in sizes for about half an hour of one quiet core. A GPU's figures follow if there
    is one; MaskBench needs its data and a tokenizer.
    """
    shared: dict[str, Any] = {"tokenizer": tokenizer, "engines": engines, "seed": seed, "out": out}
    made_up = shared | {"tokens": tokens}
    masks(**made_up, rounds=100, fresh=1)
    compile_command(**made_up, rounds=3, largest=1000, time_limit=5.0)
    batch(**made_up, rounds=40, rows="1,8,64")
    end_to_end(**made_up, batches="1,8")
    end_to_end(**made_up, rounds=3, batches="1,8", hidden=512, layers=8)
    automata(**made_up)
    # xgrammar would take a second to compile each of these schemas.
    fast = engines or ",".join(common_sample.installed(common_sample.FAST))
    warm(**made_up | {"engines": fast}, data=data, sample=300)
    memory(**made_up, data=data, sample=5000)
    instructions(seed=seed, out=out)
    if data is not None and tokenizer is not None:
        common_sample.run(data, tokenizer, seed, out)
    device(**shared, device=device_name)
    automata(**made_up, rows="1,64,256", device=device_name)
    end_to_end(**made_up, device=device_name)


@application.command()
def page(
    results: Annotated[Path, typer.Argument(help="The folder of a run of `all`.")],
    target: Annotated[Path, typer.Option("--page", help="Where the figures go.")] = PAGE,
) -> None:
    """Put the figures of a run into the page of the documentation."""
    try:
        write_page(results, target)
    except (ValueError, OSError) as error:
        refuse(error)


def refuse(error: Exception) -> NoReturn:
    console.print(f"error: {error}", style="red", markup=False, highlight=False)
    raise typer.Exit(2) from error


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
