"""Loss functions as modules: a prediction and a target become one number."""

from __future__ import annotations

from typing import Any

from autograd_lite import Tensor

from . import functional as F
from .module import Module

__all__ = ["CrossEntropyLoss", "L1Loss", "MSELoss"]


class _Loss(Module):
    """``reduction``: "mean" (the default), "sum", or "none" for the loss of every element."""

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class CrossEntropyLoss(_Loss):
    """``−log softmax(x)_y`` of raw scores x ``(N, C)`` and classes y ``(N,)`` or probabilities ``(N, C)``.

    This is PyTorch's loss.  The cheat sheet's (2.1), ``−Σ_c y_c log ŷ_c``, takes probabilities ŷ = softmax(x); this
    takes x itself, which is exact where ŷ underflows.  ``weight`` ``(C,)`` weighs the classes, ``ignore_index`` is a
    class that does not count, ``label_smoothing`` mixes the targets with a uniform distribution.
    Raises ValueError for an unknown reduction and a smoothing outside [0, 1].

    >>> import autograd_lite as al
    >>> CrossEntropyLoss()(al.tensor([[0.0, 0.0]]), al.tensor([1]))
    tensor(0.6931)
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be in [0, 1], got {label_smoothing}")
        self.register_buffer("weight", weight if weight is None or isinstance(weight, Tensor) else Tensor(weight))
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(
            x, y, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class MSELoss(_Loss):
    """Mean squared error ``(1/N) Σ (y − ŷ)²`` of two tensors of one shape  (cheat sheet 2.1).

    Raises ValueError for two shapes, which would broadcast to a wrong number, and for an unknown reduction.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(x, y, reduction=self.reduction)


class L1Loss(_Loss):
    """Mean absolute error ``(1/N) Σ |y − ŷ|`` of two tensors of one shape  (cheat sheet 2.1).  Raises as `MSELoss`."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.l1_loss(x, y, reduction=self.reduction)
