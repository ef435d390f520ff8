"""Normalisation: what lies in a channel, a row or a group of channels gets mean 0 and variance 1.

All of it is one operation, `standardize`; the functions differ in what they take for a channel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .. import kernels
from ..kernels import threads
from ..modes import mode
from ..op import Sample, op
from ..tensor import Tensor
from ..writes import log_write
from .composed import as_operand, composed
from .elementwise import rsqrt, square
from .out import deliver, fresh
from .reduce import mean
from .shape import reshape

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "standardize"]

PIECE = 1 << 13  # elements that are worth a thread's while
COLUMNS = 512  # channels of (N, C) in a piece at least: narrow strips of long rows share few places in a cache


class Running:
    """Running mean and variance, moved in place by ``momentum`` towards those of a batch."""

    def __init__(self, arrays: Sequence[ndarray], momentum: float) -> None:
        self.arrays, self.momentum = arrays, momentum

    def __repr__(self) -> str:
        return f"<running statistics, momentum {self.momentum}>"

    def move(self, statistics: ndarray, count: int) -> None:
        """Towards the mean and the variance of ``count`` values, which is made unbiased."""
        mean, var = statistics
        for running, batch in zip(self.arrays, (mean, var * (count / (count - 1))), strict=True):
            np.copyto(running, running + self.momentum * (batch - running), casting="same_kind")
        log_write("batch_norm", *self.arrays)


# -- the operation ----------------------------------------------------------------------------------------------------


def _per_channel(values: Any, ndim: int) -> Any:
    """``(C,)`` in a shape that broadcasts to ``(N, C, …)``."""
    return reshape(values, (-1,) + (1,) * (ndim - 2))


def _composition(x: Any, weight: Any, bias: Any, statistics: Any, eps: float, running: Any) -> Any:
    axes = (0, *range(2, x.ndim))
    if statistics is None:
        centred = x - mean(x, axes, True)
        var = mean(square(centred), axes, True)
    else:
        known, var = [_per_channel(row.astype(x.dtype), x.ndim) for row in statistics]
        centred = x - known
    y = centred * rsqrt(var + eps)
    if weight is not None:
        y = y * _per_channel(weight, x.ndim)
    return y if bias is None else y + _per_channel(bias, x.ndim)


def _packed(x: ndarray) -> ndarray:
    """What a kernel takes: ``(N, C, L)``, or ``(N, C)`` where L is 1, contiguous, of 32 or 64 bits."""
    length = math.prod(x.shape[2:])
    x = np.ascontiguousarray(x, np.float32 if x.dtype == np.float16 else x.dtype)
    return x.reshape(*x.shape[:2], length) if length != 1 else x.reshape(x.shape[:2])


def _vector(values: ndarray | None, default: float, like: ndarray) -> ndarray:
    """Values for the channels of ``like``, contiguous and of its dtype."""
    if values is None:
        return np.full(like.shape[1], default, like.dtype)
    return np.ascontiguousarray(values, like.dtype)


def _run(pair: tuple[Any, Any], x: ndarray, *arguments: Any) -> None:
    """Run the kernel for ``(N, C)`` or that for ``(N, C, L)`` over all channels."""
    n, channels, *length = x.shape
    grain = PIECE // max(n * math.prod(length), 1)
    threads.run(pair[len(length)], channels, *arguments, grain=max(grain, 1 if length else COLUMNS))


def _check_channels(x: ndarray, weight: ndarray | None, bias: ndarray | None, statistics: ndarray | None) -> None:
    if x.ndim < 2:
        raise ValueError(f"the shape must be (N, C, …), got {x.shape}")
    channels = x.shape[1]
    for name, values, shape in (
        ("weight", weight, (channels,)), ("bias", bias, (channels,)), ("statistics", statistics, (2, channels)),
    ):  # fmt: skip
        if values is not None and values.shape != shape:
            raise ValueError(f"{name} must have shape {shape} for {channels} channels, got {values.shape}")


def _joint(needs, g, out, found, x, weight, bias, statistics, eps, running):
    data = _packed(x)
    dx = fresh(x.shape, data.dtype) if needs[0] else None
    dweight, dbias = np.empty((2, x.shape[1]))
    _run(
        (kernels.norm.normalize_columns_back, kernels.norm.normalize_back), data,
        _packed(g), data, _vector(weight, 1, data), *found, statistics is not None, eps,
        data[:0] if dx is None else _packed(dx), dweight, dbias,
    )  # fmt: skip
    return dx, dweight, dbias


def _samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((4, 3), (2, 3, 2), (2, 2, 2, 3), (5, 2, 1))
    samples = [Sample(rng.normal(2, 3, s), rng.normal(size=s[1]), rng.normal(size=s[1])) for s in shapes]
    x = rng.normal(size=(2, 3, 2))
    known = np.stack([rng.normal(size=3), rng.uniform(0.5, 2, 3)])
    return [
        *samples, Sample(x), Sample(x, rng.normal(size=3), eps=0.1),
        Sample(x, rng.normal(size=3), rng.normal(size=3), statistics=known),
        Sample(x[..., 0], rng.normal(size=3), rng.normal(size=3), statistics=known),
    ]  # fmt: skip


@op(
    joint=_joint, arity=3, residuals=True, reference=_composition, floating=True, symbol="norm", samples=_samples,
)  # fmt: skip
def standardize(x, weight=None, bias=None, statistics=None, eps=1e-5, running=None, out=None):
    """``(x − mean) / √(var + ε) · weight + bias`` of each channel: ``(N, C, …), (C,), (C,) -> (N, C, …)``.

    ``statistics`` ``(2, C)`` are the channels' means and variances if they are not to be found from x itself;
    ``running`` is told those that were found.  Raises ValueError for shapes that do not fit.
    """
    _check_channels(x, weight, bias, statistics)
    channels, data = x.shape[1], _packed(x)
    found = np.empty((2, channels)) if statistics is None else np.array(statistics, np.float64)
    result = fresh(x.shape, data.dtype)
    _run(
        (kernels.norm.normalize_columns, kernels.norm.normalize), data,
        data, _vector(weight, 1, data), _vector(bias, 0, data), *found, statistics is not None, eps, _packed(result),
    )  # fmt: skip
    if running is not None:
        running.move(found, data.size // channels)
    return deliver(result.astype(x.dtype, copy=False), out), found


# -- the functions ----------------------------------------------------------------------------------------------------


def _batch_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((4, 3), (2, 3, 2), (2, 3, 2, 2))
    given = {"running_mean": rng.normal(size=3), "running_var": rng.uniform(0.5, 2, 3)}
    return [
        *[Sample(rng.normal(2, 3, s), None, None, rng.normal(size=3), rng.normal(size=3), True) for s in shapes],
        *[Sample(rng.normal(2, 3, s), **given, weight=rng.normal(size=3), bias=rng.normal(size=3)) for s in shapes],
        Sample(rng.normal(size=(2, 3)), None, None, training=True, eps=0.1), Sample(rng.normal(size=(1, 3)), **given),
    ]  # fmt: skip


@composed(_batch_samples)
def batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """`standardize` each channel over the batch, ``(N, C, …) -> (N, C, …)``  (cheat sheet 3.3; Ioffe & Szegedy, 2015).

    While training by the batch's own mean and variance, towards which the running ones, if there are any, move in
    place: ``r ← (1 − momentum) r + momentum·b``, with b the batch's mean and unbiased variance.  Else by the running
    ones.  A gradient check (`gradcheck`) does not move them.  Raises ValueError for shapes that do not fit, for less
    than two values per channel while training, and without running statistics otherwise.

    >>> import autograd_lite as al
    >>> al.batch_norm(al.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.],
            [ 1.]])
    """
    if x.ndim < 2:
        raise ValueError(f"batch_norm: the shape must be (N, C, …), got {x.shape}")
    _check_shapes(
        "batch_norm", x, x.shape[1:2], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    statistics = _running(running_mean, running_var)
    if not training:
        if statistics is None:
            raise ValueError(f"batch_norm of {x.shape}: without training it needs running_mean and running_var")
        return standardize(x, weight, bias, np.stack(statistics), eps)
    count = x.shape[0] * math.prod(x.shape[2:])
    if count < 2:
        raise ValueError(f"batch_norm: training needs more than one value per channel, got {count} in shape {x.shape}")
    running = None if statistics is None or mode.checking else Running(statistics, momentum)
    return standardize(x, weight, bias, None, eps, running)


def _check_shapes(function: str, x: Any, shape: tuple[int, ...], **given: Any) -> None:
    """Raise ValueError for something given that has not ``shape``."""
    for name, values in given.items():
        if values is not None and as_operand(values).shape != shape:
            raise ValueError(
                f"{function}: {name} must have shape {shape} for an input of {x.shape}, got {as_operand(values).shape}"
            )


def _running(*statistics: Any) -> list[ndarray] | None:
    """The arrays of running mean and variance, or None without them.  Raises TypeError for one without the other."""
    if all(s is None for s in statistics):
        return None
    for s in statistics:
        if not isinstance(s, (Tensor, ndarray)):
            raise TypeError(f"batch_norm: running_mean and running_var are tensors or both None, got {s!r}")
        if isinstance(s, Tensor) and s.requires_grad:
            raise TypeError(f"batch_norm: no gradient flows to running statistics; pass {s!r}.detach()")
    return [s._array if isinstance(s, Tensor) else s for s in statistics]


def _scaled(x: Any, weight: Any, bias: Any) -> Any:
    """``x·weight + bias`` of each channel: standardized by mean 0 and variance 1, in one pass."""
    if weight is None and bias is None:
        return x
    return standardize(x, weight, bias, np.repeat([[0.0], [1.0]], x.shape[1], axis=1), 0.0)


def _row_samples(rng: np.random.Generator) -> list[Sample]:
    def case(shape: tuple[int, ...], axes: int) -> Sample:
        return Sample(rng.normal(2, 3, shape), shape[-axes:], *rng.normal(size=(2, *shape[-axes:])))

    return [
        case((4, 3), 1), case((3,), 1), case((2, 2, 3), 2), case((0, 3), 1),
        Sample(rng.normal(size=(2, 3)), (3,), eps=0.1), Sample(rng.normal(size=(2, 3)), 3, rng.normal(size=3)),
    ]  # fmt: skip


@composed(_row_samples)
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """`standardize` each example over its last axes, ``(…, *S), S, S -> (…, *S)`` with S the ``normalized_shape``.

    Source: Ba et al., 2016.  Raises ValueError for shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.layer_norm(al.tensor([[1.0, 3.0], [5.0, 9.0]]), 2)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: the last axes must be {shape}, got shape {x.shape}")
    _check_shapes("layer_norm", x, shape, weight=weight, bias=bias)
    rows, length = math.prod(x.shape[: -len(shape)]), math.prod(shape)
    y = reshape(standardize(reshape(x, (1, rows, length)), eps=eps), (rows, length))
    weight, bias = [v if v is None else reshape(as_operand(v), (length,)) for v in (weight, bias)]
    return reshape(_scaled(y, weight, bias), x.shape)


def _group_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((2, 4), (2, 4, 3), (2, 4, 2, 2))
    return [
        *[Sample(rng.normal(2, 3, s), 2, rng.normal(size=4), rng.normal(size=4)) for s in shapes],
        Sample(rng.normal(size=(2, 4, 2)), 1, eps=0.1), Sample(rng.normal(size=(2, 4, 2)), 4, rng.normal(size=4)),
    ]  # fmt: skip


@composed(_group_samples)
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """`standardize` groups of neighbouring channels in each example, ``(N, C, …), (C,), (C,) -> (N, C, …)``.

    Source: Wu & He, 2018.  Raises ValueError for channels that do not split into ``num_groups`` equal groups, and for
    shapes that do not fit.
    """
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"group_norm: the channels of (N, C, …) must split into {num_groups} groups, got {x.shape}")
    n, channels = x.shape[:2]
    _check_shapes("group_norm", x, (channels,), weight=weight, bias=bias)
    groups = (1, n * num_groups, channels // num_groups * math.prod(x.shape[2:]))
    return _scaled(reshape(standardize(reshape(x, groups), eps=eps), x.shape), weight, bias)


def _instance_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(rng.normal(2, 3, (2, 3, 2, 2)), weight=rng.normal(size=3), bias=rng.normal(size=3)),
        Sample(rng.normal(size=(2, 3, 4)), eps=0.1),
    ]


@composed(_instance_samples)
def instance_norm(x: Any, *, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """`standardize` each channel of each example: `group_norm` with groups of one channel  (Ulyanov et al., 2016)."""
    if x.ndim < 3:
        raise ValueError(f"instance_norm: the shape must be (N, C, L, …), got {x.shape}")
    return group_norm(x, x.shape[1], weight, bias, eps)
