"""Grammars: schema, pattern or rules as text in, a `Grammar` out. Pure Python, no tokens and no tensors."""
