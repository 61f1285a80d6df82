"""The benchmarks besides MaskBench: where the time goes, one question in each file.

In: a tokenizer (a folder, or a made-up vocabulary) and the engines of MaskBench. Out: for each benchmark
`NAME.json`, `NAME.md` and `NAME.png`.

- `masks`: one mask and one commit in named situations, met before, with a new schema, in a new process.
- `compile`: compile time and time to the first mask by size of the schema; the set-up of a vocabulary.
- `batch`: masks for many sequences; checks of single tokens and of drafts.
- `end_to_end`: tokens per second of `generate()`, with and without each engine.
- `automata`: token automata: time to make one, sizes, steps.
- `warm`: mask and commit in the second document of a schema.
- `memory`: what compiled schemas and the tables of a vocabulary take.
- `common_sample`: MaskBench on samples for all engines; a part of `all`.
- `device`: masks on a GPU: the kernel against the memory's bandwidth, the token automaton in a CUDA graph,
  the engines' processors.
- `instructions`: instructions for a mask, counted by callgrind, against a table that is kept.

What holds for all: engines take turns within one process or, where an engine must be new, process by process;
every figure is a median with the 99th percentile beside it; what is compared is the ratio within one run. An
engine that refuses a schema, or takes it and does not keep it, is left out, and the table says why. Seeds are
fixed. The files in the order of the data: `synthetic` (a vocabulary from a seed), `setting` (what all of them
need), `workload` (schemas and documents), how engines are called (`batch_calls`, `hf_processors`), the
benchmarks (`device` with `device_steps` and `device_timers`), `tables` (samples to figures), `report`
(files), `page` (a run's figures into the documentation).
"""
