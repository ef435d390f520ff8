"""The operations, one file a family, and which of them are also methods and operators of Tensor."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..tensor import Tensor
from . import elementwise, reduce, shape

FAMILIES: tuple[ModuleType, ...] = (elementwise, reduce, shape)

METHODS = """
abs acos add asin atan atan2 ceil clamp cos cosh div eq erf exp exp2 expm1 floor floor_divide ge gt isfinite isinf isnan
le log log10 log1p log2 logical_and logical_not logical_or logical_xor lt maximum minimum mul ne neg pow reciprocal relu
remainder round rsqrt sigmoid sign sin sinh sqrt square sub tan tanh trunc
sum
astype broadcast_to
"""

OPERATORS = {  # Tensor.__add__ is `add`
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "neg": "neg", "abs": "abs", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "invert": "bitwise_not",
}  # fmt: skip
REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")


def _attach() -> None:
    """Give Tensor its methods and operators."""
    functions = {name: getattr(family, name) for family in FAMILIES for name in family.__all__}
    for name in METHODS.split():
        setattr(Tensor, name, functions[name])
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
