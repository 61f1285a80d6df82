"""Schemas and documents for the benchmarks that decode: lists of orders.

In: a seed, and a mark that makes the schema another one (its names begin with it). Out: the schema of an
array of orders, and documents of it with as many orders as wanted. Every engine of MaskBench takes this
schema with keys in its order; the texts are words, numbers, members of enumerations, and lists, as in real
documents.
"""

from __future__ import annotations

import json
import random
from typing import Any

from tokentrellis.benchmark.maskbench.engines import Engine, EngineError

KINDS = ("new", "paid", "packed", "shipped", "returned", "lost")
WORDS = (
    *("lamp", "desk", "chair", "cable", "paper", "garden"),
    *("winter", "summer", "train", "river", "stone", "window"),
    *("coffee", "bread", "engine", "market", "letter", "number"),
    *("island", "forest", "bridge", "copper", "silver", "yellow"),
    *("purple", "orange", "little", "great", "broken", "second"),
)


def orders_schema(mark: str = "") -> dict[str, Any]:
    """An array of at least one order, all keys required, nothing else allowed."""
    line = {
        "type": "object",
        "properties": {
            f"{mark}title": {"type": "string", "maxLength": 60},
            f"{mark}price": {"type": "number"},
            f"{mark}tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": [f"{mark}title", f"{mark}price", f"{mark}tags"],
        "additionalProperties": False,
    }
    order = {
        "type": "object",
        "properties": {
            f"{mark}customer": {"type": "string"},
            f"{mark}status": {"enum": list(KINDS)},
            f"{mark}count": {"type": "integer", "minimum": 0, "maximum": 100_000},
            f"{mark}gift": {"type": "boolean"},
            f"{mark}lines": {"type": "array", "items": line},
        },
        "required": [f"{mark}{key}" for key in ("customer", "status", "count", "gift", "lines")],
        "additionalProperties": False,
    }
    return {"type": "array", "items": order, "minItems": 1}


def orders_text(draw: random.Random, mark: str = "", n_items: int = 1) -> str:
    """A document of the schema, written as `json.dumps` writes it."""

    def phrase(least: int, most: int) -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))

    def line() -> dict[str, Any]:
        tags = draw.sample(WORDS, k=draw.randint(0, 3))
        return {
            f"{mark}title": phrase(1, 5)[:60],
            f"{mark}price": draw.randint(1, 99_999) / 100,
            f"{mark}tags": tags,
        }

    def order() -> dict[str, Any]:
        return {
            f"{mark}customer": phrase(2, 3).title(),
            f"{mark}status": draw.choice(KINDS),
            f"{mark}count": draw.randint(0, 100_000),
            f"{mark}gift": draw.random() < 0.5,
            f"{mark}lines": [line() for _ in range(draw.randint(0, 3))],
        }

    return json.dumps([order() for _ in range(n_items)])


def refusal(engine: Engine[Any, Any], grammar: Any, token_ids: list[int]) -> str | None:
    """Why the engine does not take these tokens one after the other; None if it takes all."""
    matcher = engine.matcher(grammar)
    try:
        for place, token_id in enumerate(token_ids):
            engine.fill(matcher)
            if not engine.allows(token_id) or not engine.commit(matcher, token_id):
                return f"refuses token {place} of a valid document"
    except EngineError as error:
        return str(error)
    return None
