"""Measure the samplers:

    python -m bench.sampler_quality laws [--samples 400] [--repeats 5]
    python -m bench.sampler_quality passes
    python -m bench.sampler_quality checks
    python -m bench.sampler_quality particles
    python -m bench.sampler_quality batches
    python -m bench.sampler_quality peer

Tables in Markdown go to standard output. `laws` and `passes` use small models that are made here and solved
exactly; the others use the model that the package carries, on a CPU. genlm-control stands beside them where
it is installed and says so where it is not.
"""

from __future__ import annotations

import argparse
import importlib.util

import torch

from . import costs, laws, peer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["laws", "passes", "checks", "particles", "batches", "peer"])
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    if options.what == "laws":
        laws.report(options.samples, options.repeats)
    elif options.what == "passes":
        laws.report_passes(options.samples)
    elif options.what == "checks":
        costs.report_checks()
    elif options.what == "particles":
        costs.report_particles(options.repeats)
    elif options.what == "batches":
        costs.report_batches()
    elif importlib.util.find_spec("genlm") is None:
        print("genlm-control is not installed: pip install genlm-control")
    else:
        peer.report()


if __name__ == "__main__":
    main()
