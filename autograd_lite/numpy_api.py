"""NumPy's functions on Tensors: ``np.exp(t)``, ``np.sum(t, axis=0)``, ``ndarray * t``.

Operations name the NumPy functions that they stand for in their registry record.  Where NumPy's arguments differ from
ours (its ``var`` divides by n, its ``sort`` returns one result), an adapter here carries NumPy's meaning.  A function
with neither raises TypeError and is named: a silent detour through arrays would lose the gradient.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import creation
from .op import NUMPY
from .ops import diagonal, elementwise, index, join, linalg, order, pad, reduce, shape
from .tensor import Tensor

__all__ = ["call_function", "call_ufunc"]

REDUCTIONS: dict[str, Callable[..., Any]] = {  # ufunc.reduce
    "add": reduce.sum, "multiply": reduce.prod, "maximum": reduce.amax, "minimum": reduce.amin,
    "logical_and": reduce.all, "logical_or": reduce.any,
}  # fmt: skip

ADAPTERS: dict[Callable[..., Any], Callable[..., Any]] = {  # functions of ours that take NumPy's arguments
    np.max: reduce.amax, np.amax: reduce.amax, np.min: reduce.amin, np.amin: reduce.amin,
    np.any: reduce.any, np.all: reduce.all, np.argmax: reduce.argmax, np.argmin: reduce.argmin,
    np.reshape: shape.reshape, np.ravel: shape.ravel, np.broadcast_to: shape.broadcast_to,
    np.transpose: shape.permute, np.permute_dims: shape.permute, np.swapaxes: shape.swapaxes,
    np.moveaxis: shape.movedim, np.flip: shape.flip, np.roll: shape.roll,
    np.tril: diagonal.tril, np.triu: diagonal.triu, np.diag: diagonal.diag,
}  # fmt: skip


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict[str, Any]) -> Any:
    """Answer a NumPy ufunc that met a Tensor.  Raises TypeError for ``out=`` and for what has no rule."""
    if kwargs.get("out") is not None:
        raise TypeError(
            f"np.{ufunc.__name__} cannot write a tensor's result into an array; "
            "leave out=, or use the tensor's in-place methods"
        )
    if method == "__call__" and ufunc in NUMPY:
        return NUMPY[ufunc](*inputs, **_telling(kwargs))
    if method == "reduce" and ufunc.__name__ in REDUCTIONS:
        axis = kwargs.pop("axis", 0)
        return REDUCTIONS[ufunc.__name__](*inputs, axis=axis, **_telling(kwargs))
    raise _no_rule(ufunc, method)


def call_function(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Answer a NumPy function that met a Tensor.  Raises TypeError for ``out=`` and for what has no rule."""
    answer = ADAPTERS.get(function) or NUMPY.get(function)
    if answer is None:
        raise _no_rule(function, "__call__")
    given = _arguments(function, args, kwargs)
    try:
        inspect.signature(answer).bind(*given.args, **given.kwargs)
    except TypeError as error:
        raise TypeError(
            f"{_name(function)} of a tensor: {error}; leave it out, or use tensor.detach().numpy()"
        ) from None
    return answer(*given.args, **given.kwargs)


# -- NumPy's arguments ------------------------------------------------------------------------------------------------


def _arguments(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> inspect.BoundArguments:
    """The arguments that say something.  Those behind one that was left out come by NumPy's name for them."""
    signature = _signature(function)
    given = signature.bind(*args, **_telling(kwargs))
    if given.arguments.get("out", kwargs.get("out")) is not None:
        raise TypeError(f"{_name(function)} cannot write a tensor's result into an array; leave out=")
    for name, value in list(given.arguments.items()):
        default = signature.parameters[name].default
        same = value is default or (isinstance(value, (str, int)) and value == default)
        if same or not _telling({name: value}):
            del given.arguments[name]
    return given


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError:  # older NumPy does not tell the signatures of what it has in C
        return inspect.signature(lambda *args, **kwargs: None)


def _telling(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments without those that say nothing; ``dtype`` and the like stay and are refused by name."""
    neutral = {"out": None, "where": True, "casting": "same_kind", "order": "K", "subok": True, "dtype": None}
    return {k: v for k, v in kwargs.items() if not (k in neutral and v is neutral[k]) and v is not np._NoValue}


def _name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def _no_rule(function: Callable[..., Any], method: str) -> TypeError:
    name = _name(function) + ("" if method == "__call__" else f".{method}")
    return TypeError(f"{name} has no gradient rule in autograd_lite; on values alone, use tensor.detach().numpy()")


def _adapts(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an adapter, whose parameters are NumPy's by name and order, without ``out``."""

    def register(adapter: Callable[..., Any]) -> Callable[..., Any]:
        ADAPTERS.update(dict.fromkeys(functions, adapter))
        return adapter

    return register


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else x.astype(dtype)


def _along(a: Any, axis: int | None) -> tuple[Any, int]:
    """NumPy's ``axis=None`` of the functions that keep an axis: all elements in one row."""
    return (a.reshape(-1), 0) if axis is None else (a, axis)


def _values(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


# -- reductions -------------------------------------------------------------------------------------------------------


@_adapts(np.sum)
def _sum(a: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.sum(_cast(a, dtype), axis=axis, keepdims=keepdims)


@_adapts(np.mean)
def _mean(a: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.mean(_cast(a, dtype), axis=axis, keepdims=keepdims)


@_adapts(np.prod)
def _prod(a: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.prod(_cast(a, dtype), axis=axis, keepdims=keepdims)


@_adapts(np.var)
def _var(
    a: Tensor, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Tensor:
    correction = ddof if correction is None else correction
    return reduce.var(_cast(a, dtype), axis=axis, correction=correction, keepdims=keepdims)


@_adapts(np.std)
def _std(
    a: Tensor, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Tensor:
    correction = ddof if correction is None else correction
    return reduce.std(_cast(a, dtype), axis=axis, correction=correction, keepdims=keepdims)


@_adapts(np.cumsum)
def _cumsum(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    return reduce.cumsum(*_along(_cast(a, dtype), axis))


@_adapts(np.cumprod)
def _cumprod(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    return reduce.cumprod(*_along(_cast(a, dtype), axis))


@_adapts(np.linalg.norm)
def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    matrix = (x.ndim == 2 and axis is None) or (isinstance(axis, tuple) and len(axis) == 2)
    if ord is not None and ord != "fro" and matrix:
        raise TypeError(f"np.linalg.norm of a matrix with ord={ord!r} has no gradient rule in autograd_lite")
    return reduce.norm(x, 2 if ord in (None, "fro") else ord, axis=axis, keepdims=keepdims)


# -- shape ------------------------------------------------------------------------------------------------------------


@_adapts(np.squeeze)
def _squeeze(a: Tensor, axis: Any = None) -> Tensor:
    for one in () if axis is None else axis if isinstance(axis, tuple) else (axis,):
        if a.size(one) != 1:
            raise ValueError(f"np.squeeze: axis {one} of shape {a.shape} is not of length 1")
    return shape.squeeze(a) if axis is None else shape.squeeze(a, axis)


@_adapts(np.expand_dims)
def _expand_dims(a: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    return a.reshape(np.expand_dims(a.numpy(), axis).shape)


@_adapts(np.tile)
def _tile(A: Tensor, reps: Any) -> Tensor:
    return shape.tile(A, tuple(np.atleast_1d(reps).tolist()))


@_adapts(np.repeat)
def _repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    a, axis = _along(a, axis)
    return index.index_select(a, axis, np.repeat(np.arange(a.size(axis)), _values(repeats)))


@_adapts(np.pad)
def _pad(array: Tensor, pad_width: Any, mode: str = "constant", **options: Any) -> Tensor:
    """NumPy names the first axis first, `pad` the last one."""
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        raise ValueError(f"np.pad takes widths ≥ 0, got {pad_width!r} for shape {array.shape}")
    flat = tuple(widths[::-1].ravel().tolist())
    value = options.pop("constant_values", 0) if mode == "constant" else 0
    if options or np.ndim(value):
        raise TypeError(
            f"np.pad of a tensor in mode {mode!r} takes "
            + (f"one number as constant_values, not {value!r}" if np.ndim(value) else f"no {', '.join(options)}")
        )
    if mode == "constant":
        return pad.pad(array, flat, "constant", value)
    if mode not in ("reflect", "edge"):
        raise TypeError(f"np.pad with mode={mode!r} has no gradient rule in autograd_lite")
    return pad.pad(array, flat, "replicate" if mode == "edge" else mode)


@_adapts(np.diagonal)
def _diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonal.diagonal(a, offset, axis1, axis2)


# -- joining and splitting --------------------------------------------------------------------------------------------


def _joined(result: Tensor, dtype: Any) -> Tensor:
    if dtype is not None and not np.can_cast(result.dtype, dtype, "same_kind"):
        raise TypeError(f"joined tensors of {result.dtype} do not become {np.dtype(dtype)}; use astype()")
    return _cast(result, dtype)


@_adapts(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Tensor:
    if axis is None:
        return _joined(join.cat([creation.as_tensor(a).reshape(-1) for a in arrays], axis=0), dtype)
    return _joined(join.cat(list(arrays), axis=axis), dtype)


@_adapts(np.stack)
def _stack(arrays: Any, axis: int = 0, dtype: Any = None) -> Tensor:
    return _joined(join.stack(list(arrays), axis=axis), dtype)


@_adapts(np.hstack)
def _hstack(tup: Any, dtype: Any = None) -> Tensor:
    return _joined(join.hstack([creation.as_tensor(a) for a in tup]), dtype)


@_adapts(np.vstack)
def _vstack(tup: Any, dtype: Any = None) -> Tensor:
    return _joined(join.vstack([creation.as_tensor(a) for a in tup]), dtype)


@_adapts(np.split)
def _split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return _pieces(ary, axis, np.split(np.arange(ary.size(axis)), indices_or_sections))


@_adapts(np.array_split)
def _array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return _pieces(ary, axis, np.array_split(np.arange(ary.size(axis)), indices_or_sections))


def _pieces(ary: Tensor, axis: int, places: list[np.ndarray]) -> list[Tensor]:
    return [pad.narrow(ary, axis, int(p[0]) if len(p) else 0, len(p)) for p in places]


# -- choosing ---------------------------------------------------------------------------------------------------------


@_adapts(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Tensor:
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise ValueError("np.clip takes a_min and a_max, or min and max, not both")
    return elementwise.clamp(a, min if a_min is None else a_min, max if a_max is None else a_max)


@_adapts(np.take)
def _take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    a, axis = _along(a, axis)
    return a[(slice(None),) * (axis % a.ndim) + (np.asarray(_values(indices)),)]


@_adapts(np.take_along_axis)
def _take_along_axis(arr: Tensor, indices: Any, axis: int | None = -1) -> Tensor:
    return index.take_along_axis(arr, indices, axis)


@_adapts(np.sort)
def _sort(a: Tensor, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return order.sort(*_along(a, axis)).values  # stable: what every kind may be


@_adapts(np.argsort)
def _argsort(a: Tensor, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return order.argsort(*_along(a, axis))


# -- linear algebra ---------------------------------------------------------------------------------------------------


@_adapts(np.dot)
def _dot(a: Any, b: Any) -> Tensor:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.mul(a, b)
    if np.ndim(b) > 2:
        raise TypeError("np.dot with a second operand of more than two axes has no gradient rule; use np.einsum")
    return linalg.matmul(a, b)


@_adapts(np.inner)
def _inner(a: Any, b: Any) -> Tensor:
    return linalg.inner(creation.as_tensor(a), creation.as_tensor(b))


@_adapts(np.vdot)
def _vdot(a: Any, b: Any) -> Tensor:
    return linalg.dot(creation.as_tensor(a).reshape(-1), creation.as_tensor(b).reshape(-1))


@_adapts(np.outer)
def _outer(a: Any, b: Any) -> Tensor:
    return linalg.outer(creation.as_tensor(a).reshape(-1), creation.as_tensor(b).reshape(-1))


@_adapts(np.einsum)
def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Tensor:
    return linalg.einsum(subscripts, *operands)  # which chooses its own order of products


@_adapts(np.trace)
def _trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    return reduce.sum(_cast(diagonal.diagonal(a, offset, axis1, axis2), dtype), axis=-1)


# -- about a tensor ---------------------------------------------------------------------------------------------------


@_adapts(np.zeros_like)
def _zeros_like(a: Tensor, dtype: Any = None) -> Tensor:
    return creation.zeros_like(a, dtype=dtype)


@_adapts(np.ones_like)
def _ones_like(a: Tensor, dtype: Any = None) -> Tensor:
    return creation.ones_like(a, dtype=dtype)


@_adapts(np.isclose)
def _isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    return Tensor(np.isclose(_values(a), _values(b), rtol, atol, equal_nan))


def _of_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's own answer: a number or a shape, not a tensor."""

    @functools.wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return function(*map(_values, args), **{k: _values(v) for k, v in kwargs.items()})

    return answer


ADAPTERS.update({f: _of_values(f) for f in (np.shape, np.ndim, np.size, np.allclose, np.array_equal)})
