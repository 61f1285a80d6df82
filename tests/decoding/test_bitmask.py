"""`apply_bitmask` against the definition, for every type of logits; the Triton kernel by its interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokentrellis import ArgumentValueError, apply_bitmask
from tokentrellis.decoding.bitmask import unpack_bitmask

TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def applied_slowly(logits: torch.Tensor, bits: np.ndarray, rows: list[int]) -> torch.Tensor:
    """The definition: token by token."""
    wanted = logits.clone()
    for row in rows:
        for column in range(logits.shape[1]):
            word = column // 32
            if word >= bits.shape[1] or not int(bits[row, word]) >> (column % 32) & 1:
                wanted[row, column] = float("-inf")
    return wanted


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 3),
    st.integers(1, 100),
    st.integers(1, 4),
    st.sampled_from(TYPES),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.5, 1.0]),
)
def test_every_type_and_shape(
    rows: int, columns: int, words: int, dtype: torch.dtype, seed: int, some: bool, density: float
) -> None:
    rng = np.random.default_rng(seed)
    flags = rng.random((rows, words * 32)) < density
    flags[:, (columns + 31) // 32 * 32 :] = False  # what has no logits must not be allowed
    bits = np.packbits(flags, axis=1, bitorder="little").view(np.int32).reshape(rows, words)
    logits = torch.from_numpy(rng.normal(size=(rows, columns))).to(dtype)
    chosen = [row for row in range(rows) if not some or rng.random() < 0.5]
    wanted = applied_slowly(logits, bits, chosen)
    for mask in (bits, torch.from_numpy(bits)):
        result = logits.clone()
        assert apply_bitmask(result, mask, chosen if some else None) is result
        assert torch.equal(result, wanted)
    tracked = logits.clone().requires_grad_(True)  # the way through torch
    with torch.no_grad():
        apply_bitmask(tracked, bits, chosen if some else None)
    assert torch.equal(tracked.detach(), wanted)


def test_one_row_of_logits_takes_the_first_row_of_bits() -> None:
    row = torch.zeros(64)
    apply_bitmask(row, np.array([[0], [-1]], dtype=np.int32))
    assert torch.isinf(row).all()
    row = torch.zeros(64)
    against_their_order = np.array([[3, 0], [-1, 1]], dtype=np.int32)[:, ::-1]  # a view: 0 and 3, 1 and -1
    apply_bitmask(row, against_their_order)
    assert torch.nonzero(row == 0).flatten().tolist() == [32, 33]


def test_logits_that_cannot_be_written() -> None:
    for logits in (torch.zeros(2, 40).to(torch.float8_e5m2), torch.zeros(1, 40).expand(2, 40)):
        with pytest.raises(TypeError):
            apply_bitmask(logits, np.zeros((2, 2), np.int32))


def test_single_rows_views_and_wide_masks() -> None:
    bits = np.array([[1, 0], [3, 0]], dtype=np.int32)
    row = torch.zeros(40)
    apply_bitmask(row, bits[0])
    assert row[0] == 0
    assert torch.isinf(row[1:]).all()
    wide = torch.zeros(2, 100)
    apply_bitmask(wide[:, 10:50], bits)  # rows that are not next to each other
    assert torch.isinf(wide[:, 12:50]).all()
    assert not torch.isinf(wide[:, :11]).any()
    assert torch.equal(torch.isinf(wide[:, 11]), torch.tensor([True, False]))
    columns = torch.zeros(40, 2).t()  # columns are not next to each other
    apply_bitmask(columns, bits)
    assert not torch.isinf(columns[1, :2]).any()
    assert torch.isinf(columns[:, 2:]).all()


@pytest.mark.parametrize(
    ("bits", "indices", "error"),
    [
        (np.zeros((1, 1), np.int32), None, ValueError),
        (np.zeros((2, 1), np.int64), None, ValueError),
        (np.zeros((2, 1), np.int32), [2], IndexError),
        (np.zeros((2, 1), np.int32), [-1], IndexError),
    ],
)
@pytest.mark.parametrize("columns_first", [False, True])
def test_wrong_masks(
    bits: np.ndarray, indices: list[int] | None, error: type[Exception], columns_first: bool
) -> None:
    logits = torch.zeros(5, 2).t() if columns_first else torch.zeros(2, 5)
    with pytest.raises(error):
        apply_bitmask(logits, bits, indices)


@pytest.mark.parametrize("columns_first", [False, True])
def test_narrow_logits(columns_first: bool) -> None:
    def zeros(columns: int) -> torch.Tensor:
        return torch.zeros(columns, 2).t() if columns_first else torch.zeros(2, columns)

    bits = np.array([[-1, -1, 0], [1, 0, 4]], dtype=np.int32)
    apply_bitmask(zeros(65), bits)  # bits of the last word pad it
    apply_bitmask(zeros(64), bits, [0])  # nothing is allowed beyond
    for columns, rows in ((64, None), (40, [1])):
        with pytest.raises(ArgumentValueError, match=f"{columns} columns are too few"):
            apply_bitmask(zeros(columns), bits, rows)
    with pytest.raises(ArgumentValueError, match="32 columns are too few"):
        apply_bitmask(torch.zeros(32), bits[0])


KERNEL = """
import numpy as np, torch
from tokentrellis.decoding.apply_kernel import forbid_tokens
generator = torch.Generator().manual_seed(5)
for rows, columns, words in ((1, 5, 1), (3, 4100, 128), (2, 4100, 129), (4, 70, 3)):
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        for chosen in (None, [rows - 1]):
            flags = torch.rand(rows, words * 32, generator=generator) < 0.3
            bits = torch.from_numpy(np.packbits(flags.numpy(), axis=1, bitorder="little").view(np.int32))
            logits = torch.randn(rows, columns, generator=generator).to(dtype)
            allowed = torch.zeros(rows, columns, dtype=torch.bool)
            wide = min(columns, words * 32)
            allowed[:, :wide] = flags[:, :wide]
            if chosen:
                allowed[: rows - 1] = True
            wanted = logits.masked_fill(~allowed, float("-inf"))
            forbid_tokens(logits, bits, None if chosen is None else torch.tensor(chosen))
            assert torch.equal(logits, wanted), (rows, columns, words, dtype, chosen)
            # Each row of the logits has its row of the bits anywhere.
            order = torch.randperm(rows, generator=generator)
            places = torch.randperm(rows + 3, generator=generator)[:rows]
            kept = torch.zeros((rows + 3, words), dtype=torch.int32)
            kept[places] = bits[order]
            logits = torch.randn(rows, columns, generator=generator).to(dtype)
            allowed[:, :wide], allowed[:, wide:] = flags[:, :wide], False
            wanted = logits.masked_fill(~allowed, float("-inf"))
            forbid_tokens(logits, kept, order, places)
            assert torch.equal(logits, wanted), (rows, columns, words, dtype, "places")
print("right")
"""


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
def test_kernel_through_the_interpreter() -> None:
    run = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "right", run.stderr


def test_bits_one_by_one() -> None:
    bitmask = np.array([[0b101, 1], [0, -(2**31)]], dtype=np.int32)
    bits = unpack_bitmask(bitmask, 70)
    assert bits.dtype == bool
    assert [np.flatnonzero(row).tolist() for row in bits] == [[0, 2, 32], [63]]
    assert unpack_bitmask(bitmask[0], 33).tolist() == bits[0, :33].tolist()
    assert np.flatnonzero(unpack_bitmask(bitmask[:, 1:], 32)[1]).tolist() == [31]
