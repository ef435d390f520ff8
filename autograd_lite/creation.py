"""Making tensors: from data, filled, counted.

Everywhere: ``dtype`` is by default `get_default_dtype` for floating results, ``requires_grad`` records what is done
with the tensor, ``device`` may only be ``"cpu"``.  Sizes are written ``zeros(2, 3)`` or ``zeros((2, 3))``.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy import ndarray

from .tensor import Tensor, as_array, get_default_dtype

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "ones",
    "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def checked_size(size: Any) -> tuple[int, ...]:
    """``(2, 3)`` or ``((2, 3),)`` as integers.  Raises TypeError for others, ValueError for negative ones."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    try:
        size = tuple([operator.index(n) for n in size])
    except TypeError as error:
        raise TypeError(f"a size is made of integers, got {size!r}") from error
    if any(n < 0 for n in size):
        raise ValueError(f"a size cannot be negative, got {size}")
    return size


def floating(dtype: Any) -> np.dtype:
    """``dtype``, by default the default floating one.  Raises TypeError for what is no dtype of real numbers."""
    checked = get_default_dtype() if dtype is None else np.dtype(dtype)
    if checked.kind not in "fiub":
        raise TypeError(f"a tensor holds real numbers, not {checked}")
    return checked


def check_device(device: Any) -> None:
    """Raise ValueError for a device other than the CPU."""
    if device is not None and str(device) != "cpu":
        raise ValueError(f"the only device is 'cpu', got {device!r}")


def finished(array: ndarray, requires_grad: bool) -> Tensor:
    """A Tensor around a new array."""
    result = Tensor._wrap(array)
    if requires_grad:
        result.requires_grad = True
    return result


# -- from data --------------------------------------------------------------------------------------------------------


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, *, device: Any = None) -> Tensor:
    """A tensor with a copy of numbers, nested lists, an array.  Python floats take the default dtype.

    Raises TypeError for what is not real numbers, for integers with ``requires_grad`` and for a Tensor that requires a
    gradient (which would be lost), ValueError for ragged lists.

    >>> tensor([[1, 2], [3, 4]]).dtype
    dtype('int64')
    >>> tensor(1.5, requires_grad=True)
    tensor(1.5, requires_grad=True)
    """
    check_device(device)
    return Tensor(data, requires_grad=requires_grad, dtype=dtype)


def as_tensor(data: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """``data`` itself if it is a Tensor of that dtype, else a tensor with a copy of it (see `from_numpy`)."""
    check_device(device)
    if not isinstance(data, Tensor):
        return Tensor(data, dtype=dtype)
    return data if dtype is None or data.dtype == np.dtype(dtype) else data.astype(dtype)


def from_numpy(array: ndarray) -> Tensor:
    """A tensor with a copy of an array, of the same dtype.  Raises TypeError for what is no array of real numbers.

    A copy, unlike PyTorch's shared memory: a write to the array would pass the tape and could make gradients wrong
    without a word.  A Tensor owns its memory.
    """
    if not isinstance(array, ndarray):
        raise TypeError(f"from_numpy takes an array, not {type(array).__name__}")
    return Tensor(array)


# -- filled -----------------------------------------------------------------------------------------------------------


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``.  Raises ValueError for a negative size."""
    check_device(device)
    return finished(np.zeros(checked_size(size), floating(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Ones: ``ones(2, 3)`` or ``ones((2, 3))``.  Raises ValueError for a negative size."""
    check_device(device)
    return finished(np.ones(checked_size(size), floating(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Memory that is to be filled: its numbers are arbitrary.  Raises ValueError for a negative size."""
    check_device(device)
    return finished(np.empty(checked_size(size), floating(dtype)), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of ``size`` in which every element is ``fill_value``, whose type gives the dtype.

    Raises ValueError for a negative size or a value that is not one number.

    >>> full((2,), 7)
    tensor([7, 7])
    """
    check_device(device)
    value = _one_number("full", fill_value)
    size = checked_size(size if isinstance(size, (tuple, list)) else (size,))
    return finished(np.full(size, value, value.dtype if dtype is None else floating(dtype)), requires_grad)


def _one_number(name: str, value: Any) -> ndarray:
    array = as_array(value)
    if array.ndim:
        raise ValueError(f"{name} takes one number as fill_value, got shape {array.shape}")
    return array


def like(x: Any, dtype: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape of ``x`` and, unless ``dtype`` is given, its dtype."""
    if not isinstance(x, (Tensor, ndarray)):
        raise TypeError(f"a tensor is needed to make one like it, not {type(x).__name__}")
    return x.shape, floating(x.dtype if dtype is None else dtype)


def zeros_like(x: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Zeros of the shape and dtype of ``x``."""
    check_device(device)
    return finished(np.zeros(*like(x, dtype)), requires_grad)


def ones_like(x: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Ones of the shape and dtype of ``x``."""
    check_device(device)
    return finished(np.ones(*like(x, dtype)), requires_grad)


def empty_like(x: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Memory of the shape and dtype of ``x`` that is to be filled: its numbers are arbitrary."""
    check_device(device)
    return finished(np.empty(*like(x, dtype)), requires_grad)


def full_like(x: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of the shape and dtype of ``x`` in which every element is ``fill_value``."""
    check_device(device)
    shape, dtype = like(x, dtype)
    return finished(np.full(shape, _one_number("full_like", fill_value), dtype), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Ones on the diagonal of an ``(n, m)`` matrix (m = n), else zeros.  Raises ValueError for negative sizes."""
    check_device(device)
    rows, columns = checked_size((n, n if m is None else m))
    return finished(np.eye(rows, columns, dtype=floating(dtype)), requires_grad)


# -- counted ----------------------------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    """A 0-d tensor as the number in it."""
    return value.item() if isinstance(value, (Tensor, ndarray, np.generic)) else value


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """``start, start + step, …`` below ``end``; ``arange(n)`` counts from 0.  Integers give int64.

    Raises ValueError for a step of 0, one that leads away from the end, and numbers that are not finite.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    check_device(device)
    start, end, step = (_number(v) for v in ((0, start, step) if end is None else (start, end, step)))
    if not all(math.isfinite(v) for v in (start, end, step)) or step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange cannot count from {start} to {end} in steps of {step}")
    whole = all(isinstance(v, int) for v in (start, end, step))
    dtype = np.dtype(np.int64) if dtype is None and whole else floating(dtype)
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    return finished((start + np.arange(count) * step).astype(dtype), requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """``steps`` numbers, evenly apart, from ``start`` to ``end`` inclusive.  Raises ValueError for negative steps."""
    check_device(device)
    (steps,) = checked_size((steps,))
    return finished(np.linspace(_number(start), _number(end), steps).astype(floating(dtype)), requires_grad)
