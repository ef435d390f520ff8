"""Operations with a hand-written backward: PyTorch's ``torch.autograd.Function``."""

from __future__ import annotations

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
    gradient (or None) for each argument; call it by ``apply``.  Recorded Tensors inside ``backward`` make higher
    orders work.  Raises TypeError when forward does not return Tensors, RuntimeError when backward returns another
    number of gradients or wrong shapes.

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
        if not (mode.state and any(n is not None for n in nodes)):
            return result
        recorded = _record(cls, ctx, nodes, outputs)
        return recorded if isinstance(result, tuple) else recorded[0]


def _record(cls: type[Function], ctx: Context, nodes: tuple[Node | None, ...], outputs: tuple) -> tuple[Tensor, ...]:
    """One entry for all outputs: several are packed into one flat array, and handed out as its pieces."""
    packed = outputs[0]._array if len(outputs) == 1 else np.concatenate([o._array.ravel() for o in outputs])
    # Saved tensors stay as arrays: a saved output that pointed back to its own entry would be a reference cycle.
    saved = ctx.saved_tensors
    ctx._sources = [s._node for s in saved]
    own = [next((k for k, o in enumerate(outputs) if o is s), None) for s in saved]
    ctx.saved_tensors = ()
    record = _FunctionOp(cls, [o.shape for o in outputs], own)
    kept = (ctx, *[s._array for s in saved])
    node = Node(record, nodes, kept, (), packed.shape, packed.dtype)  # type: ignore[arg-type]
    if mode.state == TRACING:
        node.annotate(packed)
    whole = Tensor._wrap(packed, node)
    return record.unpack(whole) if len(outputs) > 1 else (whole,)


class _FunctionOp:
    """What the tape asks of an entry's op, answered by a Function."""

    builtin = False
    view = False
    symbol = ""
    vjps = ()

    def __init__(self, cls: type[Function], shapes: list[tuple[int, ...]], own: list[int | None]) -> None:
        self.cls = cls
        self.name = cls.__name__
        self._shapes = shapes
        self._own = own  # for each saved tensor: which output it is, if it is one

    def unpack(self, whole: Tensor) -> tuple[Tensor, ...]:
        pieces, start = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            pieces.append(whole[start : start + size].reshape(shape))
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
        try:
            parts = self.cls.backward(ctx, *(self.unpack(g) if len(self._shapes) > 1 else (g,)))
        finally:
            ctx.saved_tensors = ()
        return parts if isinstance(parts, tuple) else (parts,)

    def _part(self, part: Any, recorded: bool) -> Any:
        if part is None:
            return None
        if not isinstance(part, (Tensor, ndarray, float, int)):
            raise RuntimeError(f"{self.name}.backward returned a {type(part).__name__}, not a Tensor")
        return part if recorded else np.asarray(part._array if isinstance(part, Tensor) else part)

    def fit(self, part: Any, source: Node, position: int) -> Any:
        if not isinstance(part, Tensor):
            part = np.asarray(part)
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
            elif len(self._shapes) == 1:
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
