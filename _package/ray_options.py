"""The options of commands that can work on a cluster of Ray, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated

import typer

from .decoding.arguments import checked_integer
from .grammars.errors import ConstraintError

RayOption = Annotated[bool, typer.Option("--ray", help="By workers on a cluster of Ray.")]
RayAddressOption = Annotated[
    str | None,
    typer.Option("--ray-address", help="Of the cluster. Default: RAY_ADDRESS, else one on this machine."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="With --ray: each has the model. Default: 2.")
]
GpusPerWorkerOption = Annotated[
    float, typer.Option("--gpus-per-worker", min=0, help="With --ray; may be a fraction.")
]
DEFAULT_WORKERS = 2


def checked_workers(on_ray: bool, address: str | None, workers: int | None, gpus_per_worker: float) -> int:
    """How many workers there are to be.

    Raises:
        ConstraintError: an option does nothing without --ray, or Ray is not installed.
    """
    if workers is not None:
        checked_integer("--workers", workers, least=1)
    if not on_ray and (address is not None or gpus_per_worker or workers is not None):
        raise ConstraintError(
            "--workers, --ray-address and --gpus-per-worker do nothing without --ray", advice="add --ray"
        )
    if on_ray:
        from .ray_workers import check_ray

        check_ray()
    return DEFAULT_WORKERS if workers is None else workers
