"""Triangles and diagonals of matrices, alone or in stacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Sample, op
from .composed import composed, position
from .out import deliver
from .samples import normal

__all__ = ["diag", "diag_embed", "diagonal", "tril", "triu"]


# -- triangles --------------------------------------------------------------------------------------------------------


def _triangle_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3, 3), 0), ((2, 3), 1), ((3, 2), -1), ((2, 2, 3), 0), ((0, 3), 0))
    return [Sample(rng.normal(size=shape), diagonal) for shape, diagonal in cases]


def _check_matrix(x: Any) -> None:
    if np.ndim(x) < 2:
        raise ValueError(f"a triangle takes at least 2 axes, got shape {np.shape(x)}")


@op(vjps=(lambda g, out, x, diagonal: tril(g, diagonal),), symbol="◣", samples=_triangle_samples)
def tril(x, diagonal=0, out=None):
    """The lower triangle of matrices ``(…, M, N)``, up to ``diagonal``; zeros above.  Raises ValueError below 2-D."""
    _check_matrix(x)
    return deliver(np.tril(x, diagonal), out)


@op(vjps=(lambda g, out, x, diagonal: triu(g, diagonal),), symbol="◥", samples=_triangle_samples)
def triu(x, diagonal=0, out=None):
    """The upper triangle of matrices ``(…, M, N)``, from ``diagonal`` on; zeros below.  Raises ValueError below 2-D."""
    _check_matrix(x)
    return deliver(np.triu(x, diagonal), out)


# -- diagonals --------------------------------------------------------------------------------------------------------


def _diagonal_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3, 3), 0, 0, 1), ((2, 3), 1, 0, 1), ((3, 2), -1, 1, 0), ((2, 3, 4), 0, -1, 0), ((2, 3), 5, 0, 1))
    return [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


@op(
    vjps=(lambda g, out, x, offset, dim1, dim2: diagonal_to(g, x.shape, offset, dim1, dim2),),
    symbol="diag", view=True, samples=_diagonal_samples,
)  # fmt: skip
def diagonal(x, offset=0, dim1=0, dim2=1, out=None):
    """The diagonal over the axes ``dim1`` and ``dim2``, ``offset`` above it, as the last axis.  Shares memory.

    Raises IndexError for an axis out of range, ValueError for the same axis twice.
    """
    return deliver(np.diagonal(x, offset, dim1, dim2), out)


def _diagonal_to_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(np.array(np.diagonal(np.zeros(shape := s.args[0].shape), *s.args[1:])) + 1, shape, *s.args[1:])
        for s in _diagonal_samples(rng)
    ]


@op(
    vjps=(lambda g, out, x, shape, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),),
    symbol="diag→", samples=_diagonal_to_samples,
)  # fmt: skip
def diagonal_to(x, shape, offset=0, dim1=0, dim2=1, out=None):
    """Zeros of a ``shape`` with ``x`` on a diagonal: undoes `diagonal`.  Raises ValueError where it does not fit."""
    if out is None:
        out = np.empty(shape, x.dtype)
    out[...] = 0
    line = np.diagonal(out, offset, dim1, dim2)
    if line.shape != x.shape:
        raise ValueError(f"the diagonal of shape {tuple(shape)} with offset {offset} is {line.shape}, not {x.shape}")
    line.flags.writeable = True
    line[...] = x
    return out


@composed(normal(((3,),), ((2, 3), 1), ((2, 2), -1, 0, 1)))
def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Square matrices with the last axis of ``x`` on a diagonal, ``(…, N) -> (…, N, N)``."""
    if not x.shape:
        raise IndexError("diag_embed takes at least 1 axis, got shape ()")
    first, second = position(dim1, x.shape, more=1), position(dim2, x.shape, more=1)
    if first == second:
        raise ValueError(f"diag_embed: dim1 and dim2 are the same axis {dim1}, {dim2} for shape {x.shape}")
    n = x.shape[-1] + abs(offset)
    shape = list(x.shape[:-1])
    for i in sorted((first, second)):
        shape.insert(i, n)
    return diagonal_to(x, shape, offset, first, second)


@composed(normal(((3,),), ((2, 3),), ((3,), 1), ((3, 2), -1)))
def diag(x: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with a vector on its diagonal.  Raises ValueError for other shapes.

    >>> import autograd_lite as al
    >>> al.diag(al.Tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return _diag(x, offset=diagonal)


def _diag(x: Any, offset: int) -> Any:
    if len(x.shape) not in (1, 2):
        raise ValueError(f"diag() takes a vector or a matrix, got shape {x.shape}")
    return diag_embed(x, offset) if len(x.shape) == 1 else diagonal(x, offset)
