"""A benchmark on a cluster of Ray: tasks out to workers, outcomes back into the journal here.

A worker is an actor with `Bench` in it: the engines in processes of their own, as on one machine. It gets one
task at a time and has all engines do it, one after the other, so what a machine is and what else it does
falls on all of them alike. A worker that dies is started again by Ray and its task is done anew; only the
caller writes outcomes down, so none is lost and none is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..grammars.errors import ConstraintError
from ..ray_workers import connect
from .generation import Outcome, Setting
from .isolation import Limits
from .run import Bench, Journal, left_to_do
from .tasks import Task

_SECONDS_TO_CLOSE = 10.0


def run_on_ray(
    tasks: Sequence[Task],
    engines: Sequence[str],
    setting: Setting,
    journal: Journal,
    limits: Limits,
    *,
    takes_turns: bool,
    report: Callable[[Outcome], None],
    workers: int,
    gpus_per_worker: float = 0,
    address: str | None = None,
    bench: type[Bench] = Bench,
) -> None:
    """As `run`, by so many workers. bench: what a worker has in it.

    Raises:
        ConstraintError: Ray cannot be reached, or a model or an engine cannot be set up.
    """
    connect(address)
    import ray
    from ray.exceptions import RayTaskError
    from ray.util import ActorPool

    # Restarts and retries without end: a task that kills its engine is an outcome, and kills no worker.
    options = {"num_cpus": 1, "num_gpus": gpus_per_worker, "max_restarts": -1, "max_task_retries": -1}
    remote: Any = ray.remote(bench).options(**options)
    actors = [remote.remote(setting, limits, takes_turns) for _ in range(workers)]
    try:
        groups = list(left_to_do(tasks, engines, journal, takes_turns=takes_turns))
        for outcomes in ActorPool(actors).map_unordered(
            lambda actor, group: actor.write.remote(group[0], group[1]), groups
        ):
            for outcome in outcomes:
                journal.add(outcome)
                report(outcome)
    except RayTaskError as error:
        if isinstance(error.cause, ConstraintError):
            raise error.cause from None
        raise
    finally:
        ray.wait([actor.close.remote() for actor in actors], num_returns=workers, timeout=_SECONDS_TO_CLOSE)
        for actor in actors:
            ray.kill(actor)
