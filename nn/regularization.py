"""Penalties on large weights, as costs that are added to the loss  (cheat sheet 3.1)."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterable

from autograd_lite import Tensor

from .checks import check_at_least_zero
from .layers.linear import Neuron
from .layers.norm import LayerNorm
from .module import Module

__all__ = ["L1Penalty", "L2Penalty"]


class _Penalty(Module):
    """What the penalties have in common; a subclass says what one weight tensor and the sum of all cost."""

    def __init__(self, lambd: float, *, all_parameters: bool = False) -> None:
        check_at_least_zero({"lambd": lambd}, "lambd")
        self.lambd, self.all_parameters = lambd, all_parameters

    def cost(self, w: Tensor) -> Tensor:
        """What one tensor of weights costs, before λ and m."""
        raise NotImplementedError(f"{type(self).__name__} has no cost()")

    def scale(self, m: int) -> float:
        """What the sum of all costs is multiplied by."""
        raise NotImplementedError(f"{type(self).__name__} has no scale()")

    def forward(self, model: Module | Iterable[Tensor], m: int) -> Tensor:
        try:
            m = operator.index(m)
        except TypeError:
            raise TypeError(f"m is the number of examples, len(x), not a {type(m).__name__}: {m!r:.60}") from None
        if m < 1:
            raise ValueError(f"m is the number of examples, at least 1, got {m}")
        costs = [self.cost(w) for w in self._weights(model)]
        return functools.reduce(operator.add, costs) * self.scale(m)

    def _weights(self, model: Module | Iterable[Tensor]) -> list[Tensor]:
        """The tensors that the penalty is on."""
        if not isinstance(model, Module):
            found = [model] if isinstance(model, Tensor) else list(model)
        elif self.all_parameters:
            found = list(model.parameters())
        else:
            neurons = {id(part.w) for part in model.modules() if isinstance(part, Neuron)}
            scales = {id(p) for part in model.modules() if isinstance(part, LayerNorm) for p in part.parameters()}
            found = [
                p for name, p in model.named_parameters()
                if (p.ndim > 1 and id(p) not in scales and not _is_bias(name)) or id(p) in neurons
            ]  # fmt: skip
        if not found:
            raise ValueError(
                f"{type(self).__name__} found no weights in {type(model).__name__}: none has two axes; "
                "give those that are meant, in a list, or all_parameters=True"
            )
        return found

    def extra_repr(self) -> str:
        return f"lambd={self.lambd}" + (", all_parameters=True" if self.all_parameters else "")


def _is_bias(path: str) -> bool:
    """Whether a parameter is called b, b1, bias, …, itself or its list: the sheet's b has two axes, (n, 1)."""
    name = next(part for part in (*reversed(path.split(".")), "") if not part.isdigit())
    return re.fullmatch(r"(b|bias|biases)_?\d*", name) is not None


class L2Penalty(_Penalty):
    """``λ/(2m) Σ ‖W‖²_F``, which adds ``(λ/m) W`` to the gradient of each W  (cheat sheet 3.1).

    Called with a model and m, the number of examples that the loss is the mean of, it is a cost to add to that loss.
    The sum is over the weights: parameters of at least two axes, and w of a `Neuron`; not over biases, also those of
    two axes that are called b, b1 or bias, and the scales of norms, unless ``all_parameters``.  In place of a model a
    list of tensors can be given.  An optimizer's ``weight_decay = λ/m`` on those weights, which adds the same to the
    gradient, has the same effect; only that of `AdamW`, beside the gradient, has not.  Raises ValueError for a λ that
    is negative or not finite, m below 1, a model without weights; TypeError for a λ that is no number and an m that is
    no whole number.

    >>> import autograd_lite as al
    >>> w = al.tensor([[3.0, -4.0]], requires_grad=True)
    >>> L2Penalty(0.5)([w], 10)  # 0.5/20 · 25
    tensor(0.625, grad_fn=mul)
    """

    def cost(self, w: Tensor) -> Tensor:
        return (w * w).sum()

    def scale(self, m: int) -> float:
        return self.lambd / (2 * m)


class L1Penalty(_Penalty):
    """``λ/m Σ ‖W‖₁``, which adds ``(λ/m) sign W`` to the gradient and drives weights to 0  (cheat sheet 3.1).

    The sign of 0 is 0.  Called as `L2Penalty`, over the same weights; raises as it does.

    >>> import autograd_lite as al
    >>> w = al.tensor([[3.0, -4.0]], requires_grad=True)
    >>> L1Penalty(0.5)([w], 10)  # 0.5/10 · 7
    tensor(0.35, grad_fn=mul)
    """

    def cost(self, w: Tensor) -> Tensor:
        return w.abs().sum()

    def scale(self, m: int) -> float:
        return self.lambd / m
