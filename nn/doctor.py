"""The gradient doctor: looks at one step of a model and says in words what is wrong with its gradients."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tape, Tensor
from autograd_lite.autograd import grad
from autograd_lite.modes import checking, enable_grad, trace
from autograd_lite.writes import log_write

from .module import Module, Parameter
from .optim import Optimizer
from .plot import DARK, FINE, WRONG, new_figure, write_figure
from .table import html_table, text_table

__all__ = ["Diagnosis", "LayerHealth", "diagnose"]

# The gradient that arrives at a layer has the same norm at every depth, whatever the widths, if the weights have the
# variance that suits the activation (He et al. 2015).  With one learning rate for all, a layer that gets a thousandth
# of another's gradient stands still; one that gets the thousandfold is thrown about.  Networks that train well keep
# away from both: 20 layers of He and ReLU have factors of 0.2 to 2, of batch norm and ReLU some 40.
FADED, GROWN = 1e-3, 1e3

# A sigmoid's slope is a(1 − a), at most 1/4; tanh z = 2 σ(2z) − 1.  Outside these values both have less than 4 % of
# their largest slope.
SIGMOID_FLAT, TANH_FLAT = 0.49, 0.98  # distance from the middle
FLAT_SHARE = 0.5  # of the values: most of the layer learns nothing

# Deep in a plain ReLU network the examples become alike; then half of the units, and sometimes more, are off for all of
# them, by chance.
DEAD_SHARE = 0.9

TOO_FAR = 1.0  # update / weight: about 0.001 is usual; here a step is as large as what it changes

SLOPES = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}  # the operations that are looked at
PRODUCTS = "linear", "matmul", "contract"  # and all convolutions: operations that apply a weight
NUMBERS = "gradient", "signal", "ratio"

Owner = Module | Parameter  # of a row: a layer, or a weight that no layer of its own applies

REMEDIES = {
    "init": "initialize for the activation: He for ReLU, Xavier for tanh: nn.init.he_normal_, xavier_normal_ "
            "(cheat sheet 3.3)",
    "norm": "batch normalization after each layer: nn.BatchNorm1d, BatchNorm2d (cheat sheet 3.3)",
    "relu": "ReLU in place of sigmoid and tanh, which saturate (cheat sheet 1.2, 2.2)",
    "leaky": "LeakyReLU, whose slope is nowhere 0: nn.LeakyReLU (cheat sheet 1.2)",
    "rate": "a smaller learning rate (cheat sheet 3.4)",
    "clip": "clip the gradients by their norm before each step (Pascanu et al. 2013)",
    "logits": "losses that take raw scores: cross_entropy, binary_cross_entropy_with_logits",
    "unused": "use these parameters in forward(), or leave them out",
}  # fmt: skip


class LayerHealth(NamedTuple):
    """One row: a layer with parameters, a weight without a layer, or an activation; what does not apply is None.

    ``gradient`` is ‖dW‖ of all its parameters, ``signal`` ‖dZ‖ at its output, ``ratio`` ‖update‖ / ‖W‖.  Of an
    activation, ``dead`` counts the ReLU ``units`` that are 0 for every example, ``saturated`` is the share of sigmoid
    or tanh values where the slope is below 4 % of the largest.
    """

    path: str
    kind: str
    gradient: float | None = None
    signal: float | None = None
    ratio: float | None = None
    dead: int | None = None
    units: int | None = None
    saturated: float | None = None


class Diagnosis:
    """What `diagnose` found; prints as a table with the findings in words, and is true if the model is healthy.

    ``verdict`` is "healthy", "vanishing", "exploding", "non-finite", "dead ReLUs", "saturated" or "rate too large",
    the gravest of the ``findings``, which are sentences; ``remedies`` says what helps.  ``layers`` are the rows in the
    order in which they ran, ``unused`` names the parameters that the loss does not depend on.
    """

    def __init__(self, loss: float, layers: list[LayerHealth], unused: list[str]) -> None:
        self.loss, self.layers, self.unused = loss, layers, unused
        self.verdict = "healthy"
        self.findings: list[str] = []
        self.remedies: list[str] = []

    def _add(self, verdict: str, finding: str, *remedies: str) -> None:
        """Note a finding; the first one with a verdict is the gravest."""
        self.findings.append(finding)
        if verdict and self.verdict == "healthy":
            self.verdict = verdict
        self.remedies += [REMEDIES[key] for key in remedies if REMEDIES[key] not in self.remedies]

    def __bool__(self) -> bool:
        return self.verdict == "healthy"

    def __str__(self) -> str:
        lines = text_table(self._cells(), left=2)
        return "\n".join([*lines, lines[1], *self._words()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(self._cells(), self._words())

    def _words(self) -> list[str]:
        return [
            f"verdict: {self.verdict} (loss {self.loss:.4g})",
            *[f"  {finding}" for finding in self.findings],
            *(["what helps:"] if self.remedies else []),
            *[f"  - {remedy}" for remedy in self.remedies],
        ]

    def _cells(self) -> list[list[str]]:
        """The table as texts, without the columns that are empty."""
        columns = [["layer", *[row.path for row in self.layers]], ["kind", *[row.kind for row in self.layers]]]
        for title, key in zip(("‖dW‖", "‖dZ‖", "update/weight"), NUMBERS, strict=True):
            columns.append([title, *[_number(getattr(row, key)) for row in self.layers]])
        columns.append(["dead", *["" if row.dead is None else f"{row.dead}/{row.units}" for row in self.layers]])
        columns.append(["flat", *["" if row.saturated is None else f"{row.saturated:.0%}" for row in self.layers]])
        shown = [column for i, column in enumerate(columns) if i < 2 or any(column[1:])]
        return [list(row) for row in zip(*shown, strict=True)]

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Bars of ‖dW‖ and points of ‖dZ‖ by layer, on a log axis; returns the matplotlib Figure, written to ``path``.

        A layer whose gradient is 0 or not finite has a cross.  Raises ImportError without matplotlib (extra ``viz``).
        """
        rows = [row for row in self.layers if row.gradient is not None]
        figure = new_figure(max(5.0, 1.5 + 0.32 * len(rows)), 3.6)
        axes = figure.subplots()
        places = np.arange(len(rows))
        bars, points = (np.array([_drawable(getattr(row, key)) for row in rows]) for key in ("gradient", "signal"))
        seen = np.concatenate([bars, points])
        seen = seen[np.isfinite(seen)]
        axes.set_yscale("log")
        if len(seen):
            bottom = seen.min() / 3
            axes.set_ylim(bottom, seen.max() * 3)
            axes.bar(places, bars - bottom, bottom=bottom, color=FINE if self else WRONG, label="‖dW‖, by the weights")
            axes.plot(places, points, "o", color=DARK, markeredgecolor="white", label="‖dZ‖, at the layer's output")
        missing = places[~np.isfinite(bars)]
        if len(missing):
            axes.plot(missing, np.full(len(missing), 0.04), "x", color=WRONG, transform=axes.get_xaxis_transform(),
                      label="0 or not finite")  # fmt: skip
        axes.set_xticks(places, [row.path for row in rows], rotation=90 if len(rows) > 6 else 0)
        axes.set(ylabel="gradient norm", title=f"{self.verdict} (loss {self.loss:.4g})")
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, fontsize="small")
        write_figure(figure, path)
        return figure


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2e}"


def _drawable(value: float | None) -> float:
    """A value on a log axis; NaN for what has no place there."""
    return value if value is not None and 0 < value < math.inf else math.nan


# -- one step, observed -----------------------------------------------------------------------------------------------


def diagnose(
    model: Module, loss: Callable[[], Tensor], lr: float | None = None, *, optimizer: Optimizer | None = None
) -> Diagnosis:
    """Compute a loss and its gradients once, and say of each layer whether it can learn  (cheat sheet 2.2, 3.3).

    ``loss()`` runs the model and returns a Tensor of one element.  Compared are ‖dZ‖ (2.3) at the first and the last
    use of a weight, by a layer or as in ``x @ w``: below 1/1000 the gradient vanishes, above 1000 it explodes.  With
    ``lr`` (of a plain gradient step) or ``optimizer`` (its next step) the table has ‖update‖ / ‖W‖, which is usually
    about 0.001.  Dropout drops nothing meanwhile.  The model, its gradients, mode and running statistics, and the
    optimizer stay as they were.

    Raises TypeError for a loss that is no function or returns no Tensor; ValueError for one of several elements or that
    depends on no parameter of the model, for a bad ``lr``, and for both ``lr`` and ``optimizer``.

    >>> import autograd_lite as al
    >>> import nn
    >>> model = nn.MLP([4, 8, 2], generator=al.Generator(0))
    >>> x, y = al.randn(16, 4, generator=al.Generator(1)), al.arange(16) % 2
    >>> found = diagnose(model, lambda: nn.functional.cross_entropy(model(x), y))
    >>> found.verdict, [row.path for row in found.layers]
    ('healthy', ['fc1', 'act1', 'fc2'])
    """
    _check_arguments(loss, lr, optimizer)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    with np.errstate(all="ignore"), enable_grad(), checking(), _buffers_kept(model):
        with _outputs(model) as outputs, trace():
            value = _scalar(loss())
        recorded: list[tuple[Owner, Tensor]] = [(module, tensor) for module, tensor in outputs if tensor.requires_grad]
        recorded += _applied(_free_weights(trained, recorded), Tape.of(value))
        found = grad(value, [*trained.values(), *[t for _, t in recorded]], allow_unused=True)
    gradients = dict(zip(trained.values(), found, strict=False))
    if all(g is None for g in gradients.values()):
        raise ValueError("the loss depends on no parameter of the model that requires a gradient")
    signals = list(zip(recorded, found[len(trained) :], strict=True))
    steps = _steps(gradients, lr, optimizer)
    tape = Tape.of(value, *[tensor for _, tensor in recorded])
    layers, flow = _layers(model, tape, signals, gradients, steps)
    last = max([node.seq for node in tape.roots[1:]], default=0)
    hidden = [row for seq, row in layers if seq < last]
    unused = [name for name, p in trained.items() if gradients[p] is None]
    diagnosis = Diagnosis(value.item(), [row for _, row in layers], unused)
    _judge(diagnosis, model, hidden, flow, tape)
    return diagnosis


def _check_arguments(loss: Any, lr: float | None, optimizer: Optimizer | None) -> None:
    if not callable(loss):
        raise TypeError(f"loss must be a function that runs the model, not {type(loss).__name__}; lambda: … makes one")
    if lr is not None and optimizer is not None:
        raise ValueError("diagnose takes lr or optimizer, not both")
    if lr is not None and not 0 <= lr < math.inf:
        raise ValueError(f"lr must be at least 0 and finite, got {lr}")


def _scalar(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"loss() must return a Tensor, not {type(value).__name__}")
    if value.numel() != 1:
        raise ValueError(f"loss() must return one element, got shape {value.shape}; take its mean() or sum()")
    if not value.requires_grad:
        raise ValueError("the loss depends on no parameter of the model that requires a gradient")
    return value


@contextmanager
def _outputs(model: Module) -> Iterator[list[tuple[Module, Tensor]]]:
    """Collects what each module with parameters of its own returns inside the block, in the order of the calls."""
    seen: list[tuple[Module, Tensor]] = []

    def note(module: Module, args: tuple[Any, ...], result: Any) -> None:
        if isinstance(result, Tensor):
            seen.append((module, result))

    handles = [m.register_forward_hook(note) for m in model.modules() if list(m.parameters(recurse=False))]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _free_weights(trained: dict[str, Parameter], recorded: list[tuple[Owner, Tensor]]) -> list[Parameter]:
    """Weights that are not the one weight of a module that ran, such as those in a ParameterList."""
    single: set[Parameter] = set()
    for owner, _ in recorded:
        weights = [p for p in owner.parameters(recurse=False) if p.ndim > 1] if isinstance(owner, Module) else []
        single.update(weights if len(weights) == 1 else [])
    return [p for p in trained.values() if p.ndim > 1 and p not in single]


def _applied(weights: list[Parameter], tape: Tape) -> list[tuple[Owner, Tensor]]:
    """Each of these weights with the results of the products that it, or what was made of it, is a factor of."""
    made = {id(p._node): [p] for p in weights}  # the weights that an entry was made of, and of nothing else
    found: list[tuple[Owner, Tensor]] = []
    for node in tape:
        inputs = [made.get(id(n), []) for n in node.inputs if n is not None]
        if node.op is None or not any(inputs):
            continue
        if node.op.name.startswith("conv") or node.op.name in PRODUCTS:
            assert node.extras is not None
            assert node.extras.note is not None  # by trace()
            factors = node.inputs if node.op.name == "contract" else node.inputs[:2]  # a third one is a bias
            sources = [p for n in factors for p in made.get(id(n), [])]
            found += [(p, Tensor._wrap(node.extras.note.value, node)) for p in sources]
        elif all(inputs):
            made[id(node)] = [p for sources in inputs for p in sources]
    return found


@contextmanager
def _buffers_kept(model: Module) -> Iterator[None]:
    """Afterwards all buffers have the values that they had before."""
    before = [(m, name, buffer, buffer._array.copy()) for m in model.modules()
              for name, buffer in m.named_buffers(recurse=False)]  # fmt: skip
    try:
        yield
    finally:
        for module, name, buffer, array in before:
            setattr(module, name, buffer)
            if not np.array_equal(buffer._array, array, equal_nan=buffer.dtype.kind == "f"):
                np.copyto(buffer._array, array)
                log_write("diagnose", buffer._array)


def _norm(arrays: list[np.ndarray]) -> float:
    """The norm of all elements together, in float64."""
    return math.sqrt(sum(float(np.sum(np.square(a, dtype=np.float64))) for a in arrays))


def _steps(
    gradients: dict[Parameter, Tensor | None], lr: float | None, optimizer: Optimizer | None
) -> dict[Parameter, np.ndarray]:
    """The step that each parameter would take; nothing if no rate is known.  The optimizer works on copies."""
    known = {p: g._array for p, g in gradients.items() if g is not None}
    if lr is not None:
        return {p: lr * g for p, g in known.items()}
    if optimizer is None:
        return {}
    steps: dict[Parameter, np.ndarray] = {}
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p in known:
                w = p._array.copy()
                with np.errstate(all="ignore"):
                    optimizer.update(w, known[p], copy.deepcopy(optimizer.state.get(p, {})), group)
                steps[p] = w - p._array
    return steps


# -- rows -------------------------------------------------------------------------------------------------------------


def _layers(
    model: Module, tape: Tape, signals: list[Any], gradients: dict[Parameter, Tensor | None],
    steps: dict[Parameter, np.ndarray],
) -> tuple[list[tuple[int, LayerHealth]], list[tuple[str, float]]]:  # fmt: skip
    """The rows with their place on the tape, in its order; path and ‖dZ‖ of every single use of a weight."""
    paths = {id(owner): path for path, owner in [*model.named_modules(), *model.named_parameters()]}
    uses: dict[Owner, list[tuple[int, np.ndarray | None]]] = {}
    for node, ((owner, _), signal) in zip(tape.roots[1:], signals, strict=True):
        uses.setdefault(owner, []).append((node.seq, None if signal is None else signal._array))
    rows: list[tuple[int, LayerHealth]] = []
    flow: list[tuple[int, str, float]] = []
    free = {owner for owner in uses if isinstance(owner, Parameter)}
    counted: set[Parameter] = set()  # what is shared belongs to the first layer that has it
    for owner, used in uses.items():
        parts = _parts(owner, free)
        own = [p for p in parts if p not in counted and gradients.get(p) is not None]
        counted.update(own)
        path, kind = paths[id(owner)] or type(owner).__name__, type(owner).__name__
        weighs = isinstance(owner, Parameter) or (any(p.ndim > 1 for p in parts) and not _holds_layers(owner))
        arriving = [(seq, array) for seq, array in used if array is not None and weighs]
        flow += [(seq, path, _norm([array])) for seq, array in arriving]
        moved = [p for p in own if p in steps]
        row = LayerHealth(
            path, kind,
            gradient=_norm([g._array for p in own if (g := gradients[p]) is not None]) if own else None,
            signal=_norm([array for _, array in arriving]) if arriving else None,
            ratio=_quotient(_norm([steps[p] for p in moved]), _norm([p._array for p in moved])) if moved else None,
        )  # fmt: skip
        if parts:
            rows.append((used[0][0], row))
    rows += [(node.seq, _activation(node, model)) for node in tape if node.op is not None and node.op.name in SLOPES]
    return sorted(rows, key=lambda pair: pair[0]), [(path, norm) for _, path, norm in sorted(flow)]


def _parts(owner: Owner, free: set[Parameter]) -> list[Parameter]:
    """The parameters of a row, without those that have rows of their own."""
    return [owner] if isinstance(owner, Parameter) else [p for p in owner.parameters(recurse=False) if p not in free]


def _holds_layers(module: Module) -> bool:
    """Whether what it returns is not the output of one layer."""
    return any(list(child.parameters()) for child in module.children())


def _quotient(update: float, weight: float) -> float:
    return update / weight if weight else (math.inf if update else 0.0)


def _activation(node: Any, model: Module) -> LayerHealth:
    """The row of a relu, sigmoid or tanh, whether a module called it or a function."""
    note, name = node.extras.note, node.op.name
    path = note.module.removeprefix("model").removeprefix(".")
    module = dict(model.named_modules()).get(path)
    if not path or module is None or [*module.children(), *module.parameters()]:
        path = f"{path or 'model'} at {os.path.basename(note.where)}"
    if name == "relu":
        values = np.moveaxis(np.atleast_1d(note.value), _unit_axis(node), -1)
        off = (values == 0).reshape(-1, values.shape[-1])  # NaN is not off
        return LayerHealth(path, SLOPES[name], dead=int(off.all(axis=0).sum()), units=off.shape[1])
    distance = np.abs(note.value - 0.5) if name == "sigmoid" else np.abs(note.value)
    flat = distance > (SIGMOID_FLAT if name == "sigmoid" else TANH_FLAT)
    return LayerHealth(path, SLOPES[name], saturated=float(flat.mean()) if flat.size else 0.0)


def _unit_axis(node: Any) -> int:
    """The axis of a ReLU's units: that of the channels after a convolution, else the last."""
    while node is not None and node.op is not None and node.inputs:
        if node.op.name.startswith("conv"):
            return 1
        if node.op.name in PRODUCTS:
            break
        node = node.inputs[0]
    return -1


# -- judgement --------------------------------------------------------------------------------------------------------


def _judge(
    found: Diagnosis, model: Module, hidden: list[LayerHealth], flow: list[tuple[str, float]], tape: Tape
) -> None:
    """Add the findings, causes before effects.  ``hidden`` are the rows before the last layer: outputs may saturate."""
    bends = any(row.saturated is not None for row in hidden)
    _judge_finite(found, model, tape)
    for row in hidden:
        if row.dead is not None and row.units and row.dead >= DEAD_SHARE * row.units:
            text = f"dead ReLUs: {row.dead} of the {row.units} units of {row.path} are 0 for every example"
            found._add("dead ReLUs", text, "rate", "init", "leaky")
    if found.verdict != "non-finite":
        _judge_depth(found, flow, ["relu", "init", "norm"] if bends else ["init", "norm"])
    for row in hidden:
        if row.saturated is not None and row.saturated > FLAT_SHARE:
            text = f"saturated: {row.saturated:.0%} of the values of {row.path} ({row.kind}) lie where it is flat"
            found._add("saturated", text, "init", "norm", "relu")
    far = [row for row in found.layers if row.ratio is not None and row.ratio >= TOO_FAR]
    if far:
        worst = max(far, key=lambda row: row.ratio or 0.0)
        text = f"rate too large: the next update of {worst.path} is {worst.ratio:.3g} times as large as its weights"
        found._add("rate too large", text, "rate", "clip")
    if found.unused:
        found._add("", f"unused: the loss does not depend on {', '.join(found.unused)}", "unused")


def _judge_finite(found: Diagnosis, model: Module, tape: Tape) -> None:
    """NaN or infinity: where it appears first, in a parameter, on the way forward or else on the way back."""
    broken = [row for row in found.layers if not all(math.isfinite(getattr(row, key) or 0.0) for key in NUMBERS[:2])]
    if math.isfinite(found.loss) and not broken:
        return
    where = f"the gradient, first at {broken[-1].path}" if broken else "the loss"
    for node in tape:
        note = node.extras.note if node.extras is not None else None
        if note is not None and node.op is not None and not np.isfinite(note.value).all():
            where = f"{note.module.removeprefix('model.') or 'the loss'}, in {node.op.name} at {note.where}"
            break
    for name, p in model.named_parameters():
        if not np.isfinite(p._array).all():
            where = f"the parameter {name} {p.shape}"
            break
    found._add("non-finite", f"non-finite: NaN or infinity appears in {where}", "rate", "clip", "logits", "init")


def _judge_depth(found: Diagnosis, flow: list[tuple[str, float]], remedies: list[str]) -> None:
    """Compare the first use of a weight with the last; a layer that runs again and again is as deep as many."""
    if flow and found.loss and not any(row.gradient for row in found.layers):
        found._add("vanishing", "vanishing: every gradient is 0, so nothing can be learnt", *remedies, "rate", "leaky")
    if len(flow) < 2 or not flow[-1][1]:
        return
    (first, start), (last, end) = flow[0], flow[-1]
    ratio = start / end
    step = ratio ** (1 / (len(flow) - 1))
    way = f"from {last}, the last layer, back to {first}, the first: {step:.2g} a layer"
    if ratio < FADED:
        found._add("vanishing", f"vanishing: the gradient shrinks to {ratio:.2g} of itself {way}", *remedies)
    elif ratio > GROWN:
        found._add("exploding", f"exploding: the gradient grows {ratio:.2g}-fold {way}", *remedies, "clip", "rate")
