"""Reverse mode: `backward` fills the leaves, `grad` returns gradients for chosen tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .function import Function
from .modes import enable_grad, mode, no_grad
from .tape import Node, Tape
from .tensor import Tensor, as_array

__all__ = ["Function", "backward", "grad"]


def backward(
    tensors: Tensor | Sequence[Tensor],
    gradients: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradients of one or several tensors to the ``grad`` of every leaf (see `Tensor.backward`)."""
    roots = _listed(tensors)
    cotangents = _cotangents(roots, _listed(gradients, len(roots)), create_graph)
    tape = Tape(list(cotangents))
    found = _pull(tape, cotangents, None, retain_graph, create_graph)
    for node, (g, owned) in found.items():
        extras, g = node.extra(), _own(g, owned)
        extras.grad = g if extras.grad is None else _sum(extras.grad, g, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, leaves or results; no ``grad`` is touched.

    Raises RuntimeError, besides the cases of `Tensor.backward`, for an input that the outputs do not depend on,
    unless ``allow_unused``, which gives None for it.
    """
    roots, targets = _listed(outputs), _listed(inputs)
    cotangents = _cotangents(roots, _listed(grad_outputs, len(roots)), create_graph)
    nodes = [target._recorded("grad") for target in targets]
    found = _pull(Tape(list(cotangents)), cotangents, nodes, retain_graph, create_graph)
    results: list[Tensor | None] = []
    for target, node in zip(targets, nodes, strict=True):
        if node not in found:
            if not allow_unused:
                raise RuntimeError(
                    f"the outputs do not depend on {target!r}; pass allow_unused=True to get None for it"
                )
            results.append(None)
            continue
        results.append(_own(*found[node]))
    return tuple(results)


def _pull(
    tape: Tape, cotangents: dict[Node, Any], wanted: list[Node] | None, retain_graph: bool | None, create_graph: bool
) -> dict[Node, tuple[Any, bool]]:
    retain = create_graph if retain_graph is None else retain_graph
    if not create_graph:
        return tape.pull(cotangents, wanted, retain_graph=retain)
    with enable_grad():
        return tape.pull(cotangents, wanted, retain_graph=retain, create_graph=True)


def _own(g: Any, owned: bool) -> Tensor:
    """A gradient as a Tensor whose memory nobody else holds."""
    if isinstance(g, Tensor):
        return Tensor._wrap(g._array.copy(), g._node)
    return Tensor._wrap(g if owned else np.array(g))


def _cotangents(roots: list[Tensor], gradients: list[Any], create_graph: bool) -> dict[Node, Any]:
    """The gradients that enter at the roots; roots that share an entry add up."""
    entering: dict[Node, Any] = {}
    for root, given in zip(roots, gradients, strict=True):
        if not isinstance(root, Tensor):
            raise TypeError(f"backward takes Tensors, not {type(root).__name__}")
        if root._node is None:
            raise RuntimeError(
                f"backward: {root!r} records nothing: it does not depend on a tensor with requires_grad=True, "
                "or it was computed under no_grad()"
            )
        g = _cotangent(root, given, create_graph)
        before = entering.get(root._node)
        entering[root._node] = g if before is None else _plain(before + g)
    return entering


def _plain(g: Any) -> Any:
    return g if isinstance(g, Tensor) else np.asarray(g)


def _cotangent(root: Tensor, given: Any, create_graph: bool) -> Any:
    if given is None:
        if root._array.size != 1:
            raise RuntimeError(
                f"backward of a tensor of shape {root.shape} needs a gradient of that shape; "
                "only a single element has the default 1: reduce it first, with sum() or mean()"
            )
        array = np.ones(root.shape, root.dtype)
        return Tensor._wrap(array) if create_graph else array
    tensor = given if isinstance(given, Tensor) else Tensor._wrap(np.array(as_array(given)))
    if tensor.shape != root.shape:
        raise ValueError(f"backward: the gradient has shape {tensor.shape}, the tensor has {root.shape}")
    if tensor.dtype.kind != "f":
        raise TypeError(f"backward: the gradient is {tensor.dtype}, not floating")
    if create_graph:
        return tensor if tensor.dtype == root.dtype else tensor.astype(root.dtype)
    return tensor._array.astype(root.dtype, copy=False)


def _sum(before: Tensor, g: Tensor, create_graph: bool) -> Tensor:
    """The accumulated gradient.  A new tensor: who holds the old one keeps its value."""
    if create_graph or not mode.state or before.requires_grad:
        return before + g
    with no_grad():
        return before + g


def _listed(value: Any, length: int | None = None) -> list[Any]:
    if isinstance(value, (list, tuple)) and not (length == 1 and not isinstance(value[0], Tensor)):
        if length is not None and len(value) != length:
            raise ValueError(f"{len(value)} gradients for {length} tensors")
        return list(value)
    return [value] * (1 if length is None else length) if value is None else [value]
