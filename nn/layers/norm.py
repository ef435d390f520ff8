"""Normalisation  (cheat sheet 3.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd_lite import Tensor, no_grad, tensor
from autograd_lite.modes import mode

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from .lazy import Lazy

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d"]


class _Affine(Module):
    """A normalisation with a weight, which starts at 1, and a bias, which starts at 0; either may be None."""

    weight: Parameter | None
    bias: Parameter | None

    def _add_affine(self, shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any) -> None:
        self.weight = Parameter(init.empty(shape, dtype)) if weight else None
        self.bias = Parameter(init.empty(shape, dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Write the start values."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _BatchNorm(_Affine):
    """What the batch norms have in common; a subclass says which numbers of axes it takes."""

    ranks: ClassVar[tuple[int, ...]]
    shapes: ClassVar[str]

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, dtype: Any = None,
    ) -> None:  # fmt: skip
        if num_features < 1:
            raise ValueError(f"{type(self).__name__} needs at least 1 channel, got {num_features}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._add_affine((num_features,), affine, affine, dtype)
        tracked = track_running_stats
        self.register_buffer("running_mean", init.empty((num_features,), dtype) if tracked else None)
        self.register_buffer("running_var", init.empty((num_features,), dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0) if tracked else None)
        self.reset_running_stats()

    def reset_running_stats(self) -> None:
        """Forget what was seen: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in self.ranks:
            raise ValueError(f"{self!r} takes inputs {self.shapes}, got shape {x.shape}")
        tracks = self.training and self.track_running_stats
        momentum = self.momentum
        if momentum is None:
            momentum = 1 / (self.num_batches_tracked.item() + 1) if tracks else 0.0
        trains = self.training or not self.track_running_stats
        y = F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, trains, momentum, self.eps
        )  # fmt: skip
        if tracks and not mode.checking:
            with no_grad():
                self.num_batches_tracked += 1
        return y

    def extra_repr(self) -> str:
        return (
            f"num_features={self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Each channel of a batch to mean 0 and variance 1, times a weight, plus a bias: ``(N, C)`` or ``(N, C, L)``.

    ``y = γ (z − μ)/√(σ² + ε) + β`` with γ the weight and β the bias.  While training by the batch's own mean and
    variance, which also move the running ones; in evaluation mode by these (cheat sheet 3.3; Ioffe & Szegedy, 2015).
    ``momentum`` is the share of the new batch in the running values; None gives every batch the same share.  See
    `F.batch_norm`.  Raises ValueError for other shapes, and while training for a single value per channel.

    >>> import autograd_lite as al
    >>> BatchNorm1d(1)(al.tensor([[1.0], [3.0]])).tolist()
    [[-0.9999949932098389], [0.9999949932098389]]
    """

    ranks, shapes = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images: ``(N, C, H, W) -> (N, C, H, W)``  (cheat sheet 3.3)."""

    ranks, shapes = (4,), "(N, C, H, W)"


class LazyBatchNorm1d(Lazy, BatchNorm1d):
    """`BatchNorm1d` whose number of channels is that of its first input."""

    plain, axis = BatchNorm1d, 1


class LazyBatchNorm2d(Lazy, BatchNorm2d):
    """`BatchNorm2d` whose number of channels is that of its first input."""

    plain, axis = BatchNorm2d, 1


class LayerNorm(_Affine):
    """The last axes of each example to mean 0 and variance 1, times a weight, plus a bias  (Ba et al., 2016).

    ``(…, *S) -> (…, *S)`` with S the ``normalized_shape``, an integer or several.  Raises ValueError for other shapes.
    """

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        several = isinstance(normalized_shape, (tuple, list))
        self.normalized_shape = tuple(normalized_shape) if several else (normalized_shape,)
        if not self.normalized_shape or min(self.normalized_shape) < 1:
            raise ValueError(f"LayerNorm needs axes of at least 1 element, got {normalized_shape}")
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._add_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Groups of channels of each example to mean 0 and variance 1, times a weight, plus a bias  (Wu & He, 2018).

    ``(N, C, …) -> (N, C, …)``.  Raises ValueError for channels that do not split into ``num_groups`` equal groups, and
    for other shapes.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, dtype: Any = None
    ) -> None:
        if num_groups < 1 or num_channels < 1 or num_channels % num_groups:
            raise ValueError(f"{num_channels} channels do not split into {num_groups} equal groups")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._add_affine((num_channels,), affine, affine, dtype)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(f"{self!r} takes inputs (N, {self.num_channels}, …), got shape {x.shape}")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"num_groups={self.num_groups}, num_channels={self.num_channels}, eps={self.eps}, affine={self.affine}"
