"""How good samplers are, and what they cost: `python -m bench.sampler_quality --help`."""
