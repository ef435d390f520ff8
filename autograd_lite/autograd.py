"""Reverse mode: `backward` fills the leaves, `grad` returns gradients for chosen tensors."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .function import Function
from .modes import enable_grad, mode, no_grad
from .tape import Node, Tape
from .tensor import Tensor, as_array

__all__ = ["Function", "backward", "grad"]

_accumulating = threading.Lock()  # threads may share leaves


def backward(
    tensors: Tensor | Sequence[Tensor],
    gradients: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradients of one or several tensors to the ``grad`` of every leaf (see `Tensor.backward`).

    ``gradients`` is one gradient for one tensor, else a list with a gradient or None for each; ValueError for another
    number of them.
    """
    roots = _tensors("backward", tensors)
    cotangents = _cotangents(roots, _gradients(gradients, roots), create_graph)
    tape = Tape(list(cotangents))
    found = _pull(tape, cotangents, None, retain_graph, create_graph)
    with _accumulating:
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

    ``grad_outputs`` is one gradient for one output, else a list with a gradient or None for each.  Raises
    RuntimeError, besides the cases of `Tensor.backward`, for an input that the outputs do not depend on, unless
    ``allow_unused``, which gives None for it; ValueError for empty lists and another number of gradients.
    """
    roots, targets = _tensors("grad", outputs), _tensors("grad", inputs)
    cotangents = _cotangents(roots, _gradients(grad_outputs, roots), create_graph)
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
        g, owned = found[node]
        results.append(_own(g, owned))
        found[node] = g, False  # should an input be named twice
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


def _tensors(caller: str, value: Any) -> list[Tensor]:
    """One tensor or a sequence of them, as a list."""
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    if not listed:
        raise ValueError(f"{caller} takes at least one Tensor, got an empty {type(value).__name__}")
    for tensor in listed:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{caller} takes Tensors, not {type(tensor).__name__}")
    return listed


def _gradients(given: Any, roots: list[Tensor]) -> list[Any]:
    """One gradient (or None) for each root.  A list of plain numbers is itself the gradient of the only root."""
    if given is None:
        return [None] * len(roots)
    several = isinstance(given, (list, tuple))
    if several and given and len(roots) == 1:
        several = any(part is None or isinstance(part, (Tensor, np.ndarray)) for part in given)
    listed = list(given) if several else [given]
    if len(listed) != len(roots):
        raise ValueError(f"{len(listed)} gradients for {len(roots)} tensors; give one, or None, for each tensor")
    return listed


def _cotangents(roots: list[Tensor], gradients: list[Any], create_graph: bool) -> dict[Node, Any]:
    """The gradients that enter at the roots; roots that share an entry add up."""
    entering: dict[Node, Any] = {}
    for root, given in zip(roots, gradients, strict=True):
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
