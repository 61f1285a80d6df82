"""MaskBench from the repository: `tokentrellis.benchmark.maskbench` has it all."""
