"""Adapters to other engines: what they ask of a grammar in, what a `Matcher` knows out.

`compiled_grammars.py` makes and keeps grammars for an engine's tokenizer, `grammar_state.py` is the state of
one sequence as servers use it, and each engine has its file: `vllm_backend.py` and `vllm_processor.py`,
`sglang_backend.py`, `llama_cpp.py` and `mlx.py` (both by `followed_tokens.py`). Every file imports its
engine, so it is imported by that engine only, through the entry points in pyproject.toml, or by name.
"""
