"""Pictures of the tape: values as boxes, operations as ellipses."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..op import Op
from ..tape import Node, Tape
from ..tensor import Tensor

if TYPE_CHECKING:
    from .picture import Picture

__all__ = ["draw"]

MAX_NODES = 500
MAX_SHOWN = 6  # a value of more elements is shown by its shape
LEAF, ROOT, VALUE, OPERATION = "#fdf0d5", "#dbe9f6", "#ffffff", "#eeeeee"  # fills
LINE, TEXT, FAINT, GRADIENT = "#8a8f98", "#24292f", "#6e7781", "#b35900"
FONT = "Arial"


def draw(*tensors: Tensor, grads: bool | None = None, direction: str = "LR", max_nodes: int = MAX_NODES) -> Picture:
    """A picture of the tape of ``tensors``: a ``graphviz.Digraph`` that shows itself in Jupyter.

    Boxes are values, with name, shape, and the number itself where it is small and the tape has it (all of them under
    ``with trace():``); leaves are yellow, the results blue; ellipses are operations.  A gradient that was already
    computed is shown; ``grads=True`` computes all of them, without touching any ``grad``; ``grads=False`` shows none.
    ``draw(loss).render_to("graph.svg")`` saves SVG, PNG or PDF.  ``direction`` is "LR" or "TB".

    Raises TypeError for what is not a Tensor, ValueError for a tensor on no tape, for more than ``max_nodes`` entries,
    and for ``grads=True`` with a result of more than one element.

    >>> import autograd_lite as al
    >>> x = al.Tensor(2.0, requires_grad=True)
    >>> print(draw(x * x).listing)
    %0 = leaf          float32 ()
    %1 = mul(%0, %0)   float32 ()
    """

    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"draw takes Tensors, not {type(tensor).__name__}")
    if not tensors:
        raise TypeError("draw needs at least one Tensor")
    tape = Tape.of(*tensors)
    if len(tape) > max_nodes:
        raise ValueError(
            f"the tape has {len(tape)} entries, more than max_nodes={max_nodes}: draw a part of it (the output of one "
            "layer, computed from a detached input), print(Tape.of(tensor)) to read it, or raise max_nodes"
        )
    if direction not in ("LR", "TB"):
        raise ValueError(f'direction must be "LR" or "TB", got {direction!r}')
    gradients = {} if grads is False else _computed(tape, tensors) if grads else _known(tape)
    return _picture(tape, _values(tape, tensors), gradients, direction)


# -- what is shown ----------------------------------------------------------------------------------------------------


def _values(tape: Tape, tensors: tuple[Tensor, ...]) -> dict[Node, ndarray]:
    """The value of each entry, as far as the tape has it: leaves, results, notes, arrays kept for a gradient."""
    values: dict[Node, ndarray] = {}
    for node in tape:
        extras = node.extras
        if extras is not None and extras.note is not None:
            values[node] = extras.note.value
        elif extras is not None and extras.value is not None:
            values[node] = extras.value
        if isinstance(node.op, Op) and node.kept is not None:
            operands = node.kept[1 + node.op.residuals :]
            for source, array in zip((node, *node.inputs), (node.kept[0], *operands), strict=True):
                if source is not None and isinstance(array, ndarray):
                    values.setdefault(source, array)
    values.update({t._node: t._array for t in tensors if t._node is not None})
    return values


def _known(tape: Tape) -> dict[Node, ndarray]:
    """The gradients that were already computed."""
    return {n: n.extras.grad._array for n in tape if n.extras is not None and n.extras.grad is not None}


def _computed(tape: Tape, tensors: tuple[Tensor, ...]) -> dict[Node, ndarray]:
    """The gradient at every entry, by a walk over a copy of the tape that has no hooks and accumulates nothing."""
    for tensor in tensors:
        if tensor._array.size != 1:
            raise ValueError(f"draw(grads=True) needs results of one element, got shape {tensor.shape}; sum() it first")
    copies: dict[Node | None, Node | None] = {None: None}
    for node in tape:
        copy = Node(node.op, tuple([copies[s] for s in node.inputs]), node.kept, node.params, node.shape, node.dtype)
        copy.seq = node.seq  # so that a later write to a kept array is still noticed
        copies[node] = copy
    roots = {copies[t._node]: np.ones(t.shape, t.dtype) for t in tensors}
    found = Tape([root for root in roots if root is not None]).pull(
        {root: g for root, g in roots.items() if root is not None},
        [c for c in copies.values() if c is not None],
        retain_graph=True,
    )
    return {node: found[copy][0] for node, copy in copies.items() if node is not None and copy in found}


# -- how it looks -----------------------------------------------------------------------------------------------------


def _picture(tape: Tape, values: dict[Node, ndarray], gradients: dict[Node, ndarray], direction: str) -> Picture:
    from .picture import Picture

    picture = Picture(
        graph_attr={"rankdir": direction, "nodesep": "0.2", "ranksep": "0.3", "bgcolor": "white", "fontname": FONT},
        node_attr={"fontname": FONT, "fontsize": "11", "fontcolor": TEXT, "color": LINE, "penwidth": "0.8"},
        edge_attr={"color": LINE, "arrowsize": "0.6", "penwidth": "0.8"},
    )
    picture.listing = str(tape)
    for i, node in enumerate(tape):
        fill = LEAF if node.op is None else ROOT if node in tape.roots else VALUE
        picture.node(
            f"v{i}", _value_label(node, i, values.get(node), gradients.get(node)), tooltip=_where(node) or f"%{i}",
            shape="box", style="rounded,filled", fillcolor=fill, margin="0.14,0.05",
        )  # fmt: skip
    number = {node: i for i, node in enumerate(tape)}
    for i, node in enumerate(tape):
        if node.op is not None:
            picture.node(
                f"o{i}", _operation_label(node), tooltip=f"{node.op.name} {_where(node)}".strip(),
                shape="ellipse", style="filled", fillcolor=OPERATION, margin="0.04,0.02", height="0.3", width="0.4",
                ordering="in",
            )  # fmt: skip
            for source in node.inputs:
                if source is not None:
                    picture.edge(f"v{number[source]}", f"o{i}")
            picture.edge(f"o{i}", f"v{i}")
    return picture


def _value_label(node: Node, i: int, value: ndarray | None, gradient: ndarray | None) -> str:
    """Name, type and shape, value and gradient, one below the other: a line of one font stays whole in any other."""
    name = node.extras.name if node.extras is not None else ""
    lines = [f"<b>{escape(name)}</b>" if name else f'<font color="{FAINT}">%{i}</font>']
    kind = "" if node.dtype == np.float32 else f"{node.dtype} "
    lines.append(f'<font color="{FAINT}" point-size="9">{kind}{_shape(node.shape)}</font>')
    if value is not None and _is_small(value):
        lines.append(escape(_text(value)))
    if gradient is not None:
        shown = _text(gradient) if _is_small(gradient) else f"‖·‖ = {np.linalg.norm(gradient):.4g}"
        lines.append(f'<font color="{GRADIENT}">grad {escape(shown)}</font>')
    return f"<{'<br/>'.join(lines)}>"


def _operation_label(node: Node) -> str:
    """The symbol, and below it the constants that go in and the parameters: ``× 3``, ``Σ axis=0``."""
    op = node.op
    assert op is not None
    kept = node.kept[1 + op.residuals :] if isinstance(op, Op) and node.kept is not None else ()
    constants = [k for k, source in zip(kept, node.inputs, strict=False) if source is None]
    number = {source: "" for source in node.inputs if source is not None}
    below = ["·" if k is None else _text(k) if _is_small(k) else _shape(np.shape(k)) for k in constants]
    below += op.describe(node, number)[len(node.inputs) :]
    lines = [escape(op.symbol or op.name)]
    if below:
        lines.append(f'<font color="{FAINT}" point-size="9">{escape(", ".join(below))}</font>')
    return f"<{'<br/>'.join(lines)}>"


def _shape(shape: tuple[int, ...]) -> str:
    return "scalar" if not shape else f"({shape[0]},)" if len(shape) == 1 else " × ".join(map(str, shape))


def _is_small(array: Any) -> bool:
    return np.size(array) <= MAX_SHOWN


def _text(array: Any) -> str:
    """A few numbers with four digits, nested as the array is."""
    if np.ndim(array):
        return f"[{', '.join([_text(row) for row in array])}]"
    return f"{float(array):.4g}".replace("-", "−")


def _where(node: Node) -> str:
    note = node.extras.note if node.extras is not None else None
    return f"{note.module} {note.where}".strip() if note is not None else ""
