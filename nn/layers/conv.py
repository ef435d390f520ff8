"""Convolutions  (cheat sheet 4.1, 6.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from autograd_lite import Generator, Tensor
from autograd_lite.ops.geometry import check_output_padding, padding_pairs, pair

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from .lazy import Lazy

__all__ = [
    "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d",
]  # fmt: skip

PADDING_MODES = "zeros", "reflect", "replicate", "circular"


class _Convolution(Module):
    """What all convolutions have in common: settings that are possible, a weight and a bias."""

    axes: ClassVar[int]  # of one channel
    function: ClassVar[Callable[..., Tensor]]

    def _build(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, dilation: Any, groups: int,
        bias: bool, dtype: Any, generator: Generator | None, transposed: bool = False,
    ) -> None:  # fmt: skip
        if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{type(self).__name__}: the channels, {in_channels} in and {out_channels} out, and groups={groups} "
                "must be at least 1, and the groups must divide both"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair("kernel_size", kernel_size, self.axes)
        self.stride = pair("stride", stride, self.axes)
        self.dilation = pair("dilation", dilation, self.axes)
        one, other = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = Parameter(init.empty((one, other // groups, *self.kernel_size), dtype))
        self.bias = Parameter(init.empty((out_channels,), dtype)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw new start values, uniform in ±1/√fan_in as in PyTorch."""
        init.kaiming_uniform_(self.weight, a=5**0.5, generator=generator)
        if self.bias is not None:
            bound = (self.weight.numel() // len(self.weight)) ** -0.5
            init.uniform_(self.bias, -bound, bound, generator)

    def extra_repr(self) -> str:
        quiet = {"padding": (0,) * self.axes, "output_padding": (0,) * self.axes, "dilation": (1,) * self.axes,
                 "groups": 1, "padding_mode": "zeros"}  # fmt: skip
        shown = {key: getattr(self, key) for key, value in quiet.items() if vars(self).get(key, value) != value}
        settings = {"kernel_size": self.kernel_size, "stride": self.stride, **shown}
        settings |= {} if self.bias is not None else {"bias": False}
        return ", ".join([f"{self.in_channels}, {self.out_channels}", *[f"{k}={v}" for k, v in settings.items()]])


class _Forward(_Convolution):
    """Conv1d and Conv2d: padding may be a word, and may be other than zeros."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", dtype: Any = None,
        *, generator: Generator | None = None,
    ) -> None:  # fmt: skip
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}")
        self._build(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, dtype, generator
        )  # fmt: skip
        self._margins = padding_pairs(padding, self.kernel_size, self.stride, self.dilation)
        self.padding = padding if isinstance(padding, str) else pair("padding", padding, self.axes, least=0)
        self.padding_mode = padding_mode

    def forward(self, x: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x = F.pad(x, [n for margins in self._margins[::-1] for n in margins], self.padding_mode)
            padding = 0
        return type(self).function(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Forward):
    """Filters slide along a line: shapes ``(N, C, L) -> (N, K, ⌊(L + 2p − f)/s⌋ + 1)``  (cheat sheet 4.1, 6.1).

    K(C·f + 1) parameters; otherwise as `Conv2d`.

    >>> import autograd_lite as al
    >>> Conv1d(2, 4, kernel_size=3, padding=1)(al.zeros((5, 2, 8))).shape
    (5, 4, 8)
    """

    axes, function = 1, staticmethod(F.conv1d)


class Conv2d(_Forward):
    """K filters of f×f slide over C channels: shapes ``(N, C, H, W) -> (N, K, P, Q)``  (cheat sheet 4.1, 6.1).

    ``P = ⌊(H + 2p − f)/s⌋ + 1`` with padding p and stride s, Q alike; K(C·f·f + 1) parameters: weight
    ``(K, C/groups, f, f)``, bias ``(K,)``.  ``kernel_size``, ``stride``, ``padding`` and ``dilation`` are an integer or
    one for each axis; ``padding`` may be "same" (with stride 1: P = H) or "valid" (0), and its values, with
    ``padding_mode``, "zeros", or as in `F.pad` "reflect", "replicate", "circular".  A ``dilation`` d makes a filter
    cover d(f − 1) + 1 elements; ``groups`` parts of the channels have filters of their own, which makes K·C·f·f/groups
    weights.  Start values are uniform in ±1/√(C·f·f/groups), PyTorch's default, from ``generator`` or the global one.
    Raises ValueError for settings that are impossible, and, with the calculation, for an image that does not fit.

    >>> import autograd_lite as al
    >>> layer = Conv2d(1, 6, kernel_size=5, padding=2)
    >>> layer
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> layer(al.zeros((3, 1, 28, 28))).shape
    (3, 6, 28, 28)
    """

    axes, function = 2, staticmethod(F.conv2d)


class _Transposed(_Convolution):
    """ConvTranspose1d and ConvTranspose2d."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
        dtype: Any = None, *, generator: Generator | None = None,
    ) -> None:  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__} knows only padding_mode 'zeros', got {padding_mode!r}")
        self._build(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, dtype, generator, transposed=True
        )
        self.padding = pair("padding", padding, self.axes, least=0)
        self.output_padding = pair("output_padding", output_padding, self.axes, least=0)
        check_output_padding(type(self).__name__, self.output_padding, self.stride, self.dilation)

    def forward(self, x: Tensor) -> Tensor:
        return type(self).function(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose1d(_Transposed):
    """`ConvTranspose2d` along a line: shapes ``(N, C, L) -> (N, K, (L − 1)s − 2p + f + output_padding)``.

    >>> import autograd_lite as al
    >>> ConvTranspose1d(2, 4, kernel_size=2, stride=2)(al.zeros((5, 2, 8))).shape
    (5, 4, 16)
    """

    axes, function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """The gradient of a `Conv2d` as a layer, which enlarges images: ``(N, C, H, W) -> (N, K, P, Q)``.

    ``P = (H − 1)s − 2p + d(f − 1) + 1 + output_padding``, Q alike (Dumoulin & Visin 2016); weight
    ``(C, K/groups, f, f)``, bias ``(K,)``.  Arguments as in `Conv2d`; start values are uniform in ±1/√(K·f·f/groups),
    as in PyTorch.  Raises ValueError for settings that are impossible.

    >>> import autograd_lite as al
    >>> ConvTranspose2d(4, 2, kernel_size=2, stride=2)(al.zeros((3, 4, 5, 6))).shape
    (3, 2, 10, 12)
    """

    axes, function = 2, staticmethod(F.conv_transpose2d)


class LazyConv1d(Lazy, Conv1d):
    """`Conv1d` whose ``in_channels`` are those of its first input: ``LazyConv1d(out_channels, kernel_size, …)``."""

    plain, axis = Conv1d, -2


class LazyConv2d(Lazy, Conv2d):
    """`Conv2d` whose ``in_channels`` are those of its first input: ``LazyConv2d(out_channels, kernel_size, …)``.

    >>> import autograd_lite as al
    >>> layer = LazyConv2d(6, kernel_size=5)
    >>> layer(al.zeros((3, 1, 28, 28))).shape
    (3, 6, 24, 24)
    >>> layer
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    """

    plain, axis = Conv2d, -3


class LazyConvTranspose2d(Lazy, ConvTranspose2d):
    """`ConvTranspose2d` whose ``in_channels`` are those of its first input."""

    plain, axis = ConvTranspose2d, -3
