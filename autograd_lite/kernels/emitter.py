"""Writes LLVM code on vectors: what a loop over single elements cannot say.

Vectors follow the host: of 64 bytes with AVX-512, of 32 with AVX, else (SSE2, NEON) of 16.
"""

from __future__ import annotations

import platform

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils

__all__ = ["BYTE", "INT", "REGISTERS", "VECTOR_BYTES", "Emitter", "lanes_of"]

INT, BYTE = ir.IntType(64), ir.IntType(8)


def _vector_bytes() -> int:
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()
REGISTERS = 32 if VECTOR_BYTES == 64 or platform.machine().lower() in ("aarch64", "arm64") else 16


def lanes_of(context, array) -> int:
    """How many elements of an array a vector has."""
    return VECTOR_BYTES // context.get_abi_sizeof(context.get_value_type(array.dtype))


class Emitter:
    """Emits code on vectors of the element type of the first array among the arguments."""

    def __init__(self, context, builder, signature, half: bool = False) -> None:
        self.context, self.builder, self.signature = context, builder, signature
        array = signature.args[0]
        self.lanes = lanes_of(context, array) // (2 if half else 1)
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
        numbers = ir.Constant(ir.VectorType(INT, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.broadcast(self.builder.sub(count, index)))

    def for_vectors(self, count, step, spills=None) -> None:
        """``step(at, mask)`` for each vector of a row of ``count`` elements; the mask is None but for a rest.

        The last vector of a row overlaps the one before; the row of less than a vector is a rest.  Where ``spills`` is
        given, vectors do not overlap: where it is true, the last one goes beyond the row, else it is a rest.  (AVX2
        writes a vector with a mask as slowly as a dozen without.)
        """
        builder, width = self.builder, INT(self.lanes)
        rest = builder.srem(count, width)
        whole = builder.sub(count, rest)
        has_rest = builder.icmp_signed("!=", rest, INT(0))
        fits = builder.icmp_signed(">=", count, width) if spills is None else spills
        more = builder.zext(builder.and_(has_rest, fits), INT)
        with cgutils.for_range(builder, builder.add(builder.sdiv(whole, width), more)) as loop:
            at = builder.mul(loop.index, width)
            if spills is None:
                last = builder.sub(count, width)
                at = builder.select(builder.icmp_signed("<", at, last), at, last)
            step(at, None)
        with builder.if_then(builder.and_(has_rest, builder.not_(fits))):
            step(whole, self.before(whole, count))

    def integers(self):
        """The type of a vector of integers that are as wide as its numbers."""
        return ir.VectorType(ir.IntType(8 * self.size), self.lanes)

    def shuffle(self, first, second, places):
        """The elements at ``places`` of two vectors side by side."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return self.builder.shuffle_vector(first, second, mask)

    def broadcast(self, number):
        none = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(none, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(first, none, zeros)

    def total(self, vector):
        """The sum of a vector's elements, added in pairs."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            halves = [self.shuffle(vector, vector, [start + i for i in range(lanes)]) for start in (0, lanes)]
            vector = self.builder.fadd(*halves)
        return self.builder.extract_element(vector, ir.IntType(32)(0))

    def call(self, name: str, result, arguments: list, ending: str = "", vector=None):
        """LLVM's own function ``llvm.name.v16f32``, or whatever the vectors are."""
        element = (vector or self.vector).element.intrinsic_name
        kind = ir.FunctionType(result, [a.type for a in arguments])
        function = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.{name}.v{self.lanes}{element}{ending}"
        )  # fmt: skip
        return self.builder.call(function, arguments)
