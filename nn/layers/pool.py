"""Pooling layers, and windows as columns: `Unfold` and `Fold`  (cheat sheet 4.1)."""

from __future__ import annotations

from typing import Any

from autograd_lite import Tensor
from autograd_lite.ops.geometry import pair

from .. import functional as F
from ..module import Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "Fold", "MaxPool1d", "MaxPool2d", "Unfold",
]  # fmt: skip


# -- the largest element ----------------------------------------------------------------------------------------------


class _MaxPool(Module):
    axes: int

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode
        for name in ("kernel_size", "stride", "dilation"):
            pair(name, getattr(self, name), self.axes)
        pair("padding", padding, self.axes, least=0)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool2d(_MaxPool):
    """The largest element of each window: ``(N, C, H, W) -> (N, C, P, Q)``, P = ⌊(H − f)/s⌋ + 1  (cheat sheet 4.1).

    The sheet's pooling has only the window's size f and the stride s, by default f.  With padding p and dilation d it
    is ``⌊(H + 2p − d(f − 1) − 1)/s⌋ + 1``; see `max_pool2d` for ``ceil_mode`` and ``return_indices``.  No parameters
    (cheat sheet 6.1).  Raises ValueError for sizes below 1, and at the first run where no window fits.

    >>> import autograd_lite as al
    >>> MaxPool2d(2)(al.zeros((64, 6, 28, 28))).shape
    (64, 6, 14, 14)
    """

    axes = 2

    def forward(self, x: Tensor) -> Any:
        return F.max_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool1d(_MaxPool):
    """`MaxPool2d` of one axis: ``(N, C, L) -> (N, C, P)``, P = ⌊(L − f)/s⌋ + 1  (cheat sheet 4.1)."""

    axes = 1

    def forward(self, x: Tensor) -> Any:
        return F.max_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


# -- the mean ---------------------------------------------------------------------------------------------------------


class _AvgPool(Module):
    axes: int

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        for name in ("kernel_size", "stride"):
            pair(name, getattr(self, name), self.axes)
        pair("padding", padding, self.axes, least=0)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window: ``(N, C, H, W) -> (N, C, P, Q)``, P = ⌊(H − f)/s⌋ + 1  (cheat sheet 4.1).

    With padding p it is ``⌊(H + 2p − f)/s⌋ + 1``; padding counts as zeros unless ``count_include_pad`` is False.  See
    `avg_pool2d`.  No parameters  (cheat sheet 6.1).  Raises ValueError for sizes below 1, and at the first run where no
    window fits.

    >>> import autograd_lite as al
    >>> AvgPool2d(3, stride=2)(al.zeros((5, 7, 7))).shape
    (5, 3, 3)
    """

    axes = 2

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip


class AvgPool1d(_AvgPool):
    """`AvgPool2d` of one axis: ``(N, C, L) -> (N, C, P)``, P = ⌊(L − f)/s⌋ + 1  (cheat sheet 4.1)."""

    axes = 1

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


# -- so many windows --------------------------------------------------------------------------------------------------


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of P×Q windows that cover the plane, whatever its size: ``(N, C, H, W) -> (N, C, P, Q)``.

    ``output_size`` is (P, Q) or one number for both, None for the input's; see `adaptive_avg_pool2d`.

    >>> import autograd_lite as al
    >>> AdaptiveAvgPool2d(1)(al.zeros((5, 512, 7, 7))).shape
    (5, 512, 1, 1)
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """`AdaptiveAvgPool2d` of one axis: ``(N, C, L) -> (N, C, P)``."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(x, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of the windows of `AdaptiveAvgPool2d`: ``(N, C, H, W) -> (N, C, P, Q)``."""

    def forward(self, x: Tensor) -> Any:
        return F.adaptive_max_pool2d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """`AdaptiveMaxPool2d` of one axis: ``(N, C, L) -> (N, C, P)``."""

    def forward(self, x: Tensor) -> Any:
        return F.adaptive_max_pool1d(x, self.output_size, self.return_indices)


# -- windows as columns -----------------------------------------------------------------------------------------------


class Unfold(Module):
    """Each window as a column: ``(N, C, H, W) -> (N, C·R·S, P·Q)``, P = ⌊(H + 2p − d(R − 1) − 1)/s⌋ + 1; see `unfold`.

    >>> import autograd_lite as al
    >>> Unfold(3, padding=1)(al.zeros((2, 4, 8, 8))).shape
    (2, 36, 64)
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride
        for name in ("kernel_size", "dilation", "stride"):
            pair(name, getattr(self, name))
        pair("padding", padding, least=0)

    def forward(self, x: Tensor) -> Tensor:
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Unfold):
    """Columns added up where their windows lie in an image: ``(N, C·R·S, P·Q) -> (N, C, H, W)``; see `fold`.

    >>> import autograd_lite as al
    >>> Fold((8, 8), 3, padding=1)(al.zeros((2, 36, 64))).shape
    (2, 4, 8, 8)
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size
        pair("output_size", output_size)

    def forward(self, x: Tensor) -> Tensor:
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
