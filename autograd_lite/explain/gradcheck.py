"""The gradient check: what the tape says, against what the function does when its inputs move a little.

The check runs on float64 copies of the inputs, put into the very tensors that were given, so that it also reaches
parameters which the function finds by itself; afterwards the tensors are as they were.  A function of several numbers
is checked through ⟨u, fn(x)⟩ with a fixed random u.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..modes import checking, enable_grad
from ..tape import Node
from ..tensor import Tensor
from ..transforms import pull_back
from .culprit import signed, wrong_entries
from .table import aligned

__all__ = ["GradcheckError", "GradcheckResult", "Row", "gradcheck", "gradgradcheck"]

MAX_ELEMENTS = 512  # an input with more is checked along random directions
DIRECTIONS = 8


class GradcheckError(RuntimeError):
    """A gradient that is not the derivative; the message is the table of the check."""


class Row(NamedTuple):
    """One comparison: an element of an input (or a random direction), both derivatives, and the ``verdict``.

    The verdict is "ok", "wrong" or "kink": the function has no derivative there, and the gradient lies between the
    slopes of the two sides.
    """

    input: str
    element: str
    analytic: float
    numeric: float
    error: float
    verdict: str


class GradcheckResult:
    """What a check found: true if all is well; prints as a table, the worst rows first.

    ``rows`` are the comparisons, ``reason`` says why there is nothing to compare, ``culprits`` are the tape entries
    whose own rule is wrong.  ``projected`` tells that the derivatives are those of ⟨u, fn⟩.
    """

    def __init__(
        self, rows: list[Row], reason: str = "", culprits: Sequence[str] = (), projected: bool = False
    ) -> None:
        self.rows = rows
        self.projected = projected
        self.reason = reason
        self.culprits = list(culprits)

    @property
    def failures(self) -> list[Row]:
        """The rows that are wrong, the worst first."""
        return sorted([row for row in self.rows if row.verdict == "wrong"], key=_badness, reverse=True)

    @property
    def kinks(self) -> list[Row]:
        """The rows at points where the function has no derivative."""
        return [row for row in self.rows if row.verdict == "kink"]

    def __bool__(self) -> bool:
        return not self.reason and not self.failures

    def __str__(self) -> str:
        return "\n".join([self._verdict(), *self._table(), *self._accusation()])

    __repr__ = __str__

    def _verdict(self) -> str:
        if self.reason:
            return f"gradient check failed: {self.reason}"
        if self.failures:
            worst = self.failures[0]
            return (
                f"gradient check failed: {len(self.failures)} of {len(self.rows)} comparisons are wrong; "
                f"the worst is input {worst.input}{', ' + worst.element if worst.element else ''}: {_remark(worst)}"
            )
        largest = max((row.error for row in self.rows if row.verdict == "ok"), default=0.0)
        kinks = f", {len(self.kinks)} at kinks" if self.kinks else ""
        return f"gradient check passed: {len(self.rows)} comparisons{kinks}, largest error {largest:.2g}"

    def _table(self, limit: int = 10) -> list[str]:
        order = {"wrong": 0, "kink": 1, "ok": 2}
        rows = sorted(sorted(self.rows, key=_badness, reverse=True), key=lambda row: order[row.verdict])
        cells = [("input", "element", "analytic", "numeric", "error", "")]
        for row in rows[:limit]:
            numbers = (f"{row.analytic:.6g}", f"{row.numeric:.6g}", f"{row.error:.2g}")
            cells.append((row.input, row.element, *numbers, "" if row.verdict == "ok" else row.verdict))
        lines = [f"  {line}" for line in aligned(cells if self.rows else [], left=2)]
        if len(rows) > limit:
            lines.append(f"  … and {len(rows) - limit} more rows")
        if self.projected and self.rows:
            lines.append("  (fn has several results: these are the derivatives of ⟨u, fn⟩ for a fixed random u)")
        return lines

    def _accusation(self) -> list[str]:
        return ["where it goes wrong:", *[f"  {line}" for line in self.culprits]] if self.culprits else []


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    max_elements: int = MAX_ELEMENTS,
    seed: int = 0,
) -> GradcheckResult:
    """Compare the gradients of ``fn`` with central differences, ``(f(x + εe) − f(x − εe)) / 2ε``, in float64.

    As the sheet asks  (cheat sheet 2.2): what is checked is the whole cost, with its penalties, while dropout is off.
    ``inputs`` is a Tensor or a sequence of what ``fn`` is called with; the tensors with ``requires_grad`` are checked,
    every element, or ``DIRECTIONS`` random directions where an input has more than ``max_elements``.  ``fn`` returns a
    Tensor of any shape or a tuple of them.  To check a model, give its parameters and a function that ignores them:
    ``gradcheck(lambda *_: loss(model(x), y), list(model.parameters()))``.

    Raises GradcheckError, whose message names the input, the element and the tape entry that is wrong, unless
    ``raise_exception=False``; ValueError if nothing requires a gradient.  Warns about float32 inputs and kinks.

    >>> import autograd_lite as al
    >>> x = al.Tensor([0.5, 2.0], requires_grad=True, dtype="float64")
    >>> bool(gradcheck(lambda x: x * x.exp(), x))
    True
    """
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    labels = _labels(arguments)
    for tensor, label in labels.items():
        if tensor.dtype != np.float64:
            warnings.warn(
                f"gradcheck: input {label} is {tensor.dtype}; it is checked as a float64 copy, and what fn itself "
                f"rounds to {tensor.dtype} can make the differences too coarse",
                stacklevel=2,
            )
    with _float64_copies(labels), enable_grad(), checking():
        result = _Check(fn, arguments, labels, eps, atol, rtol, max_elements, seed).run()
    if result.kinks:
        shown = "; ".join(f"input {row.input} {row.element}".rstrip() for row in result.kinks[:3])
        warnings.warn(
            f"gradcheck: {len(result.kinks)} of {len(result.rows)} comparisons at a kink, where there is no derivative "
            f"({shown}{', …' if len(result.kinks) > 3 else ''}); move the inputs away from it",
            stacklevel=2,
        )
    if raise_exception and not result:
        raise GradcheckError(str(result))
    return result


def gradgradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    max_elements: int = MAX_ELEMENTS,
    seed: int = 0,
) -> GradcheckResult:
    """Check the second derivatives of ``fn``: `gradcheck` of its gradients, as ``create_graph=True`` records them.

    The gradients are also checked as functions of the cotangents, the inputs "grad_output".  Arguments and errors as
    in `gradcheck`.  The first derivatives are taken on trust: check them by `gradcheck`.

    >>> import autograd_lite as al
    >>> x = al.Tensor([0.5, 2.0], requires_grad=True, dtype="float64")
    >>> bool(gradgradcheck(lambda x: x * x.exp(), x))
    True
    """
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = list(_labels(arguments))
    rng = np.random.default_rng(seed + 1)
    with enable_grad(), checking():
        outputs = _outputs(fn(*arguments))
    cotangents = []
    for i, y in enumerate(outputs):
        u = Tensor(signed(rng, y.shape), requires_grad=True)
        u.name = "grad_output" if len(outputs) == 1 else f"grad_output {i}"
        cotangents.append(u)

    def gradients(*values: Any) -> tuple[Tensor, ...]:
        results = _outputs(fn(*values[: len(arguments)]))
        return pull_back(results, checked, values[len(arguments) :], create_graph=True)

    plain = pull_back(outputs, checked, cotangents, create_graph=False)
    with enable_grad(), checking():
        recorded = gradients(*arguments, *cotangents)
    for label, one, other in zip(_labels(arguments).values(), plain, recorded, strict=True):
        if not np.allclose(one._array, other._array, rtol, atol, equal_nan=True):
            result = GradcheckResult(
                [], f"input {label}: create_graph=True gives another gradient than a plain backward"
            )
            if raise_exception:
                raise GradcheckError(str(result))
            return result
    return gradcheck(gradients, [*arguments, *cotangents], eps, atol, rtol, raise_exception, max_elements, seed)


# -- the check --------------------------------------------------------------------------------------------------------


class _Check:
    """One check: the function, what it is called with, and how closely the derivatives must agree."""

    def __init__(
        self,
        fn: Callable[..., Any],
        arguments: list[Any],
        labels: dict[Tensor, str],
        eps: float,
        atol: float,
        rtol: float,
        max_elements: int,
        seed: int,
    ) -> None:
        self.fn, self.arguments, self.labels = fn, arguments, labels
        self.eps, self.atol, self.rtol, self.max_elements = eps, atol, rtol, max_elements
        self.rng = np.random.default_rng(seed)

    def run(self) -> GradcheckResult:
        outputs = self.outputs()
        if not outputs:
            raise ValueError("gradcheck: fn returns no floating Tensor: there is nothing to differentiate")
        self.here = [y._array.copy() for y in outputs]
        if not _same(self.here, [y._array for y in self.outputs()]):
            return GradcheckResult(
                [], "two evaluations at the same point differ: switch off what is random (al.dropout is off)"
            )
        for i, value in enumerate(self.here):
            if not np.all(np.isfinite(value)):
                place = tuple([int(k) for k in np.argwhere(~np.isfinite(value))[0]])
                reason = f"output {i}{', ' + _element(place) if place else ''} is {value[place]}: it has no derivative"
                return GradcheckResult([], reason, self.culprits())
        single = len(outputs) == 1 and outputs[0]._array.size == 1
        self.weights = [np.ones(y.shape) if single else signed(self.rng, y.shape) for y in outputs]
        weights = [Tensor(u) for u in self.weights]
        gradients = [g._array for g in pull_back(outputs, list(self.labels), weights)]
        rows: list[Row] = []
        for (tensor, label), gradient in zip(self.labels.items(), gradients, strict=True):
            rows += self.rows(tensor, label, gradient)
        result = GradcheckResult(rows, projected=not single)
        if result.failures:
            result.culprits = self.culprits()
        return result

    def culprits(self) -> list[str]:
        return wrong_entries(self.outputs, self.moved, list(self.labels), self.rng)

    def outputs(self) -> list[Tensor]:
        return _outputs(self.fn(*self.arguments))

    def rows(self, tensor: Tensor, label: str, gradient: ndarray) -> Iterator[Row]:
        """The comparisons for one input."""
        if gradient.size <= self.max_elements:
            for index in np.ndindex(*gradient.shape):
                yield self.compare(tensor, label, _element(index), _unit(gradient.shape, index), gradient)
            return
        for k in range(DIRECTIONS):
            direction = self.rng.choice([-1.0, 1.0], gradient.shape)
            row = self.compare(tensor, label, f"direction {k}", direction, gradient)
            yield row
            if row.verdict == "wrong":
                yield self.find_element(tensor, label, direction, gradient)
                return

    def compare(self, tensor: Tensor, label: str, element: str, direction: ndarray, gradient: ndarray) -> Row:
        analytic = _inner(gradient, direction)
        numeric = self.difference(tensor, direction, self.eps, -self.eps) / (2 * self.eps)
        error = abs(analytic - numeric)
        verdict = "ok"
        if not error <= self.atol + self.rtol * abs(numeric):  # not: NaN is wrong, too
            verdict = "kink" if self.at_kink(tensor, direction, analytic) else "wrong"
        return Row(label, element, analytic, numeric, error, verdict)

    def at_kink(self, tensor: Tensor, direction: ndarray, analytic: float) -> bool:
        """Whether the slopes to both sides differ more than a smooth function allows, with the gradient between them.

        The gap between the slopes over a step h is h·f″ where f is smooth: it halves with h.  Over a kink at distance
        d it is J·(1 − d/h): for d < h less than a third is lost from 4h to 2h.
        """
        gaps = []
        for h in (4 * self.eps, 2 * self.eps, self.eps):
            ahead = self.difference(tensor, direction, h, 0.0) / h
            behind = self.difference(tensor, direction, 0.0, -h) / h
            gaps.append(abs(ahead - behind))
        low, high = sorted((ahead, behind))
        slack = self.atol + self.rtol * max(abs(low), abs(high))
        return gaps[0] > slack and gaps[1] > 0.6 * gaps[0] and low - slack <= analytic <= high + slack

    def find_element(self, tensor: Tensor, label: str, direction: ndarray, gradient: ndarray) -> Row:
        """The element of a large input that is wrong, by halving the direction."""
        places = np.arange(direction.size)
        while len(places) > 1:
            halves = np.array_split(places, 2)
            parts = [np.where(np.isin(np.arange(direction.size), half), direction.ravel(), 0.0) for half in halves]
            rows = [self.compare(tensor, label, "", part.reshape(direction.shape), gradient) for part in parts]
            places = halves[int(_badness(rows[1]) > _badness(rows[0]))]
        index = np.unravel_index(int(places[0]), direction.shape)
        place = tuple([int(i) for i in index])
        return self.compare(tensor, label, _element(place), _unit(direction.shape, place), gradient)

    def difference(self, tensor: Tensor, direction: ndarray, ahead: float, behind: float) -> float:
        """⟨u, f(x + ahead·v) − f(x + behind·v)⟩."""
        ends = []
        for step in (ahead, behind):
            with self.moved({tensor: direction}, step):
                ends.append([y._array.copy() for y in self.outputs()] if step else self.here)
        with np.errstate(invalid="ignore"):
            return float(sum(_inner(u, a - b) for u, a, b in zip(self.weights, *ends, strict=True)))

    @contextmanager
    def moved(self, directions: dict[Tensor, ndarray], step: float) -> Iterator[None]:
        """Inside, the tensors hold ``x + step·v``."""
        before = [(tensor, tensor._array, tensor._node) for tensor in directions]
        try:
            for tensor, direction in directions.items():
                _put(tensor, tensor._array + step * direction, self.labels[tensor])
            yield
        finally:
            for tensor, array, node in before:
                tensor._array, tensor._node = array, node


@contextmanager
def _float64_copies(labels: dict[Tensor, str]) -> Iterator[None]:
    """Inside, the tensors hold float64 copies of their values, as leaves; afterwards they are what they were."""
    before = [(tensor, tensor._array, tensor._node) for tensor in labels]
    try:
        for tensor, label in labels.items():
            _put(tensor, np.array(tensor._array, dtype=np.float64), label)
        yield
    finally:
        for tensor, array, node in before:
            tensor._array, tensor._node = array, node


def _put(tensor: Tensor, array: ndarray, label: str) -> None:
    tensor._array = np.asarray(array)  # arithmetic makes NumPy scalars of 0-d arrays
    tensor._node = Node.leaf(tensor._array)
    tensor._node.extra().name = label


# -- small parts ------------------------------------------------------------------------------------------------------


def _labels(arguments: list[Any]) -> dict[Tensor, str]:
    """The tensors to check, each once, with what they are called: position and name."""
    labels: dict[Tensor, str] = {}
    for i, x in enumerate(arguments):
        if isinstance(x, Tensor) and x.requires_grad and x not in labels:
            labels[x] = f"{i} ({x.name})" if x.name else str(i)
    if not labels:
        raise ValueError("gradcheck: none of the inputs is a Tensor with requires_grad=True: there is nothing to check")
    return labels


def _outputs(results: Any) -> list[Tensor]:
    """The floating outputs of the function."""
    several = results if isinstance(results, (list, tuple)) else [results]
    for y in several:
        if not isinstance(y, Tensor):
            raise TypeError(f"gradcheck: fn must return a Tensor or a tuple of Tensors, got {type(y).__name__}")
    return [y for y in several if y.dtype.kind == "f"]


def _inner(u: ndarray, v: ndarray) -> float:
    with np.errstate(invalid="ignore"):  # what is not a number shows in the table
        return float(np.sum(u * v))


def _same(one: list[ndarray], two: list[ndarray]) -> bool:
    return len(one) == len(two) and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))


def _unit(shape: tuple[int, ...], index: tuple[int, ...]) -> ndarray:
    unit = np.zeros(shape)
    unit[index] = 1.0
    return unit


def _element(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _badness(row: Row) -> float:
    return np.inf if np.isnan(row.error) else row.error / (1e-3 + abs(row.numeric))


def _remark(row: Row) -> str:
    """What an error looks like, in words."""
    a, n = row.analytic, row.numeric
    numbers = f"analytic {a:.6g}, numeric {n:.6g}"
    if np.isnan(a) or np.isnan(n):
        which = "the gradient" if np.isnan(a) else "the function next to this point"
        return f"{numbers}: {which} is not a number"
    if a == 0:
        return f"{numbers}: no gradient reaches it, yet the result depends on it"
    if abs(a + n) <= 1e-3 * abs(n):
        return f"{numbers}: the sign is wrong"
    if abs(n) > 1e-6 * abs(a):
        return f"{numbers}: {a / n:.4g} times what it should be"
    return f"{numbers}: it should be zero"
