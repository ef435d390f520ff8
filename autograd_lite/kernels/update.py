"""The rules of `rules` as kernels: one pass over weights, gradients and state, which are changed in place.

All arrays are flat, one of a rule's state may be None; ``c`` holds the rule's numbers in their dtype.  Indices are
unsigned, since LLVM does not vectorise a loop whose index might count from the end.
"""

import numpy as np
from numba.extending import register_jitable

from . import rules
from .jit import OPTIONS
from .work import shared

__all__ = ["adadelta", "adam", "rmsprop", "sgd"]

for rule in (rules.slope, rules.root, rules.sgd, rules.rmsprop, rules.adam, rules.adadelta):
    register_jitable(**OPTIONS)(rule)


@shared
def sgd(me, start, stop, w, g, v, c, maximize, nesterov):
    lr, momentum, gain, decay = c[0], c[1], c[2], c[3]
    for i in range(np.uint64(start), np.uint64(stop)):
        rules.sgd(i, w, g, v, lr, momentum, gain, decay, maximize, nesterov)


@shared
def rmsprop(me, start, stop, w, g, s, m, v, c, maximize, inside):
    lr, alpha, rest, eps, momentum, decay = c[0], c[1], c[2], c[3], c[4], c[5]
    for i in range(np.uint64(start), np.uint64(stop)):
        rules.rmsprop(i, w, g, s, m, v, lr, alpha, rest, eps, momentum, decay, maximize, inside)


@shared
def adam(me, start, stop, w, g, v, s, m, c, maximize, inside):
    rate, beta1, rest1, beta2, rest2, eps, keep, decay = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    for i in range(np.uint64(start), np.uint64(stop)):
        rules.adam(i, w, g, v, s, m, rate, beta1, rest1, beta2, rest2, eps, keep, decay, maximize, inside)


@shared
def adadelta(me, start, stop, w, g, s, u, c, maximize):
    lr, rho, rest, eps, decay = c[0], c[1], c[2], c[3], c[4]
    for i in range(np.uint64(start), np.uint64(stop)):
        rules.adadelta(i, w, g, s, u, lr, rho, rest, eps, decay, maximize)
