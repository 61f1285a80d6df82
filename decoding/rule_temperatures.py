"""The temperatures of rules: scores of a step in, what has the temperature of the rule when it is drawn out.

A rule of a grammar may say at which temperature its tokens are drawn (`name[temperature=0.7]` in Lark);
`Matcher.temperature` says which one holds. It takes the place of the temperature of the caller: whoever
divides scores by his own afterwards, as transformers does, is given scores that were multiplied by it before.

Cost: nothing for grammars without such rules; else a look at the readings for each token, and one pass over
the scores of the rows that are in such a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .generation_options import MOST_TEMPERATURE

if TYPE_CHECKING:
    import torch


def bounded_temperature(temperature: float) -> float:
    """0 is the likeliest token, and what is beyond the bounds counts as these."""
    return min(max(temperature, 1 / MOST_TEMPERATURE), MOST_TEMPERATURE)


def rule_temperature(matcher: Any) -> float | None:
    """The temperature that holds for the next token of a matcher, within bounds; None: that of the caller.

    A length alone has none, nor has no grammar at all (None).
    """
    found = getattr(matcher, "temperature", None)
    return None if found is None else bounded_temperature(found)


def has_temperatures(compiled: Any) -> bool:
    """Whether a compiled grammar, or a compiled length, or what else stands for one, has such rules."""
    return bool(getattr(getattr(compiled, "grammar", None), "has_temperatures", False))


def tempered(scores: torch.Tensor, rule: float, caller: float = 1.0) -> torch.Tensor:
    """Scores that become those at the temperature of a rule once they are divided by the caller's.

    scores: floating point, shape [..., logits]. They are moved so that the highest is 0, which changes no law
    and keeps the others from growing too large.
    """
    import torch

    # The least finite number where nothing is left: -inf less -inf is no number.
    highest = scores.amax(dim=-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)
    return (scores - highest) * (caller / rule)
