"""Columns in blocks of at most VECTORS vectors, as the tiles of `microkernel` read them: each block [term, column]."""

from .jit import part
from .microkernel import VECTORS
from .vectors import lanes, transpose

__all__ = ["block_count", "columns", "turn"]


@part
def block_count(count, width):
    """How many blocks ``count`` columns make, with ``width`` to a vector."""
    return ((count + width - 1) // width + VECTORS - 1) // VECTORS


@part
def columns(block, count, width):
    """The columns of a block, in whole vectors and as even as can be: from, to."""
    vectors = (count + width - 1) // width
    blocks = block_count(count, width)
    return block * vectors // blocks * width, (block + 1) * vectors // blocks * width


@part
def turn(b, block, packed):
    """A block of the columns of ``bᵀ``, b being ``(columns, terms)``, to its place in ``packed``."""
    count, terms = b.shape
    width = lanes(packed)
    first, last = columns(block, count, width)
    room = last - first
    for column in range(first, last, width):
        known, at = min(width, count - column), first * terms + column - first
        if terms >= width:
            for t in range(0, terms + width - 1, width):
                near = min(t, terms - width)  # the last square overlaps the one before
                transpose(packed, at + near * room, room, b, column * terms + near, terms, known - 1)
        else:
            for t in range(terms):
                for m in range(known):
                    packed[at + t * room + m] = b[column + m, t]
