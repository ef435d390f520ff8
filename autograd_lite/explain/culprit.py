"""Which entry of a tape is wrong: the adjoint test, entry by entry.

Let all inputs move along a direction.  Every entry's value then moves by some tangent t, which is measured by running
the function again a small step ahead and a small step behind.  If an entry's vector-Jacobian product is right, then
⟨u, t_out⟩ = Σ ⟨vjp_i(u), t_i⟩ for any u, summed over its inputs.  Both sides use only what the tape holds, so that a
wrong entry is accused by itself, however many others there are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy import ndarray

from ..modes import trace
from ..op import Op
from ..tape import Node, Tape
from ..tensor import Tensor

__all__ = ["signed", "wrong_entries"]

STEP = 1e-6
ATOL, RTOL = 1e-7, 1e-5
TRIES = 3
SHOWN = 3


def wrong_entries(
    outputs: Callable[[], list[Tensor]],
    moved: Callable[[dict[Tensor, ndarray], float], AbstractContextManager[None]],
    inputs: list[Tensor],
    rng: np.random.Generator,
) -> list[str]:
    """The lines of the tape whose rule disagrees with what the entry does, each with its source line.

    ``outputs()`` evaluates the function, ``moved(directions, step)`` moves its ``inputs``.  Empty when no entry is
    wrong by itself, as when something is missing from the tape altogether.
    """
    accused: dict[int, str] = {}
    for _ in range(TRIES):
        directions = {x: signed(rng, x.shape) for x in inputs}
        runs = []
        for step in (-STEP, 0.0, STEP):
            with moved(directions, step), trace():
                recorded = [y for y in outputs() if y.requires_grad]
                runs.append(Tape.of(*recorded))
        if not runs[1].nodes or len({tuple([_name(n) for n in run]) for run in runs}) != 1:
            return []  # nothing recorded, or another way taken through the program
        with np.errstate(all="ignore"):
            disagreements = _disagreements(runs, rng)
        for i, wrong in disagreements:
            accused.setdefault(i, f"{str(runs[1]).splitlines()[i]}   {wrong}")
    return [accused[i] for i in sorted(accused)][:SHOWN]


def _disagreements(runs: list[Tape], rng: np.random.Generator) -> list[tuple[int, str]]:
    """The positions of wrong entries, and what is wrong with each."""
    behind, here, ahead = runs
    tangents: dict[Node, ndarray] = {}
    rough: dict[Node, ndarray] = {}  # where the slopes to both sides differ: a kink
    found: list[tuple[int, str]] = []
    for i, (a, b, c) in enumerate(zip(behind, here, ahead, strict=True)):
        low, mid, high = _value(a), _value(b), _value(c)
        if low is None or mid is None or high is None:
            return found
        if not np.all(np.isfinite(mid)):
            return [*found, (i, "its value is not finite here for the first time")]
        tangents[b] = (high - low) / (2 * STEP)
        gap = np.abs(high - 2 * mid + low) / STEP
        rough[b] = gap > 1e-4 * (1 + np.abs(tangents[b]))
        if b.op is None or b.dtype != np.float64:
            continue
        u = signed(rng, b.shape)
        if not any(np.any(rough[s]) for s in b.inputs if s is not None):
            u = np.where(rough[b], 0.0, u)  # the kink is this entry's own: no rule is right there
        parts = _vjps(b, u)
        pulled = [(part, tangents[s]) for part, s in zip(parts, b.inputs, strict=True) if s is not None]
        if not _agree(u, tangents[b], pulled):
            found.append((i, _what_is_wrong(a, b, c, u, parts, rng)))
    return found


def _agree(u: ndarray, t: ndarray, pulled: list[tuple[ndarray, ndarray]]) -> bool:
    """⟨u, t⟩ = Σ ⟨part, tangent⟩, up to rounding."""
    terms = [u * t, *[-part * tangent for part, tangent in pulled]]
    scale = sum(float(np.sum(np.abs(term))) for term in terms)
    return bool(abs(sum(float(np.sum(term)) for term in terms)) <= ATOL + RTOL * scale)


def _what_is_wrong(a: Node, b: Node, c: Node, u: ndarray, parts: list[ndarray], rng: np.random.Generator) -> str:
    if any(_moves_off_tape(x, y) for x, y in zip(_operands(a), _operands(c), strict=True)):
        return "an operand depends on the inputs, but not on the tape (detach, numpy, no_grad?)"
    recorded = [i for i, s in enumerate(b.inputs) if s is not None]
    wrong = recorded if len(recorded) == 1 else _wrong_arguments(b, u, parts, recorded, rng)
    names = b.op.names if isinstance(b.op, Op) and not b.op.variadic else []
    which = " and ".join(f"{i} ({names[i]})" if i < len(names) else str(i) for i in wrong)
    return "its gradient is wrong" + (f" for argument {which}" if wrong else "")


def _wrong_arguments(
    node: Node, u: ndarray, parts: list[ndarray], recorded: list[int], rng: np.random.Generator
) -> list[int]:
    """The same test for one argument at a time, by calling the operation; empty if an operand is not on the tape."""
    if not isinstance(node.op, Op):
        return []
    pairs = zip(node.inputs, _operands(node), strict=True)
    values: list[Any] = [k if source is None else _value(source) for source, k in pairs]
    if any(value is None for value in values):
        return []
    wrong = []
    for i in recorded:
        v = rng.choice([-1.0, 1.0], np.shape(values[i]))
        ends = []
        for step in (STEP, -STEP):
            moved = [x + step * v if j == i else x for j, x in enumerate(values)]
            result = node.op._forward(moved, node.params)
            ends.append(result[0] if node.op.residuals else result)
        if not _agree(u, (ends[0] - ends[1]) / (2 * STEP), [(parts[i], v)]):
            wrong.append(i)
    return wrong


def _vjps(node: Node, u: ndarray) -> list[ndarray]:
    """The gradients that one entry passes to its inputs: a walk over a copy of it whose inputs are leaves."""
    leaves = [None if s is None else Node(None, (), (), (), s.shape, s.dtype) for s in node.inputs]
    copy = Node(node.op, tuple(leaves), node.kept, node.params, node.shape, node.dtype)
    found = Tape([copy]).pull({copy: u}, [leaf for leaf in leaves if leaf is not None])
    return [found[leaf][0] if leaf in found else np.zeros(leaf.shape if leaf is not None else ()) for leaf in leaves]


def _value(node: Node) -> ndarray | None:
    """An entry's value as `trace` wrote it down."""
    extras = node.extras
    if extras is None:
        return None
    return extras.note.value if extras.note is not None else extras.value


def _operands(node: Node) -> tuple[Any, ...]:
    """The operands as far as they are kept."""
    if not isinstance(node.op, Op) or node.kept is None:
        return ()
    return tuple(k if s is None else None for k, s in zip(node.kept[1 + node.op.residuals :], node.inputs, strict=True))


def _moves_off_tape(one: Any, two: Any) -> bool:
    return isinstance(one, ndarray) and isinstance(two, ndarray) and not np.array_equal(one, two, equal_nan=True)


def _name(node: Node) -> str:
    return node.op.name if node.op is not None else "leaf"


def signed(rng: np.random.Generator, shape: tuple[int, ...]) -> ndarray:
    """Numbers of either sign and none of them small, so that no error hides behind its weight."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))
