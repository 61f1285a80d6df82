"""Benchmarks of structured output: `tokentrellis bench` (`docs/benchmarks.md`)."""
