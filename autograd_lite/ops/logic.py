"""Comparisons, logic and bits: elementwise, without a gradient."""

from __future__ import annotations

import numpy as np

from ..op import Sample, op
from .samples import comparison, unary

__all__ = [
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "ge", "gt", "isfinite", "isinf", "isnan", "le",
    "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne",
]  # fmt: skip


@op(arity=2, symbol="=", numpy=(np.equal,), samples=comparison)
def eq(x, y, out=None):
    """``x == y``, elementwise."""
    return np.equal(x, y, out)


@op(arity=2, symbol="≠", numpy=(np.not_equal,), samples=comparison)
def ne(x, y, out=None):
    """``x != y``, elementwise."""
    return np.not_equal(x, y, out)


@op(arity=2, symbol="<", numpy=(np.less,), samples=comparison)
def lt(x, y, out=None):
    """``x < y``, elementwise."""
    return np.less(x, y, out)


@op(arity=2, symbol="≤", numpy=(np.less_equal,), samples=comparison)
def le(x, y, out=None):
    """``x <= y``, elementwise."""
    return np.less_equal(x, y, out)


@op(arity=2, symbol=">", numpy=(np.greater,), samples=comparison)
def gt(x, y, out=None):
    """``x > y``, elementwise."""
    return np.greater(x, y, out)


@op(arity=2, symbol="≥", numpy=(np.greater_equal,), samples=comparison)
def ge(x, y, out=None):
    """``x >= y``, elementwise."""
    return np.greater_equal(x, y, out)


@op(arity=2, symbol="∧", numpy=(np.logical_and,), samples=comparison)
def logical_and(x, y, out=None):
    """Whether both are nonzero."""
    return np.logical_and(x, y, out)


@op(arity=2, symbol="∨", numpy=(np.logical_or,), samples=comparison)
def logical_or(x, y, out=None):
    """Whether either is nonzero."""
    return np.logical_or(x, y, out)


@op(arity=2, symbol="⊕", numpy=(np.logical_xor,), samples=comparison)
def logical_xor(x, y, out=None):
    """Whether exactly one is nonzero."""
    return np.logical_xor(x, y, out)


@op(arity=1, symbol="¬", numpy=(np.logical_not,), samples=unary())
def logical_not(x, out=None):
    """Whether it is zero."""
    return np.logical_not(x, out)


@op(arity=1, symbol="nan?", numpy=(np.isnan,), samples=unary())
def isnan(x, out=None):
    """Whether it is not a number."""
    return np.isnan(x, out)


@op(arity=1, symbol="∞?", numpy=(np.isinf,), samples=unary())
def isinf(x, out=None):
    """Whether it is infinite."""
    return np.isinf(x, out)


@op(arity=1, symbol="finite?", numpy=(np.isfinite,), samples=unary())
def isfinite(x, out=None):
    """Whether it is neither infinite nor NaN."""
    return np.isfinite(x, out)


def _bits(rng: np.random.Generator) -> list[Sample]:
    return [Sample(rng.integers(0, 8, 3), rng.integers(0, 8, (2, 3))), Sample(rng.random(3) < 0.5, rng.random(3) < 0.5)]


@op(arity=2, symbol="&", numpy=(np.bitwise_and,), samples=_bits)
def bitwise_and(x, y, out=None):
    """``x & y`` of integers or booleans."""
    return np.bitwise_and(x, y, out)


@op(arity=2, symbol="|", numpy=(np.bitwise_or,), samples=_bits)
def bitwise_or(x, y, out=None):
    """``x | y`` of integers or booleans."""
    return np.bitwise_or(x, y, out)


@op(arity=2, symbol="^", numpy=(np.bitwise_xor,), samples=_bits)
def bitwise_xor(x, y, out=None):
    """``x ^ y`` of integers or booleans."""
    return np.bitwise_xor(x, y, out)


@op(arity=1, symbol="~", numpy=(np.invert,), samples=lambda rng: [Sample(*s.args[:1]) for s in _bits(rng)])
def bitwise_not(x, out=None):
    """``~x`` of integers or booleans."""
    return np.invert(x, out)
