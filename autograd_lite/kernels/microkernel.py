"""The tiles on which convolutions and products of matrices are made.

A tile is a block of sums of products that stays in registers: for MR rows and NV vectors of adjacent columns

    sums[m, j] += Σ_t a(t, m) · b(t, j)

with every sum in a register from the first term to the last.  A term costs MR · NV multiply-adds, but only NV vector
loads and MR broadcast loads.  Where a(t, m) and b(t, j) lie is what its forms differ in:

- `tile_planes`, for the output of a convolution: a = panel[t, m], the weights in the order of use;
  b = planes[offsets[t] + j], the image seen through filter tap t.
- `tile_taps`, for the gradient of its weights: a = planes[offsets[m] + pixels[t]], what tap m sees at pixel t;
  b = rows[t, j], the gradients of the filters at that pixel;
- `tile_dots`, for the same with few filters, whose vectors would be half empty: a vector is a stretch of pixels, of
  a = rows[m] and of b = planes[offsets[j]:], and a sum is added up in the end.

There are as many sums as fit beside their factors into the host's registers, 32 with AVX-512 and on 64-bit ARM, else
16; 8 or more, since a core begins two multiply-adds a cycle and finishes them after four.  `tile_planes` has fewer rows
for few filters.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .emitter import INT, REGISTERS, Emitter
from .jit import part

__all__ = ["CHOICES", "DOTS", "MOST", "ROWS", "VECTORS", "rows_for", "tile_dots", "tile_planes", "tile_taps", "widest"]

ROWS = 8  # of a tile of taps
VECTORS = 3  # of a tile at most
CHOICES = (8, 6, 1) if REGISTERS == 32 else (6, 4, 1)  # rows of a tile of planes
HEIGHT = 8 if REGISTERS == 32 else 4  # rows of a tile of taps whose sums by several vectors fit into the registers
DOTS = (6, 4) if REGISTERS == 32 else (3, 4)  # filters and taps of a tile of dots


def _most(rows: int) -> int:
    """How many vectors the sums of so many rows may have: beside them are the vectors' factors and one of a row."""
    return min(VECTORS, (REGISTERS - 1) // (rows + 1))


MOST = _most(CHOICES[0])


def rows_for(filters: int) -> int:
    """The rows of a tile that leave the fewest idle: for 6 filters 6, for 16 filters 8, or 4 of 16 registers."""
    return min(CHOICES, key=lambda rows: -(-filters // rows) * (rows + 1))


def _not_unrolled(module):
    """What keeps LLVM from unrolling a loop: two terms at a time need more registers than there are."""
    hint = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = module.add_metadata([hint, hint])
    loop.operands = (loop, hint)  # the first operand of a loop's description is the description itself
    return loop


class _Tile(Emitter):
    """Emits the code of one tile: a loop over the terms, in which every sum is a phi node."""

    def __init__(self, context, builder, signature, rows: int, vectors: int) -> None:
        super().__init__(context, builder, signature, half=vectors == 0)
        self.rows, self.vectors = rows, vectors or 1

    def rows_from(self, position: int, array, start, pitch) -> list:
        """The addresses of the rows of sums in the array that is argument ``position``."""
        steps = [self.builder.mul(pitch, INT(m)) for m in range(self.rows)]
        return [self.pointer(position, array, self.builder.add(start, step)) for step in steps]

    def load_row(self, pointer) -> list:
        """The vectors of a row."""
        return [self.load(pointer, INT(v * self.lanes)) for v in range(self.vectors)]

    def store_rows(self, pointers: list, sums: list) -> None:
        """Write the vectors of all rows."""
        for i, value in enumerate(sums):
            self.store(value, pointers[i // self.vectors], INT(i % self.vectors * self.lanes))

    def run(self, count, start: list, factors) -> list:
        """``factors(t)`` gives vectors: the ``a``s of term t, each as a function, and its ``b``s; returns the sums."""
        builder = self.builder
        before, body, after = builder.block, builder.append_basic_block("terms"), builder.append_basic_block("summed")
        builder.cbranch(builder.icmp_signed(">", count, INT(0)), body, after)
        builder.position_at_end(body)
        t = builder.phi(INT)
        sums = [builder.phi(self.vector) for _ in start]
        a, b = factors(t)
        new = []
        for m in range(self.rows):
            factor = a[m]()
            for v in range(self.vectors):
                new.append(self.call("fmuladd", self.vector, [factor, b[v], sums[m * self.vectors + v]]))
        following = builder.add(t, INT(1))
        again = builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        again.set_metadata("llvm.loop", _not_unrolled(builder.module))
        for phi, first, last in zip([t, *sums], [INT(0), *start], [following, *new], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(last, body)
        builder.position_at_end(after)
        results = []
        for first, last in zip(start, new, strict=True):
            results.append(builder.phi(self.vector))
            results[-1].add_incoming(first, before)
            results[-1].add_incoming(last, body)
        return results


@intrinsic
def tile_planes(
    typingctx, panel, panel_start, planes, planes_start, offsets, first, count, out, out_start, pitch, rows, vectors
):  # fmt: skip
    """``out[out_start + m·pitch + j] = Σ_t panel[panel_start + t·rows + m] · seen(t)[j]``

    with ``seen(t) = planes[planes_start + offsets[first + t]:]``, for t < count,
    m < rows (one of CHOICES) and j < vectors · lanes, with at most `widest` vectors.
    """

    def generate(context, builder, signature, args):
        for height in CHOICES:
            for width in range(1, _most(height) + 1):
                with builder.if_then(_are(builder, args[10:], height, width)):
                    loop = _Tile(context, builder, signature, height, width)
                    _emit_planes(loop, args)
        return context.get_dummy_value()

    i = types.int64
    return types.void(panel, i, planes, i, offsets, i, i, out, i, i, i, i), generate


def _are(builder, sizes, height: int, width: int):
    """Whether the sizes asked for are these."""
    same = [builder.icmp_signed("==", asked, INT(size)) for asked, size in zip(sizes, (height, width), strict=True)]
    return builder.and_(*same)


def _emit_planes(loop, args) -> None:
    builder, rows = loop.builder, loop.rows
    a, b = loop.pointer(0, args[0], args[1]), loop.pointer(2, args[2], args[3])
    offset, count = loop.pointer(4, args[4], args[5]), args[6]
    out = loop.rows_from(7, args[7], args[8], args[9])

    def factors(t):
        row = builder.gep(a, [builder.mul(t, INT(rows))])
        seen = builder.gep(b, [loop.element(offset, t)])
        return [lambda m=m: loop.broadcast(loop.element(row, INT(m))) for m in range(rows)], loop.load_row(seen)

    loop.store_rows(out, loop.run(count, [loop.zero] * (rows * loop.vectors), factors))


@intrinsic
def tile_taps(
    typingctx, planes, offsets, tap, pixels, pixel, count, b, b_start, b_pitch, sums, sums_start, pitch, fresh, vectors
):  # fmt: skip
    """``sums[sums_start + m·pitch + j] += Σ_t planes[offsets[tap + m] + at(t)] · b[b_start + t·b_pitch + j]``

    with ``at(t) = pixels[pixel + t]``, for t < count, m < ROWS and j < vectors · lanes.
    With ``fresh``, = instead of +=; 0 vectors are half a vector, which many cores compute in half the time.
    """

    def generate(context, builder, signature, args):
        for width in range(VECTORS + 1):
            height = ROWS if width < 2 else HEIGHT
            with builder.if_then(builder.icmp_signed("==", args[13], INT(width))):
                for first in range(0, ROWS, height):
                    _emit_taps(_Tile(context, builder, signature, height, width), args, INT(first))
        return context.get_dummy_value()

    i = types.int64
    return types.void(planes, offsets, i, pixels, i, i, b, i, i, sums, i, i, types.boolean, i), generate


def _emit_taps(loop, args, first) -> None:
    """The rows from ``first`` on."""
    builder, rows = loop.builder, loop.rows
    offset = loop.pointer(1, args[1], builder.add(args[2], first))
    a = [loop.pointer(0, args[0], loop.element(offset, INT(m))) for m in range(rows)]
    pixel, count, b = loop.pointer(3, args[3], args[4]), args[5], loop.pointer(6, args[6], args[7])
    kept = loop.rows_from(9, args[9], builder.add(args[10], builder.mul(args[11], first)), args[11])

    def factors(t):
        at, row = loop.element(pixel, t), builder.gep(b, [builder.mul(t, args[8])])
        return [lambda m=m: loop.broadcast(loop.element(a[m], at)) for m in range(rows)], loop.load_row(row)

    start = [builder.select(args[12], loop.zero, value) for row in kept for value in loop.load_row(row)]
    loop.store_rows(kept, loop.run(count, start, factors))


@intrinsic
def tile_dots(typingctx, rows, row, room, planes, offsets, tap, at, vectors, sums, sums_start, pitch):
    """``sums[sums_start + m·pitch + j] += Σ_i rows[row + m·room + i] · planes[offsets[tap + j] + at + i]``

    for i < vectors · lanes, m < DOTS[0] and j < DOTS[1].
    """

    def generate(context, builder, signature, args):
        height, width = DOTS
        loop = _Tile(context, builder, signature, height, width)
        starts = [builder.add(args[1], builder.mul(args[2], INT(m))) for m in range(height)]
        a = [loop.pointer(0, args[0], start) for start in starts]
        offset = loop.pointer(4, args[4], args[5])
        places = [builder.add(loop.element(offset, INT(j)), args[6]) for j in range(width)]
        b = [loop.pointer(3, args[3], place) for place in places]

        def factors(t):
            i = builder.mul(t, INT(loop.lanes))
            return [lambda m=m: loop.load(a[m], i) for m in range(height)], [loop.load(seen, i) for seen in b]

        found = loop.run(args[7], [loop.zero] * (height * width), factors)
        for m, kept in enumerate(loop.rows_from(8, args[8], args[9], args[10])):
            for j in range(width):
                total = builder.fadd(loop.element(kept, INT(j)), loop.total(found[m * width + j]))
                builder.store(total, builder.gep(kept, [INT(j)]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(rows, i, i, planes, offsets, i, i, i, sums, i, i), generate


@part
def widest(rows):
    """The largest number of vectors that `tile_planes` takes with so many rows."""
    return MOST if rows == CHOICES[0] else VECTORS
