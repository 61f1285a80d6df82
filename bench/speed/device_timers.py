"""Clocks for work on a device: calls from Python, and the same calls recorded in a CUDA graph.

In: a function of the number of the call. Out: a `Timer`, which gives the nanoseconds of one call, the mean of
`calls` of them. The work runs once before the first sample.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

import torch

Timer = Callable[[], float]
Work = Callable[[int], object]


def synchronize(place: torch.device) -> None:
    """Wait until the device is done; nothing on a CPU."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)


def call_timer(work: Work, place: torch.device, calls: int) -> Timer:
    """Calls from Python, one after the other, until the device is done."""

    def timer() -> float:
        synchronize(place)
        start = perf_counter_ns()
        for call in range(calls):
            work(call)
        synchronize(place)
        return (perf_counter_ns() - start) / calls

    timer()
    return timer


def graph_timer(work: Work, place: torch.device, calls: int) -> Timer:
    """Calls within a CUDA graph, by the device's own clock: no Python, no launches one by one.

    Raises RuntimeError if the work cannot be recorded, as when it waits for the device.
    """
    graph = record(work, place, calls)
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def timer() -> float:
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1e6 / calls

    timer()
    return timer


def record(work: Work, place: torch.device, calls: int) -> torch.cuda.CUDAGraph:
    """A graph of the calls, after they ran once on a stream of their own, as torch asks for."""
    stream = torch.cuda.Stream(place)
    stream.wait_stream(torch.cuda.current_stream(place))
    with torch.cuda.stream(stream):
        for call in range(calls):
            work(call)
    torch.cuda.current_stream(place).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in range(calls):
            work(call)
    return graph
