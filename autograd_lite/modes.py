"""What is recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `trace`.

Each is a context manager and a decorator, and holds for the thread that enters it.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled", "trace"]

F = TypeVar("F", bound=Callable[..., Any])

OFF, RECORDING, TRACING = 0, 1, 2  # TRACING records, too, and notes where each operation was called


class Mode(threading.local):
    """What this thread records."""

    state = RECORDING
    module = ""  # path of the nn.Module that is running, for notes
    checking = False  # a gradient check is running: no dropout, no running statistics

    def __init__(self) -> None:
        self.before: list[int] = []  # the states to return to


mode = Mode()


@contextmanager
def checking() -> Iterator[None]:
    """Inside, gradients are checked: dropout drops nothing, and running statistics stay as they are."""
    before, mode.checking = mode.checking, True
    try:
        yield
    finally:
        mode.checking = before


class _Setting:
    """A state of `mode`, set on entry and restored on exit; nests and may be entered again, by any thread."""

    def _next(self, before: int) -> int:
        raise NotImplementedError

    def __enter__(self) -> None:
        mode.before.append(mode.state)
        mode.state = self._next(mode.state)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        mode.state = mode.before.pop()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            before = mode.state
            mode.state = self._next(before)
            try:
                return function(*args, **kwargs)
            finally:
                mode.state = before

        return wrapped  # type: ignore[return-value]

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Inside the generator the setting holds, between its values the caller's does."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume, given = generator.send, None
            while True:
                with self:
                    try:
                        value = resume(given)
                    except StopIteration as stop:
                        return stop.value
                try:
                    given, resume = (yield value), generator.send
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    given, resume = error, generator.throw

        return wrapped


class _Switch(_Setting):
    """A setting without arguments, as a decorator usable with and without parentheses: ``@no_grad``, ``@no_grad()``."""

    def __new__(cls, function: F | None = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        return made(function)


class no_grad(_Switch):
    """Record nothing: results require no gradient, and in-place writes go to the buffer itself.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> with al.no_grad():
    ...     w -= 0.5
    >>> w
    tensor([0.5], requires_grad=True)
    """

    def _next(self, before: int) -> int:
        return OFF


class enable_grad(_Switch):
    """Record again, inside `no_grad`."""

    def _next(self, before: int) -> int:
        return before or RECORDING


class trace(_Switch):
    """Write beside each tape entry its source line, module path, value and gradient, for `draw` and error messages.

    Costs time and memory (every result is copied): for looking, not for training.  ``trace(matrix)`` is PyTorch's
    function of that name, the sum of the diagonal.
    """

    def __new__(cls, function: Any = None, *, input: Any = None) -> Any:
        function = input if function is None else function
        if function is None or callable(function):
            return super().__new__(cls, function)
        from .ops.linalg import trace as sum_of_diagonal

        return sum_of_diagonal(function)

    def _next(self, before: int) -> int:
        return TRACING if before else OFF


class set_grad_enabled(_Setting):
    """Record or not, as ``enabled`` says: from now on, or only inside a ``with`` block.

    >>> import autograd_lite as al
    >>> with al.set_grad_enabled(False):
    ...     al.is_grad_enabled()
    False
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled = bool(enabled)
        self._outside = mode.state
        mode.state = self._next(mode.state)

    def _next(self, before: int) -> int:
        return (before or RECORDING) if self._enabled else OFF

    def __enter__(self) -> None:
        mode.before.append(self._outside)
        mode.state = self._next(mode.state)

    def __call__(self, function: F) -> F:
        mode.state = self._outside  # used as a decorator: it holds inside the function only
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return mode.state != OFF
