"""What a loop over single elements cannot say: the one file that speaks LLVM.

A tile is a block of sums of products that stays in registers: for MR rows and NV vectors of adjacent columns

    sums[m, j] += Σ_t a(t, m) · b(t, j)

with every sum in a register from the first term to the last.  A term costs MR · NV multiply-adds, but only NV vector
loads and MR broadcast loads.  Where a(t, m) and b(t, j) lie is what its two forms differ in:

- `tile_planes`, for the output of a convolution: a = panel[t, m], the weights in the order of use;
  b = planes[offsets[t] + j], the image seen through filter tap t.
- `tile_taps`, for the gradient of its weights: a = planes[offsets[m] + pixels[t]], what tap m sees at pixel t;
  b = rows[t, j], the gradients of the filters at that pixel.

The sizes follow the host: vectors of 64 bytes with AVX-512, of 32 with AVX, else (SSE2, NEON) of 16; as many sums as
fit beside their factors into 32 registers with AVX-512 and on 64-bit ARM, else into 16.  There must be 8 or more, since
a core begins two multiply-adds a cycle and finishes them after four.  `tile_planes` has fewer rows for few filters.

`move` copies short rows in whole vectors, `transpose` turns a square of vectors in registers, `largest_of_squares` and
`put_into_squares` pool rows by windows of 2×2: LLVM's own code for such loops handles the last elements of a row, or
every element, one by one.
"""

from __future__ import annotations

import platform

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import part

__all__ = [
    "ROWS",
    "VECTORS",
    "VECTOR_BYTES",
    "combine",
    "lanes",
    "largest_of_squares",
    "move",
    "put_into_squares",
    "rows_for",
    "tile_planes",
    "tile_taps",
    "transpose",
    "widest",
]

_INT, _BYTE = ir.IntType(64), ir.IntType(8)


def _vector_bytes() -> int:
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()
REGISTERS = 32 if VECTOR_BYTES == 64 or platform.machine().lower() in ("aarch64", "arm64") else 16
ROWS = 8  # of a tile of taps
VECTORS = 3  # of a tile at most
CHOICES = (8, 6, 1) if REGISTERS == 32 else (6, 4, 1)  # rows of a tile of planes
HEIGHT = 8 if REGISTERS == 32 else 4  # rows of a tile of taps whose sums by several vectors fit into the registers


def _most(rows: int) -> int:
    """How many vectors the sums of so many rows may have: beside them are the vectors' factors and one of a row."""
    return min(VECTORS, (REGISTERS - 1) // (rows + 1))


MOST = _most(CHOICES[0])


def rows_for(filters: int) -> int:
    """The rows of a tile that leave the fewest idle: for 6 filters 6, for 16 filters 8, or 4 of 16 registers."""
    return min(CHOICES, key=lambda rows: -(-filters // rows) * (rows + 1))


@intrinsic
def lanes(typingctx, array):
    """How many elements of an array a vector has."""

    def generate(context, builder, signature, args):
        return _INT(_lanes(context, signature.args[0]))

    return types.int64(array), generate


def _lanes(context, array) -> int:
    return VECTOR_BYTES // context.get_abi_sizeof(context.get_value_type(array.dtype))


class _Emitter:
    """Emits code on vectors of the element type of the first array among the arguments."""

    def __init__(self, context, builder, signature, half: bool = False) -> None:
        self.context, self.builder, self.signature = context, builder, signature
        array = signature.args[0]
        self.lanes = _lanes(context, array) // (2 if half else 1)
        self.scalar = context.get_value_type(array.dtype)
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.zero = ir.Constant(self.vector, None)
        self.size = context.get_abi_sizeof(self.scalar)

    def pointer(self, position: int, value, start):
        """The address of element ``start`` of the array that is argument ``position``."""
        array = self.signature.args[position]
        if array.dtype not in (self.signature.args[0].dtype, types.int64, types.uint8):
            raise TypeError(f"a kernel was given arrays of {self.signature.args[0].dtype} and of {array.dtype}")
        data = cgutils.create_struct_proxy(array)(self.context, self.builder, value=value).data
        return self.builder.gep(data, [start])

    def element(self, pointer, index):
        return self.builder.load(self.builder.gep(pointer, [index]))

    def _place(self, pointer, index, kind):
        """The address of the vector that begins at an element, and the size of an element."""
        size = self.context.get_abi_sizeof(kind.element)
        return self.builder.bitcast(self.builder.gep(pointer, [index]), kind.as_pointer()), size

    def load(self, pointer, index, mask=None, kind=None):
        """The vector that begins at an element, whose address need not be aligned; with a mask, 0 where it is not set.

        What the mask leaves out is not touched.  ``kind`` is its type, if it is not one of numbers.
        """
        kind = kind or self.vector
        here, size = self._place(pointer, index, kind)
        if mask is None:
            return self.builder.load(here, align=size)
        arguments = [here, ir.IntType(32)(size), mask, ir.Constant(kind, None)]
        return self.call("masked.load", kind, arguments, ".p0", kind)

    def store(self, value, pointer, index, mask=None) -> None:
        """Write a vector, or of it what the mask says."""
        here, size = self._place(pointer, index, value.type)
        if mask is None:
            self.builder.store(value, here, align=size)
        else:
            self.call("masked.store", ir.VoidType(), [value, here, ir.IntType(32)(size), mask], ".p0", value.type)

    def before(self, index, count):
        """The mask of those elements of the vector at ``index`` that come before ``count``."""
        numbers = ir.Constant(ir.VectorType(_INT, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.broadcast(self.builder.sub(count, index)))

    def for_vectors(self, count, step) -> None:
        """``step(at, mask)`` for each vector of a row of ``count`` elements; the mask is None but for the last."""
        builder, width = self.builder, _INT(self.lanes)
        whole = builder.sub(count, builder.srem(count, width))
        with cgutils.for_range(builder, builder.sdiv(whole, width)) as loop:
            step(builder.mul(loop.index, width), None)
        with builder.if_then(builder.icmp_signed("<", whole, count)):
            step(whole, self.before(whole, count))

    def shuffle(self, first, second, places):
        """The elements at ``places`` of two vectors side by side."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return self.builder.shuffle_vector(first, second, mask)

    def broadcast(self, number):
        none = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(none, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(first, none, zeros)

    def call(self, name: str, result, arguments: list, ending: str = "", vector=None):
        """LLVM's own function ``llvm.name.v16f32``, or whatever the vectors are."""
        element = (vector or self.vector).element.intrinsic_name
        kind = ir.FunctionType(result, [a.type for a in arguments])
        function = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.{name}.v{self.lanes}{element}{ending}"
        )  # fmt: skip
        return self.builder.call(function, arguments)


def _not_unrolled(module):
    """What keeps LLVM from unrolling a loop: two terms at a time need more registers than there are."""
    hint = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = module.add_metadata([hint, hint])
    loop.operands = (loop, hint)  # the first operand of a loop's description is the description itself
    return loop


class _Tile(_Emitter):
    """Emits the code of one tile: a loop over the terms, in which every sum is a phi node."""

    def __init__(self, context, builder, signature, rows: int, vectors: int) -> None:
        super().__init__(context, builder, signature, half=vectors == 0)
        self.rows, self.vectors = rows, vectors or 1

    def rows_from(self, position: int, array, start, pitch) -> list:
        """The addresses of the rows of sums in the array that is argument ``position``."""
        steps = [self.builder.mul(pitch, _INT(m)) for m in range(self.rows)]
        return [self.pointer(position, array, self.builder.add(start, step)) for step in steps]

    def load_row(self, pointer) -> list:
        """The vectors of a row."""
        return [self.load(pointer, _INT(v * self.lanes)) for v in range(self.vectors)]

    def store_rows(self, pointers: list, sums: list) -> None:
        """Write the vectors of all rows."""
        for i, value in enumerate(sums):
            self.store(value, pointers[i // self.vectors], _INT(i % self.vectors * self.lanes))

    def run(self, count, start: list, factors) -> list:
        """``factors(t)`` gives the ``a``s of term t, each as a function, and its ``b``s; returns the sums."""
        builder = self.builder
        before, body, after = builder.block, builder.append_basic_block("terms"), builder.append_basic_block("summed")
        builder.cbranch(builder.icmp_signed(">", count, _INT(0)), body, after)
        builder.position_at_end(body)
        t = builder.phi(_INT)
        sums = [builder.phi(self.vector) for _ in start]
        a, b = factors(t)
        new = []
        for m in range(self.rows):
            factor = self.broadcast(a[m]())
            for v in range(self.vectors):
                new.append(self.call("fmuladd", self.vector, [factor, b[v], sums[m * self.vectors + v]]))
        following = builder.add(t, _INT(1))
        again = builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        again.set_metadata("llvm.loop", _not_unrolled(builder.module))
        for phi, first, last in zip([t, *sums], [_INT(0), *start], [following, *new], strict=True):
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
    same = [builder.icmp_signed("==", asked, _INT(size)) for asked, size in zip(sizes, (height, width), strict=True)]
    return builder.and_(*same)


def _emit_planes(loop, args) -> None:
    builder, rows = loop.builder, loop.rows
    a, b = loop.pointer(0, args[0], args[1]), loop.pointer(2, args[2], args[3])
    offset, count = loop.pointer(4, args[4], args[5]), args[6]
    out = loop.rows_from(7, args[7], args[8], args[9])

    def factors(t):
        row = builder.gep(a, [builder.mul(t, _INT(rows))])
        seen = builder.gep(b, [loop.element(offset, t)])
        return [lambda m=m: loop.element(row, _INT(m)) for m in range(rows)], loop.load_row(seen)

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
            with builder.if_then(builder.icmp_signed("==", args[13], _INT(width))):
                for first in range(0, ROWS, height):
                    _emit_taps(_Tile(context, builder, signature, height, width), args, _INT(first))
        return context.get_dummy_value()

    i = types.int64
    return types.void(planes, offsets, i, pixels, i, i, b, i, i, sums, i, i, types.boolean, i), generate


def _emit_taps(loop, args, first) -> None:
    """The rows from ``first`` on."""
    builder, rows = loop.builder, loop.rows
    offset = loop.pointer(1, args[1], builder.add(args[2], first))
    a = [loop.pointer(0, args[0], loop.element(offset, _INT(m))) for m in range(rows)]
    pixel, count, b = loop.pointer(3, args[3], args[4]), args[5], loop.pointer(6, args[6], args[7])
    kept = loop.rows_from(9, args[9], builder.add(args[10], builder.mul(args[11], first)), args[11])

    def factors(t):
        at, row = loop.element(pixel, t), builder.gep(b, [builder.mul(t, args[8])])
        return [lambda m=m: loop.element(a[m], at) for m in range(rows)], loop.load_row(row)

    start = [builder.select(args[12], loop.zero, value) for row in kept for value in loop.load_row(row)]
    loop.store_rows(kept, loop.run(count, start, factors))


@part
def widest(rows):
    """The largest number of vectors that `tile_planes` takes with so many rows."""
    return MOST if rows == CHOICES[0] else VECTORS


@intrinsic
def move(typingctx, target, target_start, source, source_start, count, addend):
    """``target[target_start + i] = source[source_start + i] + addend`` for i < count; nothing else is touched."""

    def generate(context, builder, signature, args):
        emit = _Emitter(context, builder, signature)
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
        emit = _Emitter(context, builder, signature)
        to, of = emit.pointer(0, args[0], args[1]), emit.pointer(3, args[3], args[4])
        n = emit.lanes
        rows = []
        for m in range(n):
            row = builder.select(builder.icmp_signed("<", _INT(m), args[6]), _INT(m), args[6])
            rows.append(emit.load(of, builder.mul(row, args[5])))
        low, high = ([x for i in range(start, start + n // 2) for x in (i, n + i)] for start in (0, n // 2))
        for _ in range(n.bit_length() - 1):  # zipping the halves log₂ n times is a transposition
            pairs = zip(rows[: n // 2], rows[n // 2 :], strict=True)
            rows = [emit.shuffle(a, b, places) for a, b in pairs for places in (low, high)]
        for j, row in enumerate(rows):
            emit.store(row, to, builder.mul(_INT(j), args[2]))
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
            emit = _Emitter(context, builder, signature)
            to, of = emit.pointer(0, args[0], args[1]), emit.pointer(3, args[3], args[4])
            with cgutils.for_range(builder, args[6]) as loop:
                at = builder.mul(loop.index, _INT(emit.lanes))
                rows = [emit.load(of, builder.add(at, builder.mul(_INT(j), args[5]))) for j in range(len(matrix[0]))]
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
                    emit.store(total, to, builder.add(at, builder.mul(_INT(i), args[2])))
            return context.get_dummy_value()

        i = types.int64
        return types.void(target, i, i, source, i, i, i), generate

    return combined


def _square_masks(emit, at, count, mask):
    """Of two vectors with the elements of two columns each for every one that ``mask`` has: where they begin, masks."""
    builder, first = emit.builder, emit.builder.mul(at, _INT(2))
    second, end = builder.add(first, _INT(emit.lanes)), builder.mul(count, _INT(2))
    return [(start, mask and emit.before(start, end)) for start in (first, second)]


@intrinsic
def largest_of_squares(typingctx, x, top, bottom, out, places, start, count):
    """Of squares of 2×2 side by side in two rows, x[top:] and x[bottom:], the largest elements and their places.

    They go to out[start + j] and, as 0 to 3, to places[start + j] for j < count.  Of equal ones the first counts; NaN
    is the largest.
    """

    def generate(context, builder, signature, args):
        emit = _Emitter(context, builder, signature)
        rows = [emit.pointer(0, args[0], row) for row in args[1:3]]
        out, places, count = emit.pointer(3, args[3], args[5]), emit.pointer(4, args[4], args[5]), args[6]
        byte = ir.VectorType(_BYTE, emit.lanes)
        even, odd = (list(range(start, 2 * emit.lanes, 2)) for start in (0, 1))

        def larger(first, second):
            (a, i), (b, j) = first, second
            takes = builder.or_(builder.fcmp_ordered(">", b, a), builder.fcmp_unordered("uno", b, b))
            return builder.select(takes, b, a), builder.select(takes, j, i)

        def step(at, mask):
            known = []
            for row, place in zip(rows, (0, 2), strict=True):
                pair = [emit.load(row, begin, some) for begin, some in _square_masks(emit, at, count, mask)]
                left, right = (emit.shuffle(pair[0], pair[1], side) for side in (even, odd))
                numbers = [ir.Constant(byte, [place + side] * emit.lanes) for side in (0, 1)]
                known.append(larger((left, numbers[0]), (right, numbers[1])))
            best, place = larger(*known)
            emit.store(best, out, at, mask)
            emit.store(place, places, at, mask)

        emit.for_vectors(count, step)
        return context.get_dummy_value()

    i = types.int64
    return types.void(x, i, i, out, places, i, i), generate


@intrinsic
def put_into_squares(typingctx, out, top, bottom, numbers, places, start, count):
    """The reverse: numbers[start + j] to its place in square j of the two rows out[top:] and out[bottom:], 0 beside."""

    def generate(context, builder, signature, args):
        emit = _Emitter(context, builder, signature)
        rows = [emit.pointer(0, args[0], row) for row in args[1:3]]
        numbers, places, count = emit.pointer(3, args[3], args[5]), emit.pointer(4, args[4], args[5]), args[6]
        n, byte = emit.lanes, ir.VectorType(_BYTE, emit.lanes)
        halves = [[side * n + i for i in range(start, start + n // 2) for side in (0, 1)] for start in (0, n // 2)]

        def step(at, mask):
            number = emit.load(numbers, at, mask)
            place = emit.load(places, at, mask, byte)
            for r, row in enumerate(rows):
                here = [builder.icmp_unsigned("==", place, ir.Constant(byte, [2 * r + side] * n)) for side in (0, 1)]
                left, right = (builder.select(chosen, number, emit.zero) for chosen in here)
                for half, (begin, some) in zip(halves, _square_masks(emit, at, count, mask), strict=True):
                    emit.store(emit.shuffle(left, right, half), row, begin, some)

        emit.for_vectors(count, step)
        return context.get_dummy_value()

    i = types.int64
    return types.void(out, i, i, numbers, places, i, i), generate
