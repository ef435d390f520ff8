"""A block of sums of products that stays in registers: the one file that speaks LLVM.

`tile` computes, for MR rows and NV vectors of adjacent columns,

    sums[m, j] += Σ_t a(t, m) · b(t, j)

with every sum in a register from the first term to the last.  A term costs MR · NV multiply-adds, but only NV vector
loads and MR broadcast loads.  Where a(t, m) and b(t, j) lie is what its two forms differ in:

- `tile_planes`, for the output of a convolution: a = panel[t, m], the weights in the order of use; b = planes[offsets[t]
  + j], the image seen through filter tap t.
- `tile_taps`, for the gradient of its weights: a = planes[offsets[m] + pixels[t]], what tap m sees at pixel t; b =
  rows[t, j], the gradients of all filters at that pixel.

The widths follow the host: vectors of 64 bytes with AVX-512, of 32 with AVX, else (SSE2, NEON) of 16; 8 rows of sums
where there are 32 registers, else 4, by up to 3 vectors.
"""

from __future__ import annotations

import platform

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import jit

__all__ = ["ROWS", "VECTORS", "lanes", "tile_planes", "tile_taps"]

_INT = ir.IntType(64)


def _vector_bytes() -> int:
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()
ROWS = 8 if VECTOR_BYTES == 64 or platform.machine().lower() in ("aarch64", "arm64") else 4
VECTORS = 3


@intrinsic
def lanes(typingctx, array):
    """How many elements of an array a vector has."""

    def generate(context, builder, signature, args):
        return _INT(_lanes(context, signature.args[0]))

    return types.int64(array), generate


def _lanes(context, array) -> int:
    return VECTOR_BYTES // context.get_abi_sizeof(context.get_value_type(array.dtype))


class _Loop:
    """Emits the code of one tile: a loop over the terms with a phi node for every sum."""

    def __init__(self, context, builder, signature, rows: int, vectors: int) -> None:
        self.context, self.builder, self.signature = context, builder, signature
        self.rows, self.vectors = rows, vectors
        array = signature.args[0]
        self.lanes = _lanes(context, array)
        self.scalar = context.get_value_type(array.dtype)
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.size = context.get_abi_sizeof(self.scalar)

    def pointer(self, position: int, value, start):
        """The address of element ``start`` of the array that is argument ``position``."""
        data = cgutils.create_struct_proxy(self.signature.args[position])(self.context, self.builder, value=value).data
        return self.builder.gep(data, [start])

    def element(self, pointer, index):
        return self.builder.load(self.builder.gep(pointer, [index]))

    def load(self, pointer, v: int):
        """The ``v``-th vector from an address, which need not be aligned."""
        address = self.builder.bitcast(self.builder.gep(pointer, [_INT(v * self.lanes)]), self.vector.as_pointer())
        return self.builder.load(address, align=self.size)

    def store(self, value, pointer, v: int) -> None:
        address = self.builder.bitcast(self.builder.gep(pointer, [_INT(v * self.lanes)]), self.vector.as_pointer())
        self.builder.store(value, address, align=self.size)

    def broadcast(self, number):
        none = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(none, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(first, none, zeros)

    def run(self, count, start: list, factors) -> list:
        """``factors(t)`` gives the ``a``s as numbers and the ``b``s as vectors of term t; returns the sums."""
        builder = self.builder
        name = f"llvm.fmuladd.v{self.lanes}f{self.size * 8}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        multiply_add = cgutils.get_or_insert_function(builder.module, kind, name)
        before, body, after = builder.block, builder.append_basic_block("terms"), builder.append_basic_block("summed")
        builder.cbranch(builder.icmp_signed(">", count, _INT(0)), body, after)
        builder.position_at_end(body)
        t = builder.phi(_INT)
        sums = [builder.phi(self.vector) for _ in start]
        a, b = factors(t)
        new = []
        for m in range(self.rows):
            factor = self.broadcast(a[m]())
            new += [builder.call(multiply_add, [factor, b[v], sums[m * self.vectors + v]]) for v in range(self.vectors)]
        following = builder.add(t, _INT(1))
        builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        end = builder.block
        for phi, first, last in zip([t, *sums], [_INT(0), *start], [following, *new], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(last, end)
        builder.position_at_end(after)
        results = []
        for first, last in zip(start, new, strict=True):
            phi = builder.phi(self.vector)
            phi.add_incoming(first, before)
            phi.add_incoming(last, end)
            results.append(phi)
        return results


def _planes_tile(rows: int, vectors: int):
    """`tile_planes` of one size."""

    @intrinsic
    def tile(typingctx, panel, panel_start, planes, planes_start, offsets, offsets_start, count, out, out_start, pitch):
        def generate(context, builder, signature, args):
            loop = _Loop(context, builder, signature, rows, vectors)
            a, b = loop.pointer(0, args[0], args[1]), loop.pointer(2, args[2], args[3])
            offset, count = loop.pointer(4, args[4], args[5]), args[6]
            out = [loop.pointer(7, args[7], builder.add(args[8], builder.mul(args[9], _INT(m)))) for m in range(rows)]

            def factors(t):
                row = builder.gep(a, [builder.mul(t, _INT(rows))])
                seen = builder.gep(b, [loop.element(offset, t)])
                return (
                    [lambda m=m: loop.element(row, _INT(m)) for m in range(rows)],
                    [loop.load(seen, v) for v in range(vectors)],
                )

            zero = ir.Constant(loop.vector, None)
            sums = loop.run(count, [zero] * (rows * vectors), factors)
            for i, value in enumerate(sums):
                loop.store(value, out[i // vectors], i % vectors)
            return context.get_dummy_value()

        i = types.int64
        return types.void(panel, i, planes, i, offsets, i, i, out, i, i), generate

    return tile


def _taps_tile(rows: int, vectors: int):
    """`tile_taps` of one size."""

    @intrinsic
    def tile(typingctx, planes, offsets, first_tap, pixels, count, b, b_start, b_pitch, sums, sums_start, pitch):
        def generate(context, builder, signature, args):
            loop = _Loop(context, builder, signature, rows, vectors)
            offset = loop.pointer(1, args[1], args[2])
            a = [loop.pointer(0, args[0], loop.element(offset, _INT(m))) for m in range(rows)]
            pixel, count = loop.pointer(3, args[3], _INT(0)), args[4]
            b = loop.pointer(5, args[5], args[6])
            kept = [loop.pointer(8, args[8], builder.add(args[9], builder.mul(args[10], _INT(m)))) for m in range(rows)]

            def factors(t):
                at, row = loop.element(pixel, t), builder.gep(b, [builder.mul(t, args[7])])
                return (
                    [lambda m=m: loop.element(a[m], at) for m in range(rows)],
                    [loop.load(row, v) for v in range(vectors)],
                )

            start = [loop.load(kept[m], v) for m in range(rows) for v in range(vectors)]
            for i, value in enumerate(loop.run(count, start, factors)):
                loop.store(value, kept[i // vectors], i % vectors)
            return context.get_dummy_value()

        i = types.int64
        return types.void(planes, offsets, i, pixels, i, b, i, i, sums, i, i), generate

    return tile


_p1, _p2, _p3 = (_planes_tile(ROWS, v) for v in (1, 2, 3))
_t1, _t2, _t3 = (_taps_tile(ROWS, v) for v in (1, 2, 3))


@jit
def tile_planes(
    vectors, panel, panel_start, planes, planes_start, offsets, offsets_start, count, out, out_start, pitch
):
    """``out[out_start + m·pitch + j] = Σ_t panel[panel_start + t·ROWS + m] · planes[planes_start + offsets[t] + j]``

    for t < count, m < ROWS and j < vectors · lanes; ``offsets`` from ``offsets_start`` on.
    """
    if vectors >= 3:
        _p3(panel, panel_start, planes, planes_start, offsets, offsets_start, count, out, out_start, pitch)
    elif vectors == 2:
        _p2(panel, panel_start, planes, planes_start, offsets, offsets_start, count, out, out_start, pitch)
    else:
        _p1(panel, panel_start, planes, planes_start, offsets, offsets_start, count, out, out_start, pitch)


@jit
def tile_taps(vectors, planes, offsets, first_tap, pixels, count, b, b_start, b_pitch, sums, sums_start, pitch):
    """``sums[sums_start + m·pitch + j] += Σ_t planes[offsets[first_tap + m] + pixels[t]] · b[b_start + t·b_pitch + j]``

    for t < count, m < ROWS and j < vectors · lanes.
    """
    if vectors >= 3:
        _t3(planes, offsets, first_tap, pixels, count, b, b_start, b_pitch, sums, sums_start, pitch)
    elif vectors == 2:
        _t2(planes, offsets, first_tap, pixels, count, b, b_start, b_pitch, sums, sums_start, pitch)
    else:
        _t1(planes, offsets, first_tap, pixels, count, b, b_start, b_pitch, sums, sums_start, pitch)
