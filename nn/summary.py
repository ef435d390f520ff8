"""The layer table: what each layer puts out, and how many parameters it has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor, get_default_dtype, no_grad

from .layers.lazy import Lazy
from .module import Module

__all__ = ["Layer", "Summary", "summary"]


class Layer(NamedTuple):
    """One row: the layer's path, its kind, the shape of its output, the number of parameters of its own."""

    path: str
    kind: str
    output: str
    parameters: int


class Summary:
    """The layers in the order in which they ran; prints as a table."""

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = layers

    @property
    def parameters(self) -> int:
        """The number of parameters; what several layers share counts once."""
        return sum(layer.parameters for layer in self.layers)

    def __str__(self) -> str:
        rows = [("layer", "kind", "output", "parameters")]
        rows += [(a, b, c, f"{n:,}") for a, b, c, n in self.layers]
        rows += [("total", "", "", f"{self.parameters:,}")]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["   ".join([*(c.ljust(w) for c, w in zip(row[:3], widths[:3], strict=True)), row[3].rjust(widths[3])])
                 for row in rows]  # fmt: skip
        rule = "─" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summary(model: Module, input_shape: tuple[int, ...]) -> Summary:
    """The layer table of a model for inputs ``(N, *input_shape)``; found by running it once on zeros.

    >>> import nn
    >>> print(summary(nn.MLP([4, 3, 2]), (4,)))
    layer   kind     output   parameters
    ────────────────────────────────────
    fc1     Linear   (N, 3)           15
    act1    ReLU     (N, 3)            0
    fc2     Linear   (N, 2)            8
    ────────────────────────────────────
    total                             23
    """
    paths = {id(module): path for path, module in model.named_modules()}
    counted: set[int] = set()
    layers: list[Layer] = []

    def note(module: Module, args: tuple[Any, ...], result: Any) -> None:
        new = {id(p): p.numel() for p in module.parameters(recurse=False) if id(p) not in counted}
        counted.update(new)
        kind = type(module).__name__
        layers.append(Layer(paths[id(module)] or kind, kind, _shape(result), sum(new.values())))

    shown = [m for m in model.modules() if not any(m.children()) or any(m.parameters(recurse=False))]
    modes = {id(m): m.training for m in model.modules()}
    removers = [module.register_forward_hook(note) for module in shown]
    built = [m for m in model.modules() if not isinstance(m, Lazy)]
    dtype = next((p.dtype for m in built for p in m.parameters(recurse=False)), get_default_dtype())
    try:
        model.eval()
        with no_grad():
            model(Tensor(np.zeros((1, *input_shape), dtype)))
    finally:
        for remove in removers:
            remove()
        for module in model.modules():
            module.training = modes[id(module)]
    return Summary(layers)


def _shape(result: Any) -> str:
    """A shape with N for the number of examples."""
    if not isinstance(result, Tensor):
        return type(result).__name__
    return f"({', '.join(['N', *map(str, result.shape[1:])])})"
