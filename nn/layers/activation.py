"""Activation functions as modules: ``(…) -> (…)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite import Tensor

from .. import functional as F
from ..init import constant_, empty
from ..module import Module, Parameter

__all__ = [
    "ACTIVATIONS", "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink", "make_activation",
]  # fmt: skip


class ReLU(Module):
    """``max(0, z)``  (cheat sheet 1.2).

    ``inplace`` is accepted for PyTorch's sake and changes nothing: to compute in place would save no memory while
    recording, where the tape keeps what the gradient reads, and would overwrite the caller's tensor otherwise.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.relu(z)


class LeakyReLU(Module):
    """``max(slope·z, z)``, by default of slope 0.1  (cheat sheet 1.2); PyTorch's default is 0.01.

    Raises ValueError for a slope outside [0, 1), where the formula would be another function.  ``inplace`` changes
    nothing, see `ReLU`.

    >>> import autograd_lite as al
    >>> LeakyReLU()(al.tensor([-1.0, 2.0]))
    tensor([-0.1,  2.0])
    """

    def __init__(self, negative_slope: float = 0.1, inplace: bool = False) -> None:
        if not 0 <= negative_slope < 1:
            raise ValueError(f"negative_slope must be in [0, 1), got {negative_slope}")
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.leaky_relu(z, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """``z`` where z > 0, else ``w·z``: a leaky ReLU whose slope w is learnt  (He et al. 2015).

    One slope, or with ``num_parameters=C`` one for each channel of ``(N, C, …)``; it starts at ``init``.  Raises
    ValueError for less than one, and for inputs with another number of channels.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = None) -> None:
        if num_parameters < 1:
            raise ValueError(f"PReLU needs at least 1 slope, got {num_parameters}")
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty((num_parameters,), dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Write the start value."""
        constant_(self.weight, self.init)

    def forward(self, z: Tensor) -> Tensor:
        return F.prelu(z, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Hardtanh(Module):
    """``z`` cut to [min_val, max_val]; the gradient at and beyond the ends is 0.

    Raises ValueError for an empty range.  ``inplace`` changes nothing, see `ReLU`.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        if not min_val < max_val:
            raise ValueError(f"min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.hardtanh(z, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Hardtanh):
    """``min(max(0, z), 6)``  (Howard et al. 2017)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return ""


class ELU(Module):
    """``z`` where z > 0, else ``alpha·(e^z − 1)``  (Clevert et al. 2015).  ``inplace`` changes nothing, see `ReLU`."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.elu(z, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(Module):
    """``z`` where z > 0, else ``alpha·(e^(z/alpha) − 1)``: an `ELU` whose slope at 0 is 1  (Barron 2017).

    Raises ValueError for an alpha that is not above 0.  ``inplace`` changes nothing, see `ReLU`.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        if not alpha > 0:
            raise ValueError(f"alpha must be above 0, got {alpha!r}")
        self.alpha, self.inplace = alpha, inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.celu(z, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Module):
    """``λz`` where z > 0, else ``λα·(e^z − 1)``, λ = 1.0507, α = 1.6733  (Klambauer et al. 2017).

    With these numbers, inputs of mean 0 and variance 1, and weights of variance 1/fan_in, outputs have mean 0 and
    variance 1 again.  ``inplace`` changes nothing, see `ReLU`.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.selu(z)


class GELU(Module):
    """``z·Φ(z)``, Φ the normal distribution function; ``approximate="tanh"`` approximates it by tanh.

    Source: Hendrycks & Gimpel 2016.  Raises ValueError for another ``approximate`` than "none" and "tanh".
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, z: Tensor) -> Tensor:
        return F.gelu(z, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """``z·σ(z)``, also called swish  (Elfwing et al. 2017).  ``inplace`` changes nothing, see `ReLU`."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.silu(z)


class Mish(Module):
    """``z·tanh(ln(1 + e^z))``  (Misra 2019).  ``inplace`` changes nothing, see `ReLU`."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.mish(z)


class Hardswish(Module):
    """``z·min(max(0, z + 3), 6) / 6``, near `SiLU` without a power  (Howard et al. 2019).

    ``inplace`` changes nothing, see `ReLU`.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.hardswish(z)


class Hardsigmoid(Module):
    """``min(max(0, z + 3), 6) / 6``, near `Sigmoid` without a power; the gradient at and beyond ±3 is 0.

    Source: Howard et al. 2019.  ``inplace`` changes nothing, see `ReLU`.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, z: Tensor) -> Tensor:
        return F.hardsigmoid(z)


class Hardshrink(Module):
    """``z`` where |z| > ``lambd``, else 0  (Donoho & Johnstone 1994)."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, z: Tensor) -> Tensor:
        return F.hardshrink(z, self.lambd)

    def extra_repr(self) -> str:
        return f"lambd={self.lambd}"


class Softshrink(Module):
    """``z`` nearer to 0 by ``lambd``, and 0 where |z| ≤ ``lambd``  (Donoho & Johnstone 1994).

    Raises ValueError for a lambd that is not at least 0.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        if not lambd >= 0:
            raise ValueError(f"lambd must be at least 0, got {lambd!r}")
        self.lambd = lambd

    def forward(self, z: Tensor) -> Tensor:
        return F.softshrink(z, self.lambd)

    def extra_repr(self) -> str:
        return f"lambd={self.lambd}"


class Tanhshrink(Module):
    """``z − tanh z``."""

    def forward(self, z: Tensor) -> Tensor:
        return F.tanhshrink(z)


class Softplus(Module):
    """``ln(1 + e^(βz)) / β``, a smooth ReLU; ``z`` itself where βz > ``threshold``.  Raises ValueError for beta ≤ 0."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if not beta > 0:
            raise ValueError(f"beta must be above 0, got {beta}")
        self.beta, self.threshold = beta, threshold

    def forward(self, z: Tensor) -> Tensor:
        return F.softplus(z, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """``z / (1 + |z|)``, in the open interval (−1, 1)  (Bergstra et al. 2009)."""

    def forward(self, z: Tensor) -> Tensor:
        return F.softsign(z)


class LogSigmoid(Module):
    """``ln σ(z)``, exact where σ(z) rounds to 0."""

    def forward(self, z: Tensor) -> Tensor:
        return F.logsigmoid(z)


class Sigmoid(Module):
    """``1 / (1 + e^−z)``, in the open interval (0, 1)  (cheat sheet 1.2)."""

    def forward(self, z: Tensor) -> Tensor:
        return F.sigmoid(z)


class Tanh(Module):
    """``tanh z = (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)``, in the open interval (−1, 1)  (cheat sheet 1.2)."""

    def forward(self, z: Tensor) -> Tensor:
        return F.tanh(z)


class _AlongAxis(Module):
    """A function along ``axis``; PyTorch's name ``dim`` works, too."""

    def __init__(self, axis: int = -1, *, dim: int | None = None) -> None:
        self.axis = axis if dim is None else dim

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class Softmax(_AlongAxis):
    """``e^zᵢ / Σⱼ e^zⱼ`` along ``axis`` (PyTorch's name ``dim`` works, too): probabilities  (cheat sheet 1.2).

    To train, give the raw scores to `CrossEntropyLoss` instead, which is exact where this underflows.
    """

    def forward(self, z: Tensor) -> Tensor:
        return F.softmax(z, axis=self.axis)


class LogSoftmax(_AlongAxis):
    """``zᵢ − ln Σⱼ e^zⱼ`` along ``axis`` (also ``dim``): the logarithm of `Softmax`, exact where that underflows.

    `NLLLoss` takes it.
    """

    def forward(self, z: Tensor) -> Tensor:
        return F.log_softmax(z, axis=self.axis)


class GLU(_AlongAxis):
    """``a·σ(b)`` of the halves a and b of z along ``axis`` (also ``dim``): ``(…, 2C) -> (…, C)``.

    Source: Dauphin et al. 2017.  Raises ValueError for an input of odd length.
    """

    def forward(self, z: Tensor) -> Tensor:
        return F.glu(z, self.axis)


class _Function(Module):
    """A plain function as an activation."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


ACTIVATIONS: dict[str, type[Module]] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "sigmoid": Sigmoid, "tanh": Tanh, "softmax": Softmax, "prelu": PReLU,
    "relu6": ReLU6, "elu": ELU, "selu": SELU, "gelu": GELU, "silu": SiLU, "softplus": Softplus, "softsign": Softsign,
    "hardtanh": Hardtanh, "logsigmoid": LogSigmoid, "log_softmax": LogSoftmax, "mish": Mish, "hardswish": Hardswish,
    "hardsigmoid": Hardsigmoid, "celu": CELU, "hardshrink": Hardshrink, "softshrink": Softshrink,
    "tanhshrink": Tanhshrink,
}  # fmt: skip


def make_activation(given: Any) -> Module:
    """A module from a name, a Module class, a Module or a function.  Raises ValueError or TypeError for others."""
    if isinstance(given, str):
        if given not in ACTIVATIONS:
            raise ValueError(f"there is no activation {given!r}; there are {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[given]()
    if isinstance(given, Module):
        return given
    if isinstance(given, type) and issubclass(given, Module):
        return given()
    if callable(given):
        return _Function(given)
    raise TypeError(f"an activation is a name, a Module or a function, not {type(given).__name__} {given!r}")
