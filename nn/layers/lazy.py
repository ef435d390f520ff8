"""Layers that learn the size of their input from the first one they see, and then are plain layers."""

from __future__ import annotations

import inspect
from collections.abc import ItemsView
from typing import Any, ClassVar

import numpy as np

from ..module import Module
from .linear import Linear

__all__ = ["Lazy", "LazyLinear"]


class Lazy(Module):
    """Mixed into a layer, leaves out the first argument of its constructor: the first input's length along an axis.

    A subclass says which layer it becomes, and the axis::

        class LazyLinear(Lazy, Linear):
            plain, axis = Linear, -1

    At its first run the module builds the plain layer and turns into it: same object, new class; its hooks and its
    mode stay.  An input that the plain layer refuses changes nothing.  Until then it has neither parameters nor a
    state, and to ask for them (to make an optimizer, say) raises RuntimeError instead of leaving them out.
    """

    plain: ClassVar[type[Module]]
    axis: ClassVar[int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        signature = inspect.signature(self.plain)
        bound = signature.bind(None, *args, **kwargs)  # raises TypeError for arguments that the layer does not have
        self._size, *_ = signature.parameters
        self._arguments = {k: v for k, v in bound.arguments.items() if k != self._size}

    def forward(self, x: Any) -> Any:
        if not -x.ndim <= self.axis < x.ndim:
            raise ValueError(f"{self!r}: {self._size} is the length of axis {self.axis}, got an input of {x.shape}")
        layer = self.plain(**{self._size: x.shape[self.axis], **self._arguments})
        layer.training = self.training
        result = layer.forward(x)
        del self._size, self._arguments
        self.__class__ = self.plain  # type: ignore[assignment]
        vars(self).update(vars(layer))
        return result

    def _own(self) -> ItemsView[str, Any]:
        raise RuntimeError(
            f"{self!r} has no parameters before its first run: run the network once on an input, net(x), and then "
            "make the optimizer, or load or save a state"
        )

    def _convert(self, dtype: np.dtype) -> None:
        self._arguments["dtype"] = dtype

    def __getattr__(self, name: str) -> Any:
        """Reached only by names that do not exist, as those of the parameters do not yet."""
        raise AttributeError(
            f"{type(self).__name__} has no attribute {name!r} before its first run: run the network once on an input",
            name=name,
            obj=self,
        )

    def extra_repr(self) -> str:
        return ", ".join([f"{self._size}=?", *[f"{k}={v!r}" for k, v in self._arguments.items()]])


class LazyLinear(Lazy, Linear):
    """`Linear` whose ``in_features`` is the length of its first input's last axis: ``LazyLinear(out_features)``.

    >>> import autograd_lite as al
    >>> layer = LazyLinear(2)
    >>> layer
    LazyLinear(in_features=?, out_features=2)
    >>> layer(al.zeros((3, 4))).shape
    (3, 2)
    >>> layer
    Linear(in_features=4, out_features=2, bias=True)
    """

    plain, axis = Linear, -1
