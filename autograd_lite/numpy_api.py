"""NumPy's functions on Tensors: ``np.exp(t)``, ``np.sum(t, axis=0)``, ``ndarray * t``.

Operations name the NumPy functions that they stand for in their registry record.  Where NumPy's arguments differ from
ours (its ``var`` divides by n, its ``transpose`` takes all axes), an adapter here carries NumPy's meaning.  A function
with neither raises TypeError and is named: a silent detour through arrays would lose the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import creation, ops
from .op import NUMPY
from .ops import diagonal, elementwise, index, join, linalg, order, reduce, shape
from .tensor import Tensor

__all__ = ["call_function", "call_ufunc"]

ADAPTERS: dict[Callable[..., Any], Callable[..., Any]] = {}

REDUCTIONS: dict[str, Callable[..., Any]] = {  # ufunc.reduce
    "add": reduce.sum, "multiply": reduce.prod, "maximum": reduce.amax, "minimum": reduce.amin,
    "logical_and": reduce.all, "logical_or": reduce.any,
}  # fmt: skip


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict[str, Any]) -> Any:
    """Answer a NumPy ufunc that met a Tensor.  Raises TypeError for ``out=`` and for what has no rule."""
    if kwargs.get("out") is not None:
        raise TypeError(
            f"np.{ufunc.__name__} cannot write a tensor's result into an array; "
            "leave out=, or use the tensor's in-place methods"
        )
    if method == "__call__" and ufunc in NUMPY:
        return NUMPY[ufunc](*inputs, **_without_defaults(ufunc, kwargs))
    if method == "reduce" and ufunc.__name__ in REDUCTIONS:
        axis = kwargs.pop("axis", 0)
        return REDUCTIONS[ufunc.__name__](*inputs, axis=axis, **_without_defaults(ufunc, kwargs))
    raise _no_rule(ufunc, method)


def call_function(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Answer a NumPy function that met a Tensor.  Raises TypeError for ``out=`` and for what has no rule."""
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{function.__name__} cannot write a tensor's result into an array; leave out=")
    answer = ADAPTERS.get(function) or NUMPY.get(function)
    if answer is None:
        raise _no_rule(function, "__call__")
    return answer(*args, **_without_defaults(function, kwargs))


def _without_defaults(function: Callable[..., Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """NumPy's keywords that say nothing, dropped; ``dtype`` and the like stay and are refused by name."""
    neutral = {"out": None, "where": True, "casting": "same_kind", "order": "K", "subok": True, "dtype": None}
    return {k: v for k, v in kwargs.items() if not (k in neutral and v is neutral[k]) and v is not np._NoValue}


def _no_rule(function: Callable[..., Any], method: str) -> TypeError:
    module = getattr(function, "__module__", None) or "numpy"
    name = f"{module.replace('numpy', 'np', 1)}.{function.__name__}" + ("" if method == "__call__" else f".{method}")
    return TypeError(f"{name} has no gradient rule in autograd_lite; on values alone, use tensor.detach().numpy()")


def _adapts(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(adapter: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            ADAPTERS[function] = adapter
        return adapter

    return register


# -- reductions -------------------------------------------------------------------------------------------------------


@_adapts(np.max, np.amax)
def _max(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.amax(a, axis=axis, keepdims=keepdims)


@_adapts(np.min, np.amin)
def _min(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.amin(a, axis=axis, keepdims=keepdims)


@_adapts(np.sum)
def _sum(a: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.sum(a if dtype is None else a.astype(dtype), axis=axis, keepdims=keepdims)


@_adapts(np.mean)
def _mean(a: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.mean(a if dtype is None else a.astype(dtype), axis=axis, keepdims=keepdims)


@_adapts(np.prod)
def _prod(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.prod(a, axis=axis, keepdims=keepdims)


@_adapts(np.any)
def _any(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.any(a, axis=axis, keepdims=keepdims)


@_adapts(np.all)
def _all(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.all(a, axis=axis, keepdims=keepdims)


@_adapts(np.argmax)
def _argmax(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.argmax(a, axis=axis, keepdims=keepdims)


@_adapts(np.argmin)
def _argmin(a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    return reduce.argmin(a, axis=axis, keepdims=keepdims)


@_adapts(np.var)
def _var(a: Tensor, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    return reduce.var(a, axis=axis, correction=ddof, keepdims=keepdims)


@_adapts(np.std)
def _std(a: Tensor, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
    return reduce.std(a, axis=axis, correction=ddof, keepdims=keepdims)


@_adapts(np.cumsum)
def _cumsum(a: Tensor, axis: int | None = None) -> Tensor:
    return reduce.cumsum(a.reshape(-1), axis=0) if axis is None else reduce.cumsum(a, axis=axis)


@_adapts(np.cumprod)
def _cumprod(a: Tensor, axis: int | None = None) -> Tensor:
    return reduce.cumprod(a.reshape(-1), axis=0) if axis is None else reduce.cumprod(a, axis=axis)


@_adapts(np.linalg.norm)
def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    matrix = (x.ndim == 2 and axis is None) or (isinstance(axis, tuple) and len(axis) == 2)
    if ord is not None and ord != "fro" and matrix:
        raise TypeError(f"np.linalg.norm of a matrix with ord={ord!r} has no gradient rule in autograd_lite")
    return reduce.norm(x, 2 if ord in (None, "fro") else ord, axis=axis, keepdims=keepdims)


# -- shape ------------------------------------------------------------------------------------------------------------


@_adapts(np.transpose)
def _transpose(a: Tensor, axes: Any = None) -> Tensor:
    return shape.permute(a, tuple(range(a.ndim))[::-1] if axes is None else tuple(axes))


@_adapts(np.swapaxes)
def _swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    return shape.swapaxes(a, axis1, axis2)


@_adapts(np.moveaxis)
def _moveaxis(a: Tensor, source: Any, destination: Any) -> Tensor:
    return shape.movedim(a, source, destination)


@_adapts(np.reshape)
def _reshape(a: Tensor, /, shape: Any) -> Tensor:
    return a.reshape(shape)


@_adapts(np.ravel)
def _ravel(a: Tensor) -> Tensor:
    return a.reshape(-1)


@_adapts(np.squeeze)
def _squeeze(a: Tensor, axis: Any = None) -> Tensor:
    for one in () if axis is None else axis if isinstance(axis, tuple) else (axis,):
        if a.size(one) != 1:
            raise ValueError(f"np.squeeze: axis {one} of shape {a.shape} is not of length 1")
    return shape.squeeze(a) if axis is None else shape.squeeze(a, axis)


@_adapts(np.expand_dims)
def _expand_dims(a: Tensor, axis: int) -> Tensor:
    return shape.unsqueeze(a, axis)


@_adapts(np.broadcast_to)
def _broadcast_to(array: Tensor, /, shape: Any) -> Tensor:
    return array.broadcast_to(shape if isinstance(shape, tuple) else (shape,))


@_adapts(np.tile)
def _tile(A: Tensor, reps: Any) -> Tensor:
    return shape.tile(A, reps if isinstance(reps, tuple) else (reps,))


@_adapts(np.repeat)
def _repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    flat = a.reshape(-1) if axis is None else a
    along = 0 if axis is None else axis
    return index.index_select(flat, along, np.repeat(np.arange(flat.shape[along]), np.asarray(repeats)))


@_adapts(np.flip)
def _flip(m: Tensor, axis: Any = None) -> Tensor:
    return shape.flip(m, tuple(range(m.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,))


@_adapts(np.roll)
def _roll(a: Tensor, /, shift: Any, axis: Any = None) -> Tensor:
    return shape.roll(a, shift, axis)


@_adapts(np.pad)
def _pad(array: Tensor, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Tensor:
    """NumPy names the first axis first, `pad` the last one."""
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    flat = tuple(int(n) for pair in widths[::-1] for n in pair)
    if mode == "constant":
        return shape.pad(array, flat, "constant", constant_values)
    if mode not in ("reflect", "edge"):
        raise TypeError(f"np.pad with mode={mode!r} has no gradient rule in autograd_lite")
    return shape.pad(array, flat, "replicate" if mode == "edge" else mode)


@_adapts(np.tril)
def _tril(m: Tensor, k: int = 0) -> Tensor:
    return diagonal.tril(m, k)


@_adapts(np.triu)
def _triu(m: Tensor, k: int = 0) -> Tensor:
    return diagonal.triu(m, k)


@_adapts(np.diagonal)
def _diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonal.diagonal(a, offset, axis1, axis2)


@_adapts(np.diag)
def _diag(v: Tensor, k: int = 0) -> Tensor:
    return diagonal.diag(v, k)


# -- joining and splitting --------------------------------------------------------------------------------------------


@_adapts(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0) -> Tensor:
    if axis is None:
        return join.cat([creation.as_tensor(a).reshape(-1) for a in arrays], axis=0)
    return join.cat(list(arrays), axis=axis)


@_adapts(np.stack)
def _stack(arrays: Any, axis: int = 0) -> Tensor:
    return join.stack(list(arrays), axis=axis)


@_adapts(np.hstack)
def _hstack(tup: Any) -> Tensor:
    return join.hstack(list(tup))


@_adapts(np.vstack)
def _vstack(tup: Any) -> Tensor:
    return join.vstack(list(tup))


@_adapts(np.split, np.array_split)
def _split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    places = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    return list(join.split(ary, [len(p) for p in places], axis=axis))


# -- choosing ---------------------------------------------------------------------------------------------------------


@_adapts(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    return elementwise.clamp(a, min if a_min is None else a_min, max if a_max is None else a_max)


@_adapts(np.take)
def _take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    flat = a.reshape(-1) if axis is None else a
    return flat[(slice(None),) * ((0 if axis is None else axis) % flat.ndim) + (indices,)]


@_adapts(np.take_along_axis)
def _take_along_axis(arr: Tensor, indices: Any, axis: int = -1) -> Tensor:
    return index.take_along_axis(arr, indices, axis)


@_adapts(np.sort)
def _sort(a: Tensor, axis: int | None = -1) -> Tensor:
    return order.sort(a.reshape(-1) if axis is None else a, axis=-1 if axis is None else axis).values


@_adapts(np.argsort)
def _argsort(a: Tensor, axis: int | None = -1) -> Tensor:
    return order.argsort(a.reshape(-1) if axis is None else a, axis=-1 if axis is None else axis)


# -- linear algebra ---------------------------------------------------------------------------------------------------


@_adapts(np.dot)
def _dot(a: Any, b: Any) -> Tensor:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.mul(a, b)
    if np.ndim(b) > 2:
        raise TypeError("np.dot with a second operand of more than two axes has no gradient rule; use np.einsum")
    return linalg.matmul(a, b)


@_adapts(np.outer)
def _outer(a: Any, b: Any) -> Tensor:
    return linalg.outer(creation.as_tensor(a).reshape(-1), creation.as_tensor(b).reshape(-1))


@_adapts(np.einsum)
def _einsum(subscripts: str, *operands: Any) -> Tensor:
    return linalg.einsum(subscripts, *operands)


@_adapts(np.trace)
def _trace(a: Tensor) -> Tensor:
    return linalg.trace(a)


# -- about a tensor ---------------------------------------------------------------------------------------------------


@_adapts(np.shape)
def _shape(a: Tensor) -> tuple[int, ...]:
    return a.shape


@_adapts(np.ndim)
def _ndim(a: Tensor) -> int:
    return a.ndim


@_adapts(np.size)
def _size(a: Tensor, axis: int | None = None) -> int:
    return a.numel() if axis is None else a.size(axis)


@_adapts(np.zeros_like)
def _zeros_like(a: Tensor) -> Tensor:
    return creation.zeros_like(a)


@_adapts(np.ones_like)
def _ones_like(a: Tensor) -> Tensor:
    return creation.ones_like(a)


@_adapts(np.allclose)
def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return np.allclose(_values(a), _values(b), rtol, atol, equal_nan)


@_adapts(np.isclose)
def _isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    return Tensor(np.isclose(_values(a), _values(b), rtol, atol, equal_nan))


@_adapts(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    return np.array_equal(_values(a1), _values(a2), equal_nan)


def _values(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


assert ops  # the registry, and with it NUMPY, is filled by importing the operations
