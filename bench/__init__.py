"""Benchmarks of tokentrellis against its peers; one package for each number (see README.md)."""
