"""Derivatives of functions: `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`.

A transform takes a function of Tensors, or gives one back, and nests to any order: ``grad(grad(f))``.  It calls the
function with fresh entries on the tape in place of its arguments and asks the tape for the gradients at these; so
nobody's ``grad`` is touched.  A result is itself on a tape exactly when there is something outside the transform that
it can be differentiated for: an argument that requires a gradient, or another such tensor that the function uses.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import autograd
from .modes import enable_grad, mode
from .ops.join import stack
from .ops.shape import clone, reshape
from .tape import Node, Tape
from .tensor import Tensor, as_array

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Fn = Callable[..., Any]


# -- public -----------------------------------------------------------------------------------------------------------


def grad(fn: Fn, argnums: int | Sequence[int] = 0) -> Fn:
    """The function that gives the gradient of ``fn``, a scalar, for argument ``argnums``: ``(…) -> (…)``.

    With several ``argnums`` it gives a tuple of gradients.  An argument that the result does not depend on has the
    gradient zero.  Raises IndexError for an argument that is not there, TypeError for one that is not floating, and
    ValueError for a result of more than one element; all when the function returned is called.

    >>> import autograd_lite as al
    >>> cube = lambda x: x * x * x
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (tensor(12.), tensor(12.))
    """
    both = value_and_grad(fn, argnums)

    @functools.wraps(fn, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def value_and_grad(fn: Fn, argnums: int | Sequence[int] = 0) -> Fn:
    """The function that gives ``(value, gradient)`` of ``fn``; see `grad`.

    >>> value_and_grad(lambda x, y: x * y, (0, 1))(2.0, 3.0)
    (tensor(6.), (tensor(3.), tensor(2.)))
    """

    @functools.wraps(fn, updated=())
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        call = _Call(fn, args, _numbers(argnums, len(args)), kwargs)
        if call.output._array.size != 1:
            raise ValueError(
                f"grad needs a function whose result is one number, {_name(fn)} gives shape {call.output.shape}; "
                "reduce it with sum() or mean(), or use jacobian() or vjp()"
            )
        gradients = call.pull(np.ones(call.output.shape, call.output.dtype), again=False)
        return call.value, gradients[0] if isinstance(argnums, int) else gradients

    return value_and_gradient


def vjp(fn: Fn, *inputs: Any) -> tuple[Tensor, Callable[[Any], tuple[Tensor, ...]]]:
    """``(output, pull)``: the value of ``fn`` and its vector-Jacobian product, one pass backwards.

    ``pull(u)`` gives ``uᵀ ∂fn/∂input`` for each input, ``u`` of the output's shape, as often as it is called.
    Raises TypeError for an input that is not floating, ValueError for ``u`` of another shape.

    >>> y, pull = vjp(lambda x: x * x, [1.0, 2.0])
    >>> pull([1.0, 0.0])
    (tensor([2., 0.]),)
    """
    call = _Call(fn, inputs, tuple(range(len(inputs))))
    return call.value, call.pull


def jvp(fn: Fn, inputs: Any, tangents: Any) -> tuple[Tensor, Tensor]:
    """``(output, product)``: the value of ``fn`` and its Jacobian times ``tangents``, one for each input.

    ``inputs`` and ``tangents`` are single tensors or sequences of them, of equal shapes.  Raises ValueError where the
    numbers or shapes differ.  By two passes backwards: the product with ``u`` is linear in ``u``, and the
    vector-Jacobian product of *that* is the Jacobian-vector product (J. Townsend, "A new trick for calculating
    Jacobian vector products", 2017).

    >>> import autograd_lite as al
    >>> jvp(lambda x: x * x, al.tensor([1.0, 2.0]), al.tensor([1.0, 1.0]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    arguments, directions = _several(inputs), _several(tangents)
    call = _Call(fn, arguments, tuple(range(len(arguments))))
    directions = _matching(call.inputs, directions, "tangent")
    cotangent = _leaf(np.zeros(call.output.shape, call.output.dtype))
    with enable_grad():
        products = pull_back([call.output], call.inputs, [cotangent], create_graph=True)
    (result,) = pull_back(products, [cotangent], directions, call.records(directions))
    return call.value, result


def jacobian(fn: Fn, argnums: int | Sequence[int] = 0) -> Fn:
    """The function that gives all derivatives of ``fn``, of shape ``output.shape + argument.shape``.

    One pass backwards for each element of the output.  ``argnums`` and errors as in `grad`.

    >>> jacobian(lambda x: x * x)([1.0, 2.0])
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(fn, updated=())
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        call = _Call(fn, args, _numbers(argnums, len(args)), kwargs)
        rows = [call.pull(unit) for unit in _units(call.output)]
        blocks = tuple([_stacked([row[i] for row in rows], call.output, x) for i, x in enumerate(call.inputs)])
        return blocks[0] if isinstance(argnums, int) else blocks

    return derivatives


def hessian(fn: Fn, argnums: int | Sequence[int] = 0) -> Fn:
    """The function that gives all second derivatives of ``fn``, a scalar: shape ``argument.shape * 2``.

    With several ``argnums``, a tuple of tuples of blocks.  Raises as `grad`.

    >>> hessian(lambda x: (x * x * x).sum())([1.0, 2.0])
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if isinstance(argnums, int):
        return jacobian(grad(fn, argnums), argnums)
    rows = [jacobian(grad(fn, i), argnums) for i in argnums]

    @functools.wraps(fn, updated=())
    def blocks(*args: Any, **kwargs: Any) -> tuple[tuple[Tensor, ...], ...]:
        return tuple([row(*args, **kwargs) for row in rows])

    return blocks


def hvp(fn: Fn, inputs: Any, vector: Any) -> tuple[Tensor, Any]:
    """``(output, product)``: the value of ``fn``, a scalar, and its Hessian times ``vector``, without the Hessian.

    ``inputs`` and ``vector`` are single tensors, which give a single product, or sequences of them, which give a
    tuple.  Raises ValueError for a result of more than one element, and where numbers or shapes differ.

    >>> import autograd_lite as al
    >>> hvp(lambda x: (x * x * x).sum(), al.tensor([1.0, 2.0]), al.tensor([1.0, 0.0]))
    (tensor(9.), tensor([6., 0.]))
    """
    arguments, directions = _several(inputs), _several(vector)
    call = _Call(fn, arguments, tuple(range(len(arguments))))
    if call.output._array.size != 1:
        raise ValueError(f"hvp needs a function whose result is one number, {_name(fn)} gives {call.output.shape}")
    directions = _matching(call.inputs, directions, "vector")
    one = Tensor._wrap(np.ones(call.output.shape, call.output.dtype))
    with enable_grad():
        gradients = pull_back([call.output], call.inputs, [one], create_graph=True)
    products = pull_back(gradients, call.inputs, directions, call.records(directions))
    return call.value, products[0] if isinstance(inputs, Tensor) or not _is_sequence(inputs) else products


# -- one call, recorded -----------------------------------------------------------------------------------------------


class _Call:
    """One call of a function with fresh tape entries for the arguments that it is differentiated for."""

    def __init__(self, fn: Fn, args: Sequence[Any], which: tuple[int, ...], kwargs: Any = None) -> None:
        self._recording = bool(mode.state)
        with enable_grad():
            fresh = {i: self._fresh(args[i], i) for i in which}
            # Tensors of our own beside those that fn gets: it may change its arguments in place.
            self.inputs = [Tensor._wrap(fresh[i]._array, fresh[i]._node) for i in which]
            output = fn(*[fresh.get(i, x) for i, x in enumerate(args)], **(kwargs or {}))
        self.output = _checked_output(fn, output)
        self._nested = self._recording and self._reaches_outside()

    def _fresh(self, x: Any, position: int) -> Tensor:
        """An argument as an entry of its own: an outer tape sees a copy operation, otherwise it is a leaf."""
        if not isinstance(x, Tensor):
            x = Tensor(x)
        if x.dtype.kind != "f":
            raise TypeError(f"argument {position} is {x.dtype} {x.shape}: only floating tensors have a gradient")
        return clone(x) if self._recording and x._node is not None else _leaf(x._array)

    def _reaches_outside(self) -> bool:
        """Whether the output depends on a leaf besides our own: then derivatives have derivatives outside, too."""
        own = {x._node for x in self.inputs}
        node = self.output._node
        return node is not None and any(n.op is None and n not in own for n in Tape([node]))

    def records(self, others: Sequence[Tensor] = ()) -> bool:
        """Whether a derivative must be on a tape, given further tensors that it depends on."""
        return self._nested or (self._recording and any(x._node is not None for x in others))

    @property
    def value(self) -> Tensor:
        """The output as the outside sees it."""
        return self.output if self._nested else self.output.detach()

    def pull(self, cotangent: Any, again: bool = True) -> tuple[Tensor, ...]:
        """The vector-Jacobian product for each input; memory is freed on the way if it is not wanted ``again``."""
        (cotangent,) = _matching([self.output], [cotangent], "cotangent")
        return pull_back([self.output], self.inputs, [cotangent], self.records([cotangent]), again)


def pull_back(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    create_graph: bool = False,
    retain_graph: bool = False,
) -> tuple[Tensor, ...]:
    """Gradients from several outputs to several inputs, zero where nothing flows."""
    pairs = [(y, u) for y, u in zip(outputs, cotangents, strict=True) if y._node is not None]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if pairs:
        roots, entering = zip(*pairs, strict=True)
        found = autograd.grad(roots, inputs, entering, retain_graph or create_graph, create_graph, allow_unused=True)
    return tuple(
        [Tensor._wrap(np.zeros(x.shape, x.dtype)) if g is None else g for x, g in zip(inputs, found, strict=True)]
    )


def _leaf(array: np.ndarray) -> Tensor:
    """A tensor that requires a gradient around the caller's array."""
    return Tensor._wrap(array, Node.leaf(array))


# -- arguments and results --------------------------------------------------------------------------------------------


def _numbers(argnums: int | Sequence[int], count: int) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -count <= i < count:
            raise IndexError(f"argnums {i}: the function was called with {count} positional arguments")
    return tuple([i % count for i in numbers])


def _is_sequence(inputs: Any) -> bool:
    return isinstance(inputs, (list, tuple)) and any(isinstance(x, (Tensor, np.ndarray)) for x in inputs)


def _several(inputs: Any) -> list[Any]:
    """A list of inputs; nested lists of numbers are one input."""
    return list(inputs) if _is_sequence(inputs) else [inputs]


def _matching(tensors: Sequence[Tensor], given: Sequence[Any], what: str) -> list[Tensor]:
    """What is given for each tensor, as a Tensor of its shape and dtype."""
    if len(given) != len(tensors):
        raise ValueError(f"{len(tensors)} tensors need as many {what}s, got {len(given)}")
    result = []
    for tensor, value in zip(tensors, given, strict=True):
        value = value if isinstance(value, Tensor) else Tensor._wrap(as_array(value))
        if value.shape != tensor.shape:
            raise ValueError(f"the {what} has shape {value.shape}, its tensor has {tensor.shape}")
        result.append(value if value.dtype == tensor.dtype else value.astype(tensor.dtype))
    return result


def _checked_output(fn: Fn, output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return output
    if output is None or isinstance(output, (list, tuple, dict)):
        raise TypeError(f"{_name(fn)} must return one Tensor to be differentiated, it returned {type(output).__name__}")
    return Tensor(output)


def _name(fn: Fn) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _units(output: Tensor) -> list[np.ndarray]:
    """The unit vectors of the output's space."""
    return [unit.reshape(output.shape) for unit in np.eye(output._array.size, dtype=output.dtype)]


def _stacked(rows: list[Tensor], output: Tensor, x: Tensor) -> Tensor:
    shape = output.shape + x.shape
    return reshape(stack(rows), shape) if rows else Tensor._wrap(np.zeros(shape, x.dtype))
