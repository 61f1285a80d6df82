"""Benchmarks of structured output: `tokentrellis bench` (`docs/benchmarks.md`).

The modules, in the order of the data: `tasks` and `long_tasks` (what is asked for), `contenders` with
`peer_processor` (the engines), `generation` (one engine, one task), `isolation` (a process with limits),
`run` (all of them, with a journal), `scoring` and `constraints` (what an output is worth), `figures`,
`charts`, `report`; `command` is the command line. `maskbench` and `conformance` are benchmarks without a
model.
"""
