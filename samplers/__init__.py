"""Samplers: draw from the distribution that a grammar leaves of a language model."""
