"""What a matcher allows next, as token ids."""

from __future__ import annotations

import numpy as np
from tokentrellis import Matcher, allocate_bitmask


def allowed_tokens(matcher: Matcher, budget: int | None = None) -> list[int]:
    """The ids whose bits the matcher sets, in their order; padding, which must not be set, included."""
    bitmask = allocate_bitmask(1, matcher.compiled.vocabulary.vocab_size)
    matcher.fill_bitmask(bitmask, budget=budget)
    return np.flatnonzero(np.unpackbits(bitmask.view(np.uint8), bitorder="little")).tolist()
