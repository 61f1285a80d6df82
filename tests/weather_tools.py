"""Two tools, as OpenAI's definitions have them: one wrapped, one bare with a dot in its name."""

from __future__ import annotations

from typing import Any

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "pattern": "^[A-Za-z ]{1,8}$"},
                "days": {"type": "integer", "minimum": 1, "maximum": 14},
                "metric": {"type": "boolean"},
                "unit": {"enum": ["K", "C"]},
            },
            "required": ["city"],
        },
    },
}
ADD: dict[str, Any] = {
    "name": "math.add",
    "parameters": {
        "type": "object",
        "properties": {
            "numbers": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 3},
            "labels": {"type": "object", "additionalProperties": {"type": "boolean"}, "maxProperties": 2},
        },
        "required": ["numbers"],
    },
}
TOOLS = [WEATHER, ADD]
