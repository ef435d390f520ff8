"""The product of two matrices, (M × T) by (T × N), on the tile of `microkernel`.

The right-hand matrix is copied once, block by block of its columns, as the tile reads it, unless few rows will read it
and its own rows are whole vectors.  The left-hand one is read where it lies.
"""

from .blocks import columns, turn
from .microkernel import ROWS, tile_taps
from .vectors import lanes, move
from .work import shared

__all__ = ["multiply", "pack_columns", "pack_rows"]


@shared
def pack_rows(me, start, stop, b, packed):
    """``b (T, N)`` into blocks of columns, each ``[term, column]``; the items are the blocks."""
    terms, count = b.shape
    zero = b.dtype.type(0)
    for block in range(start, stop):
        first, last = columns(block, count, lanes(b))
        for t in range(terms):
            move(packed, first * terms + t * (last - first), b, t * count + first, min(last, count) - first, zero)


@shared
def pack_columns(me, start, stop, b, packed):
    """The same of the transposed matrix, ``b (N, T)``."""
    for block in range(start, stop):
        turn(b, block, packed)


TERMS = 1024  # in one chain of additions: with more, float32 would lose digits that NumPy keeps


@shared
def multiply(me, start, stop, a, starts, steps, b, pitch, out, sums):
    """``out[m, n] = Σ_t a[starts[m] + steps[t]] · b[t, n]``, b as packed above or, with a pitch, in rows of so many.

    ``starts`` is filled up to whole tiles; ``sums`` is working memory.  The items are the tiles: ROWS rows of one block
    of columns.
    """
    height, count = out.shape
    down = len(starts) // ROWS
    scratch = sums[me]
    zero, terms, half = a.dtype.type(0), len(steps), len(scratch) // 2
    for item in range(start, stop):
        first, last = columns(item // down, count, lanes(a))
        row, room = item % down * ROWS, last - first
        place, step = (first, pitch) if pitch else (first * terms, room)
        for t in range(0, max(terms, 1), TERMS):
            tile_taps(
                a, starts, row, steps, t, min(TERMS, terms - t), b, place + t * step, step,
                scratch, half if t else 0, room, True, room // lanes(a),
            )  # fmt: skip
            if t:
                for i in range(ROWS * room):
                    scratch[i] += scratch[half + i]
        for m in range(min(ROWS, height - row)):
            move(out, (row + m) * count + first, scratch, m * room, min(last, count) - first, zero)
