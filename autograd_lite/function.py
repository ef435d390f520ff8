"""Operations with a hand-written backward: PyTorch's ``torch.autograd.Function``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from .modes import TRACING, mode, no_grad
from .tape import Node
from .tensor import Tensor

__all__ = ["Context", "Function"]


class Context:
    """What forward leaves for backward: ``save_for_backward(…)`` for tensors, attributes for everything else."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Tensor, ...] = ()
        self._sources: list[Node | None] = []

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep inputs or outputs; an in-place write to one of them before backward is an error."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"save_for_backward takes Tensors, not {type(tensor).__name__}; use an attribute")
        self.saved_tensors = tensors


class Function:
    """An operation whose backward is written by hand.

    Write static methods ``forward(ctx, *arguments) -> Tensor`` and ``backward(ctx, grad_output)``, which returns one
    gradient (or None) for each argument; call it by ``apply``.  Of several outputs, those that are not floating
    (indices, masks) are not recorded, and backward gets None for them.  Recorded Tensors inside ``backward`` make
    higher orders work.  Raises TypeError when forward does not return Tensors, RuntimeError when backward returns
    another number of gradients or wrong shapes.

    >>> class Square(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = Tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        raise NotImplementedError("a Function needs a static method forward(ctx, …)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("a Function needs a static method backward(ctx, …)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Carry out forward, and record it if an argument requires a gradient."""
        nodes = tuple([x._node if isinstance(x, Tensor) else None for x in args])
        ctx = Context(tuple([n is not None for n in nodes]))
        with no_grad():
            result = cls.forward(ctx, *args)
        outputs = result if isinstance(result, tuple) else (result,)
        if not all(isinstance(o, Tensor) for o in outputs):
            raise TypeError(f"{cls.__name__}.forward must return a Tensor or a tuple of Tensors, got {result!r}")
        if not (mode.state and any(ctx.needs_input_grad) and any(o.is_floating_point() for o in outputs)):
            return result
        recorded = _record(cls, ctx, nodes, outputs)
        return recorded if isinstance(result, tuple) else recorded[0]


def _record(cls: type[Function], ctx: Context, nodes: tuple[Node | None, ...], outputs: tuple) -> tuple[Tensor, ...]:
    """One entry for all floating outputs: several are packed into one flat array, and handed out as its pieces."""
    floating = [o for o in outputs if o.is_floating_point()]
    packed = floating[0]._array if len(floating) == 1 else np.concatenate([o._array.ravel() for o in floating])
    # Saved tensors stay as arrays: a saved output that pointed back to its own entry would be a reference cycle.
    saved = ctx.saved_tensors
    ctx._sources = [s._node for s in saved]
    own = [next((k for k, o in enumerate(floating) if o is s), None) for s in saved]
    ctx.saved_tensors = ()
    record: Any = _FunctionOp(cls, outputs, own)  # stands in for an Op
    node = Node(record, nodes, (ctx, *[s._array for s in saved]), (), packed.shape, packed.dtype)
    if mode.state == TRACING:
        node.annotate(packed)
    pieces = iter(record.unpack(Tensor._wrap(packed, node)))
    return tuple([next(pieces) if o.is_floating_point() else o for o in outputs])


class _FunctionOp:
    """A Function in the place of an `Op`: it answers what a tape, and those who show one, ask of an entry's op.

    To go back: ``joint(needs, g, *kept)``, all gradients at once (an op without it has ``vjps``); ``recordable(node)``,
    what it kept as Tensors and the rule, for ``create_graph``; ``fit(part, source, i)``, a gradient in its input's
    shape and dtype; ``builtin``, whether a fresh gradient is surely held by nobody else.
    To show: ``name``, ``symbol``, ``describe(node, number)``; ``view``, whether the output takes no memory of its own.
    """

    builtin = False
    view = False
    symbol = ""
    vjps = ()

    def __init__(self, cls: type[Function], outputs: tuple[Tensor, ...], own: list[int | None]) -> None:
        self.cls = cls
        self.name = cls.__name__
        self._floating = [o.is_floating_point() for o in outputs]
        self._pieces = [(o.shape, o.dtype) for o in outputs if o.is_floating_point()]
        self._own = own  # for each saved tensor: which of the pieces it is, if it is one

    def unpack(self, whole: Tensor) -> tuple[Tensor, ...]:
        """The floating outputs, or their gradients, each in its shape and dtype."""
        if len(self._pieces) == 1:
            return (whole,)
        pieces, start = [], 0
        for shape, dtype in self._pieces:
            size = math.prod(shape)
            piece = whole[start : start + size].reshape(shape)
            pieces.append(piece if piece.dtype == dtype else piece.astype(dtype))
            start += size
        return tuple(pieces)

    def joint(self, needs: tuple[bool, ...], g: Any, ctx: Context, *saved: Any) -> list[Any]:
        recorded = isinstance(g, Tensor)
        if recorded:
            parts = self._backward(ctx, g, saved)
        else:
            with no_grad():
                parts = self._backward(ctx, Tensor._wrap(g), [Tensor._wrap(s) for s in saved])
        if len(parts) != len(needs):
            raise RuntimeError(f"{self.name}.backward returned {len(parts)} gradients for {len(needs)} arguments")
        return [self._part(part, recorded) if need else None for part, need in zip(parts, needs, strict=True)]

    def _backward(self, ctx: Context, g: Tensor, saved: Any) -> tuple:
        ctx.saved_tensors = tuple(saved)
        pieces = iter(self.unpack(g))
        try:
            parts = self.cls.backward(ctx, *[next(pieces) if floating else None for floating in self._floating])
        finally:
            ctx.saved_tensors = ()
        return parts if isinstance(parts, tuple) else (parts,)

    def _part(self, part: Any, recorded: bool) -> Any:
        if part is None:
            return None
        if not isinstance(part, (Tensor, ndarray, float, int)):
            raise RuntimeError(f"{self.name}.backward returned a {type(part).__name__}, not a Tensor")
        array = np.asarray(part._array if isinstance(part, Tensor) else part)
        if not recorded:
            return array
        return part if isinstance(part, Tensor) else Tensor._wrap(array)

    def fit(self, part: Any, source: Node, position: int) -> Any:
        if part.shape != source.shape:
            raise RuntimeError(
                f"{self.name}.backward returned a gradient of shape {part.shape} for argument {position}, "
                f"which has shape {source.shape}"
            )
        return part.astype(source.dtype)

    def recordable(self, node: Node) -> tuple[tuple[Any, ...], Any]:
        ctx, *saved = node.kept or (None,)
        assert isinstance(ctx, Context)
        whole: list[Tensor] = []
        tensors = []
        for array, source, own in zip(saved, ctx._sources, self._own, strict=True):
            if own is None:
                tensors.append(Tensor._wrap(array, source))
            elif len(self._pieces) == 1:
                tensors.append(Tensor._wrap(array, node))
            else:
                # A saved output of several: a piece of the entry's packed value.
                if not whole:
                    whole.append(Tensor._wrap(np.zeros(node.shape, node.dtype), node))
                piece = self.unpack(whole[0])[own]
                tensors.append(Tensor._wrap(array, piece._node))
        return (ctx, *tensors), self.joint

    def describe(self, node: Node, number: dict[Node, str]) -> list[str]:
        return [number[source] if source is not None else "·" for source in node.inputs]
