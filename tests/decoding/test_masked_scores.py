"""Masked scores against `apply_bitmask` on a copy, in every type and lay-out, and the memory of earlier
copies: used again, and never while somebody holds a tensor that lies in it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokentrellis.decoding.bitmask import apply_bitmask
from tokentrellis.decoding.masked_scores import MOST_BLOCKS, ScoreMasker

ALL = np.full((2, 2), -1, dtype=np.int32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("columns", [70, 64, 96, 40])
@pytest.mark.parametrize("is_in_place", [False, True])
def test_as_a_mask_that_is_applied(dtype: torch.dtype, columns: int, is_in_place: bool) -> None:
    generator = torch.Generator().manual_seed(columns)
    bitmask = torch.randint(-(2**31), 2**31, (3, 2), generator=generator, dtype=torch.int64).to(torch.int32)
    bitmask[2] = 0
    scores = torch.randn((3, columns), generator=generator).to(dtype)
    scores[0, 5], scores[1, 7] = float("nan"), float("-inf")
    wanted = apply_bitmask(scores.clone(), bitmask, [0, 2])
    wide = torch.randn((3, columns + 9), generator=generator).to(dtype)
    wide[:, 4 : 4 + columns] = scores
    around = wide.clone()
    lay_outs = {
        "rows": scores.clone(),
        "negative": torch._neg_view(-scores),
        "columns": scores.t().contiguous().t(),
        "a part of wider rows": wide[:, 4 : 4 + columns],
    }
    for name, given in lay_outs.items():
        masked, empty = ScoreMasker(is_in_place=is_in_place).mask(given, bitmask.numpy(), [0, 2])
        assert torch.equal(masked.nan_to_num(1.5), wanted.nan_to_num(1.5)), name
        assert empty == [2], name
        after = wanted if is_in_place else scores
        assert torch.equal(given.nan_to_num(1.5), after.nan_to_num(1.5)), name
    assert torch.equal(wide[:, :4], around[:, :4])
    assert torch.equal(wide[:, 4 + columns :], around[:, 4 + columns :])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_memory_is_used_again_when_nobody_holds_it(dtype: torch.dtype) -> None:
    masker, places, last = ScoreMasker(), set(), None
    for step in range(10):
        scores = torch.full((2, 64), float(step), dtype=dtype)
        masked, _ = masker.mask(scores, ALL, [0, 1])
        places.add(masked.data_ptr())
        assert last is None or bool((last == step - 1).all())  # as transformers holds it
        last = masked
    assert len(places) == MOST_BLOCKS


@pytest.mark.parametrize("hold", [lambda t: t, lambda t: t[1:], lambda t: t.numpy(), lambda t: t.view(-1)])
def test_memory_that_is_held_is_left_alone(hold: object) -> None:
    masker = ScoreMasker()
    kept = []
    for step in range(5):
        masked, _ = masker.mask(torch.full((2, 64), float(step)), ALL, [0, 1])
        kept.append(hold(masked))  # type: ignore[operator]
        del masked
    assert [float(part.min()) for part in kept] == [float(part.max()) for part in kept] == [0, 1, 2, 3, 4]


def test_other_shapes_and_types_have_other_memory() -> None:
    masker = ScoreMasker()
    for shape, dtype in (((1, 64), torch.float32), ((2, 64), torch.float16), ((2, 32), torch.bfloat16)):
        scores = torch.ones(shape, dtype=dtype)
        masked, empty = masker.mask(scores, ALL, [0])
        assert (masked.shape, masked.dtype, empty) == (scores.shape, dtype, [])
        assert torch.equal(masked, scores)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(IndexError, match="row 2: there are 2"):
        ScoreMasker().mask(torch.zeros(2, 64), ALL, [2])
    with pytest.raises(ValueError, match="a row for each of the 3 rows"):
        ScoreMasker().mask(torch.zeros(3, 64), ALL, [0])
    assert ScoreMasker().mask(torch.zeros(2, 0), ALL, [0])[1] == [0]
