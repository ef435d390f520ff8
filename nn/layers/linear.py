"""The neuron and the linear layer  (cheat sheet 1.1, 1.3)."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_lite import Generator, Tensor

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from .activation import make_activation

__all__ = ["Linear", "Neuron"]


class Linear(Module):
    """``z = x Wᵀ + b``: shapes ``(…, in) -> (…, out)``, weight ``(out, in)``, bias ``(out,)``  (cheat sheet 1.3).

    The sheet writes ``Z = W A + b`` with examples as columns, W ``(out, in)`` and b ``(out, 1)``; here, as in PyTorch,
    they are rows: W is the same, b ``(out,)`` is added to every row.  It has out·in + out parameters  (cheat sheet
    6.1).  Start values are uniform in ±1/√in, PyTorch's default, from ``generator`` or the global one.  Raises
    ValueError for sizes below 1.

    >>> import autograd_lite as al
    >>> Linear(4, 2)(al.zeros((3, 4))).shape
    (3, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        if in_features < 1 or out_features < 1:
            raise ValueError(f"a Linear layer needs sizes of at least 1, got in {in_features}, out {out_features}")
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init.empty((out_features, in_features), dtype))
        self.bias = Parameter(init.empty((out_features,), dtype)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw new start values."""
        init.kaiming_uniform_(self.weight, a=5**0.5, generator=generator)
        if self.bias is not None:
            bound = self.in_features**-0.5
            init.uniform_(self.bias, -bound, bound, generator)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Steps(NamedTuple):
    """The two steps of a neuron: z, and a = g(z)."""

    z: Tensor
    a: Tensor


class Neuron(Module):
    """One neuron, ``z = wᵀx + b``, ``a = g(z)``: shapes ``(…, in) -> (…)``, w ``(in,)``, b ``()``  (cheat sheet 1.1).

    ``activation`` g is a name, a Module or a function.  Called, the neuron returns a; `linear` is its first step, ``g``
    the second, and `steps` shows both.  With the sigmoid it is logistic regression  (cheat sheet 6.2).  Start values
    are uniform in ±1/√in as in `Linear`.  Raises ValueError for a size below 1, an unknown name, an input of another
    length than w.

    >>> import autograd_lite as al
    >>> neuron = Neuron(2, activation="relu")
    >>> neuron.w.data, neuron.b.data = al.tensor([1.0, -2.0]), al.tensor(0.5)
    >>> z, a = neuron.steps(al.tensor([[3.0, 1.0], [1.0, 1.0]]))
    >>> z.tolist(), a.tolist()
    ([1.5, -0.5], [1.5, 0.0])
    """

    def __init__(
        self, in_features: int, activation: Any = "sigmoid", dtype: Any = None, *, generator: Generator | None = None
    ) -> None:
        if in_features < 1:
            raise ValueError(f"a Neuron needs at least 1 input, got {in_features}")
        self.in_features = in_features
        self.w = Parameter(init.empty((in_features,), dtype))
        self.b = Parameter(init.empty((), dtype))
        self.g = make_activation(activation)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw new start values."""
        bound = self.in_features**-0.5
        init.uniform_(self.w, -bound, bound, generator)
        init.uniform_(self.b, -bound, bound, generator)

    def linear(self, x: Tensor) -> Tensor:
        """The linear step ``z = wᵀx + b``, ``(…, in) -> (…)``."""
        if x.shape[-1:] != self.w.shape:
            raise ValueError(f"a Neuron of {self.in_features} inputs takes (…, {self.in_features}), got {x.shape}")
        return x @ self.w + self.b

    def steps(self, x: Tensor) -> Steps:
        """Both steps, z and a = g(z)."""
        z = self.linear(x)
        return Steps(z, self.g(z))

    def forward(self, x: Tensor) -> Tensor:
        return self.steps(x).a

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}"
