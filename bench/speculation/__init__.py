"""What drafts are worth: tokens for each pass of the target model, time, and exactness.

`python -m bench.speculation train` makes the models that are not in the package: a small draft model beside
the embedded one (for JSON), and a pair for English text, from the reference pages that every Python carries.
`efficiency` measures block efficiency by drafter, `compare` differences with their standard errors, `clock`
the time against plain decoding, and `greedy` counts greedy outputs that are the same. `device` measures what
a pass over a tree costs on this machine, and derives from it what trees are worth on it; it needs no trained
model. No data and no network are needed.
"""
