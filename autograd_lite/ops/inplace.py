"""Changing a Tensor in place: ``x += y``, ``x.mul_(2)``, ``x[i] = v``, ``x.zero_()``.

While recording, in-place is functional underneath: the Tensor gets a new value and a new tape entry, and whoever used
the old value keeps it, so that no gradient can go wrong.  Where nothing is recorded (under `no_grad`, or when no
operand requires a gradient) the buffer itself is written, views of it see the change, and the write is logged: a tape
entry that keeps this buffer will refuse to use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..modes import mode, no_grad
from ..random import Generator, draw_normal, draw_uniform
from ..tensor import Tensor, as_array
from ..writes import log_write
from . import activation, elementwise, index
from .shape import broadcast_to

__all__ = ["METHODS"]

UFUNCS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide}
ELEMENTWISE = """
abs acos add asin atan atan2 ceil clamp cos cosh div erf exp exp2 expm1 floor floor_divide log log10 log1p log2 mul neg
pow reciprocal remainder round rsqrt sin sinh sqrt square sub tan tanh trunc
"""

IN_PLACE_OPERATORS = {  # x += y
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow",
}  # fmt: skip


def _is_recorded(*operands: Any) -> bool:
    return bool(mode.state) and any(isinstance(x, Tensor) and x._node is not None for x in operands)


def _refuse_view(x: Tensor, by: str) -> None:
    """While recording, a view that was written would part from its base without a word."""
    node = x._node
    if node.op.view if node is not None and node.op is not None else x._array.base is not None:
        raise RuntimeError(
            f"{by}: this tensor of shape {x.shape} is a view of another, which a recorded in-place operation would not "
            "reach; index the other tensor instead (base[…] = …), or use clone() first"
        )


def _in_place(name: str, function: Callable[..., Tensor], *, rebinds: bool = False) -> Callable[..., Tensor]:
    """The in-place form of an elementwise operation; ``rebinds`` for ``x += y``, which hands the result back."""
    ufunc = UFUNCS.get(name)
    by = f"{name}_"

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if _is_recorded(self, *args, *kwargs.values()):
            if not rebinds:
                _refuse_view(self, by)
            return self._become(function(self, *args, **kwargs), by)
        if ufunc is not None and len(args) == 1 and not kwargs and isinstance(args[0], (Tensor, float, int)):
            return _write_through(self, ufunc, args[0], by)
        with no_grad():
            return self._write(function(self.detach(), *args, **kwargs), by)

    method.__name__ = by
    method.__doc__ = f"`{name}` in place: written to this tensor's memory, or recorded (see ``ops/inplace.py``)."
    return method


def _write_through(x: Tensor, ufunc: np.ufunc, y: Any, by: str) -> Tensor:
    """``ufunc(x, y)`` straight into the memory of x."""
    operand = y._array if isinstance(y, Tensor) else y
    _require_writeable(x, by)
    shown = f"{operand.dtype} {operand.shape}" if isinstance(operand, np.ndarray) else repr(operand)
    try:
        ufunc(x._array, operand, out=x._array, casting="same_kind")
    except ValueError as error:
        raise ValueError(f"{by}({x.dtype} {x.shape}, {shown}): {error}") from error
    except TypeError as error:
        text = (
            f"{by}({x.dtype} {x.shape}, {shown}): the result is not {x.dtype}; convert the tensor first, with float()"
        )
        raise TypeError(text) from error
    log_write(by, x._array)
    return x


def _require_writeable(x: Tensor, by: str) -> None:
    if not x._array.flags.writeable:
        raise RuntimeError(f"{by}: the elements of this tensor share memory (it was expanded); use clone() first")


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``x[key] = value``; ``value`` broadcasts.  Raises IndexError, ValueError, RuntimeError as in-place methods do."""
    if _is_recorded(self, value):
        _refuse_view(self, "x[…] = …")
        self._become(index.setitem(self, value, key), "x[…] = …")
        return
    _require_writeable(self, "x[…] = …")
    with no_grad():
        self._write(index.setitem(self.detach(), value, key), "x[…] = …")


# -- filling: what was there is forgotten -----------------------------------------------------------------------------


def _replace(self: Tensor, array: np.ndarray, by: str) -> Tensor:
    """Put new values in the place of all old ones."""
    if _is_recorded(self):
        _refuse_view(self, by)
        return self._become(Tensor._wrap(array), by)
    return self._write(Tensor._wrap(array), by)


def zero_(self: Tensor) -> Tensor:
    """Set every element to 0."""
    return _replace(self, np.zeros(self.shape, self.dtype), "zero_")


def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to ``value``, a number or a 0-d tensor."""
    array = as_array(value)
    if array.ndim:
        raise ValueError(f"fill_ takes one number, got shape {array.shape}; use copy_")
    return _replace(self, np.full(self.shape, array).astype(self.dtype), "fill_")


def copy_(self: Tensor, source: Any) -> Tensor:
    """Take over the values of ``source``, which broadcasts and is cast; recorded if it requires a gradient."""
    source = source if isinstance(source, Tensor) else Tensor(source)
    if _is_recorded(self, source):
        _refuse_view(self, "copy_")
        return self._become(broadcast_to(source, self.shape).astype(self.dtype), "copy_")
    try:
        values = np.broadcast_to(source._array, self.shape).astype(self.dtype)
    except ValueError as error:
        raise ValueError(f"copy_: {source.shape} does not broadcast to {self.shape}") from error
    return self._write(Tensor._wrap(values), "copy_")


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with samples of the normal distribution.  Raises ValueError for a negative ``std``."""
    if not std >= 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    return _replace(self, (mean + std * draw_normal(generator, self.shape, self.dtype)).astype(self.dtype), "normal_")


def uniform_(self: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with samples of the uniform distribution on [low, high).  Raises ValueError for ``low > high``."""
    if not low <= high:
        raise ValueError(f"uniform_: low must not be above high, got {low} and {high}")
    values = (low + (high - low) * draw_uniform(generator, self.shape, self.dtype)).astype(self.dtype)
    if low < high and values.dtype.kind == "f":  # the sum may have been rounded up to ``high``
        values = np.minimum(values, np.nextafter(values.dtype.type(high), values.dtype.type(low)))
    return _replace(self, values, "uniform_")


def bernoulli_(self: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability ``p``, else 0.  Raises ValueError for ``p`` outside [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli_: p must be in [0, 1], got {p}")
    drawn = draw_uniform(generator, self.shape, np.dtype(np.float64))
    return _replace(self, (drawn < p).astype(self.dtype), "bernoulli_")


METHODS: dict[str, Callable[..., Any]] = {
    **{f"{name}_": _in_place(name, getattr(elementwise, name)) for name in ELEMENTWISE.split()},
    **{f"{name}_": _in_place(name, getattr(activation, name)) for name in ("relu", "sigmoid")},
    **{
        f"__i{operator}__": _in_place(name, getattr(elementwise, name), rebinds=True)
        for operator, name in IN_PLACE_OPERATORS.items()
    },
    "__setitem__": setitem,
    **{function.__name__: function for function in (zero_, fill_, copy_, normal_, uniform_, bernoulli_)},
}
