"""The layer table: what each layer puts out, its parameters, its work and memory, and the formulas behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor, get_default_dtype

from .counts import Shape, multiply_adds, parameter_formula, shape_formula
from .layers import Lazy, Linear, Softmax
from .module import Module
from .table import aligned, html_table, text_table
from .utils import evaluating

__all__ = ["Layer", "Summary", "SummaryError", "summary"]

HEADS = "layer", "kind", "output", "parameters", "multiply-adds", "memory"
WORDS = 3  # so many columns; the others are numbers


class Layer(NamedTuple):
    """One row; numbers are for one example, parameters are those of the layer's own that no row above has."""

    path: str
    kind: str
    output: str
    parameters: int
    multiply_adds: int = 0
    memory: int = 0  # bytes of the output; 0 for a view of the input
    shape_formula: str = ""
    parameter_formula: str = ""


class SummaryError(ValueError):
    """A layer has failed: the message names it and has the table up to there, ``summary`` is that table."""

    summary: Summary


class Summary:
    """The layers in the order in which they ran; prints as a table with the formulas below it."""

    def __init__(self, layers: list[Layer], parameters: Sequence[Tensor], complete: bool = True) -> None:
        self.layers = layers
        self.nbytes = sum(p.nbytes for p in parameters)
        self.frozen = sum(p.numel() for p in parameters if not p.requires_grad)
        self.complete = complete

    @property
    def parameters(self) -> int:
        """The number of parameters; what several layers share counts once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """How many products with a weight are added up for one example."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def memory(self) -> int:
        """The bytes of all outputs for one example."""
        return sum(layer.memory for layer in self.layers)

    def table(self) -> str:
        """The table without the formulas."""
        lines = text_table([HEADS, *self._rows(), self._total()], WORDS)
        return "\n".join([*lines[:-1], lines[1], lines[-1], self._note()])

    def formulas(self) -> str:
        """How the sizes and numbers of parameters come about, in the cheat sheet's formulas  (cheat sheet 4.1, 6.1)."""
        rows = [(layer.path, layer.shape_formula, layer.parameter_formula) for layer in self.layers]
        columns = [c for c in zip(*[row for row in rows if row[1] or row[2]], strict=True) if any(c)]
        lines = aligned(list(zip(*columns, strict=True)), left=len(columns))
        kinds: dict[str, int] = {}
        for layer in self.layers:
            kinds[layer.kind] = kinds.get(layer.kind, 0) + layer.parameters
        sums = [f"Σ {kind} {n:,}" for kind, n in kinds.items() if n]
        return "\n".join([*lines, *([f"parameters: {' + '.join(sums)} = {self.parameters:,}"] if sums else [])])

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.formulas()}".rstrip()

    __repr__ = __str__

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (*layer[:3], f"{layer.parameters:,}", f"{layer.multiply_adds:,}", _bytes(layer.memory))
            for layer in self.layers
        ]

    def _total(self) -> tuple[str, ...]:
        return (
            "total" if self.complete else "so far",
            "",
            "",
            f"{self.parameters:,}",
            f"{self.multiply_adds:,}",
            _bytes(self.memory),
        )

    def _note(self) -> str:
        frozen = f", {self.frozen:,} of them are frozen" if self.frozen else ""
        return f"memory: the outputs for one example; the parameters take {_bytes(self.nbytes)}{frozen}"

    def _repr_html_(self) -> str:
        """The table as notebooks show it, each layer's formulas in its row."""
        formulas = [", ".join(filter(None, layer[-2:])) for layer in self.layers]
        rows = [(*row, formula) for row, formula in zip(self._rows(), formulas, strict=True)]
        return html_table([(*HEADS, "formulas"), *rows, (*self._total(), "")], [self._note()])


def summary(model: Module, input_shape: Any, dtype: Any = None, *, batch: bool = True) -> Summary:
    """The layer table of a model for inputs ``(N, *input_shape)``; found by running it once on zeros, in eval mode.

    Output shapes, parameters, multiply-adds (see `counts.multiply_adds`) and the memory of the outputs for one example,
    and as formulas with their numbers the cheat sheet's ``⌊(n + 2p − f)/s⌋ + 1`` and numbers of parameters (cheat sheet
    4.1, 6.1).  A model of several inputs takes a tuple of shapes.  ``dtype`` is that of the inputs, or one for each; by
    default that of the first parameter.  Without ``batch`` the model is given inputs of just these shapes.  Layers that
    did not run are listed last.  Raises SummaryError, which is a ValueError and carries the table up to there, when a
    layer fails; ValueError for a shape with negative sizes.

    >>> import nn
    >>> print(summary(nn.MLP([4, 3, 2]), (4,)))
    layer   kind     output   parameters   multiply-adds   memory
    ─────────────────────────────────────────────────────────────
    fc1     Linear   (N, 3)           15              12     12 B
    act1    ReLU     (N, 3)            0               0     12 B
    fc2     Linear   (N, 2)            8               6      8 B
    ─────────────────────────────────────────────────────────────
    total                             23              18     32 B
    memory: the outputs for one example; the parameters take 92 B
    <BLANKLINE>
    fc1   n_prev·n_neu + n_neu = 4·3 + 3 = 15
    fc2   n_prev·n_neu + n_neu = 3·2 + 2 = 8
    parameters: Σ Linear 23 = 23
    """
    inputs = _inputs(model, input_shape, dtype, batch)
    recorder = _Recorder(model, inputs, batch)
    with recorder.watching():
        try:
            model(*inputs)
        except Exception as error:
            raise recorder.failure(error) from error
    return recorder.summary(complete=True)


def _inputs(model: Module, input_shape: Any, dtype: Any, batch: bool) -> list[Tensor]:
    """Zeros of one or several shapes."""
    shapes = input_shape if isinstance(input_shape, (tuple, list)) else (input_shape,)
    if not (shapes and isinstance(shapes[0], (tuple, list))):
        shapes = (shapes,)
    if dtype is None:
        built = [m for m in model.modules() if not isinstance(m, Lazy)]
        dtype = next((p.dtype for m in built for p in m.parameters(recurse=False)), get_default_dtype())
    dtypes = dtype if isinstance(dtype, (tuple, list)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes):
        raise ValueError(f"{len(dtypes)} dtypes for {len(shapes)} inputs; give one, or one for each")
    return [Tensor(np.zeros((1, *shape) if batch else shape, d)) for shape, d in zip(shapes, dtypes, strict=True)]


# -- watching a run ---------------------------------------------------------------------------------------------------


class _Recorder:
    """Notes a row for each layer that runs: for modules without children, and those with parameters of their own."""

    def __init__(self, model: Module, inputs: list[Tensor], batch: bool) -> None:
        self.model, self.batch = model, batch
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.layers: list[Layer] = []
        self.counted: dict[int, Tensor] = {}  # the parameters that are in a row
        self.linear = ""  # the path of the layer before, if it is a linear one
        self.image = self._image_of(inputs[0].shape)  # what a linear layer may have before it, flattened

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hooks and evaluation, as long as the model runs."""
        handles = [module.register_forward_hook(self._note) for module in self.model.modules()]
        try:
            with evaluating(self.model):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _note(self, module: Module, args: tuple[Any, ...], result: Any) -> None:
        own = list(module.parameters(recurse=False))
        if not own and any(module.children()):
            return
        tensors, given = _tensors(result), _tensors(args)
        new = self._count(own)
        elements = [sum(t.numel() for t in some) for some in (given, tensors)]
        self.layers.append(Layer(
            self._path(module), type(module).__name__, self._shapes(result), new,
            multiply_adds(module, *elements), sum(t.nbytes for t in tensors if not _is_view(t, given)),
            shape_formula(module, given[0].shape) if given else "", self._parameter_formula(module, bool(own), new),
        ))  # fmt: skip
        self.linear = self._path(module) if isinstance(module, Linear) else ""
        if isinstance(module, Linear):
            self.image = None
        elif len(tensors) == 1:
            self.image = self._image_of(tensors[0].shape) or self.image

    def _count(self, parameters: Sequence[Tensor]) -> int:
        """How many of the parameters' elements are in no row yet."""
        new = {id(p): p for p in parameters if id(p) not in self.counted}
        self.counted.update(new)
        return sum(p.numel() for p in new.values())

    def _parameter_formula(self, module: Module, has: bool, new: int) -> str:
        if has and not new:
            return "counted above"
        if isinstance(module, Softmax) and self.linear:
            return f"0; the sheet's softmax layer is {self.linear} with this"
        return parameter_formula(module, self.image)

    def _image_of(self, shape: Shape) -> Shape | None:
        """Channels, height and width, if a shape is an image's."""
        return shape[-3:] if len(shape) == 3 + self.batch else None

    def _path(self, module: Module) -> str:
        return self.paths.get(id(module)) or type(module).__name__

    def _shapes(self, result: Any) -> str:
        """A shape with N for the number of examples; of a tuple, all of them."""
        if isinstance(result, Tensor):
            batched = self.batch and result.shape[:1] == (1,)
            sizes = ["N" if batched and i == 0 else str(n) for i, n in enumerate(result.shape)]
            return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
        if isinstance(result, (tuple, list)) and result:
            return ", ".join([self._shapes(part) for part in result])
        return type(result).__name__

    def summary(self, complete: bool) -> Summary:
        """The table so far; a complete one ends with the layers that did not run."""
        for module in self.model.modules() if complete else ():
            new = 0 if isinstance(module, Lazy) else self._count(list(module.parameters(recurse=False)))
            if new or isinstance(module, Lazy):
                self.layers.append(Layer(self._path(module), type(module).__name__, "did not run", new))
        return Summary(self.layers, list(self.counted.values()), complete)

    def failure(self, error: Exception) -> SummaryError:
        """What is raised when a run has raised ``error``."""
        module, args = _innermost(error) or (self.model, ())
        shown = type(module).__name__ if any(module.children()) else repr(module)
        table = self.summary(complete=False)
        failed = SummaryError(
            f"{self._path(module)}, {shown}, failed on {self._shapes(args)}: {type(error).__name__}: {error}\n\n"
            f"{table.table()}"
        )
        failed.summary = table
        return failed


def _innermost(error: Exception) -> tuple[Module, tuple[Any, ...]] | None:
    """The innermost module that ran when ``error`` was raised, and its arguments."""
    found, step = None, error.__traceback__
    while step is not None:
        frame, step = step.tb_frame, step.tb_next
        if frame.f_code is Module.__call__.__code__:
            found = frame.f_locals["self"], frame.f_locals["args"]
    return found


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _is_view(tensor: Tensor, given: list[Tensor]) -> bool:
    return any(np.may_share_memory(tensor._array, other._array) for other in given)


def _bytes(n: int) -> str:
    """A number of bytes in a unit of 1000."""
    power = min(int(math.log10(n)) // 3, 3) if n else 0
    return f"{n / 1000**power:.1f} {['B', 'kB', 'MB', 'GB'][power]}" if power else f"{n} B"
