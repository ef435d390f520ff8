"""Operations that rearrange: the numbers stay, their places change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Sample, op
from ..tensor import as_array
from .composed import composed, position, sizes
from .out import deliver
from .samples import normal, normals
from .summation import add_up

__all__ = [
    "astype", "broadcast_to", "clone", "contiguous", "expand", "expand_as", "flatten", "flip", "movedim", "permute",
    "ravel", "repeat", "repeat_interleave", "reshape", "reshape_as", "roll", "squeeze", "swapaxes", "swapdims", "t",
    "tile", "transpose", "unflatten", "unsqueeze", "view", "view_as",
]  # fmt: skip


def _tuple(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


# -- broadcasting -----------------------------------------------------------------------------------------------------


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple([i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1])
    if len(axes) == lead:
        return add_up(x, axes)
    return add_up(x, axes, keepdims=True).reshape(shape)


def _sum_to_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((4, 2, 3), (1, 3)), ((0, 3), (3,)), ((2, 3), (2, 3)))
    return [Sample(rng.normal(size=before), after) for before, after in cases]


@op(vjps=(lambda g, out, x, shape: broadcast_to(g, x.shape),), symbol="Σ→", samples=_sum_to_samples)
def sum_to(x, shape, out=None):
    """Sum over the axes along which ``shape`` broadcasts to the shape of ``x``: undoes `broadcast_to`."""
    return deliver(_sum_to(x, shape), out)


def _broadcast_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2,)), ((1, 3), (0, 3)), ((), ()))
    return [Sample(rng.normal(size=before), after) for before, after in cases]


@op(
    vjps=(lambda g, out, x, shape: sum_to(g, x.shape),),
    symbol="→", view=True, samples=_broadcast_samples,
)  # fmt: skip
def broadcast_to(x, shape, out=None):
    """``x`` repeated to ``shape``; -1 keeps an axis.  Raises ValueError where it does not broadcast."""
    shape = _tuple(shape)
    if -1 in shape:
        lead = len(shape) - np.ndim(x)
        shape = tuple([np.shape(x)[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(shape)])
    return deliver(np.broadcast_to(x, shape), out)


@composed(normal(((2, 1), (-1, 3)), ((3,), (2, 3)), ((), (2,))))
@sizes
def expand(x: Any, size: Sequence[int]) -> Any:
    """``x`` repeated to a shape, given as a tuple or number by number; -1 keeps an axis.  Takes no memory.

    Raises ValueError where ``x`` does not broadcast to it.

    >>> import autograd_lite as al
    >>> al.expand(al.Tensor([[1.0], [2.0]]), -1, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    return broadcast_to(x, size)


@composed(normals(((2, 1), (2, 3)), ((), (2,))))
def expand_as(x: Any, other: Any) -> Any:
    """``x`` repeated to the shape of ``other``.  Raises ValueError where it does not broadcast."""
    return broadcast_to(x, other.shape)


# -- copies -----------------------------------------------------------------------------------------------------------


@op(
    vjps=(lambda g, out, x, dtype: astype(g, x.dtype),),
    symbol="dtype", samples=lambda rng: [Sample(rng.normal(size=3), np.float64)],
)  # fmt: skip
def astype(x, dtype, out=None):
    """A copy of ``x`` with another dtype; the gradient returns in the first one."""
    return deliver(np.array(x, dtype=dtype), out)


def _orders(rng: np.random.Generator) -> list[Sample]:
    return [Sample(rng.normal(size=(2, 3))), Sample(rng.normal(size=(2, 3)).T), Sample(rng.normal(size=()))]


@op(vjps=(lambda g, out, x: g,), symbol="clone", numpy=(np.copy,), samples=_orders)
def clone(x, out=None):
    """A copy of ``x`` in memory of its own; the gradient passes through."""
    return deliver(np.array(x), out)


@op(vjps=(lambda g, out, x: g,), symbol="contiguous", view=True, samples=_orders)
def contiguous(x, out=None):
    """``x`` with its elements in order in memory: ``x``'s own memory if they are, else a copy."""
    return deliver(np.asarray(x, order="C"), out)


# -- another shape ----------------------------------------------------------------------------------------------------


def _reshape_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((2, 3), (3, 2)), ((), (1, 1)), ((1,), ()), ((0, 3), (3, 0)), ((2, 3), (-1,)), ((6,), (2, -1)))
    return [Sample(rng.normal(size=before), after) for before, after in cases] + [Sample(rng.normal(size=(2, 3)).T, 6)]


@sizes
@op(
    vjps=(lambda g, out, x, shape: reshape(g, x.shape),),
    symbol="reshape", view=True, samples=_reshape_samples,
)  # fmt: skip
def reshape(x, shape, out=None):
    """The elements of ``x``, in their order, in another shape, given as a tuple or number by number.

    One -1 is filled in.  Shares memory where it can.  Raises ValueError for another number of elements.

    >>> import autograd_lite as al
    >>> al.reshape(al.Tensor([1.0, 2.0, 3.0, 4.0]), 2, -1)
    tensor([[1., 2.],
            [3., 4.]])
    """
    return deliver(np.reshape(x, shape), out)


@composed(normal(((2, 3), (3, 2)), ((2, 3), (-1,))))
@sizes
def view(x: Any, shape: Sequence[int]) -> Any:
    """`reshape` under PyTorch's other name; copies where memory cannot be shared.  Raises TypeError for a dtype."""
    if not all(isinstance(n, (int, np.integer)) for n in shape):
        raise TypeError(f"view() takes a shape, got {shape!r}; use astype() for another dtype")
    return reshape(x, shape)


@composed(normals(((2, 3), (3, 2)), ((1,), ())))
def view_as(x: Any, other: Any) -> Any:
    """``x`` in the shape of ``other``.  Raises ValueError for another number of elements."""
    return reshape(x, other.shape)


reshape_as = view_as


@composed(normal(((2, 3),), ((),), ((0, 3),)))
def ravel(x: Any) -> Any:
    """The elements of ``x`` in one row, ``(…) -> (N,)``."""
    return reshape(x, (math.prod(x.shape),))


@composed(normal(((2, 3),), ((),), ((2, 3, 2), 1), ((2, 3, 2), 0, -2)))
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from ``start_dim`` through ``end_dim`` as one, ``(N, C, H, W) -> (N, C·H·W)`` for ``start_dim=1``.

    Raises IndexError for an axis out of range, ValueError when ``start_dim`` comes after ``end_dim``.
    """
    first, last = position(start_dim, x.shape), position(end_dim, x.shape)
    if first > last:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in shape {x.shape}")
    return reshape(x, (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@composed(normal(((2, 6), 1, (2, -1)), ((4,), 0, (2, 2))))
def unflatten(x: Any, axis: int, sizes: Sequence[int]) -> Any:
    """One axis as several, of lengths ``sizes``, one of which may be -1: undoes `flatten`.

    Raises IndexError for an axis out of range, ValueError for lengths whose product is not the axis's.
    """
    i = position(axis, x.shape)
    return reshape(x, (*x.shape[:i], *_filled(_tuple(sizes), x.shape, i), *x.shape[i + 1 :]))


def _filled(sizes: tuple[int, ...], shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """``sizes`` with a -1 replaced by what is left of the axis."""
    rest = math.prod([n for n in sizes if n != -1])
    if sizes.count(-1) == 1 and rest and shape[axis] % rest == 0:
        sizes = tuple([shape[axis] // rest if n == -1 else n for n in sizes])
    if not sizes or min(sizes) < 0 or math.prod(sizes) != shape[axis]:
        raise ValueError(f"unflatten: axis {axis} of shape {shape} does not divide into {sizes}")
    return sizes


@composed(normal(((1, 3, 1),), ((1, 3, 1), 0), ((1, 3, 1), (0, -1)), ((2, 3), 1)))
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """``x`` without its axes of length 1, all or those in ``axis``; other axes stay.

    Raises IndexError for an axis out of range.
    """
    axes = range(len(x.shape)) if axis is None else [position(a, x.shape) for a in _tuple(axis)]
    return reshape(x, [n for i, n in enumerate(x.shape) if n != 1 or i not in axes])


@composed(normal(((2, 3), 0), ((2, 3), -1), ((), 0)))
def unsqueeze(x: Any, axis: int) -> Any:
    """``x`` with a new axis of length 1 at ``axis``.  Raises IndexError for an axis out of range."""
    i = position(axis, x.shape, more=1)
    return reshape(x, (*x.shape[:i], 1, *x.shape[i:]))


# -- another order of the axes ----------------------------------------------------------------------------------------


def _inverse(axis: Any) -> tuple[int, ...] | None:
    return None if axis is None else tuple(np.argsort([a % len(_tuple(axis)) for a in _tuple(axis)]).tolist())


def _permute_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((2, 3, 4), (2, 0, 1)), ((2, 3), None), ((2, 3, 4), (-1, 0, -2)), ((), ()), ((0, 3), (1, 0)))
    return [Sample(rng.normal(size=shape), axis) for shape, axis in cases]


@sizes
@op(
    vjps=(lambda g, out, x, axis: permute(g, _inverse(axis)),),
    symbol="permute", view=True, samples=_permute_samples,
)  # fmt: skip
def permute(x, axis=None, out=None):
    """``x`` with its axes in the order ``axis``, a tuple or number by number; None reverses them.

    Shares memory.  Raises IndexError for an axis out of range, ValueError for what is not a permutation of the axes.

    >>> import autograd_lite as al
    >>> al.permute(al.Tensor([[[1.0, 2.0]]]), 2, 0, 1).shape
    (2, 1, 1)
    """
    if axis is not None:
        order = [position(a, np.shape(x)) for a in _tuple(axis)]
        if sorted(order) != list(range(np.ndim(x))):
            raise ValueError(f"the axes {axis} are not every axis of shape {np.shape(x)} once")
    return deliver(np.transpose(x, axis), out)


def _transpose_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((2, 3), 0, 1), ((2, 3, 4), -1, 0), ((2, 3), 1, 1), ((), 0, -1), ((0, 3), 0, 1))
    return [Sample(rng.normal(size=shape), *dims) for shape, *dims in cases]


@op(
    vjps=(lambda g, out, x, dim0, dim1: transpose(g, dim0, dim1),),
    symbol="ᵀ", view=True, samples=_transpose_samples,
)  # fmt: skip
def transpose(x, dim0, dim1, out=None):
    """``x`` with two axes exchanged.  Shares memory.  Raises IndexError for an axis out of range."""
    if not np.ndim(x):
        dim0, dim1, x = position(dim0, ()), position(dim1, ()), np.asarray(x)
    return deliver(np.swapaxes(x, dim0, dim1) if np.ndim(x) else x, out)


swapdims = transpose


@composed(normal(((2, 3, 2), 0, -1)))
def swapaxes(x: Any, axis0: int, axis1: int) -> Any:
    """``x`` with two axes exchanged.  Shares memory.  Raises IndexError for an axis out of range."""
    return transpose(x, axis0, axis1)


@composed(normal(((2, 3),), ((3,),), ((),)))
def t(x: Any) -> Any:
    """A matrix transposed, ``(M, N) -> (N, M)``; vectors and numbers stay.  Raises ValueError for more axes."""
    if len(x.shape) > 2:
        raise ValueError(f"t() takes at most 2 axes, got shape {x.shape}; use transpose() or mT")
    return transpose(x, 0, 1) if len(x.shape) == 2 else permute(x)


def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged, ``(…, M, N) -> (…, N, M)``.  Raises IndexError for fewer than two axes."""
    if len(x.shape) < 2:
        raise IndexError(f"a matrix transpose takes at least 2 axes, got shape {x.shape}")
    return transpose(x, -2, -1)


@composed(normal(((2, 3, 4), 0, -1), ((2, 3, 4), (0, 1), (2, 0))))
def movedim(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """``x`` with the axes ``source`` at the places ``destination``, the others in their order.

    Raises IndexError for an axis out of range, ValueError for axes that repeat or do not pair.
    """
    before = [position(a, x.shape) for a in _tuple(source)]
    after = [position(a, x.shape) for a in _tuple(destination)]
    if len(before) != len(after) or len(set(before)) != len(before) or len(set(after)) != len(after):
        raise ValueError(f"movedim: the axes {source} cannot move to {destination} in shape {x.shape}")
    if not x.shape:
        return permute(x)
    order = [i for i in range(len(x.shape)) if i not in before]
    for place, axis in sorted(zip(after, before, strict=True)):
        order.insert(place, axis)
    return permute(x, order)


# -- repeated ---------------------------------------------------------------------------------------------------------


def _interleaved(x: Any, repeats: Sequence[int], lengths: Sequence[int]) -> Any:
    """``x`` as ``lengths`` repeated ``repeats`` times along each axis: a broadcast over an axis before each."""
    apart = reshape(x, [n for length in lengths for n in (1, length)])
    wide = broadcast_to(apart, [n for pair in zip(repeats, lengths, strict=True) for n in pair])
    return reshape(wide, [r * n for r, n in zip(repeats, lengths, strict=True)])


@composed(normal(((2, 3), (2, 2)), ((3,), (2, 1, 2)), ((2, 3), (1, 0))))
@sizes
def repeat(x: Any, repeats: Sequence[int]) -> Any:
    """Copies of ``x`` side by side, so many along each axis; further numbers in front make new axes.

    Raises ValueError for fewer numbers than axes and for negative ones.

    >>> import autograd_lite as al
    >>> al.repeat(al.Tensor([1.0, 2.0]), 2, 2)
    tensor([[1., 2., 1., 2.],
            [1., 2., 1., 2.]])
    """
    if len(repeats) < len(x.shape) or any(n < 0 for n in repeats):
        raise ValueError(f"repeat() takes a number ≥ 0 for each axis of shape {x.shape}, got {tuple(repeats)}")
    return _interleaved(x, repeats, (1,) * (len(repeats) - len(x.shape)) + tuple(x.shape))


@composed(normal(((2, 3), (2,)), ((3,), (2, 2))))
@sizes
def tile(x: Any, dims: Sequence[int]) -> Any:
    """`repeat`, with 1 for the leading axes that ``dims`` does not reach.  Raises ValueError for negative numbers."""
    return repeat(x, (1,) * (len(x.shape) - len(dims)) + tuple(dims))


@composed(normal(((2, 3), 2), ((2, 3), np.array([0, 2, 1]), 1), ((2, 3), 2, 0)))
def repeat_interleave(x: Any, repeats: Any, axis: int | None = None, *, output_size: int | None = None) -> Any:
    """Each element ``repeats`` times in a row (a number, or one for each), along ``axis`` or of all of ``x`` (None).

    Raises ValueError for negative repeats and as many as do not match the axis, IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.repeat_interleave(al.Tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    """
    from .index import index_select

    shape = x.shape
    if axis is None or not shape:
        x, axis = ravel(x), 0
    n = x.shape[position(axis, x.shape)]
    counts = as_array(repeats)
    if counts.ndim > 1 or counts.size not in (1, n) or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(f"repeats must be a whole number, or one for each of {n}, got {repeats!r} for shape {shape}")
    places = np.repeat(np.arange(n), counts)
    if output_size not in (None, len(places)):
        raise ValueError(f"repeats {repeats!r} of shape {shape} give {len(places)} elements, not {output_size}")
    return index_select(x, axis, places)


# -- moved along axes -------------------------------------------------------------------------------------------------


def _flip_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((), ()), ((3,), (0,)), ((2, 3), (0, -1)), ((2, 3), 1), ((2, 3), None), ((0, 3), (0,)))
    return [Sample(rng.normal(size=shape), axis) for shape, axis in cases]


@sizes
@op(
    vjps=(lambda g, out, x, axis: flip(g, axis),),
    symbol="flip", view=True, samples=_flip_samples,
)  # fmt: skip
def flip(x, axis=None, out=None):
    """``x`` backwards along ``axis``: an axis, several, or all (None).  Raises IndexError for one out of range."""
    axes = axis if axis is None else tuple([position(a, np.shape(x)) for a in _tuple(axis)])
    return deliver(np.flip(x, axes) if np.ndim(x) else np.asarray(x), out)


def _negative(shifts: Any) -> Any:
    return -shifts if isinstance(shifts, int) else tuple([-n for n in shifts])


def _roll_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3,), 1, 0), ((2, 3), (1, -2), (0, 1)), ((2, 3), 4), ((0, 3), 1, 0), ((2, 3), -1, -1), ((), 1))
    return [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


@op(
    vjps=(lambda g, out, x, shifts, axis: roll(g, _negative(shifts), axis),),
    symbol="roll", samples=_roll_samples,
)  # fmt: skip
def roll(x, shifts, axis=None, out=None):
    """``x`` moved by ``shifts`` along ``axis`` (of ``x`` in one row: None); what leaves at one end enters at the other.

    Raises IndexError for an axis out of range, ValueError for as many shifts as axes do not match.
    """
    axis = None if axis == () else axis
    if len(_tuple(shifts)) != (1 if axis is None else len(_tuple(axis))):
        raise ValueError(f"shifts {shifts} and axis {axis} must be of the same number")
    return deliver(np.roll(x, shifts, axis) if np.ndim(x) else np.array(x), out)
