"""The Triton kernel that forbids tokens on a GPU, from packed bits.

In come logits and a bitmask on one device; forbidden logits become -inf in place. A program takes one block
of one row: it reads the block's words of bits, unpacks them in registers and stores only where a bit is not
set, so the logits are never read: what moves is the bits (1/16 of bfloat16 logits) and what is forbidden.
Written for Triton 3; with TRITON_INTERPRET=1 it runs on the CPU, which is how it is tested without a GPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import triton
import triton.language as tl

if TYPE_CHECKING:
    import torch

BLOCK_WORDS = 64  # words of bits that a program unpacks: 2,048 logits


@triton.jit
def _forbid(  # type: ignore[no-untyped-def]
    logits,
    bits,
    rows,
    bit_rows,
    n_columns,
    n_words,
    logits_stride,
    bits_stride,
    has_rows: tl.constexpr,
    has_bit_rows: tl.constexpr,
    block_words: tl.constexpr,
):
    program = tl.program_id(0)
    row = program.to(tl.int64)
    if has_rows:
        row = tl.load(rows + program).to(tl.int64)
    bit_row = row
    if has_bit_rows:
        bit_row = tl.load(bit_rows + program).to(tl.int64)
    word = tl.program_id(1) * block_words + tl.arange(0, block_words)
    packed = tl.load(bits + bit_row * bits_stride + word, mask=word < n_words, other=0)
    shift = tl.arange(0, 32)
    allowed = (packed[:, None] >> shift[None, :]) & 1
    column = word[:, None] * 32 + shift[None, :]
    tl.store(logits + row * logits_stride + column, float("-inf"), mask=(column < n_columns) & (allowed == 0))


def forbid_tokens(
    logits: torch.Tensor,
    bits: torch.Tensor,
    rows: torch.Tensor | None = None,
    bit_rows: torch.Tensor | None = None,
) -> None:
    """Set the logits whose bit is not set to -inf, in place.

    Args:
        logits: floating point, shape [rows, columns], contiguous rows.
        bits: int32, shape [rows, words], contiguous rows, on the logits' device; columns from 32 * words
            on are forbidden.
        rows: int32 or int64, shape [n], on the same device: the rows of the logits; by default all.
        bit_rows: the same, the row of the bits for each of them; by default the same rows.
    """
    n_rows = logits.shape[0] if rows is None else rows.shape[0]
    n_columns = logits.shape[1]
    if n_rows == 0 or n_columns == 0:
        return
    grid = (n_rows, triton.cdiv(n_columns, 32 * BLOCK_WORDS))
    _forbid[grid](
        logits,
        bits,
        logits if rows is None else rows,
        logits if bit_rows is None else bit_rows,
        n_columns,
        bits.shape[1],
        logits.stride(0),
        bits.stride(0),
        has_rows=rows is not None,
        has_bit_rows=bit_rows is not None,
        block_words=BLOCK_WORDS,
    )
