"""Start values of parameters, written in place; each function returns its tensor.

``generator`` is an `autograd_lite.Generator`; without one the global generator is used (see `manual_seed`).
For a weight ``(out, in, …)``, fan_in is the number of inputs of one output, fan_out the reverse.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from autograd_lite import Generator, Tensor, get_default_dtype, no_grad, rand, randn

__all__ = [
    "calculate_gain", "constant_", "dirac_", "empty", "eye_", "he_normal_", "he_uniform_", "kaiming_normal_",
    "kaiming_uniform_", "normal_", "ones_", "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

T = TypeVar("T", bound=Tensor)


def empty(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """A tensor for start values to be written to, in the default dtype.  Raises TypeError for one not floating."""
    dtype = np.dtype(dtype or get_default_dtype())
    if dtype.kind != "f":
        raise TypeError(f"parameters must be floating, got {dtype}")
    return Tensor(np.zeros(shape, dtype))


@no_grad
def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Fill from the uniform distribution on [a, b).  Raises ValueError for a > b."""
    tensor.uniform_(a, b, generator=generator)
    return tensor


@no_grad
def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> T:
    """Fill from the normal distribution.  Raises ValueError for a negative ``std``."""
    tensor.normal_(mean, std, generator=generator)
    return tensor


@no_grad
def trunc_normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> T:
    """Fill from the normal distribution cut to [a, b]: by its inverse distribution function, exactly.

    Raises ValueError for a ≥ b, for std ≤ 0, and for an interval more than 37 standard deviations from the mean.
    """
    from statistics import NormalDist  # takes 13 ms to import

    if not a < b:
        raise ValueError(f"trunc_normal_: a must be below b, got {a} and {b}")
    if not std > 0:
        raise ValueError(f"trunc_normal_: std must be above 0, got {std}")
    low, high = (a - mean) / std, (b - mean) / std
    side = -1.0 if low > 0 else 1.0  # what lies above the mean is drawn as its mirror image: no 1 − p with a small p
    chances = sorted([math.erfc(-side * z / math.sqrt(2)) / 2 for z in (low, high)])
    if not chances[1] > np.finfo(float).tiny:
        raise ValueError(f"trunc_normal_: [{a}, {b}] is too far from the mean {mean} for a std of {std}")
    drawn = rand(tensor.shape, generator=generator, dtype=np.float64).numpy()
    chosen = np.clip(chances[0] + (chances[1] - chances[0]) * drawn, np.finfo(float).tiny, np.nextafter(1, 0))
    inverse = NormalDist().inv_cdf
    z = side * np.array([inverse(p) for p in chosen.ravel().tolist()]).reshape(tensor.shape)
    tensor.copy_(np.clip(mean + std * z, a, b))
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


@no_grad
def eye_(tensor: T) -> T:
    """Fill a matrix ``(out, in)`` with the identity: a linear layer passes its inputs on.

    Raises ValueError for other than 2 axes.
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_ fills a matrix of 2 axes, got shape {tensor.shape}")
    rows, columns = tensor.shape
    tensor.copy_(np.eye(rows, columns))
    return tensor


@no_grad
def dirac_(tensor: T, groups: int = 1) -> T:
    """Fill filters ``(out, in, …)`` with a 1 in the middle: a convolution passes as many channels on as it can.

    Each of the ``groups`` does.  Raises ValueError for other than 3 to 5 axes, and for filters that do not divide into
    the groups.
    """
    if not 3 <= tensor.ndim <= 5:
        raise ValueError(f"dirac_ fills filters of 3 to 5 axes (out, in, …), got shape {tensor.shape}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ValueError(f"dirac_: {tensor.shape[0]} filters do not divide into {groups} groups")
    filters = tensor.shape[0] // groups
    middle = tuple([n // 2 for n in tensor.shape[2:]])
    values = np.zeros(tensor.shape)
    for group in range(groups):
        for channel in range(min(filters, tensor.shape[1])):
            values[group * filters + channel, channel][middle] = 1
    tensor.copy_(values)
    return tensor


@no_grad
def orthogonal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Fill ``(out, in·…)`` with a random orthogonal matrix times ``gain``: its rows or, if fewer, its columns.

    Every orthogonal matrix is equally likely: Q of the QR factors of a normal matrix, where R's diagonal is made
    positive (Saxe et al. 2013; Mezzadri 2007).  Raises ValueError for fewer than 2 axes.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ needs at least 2 axes (out, in, …), got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    q, r = np.linalg.qr(randn(max(rows, columns), min(rows, columns), generator=generator, dtype=np.float64).numpy())
    q = q * np.where(np.diagonal(r) < 0, -1, 1)
    tensor.copy_(gain * (q if rows >= columns else q.T).reshape(tensor.shape))
    return tensor


@no_grad
def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Fill a matrix ``(out, in)`` from the normal distribution; in each column a share ``sparsity`` is 0.

    The share is rounded up (Martens 2010).  Raises ValueError for other than 2 axes, a share outside [0, 1], a
    negative std.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_ fills a matrix of 2 axes, got shape {tensor.shape}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity must be in [0, 1], got {sparsity}")
    normal_(tensor, 0.0, std, generator)
    places = rand(tensor.shape, generator=generator, dtype=np.float64).numpy().argsort(0)  # each column in random order
    values = tensor.numpy().copy()
    np.put_along_axis(values, places[: math.ceil(sparsity * tensor.shape[0])], 0, axis=0)
    tensor.copy_(values)
    return tensor


# -- variances by the fan ---------------------------------------------------------------------------------------------

GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4, **dict.fromkeys(["linear", "sigmoid"], 1.0),
         **dict.fromkeys(["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"], 1.0)}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What weights are multiplied by so that the variance stays the same through an activation; PyTorch's numbers.

    1 for "linear", convolutions and "sigmoid", 5/3 for "tanh", √2 for "relu", ``√(2 / (1 + a²))`` for "leaky_relu" of
    slope a = ``param`` (0.01 if it is left out), 3/4 for "selu".  Raises ValueError for another name.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"there is no gain for {nonlinearity!r}; there is for leaky_relu, {', '.join(GAINS)}")
    return GAINS[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight ``(out, in, …)``."""
    if tensor.ndim < 2:
        raise ValueError(f"a fan needs a weight of at least 2 axes (out, in, …), got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _spread(tensor: T, variance: float, normal: bool, generator: Generator | None) -> T:
    """Fill with mean 0 and a variance: a uniform distribution on ±b has the variance b²/3."""
    if normal:
        return normal_(tensor, 0.0, math.sqrt(variance), generator)
    bound = math.sqrt(3 * variance)
    return uniform_(tensor, -bound, bound, generator)


def _xavier_variance(tensor: Tensor, gain: float, glorot: bool) -> float:
    fan_in, fan_out = _fans(tensor)
    return gain**2 * (2 / (fan_in + fan_out) if glorot else 1 / fan_in)


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None, *, glorot: bool = False) -> T:
    """Uniform with variance ``gain² / fan_in``, for tanh  (cheat sheet 3.3).

    ``glorot=True`` gives PyTorch's and the paper's ``gain² · 2 / (fan_in + fan_out)``  (Glorot & Bengio 2010).
    Raises ValueError for fewer than 2 axes.
    """
    return _spread(tensor, _xavier_variance(tensor, gain, glorot), False, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None, *, glorot: bool = False) -> T:
    """Normal with the variance of `xavier_uniform_`: ``gain² / fan_in``, for tanh  (cheat sheet 3.3)."""
    return _spread(tensor, _xavier_variance(tensor, gain, glorot), True, generator)


def _kaiming_variance(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ("fan_in", "fan_out")
    if mode not in modes:
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) ** 2 / _fans(tensor)[modes.index(mode)]


def kaiming_uniform_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Uniform with variance ``gain² / fan``; by default ``2 / ((1 + a²) fan_in)``, for a leaky ReLU of slope ``a``.

    With a = 0 that is ReLU.  ``mode`` says which fan, ``nonlinearity`` whose gain, see `calculate_gain`.
    Source: He et al. 2015.  Raises ValueError for fewer than 2 axes, another mode, another nonlinearity.
    """
    return _spread(tensor, _kaiming_variance(tensor, a, mode, nonlinearity), False, generator)


def kaiming_normal_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Normal with the variance of `kaiming_uniform_`."""
    return _spread(tensor, _kaiming_variance(tensor, a, mode, nonlinearity), True, generator)


def he_uniform_(tensor: T, generator: Generator | None = None) -> T:
    """Uniform with variance ``2 / fan_in``, for ReLU  (cheat sheet 3.3; He et al. 2015)."""
    return kaiming_uniform_(tensor, generator=generator)


def he_normal_(tensor: T, generator: Generator | None = None) -> T:
    """Normal with variance ``2 / fan_in``, for ReLU  (cheat sheet 3.3; He et al. 2015)."""
    return kaiming_normal_(tensor, generator=generator)
