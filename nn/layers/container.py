"""Modules that put others in a row, and those that do (almost) nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autograd_lite import Tensor

from ..module import Module

__all__ = ["Flatten", "Identity", "Sequential"]


class Sequential(Module):
    """Modules one after the other: ``Sequential(Linear(2, 3), ReLU())``, or an ordered dict of named modules.

    Raises TypeError for what is not a Module.
    """

    def __init__(self, *layers: Any) -> None:
        named = len(layers) == 1 and isinstance(layers[0], Mapping)
        for name, layer in layers[0].items() if named else enumerate(layers):
            self._put(str(name), layer)

    def _put(self, name: str, layer: Any) -> None:
        if not isinstance(layer, Module):
            hint = "; give its instance, with parentheses" if isinstance(layer, type) else ""
            raise TypeError(f"{type(self).__name__}: {name} is a {type(layer).__name__}, not a Module{hint}")
        setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        for layer in self.children():
            x = layer(x)
        return x

    def append(self, layer: Module) -> Sequential:
        """Add a module at the end, under its position as name; returns self."""
        self._put(str(len(self)), layer)
        return self

    def __len__(self) -> int:
        return len(list(self.children()))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        """The module at a position; of a slice, a Sequential of the same modules.  Raises IndexError."""
        if isinstance(index, slice):
            return Sequential(dict(list(self.named_children())[index]))
        return list(self.children())[index]

    def __setitem__(self, index: int, layer: Module) -> None:
        self._put(list(self.named_children())[index][0], layer)


class Flatten(Module):
    """Join the axes ``start_dim`` to ``end_dim`` into one: ``(N, C, H, W) -> (N, C·H·W)``."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """``x -> x``; arguments are accepted and ignored, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x
