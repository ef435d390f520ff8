"""Loss functions as modules: a prediction and a target become one number."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd_lite import Tensor

from . import functional as F
from .module import Module

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CategoricalCrossEntropyLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss",
    "L1Loss", "MSELoss", "NLLLoss", "SmoothL1Loss",
]  # fmt: skip


class _Loss(Module):
    """``reduction``: "mean" (the default), "sum", or "none" for the loss of every element."""

    reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in self.reductions:
            *names, last = map(repr, self.reductions)
            raise ValueError(f"reduction must be {', '.join(names)} or {last}, got {reduction!r}")
        self.reduction = reduction

    def _weigh(self, name: str, weight: Any) -> None:
        """Keep weights as a buffer."""
        self.register_buffer(name, weight if weight is None or isinstance(weight, Tensor) else Tensor(weight))

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


# -- numbers ----------------------------------------------------------------------------------------------------------


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


class HuberLoss(_Loss):
    """The mean of ``½d²`` where d = |y − ŷ| ≤ ``delta``, else ``δ(d − ½δ)``: squares for small errors, not for large.

    Source: Huber 1964.  Raises ValueError for delta ≤ 0, and as `MSELoss`.

    >>> import autograd_lite as al
    >>> HuberLoss("none")(al.tensor([0.5, 3.0]), al.zeros(2))
    tensor([0.125, 2.500])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if not delta > 0:
            raise ValueError(f"delta must be above 0, got {delta}")
        self.delta = delta

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.huber_loss(x, y, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(_Loss):
    """`HuberLoss` divided by ``beta``: ``½d²/β`` where d = |y − ŷ| < β, else ``d − ½β``; β = 0 is `L1Loss`.

    Source: Girshick 2015.  Raises ValueError for beta < 0, and as `MSELoss`.
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if not beta >= 0:
            raise ValueError(f"beta must be at least 0, got {beta}")
        self.beta = beta

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.smooth_l1_loss(x, y, reduction=self.reduction, beta=self.beta)


# -- two classes ------------------------------------------------------------------------------------------------------


class BCELoss(_Loss):
    """``−(1/N) Σ [y log ŷ + (1 − y) log(1 − ŷ)]`` of probabilities ŷ and targets y  (cheat sheet 2.1, 6.2).

    Logarithms stop at −100 as in PyTorch, so that the loss is at most 100 where ŷ is exactly 0 or 1, with a finite
    gradient.  ``weight``, which broadcasts, weighs the elements.  To train, `BCEWithLogitsLoss` of raw scores is exact.
    Raises ValueError for two shapes, a ŷ or y outside [0, 1], an unknown reduction.

    >>> import autograd_lite as al
    >>> BCELoss()(al.tensor([0.5, 1.0]), al.tensor([1.0, 1.0]))
    tensor(0.3466)
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self._weigh("weight", weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.binary_cross_entropy(x, y, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """`BCELoss` of ``σ(z)``, computed from the raw scores z: exact where σ(z) rounds to 0 or 1.

    ``pos_weight`` weighs the targets 1 (a number, or one for each class), ``weight`` the elements.  The derivative of
    one element by z is ``dz = σ(z) − y``  (cheat sheet 2.3, 6.2).  Raises ValueError for two shapes, a y outside
    [0, 1], an unknown reduction.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self._weigh("weight", weight)
        self._weigh("pos_weight", pos_weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            x, y, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


# -- several classes --------------------------------------------------------------------------------------------------


class CategoricalCrossEntropyLoss(_Loss):
    """``−Σ_c y_c log ŷ_c`` of probabilities ŷ ``(N, C)``, the mean over the batch  (cheat sheet 2.1).

    The target y is one-hot ``(N, C)`` or the classes themselves ``(N,)``.  Logarithms stop at −100, so that a ŷ of
    exactly 0 for the true class has the loss 100 and gradient 0.  PyTorch has no such loss: its `CrossEntropyLoss`
    takes raw scores, and is the better one to train with, since it is exact where softmax underflows.  Raises
    ValueError for shapes that do not fit, a ŷ outside [0, 1], an unknown reduction; IndexError for a class out of
    range.

    >>> import autograd_lite as al
    >>> probabilities = al.tensor([[0.5, 0.25, 0.25]])
    >>> CategoricalCrossEntropyLoss()(probabilities, al.tensor([[0.0, 1.0, 0.0]]))
    tensor(1.3863)
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.categorical_cross_entropy(x, y, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """``−log softmax(x)_y`` of raw scores x ``(N, C)`` and classes y ``(N,)`` or probabilities ``(N, C)``.

    This is PyTorch's loss.  The cheat sheet's (2.1), ``−Σ_c y_c log ŷ_c``, takes probabilities ŷ = softmax(x): that is
    `CategoricalCrossEntropyLoss`; this takes x itself, which is exact where ŷ underflows.  ``weight`` ``(C,)`` weighs
    the classes, ``ignore_index`` is a class that does not count, ``label_smoothing`` mixes the targets with a uniform
    distribution.  The derivative of one example by x is ``softmax(x) − y`` with y one-hot  (cheat sheet 2.3).  Raises
    ValueError for an unknown reduction and a smoothing outside [0, 1].

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
        self._weigh("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(
            x, y, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(_Loss):
    """``−x_y`` of log-probabilities x ``(N, C)`` and classes y ``(N,)``: `CrossEntropyLoss` after `nn.LogSoftmax`.

    ``weight`` and ``ignore_index`` as there.  Raises ValueError for an unknown reduction.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self._weigh("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.nll_loss(x, y, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence ``y (log y − x)`` of log-probabilities x and probabilities y of one shape.

    "mean" is over all elements as in PyTorch; "batchmean", over the first axis, is the divergence.  With ``log_target``
    the target holds log-probabilities, too.  Raises ValueError for two shapes, a y outside [0, 1], an unknown
    reduction.
    """

    reductions = ("mean", "batchmean", "sum", "none")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.kl_div(x, y, reduction=self.reduction, log_target=self.log_target)
