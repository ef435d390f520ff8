"""Activation functions as modules: ``(…) -> (…)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite import Tensor

from .. import functional as F
from ..module import Module

__all__ = ["ACTIVATIONS", "LeakyReLU", "ReLU", "Sigmoid", "Softmax", "Tanh", "make_activation"]


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
    """``max(slope·z, z)``: the cheat sheet (1.2) has slope 0.1, the default here; PyTorch's default is 0.01.

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


class Sigmoid(Module):
    """``1 / (1 + e^−z)``, in the open interval (0, 1)  (cheat sheet 1.2)."""

    def forward(self, z: Tensor) -> Tensor:
        return F.sigmoid(z)


class Tanh(Module):
    """``tanh z``, in the open interval (−1, 1)  (cheat sheet 1.2)."""

    def forward(self, z: Tensor) -> Tensor:
        return F.tanh(z)


class Softmax(Module):
    """``e^zᵢ / Σⱼ e^zⱼ`` along ``axis`` (PyTorch's name ``dim`` works, too): probabilities  (cheat sheet 1.2).

    To train, give the raw scores to `CrossEntropyLoss` instead, which is exact where this underflows.
    """

    def __init__(self, axis: int = -1, *, dim: int | None = None) -> None:
        self.axis = axis if dim is None else dim

    def forward(self, z: Tensor) -> Tensor:
        return F.softmax(z, axis=self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class _Function(Module):
    """A plain function as an activation."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


ACTIVATIONS: dict[str, type[Module]] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "sigmoid": Sigmoid, "tanh": Tanh, "softmax": Softmax,
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
