"""Random numbers: `Generator` holds a state, the functions draw from one of their own or from the default one.

Draws carry no gradient; for a sample that does, write ``mean + std * randn(…)``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy import ndarray

from .creation import check_device, checked_size, finished, floating, like
from .tensor import Tensor, as_array

__all__ = [
    "Generator", "bernoulli", "default_generator", "initial_seed", "manual_seed", "multinomial", "normal", "rand",
    "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed",
]  # fmt: skip


class Generator:
    """A stream of random numbers with a state of its own: PCG64 (O'Neill, 2014).

    ``Generator(seed=None)`` starts where ``manual_seed(seed)`` would, or at an arbitrary place.

    >>> import autograd_lite as al
    >>> first, second = Generator().manual_seed(1), Generator(1)
    >>> al.rand(3, generator=first).tolist() == al.rand(3, generator=second).tolist()
    True
    """

    def __init__(self, seed: int | None = None, *, device: Any = None) -> None:
        check_device(device)
        self._rng: np.random.Generator
        self._seed = 0
        if seed is None:
            self.seed()
        else:
            self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from ``seed``; returns self.  Raises ValueError for a negative seed, TypeError for no integer."""
        seed = operator.index(seed)
        if seed < 0:
            raise ValueError(f"a seed must be an integer ≥ 0, got {seed}")
        self._seed, self._rng = seed, np.random.Generator(np.random.PCG64(seed))
        return self

    def seed(self) -> int:
        """Start anew from an arbitrary seed, which is returned."""
        entropy = int(np.random.SeedSequence().entropy) & (2**63 - 1)  # type: ignore[arg-type]
        return self.manual_seed(entropy).initial_seed()

    def initial_seed(self) -> int:
        """The seed that the generator was last started from."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Where the stream is, as a dictionary that JSON can hold; `set_state` continues there exactly."""
        return {"seed": self._seed, **self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> Generator:
        """Continue where `get_state` was called, and return self.  Raises ValueError for what is no such state."""
        rng = np.random.Generator(np.random.PCG64(0))
        try:
            rest = dict(state)
            seed = int(rest.pop("seed"))
            rng.bit_generator.state = rest
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"this is no state of a Generator: {str(state)[:80]}") from error
        self._seed, self._rng = seed, rng
        return self

    def __repr__(self) -> str:
        return f"Generator(seed={self._seed})"


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the default generator from ``seed``.  Raises ValueError for a negative one."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator from an arbitrary seed, which is returned."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator was last started from."""
    return default_generator.initial_seed()


def _rng(generator: Generator | None) -> np.random.Generator:
    if generator is None:
        return default_generator._rng
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be an autograd_lite.Generator, not {type(generator).__name__}")
    return generator._rng


# -- uniform and normal -----------------------------------------------------------------------------------------------


def draw_uniform(generator: Generator | None, size: tuple[int, ...], dtype: np.dtype) -> ndarray:
    """Numbers in [0, 1)."""
    rng = _rng(generator)
    if dtype.kind != "f":
        raise TypeError(f"numbers in [0, 1) are floating, not {dtype}")
    if dtype == np.float16:  # rounding a float32 could give 1
        return (rng.integers(0, 2**11, size) / 2**11).astype(dtype)
    return np.asarray(rng.random(size, dtype))


def draw_normal(generator: Generator | None, size: tuple[int, ...], dtype: np.dtype) -> ndarray:
    """Standard normal numbers."""
    rng = _rng(generator)
    if dtype.kind != "f":
        raise TypeError(f"normal numbers are floating, not {dtype}")
    drawn = rng.standard_normal(size, dtype if dtype in (np.float32, np.float64) else np.float32)
    return np.asarray(drawn, dtype)


def draw_mask(generator: Generator | None, size: tuple[int, ...], chance: float) -> ndarray:
    """Booleans, each true with ``chance``, which is rounded to a multiple of 2⁻³²."""
    threshold = min(round(chance * 2**32), 2**32 - 1)
    return np.asarray(_rng(generator).integers(0, 2**32, size, np.uint32) < np.uint32(threshold))


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Uniform numbers in [0, 1): ``rand(2, 3)`` or ``rand((2, 3))``.  Raises ValueError for a negative size."""
    check_device(device)
    return finished(draw_uniform(generator, checked_size(size), floating(dtype)), requires_grad)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Normal numbers of mean 0 and variance 1: ``randn(2, 3)``.  Raises ValueError for a negative size."""
    check_device(device)
    return finished(draw_normal(generator, checked_size(size), floating(dtype)), requires_grad)


def rand_like(
    x: Any, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Uniform numbers in [0, 1) of the shape and dtype of ``x``."""
    check_device(device)
    return finished(draw_uniform(generator, *like(x, dtype)), requires_grad)


def randn_like(
    x: Any, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Normal numbers of mean 0 and variance 1 of the shape and dtype of ``x``."""
    check_device(device)
    return finished(draw_normal(generator, *like(x, dtype)), requires_grad)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    requires_grad: bool = False, device: Any = None,
) -> Tensor:  # fmt: skip
    """Normal numbers of given mean and standard deviation, numbers or tensors; with ``size``, of that shape.

    Raises ValueError for a negative ``std`` and for shapes that do not broadcast, TypeError for tensors that require a
    gradient, which would be lost.
    """
    check_device(device)
    mean, std = as_array(mean), as_array(std)
    if not (std >= 0).all():
        raise ValueError(f"normal: std must be ≥ 0, got {std[~(std >= 0)][0]}")
    shape = np.broadcast_shapes(mean.shape, std.shape)
    if size is not None:
        shape = np.broadcast_shapes(shape, checked_size(size if isinstance(size, (tuple, list)) else (size,)))
    if dtype is None and "f" in (mean.dtype.kind, std.dtype.kind):
        dtype = np.result_type(*[a for a in (mean, std) if a.dtype.kind == "f"])
    dtype = floating(dtype)
    return finished((mean + std * draw_normal(generator, shape, dtype)).astype(dtype), requires_grad)


# -- integers ---------------------------------------------------------------------------------------------------------


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    requires_grad: bool = False, device: Any = None,
) -> Tensor:  # fmt: skip
    """Whole numbers from ``low`` to ``high - 1``: ``randint(0, 6, (2, 3))``, or ``randint(6, (2, 3))`` from 0.

    Raises ValueError for ``low >= high`` and negative sizes.
    """
    check_device(device)
    if size is None:
        low, high, size = 0, low, high
    if size is None:
        raise TypeError("randint() is missing its argument 'size'")
    size = checked_size(size if isinstance(size, (tuple, list)) else (size,))
    return finished(_integers(low, high, size, generator, dtype), requires_grad)


def _integers(low: int, high: int, size: tuple[int, ...], generator: Generator | None, dtype: Any) -> ndarray:
    low, high = operator.index(low), operator.index(high)
    if low >= high:
        raise ValueError(f"randint: low must be below high, got {low} and {high}")
    dtype = np.dtype(np.int64) if dtype is None else floating(dtype)
    if dtype.kind in "iu" and not (np.iinfo(dtype).min <= low and high - 1 <= np.iinfo(dtype).max):
        raise ValueError(f"randint: {dtype} does not hold the numbers from {low} to {high - 1}")
    return np.asarray(_rng(generator).integers(low, high, size)).astype(dtype)


def randint_like(
    x: Any, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None,
    requires_grad: bool = False, device: Any = None,
) -> Tensor:  # fmt: skip
    """Whole numbers from ``low`` to ``high - 1``, or from 0 to ``low - 1``, of the shape and dtype of ``x``."""
    check_device(device)
    shape, dtype = like(x, dtype)
    low, high = (0, low) if high is None else (low, high)
    return finished(_integers(low, high, shape, generator, dtype), requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The numbers from 0 to ``n - 1`` in random order.  Raises ValueError for a negative ``n``."""
    check_device(device)
    (n,) = checked_size((n,))
    return finished(_rng(generator).permutation(n).astype(np.int64 if dtype is None else floating(dtype)), False)


# -- chance -----------------------------------------------------------------------------------------------------------


def _probabilities(p: Any) -> ndarray:
    """Probabilities as an array: a gradient they require is not lost, for a draw has none."""
    array = p._array if isinstance(p, Tensor) else as_array(p)
    if array.dtype.kind != "f":
        raise TypeError(f"probabilities must be floating, not {array.dtype} {array.shape}")
    return array


def bernoulli(
    p: Any, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """1 with probability ``p``, else 0, for every element of the tensor ``p``; no gradient flows to it.

    Raises ValueError for a probability outside [0, 1].
    """
    check_device(device)
    p = _probabilities(p)
    inside = (p >= 0) & (p <= 1)
    if not inside.all():
        raise ValueError(f"bernoulli: a probability must be in [0, 1], got {p[~inside][0]}")
    drawn = np.asarray(_rng(generator).random(p.shape) < p)
    return finished(drawn.astype(p.dtype if dtype is None else floating(dtype)), requires_grad)


def multinomial(
    probs: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with probabilities in proportion to ``probs``: ``(K,) -> int (n,)``, ``(N, K) -> int (N, n)``.

    Raises ValueError for weights that are negative, not finite or all 0, for fewer than one sample, and without
    replacement for more samples than there are weights above 0.
    """
    weights = _probabilities(probs).astype(np.float64)
    if weights.ndim not in (1, 2):
        raise ValueError(f"multinomial takes weights of shape (K,) or (N, K), got {weights.shape}")
    if operator.index(num_samples) < 1:
        raise ValueError(f"multinomial: num_samples must be ≥ 1, got {num_samples}")
    good = np.isfinite(weights) & (weights >= 0)
    if not good.all():
        raise ValueError(f"multinomial: weights must be finite and ≥ 0, got {weights[~good][0]}")
    rows = np.atleast_2d(weights)
    support = int((rows > 0).sum(axis=1).min(initial=rows.shape[1]))
    if not support:
        raise ValueError(f"multinomial: the weights of a row sum to 0, in shape {weights.shape}")
    if not replacement and num_samples > support:
        raise ValueError(
            f"multinomial: cannot draw {num_samples} samples without replacement from {support} weights above 0"
        )
    drawn = (_with_replacement if replacement else _without_replacement)(_rng(generator), rows, num_samples)
    return Tensor._wrap(drawn if weights.ndim == 2 else drawn[0])


def _with_replacement(rng: np.random.Generator, weights: ndarray, n: int) -> ndarray:
    """For each row, n indices by inversion of the cumulative distribution."""
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    uniform = rng.random((len(weights), n))
    rows = [np.searchsorted(c, u, side="right") for c, u in zip(cumulative, uniform, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(len(weights), n)


def _without_replacement(rng: np.random.Generator, weights: ndarray, n: int) -> ndarray:
    """For each row, n different indices: the first of exponential clocks that run at the speed of the weights."""
    with np.errstate(divide="ignore"):
        times = rng.standard_exponential(weights.shape) / weights
    return np.argsort(times, axis=1, kind="stable")[:, :n].astype(np.int64)
