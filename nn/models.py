"""Whole networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .layers.activation import make_activation
from .layers.container import Sequential
from .layers.linear import Linear
from .module import Module

__all__ = ["MLP"]


class MLP(Sequential):
    """A multilayer perceptron: linear layers of the given sizes, the activation between them  (cheat sheet 1.3).

    ``MLP([64, 32, 10])`` takes ``(…, 64)`` and returns scores ``(…, 10)``; its parts are fc1, act1, fc2.
    ``activation`` is a name, a Module class or a function; ``output`` is one for the last layer, none by default.
    Raises ValueError for fewer than two sizes, sizes below 1, an unknown name.

    >>> MLP([64, 32, 10], activation="tanh")
    MLP(
      (fc1): Linear(in_features=64, out_features=32, bias=True)
      (act1): Tanh()
      (fc2): Linear(in_features=32, out_features=10, bias=True)
    )
    """

    def __init__(
        self, sizes: Sequence[int], activation: Any = "relu", output: Any = None, *, generator: Any = None
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"an MLP needs at least the sizes of its input and output, got {list(sizes)}")
        layers: dict[str, Module] = {}
        last = len(sizes) - 1
        for i in range(1, last + 1):
            layers[f"fc{i}"] = Linear(sizes[i - 1], sizes[i], generator=generator)
            wanted = activation if i < last else output
            if wanted is not None:
                layers[f"act{i}"] = make_activation(wanted)
        super().__init__(layers)
