"""The kernels: convolution, pooling, normalisation and fused updates, alone, on arrays that are there already."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .harness import OURS, Case, Step


class Conv(NamedTuple):
    """One convolution: images (n, channels, side, side), filters f×f."""

    n: int
    channels: int
    side: int
    filters: int
    f: int
    padding: int
    stride: int
    groups: int = 1
    dtype: str = "float32"

    @property
    def flops(self) -> float:
        """Multiplications and additions of the definition, whatever the algorithm saves of them."""
        out = (self.side + 2 * self.padding - self.f) // self.stride + 1
        return 2.0 * self.n * self.filters * self.channels // self.groups * self.f**2 * out**2

    def __str__(self) -> str:
        extra = (f", {self.groups} groups" if self.groups > 1 else "") + (
            f", {self.dtype}" if self.dtype != "float32" else ""
        )
        return f"{tuple(self[:7])}{extra}"


TABLE = [
    Conv(64, 1, 28, 6, 5, 2, 1), Conv(64, 6, 14, 16, 5, 0, 1), Conv(32, 3, 32, 32, 3, 1, 1),
    Conv(32, 32, 32, 32, 3, 1, 1), Conv(32, 64, 32, 64, 3, 1, 1), Conv(8, 64, 56, 64, 3, 1, 1),
    Conv(8, 128, 28, 128, 3, 1, 1), Conv(8, 256, 14, 256, 3, 1, 1), Conv(32, 64, 32, 64, 1, 0, 1),
    Conv(8, 64, 56, 128, 3, 1, 2),
]  # fmt: skip
BESIDE = [Conv(32, 64, 32, 64, 3, 1, 1, groups=64), Conv(32, 64, 32, 64, 3, 1, 1, dtype="float64")]


def _library(name: str) -> tuple[Any, Any]:
    """The tensor library and its functional: the same program runs on PyTorch and here."""
    if name == OURS:
        return importlib.import_module(OURS), importlib.import_module("nn.functional")
    return importlib.import_module(name), importlib.import_module(f"{name}.nn.functional")


def _operands(lib: Any, requires_grad: bool, dtype: str, *shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [lib.tensor(rng.normal(size=shape).astype(dtype), requires_grad=requires_grad) for shape in shapes]


def _forward(lib: Any, function: Callable[[], Any]) -> Step:
    def step() -> None:
        with lib.no_grad():
            function()

    return step


def _both(lib: Any, function: Callable[[], Any], leaves: list[Any]) -> Step:
    """Forward and backward, with a cotangent that is there already."""
    y = function()
    g = lib.tensor(np.random.default_rng(1).normal(size=tuple(y.shape)).astype(str(leaves[0].dtype).split(".")[-1]))

    def step() -> None:
        function().backward(g)
        for leaf in leaves:
            leaf.grad = None

    return step


def _conv(name: str, conv: Conv, backward: bool) -> Step:
    lib, functional = _library(name)
    x, w, b = _operands(
        lib, backward, conv.dtype, (conv.n, conv.channels, conv.side, conv.side),
        (conv.filters, conv.channels // conv.groups, conv.f, conv.f), (conv.filters,),
    )  # fmt: skip

    def function() -> Any:
        return functional.conv2d(x, w, b, conv.stride, conv.padding, 1, conv.groups)

    return _both(lib, function, [x, w, b]) if backward else _forward(lib, function)


def _pool(name: str, which: str, backward: bool) -> Step:
    lib, functional = _library(name)
    (x,) = _operands(lib, backward, "float32", (32, 64, 32, 32))

    def function() -> Any:
        return getattr(functional, which)(x, 2)

    return _both(lib, function, [x]) if backward else _forward(lib, function)


def _batch_norm(name: str, backward: bool) -> Step:
    lib, functional = _library(name)
    x, w, b = _operands(lib, backward, "float32", (32, 64, 32, 32), (64,), (64,))
    mean, var = lib.zeros(64), lib.ones(64)

    def function() -> Any:
        return functional.batch_norm(x, mean, var, w, b, training=True)

    return _both(lib, function, [x, w, b]) if backward else _forward(lib, function)


def _update(name: str, which: str) -> Step:
    """One optimizer step on a parameter of a million elements."""
    lib, _ = _library(name)
    optim = importlib.import_module("nn.optim" if name == OURS else f"{name}.optim")
    (w,) = _operands(lib, True, "float32", (1_000_000,))
    w.grad = _operands(lib, False, "float32", (1_000_000,))[0]
    return getattr(optim, which)([w], lr=1e-5).step


def _cases_of(
    name: str, make: Callable[..., Step], *args: Any, goal: float | None = None, goal_both: float | None = None,
    flops: float | None = None, seconds: float = 1.0,
) -> list[Case]:  # fmt: skip
    """Forward, and forward with backward, which has three times the operations."""
    rows = []
    for backward, wanted in ((False, goal), (True, goal_both)):
        makers: dict[str, Callable[[], Step]] = {n: partial(make, n, *args, backward) for n in (OURS, "torch")}
        what = "forward + backward" if backward else "forward"
        count = None if flops is None else flops * (3 if backward else 1)
        rows.append(Case(f"{name}, {what}", "ms", makers, goal=wanted, seconds=seconds, flops=count))
    return rows


def cases() -> list[Case]:
    """The cases of this subject."""
    rows = []
    for conv in TABLE:
        rows += _cases_of(f"conv {conv}", _conv, conv, goal_both=1.3, flops=conv.flops)
    for conv in BESIDE:
        rows += _cases_of(f"conv {conv}", _conv, conv, flops=conv.flops)
    for which in ("max_pool2d", "avg_pool2d"):
        rows += _cases_of(f"{which} 2×2 of (32, 64, 32, 32)", _pool, which, goal_both=0.7)
    rows += _cases_of("batch_norm of (32, 64, 32, 32)", _batch_norm, goal_both=0.7)
    for which in ("SGD", "Adam"):
        makers: dict[str, Callable[[], Step]] = {n: partial(_update, n, which) for n in (OURS, "torch")}
        rows.append(Case(f"{which} step, 1,000,000 parameters", "ms", makers, goal=0.7 if which == "Adam" else None))
    return rows
