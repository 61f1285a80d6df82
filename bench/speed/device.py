"""Masks on a GPU: the kernel against the memory's bandwidth, and steps of decoding with a grammar.

One command gives all figures of a GPU. `apply_bitmask` and xgrammar's kernel mask the same logits (128k
columns) with the same bits, of which 97 %, half, or 0.1 % are set, as inside a string, and between values.
The bound is what has to move by the bandwidth of a large copy on this device: the bits, and each sector of 32
bytes with a forbidden logit once. Copying the logits is shown beside it. Calls go round several copies of the
logits, together larger than the cache, so that memory is what is measured; what a batch of one needs stays in
the cache, and the launch is what it costs. `calls` are calls from Python one after the other, `graph` the
same in a CUDA graph (the device alone). The steps of decoding are in `device_steps`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .device_steps import run_steps
from .device_timers import Timer, call_timer, graph_timer
from .setting import OURS, Setting
from .tables import Table

ROWS = (1, 64, 256)
COLUMNS = 128_256
SHARES = {"in a string, 97 % allowed": 0.97, "half allowed": 0.5, "between values, 0.1 % allowed": 0.001}
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
CALLS = 20  # applications for one sample
SECTOR = 32  # bytes: what memory writes at least
BOUND, COPY = "bound", "copy of the logits"
Applier = Callable[[torch.Tensor, torch.Tensor], object]


def run(
    setting: Setting,
    *,
    rounds: int = 50,
    device: str = "cuda",
    rows: tuple[int, ...] = ROWS,
    columns: int = COLUMNS,
    hidden: int | None = None,
    layers: int | None = None,
) -> list[Table]:
    """Tables: calls and graphs by batch, dtype and bits; steps in a graph; steps with masks from the CPU.

    On a CPU, where there are no graphs, the same code runs without them: for tests, not for figures.
    """
    place = torch.device(device)
    titles = ["Applying a bitmask, calls from Python", "Applying a bitmask, in a CUDA graph"]
    kernels = [Table(title, "us", BOUND) for title in titles[: 2 if place.type == "cuda" else 1]]
    bytes_per_ns = copy_bandwidth(place)
    for n_rows in rows:
        for label, dtype in DTYPES.items():
            for situation, share in SHARES.items():
                problem = Problem.make(n_rows, columns, dtype, share, setting.seed, place)
                case = f"{n_rows} x {columns:,} {label}, {situation}"
                time_kernels(kernels, case, problem, bytes_per_ns, rounds)
    return [*kernels, *run_steps(setting, rounds, place, rows, hidden, layers)]


@dataclass(frozen=True)
class Problem:
    """logits: shape [rows, columns]; bits: int32, shape [rows, words]; masked: what has to come out."""

    logits: torch.Tensor
    bits: torch.Tensor
    masked: torch.Tensor

    @classmethod
    def make(
        cls, rows: int, columns: int, dtype: torch.dtype, share: float, seed: int, place: torch.device
    ) -> Problem:
        generator = torch.Generator().manual_seed(seed)
        allowed = torch.rand(rows, (columns + 31) // 32 * 32, generator=generator) < share
        packed = np.packbits(allowed.numpy(), axis=1, bitorder="little").view(np.int32)
        logits = torch.randn(rows, columns, generator=generator).to(dtype)
        masked = logits.masked_fill(~allowed[:, :columns], float("-inf"))
        return cls(logits.to(place), torch.from_numpy(packed).to(place), masked.to(place))

    @property
    def least_bytes(self) -> int:
        """What any kernel has to move: the bits, and each sector with a forbidden logit once."""
        in_sector = SECTOR // self.logits.element_size()
        forbidden = torch.nn.functional.pad(
            self.masked == float("-inf"), (0, -self.logits.shape[1] % in_sector)
        )
        sectors = int(forbidden.view(-1, in_sector).any(dim=1).sum())
        return self.bits.nbytes + sectors * SECTOR

    def copies(self) -> list[torch.Tensor]:
        """Logits for the calls: together more than the cache holds, but no more than one for each call."""
        cached = 0
        if self.logits.is_cuda:
            cached = torch.cuda.get_device_properties(self.logits.device).L2_cache_size
        number = min(CALLS, 1 + 2 * cached // self.logits.nbytes)
        return [self.logits.clone() for _ in range(number)]


def time_kernels(tables: list[Table], case: str, problem: Problem, bytes_per_ns: float, rounds: int) -> None:
    """All ways of applying the same bits to the same logits, in turn. Masking twice is masking once."""
    copies = problem.copies()
    target = torch.empty_like(problem.logits)
    ways: dict[str, Callable[[int], object]] = {COPY: lambda call: target.copy_(copies[call % len(copies)])}
    for name, apply in appliers().items():
        reason = fault(apply, problem)
        if reason is None:
            ways[name] = masking(apply, copies, problem.bits)
        for table in tables if reason else []:
            table.leave_out(case, name, reason or "")
    for table, make_timer in zip(tables, (call_timer, graph_timer), strict=False):
        table.add(case, BOUND, problem.least_bytes / bytes_per_ns)
        timers: dict[str, Timer] = {}
        for name, way in ways.items():
            try:
                timers[name] = make_timer(way, problem.logits.device, CALLS)
            except RuntimeError as error:
                table.leave_out(case, name, f"cannot be recorded: {error}")
        for _ in range(rounds):
            for name, timer in timers.items():
                table.add(case, name, timer())


def appliers() -> dict[str, Applier]:
    """What applies a bitmask: ours, and xgrammar's where it is installed."""
    import tokentrellis

    found: dict[str, Applier] = {OURS: tokentrellis.apply_bitmask}
    if importlib.util.find_spec("xgrammar") is not None:
        from xgrammar import apply_token_bitmask_inplace

        found["xgrammar"] = apply_token_bitmask_inplace
    return found


def fault(apply: Applier, problem: Problem) -> str | None:
    """Why this way cannot take part; None if it masks what the bits say."""
    logits = problem.logits.clone()
    try:
        apply(logits, problem.bits)
    except (RuntimeError, TypeError, ValueError) as error:
        return f"refuses {logits.dtype} on {logits.device.type}: {error}"
    return None if torch.equal(logits, problem.masked) else "masks other tokens than the bits say"


def masking(apply: Applier, copies: list[torch.Tensor], bits: torch.Tensor) -> Callable[[int], object]:
    """Call number i masks copy number i, beginning again after the last."""
    return lambda call: apply(copies[call % len(copies)], bits)


def copy_bandwidth(place: torch.device) -> float:
    """Bytes in a nanosecond, read and written, in the fastest of ten copies of 1 GB (16 MB on a CPU)."""
    source = torch.zeros((1024 if place.type == "cuda" else 16) << 18, device=place)
    target = torch.empty_like(source)
    timer = call_timer(lambda _: target.copy_(source), place, 1)
    return 2 * source.nbytes / min(timer() for _ in range(10))
