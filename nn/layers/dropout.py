"""Dropout  (cheat sheet 3.2)."""

from __future__ import annotations

from autograd_lite import Generator, Tensor
from autograd_lite.ops.dropout import chance_of_staying

from .. import functional as F
from ..module import Module

__all__ = ["Dropout", "Dropout2d"]


class Dropout(Module):
    """While training drops each element with chance ``p`` (default 0.5) and divides the others by 1 − p; else ``x``.

    ``keep_prob``, given instead of p, is the chance of staying, 1 − p  (cheat sheet 3.2).  The choice is made by
    ``generator`` or the global one.  Switched off in evaluation mode, and while gradients are checked (cheat sheet
    2.2).  ``inplace`` changes nothing, see `nn.ReLU`.  Raises ValueError for a chance outside [0, 1], TypeError for
    both chances.

    >>> Dropout(keep_prob=0.8)
    Dropout(keep_prob=0.8)
    """

    def __init__(
        self,
        p: float | None = None,
        inplace: bool = False,
        *,
        keep_prob: float | None = None,
        generator: Generator | None = None,
    ) -> None:
        chance_of_staying(p, keep_prob)
        self.p = 0.5 if p is None and keep_prob is None else p
        self.keep_prob, self.inplace, self.generator = keep_prob, inplace, generator

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, keep_prob=self.keep_prob, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}" if self.keep_prob is None else f"keep_prob={self.keep_prob}"


class Dropout2d(Dropout):
    """`Dropout` of whole channels, ``(N, C, …) -> (N, C, …)``  (Tompson et al., 2015).

    Raises ValueError for fewer than 3 axes, too.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.p, self.training, keep_prob=self.keep_prob, generator=self.generator)
