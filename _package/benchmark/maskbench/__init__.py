"""MaskBench: how long a grammar engine takes for one token of JSON, and how often it is right.

In: a file of JSON Schemas, each with documents that are known to be valid or invalid, and a tokenizer. Out,
for each engine: the time between masks (TBM), the time to the first mask (TTFM), and how many schemas it gets
right.

The method is that of the JSONSchemaBench authors (Geng et al. 2025, arXiv:2501.10868; `maskbench` in
github.com/guidance-ai/jsonschemabench), written anew. A schema is compiled; each document is written with
`json.dumps(data, ensure_ascii=False)` and encoded without special tokens; then, token by token, the engine
computes the mask, the token's bit is looked up, and the token is committed. A valid document must be accepted
to its last token with EOS allowed there, an invalid one must be refused somewhere.

- TBM: microseconds for mask + commit, one sample for every token that was tried (a refused token has a mask
  only).
- TTFM: microseconds for compile + new matcher + first mask, one sample for every schema that compiles.
- Percentile p of n sorted samples: `sorted[int(n p / 100)]`.

The modules, in the order of the data: `problems` (file -> schemas and documents), `tokenizer`, `engines/`
(one file for each peer), `measure` (the clock), `worker` (a process with limits), `run` (batches in turn,
journal, resume), `report` (tables), `plot`, `compare`, `explain`; `__main__` is the command line.
"""
