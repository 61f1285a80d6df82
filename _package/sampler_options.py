"""`--sampler` and `--particles`: words of the command line in, a sampler out.

Which words go together is decided before a model is loaded; the sampler itself, which needs torch, is made
after that.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from .decoding.arguments import checked_integer
from .grammars.errors import ConstraintError

DEFAULT_PARTICLES = 16


class SamplerName(str, Enum):
    """How to draw from what the grammar leaves."""

    AWRS = "awrs"
    SMC = "smc"
    CARS = "cars"
    ASAP = "asap"
    MCMC = "mcmc"


SamplerOption = Annotated[
    SamplerName | None,
    typer.Option(
        "--sampler",
        help="Draw from the model given the grammar: cars, exactly; smc, by particles; "
        "asap and mcmc, where right texts are rare; awrs, token by token with a weight.",
    ),
]
ParticlesOption = Annotated[
    int | None,
    typer.Option(
        "--particles",
        metavar="N",
        help=f"Of smc (default {DEFAULT_PARTICLES}); texts side by side of cars, asap, mcmc.",
    ),
]


def check_sampler_options(sampler: SamplerName | None, particles: int | None) -> None:
    """Raise ConstraintError unless they go together."""
    if particles is None:
        return
    checked_integer("--particles", particles, least=1)
    if sampler is None or sampler is SamplerName.AWRS:
        name = "without --sampler" if sampler is None else "with --sampler awrs"
        raise ConstraintError(f"--particles would do nothing {name}", advice="add --sampler smc")


def make_sampler(sampler: SamplerName | None, particles: int | None) -> Any:
    """The sampler of this name; None: none."""
    if sampler is None:
        return None
    from .samplers.grammar_aligned import GrammarAlignedSampler
    from .samplers.metropolis_hastings import MetropolisHastings
    from .samplers.rejection import AdaptiveRejectionSampler
    from .samplers.sequential_monte_carlo import SequentialMonteCarlo

    if sampler is SamplerName.AWRS:
        return AdaptiveRejectionSampler()
    if sampler is SamplerName.SMC:
        return SequentialMonteCarlo(particles or DEFAULT_PARTICLES)
    if sampler is SamplerName.MCMC:
        return MetropolisHastings(batch_size=particles or 1)
    return GrammarAlignedSampler(sampler.value, batch_size=particles or 8)
