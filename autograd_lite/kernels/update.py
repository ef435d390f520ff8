"""The rules of `rules` as kernels: one pass over weights, gradients and state, which are changed in place.

All arrays are flat, one of a rule's state may be None; ``c`` holds the rule's numbers in their dtype.  Indices are
unsigned, since LLVM does not vectorise a loop whose index might count from the end.
"""

import numpy as np
from numba.extending import register_jitable

from . import rules
from .jit import OPTIONS, jit
from .work import begin, proceed, stretch

__all__ = ["adadelta", "adam", "rmsprop", "sgd"]

for rule in (rules.slope, rules.root, rules.sgd, rules.rmsprop, rules.adam, rules.adadelta):
    register_jitable(**OPTIONS)(rule)


@jit
def sgd(me, work, w, g, v, c, maximize, nesterov):
    lr, momentum, gain, decay = c[0], c[1], c[2], c[3]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for i in range(np.uint64(start), np.uint64(stop)):
            rules.sgd(i, w, g, v, lr, momentum, gain, decay, maximize, nesterov)
        piece = proceed(me, work)


@jit
def rmsprop(me, work, w, g, s, m, v, c, maximize, inside):
    lr, alpha, rest, eps, momentum, decay = c[0], c[1], c[2], c[3], c[4], c[5]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for i in range(np.uint64(start), np.uint64(stop)):
            rules.rmsprop(i, w, g, s, m, v, lr, alpha, rest, eps, momentum, decay, maximize, inside)
        piece = proceed(me, work)


@jit
def adam(me, work, w, g, v, s, m, c, maximize, inside):
    rate, beta1, rest1, beta2, rest2, eps, keep, decay = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for i in range(np.uint64(start), np.uint64(stop)):
            rules.adam(i, w, g, v, s, m, rate, beta1, rest1, beta2, rest2, eps, keep, decay, maximize, inside)
        piece = proceed(me, work)


@jit
def adadelta(me, work, w, g, s, u, c, maximize):
    lr, rho, rest, eps, decay = c[0], c[1], c[2], c[3], c[4]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for i in range(np.uint64(start), np.uint64(stop)):
            rules.adadelta(i, w, g, s, u, lr, rho, rest, eps, decay, maximize)
        piece = proceed(me, work)
