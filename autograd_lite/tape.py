"""The tape: what was computed, in which order, and the walk back over it.

A tensor that requires a gradient points to a :class:`Node`, its entry on the tape; a node points to the nodes of its
inputs.  Nothing points forward, so dropping the result frees the whole graph by reference count.  Creation order is a
topological order: a :class:`Tape` is what a result depends on, sorted by position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy import asarray, ndarray

from .modes import mode
from .writes import clock, last_write, read_only, source_line, write_after

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

__all__ = ["Extras", "Node", "Note", "Tape"]


class Note(NamedTuple):
    """What `trace` writes beside an entry: source line, module path, value."""

    where: str
    module: str
    value: np.ndarray


class Extras:
    """What only few entries have: an accumulated gradient, hooks, a note, a name."""

    __slots__ = ("grad", "hooks", "name", "note", "retains", "value")

    def __init__(self) -> None:
        self.grad: Tensor | None = None
        self.hooks: dict[object, Callable[[Tensor], Tensor | None]] = {}
        self.name = ""
        self.note: Note | None = None
        self.retains = False
        self.value: np.ndarray | None = None  # a leaf's value


class Node:
    """An entry on the tape: one operation that was carried out, or a leaf (``op`` is None).

    ``kept`` holds the output, the residual and the inputs as far as the vector-Jacobian products read them; it is None
    after the graph was freed.  ``params`` are the operation's other arguments.
    """

    __slots__ = ("dtype", "extras", "inputs", "kept", "op", "params", "seq", "shape")

    def __init__(
        self,
        op: Op | None,
        inputs: tuple[Node | None, ...],
        kept: tuple[Any, ...] | None,
        params: tuple[Any, ...],
        shape: tuple[int, ...],
        dtype: np.dtype,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.kept = kept
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self.seq = clock()
        self.extras: Extras | None = None

    @classmethod
    def leaf(cls, array: np.ndarray) -> Node:
        """The entry of a tensor that the user made: it has no inputs and accumulates its gradient."""
        node = cls(None, (), (), (), array.shape, array.dtype)
        node.extra().value = array
        return node

    def extra(self) -> Extras:
        """The entry's extras, made when first asked for."""
        if self.extras is None:
            self.extras = Extras()
        return self.extras

    def annotate(self, value: np.ndarray) -> None:
        """Write down where the operation was called and what came out (see `trace`)."""
        self.extra().note = Note(source_line(), mode.module, value.copy())

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        name = self.op.name if self.op is not None else "leaf"
        return f"<Node {self.seq}: {name} {self.dtype} {self.shape}>"


class Tape:
    """The entries that ``roots`` depend on, oldest first.  Iterates over nodes and prints as a listing.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> print(Tape.of((x * 3.0).sum()))
    %0 = leaf           float32 (2,)
    %1 = mul(%0, 3.0)   float32 (2,)
    %2 = sum(%1)        float32 ()
    """

    __slots__ = ("nodes", "roots")

    def __init__(self, roots: Sequence[Node]) -> None:
        seen = set(roots)
        todo = list(seen)
        while todo:
            for source in todo.pop().inputs:
                if source is not None and source not in seen:
                    seen.add(source)
                    todo.append(source)
        self.roots = tuple(roots)
        self.nodes = sorted(seen, key=lambda node: node.seq)

    @classmethod
    def of(cls, *roots: Tensor) -> Tape:
        """The tape of one or more tensors.  Raises ValueError for a tensor that records nothing."""
        for root in roots:
            if root._node is None:
                raise ValueError(f"{root!r} is on no tape: it does not depend on a tensor that requires a gradient")
        return cls([root._node for root in roots if root._node is not None])

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __str__(self) -> str:
        number = {node: f"%{i}" for i, node in enumerate(self.nodes)}
        rows = [_listing(node, number) for node in self.nodes]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def pull(
        self,
        cotangents: dict[Node, Any],
        wanted: Iterable[Node] | None = None,
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> dict[Node, tuple[Any, bool]]:
        """Carry ``cotangents`` from the roots back to the leaves, or to the nodes ``wanted``.

        Returns for each of these ``(gradient, owned)``: arrays, or Tensors on a tape of their own with
        ``create_graph``; ``owned`` tells that nobody else holds the gradient's memory.  Nothing is changed when the
        check of the kept arrays fails: RuntimeError for a graph that was freed or an array that was overwritten.
        """
        targets = None if wanted is None else set(wanted)
        needed = None if targets is None else self._leading_to(targets)
        self._check_kept(needed)
        checked, foreign = last_write(), False
        pending = dict(cotangents)
        owned: set[Node] = set()
        found: dict[Node, tuple[Any, bool]] = {}
        for node in reversed(self.nodes):
            g = pending.pop(node, None)
            if g is None:
                continue
            op, extras = node.op, node.extras
            if extras is not None and (extras.hooks or op is not None):
                g = _run_hooks(node, extras, g, create_graph, targets is None)
                owned.discard(node)  # a hook may hold what it was shown
                foreign = True
            if (targets is None and op is None) or (targets is not None and node in targets):
                found[node] = (g, node in owned)
            if op is None or (needed is not None and needed.isdisjoint(node.inputs)):
                continue
            if foreign and last_write() != checked:  # a hook or a user's rule has written
                _check_overwritten(node)
            # What an operation passes back to its inputs: vjps one by one, or all at once by a joint rule.
            kept: Any
            kept, joint = (node.kept, op.joint) if not create_graph else op.recordable(node)
            arguments = (g,) + kept + node.params  # noqa: RUF005  (concatenation is the fastest way)
            if not op.builtin:
                foreign = True
                if not create_graph:
                    arguments = tuple([read_only(a) if type(a) is ndarray else a for a in arguments])
            parts = None
            if joint is not None:
                needs = tuple([s is not None and (needed is None or s in needed) for s in node.inputs])
                parts = joint(needs, *arguments)
            for i, source in enumerate(node.inputs):
                if source is None or (needed is not None and source not in needed):
                    continue
                part = parts[i] if parts is not None else op.vjps[i](*arguments)
                if part is None:
                    continue
                if type(part) is not ndarray and not create_graph:
                    part = asarray(part)
                if part.shape != source.shape or part.dtype is not source.dtype:
                    part = op.fit(part, source, i)
                before = pending.get(source)
                if before is None:
                    pending[source] = part
                    # A leaf keeps its gradient: note when nobody else can hold this memory.
                    if source.op is None and part is not g and not create_graph and op.builtin and part.base is None:
                        owned.add(source)
                elif create_graph:
                    pending[source] = before + part
                elif part.ndim and source in owned:
                    np.add(before, part, before)
                else:
                    pending[source] = asarray(before + part)
                    owned.add(source)
            if not retain_graph:
                node.kept = None
        return found

    def _leading_to(self, wanted: set[Node]) -> set[Node]:
        """The nodes through which ``wanted`` are reached."""
        leading = set(wanted)
        for node in self.nodes:
            if not leading.isdisjoint(node.inputs):
                leading.add(node)
        return leading

    def _check_kept(self, needed: set[Node] | None) -> None:
        """Raise RuntimeError if an array that a gradient reads is gone or was overwritten since it was kept."""
        used = self.nodes if needed is None else [n for n in self.nodes if not needed.isdisjoint(n.inputs)]
        for node in used:
            if node.kept is None:
                raise RuntimeError(
                    f"backward through {_title(node)} a second time, but its kept arrays were freed by the first; "
                    "pass retain_graph=True to the first backward to keep them"
                )
        oldest = next((node.seq for node in self.nodes if node.op is not None), 0)
        if last_write() < oldest:
            return
        for node in used:
            _check_overwritten(node)


def _check_overwritten(node: Node) -> None:
    """Raise RuntimeError if an array that the node's gradient reads was written since it was kept."""
    for array in node.kept or ():
        write = write_after(array, node.seq)
        if write is not None:
            raise RuntimeError(_overwritten(node, array, write))


def _run_hooks(node: Node, extras: Extras, g: Any, create_graph: bool, retains: bool) -> Any:
    """Show the gradient to the entry's hooks, which may replace it, and store it where it was asked for."""
    from .tensor import Tensor

    for hook in list(extras.hooks.values()):
        shown = Tensor._wrap(read_only(g._array), g._node) if create_graph else Tensor._wrap(read_only(g))
        replaced = hook(shown)
        if replaced is not None:
            replaced = replaced if isinstance(replaced, Tensor) else Tensor(replaced)
            if replaced.shape != g.shape:
                raise ValueError(f"a hook returned a gradient of shape {replaced.shape} for one of {g.shape}")
            g = replaced.astype(g.dtype) if create_graph else replaced._array.astype(g.dtype)
    if node.op is not None and retains and (extras.retains or extras.note is not None):
        kept = g if create_graph else Tensor._wrap(np.array(g))
        extras.grad = extras.grad + kept if extras.retains and extras.grad is not None else kept
    return g


def _title(node: Node) -> str:
    name = node.op.name if node.op is not None else "leaf"
    note = node.extras.note if node.extras is not None else None
    return f"{name} -> {node.dtype} {node.shape}" + (f" at {note.where}" if note is not None else "")


def _overwritten(node: Node, array: np.ndarray, write: Any) -> str:
    traced = node.extras is not None and node.extras.note is not None
    return (
        f"{_title(node)} keeps an array {array.dtype} {array.shape} for its gradient, but {write.by} at {write.where} "
        "wrote to it afterwards; write to a copy (clone()), or call backward before writing"
        + (
            ""
            if traced
            else f". Record under `with trace():` to see where {node.op.name if node.op else ''} was called"
        )
    )


def _listing(node: Node, number: dict[Node, str]) -> tuple[str, str, str, str]:
    """One line of a tape: ``%3 = mul(%1, %2)``, type, module, source line."""
    extras = node.extras
    note = extras.note if extras is not None else None
    if node.op is None:
        text = "leaf" + (f" {extras.name}" if extras is not None and extras.name else "")
    else:
        text = f"{node.op.name}({', '.join(node.op.describe(node, number))})"
    return (
        f"{number[node]} = {text}",
        f"{node.dtype} {node.shape}",
        note.module if note is not None else "",
        note.where if note is not None else "",
    )
