"""Decoding: a `Grammar` and a `Vocabulary` in, token masks and finished text out."""
