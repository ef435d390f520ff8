"""Sample inputs for the checks that walk the registry: float64, clear of ties and kinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Sample

__all__ = ["Samples", "binary", "clear", "comparison", "distinct", "normal", "normals", "unary"]

Samples = Callable[[np.random.Generator], list[Sample]]
SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (0, 3))
PAIRS = (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((0, 3), (1, 3)))


def clear(
    rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float, kinks: tuple[float, ...] = ()
) -> np.ndarray:
    """Numbers in [low, high], each at least 0.05 away from every kink."""
    x = np.asarray(rng.uniform(low, high, shape))
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 0.05, kink + np.where(x < kink, -0.05, 0.05), x)
    return np.asarray(x)


def unary(low: float = -2, high: float = 2, *, kinks: tuple[float, ...] = (), **params: tuple[Any, ...]) -> Samples:
    """One tensor of several shapes; each keyword lists further values of that parameter to try."""

    def make(rng: np.random.Generator) -> list[Sample]:
        samples = [Sample(clear(rng, shape, low, high, kinks)) for shape in SHAPES]
        for name, values in params.items():
            samples += [Sample(clear(rng, (2, 3), low, high, kinks), **{name: value}) for value in values]
        return samples

    return make


def binary(
    first: tuple[float, float] = (-2, 2),
    second: tuple[float, float] = (-2, 2),
    *,
    kinks: tuple[float, ...] = (),
    apart: bool = False,
) -> Samples:
    """Two tensors that broadcast, in the given ranges; ``kinks`` hold for the second, ``apart`` keeps them unequal."""

    def make(rng: np.random.Generator) -> list[Sample]:
        samples = []
        for one, two in PAIRS:
            x, y = clear(rng, one, *first), clear(rng, two, *second, kinks)
            if apart and x.size and y.size:  # tenths against tenths and a bit: never equal, never near
                x, y = np.round(x, 1), np.round(y, 1) + 0.04
            samples.append(Sample(x, y))
        return samples

    return make


def comparison(rng: np.random.Generator) -> list[Sample]:
    """Two tensors of small whole numbers, so that some are equal."""
    return [Sample(*(rng.integers(-2, 3, shape).astype(float) for shape in pair)) for pair in PAIRS]


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers no two of which are closer than 0.1, so that order statistics have a gradient."""
    size = int(np.prod(shape))
    return (rng.permutation(size).reshape(shape) - size / 2 + 0.25) * 0.1


def normal(*cases: tuple[Any, ...]) -> Samples:
    """For each case, which begins with a shape: a tensor of that shape, and the rest of the case."""
    return lambda rng: [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


def normals(*cases: tuple[tuple[int, ...], ...], **params: Any) -> Samples:
    """For each case, which consists of shapes: tensors of these shapes."""
    return lambda rng: [Sample(*(rng.normal(size=shape) for shape in shapes), **params) for shapes in cases]
