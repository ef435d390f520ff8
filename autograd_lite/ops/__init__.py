"""The operations, one file a family, and which of them are also methods and operators of Tensor."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..tensor import Tensor
from . import (
    activation,
    conv,
    convert,
    diagonal,
    dropout,
    elementwise,
    embedding,
    index,
    inplace,
    join,
    linalg,
    logic,
    norm,
    order,
    pad,
    pool,
    reduce,
    shape,
    softmax,
    unfold,
)  # fmt: skip

FAMILIES: tuple[ModuleType, ...] = (
    elementwise, activation, conv, logic, reduce, softmax, shape, pad, diagonal, join, index, embedding, linalg, order,
    norm, dropout, pool, unfold,
)  # fmt: skip

METHODS = """
abs acos add asin atan atan2 ceil clamp cos cosh div erf exp exp2 expm1 floor floor_divide log log10 log1p log2 maximum
minimum mul neg pow reciprocal remainder round rsqrt sign sin sinh sqrt square sub tan tanh trunc
relu sigmoid softmax log_softmax
bitwise_and bitwise_not bitwise_or bitwise_xor eq ge gt isfinite isinf isnan le logical_and logical_not logical_or
logical_xor lt ne
all amax amin any argmax argmin cumprod cumsum logsumexp max mean median min norm prod std sum var
astype broadcast_to chunk clone contiguous diag diag_embed diagonal expand expand_as flatten flip movedim narrow permute
ravel repeat repeat_interleave reshape reshape_as roll select split squeeze swapaxes swapdims t tile transpose tril triu
unbind unflatten unsqueeze view view_as
gather index_add index_put index_select masked_fill masked_select nonzero scatter scatter_add take take_along_dim
bmm dot inner matmul mm mv outer trace
argsort sort topk
"""

PROPERTIES = {"T": shape.permute, "mT": shape.matrix_transpose}

OPERATORS = {  # Tensor.__add__ is `add`
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "neg": "neg", "abs": "abs", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "invert": "bitwise_not", "matmul": "matmul",
}  # fmt: skip
REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul")


def _attach() -> None:
    """Give Tensor its methods, properties and operators."""
    functions = {name: getattr(family, name) for family in FAMILIES for name in family.__all__}
    for name in METHODS.split():
        setattr(Tensor, name, functions[name])
    for name, method in {**inplace.METHODS, **convert.METHODS}.items():
        setattr(Tensor, name, method)
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
    Tensor.__getitem__ = index.getitem  # type: ignore[method-assign]
    for operator, name in OPERATORS.items():
        setattr(Tensor, f"__{operator}__", functions[name])
    for operator in REFLECTED:
        setattr(Tensor, f"__r{operator}__", _reflected(functions[OPERATORS[operator]]))


def _reflected(function: Any) -> Any:
    """The operator with its arguments exchanged: ``2 - x`` calls ``x.__rsub__(2)``."""

    def method(self: Tensor, other: Any) -> Tensor:
        return function(other, self)

    return method


_attach()
