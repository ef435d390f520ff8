"""The neuron and the linear layer  (cheat sheet 1.1, 1.3)."""

from __future__ import annotations

from typing import Any

from autograd_lite import Tensor

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from .activation import make_activation

__all__ = ["Linear", "Neuron"]


class Linear(Module):
    """``z = x Wᵀ + b``: shapes ``(…, in) -> (…, out)``, weight ``(out, in)``, bias ``(out,)``  (cheat sheet 1.3).

    The sheet writes ``Z = W A + b`` with examples as columns; here, as in PyTorch, they are rows.  Start values are
    uniform in ±1/√in, PyTorch's default, from ``generator`` or the global one.  Raises ValueError for sizes below 1.

    >>> import autograd_lite as al
    >>> Linear(4, 2)(al.zeros((3, 4))).shape
    (3, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: Any = None, *, generator: Any = None
    ) -> None:
        if in_features < 1 or out_features < 1:
            raise ValueError(f"a Linear layer needs sizes of at least 1, got in {in_features}, out {out_features}")
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init.empty((out_features, in_features), dtype))
        self.bias = Parameter(init.empty((out_features,), dtype)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw new start values."""
        init.kaiming_uniform_(self.weight, a=5**0.5, generator=generator)
        if self.bias is not None:
            bound = self.in_features**-0.5
            init.uniform_(self.bias, -bound, bound, generator)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Neuron(Module):
    """One neuron, ``z = wᵀx + b``, ``a = g(z)``: shapes ``(…, in) -> (…)``, w ``(in,)``, b ``()``  (cheat sheet 1.1).

    ``activation`` is a name, a Module or a function.  Raises ValueError for a size below 1 or an unknown name.

    >>> import autograd_lite as al
    >>> neuron = Neuron(3, activation="tanh")
    >>> neuron(al.zeros((5, 3))).shape
    (5,)
    """

    def __init__(self, in_features: int, activation: Any = "sigmoid", *, generator: Any = None) -> None:
        if in_features < 1:
            raise ValueError(f"a Neuron needs at least 1 input, got {in_features}")
        self.in_features = in_features
        bound = in_features**-0.5
        self.w = init.uniform_(Parameter(init.empty((in_features,))), -bound, bound, generator)
        self.b = init.uniform_(Parameter(init.empty(())), -bound, bound, generator)
        self.g = make_activation(activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.g(x @ self.w + self.b)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}"
