"""Losses: a prediction and a target become one number.

Everywhere ``reduction`` is "mean", "sum", or "none" for the loss of every element.  Prediction and target must have one
shape: ``(N, 1)`` against ``(N,)`` would broadcast to ``(N, N)`` and train on a wrong number, so it raises ValueError.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy import ndarray

from .. import kernels
from ..kernels import SMALL, threads
from ..op import Sample, op
from ..tensor import Tensor
from .activation import softplus
from .composed import as_operand, composed
from .elementwise import abs, clamp, exp, log, square, where
from .index import gather, getitem
from .out import deliver, fresh
from .reduce import mean, sum
from .samples import Samples
from .shape import movedim, reshape
from .softmax import log_softmax

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy", "cross_entropy",
    "huber_loss", "kl_div", "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss",
]  # fmt: skip

_largest: Any = np.maximum.reduce
_sum: Any = np.add.reduce

IGNORED = -100  # a class that does not count
_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}  # as which a negative class is a large one


def _reduced(loss: Any, reduction: str, divisor: Any = None) -> Any:
    """The losses of the elements as ``reduction`` says; a mean is taken over ``divisor``, by default their number."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return sum(loss)
    if reduction == "mean":
        return mean(loss) if divisor is None else sum(loss) / divisor
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def _pair(name: str, x: Any, target: Any) -> tuple[Any, Any]:
    """Prediction and target.  Raises ValueError for two shapes."""
    x, target = as_operand(x), as_operand(target)
    if x.shape != target.shape:
        raise ValueError(
            f"{name}: the prediction has shape {x.shape}, the target {target.shape}; they must be equal "
            "(broadcasting would give a wrong loss): reshape one of them"
        )
    return x, target


# -- samples ----------------------------------------------------------------------------------------------------------


def _pairs(**params: float) -> Samples:
    """Predictions and targets, in every reduction and with further parameters; their differences keep off kinks."""

    def make(rng: np.random.Generator) -> list[Sample]:
        x = rng.normal(size=(2, 3))
        y = x + np.array([[0.3, -0.8, 1.4], [-0.2, 1.7, -1.3]])
        cases: list[dict[str, Any]] = [{}, {"reduction": "sum"}, {"reduction": "none"}]
        return [Sample(x, y, **case) for case in cases + ([params] if params else [])]

    return make


def _class_samples(rng: np.random.Generator) -> list[Sample]:
    classes, weight = np.array([2, 0, 1, 2]), np.array([0.5, 1.0, 2.0])
    cases: tuple[dict[str, Any], ...] = (
        {}, {"reduction": "sum"}, {"reduction": "none"}, {"weight": weight}, {"ignore_index": 2},
    )  # fmt: skip
    return [
        *[Sample(rng.normal(size=(4, 3)), classes, **case) for case in cases],
        Sample(rng.normal(size=3), np.array(1)),
        Sample(rng.normal(size=(2, 3, 2)), classes.reshape(2, 2), weight=weight, ignore_index=0),
    ]


def _cross_entropy_samples(rng: np.random.Generator) -> list[Sample]:
    x, classes, weight = rng.normal(size=(4, 3)), np.array([2, 0, 1, 2]), np.array([0.5, 1.0, 2.0])
    chances = rng.dirichlet(np.ones(3), 4)
    return [
        *_class_samples(rng), Sample(x, classes, label_smoothing=0.1),
        Sample(x, classes, label_smoothing=0.1, weight=weight, ignore_index=0), Sample(x, chances),
        Sample(x, chances, label_smoothing=0.1, weight=weight, reduction="none"),
    ]  # fmt: skip


def _binary_samples(low: float, high: float, **params: Any) -> Samples:
    def make(rng: np.random.Generator) -> list[Sample]:
        x, y, weight = rng.uniform(low, high, (2, 3)), rng.uniform(0, 1, (2, 3)), np.array([0.5, 1.0, 2.0])
        cases: list[dict[str, Any]] = [{}, {"reduction": "sum"}, {"reduction": "none", "weight": weight}]
        return [Sample(x, y, **case) for case in cases + ([params] if params else [])]

    return make


def _categorical_samples(rng: np.random.Generator) -> list[Sample]:
    x, y, classes = rng.dirichlet(np.ones(3), 4), rng.dirichlet(np.ones(3), 4), np.array([2, 0, 1, 2])
    wide, wide_y = [np.moveaxis(a.reshape(2, 2, 3), 2, 1) for a in (x, y)]  # (N, C, d₁)
    one_hot = np.eye(3)[classes]
    return [
        *[Sample(x, classes, reduction=reduction) for reduction in ("mean", "sum", "none")],
        *[Sample(x, target) for target in (y, one_hot, one_hot.astype(int))],
        Sample(x[0], np.array(1)), Sample(x[0], one_hot[1]),
        Sample(wide, classes.reshape(2, 2)), Sample(wide, wide_y, reduction="none"),
    ]  # fmt: skip


def _kl_samples(rng: np.random.Generator) -> list[Sample]:
    x, y = np.log(rng.dirichlet(np.ones(3), 2)), rng.dirichlet(np.ones(3), 2)
    return [
        *[Sample(x, y, reduction=reduction) for reduction in ("mean", "sum", "none", "batchmean")],
        Sample(x, np.log(y), reduction="sum", log_target=True),
    ]


# -- regression -------------------------------------------------------------------------------------------------------


@composed(_pairs())
def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared error ``(x − y)²`` (cheat sheet 2.1).  Raises ValueError for two shapes.

    >>> import autograd_lite as al
    >>> al.mse_loss(al.tensor([1.0, 2.0]), al.tensor([1.0, 4.0]))
    tensor(2.)
    """
    x, target = _pair("mse_loss", x, target)
    return _reduced(square(x - target), reduction)


@composed(_pairs())
def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The absolute error ``|x − y|`` (cheat sheet 2.1), with gradient 0 at 0.  Raises ValueError for two shapes."""
    x, target = _pair("l1_loss", x, target)
    return _reduced(abs(x - target), reduction)


@composed(_pairs(delta=0.5))
def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """``½d²`` where d = |x − y| ≤ δ, else ``δ(d − ½δ)`` (Huber, 1964).  Raises ValueError for two shapes and δ ≤ 0."""
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be above 0, got {delta}")
    x, target = _pair("huber_loss", x, target)
    return _reduced(_huber(x - target, delta), reduction)


def _huber(error: Any, delta: float) -> Any:
    # With c the error cut to ±δ this is c(d − ½c): one expression for both branches.
    cut = clamp(error, -delta, delta)
    return cut * (error - cut * 0.5)


@composed(_pairs(beta=0.5))
def smooth_l1_loss(x: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """`huber_loss` divided by β: ``½d²/β`` where d = |x − y| < β, else ``d − ½β``; β = 0 is `l1_loss` (Girshick, 2015).

    Raises ValueError for two shapes and for β < 0.
    """
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta must be ≥ 0, got {beta}")
    if beta == 0:
        return l1_loss(x, target, reduction)
    x, target = _pair("smooth_l1_loss", x, target)
    return _reduced(_huber(x - target, beta) / beta, reduction)


# -- classes ----------------------------------------------------------------------------------------------------------


def _fused_reference(logits: Any, target: Any) -> Any:
    target = target.numpy() if isinstance(target, Tensor) else target
    return -mean(gather(log_softmax(logits, 1), 1, target[:, None]))


def _fused_vjp(g, out, residual, logits, target):
    # softmax − one-hot, over the number of rows.
    x = _wide(logits)
    if not _is_large(x):
        return residual * x.dtype.type(g)
    classes, (tops, totals) = np.ascontiguousarray(target, np.intp), residual
    grad, scale = fresh(x.shape, x.dtype), np.array([x.dtype.type(g) / len(x)], x.dtype)
    x = np.ascontiguousarray(x)
    threads.run(kernels.loss.slope, len(x), x, classes, tops, totals, scale, grad, grain=_grain(x))
    return grad


def _wide(x: ndarray) -> ndarray:
    return x.astype(np.float32) if x.dtype.itemsize < 4 else x


def _is_large(x: ndarray) -> bool:
    """Whether a kernel does it."""
    return x.size > SMALL and x.dtype in (np.float32, np.float64)


def _grain(x: ndarray) -> int:
    """How many rows take a kernel some 5 µs."""
    return 1 + (1 << 12) // x.shape[1]


def _fused_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(rng.normal(size=(n, c)), rng.integers(0, c, n)) for n, c in ((1, 2), (4, 3), (3, 1))]


@op(
    vjps=(_fused_vjp, None), residuals=True, reference=_fused_reference, floating=True,
    symbol="cross entropy", samples=_fused_samples,
)  # fmt: skip
def softmax_cross_entropy(logits, target, out=None):
    """The mean of ``−log softmax(x)_y`` of rows x and classes y, ``(N, C), int (N,) -> ()``; see `cross_entropy`.

    Its residual is the maximum m of every row and the sum of ``e^(x − m)``, or for few logits the gradient.  A row of
    −inf has the sum ∞: its loss is ∞, its probabilities and its gradient are 0.
    """
    x = _wide(logits)
    if _is_large(x):
        tops, totals, chosen = residual = np.empty((3, len(x)), x.dtype)
        x, classes = np.ascontiguousarray(x), np.ascontiguousarray(target, np.intp)
        threads.run(kernels.loss.sums, len(x), x, classes, tops, totals, chosen, grain=_grain(x))
        residual = residual[:2]
    else:
        chosen, totals, residual = _few(x, target)
    loss = _sum(np.log(totals) - chosen) / len(x)
    return deliver(loss if loss.dtype == logits.dtype else loss.astype(logits.dtype), out), residual


def _few(x: ndarray, classes: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Of every row ``x − m`` at its class and the sum of ``e^(x − m)``, and the gradient, without a kernel."""
    tops = _largest(x, 1, None, None, True, np.finfo(x.dtype).min)
    shifted = np.subtract(x, tops, order="C")
    places = _starts(*x.shape) + classes
    chosen = shifted.take(places)
    powers = np.exp(shifted, shifted)
    totals = _sum(powers, 1, None, None, True)
    if not totals.all():
        totals[totals == 0] = np.inf
    slope = np.divide(powers, totals, powers)
    slope.reshape(-1)[places] -= totals[:, 0] < np.inf
    return chosen, totals[:, 0], np.divide(slope, len(x), slope)


@functools.lru_cache(maxsize=64)
def _starts(rows: int, columns: int) -> ndarray:
    """Where the rows of a matrix start in its memory."""
    return np.arange(rows) * columns


@composed(_cross_entropy_samples)
def cross_entropy(
    x: Any, target: Any, weight: Any = None, *, ignore_index: int = IGNORED, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """``−log softmax(x)_y`` of logits x and classes y, or ``−Σ_c y_c log softmax(x)_c`` of probabilities y.

    ``(N, C), int (N,) -> ()``; also ``(C,), int ()``, ``(N, C, d₁, …), int (N, d₁, …)``, and targets of the logits'
    shape, which are probabilities.  ``weight`` ``(C,)`` weighs the classes, and the mean of class targets is then over
    the weights; targets equal to ``ignore_index`` do not count; ``label_smoothing`` mixes the target with the uniform
    distribution (Szegedy et al., 2015).  The cheat sheet's loss (2.1) takes probabilities instead of logits; its
    output error ``A − Y`` is the derivative of this loss by a row of logits  (cheat sheet 2.3).
    Raises IndexError for a class out of range, ValueError for shapes that do not fit, TypeError for a target that is
    neither.

    >>> import autograd_lite as al
    >>> al.cross_entropy(al.tensor([[0.0, 0.0]]), al.tensor([1]))
    tensor(0.6931)
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    x, target = as_operand(x), as_operand(target)
    if target.dtype.kind == "f":
        return _with_probabilities(x, target, weight, reduction, label_smoothing)
    classes, kept = _classes("cross_entropy", x, target, ignore_index)
    if x.ndim == 2 and weight is None and not label_smoothing and reduction == "mean" and kept is None:
        return softmax_cross_entropy(x, classes)
    rows = log_softmax(_class_last(x), -1)
    if not label_smoothing:
        return _negative_log(rows, classes, kept, weight, reduction)
    exact = _negative_log(rows, classes, kept, weight, reduction)
    costs = -sum(rows if weight is None else rows * weight, -1)
    evenly = _reduced(_counted(costs, kept), reduction, _divisor(classes, kept, weight))
    return exact * (1 - label_smoothing) + evenly * (label_smoothing / rows.shape[-1])


def _class_last(x: Any) -> Any:
    """``(N, C, d₁, …)`` as ``(N, d₁, …, C)``."""
    return movedim(x, 1, -1) if x.ndim > 2 else x


def _classes(name: str, x: Any, target: Any, ignore_index: int) -> tuple[ndarray, ndarray | None]:
    """The target classes, ignored ones as 0, and which of them count: None for all.

    Raises ValueError for shapes that do not fit, IndexError for a class out of range, TypeError for no integers.
    """
    if not x.ndim or x.shape[:1] * (x.ndim > 1) + x.shape[2:] != target.shape:
        raise ValueError(
            f"{name}: the shapes must be (N, C), (N,) or (C,), () or (N, C, d₁, …), (N, d₁, …); got {x.shape} and "
            f"{target.shape}"
        )
    target = target._array if isinstance(target, Tensor) else target
    if target.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target must hold integers (classes), not {target.dtype} {target.shape}")
    count = x.shape[1 if x.ndim > 1 else 0]
    highest = _largest(target.view(_UNSIGNED[target.itemsize]), None, None, None, False, 0)
    if target.size and highest < count and not 0 <= ignore_index < count:
        return target, None
    kept = np.asarray(target != ignore_index)
    wrong = kept & ((target < 0) | (target >= count))
    if wrong.any():
        raise IndexError(
            f"{name}: the target class {target[wrong][0]} is out of range for {count} classes, shape {x.shape}"
        )
    return np.where(kept, target, 0), kept


def _counted(costs: Any, kept: ndarray | None) -> Any:
    """The costs of the targets that count, 0 for the others."""
    return costs if kept is None else where(kept, costs, 0.0)


def _divisor(classes: ndarray, kept: ndarray | None, weight: Any) -> Any:
    """Over what a mean is taken: the number, or the weights, of the targets that count; NaN if there are none."""
    if weight is None:
        return int(classes.size if kept is None else kept.sum()) or math.nan
    total = sum(_counted(getitem(weight, (classes,)), kept))
    return where(total == 0, math.nan, total)


def _negative_log(rows: Any, classes: ndarray, kept: ndarray | None, weight: Any, reduction: str) -> Any:
    """``−log p_y`` of log-probabilities ``(…, C)``, weighted."""
    if weight is not None:
        weight = as_operand(weight)
        if weight.shape != rows.shape[-1:]:
            raise ValueError(f"the class weights have shape {weight.shape}, there are {rows.shape[-1]} classes")
    picked = -reshape(gather(rows, -1, classes[..., None]), classes.shape)
    weighted = picked if weight is None else picked * getitem(weight, (classes,))
    return _reduced(_counted(weighted, kept), reduction, _divisor(classes, kept, weight))


def _with_probabilities(x: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    """Cross entropy against a distribution over the classes."""
    x, target = _pair("cross_entropy (a floating target holds probabilities)", x, target)
    rows, target = log_softmax(_class_last(x), -1), _class_last(target)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / rows.shape[-1]
    rows = where((target == 0) & (rows == -math.inf), 0.0, rows)  # 0 · log 0 is 0
    costs = -sum(target * (rows if weight is None else rows * weight), -1)
    return _reduced(costs, reduction)


@composed(_class_samples)
def nll_loss(x: Any, target: Any, weight: Any = None, *, ignore_index: int = IGNORED, reduction: str = "mean") -> Any:
    """``−x_y`` of log-probabilities x and classes y: `cross_entropy` without its `log_softmax`."""
    x, target = as_operand(x), as_operand(target)
    classes, kept = _classes("nll_loss", x, target, ignore_index)
    return _negative_log(_class_last(x), classes, kept, weight, reduction)


# -- probabilities ----------------------------------------------------------------------------------------------------


LOWEST_LOG = -100.0  # PyTorch's bound, too


def _bounded_log(p: Any) -> Any:
    """``log p``, at least −100, so that a certain mistake has a finite loss; slope 0 where 1/p would overflow."""
    values = p._array if isinstance(p, Tensor) else p
    steep = values < (np.finfo(p.dtype).tiny if p.dtype.kind == "f" else 1)
    logs = log(where(steep, 1.0, p))
    if steep.any():
        with np.errstate(divide="ignore"):  # log 0
            logs = where(steep, np.log(values, dtype=logs.dtype), logs)
    return clamp(logs, min=LOWEST_LOG)


def _check_probabilities(name: str, x: Any, hint: str, what: str = "a probability") -> None:
    """Raise ValueError for a probability outside [0, 1], and say what to do."""
    values = x._array if isinstance(x, Tensor) else x
    outside = ~((values >= 0) & (values <= 1)) & ~np.isnan(values)
    if outside.any():
        raise ValueError(f"{name}: {what} must be in [0, 1], got {values[outside][0]!s}; {hint}")


def _check_binary(name: str, target: Any) -> None:
    _check_probabilities(name, target, "the classes are 0 and 1, or chances between them", "a target")


@composed(_binary_samples(0.1, 0.9))
def binary_cross_entropy(x: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """``−(y log p + (1 − y) log(1 − p))`` of probabilities p and targets y (cheat sheet 2.1).

    Logarithms stop at −100: the loss at p = 0 and 1 is at most 100, the gradient there finite.  Raises ValueError for
    two shapes and for a prediction or a target outside [0, 1].
    """
    x, target = _pair("binary_cross_entropy", x, target)
    _check_probabilities("binary_cross_entropy", x, "for raw scores use binary_cross_entropy_with_logits")
    _check_binary("binary_cross_entropy", target)
    costs = -(target * _bounded_log(x) + (1 - target) * _bounded_log(1 - x))
    return _reduced(costs if weight is None else costs * weight, reduction)


@composed(_categorical_samples)
def categorical_cross_entropy(x: Any, target: Any, *, reduction: str = "mean") -> Any:
    """``−Σ_c y_c log p_c`` of probabilities p and a one-hot target y, or ``−log p_y`` of a class y (cheat sheet 2.1).

    ``(N, C), (N, C) -> ()`` or ``(N, C), int (N,) -> ()``, also with more axes as `cross_entropy`, which is the same of
    raw scores: ``categorical_cross_entropy(softmax(x), y)``.  The mean is over the examples.  Logarithms stop at −100:
    the loss at p = 0 is 100, the gradient there 0.  A class of −100 does not count.  Raises ValueError for shapes that
    do not fit and for a probability outside [0, 1], IndexError for a class out of range, TypeError for classes that are
    no integers.

    >>> import autograd_lite as al
    >>> p = al.tensor([[0.5, 0.25, 0.25]])
    >>> al.categorical_cross_entropy(p, al.tensor([[0.0, 1.0, 0.0]])), al.categorical_cross_entropy(p, al.tensor([1]))
    (tensor(1.3863), tensor(1.3863))
    """
    x, target = as_operand(x), as_operand(target)
    _check_probabilities("categorical_cross_entropy", x, "for raw scores use cross_entropy")
    logs = _class_last(_bounded_log(x))
    if x.shape == target.shape:
        if target.dtype.kind in "iu" and target.size and target.max() > 1:
            raise ValueError(
                f"categorical_cross_entropy: a target of the prediction's shape {x.shape} must be one-hot, got a "
                f"{target.max()} in it; classes have the shape (N,)"
            )
        return _reduced(-sum(_class_last(target) * logs, -1), reduction)
    classes, kept = _classes("categorical_cross_entropy", x, target, IGNORED)
    return _negative_log(logs, classes, kept, None, reduction)


@composed(_binary_samples(-2, 2, pos_weight=np.array([0.5, 1.0, 2.0])))
def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """`binary_cross_entropy` of ``σ(x)``, exact where that rounds to 0 or 1; ``pos_weight`` weighs the targets 1.

    It is ``(1 − y)·x + (1 + (w − 1)·y)·log(1 + e⁻ˣ)``, whose derivative without weight is ``σ(x) − y``  (cheat sheet
    2.3, 6.2).  Raises ValueError for two shapes and for a target outside [0, 1].
    """
    x, target = _pair("binary_cross_entropy_with_logits", x, target)
    _check_binary("binary_cross_entropy_with_logits", target)
    gain = 1 if pos_weight is None else 1 + (as_operand(pos_weight) - 1) * target
    costs = (1 - target) * x + gain * softplus(-x, 1.0, math.inf)
    return _reduced(costs if weight is None else costs * weight, reduction)


@composed(_kl_samples)
def kl_div(x: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """The Kullback-Leibler divergence ``y·(log y − x)`` of log-probabilities x and probabilities y; 0·log 0 is 0.

    "mean" is over all elements, "batchmean", which is the divergence, over the first axis.  With ``log_target`` the
    target holds log-probabilities, too.  Raises ValueError for two shapes, and for a target outside [0, 1].
    """
    x, target = _pair("kl_div", x, target)
    if not log_target:
        _check_probabilities("kl_div", target, "for log-probabilities give log_target=True", "a target")
    if log_target:
        costs = exp(target) * (target - x)
    else:
        positive = target > 0
        costs = where(positive, target * (log(where(positive, target, 1.0)) - where(positive, x, 0.0)), 0.0)
    if reduction == "batchmean":
        return sum(costs) / (x.shape[0] if x.ndim else 1)
    return _reduced(costs, reduction)
