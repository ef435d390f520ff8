"""What functions that are composed of ops have in common: names and forms of arguments, as PyTorch allows them."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..op import ALIASES, Sample
from ..tensor import Tensor, as_array

__all__ = ["COMPOSED", "Composed", "Located", "as_operand", "composed", "position", "sizes"]

F = TypeVar("F", bound=Callable[..., Any])
Samples = Callable[[np.random.Generator], list[Sample]]


class Composed(NamedTuple):
    """The record of a composed function, for the checks that walk `COMPOSED`."""

    name: str
    public: Callable[..., Any]
    samples: Samples


class Located(NamedTuple):
    """What `max`, `min`, `median`, `sort` and `topk` return: elements, and where along the axis they were."""

    values: Any
    indices: Any


COMPOSED: dict[str, Composed] = {}


def composed(samples: Samples, **aliases: str) -> Callable[[F], F]:
    """Enter a function into `COMPOSED`, with sample inputs, and let it take its arguments as every op does.

    That is under PyTorch's names, too (``dim`` for ``axis``, ``input`` for the first; ``aliases`` gives further ones),
    and with numbers or a list as the first argument, which becomes an array.
    """

    def register(function: F) -> F:
        names = list(inspect.signature(function).parameters)
        first = None if names[0] in ("equation", "tensors") else names[0]
        known = {**ALIASES, "input": names[0], **aliases}
        known = {alias: name for alias, name in known.items() if alias not in names}

        @functools.wraps(function)
        def public(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = _renamed(function.__name__, kwargs, known)
            if first and args and not isinstance(args[0], (Tensor, np.ndarray)):
                args = (_first(args[0], args, kwargs), *args[1:])
            elif first in kwargs and not isinstance(kwargs[first], (Tensor, np.ndarray)):
                kwargs[first] = _first(kwargs[first], args, kwargs)
            return function(*args, **kwargs)

        COMPOSED[function.__name__] = public.composed = Composed(  # type: ignore[attr-defined]
            function.__name__, public, samples
        )
        return public  # type: ignore[return-value]

    return register


def _renamed(function: str, kwargs: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    """Keyword arguments under our names.  Raises TypeError for one that is given under two names."""
    renamed = {aliases.get(name, name): value for name, value in kwargs.items()}
    if len(renamed) < len(kwargs):
        raise TypeError(f"{function}() got one argument under two names: {', '.join(kwargs)}")
    return renamed


def _first(x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> np.ndarray:
    """Numbers or a list as an array: what `Tensor` makes of it next to Tensors, what NumPy makes of it alone."""
    beside_tensors = any(isinstance(a, Tensor) for a in (*args, *kwargs.values()))
    return as_array(x) if beside_tensors else np.asarray(x)


def as_operand(x: Any) -> Any:
    """A Tensor or an array as it is, anything else as an array."""
    return x if isinstance(x, (Tensor, np.ndarray)) else as_array(x)


def sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``f(x, (2, 3))`` be called as ``f(x, 2, 3)``."""

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        numbers = args[1:]
        if len(numbers) > 1 or (numbers and not isinstance(numbers[0], (tuple, list, type(None)))):
            args = (args[0], numbers)
        return function(*args, **kwargs)

    return public


def position(axis: Any, shape: tuple[int, ...], more: int = 0) -> int:
    """``axis`` of ``shape`` (with so many ``more`` axes) counted from the front; a 0-d array has axis 0, as in PyTorch.

    Raises IndexError for an axis out of range, TypeError for one that is not an integer.
    """
    ndim = max(len(shape) + more, 1)
    if not -ndim <= operator.index(axis) < ndim:
        raise IndexError(f"axis {axis} is out of range for shape {shape}")
    return operator.index(axis) % ndim
