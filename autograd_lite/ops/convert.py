"""Conversions between dtypes, under PyTorch's method names: ``x.float()``, ``x.long()``, ``x.to(float64)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..creation import check_device
from ..device import Device
from ..tensor import Tensor
from .shape import astype

__all__ = ["METHODS"]


def to(self: Tensor, target: Any = None, *, dtype: Any = None, device: Any = None, copy: bool = False) -> Tensor:
    """This tensor in another dtype (a dtype or a tensor that has it); ``"cpu"`` is the only device.

    Returns the tensor itself when nothing changes, unless ``copy``.  Raises ValueError for another device, TypeError
    for what is no dtype of real numbers.
    """
    check_device(device)
    if isinstance(target, (str, Device)) and not _is_dtype(target):
        check_device(target)
    elif target is not None:
        dtype = target.dtype if isinstance(target, Tensor) else target
    if dtype is None:
        return self.clone() if copy else self
    dtype = np.dtype(dtype)
    if dtype.kind not in "fiub":
        raise TypeError(f"a tensor holds real numbers, not {dtype}")
    return self if dtype == self.dtype and not copy else astype(self, dtype)


def _is_dtype(name: Any) -> bool:
    try:
        np.dtype(name)
    except TypeError:
        return False
    return True


def cpu(self: Tensor) -> Tensor:
    """The tensor itself: it is on the CPU already."""
    return self


def type(self: Tensor, dtype: Any = None) -> Any:
    """The name of the dtype, or this tensor in another one."""
    return str(self.dtype) if dtype is None else to(self, dtype)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype of ``other``."""
    return to(self, other.dtype)


def _converter(name: str, dtype: Any) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return to(self, dtype)

    method.__name__ = name
    method.__doc__ = f"This tensor as {np.dtype(dtype)}."
    return method


DTYPES = {
    "half": np.float16, "float": np.float32, "double": np.float64, "short": np.int16, "int": np.int32,
    "long": np.int64, "bool": np.bool_,
}  # fmt: skip

METHODS: dict[str, Callable[..., Any]] = {
    **{name: _converter(name, dtype) for name, dtype in DTYPES.items()},
    **{function.__name__: function for function in (to, cpu, type, type_as)},
}
