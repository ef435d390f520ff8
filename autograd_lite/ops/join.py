"""Operations that join tensors, and those that take them apart again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..op import SHAPE, Sample, op
from .composed import as_operand, composed, position
from .pad import narrow, select
from .samples import normal
from .shape import reshape

__all__ = ["cat", "chunk", "concat", "concatenate", "hstack", "split", "stack", "unbind", "vstack"]


def _of_sequence(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``f(x, y, axis=0)``, an op of any number of tensors, be called as ``f([x, y], axis)``."""

    @functools.wraps(function)
    def public(tensors: Sequence[Any], *axis: int, **kwargs: Any) -> Any:
        if not isinstance(tensors, (tuple, list)):
            raise TypeError(f"{function.__name__}() takes a list or tuple of tensors, got {type(tensors).__name__}")
        if not tensors:
            raise ValueError(f"{function.__name__}() takes at least one tensor, got an empty list")
        if len(axis) > 1:
            raise TypeError(f"{function.__name__}() takes (tensors, axis), got {1 + len(axis)} arguments")
        return function(*tensors, **dict(zip(("axis",), axis, strict=False)), **kwargs)

    return public


# -- joining ----------------------------------------------------------------------------------------------------------


def _counts(shape: tuple[int, ...]) -> bool:
    """PyTorch's `cat` passes over empty vectors, whatever the other shapes: ``cat([empty(0), x])`` is ``x``."""
    return shape != (0,)


def _cat_joint(needs, g, out, *arguments):
    *xs, axis = arguments
    start = 0
    parts: list[Any] = []
    for x, need in zip(xs, needs, strict=True):
        if not _counts(x.shape):
            parts.append(None)
            continue
        length = x.shape[position(axis, x.shape)]
        parts.append(narrow(g, axis, start, length) if need else None)
        start += length
    return parts


def _cat_samples(rng: np.random.Generator) -> list[Sample]:
    def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
        return [rng.normal(size=shape) for shape in shapes]

    return [
        Sample(*arrays((2,), (3,))), Sample(*arrays((2, 3), (1, 3))), Sample(*arrays((2, 3), (2, 1), (2, 0)), axis=-1),
        Sample(*arrays((2, 3))), Sample(*arrays((0,), (2, 3)), axis=1), Sample(*arrays((0,), (0,))),
    ]  # fmt: skip


@_of_sequence
@op(joint=_cat_joint, reads=SHAPE, symbol="‖", samples=_cat_samples)
def cat(*xs, axis=0, out=None):
    """A list of tensors joined along an existing axis, ``[(N, C), (M, C)] -> (N + M, C)``.

    Passes over tensors of shape (0,), as PyTorch does.  Raises ValueError for shapes that differ elsewhere and for an
    empty list, IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.cat([al.Tensor([1.0]), al.Tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    return np.concatenate([x for x in xs if _counts(np.shape(x))] or xs, axis, out)


concat = concatenate = cat


def _stack_joint(needs, g, out, *arguments):
    axis = arguments[-1]
    return [select(g, axis, i) if need else None for i, need in enumerate(needs)]


def _stack_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((), 0), ((3,), 0), ((3,), 1), ((2, 3), -2), ((0, 3), 0))
    return [Sample(rng.normal(size=shape), rng.normal(size=shape), axis=axis) for shape, axis in cases]


@_of_sequence
@op(joint=_stack_joint, reads=SHAPE, symbol="stack", samples=_stack_samples)
def stack(*xs, axis=0, out=None):
    """A list of K tensors of one shape joined along a new axis, ``K × (N, C) -> (K, N, C)``.

    Raises ValueError for shapes that differ and for an empty list, IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.stack([al.Tensor([1.0, 2.0]), al.Tensor([3.0, 4.0])], axis=1)
    tensor([[1., 3.],
            [2., 4.]])
    """
    return np.stack(xs, axis, out)


def _at_least(x: Any, ndim: int) -> Any:
    """``x`` with axes of length 1 in front, up to ``ndim`` of them."""
    return x if len(x.shape) >= ndim else reshape(x, (1,) * (ndim - len(x.shape)) + tuple(x.shape))


@composed(lambda rng: [Sample([rng.normal(size=s) for s in shapes]) for shapes in (((), (3,)), ((2, 3), (2, 1)))])
def hstack(tensors: Sequence[Any]) -> Any:
    """Tensors side by side: `cat` along the second axis, vectors and numbers along the first."""
    parts = [_at_least(as_operand(x), 1) for x in tensors]
    return cat(parts, 0 if parts and len(parts[0].shape) == 1 else 1)


@composed(lambda rng: [Sample([rng.normal(size=s) for s in shapes]) for shapes in (((3,), (2, 3)), ((), ()))])
def vstack(tensors: Sequence[Any]) -> Any:
    """Tensors one above the other: `cat` along the first axis, vectors as rows."""
    return cat([_at_least(as_operand(x), 2) for x in tensors], 0)


# -- taking apart -----------------------------------------------------------------------------------------------------


def _axis_of(x: Any, axis: int, name: str) -> int:
    if not x.shape:
        raise IndexError(f"{name}() takes at least 1 axis, got shape ()")
    return position(axis, x.shape)


@composed(normal(((5,), 2), ((2, 3), [1, 0, 2], -1)), split_size="split_size_or_sections")
def split(x: Any, split_size_or_sections: int | Sequence[int], axis: int = 0) -> tuple[Any, ...]:
    """Pieces along an axis: of one length (the last may be shorter), or of the lengths given.  They share memory.

    Raises ValueError for lengths that are negative or do not sum to the axis's, IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.split(al.Tensor([1.0, 2.0, 3.0]), 2)
    (tensor([1., 2.]), tensor([3.]))
    """
    i, sections = _axis_of(x, axis, "split"), split_size_or_sections
    n = x.shape[i]
    if isinstance(sections, (int, np.integer)):
        if sections < 0 or (sections == 0 and n):
            raise ValueError(f"split: pieces of length {sections} do not fill axis {axis} of shape {x.shape}")
        sections = [min(sections, n - start) for start in range(0, n, sections or 1)] or [0]
    if any(length < 0 for length in sections) or sum(sections) != n:
        raise ValueError(f"split: lengths {tuple(sections)} do not sum to axis {axis} of shape {x.shape}")
    starts = [sum(sections[:k]) for k in range(len(sections))]
    return tuple([narrow(x, i, start, length) for start, length in zip(starts, sections, strict=True)])


@composed(normal(((5,), 2), ((2, 3), 3, 1), ((3,), 5)))
def chunk(x: Any, chunks: int, axis: int = 0) -> tuple[Any, ...]:
    """At most ``chunks`` pieces along an axis, all of one length but the last.  They share memory.

    Raises ValueError for less than one chunk, IndexError for an axis out of range.
    """
    if chunks < 1:
        raise ValueError(f"chunk: chunks must be ≥ 1, got {chunks}")
    n = x.shape[_axis_of(x, axis, "chunk")]
    return split(x, -(-n // chunks), axis) if n else split(x, [0] * chunks, axis)


@composed(normal(((3, 2),), ((2, 3), -1)))
def unbind(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, which goes.  They share memory.  Raises IndexError for an axis out of range."""
    i = _axis_of(x, axis, "unbind")
    return tuple([select(x, i, k) for k in range(x.shape[i])])
