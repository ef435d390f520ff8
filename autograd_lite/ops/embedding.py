"""The rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..function import Function
from ..modes import no_grad
from ..op import Sample
from ..tensor import Tensor
from .composed import composed
from .elementwise import where
from .index import integers, pick, slice

__all__ = ["embedding"]


def _samples(rng: np.random.Generator) -> list[Sample]:
    weight, classes = rng.normal(size=(4, 2)), np.array([[0, 3, 0], [1, 1, 2]])
    return [
        Sample(classes, weight), Sample(classes, weight, padding_idx=1), Sample(np.array(2), weight),
        Sample(classes, weight, scale_grad_by_freq=True),
        Sample(classes, weight, padding_idx=3, scale_grad_by_freq=True), Sample(np.array(2), weight, max_norm=100.0),
    ]  # fmt: skip


@composed(_samples)
def embedding(
    index: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """The rows of ``weight`` that ``index`` names: ``int (…), (V, D) -> (…, D)``; row ``padding_idx`` has gradient 0.

    With ``max_norm``, each of these rows whose norm ``(Σ |w|^p)^(1/p)``, p = ``norm_type``, is larger is first made as
    short, in ``weight`` itself.  With ``scale_grad_by_freq`` a row's gradient is divided by how often ``index`` names
    it.  Raises IndexError for an index that is negative or not below V; ValueError for a bad max_norm or norm_type, and
    for ``sparse=True``: gradients are dense here.
    """
    index = integers("embedding", index, weight.shape, 0)
    count = len(weight)
    if padding_idx is not None and not -count <= padding_idx < count:
        raise IndexError(f"embedding: padding_idx {padding_idx} is out of range for a weight of shape {weight.shape}")
    check_options(max_norm, norm_type, sparse)
    if max_norm is not None:
        _shorten(weight, np.unique(index), max_norm, norm_type)
    rows = pick(weight, (np.atleast_1d(index),)) if index.ndim else slice(weight, (int(index),))
    if not isinstance(weight, Tensor):
        return rows
    if scale_grad_by_freq:
        times = np.bincount(index.ravel(), minlength=count)[index].astype(weight.dtype)
        rows = Scaled.apply(rows, 1 / times[..., None])
    if padding_idx is None:
        return rows
    return where((index == padding_idx % count)[..., None], rows.detach(), rows)


def check_options(max_norm: float | None, norm_type: float, sparse: bool) -> None:
    """Raise ValueError for options that an embedding cannot have."""
    if max_norm is not None and not max_norm >= 0:
        raise ValueError(f"embedding: max_norm must be at least 0, got {max_norm!r}")
    if not norm_type > 0:
        raise ValueError(f"embedding: norm_type must be above 0, got {norm_type!r}")
    if sparse:
        raise ValueError("embedding: there are no sparse gradients here; leave out sparse=True, and the same is learnt")


def _shorten(weight: Any, used: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Make the rows of ``weight`` whose norm is above ``max_norm`` as short, in place."""
    rows = np.asarray(weight.detach() if isinstance(weight, Tensor) else weight)[used]
    norms = np.linalg.norm(rows, norm_type, axis=1, keepdims=True)
    long = norms[:, 0] > max_norm
    if long.any():
        with no_grad():
            weight[used[long]] = rows[long] * (max_norm / (norms[long] + 1e-7)).astype(rows.dtype)  # as in PyTorch


class Scaled(Function):
    """A tensor as it is, its gradient times ``scale``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: np.ndarray) -> Tensor:
        ctx.scale = scale
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.scale, None
