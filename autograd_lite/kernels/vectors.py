"""Rows of elements in whole vectors: moved, transposed, combined, pooled by squares of 2×2.

LLVM's own code for such loops handles the last elements of a row, or every element, one by one.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .emitter import BYTE, INT, Emitter, lanes_of

__all__ = ["combine", "lanes", "largest_of_squares", "move", "put_into_squares", "transpose"]


@intrinsic
def lanes(typingctx, array):
    """How many elements of an array a vector has."""

    def generate(context, builder, signature, args):
        return INT(lanes_of(context, signature.args[0]))

    return types.int64(array), generate


@intrinsic
def move(typingctx, target, target_start, source, source_start, count, addend):
    """``target[target_start + i] = source[source_start + i] + addend`` for i < count; nothing else is touched."""

    def generate(context, builder, signature, args):
        emit = Emitter(context, builder, signature)
        to, of = emit.pointer(0, args[0], args[1]), emit.pointer(2, args[2], args[3])
        addend = emit.broadcast(args[5])

        def step(at, mask):
            emit.store(builder.fadd(emit.load(of, at, mask), addend), to, at, mask)

        emit.for_vectors(args[4], step)
        return context.get_dummy_value()

    i = types.int64
    return types.void(target, i, source, i, i, target.dtype), generate


@intrinsic
def transpose(typingctx, target, target_start, target_pitch, source, source_start, source_pitch, last):
    """``target[target_start + j·target_pitch + m] = source[source_start + min(m, last)·source_pitch + j]``

    for j and m below the number of lanes.
    """

    def generate(context, builder, signature, args):
        emit = Emitter(context, builder, signature)
        to, of = emit.pointer(0, args[0], args[1]), emit.pointer(3, args[3], args[4])
        n = emit.lanes
        rows = []
        for m in range(n):
            row = builder.select(builder.icmp_signed("<", INT(m), args[6]), INT(m), args[6])
            rows.append(emit.load(of, builder.mul(row, args[5])))
        low, high = ([x for i in range(start, start + n // 2) for x in (i, n + i)] for start in (0, n // 2))
        for _ in range(n.bit_length() - 1):  # zipping the halves log₂ n times is a transposition
            pairs = zip(rows[: n // 2], rows[n // 2 :], strict=True)
            rows = [emit.shuffle(a, b, places) for a, b in pairs for places in (low, high)]
        for j, row in enumerate(rows):
            emit.store(row, to, builder.mul(INT(j), args[2]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(target, i, i, source, i, i, i), generate


def combine(matrix):
    """A function for ``target[i] = Σ_j matrix[i, j] · source[j]`` of rows of vectors; zeros in the matrix cost nothing.

    It is called with target, its start, the step from row to row, the same of the source, and the number of vectors.
    """

    @intrinsic
    def combined(typingctx, target, target_start, target_step, source, source_start, source_step, vectors):
        def generate(context, builder, signature, args):
            emit = Emitter(context, builder, signature)
            to, of = emit.pointer(0, args[0], args[1]), emit.pointer(3, args[3], args[4])
            with cgutils.for_range(builder, args[6]) as loop:
                at = builder.mul(loop.index, INT(emit.lanes))
                rows = [emit.load(of, builder.add(at, builder.mul(INT(j), args[5]))) for j in range(len(matrix[0]))]
                for i, factors in enumerate(matrix):
                    total = None
                    for factor, row in zip(factors, rows, strict=True):
                        if factor:
                            constant = ir.Constant(emit.vector, [float(factor)] * emit.lanes)
                            total = (
                                builder.fmul(constant, row)
                                if total is None
                                else emit.call("fmuladd", emit.vector, [constant, row, total])
                            )
                    emit.store(total, to, builder.add(at, builder.mul(INT(i), args[2])))
            return context.get_dummy_value()

        i = types.int64
        return types.void(target, i, i, source, i, i, i), generate

    return combined


def _pair(emit, at, count, mask):
    """Of the two vectors with the two columns each of every square that ``mask`` has: where they begin, and masks."""
    builder, first = emit.builder, emit.builder.mul(at, INT(2))
    second, end = builder.add(first, INT(emit.lanes)), builder.mul(count, INT(2))
    return [(start, mask and emit.before(start, end)) for start in (first, second)]


@intrinsic
def largest_of_squares(typingctx, x, top, bottom, out, places, start, count, spills):
    """Of squares of 2×2 side by side in two rows, x[top:] and x[bottom:], the largest elements and their places.

    They go to out[start + j] and, as 0 to 3, to places[start + j] for j < count; with ``spills`` up to a vector more,
    of what follows in the rows.  Of equal ones the first counts; NaN is the largest.
    """

    def generate(context, builder, signature, args):
        emit = Emitter(context, builder, signature)
        rows = [emit.pointer(0, args[0], row) for row in args[1:3]]
        out, places, count = emit.pointer(3, args[3], args[5]), emit.pointer(4, args[4], args[5]), args[6]
        wide, narrow = emit.integers(), ir.VectorType(BYTE, emit.lanes)
        even, odd = (list(range(start, 2 * emit.lanes, 2)) for start in (0, 1))

        def larger(first, second):
            (a, i), (b, j) = first, second
            takes = builder.or_(builder.fcmp_ordered(">", b, a), builder.fcmp_unordered("uno", b, b))
            return builder.select(takes, b, a), builder.select(takes, j, i)

        def step(at, mask):
            known = []
            for row, place in zip(rows, (0, 2), strict=True):
                pair = [emit.load(row, begin, some) for begin, some in _pair(emit, at, count, mask)]
                left, right = (emit.shuffle(pair[0], pair[1], side) for side in (even, odd))
                numbers = [ir.Constant(wide, [place + side] * emit.lanes) for side in (0, 1)]
                known.append(larger((left, numbers[0]), (right, numbers[1])))
            best, place = larger(*known)
            emit.store(best, out, at, mask)
            emit.store(builder.trunc(place, narrow), places, at, mask)

        emit.for_vectors(count, step, args[7])
        return context.get_dummy_value()

    i = types.int64
    return types.void(x, i, i, out, places, i, i, types.boolean), generate


@intrinsic
def put_into_squares(typingctx, out, row, side, numbers, places, start, count, spills):
    """The reverse, for a row of squares (``side`` 0 the upper, 1 the lower): out[row:] gets numbers[start + j] where
    places[start + j] lies in it, else 0, two elements for each j < count; with ``spills`` up to two vectors more.
    """

    def generate(context, builder, signature, args):
        emit = Emitter(context, builder, signature)
        row, numbers, places = (emit.pointer(k, args[k], args[at]) for k, at in ((0, 1), (3, 5), (4, 5)))
        n, wide, narrow = emit.lanes, emit.integers(), ir.VectorType(BYTE, emit.lanes)
        halves = [[side * n + i for i in range(start, start + n // 2) for side in (0, 1)] for start in (0, n // 2)]
        first = builder.mul(builder.trunc(args[2], wide.element), ir.Constant(wide.element, 2))
        own = [emit.broadcast(builder.add(first, ir.Constant(wide.element, k))) for k in (0, 1)]

        def step(at, mask):
            number = emit.load(numbers, at, mask)
            place = builder.zext(emit.load(places, at, mask, narrow), wide)
            left, right = (builder.select(builder.icmp_unsigned("==", place, k), number, emit.zero) for k in own)
            for half, (begin, some) in zip(halves, _pair(emit, at, args[6], mask), strict=True):
                emit.store(emit.shuffle(left, right, half), row, begin, some)

        emit.for_vectors(args[6], step, args[7])
        return context.get_dummy_value()

    i = types.int64
    return types.void(out, i, i, numbers, places, i, i, types.boolean), generate
