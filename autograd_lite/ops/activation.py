"""Activations ``a = g(z)`` (cheat sheet 1.2): elementwise, ``(…) -> (…)``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels
from ..kernels import SMALL, threads
from ..op import Sample, op
from .composed import as_operand, composed, position
from .elementwise import abs, erf, exp, expm1, masked, minimum, sign, tanh, where
from .join import chunk
from .out import deliver, fresh
from .samples import clear, unary
from .shape import reshape

__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid",
    "mish", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanhshrink",
]  # fmt: skip

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@op(vjps=(lambda g, out, x: g * (out * (1 - out)),), symbol="σ", floating=True, samples=unary())
def sigmoid(x, out=None):
    """``σ(x) = 1 / (1 + e⁻ˣ)``, in the open interval (0, 1) (cheat sheet 1.2)."""
    x = np.asarray(x)
    # Where e⁻ˣ overflows the result is 0.
    with np.errstate(over="ignore"):
        powers = np.exp(np.negative(x, out), out)
    return np.true_divide(1, powers + 1, out)


def _softplus_slope(g, out, x, beta, threshold):
    return where(x * beta > threshold, g, g * sigmoid(x * beta))


@op(vjps=(_softplus_slope,), symbol="softplus", floating=True, samples=unary(beta=(2.0,), threshold=(5,)))
def softplus(x, beta=1.0, threshold=20.0, out=None):
    """``ln(1 + e^(βx)) / β``, which is ``x`` where ``βx > threshold``."""
    smooth = np.logaddexp(0, x * beta) / beta
    return deliver(np.where(x * beta > threshold, x, smooth), out)


GRAIN = 1 << 13  # elements, some 5 µs


def _in_row(x: Any) -> bool:
    """Whether an array is large, and one the kernels take as a row of numbers."""
    return isinstance(x, np.ndarray) and x.size > SMALL and x.flags.c_contiguous and x.dtype in (np.float32, np.float64)


def _relu_slope(g, out, x):
    if not (_in_row(g) and _in_row(out)):
        return masked(g, ~(out <= 0))  # NaN passes g on
    result = fresh(out.shape, g.dtype)
    threads.run(kernels.activation.relu_back, g.size, g.reshape(-1), out.reshape(-1), result.reshape(-1), grain=GRAIN)
    return result


@op(vjps=(_relu_slope,), symbol="ReLU", samples=unary(kinks=(0,)))
def relu(x, out=None):
    """``max(0, x)``; the gradient at 0 is 0 (cheat sheet 1.2)."""
    if not _in_row(x) or (out is not None and not _in_row(out)):
        return np.maximum(x, 0, out=out)
    result = fresh(x.shape, x.dtype) if out is None else out
    threads.run(kernels.activation.relu, x.size, x.reshape(-1), result.reshape(-1), grain=GRAIN)
    return result


@op(
    vjps=(lambda g, out, x, negative_slope: where(x > 0, g, g * negative_slope),),
    symbol="LeakyReLU", floating=True, samples=unary(kinks=(0,), negative_slope=(0.1,)),
)  # fmt: skip
def leaky_relu(x, negative_slope=0.01, out=None):
    """``x`` where x > 0, else ``negative_slope·x``  (cheat sheet 1.2).

    The default slope is PyTorch's 0.01; the cheat sheet's 0.1 is the default of `nn.LeakyReLU`.
    """
    return deliver(np.where(x > 0, x, x * negative_slope), out)


@op(
    vjps=(lambda g, out, x, alpha: where(x > 0, g, g * (alpha * exp(minimum(x, 0.0)))),),
    symbol="ELU", floating=True, samples=unary(kinks=(0,), alpha=(0.5,)),
)  # fmt: skip
def elu(x, alpha=1.0, out=None):
    """``x`` where x > 0, else ``alpha·(eˣ − 1)`` (Clevert et al., 2015)."""
    return deliver(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), out)


@op(
    vjps=(lambda g, out, x: where(x > 0, g * SELU_SCALE, g * (SELU_SCALE * SELU_ALPHA * exp(minimum(x, 0.0)))),),
    symbol="SELU", floating=True, samples=unary(kinks=(0,)),
)  # fmt: skip
def selu(x, out=None):
    """``λ·x`` where x > 0, else ``λα·(eˣ − 1)``, λ = 1.0507, α = 1.6733 (Klambauer et al., 2017)."""
    return deliver(SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))), out)


def _silu_slope(g, out, x):
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


@op(vjps=(_silu_slope,), symbol="SiLU", floating=True, samples=unary())
def silu(x, out=None):
    """``x·σ(x)``, also called swish (Elfwing et al., 2017)."""
    return np.multiply(x, sigmoid(x), out)


def _gelu_inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)


def _gelu_slope(g, out, x, approximate):
    if approximate == "none":
        return g * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * exp(-0.5 * x * x) / math.sqrt(2 * math.pi))
    t = tanh(_gelu_inner(x))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)))


@op(vjps=(_gelu_slope,), symbol="GELU", floating=True, samples=unary(approximate=("tanh",)))
def gelu(x, approximate="none", out=None):
    """``x·Φ(x)``, Φ the normal distribution function; "tanh" approximates it (Hendrycks & Gimpel, 2016).

    Raises ValueError for another ``approximate`` than "none" and "tanh".
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
    half = 0.5 * (1 + (erf(x * math.sqrt(0.5)) if approximate == "none" else np.tanh(_gelu_inner(x))))
    return np.multiply(x, half, out)


@op(
    vjps=(lambda g, out, x, min_val, max_val: masked(g, (x > min_val) & (x < max_val)),),
    symbol="hardtanh", samples=unary(kinks=(-1, 1, -0.5, 0.5), min_val=(-0.5,), max_val=(0.5,)),
)  # fmt: skip
def hardtanh(x, min_val=-1.0, max_val=1.0, out=None):
    """``x`` cut to [min_val, max_val]; the gradient at and beyond the ends is 0."""
    return np.clip(x, min_val, max_val, out)


def _hardswish_slope(g, out, x):
    return where(x >= 3, g, masked(g * (x / 3 + 0.5), ~(x <= -3)))  # NaN passes on


@op(vjps=(_hardswish_slope,), symbol="hardswish", floating=True, samples=unary(-5, 5, kinks=(-3, 3)))
def hardswish(x, out=None):
    """``x·min(max(0, x + 3), 6) / 6``, near `silu` without a power (Howard et al., 2019)."""
    return np.multiply(np.maximum(x, -3), np.clip(x + 3, 0, 6) / 6, out)


# -- composed of others -----------------------------------------------------------------------------------------------


@composed(unary(-2, 8, kinks=(0, 6)))
def relu6(x: Any) -> Any:
    """``min(max(0, x), 6)`` (Howard et al., 2017)."""
    return hardtanh(x, 0.0, 6.0)


@composed(unary(-5, 5, kinks=(-3, 3)))
def hardsigmoid(x: Any) -> Any:
    """``min(max(0, x + 3), 6) / 6``, near `sigmoid` without a power; the gradient at and beyond ±3 is 0.

    Source: Howard et al., 2019.
    """
    return hardtanh(x, -3.0, 3.0) / 6 + 0.5


@composed(unary(-5, 5))
def mish(x: Any) -> Any:
    """``x·tanh(ln(1 + eˣ))`` (Misra, 2019)."""
    return x * tanh(softplus(x))


@composed(unary(kinks=(0,), alpha=(0.5,)))
def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where x > 0, else ``alpha·(e^(x/alpha) − 1)``: an `elu` whose slope at 0 is 1 (Barron, 2017).

    Raises ValueError for an alpha that is not above 0.
    """
    if not alpha > 0:
        raise ValueError(f"celu: alpha must be above 0, got {alpha!r}")
    return relu(x) + alpha * expm1(where(x > 0, 0.0, x) / alpha)


@composed(unary(kinks=(-0.5, 0.5, -1, 1), lambd=(1.0,)))
def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` where |x| > lambd, else 0 (Donoho & Johnstone, 1994)."""
    return where(abs(x) <= lambd, 0.0, x)


@composed(unary(kinks=(-0.5, 0.5, -1, 1), lambd=(1.0,)))
def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` nearer to 0 by lambd, and 0 where |x| ≤ lambd (Donoho & Johnstone, 1994).

    Raises ValueError for a lambd that is not at least 0.
    """
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd must be at least 0, got {lambd!r}")
    return where(abs(x) <= lambd, 0.0, x - lambd * sign(x))


@composed(unary())
def tanhshrink(x: Any) -> Any:
    """``x − tanh x``."""
    return x - tanh(x)


@composed(unary())
def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``, in the open interval (−1, 1) (Bergstra et al., 2009)."""
    return x / (1 + abs(x))


@composed(unary())
def logsigmoid(x: Any) -> Any:
    """``ln σ(x) = −ln(1 + e⁻ˣ)``, exact where `sigmoid` rounds to 0 or 1."""
    return -softplus(-x, 1.0, math.inf)


def _prelu_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = (((3,), (1,)), ((2, 3), (3,)), ((2, 3, 2), (3,)), ((2, 3, 2), (1,)), ((), (1,)), ((0, 3), (3,)))
    return [Sample(clear(rng, x, -2, 2, (0,)), rng.uniform(0.1, 0.5, weight)) for x, weight in shapes]


@composed(_prelu_samples)
def prelu(x: Any, weight: Any) -> Any:
    """``x`` where x > 0, else ``w·x``, the slope w learnt: ``(N, C, …), (C,) or (1,) -> (N, C, …)`` (He et al., 2015).

    Raises ValueError for as many slopes as there are not channels.
    """
    weight = as_operand(weight)
    if weight.shape not in ((1,), x.shape[1:2]):
        raise ValueError(
            f"prelu: the weight must be (1,), or (C,) with a slope for each channel of (N, C, …); "
            f"got {weight.shape} for {x.shape}"
        )
    slopes = reshape(weight, (-1, *[1] * (x.ndim - 2)) if x.ndim else ())
    return relu(x) + slopes * where(x > 0, 0.0, x)


@composed(lambda rng: [Sample(rng.normal(size=(2, 4))), Sample(rng.normal(size=(4, 3)), 0)])
def glu(x: Any, axis: int = -1) -> Any:
    """``a·σ(b)`` of the halves a and b of ``x`` along an axis: ``(…, 2C) -> (…, C)`` (Dauphin et al., 2017).

    Raises ValueError for an odd length, IndexError for an axis out of range.
    """
    if x.shape[position(axis, x.shape)] % 2:
        raise ValueError(f"glu: the length of axis {axis} must be even, got shape {x.shape}")
    a, b = chunk(x, 2, axis)
    return a * sigmoid(b)
