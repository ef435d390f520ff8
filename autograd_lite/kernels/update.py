"""The rules of `rules` as kernels: one pass over weights, gradients and state, which are changed in place.

One call serves all the parameters of an optimizer, since most of them are small: a row of ``table`` for each, with
where it begins among the elements of all, how many it has, and the ids of its arrays w, g and of its state; and a row
of ``c``, in their dtype, with the rule's numbers.  ``given`` says of each array of the state whether it is there: True
or None.  Indices are unsigned, since LLVM does not vectorise a loop whose index might count from the end.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import populate_array

from . import rules
from .emitter import INT
from .jit import OPTIONS, part
from .work import shared

__all__ = ["adadelta", "adam", "rmsprop", "sgd"]

for rule in (rules.slope, rules.root, rules.sgd, rules.rmsprop, rules.adam, rules.adadelta):
    register_jitable(**OPTIONS)(rule)


@shared
def sgd(me, start, stop, table, c, given, maximize, nesterov):
    for row in range(len(table)):
        first, last = overlap(table, row, start, stop)
        if first < last:
            w, g, v = array(table, row, 0, c), array(table, row, 1, c), array(table, row, 2, c, given[0])
            lr, momentum, gain, decay = c[row, 0], c[row, 1], c[row, 2], c[row, 3]
            for i in range(np.uint64(first), np.uint64(last)):
                rules.sgd(i, w, g, v, lr, momentum, gain, decay, maximize, nesterov)


@shared
def rmsprop(me, start, stop, table, c, given, maximize, inside):
    for row in range(len(table)):
        first, last = overlap(table, row, start, stop)
        if first < last:
            w, g, s = array(table, row, 0, c), array(table, row, 1, c), array(table, row, 2, c)
            m, v = array(table, row, 3, c, given[1]), array(table, row, 4, c, given[2])
            lr, alpha, rest, eps, momentum, decay = c[row, 0], c[row, 1], c[row, 2], c[row, 3], c[row, 4], c[row, 5]
            for i in range(np.uint64(first), np.uint64(last)):
                rules.rmsprop(i, w, g, s, m, v, lr, alpha, rest, eps, momentum, decay, maximize, inside)


@shared
def adam(me, start, stop, table, c, given, maximize, inside):
    for row in range(len(table)):
        first, last = overlap(table, row, start, stop)
        if first < last:
            w, g, v = array(table, row, 0, c), array(table, row, 1, c), array(table, row, 2, c)
            s, m = array(table, row, 3, c), array(table, row, 4, c, given[2])
            rate, beta1, rest1, beta2 = c[row, 0], c[row, 1], c[row, 2], c[row, 3]
            rest2, eps, keep, decay = c[row, 4], c[row, 5], c[row, 6], c[row, 7]
            for i in range(np.uint64(first), np.uint64(last)):
                rules.adam(i, w, g, v, s, m, rate, beta1, rest1, beta2, rest2, eps, keep, decay, maximize, inside)


@shared
def adadelta(me, start, stop, table, c, given, maximize):
    for row in range(len(table)):
        first, last = overlap(table, row, start, stop)
        if first < last:
            w, g = array(table, row, 0, c), array(table, row, 1, c)
            s, u = array(table, row, 2, c), array(table, row, 3, c)
            lr, rho, rest, eps, decay = c[row, 0], c[row, 1], c[row, 2], c[row, 3], c[row, 4]
            for i in range(np.uint64(first), np.uint64(last)):
                rules.adadelta(i, w, g, s, u, lr, rho, rest, eps, decay, maximize)


@part
def overlap(table, row, start, stop):
    """The elements of a parameter that lie among those from start to stop of all."""
    before, count = table[row, 0], table[row, 1]
    return max(0, start - before), min(count, stop - before)


@part
def array(table, row, column, like, given=True):
    """An array of a parameter, flat, or None: column 0 is w, 1 is g, what follows is the state."""
    return _at(table[row, 2 + column], table[row, 1], like, given)


HEADER = object.__basicsize__


@intrinsic
def _at(typingctx, number, count, like, given):
    """The memory of an array by its id, as elements like those of another; None if it is not given.

    In CPython an id is an address; an array's pointer to its memory follows the header that all objects have.
    """
    flat = types.Array(like.dtype, 1, "C")

    def generate(context, builder, signature, args):
        data = context.get_data_type(like.dtype).as_pointer()
        place = builder.inttoptr(builder.add(args[0], INT(HEADER)), data.as_pointer())
        result, size = context.make_array(flat)(context, builder), INT(context.get_abi_sizeof(data.pointee))
        populate_array(result, builder.load(place), [args[1]], [size], size, None)
        return result._getvalue()

    def nothing(context, builder, signature, args):
        return context.get_dummy_value()

    if given is types.none:
        return types.none(types.int64, types.int64, like, given), nothing
    return flat(types.int64, types.int64, like, given), generate
