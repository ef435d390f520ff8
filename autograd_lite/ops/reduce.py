"""Reductions: sums, products, extremes, variances and norms along axes, and cumulative sums and products.

``axis`` is an axis, a tuple of axes, or None (or an empty tuple, as in PyTorch) for all of them; reduced axes go,
or stay with length 1 with ``keepdims``.  Integers that are summed become 64 bits wide.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Sample, op
from ..tensor import Tensor
from .composed import Located, composed, position
from .elementwise import abs, maximum, minimum, sign, sqrt, where
from .index import take_along_axis
from .logic import eq
from .out import deliver
from .pad import constant_pad
from .samples import Samples, clear, distinct
from .shape import broadcast_to, flip, permute, reshape, roll, squeeze
from .summation import add_up

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "cumprod", "cumsum", "max", "mean", "median", "min", "norm",
    "prod", "std", "std_mean", "sum", "var", "var_mean",
]  # fmt: skip


# -- axes -------------------------------------------------------------------------------------------------------------


def _axes(axis: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes to reduce, counted from the front, or None for all."""
    if axis is None:
        return None
    several = tuple([position(a, shape) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))])
    return several if several and shape else None


def _kept(g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """``g``, reduced from ``shape``, with the reduced axes back in place with length 1, so that it broadcasts."""
    axes = _axes(axis, shape)
    return g if keepdims or axes is None else reshape(g, [1 if i in axes else n for i, n in enumerate(shape)])


def _spread(g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """``g``, reduced from ``shape``, repeated along the reduced axes."""
    return broadcast_to(_kept(g, shape, axis, keepdims), shape)


def _reduce(ufunc: Any, x: Any, axis: Any, keepdims: bool, out: Any, dtype: Any = None) -> Any:
    """``x`` reduced by a NumPy ufunc of two arguments."""
    axes = _axes(axis, np.shape(x))
    if ufunc is np.add:
        return add_up(x, axes, dtype, out, keepdims)
    return ufunc.reduce(x, axes, dtype, out, keepdims)


def _count(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements are reduced to one."""
    axes = _axes(axis, shape)
    return math.prod(shape if axes is None else [shape[i] for i in axes])


AXES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((), {}), ((), {"axis": 0}), ((3,), {}), ((2, 3), {"axis": 1}), ((2, 3), {"axis": 0, "keepdims": True}),
    ((2, 3), {"keepdims": True}), ((2, 3, 2), {"axis": (0, -1)}), ((2, 3), {"axis": ()}), ((0, 3), {"axis": 1}),
)  # fmt: skip


def _reductions(low: float = -2, high: float = 2, empty: bool = True, **more: Sequence[Any]) -> Samples:
    """One tensor reduced along every kind of axis; each keyword lists further values of that parameter to try."""

    def make(rng: np.random.Generator) -> list[Sample]:
        samples = [Sample(clear(rng, shape, low, high), **params) for shape, params in AXES]
        samples += [Sample(np.zeros((0, 3)), axis=0), Sample(np.zeros((0, 3)))] if empty else []
        for name, values in more.items():
            for value in values:
                samples += [Sample(clear(rng, (2, 3), low, high), **{name: value, "axis": a}) for a in (None, 1)]
        return samples

    return make


def _orders(rng: np.random.Generator) -> list[Sample]:
    return [Sample(distinct(rng, shape), **params) for shape, params in AXES]


def _arguments(rng: np.random.Generator) -> list[Sample]:
    return [s for s in _orders(rng) if not isinstance(s.params.get("axis"), tuple)]


# -- sums and products ------------------------------------------------------------------------------------------------


@op(
    vjps=(lambda g, out, x, axis, keepdims, dtype: _spread(g, x.shape, axis, keepdims),),
    symbol="Σ", samples=_reductions(),
)  # fmt: skip
def sum(x, axis=None, keepdims=False, dtype=None, out=None):
    """The sum, 0 of nothing.  Raises IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.sum(al.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([3., 7.])
    """
    return _reduce(np.add, x, axis, keepdims, out, dtype)


@op(
    vjps=(
        lambda g, out, x, axis, keepdims, dtype: _spread(
            g / builtins.max(_count(x.shape, axis), 1), x.shape, axis, keepdims
        ),
    ),
    symbol="mean", floating=True, samples=_reductions(),
)  # fmt: skip
def mean(x, axis=None, keepdims=False, dtype=None, out=None):
    """The arithmetic mean, NaN of nothing; integers become floating.  Raises IndexError for an axis out of range."""
    total = _reduce(np.add, x, axis, keepdims, out, dtype)
    return np.true_divide(total, _count(np.shape(x), axis) or math.nan, out)


def _before(products: Any) -> Any:
    """Cumulative products along the last axis, each without its own factor."""
    return constant_pad(products, (1, -1), 1)


def _prod_vjp(g, out, x, axis, keepdims, dtype):
    # The product of the others is that of those before times that of those after: zeros need no special case.
    shape, axes = x.shape, _axes(axis, x.shape)
    reduced = list(range(len(shape)) if axes is None else axes)
    order = [i for i in range(len(shape)) if i not in reduced] + reduced
    ordered = permute(x, order)  # reduced axes last, then as one
    rows = reshape(ordered, [shape[i] for i in order if i not in reduced] + [_count(shape, axis)])
    others = _before(cumprod(rows, -1, dtype)) * flip(_before(cumprod(flip(rows, -1), -1, dtype)), -1)
    back = permute(reshape(others, ordered.shape), np.argsort(order).tolist())
    return _kept(g, shape, axis, keepdims) * back


def _prod_samples(rng: np.random.Generator) -> list[Sample]:
    zeros = np.array([[1.5, 0.0, -2.0], [0.0, 0.0, 3.0], [0.5, 2.0, -1.0]])
    return [*_reductions(0.5, 2)(rng), Sample(zeros, axis=1), Sample(zeros, axis=0), Sample(zeros[0])]


@op(vjps=(_prod_vjp,), symbol="Π", samples=_prod_samples)
def prod(x, axis=None, keepdims=False, dtype=None, out=None):
    """The product, 1 of nothing; gradients are right where factors are 0, too.

    Raises IndexError for an axis out of range.
    """
    return _reduce(np.multiply, x, axis, keepdims, out, dtype)


# -- along an axis ----------------------------------------------------------------------------------------------------


def _running(rng: np.random.Generator) -> list[Sample]:
    cases = (((), 0), ((3,), 0), ((2, 3), 1), ((2, 3), -2), ((0, 3), 0), ((1, 2), 0))
    return [Sample(rng.normal(size=shape), axis) for shape, axis in cases]


@op(vjps=(lambda g, out, x, axis, dtype: flip(cumsum(flip(g, axis), axis), axis),), symbol="cumΣ", samples=_running)
def cumsum(x, axis, dtype=None, out=None):
    """Sums of the first 1, 2, … elements along an axis.  Raises IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.cumsum(al.Tensor([1.0, 2.0, 3.0]), axis=0)
    tensor([1., 3., 6.])
    """
    if not np.ndim(x):
        position(axis, ())
        return deliver(np.array(x, dtype), out)
    return np.cumsum(x, axis, dtype, out)


def _scan_b(g, out, a, b, axis):
    # What y_j receives: its own gradient, and a_{j+1} times what y_{j+1} receives.  (Roll: y_{-1} is 0, so what a_0 is
    # does not matter.)
    return flip(scan(roll(flip(a, axis), 1, axis), flip(g, axis), axis), axis)


def _scan_a(g, out, a, b, axis):
    last = len(a.shape) - 1 - position(axis, a.shape)
    return _scan_b(g, out, a, b, axis) * constant_pad(out, (0, 0) * last + (1, -1))


def _scan_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3,), 0), ((2, 3), 1), ((3, 2), -2), ((0, 3), 0), ((2, 1), 1))
    return [Sample(rng.normal(size=shape), rng.normal(size=shape), axis) for shape, axis in cases]


@op(vjps=(_scan_a, _scan_b), symbol="scan", samples=_scan_samples)
def scan(a, b, axis=-1, out=None):
    """The linear recurrence ``y_j = a_j·y_{j−1} + b_j`` along an axis, from ``y_{−1} = 0``, both of one shape.

    Raises ValueError for different shapes, IndexError for an axis out of range.
    """
    if a.shape != b.shape:
        raise ValueError(f"a and b must have one shape, got {a.shape} and {b.shape}")
    position(axis, b.shape)
    out = deliver(b, np.empty_like(b) if out is None else out)
    factors, y = np.moveaxis(a, axis, 0), np.moveaxis(out, axis, 0)
    for j in range(1, len(y)):
        y[j] += factors[j] * y[j - 1]
    return out


def _cumprod_vjp(g, out, x, axis, dtype):
    # Σ_{k≥j} g_k·Π_{i≤k, i≠j} x_i is Π_{i<j} x_i times a scan from the end: no division, so zeros need no special case.
    if not x.shape:
        return g * 1
    last = len(x.shape) - 1 - position(axis, x.shape)
    after = flip(scan(roll(flip(x, axis), 1, axis), flip(g, axis), axis), axis)
    return constant_pad(out, (0, 0) * last + (1, -1), 1) * after


def _cumprod_samples(rng: np.random.Generator) -> list[Sample]:
    zeros = np.array([[1.5, 0.0, -2.0, 0.0], [0.0, 0.5, 3.0, 1.0]])
    return [*_running(rng), Sample(zeros, 1), Sample(zeros, 0)]


@op(vjps=(_cumprod_vjp,), symbol="cumΠ", samples=_cumprod_samples)
def cumprod(x, axis, dtype=None, out=None):
    """Products of the first 1, 2, … elements along an axis; gradients are right where factors are 0.

    Raises IndexError for an axis out of range.
    """
    if not np.ndim(x):
        position(axis, ())
        return deliver(np.array(x, dtype), out)
    return np.cumprod(x, axis, dtype, out)


# -- extremes ---------------------------------------------------------------------------------------------------------


def _extreme_vjp(g, out, x, axis, keepdims):
    # Ties share evenly.  NaN equals nothing, itself included: then the count is 0.
    chosen = eq(x, _kept(out, x.shape, axis, keepdims))
    count = sum(chosen, axis, True, g.dtype)
    return chosen * (_kept(g, x.shape, axis, keepdims) / maximum(count, 1))


@op(vjps=(_extreme_vjp,), symbol="max", samples=_orders)
def amax(x, axis=None, keepdims=False, out=None):
    """The largest element; the gradient is shared evenly among equals.

    Raises ValueError for the maximum of nothing, IndexError for an axis out of range.
    """
    return _reduce(np.maximum, x, axis, keepdims, out)


@op(vjps=(_extreme_vjp,), symbol="min", samples=_orders)
def amin(x, axis=None, keepdims=False, out=None):
    """The smallest element; the gradient is shared evenly among equals.

    Raises ValueError for the minimum of nothing, IndexError for an axis out of range.
    """
    return _reduce(np.minimum, x, axis, keepdims, out)


def _argument(find: Any, x: Any, axis: Any, keepdims: bool, out: Any) -> Any:
    shape = np.shape(x)
    axis = None if axis is None or (position(axis, shape) == 0 and not shape) else axis
    return deliver(find(x, axis, keepdims=keepdims), out)


@op(arity=1, symbol="argmax", samples=_arguments)
def argmax(x, axis=None, keepdims=False, out=None):
    """Where the largest element is: its index along an axis, or in ``x`` in one row (None); the first of equals.

    Raises ValueError for the maximum of nothing, IndexError for an axis out of range.
    """
    return _argument(np.argmax, x, axis, keepdims, out)


@op(arity=1, symbol="argmin", samples=_arguments)
def argmin(x, axis=None, keepdims=False, out=None):
    """Where the smallest element is: its index along an axis, or in ``x`` in one row (None); the first of equals.

    Raises ValueError for the minimum of nothing, IndexError for an axis out of range.
    """
    return _argument(np.argmin, x, axis, keepdims, out)


@op(arity=1, symbol="argmedian", samples=lambda rng: [s for s in _running(rng) if s.args[0].size])
def argmedian(x, axis, keepdims=False, out=None):
    """Where the median along an axis is: the lower one of an even number, or the first NaN.

    Raises IndexError for an axis out of range and for nothing.
    """
    i, rows = position(axis, np.shape(x)), np.atleast_1d(x)
    nan = np.isnan(rows)
    middle = np.take(np.argsort(rows, i, kind="stable"), [(rows.shape[i] - 1) // 2], i)
    indices = np.where(nan.any(i, keepdims=True), np.argmax(nan, i, keepdims=True), middle)
    return deliver(indices if keepdims and np.ndim(x) else np.squeeze(indices, i), out)


def _chosen(argument: Any, x: Any, axis: Any, keepdims: bool) -> Located:
    """The elements that an op like `argmax` chooses along an axis, and their indices."""
    if isinstance(axis, (tuple, list)):
        raise TypeError(f"values with indices are found along one axis, got {axis}; use amax or amin for several")
    indices = argument(x, axis, keepdims=True)
    values = take_along_axis(x, indices, axis) if x.shape else reshape(x, ())
    return Located(values, indices) if keepdims else Located(squeeze(values, axis), squeeze(indices, axis))


def _located_samples(rng: np.random.Generator) -> list[Sample]:
    x = distinct(rng, (2, 3))
    return [Sample(x), Sample(x, 0), Sample(x, axis=-1, keepdims=True), Sample(x, x[0] + 0.04)]


@composed(_located_samples)
def max(x: Any, axis: Any = None, keepdims: bool = False, *, other: Any = None) -> Any:
    """``max(x)``: the largest element; ``max(x, axis)``: ``(values, indices)``; ``max(x, y)``: `maximum`.

    Without an axis the gradient is shared evenly among equals; with one, it goes to the element at the index.
    Raises ValueError for the maximum of nothing, IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.max(al.Tensor([[1.0, 3.0], [4.0, 2.0]]), axis=1)
    Located(values=tensor([3., 4.]), indices=tensor([1, 0]))
    """
    return _extreme((amax, argmax, maximum), x, axis, keepdims, other)


@composed(_located_samples)
def min(x: Any, axis: Any = None, keepdims: bool = False, *, other: Any = None) -> Any:
    """``min(x)``: the smallest element; ``min(x, axis)``: ``(values, indices)``; ``min(x, y)``: `minimum`.

    Without an axis the gradient is shared evenly among equals; with one, it goes to the element at the index.
    Raises ValueError for the minimum of nothing, IndexError for an axis out of range.
    """
    return _extreme((amin, argmin, minimum), x, axis, keepdims, other)


def _extreme(ops: tuple[Any, Any, Any], x: Any, axis: Any, keepdims: bool, other: Any) -> Any:
    whole, argument, of_two = ops
    if isinstance(axis, (Tensor, np.ndarray)):
        axis, other = None, axis
    if other is not None:
        return of_two(x, other)
    return whole(x, None, keepdims) if axis is None else _chosen(argument, x, axis, keepdims)


def _median_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(distinct(rng, (3, 4)), **params) for params in ({}, {"axis": 0}, {"axis": 1, "keepdims": True})]


@composed(_median_samples)
def median(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The median, the lower one of an even number: of all elements, or ``(values, indices)`` along an axis.

    The gradient goes to that element.  Raises IndexError for an axis out of range, ValueError for nothing.
    """
    if axis is not None:
        return _chosen(argmedian, x, axis, keepdims)
    return _chosen(argmedian, reshape(x, (-1,)), 0, False).values


@op(arity=1, symbol="any", samples=_orders)
def any(x, axis=None, keepdims=False, out=None):
    """Whether an element is not 0; False of nothing.  Raises IndexError for an axis out of range."""
    return _reduce(np.logical_or, x, axis, keepdims, out)


@op(arity=1, symbol="all", samples=_orders)
def all(x, axis=None, keepdims=False, out=None):
    """Whether no element is 0; True of nothing.  Raises IndexError for an axis out of range."""
    return _reduce(np.logical_and, x, axis, keepdims, out)


# -- spread and size --------------------------------------------------------------------------------------------------


def _freedom(shape: tuple[int, ...], axis: Any, unbiased: Any, correction: Any) -> float:
    """What the sum of squares is divided by: the count less the correction, not less than 0."""
    return builtins.max(_count(shape, axis) - (int(unbiased) if correction is None else correction), 0)


def _var_vjp(g, out, x, axis, unbiased, keepdims, correction):
    axis, unbiased = (None, axis) if isinstance(axis, bool) else (axis, unbiased)
    scale = 2 / (_freedom(x.shape, axis, unbiased, correction) or math.nan)
    return _kept(g, x.shape, axis, keepdims) * (x - mean(x, axis, True)) * scale


@op(
    vjps=(_var_vjp,), symbol="var", floating=True,
    samples=_reductions(empty=False, unbiased=(False,), correction=(0, 1, 0.5)),
)  # fmt: skip
def var(x, axis=None, unbiased=True, keepdims=False, correction=None, out=None):
    """The variance ``Σ (x − mean)² / (n − correction)``: PyTorch's, with correction 1 if ``unbiased``, else 0.

    NaN where n ≤ correction.  Raises IndexError for an axis out of range.
    """
    axis, unbiased = (None, axis) if isinstance(axis, bool) else (axis, unbiased)  # var(x, False), as in PyTorch
    shape = np.shape(x)
    centred = x - _reduce(np.add, x, axis, True, None) / (_count(shape, axis) or math.nan)
    squares = _reduce(np.add, np.square(centred), axis, keepdims, out)
    return np.true_divide(squares, _freedom(shape, axis, unbiased, correction) or math.nan, out)


def _spread_samples(rng: np.random.Generator) -> list[Sample]:
    cases: tuple[dict[str, Any], ...] = (
        {}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}, {"axis": 0, "unbiased": False},
        {"axis": 1, "correction": 0.5},
    )  # fmt: skip
    return [Sample(rng.normal(size=(2, 3)), **params) for params in cases]


@composed(_spread_samples)
def std(
    x: Any, axis: Any = None, unbiased: bool = True, keepdims: bool = False, correction: float | None = None
) -> Any:
    """The standard deviation, the root of `var`; its gradient where it is 0 is defined as 0."""
    return sqrt(var(x, axis, unbiased, keepdims, correction))


@composed(_spread_samples)
def var_mean(
    x: Any, axis: Any = None, unbiased: bool = True, keepdims: bool = False, correction: float | None = None
) -> tuple[Any, Any]:
    """`var` and `mean`, both along ``axis``."""
    variance = var(x, axis, unbiased, keepdims, correction)
    return variance, mean(x, None if isinstance(axis, bool) else axis, keepdims)


@composed(_spread_samples)
def std_mean(
    x: Any, axis: Any = None, unbiased: bool = True, keepdims: bool = False, correction: float | None = None
) -> tuple[Any, Any]:
    """`std` and `mean`, both along ``axis``."""
    variance, average = var_mean(x, axis, unbiased, keepdims, correction)
    return sqrt(variance), average


def _norm_vjp(g, out, x, p, axis, keepdims, dtype):
    # ∂‖x‖/∂x = sign(x)·(|x| / ‖x‖)^(p−1), and 0 where x is 0
    g, out, p = _kept(g, x.shape, axis, keepdims), _kept(out, x.shape, axis, keepdims), _order(p)
    length: Any = where(out == 0, 1.0, out)
    if p == 2:
        return g * (x / length)
    signs: Any = sign(x)
    if p in (0, 1):
        return g * signs * p
    size: Any = abs(x)
    if math.isinf(p):
        return _extreme_vjp(g, out, size, axis, True) * signs
    ratio: Any = where(x == 0, 1.0, size / length)
    return g * signs * ratio ** (p - 1)


def _floats(x: Any, dtype: Any = None) -> np.ndarray:
    """Numbers as a floating array."""
    array = np.asarray(x, dtype)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _order(p: Any) -> float:
    """The order of a norm as a number.  Raises NotImplementedError for one that is no norm of the elements."""
    if p is None or p == "fro":
        return 2.0
    if isinstance(p, str):
        raise NotImplementedError(f"norm of order {p!r} is not supported; p is a number or 'fro'")
    return float(p)


def _norm_samples(rng: np.random.Generator) -> list[Sample]:
    samples = _reductions(0.2, 2, empty=False, p=(1, 2, 3, 0.5, -1, 1.5, 0, "fro"))(rng)
    signed = [Sample(clear(rng, (2, 3), -2, 2, (0,)), p=p, axis=1, keepdims=True) for p in (1, 2, 3, 1.5)]
    extremes = [Sample(distinct(rng, (2, 3)) * 3, p=p, axis=a) for p in (math.inf, -math.inf) for a in (None, 0)]
    return samples + signed + extremes


@op(vjps=(_norm_vjp,), symbol="‖·‖", floating=True, samples=_norm_samples)
def norm(x, p=2, axis=None, keepdims=False, dtype=None, out=None):
    """The norm ``(Σ |x|^p)^(1/p)`` of the elements; its gradient at 0 is defined as 0.

    ``p`` is 2 ("fro"), 1, any number, inf or -inf (the largest or smallest ``|x|``), or 0 (how many are not 0).
    Raises NotImplementedError for "nuc", IndexError for an axis out of range, ValueError for the maximum of nothing.

    >>> import autograd_lite as al
    >>> al.norm(al.Tensor([3.0, 4.0]))
    tensor(5.)
    """
    x, p = _floats(x, dtype), _order(p)
    if math.isinf(p):
        return _reduce(np.maximum if p > 0 else np.minimum, np.absolute(x), axis, keepdims, out)
    if p == 0:
        return _reduce(np.add, x != 0, axis, keepdims, out, x.dtype)
    if p == 1:
        return _reduce(np.add, np.absolute(x), axis, keepdims, out)
    if p == 2:
        return np.sqrt(_reduce(np.add, np.square(x), axis, keepdims, out), out)
    with np.errstate(divide="ignore"):  # 0^p is inf for p < 0, and the norm then 0
        return np.power(_reduce(np.add, np.power(np.absolute(x), p), axis, keepdims, out), 1 / p, out)
