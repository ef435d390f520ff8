"""Start values of parameters, written in place; each function returns its tensor.

``generator`` is an `autograd_lite.Generator`; without one the global generator is used (see `manual_seed`).
For a weight ``(out, in, …)``, fan_in is the number of inputs of one output, fan_out the reverse.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from autograd_lite import Tensor, get_default_dtype, no_grad

__all__ = [
    "constant_", "empty", "he_normal_", "he_uniform_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

T = TypeVar("T", bound=Tensor)


def empty(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """A tensor for start values to be written to, in the default dtype.  Raises TypeError for one not floating."""
    dtype = np.dtype(dtype or get_default_dtype())
    if dtype.kind != "f":
        raise TypeError(f"parameters must be floating, got {dtype}")
    return Tensor(np.zeros(shape, dtype))


@no_grad
def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Any = None) -> T:
    """Fill from the uniform distribution on [a, b).  Raises ValueError for a > b."""
    tensor.uniform_(a, b, generator=generator)
    return tensor


@no_grad
def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> T:
    """Fill from the normal distribution.  Raises ValueError for a negative ``std``."""
    tensor.normal_(mean, std, generator=generator)
    return tensor


@no_grad
def constant_(tensor: T, value: float) -> T:
    """Fill with ``value``."""
    tensor.fill_(value)
    return tensor


def zeros_(tensor: T) -> T:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: T) -> T:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight ``(out, in, …)``."""
    if tensor.ndim < 2:
        raise ValueError(f"a fan needs a weight of at least 2 axes (out, in, …), got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _spread(tensor: T, variance: float, normal: bool, generator: Any) -> T:
    """Fill with mean 0 and a variance: a uniform distribution on ±b has the variance b²/3."""
    if normal:
        return normal_(tensor, 0.0, math.sqrt(variance), generator)
    bound = math.sqrt(3 * variance)
    return uniform_(tensor, -bound, bound, generator)


def _xavier_variance(tensor: Tensor, gain: float, glorot: bool) -> float:
    fan_in, fan_out = _fans(tensor)
    return gain**2 * (2 / (fan_in + fan_out) if glorot else 1 / fan_in)


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Any = None, *, glorot: bool = False) -> T:
    """Uniform with variance ``gain² / fan_in``, for tanh  (cheat sheet 3.3).

    ``glorot=True`` gives PyTorch's and the paper's ``gain² · 2 / (fan_in + fan_out)``  (Glorot & Bengio 2010).
    Raises ValueError for fewer than 2 axes.
    """
    return _spread(tensor, _xavier_variance(tensor, gain, glorot), False, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Any = None, *, glorot: bool = False) -> T:
    """Normal with the variance of `xavier_uniform_`."""
    return _spread(tensor, _xavier_variance(tensor, gain, glorot), True, generator)


def kaiming_uniform_(tensor: T, a: float = 0.0, generator: Any = None) -> T:
    """Uniform with variance ``2 / ((1 + a²) fan_in)``: ``a`` is the slope of a leaky ReLU, 0 of ReLU.

    Source: He et al. 2015.  Raises ValueError for fewer than 2 axes.
    """
    return _spread(tensor, 2 / ((1 + a**2) * _fans(tensor)[0]), False, generator)


def kaiming_normal_(tensor: T, a: float = 0.0, generator: Any = None) -> T:
    """Normal with the variance of `kaiming_uniform_`."""
    return _spread(tensor, 2 / ((1 + a**2) * _fans(tensor)[0]), True, generator)


def he_uniform_(tensor: T, generator: Any = None) -> T:
    """Uniform with variance ``2 / fan_in``, for ReLU  (cheat sheet 3.3)."""
    return kaiming_uniform_(tensor, 0.0, generator)


def he_normal_(tensor: T, generator: Any = None) -> T:
    """Normal with variance ``2 / fan_in``, for ReLU  (cheat sheet 3.3)."""
    return kaiming_normal_(tensor, 0.0, generator)
