"""What hooks of a module see: its arguments and results, and the gradients that enter and leave it in backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite import Function, Tensor
from autograd_lite.writes import read_only

if TYPE_CHECKING:
    from .module import Module

__all__ = ["ForwardHook", "Watch"]

Gradients = tuple[Any, ...]  # Tensors, and None where there is none


class ForwardHook(NamedTuple):
    """A hook before or after `Module.forward`, and whether it is shown the arguments given by name, too."""

    function: Callable[..., Any]
    with_kwargs: bool

    def before(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, or what the hook puts in their place."""
        given = self.function(module, args, kwargs) if self.with_kwargs else self.function(module, args)
        if given is None:
            return args, kwargs
        if not self.with_kwargs:
            return given if isinstance(given, tuple) else (given,), kwargs
        match given:
            case (tuple(), dict()):
                return given
        raise TypeError(
            f"a forward pre-hook of {type(module).__name__} with_kwargs returns None or (args, kwargs), a tuple and a "
            f"dict, not {given!r:.80}"
        )

    def after(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """The result, or what the hook puts in its place."""
        seen = (args, kwargs) if self.with_kwargs else (args,)
        replaced = self.function(module, *seen, result)
        return result if replaced is None else replaced


class Gate(Function):
    """Tensors pass unchanged; in backward their gradients pass through a function."""

    @staticmethod
    def forward(ctx: Any, function: Callable[[Gradients], Gradients], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.function = function
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Gradients:
        return None, *ctx.function(grads)


class Watch:
    """One run of a module between two gates: in backward the gradients pass the one at the exit first."""

    def __init__(self, module: Module, hooks: Mapping[object, Callable[..., Any]]) -> None:
        self.module, self.hooks = module, hooks
        self.arguments: list[bool] = []  # which of them have a gradient, and which of the results
        self.results: list[bool] = []
        self.grad_output: Gradients = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments behind the first gate."""
        self.arguments = _recorded(args)
        return _passed(args, self.arguments, self._at_the_entrance)

    def leave(self, result: Any) -> Any:
        """The result behind the second gate.  Raises TypeError for other than a Tensor or a tuple."""
        if not isinstance(result, (Tensor, tuple)):
            raise TypeError(
                f"{type(self.module).__name__} has a backward hook, which needs a Tensor or a tuple of Tensors as "
                f"result, not a {type(result).__name__}"
            )
        results = result if isinstance(result, tuple) else (result,)
        self.results = _recorded(results)
        passed = _passed(results, self.results, self._at_the_exit)
        return passed if isinstance(result, tuple) else passed[0]

    def _at_the_exit(self, grads: Gradients) -> Gradients:
        self.grad_output = _spread(grads, self.results)
        if not any(self.arguments):  # backward ends inside: nothing will come to the entrance
            self._at_the_entrance(())
        return grads

    def _at_the_entrance(self, grads: Gradients) -> Gradients:
        grad_input, grad_output = _spread(grads, self.arguments), self.grad_output
        self.grad_output = ()
        for hook in list(self.hooks.values()):
            replaced = hook(self.module, grad_input, grad_output)
            if replaced is not None:
                grad_input = self._checked(replaced)
        return tuple([g for g, recorded in zip(grad_input, self.arguments, strict=True) if recorded])

    def _checked(self, replaced: Any) -> Gradients:
        given = tuple(replaced) if isinstance(replaced, (tuple, list)) else (replaced,)
        if len(given) != len(self.arguments):
            raise ValueError(
                f"a backward hook of {type(self.module).__name__} returned {len(given)} gradients for "
                f"{len(self.arguments)} arguments"
            )
        return given


def _recorded(values: tuple[Any, ...]) -> list[bool]:
    return [isinstance(value, Tensor) and value.requires_grad for value in values]


def _passed(
    values: tuple[Any, ...], recorded: list[bool], function: Callable[[Gradients], Gradients]
) -> tuple[Any, ...]:
    """The values, those that are recorded behind a gate."""
    if not any(recorded):
        return values
    behind = iter(Gate.apply(function, *[v for v, through in zip(values, recorded, strict=True) if through]))
    return tuple([next(behind) if through else v for v, through in zip(values, recorded, strict=True)])


def _spread(grads: Gradients, recorded: list[bool]) -> Gradients:
    """Gradients at their places, read-only: others may hold them, too."""
    shown = iter([Tensor._wrap(read_only(g._array), g._node) for g in grads])
    return tuple([next(shown) if known else None for known in recorded])
