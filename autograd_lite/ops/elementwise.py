"""Elementwise operations: ``(…) -> (…)``, and of two tensors, which broadcast as in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels
from ..op import Sample, op
from ..tensor import get_default_dtype
from .out import deliver
from .samples import binary, unary

__all__ = [
    "abs", "acos", "add", "asin", "atan", "atan2", "ceil", "clamp", "cos", "cosh", "div", "erf", "exp", "exp2",
    "expm1", "floor", "floor_divide", "log", "log10", "log1p", "log2", "maximum", "minimum", "mul", "neg", "pow",
    "reciprocal", "remainder", "round", "rsqrt", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan", "tanh",
    "trunc", "where",
]  # fmt: skip


def _flat(g: Any, out: Any, x: Any, *params: Any) -> Any:
    """The vjp of a step function: nothing flows, whatever g is."""
    return where(True, 0.0, g)


def masked(g: Any, mask: Any) -> Any:
    """``g`` where the mask is true, else 0, also where g is infinite: ``where(mask, g, 0)`` in half the time."""
    if isinstance(g, np.ndarray):
        with np.errstate(invalid="ignore"):
            product = np.multiply(g, mask)
        if math.isfinite(np.vdot(product, product)):  # no ∞·0
            return product
    return where(mask, g, 0.0)


# -- arithmetic -------------------------------------------------------------------------------------------------------


@op(
    vjps=(lambda g, out, x, y, alpha: g, lambda g, out, x, y, alpha: g if alpha == 1 else g * alpha),
    symbol="+", numpy=(np.add,), samples=binary(),
)  # fmt: skip
def add(x, y, alpha=1, out=None):
    """``x + alpha·y``; shapes broadcast as in NumPy."""
    return np.add(x, y if alpha == 1 else y * alpha, out)


@op(
    vjps=(lambda g, out, x, y, alpha: g, lambda g, out, x, y, alpha: -g if alpha == 1 else g * -alpha),
    symbol="−", numpy=(np.subtract,), samples=binary(),
)  # fmt: skip
def sub(x, y, alpha=1, out=None):
    """``x − alpha·y``; shapes broadcast as in NumPy."""
    return np.subtract(x, y if alpha == 1 else y * alpha, out)


@op(
    vjps=(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    symbol="×", numpy=(np.multiply,), samples=binary(),
)  # fmt: skip
def mul(x, y, out=None):
    """Elementwise ``x · y``; shapes broadcast as in NumPy."""
    return np.multiply(x, y, out)


@op(
    vjps=(
        lambda g, out, x, y, rounding_mode: g / y if rounding_mode is None else _flat(g, out, x),
        lambda g, out, x, y, rounding_mode: -g * out / y if rounding_mode is None else _flat(g, out, x),
    ),
    symbol="÷", numpy=(np.true_divide,), floating=True, samples=binary(second=(0.5, 2)),
)  # fmt: skip
def div(x, y, rounding_mode=None, out=None):
    """``x / y``; integers become floating.  ``rounding_mode`` "floor" or "trunc" rounds (gradient 0).

    Raises ValueError for another rounding mode.
    """
    if rounding_mode not in (None, "floor", "trunc"):
        raise ValueError(f"rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")
    if rounding_mode == "floor":
        return np.floor_divide(x, y, out)
    quotient = np.true_divide(x, y, out)
    return quotient if rounding_mode is None else np.trunc(quotient, out)


@op(vjps=(_flat, _flat), numpy=(np.floor_divide,), samples=binary((0.1, 0.4), (0.5, 2)))
def floor_divide(x, y, out=None):
    """``⌊x / y⌋``; gradient 0."""
    return np.floor_divide(x, y, out)


@op(
    vjps=(lambda g, out, x, y: g, lambda g, out, x, y: -g * floor_divide(x, y)),
    symbol="mod", numpy=(np.remainder,), samples=binary((2.1, 2.4), (0.85, 1.0)),
)  # fmt: skip
def remainder(x, y, out=None):
    """``x − y·⌊x / y⌋``, with the sign of ``y``."""
    return np.remainder(x, y, out)


def _pow_base(g, out, x, y):
    if isinstance(y, (int, float)):
        return _flat(g, out, x) if y == 0 else g if y == 1 else g * (2 * x) if y == 2 else g * (y * x ** (y - 1))
    return where(y == 0, 0.0, g * y * x ** where(y == 0, 0.0, y - 1))


def _pow_exponent(g, out, x, y):
    # 0ʸ is 0 whatever y > 0 is: log 0 must not reach it.
    return where((x == 0) & (y >= 0), 0.0, g * out * log(where(x == 0, 1.0, x)))


def _pow_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.uniform(0.5, 2, (2, 3))
    return [*binary((0.5, 2))(rng), *(Sample(rng.normal(size=3), n) for n in (0, 1, 2, 3)), Sample(x, -1.5)]


@op(vjps=(_pow_base, _pow_exponent), symbol="^", numpy=(np.power, np.float_power), samples=_pow_samples)
def pow(x, y, out=None):
    """``x^y``.  Where x = 0, the gradient for y ≥ 0 is 0.  Raises ValueError for integers to negative powers."""
    return np.square(x, out) if type(y) is int and y == 2 else np.power(x, y, out)


@op(vjps=(lambda g, out, x: -g,), symbol="−", numpy=(np.negative,), samples=unary())
def neg(x, out=None):
    """``−x``."""
    return np.negative(x, out)


@op(vjps=(lambda g, out, x: g * sign(x),), symbol="|·|", numpy=(np.absolute, np.fabs), samples=unary(kinks=(0,)))
def abs(x, out=None):
    """``|x|``; the gradient at 0 is 0."""
    return np.absolute(x, out)


@op(vjps=(lambda g, out, x: g * (2 * x),), symbol="²", numpy=(np.square,), samples=unary())
def square(x, out=None):
    """``x²``."""
    return np.square(x, out)


@op(
    vjps=(lambda g, out, x: where(out == 0, 0.0, g * 0.5 / where(out == 0, 1.0, out)),),
    symbol="√", numpy=(np.sqrt,), floating=True, samples=unary(0.5, 3),
)  # fmt: skip
def sqrt(x, out=None):
    """``√x``; the gradient at 0, which is infinite, is defined as 0."""
    return np.sqrt(x, out)


@op(vjps=(lambda g, out, x: g * (-0.5 * out * out * out),), symbol="1/√", floating=True, samples=unary(0.5, 3))
def rsqrt(x, out=None):
    """``1 / √x``."""
    return np.true_divide(1, np.sqrt(x, out), out)


@op(vjps=(lambda g, out, x: -g * out * out,), symbol="1/", numpy=(np.reciprocal,), floating=True, samples=unary(0.5, 3))
def reciprocal(x, out=None):
    """``1 / x``."""
    return np.true_divide(1, x, out)


# -- exponential and logarithm ----------------------------------------------------------------------------------------


@op(vjps=(lambda g, out, x: g * out,), symbol="exp", numpy=(np.exp,), floating=True, samples=unary())
def exp(x, out=None):
    """``eˣ``."""
    return np.exp(x, out)


@op(vjps=(lambda g, out, x: g * (out * math.log(2)),), symbol="2^", numpy=(np.exp2,), floating=True, samples=unary())
def exp2(x, out=None):
    """``2ˣ``."""
    return np.exp2(x, out)


@op(vjps=(lambda g, out, x: g * (out + 1),), symbol="expm1", numpy=(np.expm1,), floating=True, samples=unary())
def expm1(x, out=None):
    """``eˣ − 1``, accurate near 0."""
    return np.expm1(x, out)


@op(vjps=(lambda g, out, x: g / x,), symbol="ln", numpy=(np.log,), floating=True, samples=unary(0.5, 3))
def log(x, out=None):
    """``ln x``."""
    return np.log(x, out)


@op(vjps=(lambda g, out, x: g / (x + 1),), symbol="log1p", numpy=(np.log1p,), floating=True, samples=unary(-0.5, 2))
def log1p(x, out=None):
    """``ln(1 + x)``, accurate near 0."""
    return np.log1p(x, out)


@op(vjps=(lambda g, out, x: g / (x * math.log(2)),), symbol="log₂", numpy=(np.log2,), floating=True,
    samples=unary(0.5, 3))  # fmt: skip
def log2(x, out=None):
    """``log₂ x``."""
    return np.log2(x, out)


@op(vjps=(lambda g, out, x: g / (x * math.log(10)),), symbol="log₁₀", numpy=(np.log10,), floating=True,
    samples=unary(0.5, 3))  # fmt: skip
def log10(x, out=None):
    """``log₁₀ x``."""
    return np.log10(x, out)


# -- trigonometric and hyperbolic -------------------------------------------------------------------------------------


@op(vjps=(lambda g, out, x: g * cos(x),), symbol="sin", numpy=(np.sin,), floating=True, samples=unary())
def sin(x, out=None):
    """``sin x``, radians."""
    return np.sin(x, out)


@op(vjps=(lambda g, out, x: -g * sin(x),), symbol="cos", numpy=(np.cos,), floating=True, samples=unary())
def cos(x, out=None):
    """``cos x``, radians."""
    return np.cos(x, out)


@op(vjps=(lambda g, out, x: g * (1 + out * out),), symbol="tan", numpy=(np.tan,), floating=True, samples=unary(-1, 1))
def tan(x, out=None):
    """``tan x``, radians."""
    return np.tan(x, out)


@op(vjps=(lambda g, out, x: g * rsqrt(1 - x * x),), symbol="asin", numpy=(np.arcsin,), floating=True,
    samples=unary(-0.9, 0.9))  # fmt: skip
def asin(x, out=None):
    """``arcsin x``, radians in [−π/2, π/2]."""
    return np.arcsin(x, out)


@op(vjps=(lambda g, out, x: -g * rsqrt(1 - x * x),), symbol="acos", numpy=(np.arccos,), floating=True,
    samples=unary(-0.9, 0.9))  # fmt: skip
def acos(x, out=None):
    """``arccos x``, radians in [0, π]."""
    return np.arccos(x, out)


@op(vjps=(lambda g, out, x: g / (1 + x * x),), symbol="atan", numpy=(np.arctan,), floating=True, samples=unary())
def atan(x, out=None):
    """``arctan x``, radians in (−π/2, π/2)."""
    return np.arctan(x, out)


def _square_length(x: Any, y: Any) -> Any:
    """x² + y², and 1 at the origin, where the angle's gradient is 0."""
    total = x * x + y * y
    return where(total == 0, 1.0, total)


@op(
    vjps=(lambda g, out, x, y: g * y / _square_length(x, y), lambda g, out, x, y: -g * x / _square_length(x, y)),
    symbol="atan2", numpy=(np.arctan2,), floating=True, samples=binary((0.3, 2), (0.3, 2)),
)  # fmt: skip
def atan2(x, y, out=None):
    """The angle of the point (y, x), ``arctan(x / y)`` in the right quadrant: radians in (−π, π]."""
    return np.arctan2(x, y, out)


@op(vjps=(lambda g, out, x: g * cosh(x),), symbol="sinh", numpy=(np.sinh,), floating=True, samples=unary())
def sinh(x, out=None):
    """``sinh x``."""
    return np.sinh(x, out)


@op(vjps=(lambda g, out, x: g * sinh(x),), symbol="cosh", numpy=(np.cosh,), floating=True, samples=unary())
def cosh(x, out=None):
    """``cosh x``."""
    return np.cosh(x, out)


@op(vjps=(lambda g, out, x: g * (1 - out * out),), symbol="tanh", numpy=(np.tanh,), floating=True, samples=unary())
def tanh(x, out=None):
    """``tanh x = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`` (cheat sheet 1.2)."""
    return np.tanh(x, out)


@op(
    vjps=(lambda g, out, x: g * (exp(-x * x) * (2 / math.sqrt(math.pi))),),
    symbol="erf", floating=True, samples=unary(),
)  # fmt: skip
def erf(x, out=None):
    """The error function ``2/√π ∫₀ˣ e^(−t²) dt``, accurate to the last digit or two."""
    x = np.asarray(x)
    return kernels.special.erf(x, out=np.empty(x.shape, x.dtype) if out is None else out)


# -- choice -----------------------------------------------------------------------------------------------------------


def _larger(g: Any, x: Any, y: Any) -> Any:
    """The share of ``g`` that goes to x in max(x, y): all, half on a tie, nothing."""
    return where(x > y, g, where(x == y, g * 0.5, 0.0))


@op(
    vjps=(lambda g, out, x, y: _larger(g, x, y), lambda g, out, x, y: _larger(g, y, x)),
    symbol="max", numpy=(np.maximum,), samples=binary(apart=True),
)  # fmt: skip
def maximum(x, y, out=None):
    """The larger of ``x`` and ``y``; a tie shares the gradient equally."""
    return np.maximum(x, y, out=out)


@op(
    vjps=(lambda g, out, x, y: _larger(g, y, x), lambda g, out, x, y: _larger(g, x, y)),
    symbol="min", numpy=(np.minimum,), samples=binary(apart=True),
)  # fmt: skip
def minimum(x, y, out=None):
    """The smaller of ``x`` and ``y``; a tie shares the gradient equally."""
    return np.minimum(x, y, out=out)


def _inside(x: Any, min: Any, max: Any) -> Any:
    if min is None:
        return x <= max
    return x >= min if max is None else (x >= min) & (x <= max)


def _below(x: Any, min: Any, max: Any) -> Any:
    return (x < min) if max is None else (x < min) & (min < max)


def _above(x: Any, min: Any, max: Any) -> Any:
    return (x > max) if min is None else (x > max) | (max < min)


def _clamp_samples(rng: np.random.Generator) -> list[Sample]:
    numbers = unary(kinks=(-1, 0.5), min=(-1.0,), max=(0.5,))(rng)
    x = np.array([[-2.0, -0.3, 0.4], [1.2, 0.1, 2.3]])
    return [s for s in numbers if s.params] + [Sample(x, np.array([-1.0, -0.5, 0.9]), np.array([[0.7], [1.9]]))]


@op(
    vjps=(
        lambda g, out, x, min, max: masked(g, _inside(x, min, max)),
        lambda g, out, x, min, max: masked(g, _below(x, min, max)),
        lambda g, out, x, min, max: masked(g, _above(x, min, max)),
    ),
    symbol="clamp", samples=_clamp_samples,
)  # fmt: skip
def clamp(x, min=None, max=None, out=None):
    """``x`` cut to [min, max], numbers or tensors; the gradient at the ends goes to ``x``.

    Raises ValueError when neither bound is given.
    """
    if min is None and max is None:
        raise ValueError("clamp needs min, max, or both")
    if min is not None:
        x = np.maximum(x, min, out=out)
    return x if max is None else np.minimum(x, max, out=out)


def _where_samples(rng: np.random.Generator) -> list[Sample]:
    chosen = rng.random((2, 3)) < 0.5
    pairs = (((), ()), ((3,), (2, 1)), ((2, 3), (2, 3)))
    return [Sample(chosen, rng.normal(size=x), rng.normal(size=y)) for x, y in pairs]


@op(
    vjps=(None, lambda g, out, condition, x, y: where(condition, g, 0.0),
          lambda g, out, condition, x, y: where(condition, 0.0, g)),
    numpy=(np.where,), samples=_where_samples,
)  # fmt: skip
def where(condition, x, y, out=None):
    """``x`` where the condition (of booleans, or what is not 0) is true, else ``y``; all three broadcast."""
    chosen = np.where(condition, x, y)
    if chosen.dtype.kind == "f" and not (hasattr(x, "dtype") or hasattr(y, "dtype")):
        chosen = chosen.astype(get_default_dtype())  # Python numbers do not decide for float64
    return deliver(chosen, out)


# -- steps: gradient 0 ------------------------------------------------------------------------------------------------


@op(vjps=(_flat,), symbol="sign", numpy=(np.sign,), samples=unary(kinks=(0,)))
def sign(x, out=None):
    """−1, 0 or 1; gradient 0."""
    return np.sign(x, out)


@op(vjps=(_flat,), symbol="⌊·⌋", numpy=(np.floor,), samples=unary(kinks=(-1, 0, 1)))
def floor(x, out=None):
    """The largest whole number not above ``x``; gradient 0."""
    return np.floor(x, out)


@op(vjps=(_flat,), symbol="⌈·⌉", numpy=(np.ceil,), samples=unary(kinks=(-1, 0, 1)))
def ceil(x, out=None):
    """The smallest whole number not below ``x``; gradient 0."""
    return np.ceil(x, out)


@op(vjps=(_flat,), symbol="trunc", numpy=(np.trunc,), samples=unary(kinks=(-1, 0, 1)))
def trunc(x, out=None):
    """``x`` without its fraction; gradient 0."""
    return np.trunc(x, out)


@op(vjps=(_flat,), symbol="round", numpy=(np.round, np.rint), samples=unary(0.6, 1.4))
def round(x, decimals=0, out=None):
    """The nearest number of ``decimals`` places, halves to the even one; gradient 0."""
    return np.round(x, decimals, out)
