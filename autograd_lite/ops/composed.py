"""How functions that are composed of ops take their arguments: the names and forms that PyTorch allows."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from ..op import ALIASES

__all__ = ["composed", "position", "sizes"]

F = TypeVar("F", bound=Callable[..., Any])


def composed(function: F) -> F:
    """Let a function take its parameters under PyTorch's names, too (``dim`` for ``axis``), as every op does."""
    names = list(inspect.signature(function).parameters)
    aliases = {alias: name for alias, name in {**ALIASES, "input": names[0]}.items() if alias not in names}

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            renamed = {aliases.get(name, name): value for name, value in kwargs.items()}
            if len(renamed) < len(kwargs):
                raise TypeError(f"{function.__name__}() got one argument under two names: {', '.join(kwargs)}")
            kwargs = renamed
        return function(*args, **kwargs)

    return public  # type: ignore[return-value]


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
