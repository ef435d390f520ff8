"""ReLU by its kernel, which only large arrays see: the same as by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.ops.activation import LARGE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [LARGE - 1, LARGE, 5 * LARGE + 3])
def test_large_relu(dtype: Any, size: int) -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=size).astype(dtype)
    array[:3] = [np.nan, np.inf, -np.inf]
    g = rng.normal(size=size).astype(dtype)
    g[5] = np.inf
    x = al.Tensor(array, requires_grad=True)
    y = x.relu()
    np.testing.assert_array_equal(y.numpy(), np.maximum(array, 0))
    y.backward(g)
    np.testing.assert_array_equal(x.grad.numpy(), np.where(array <= 0, 0, g))
    assert x.grad.dtype == dtype


def test_large_relu_into_a_buffer() -> None:
    x = np.linspace(-1, 1, LARGE)
    out = np.empty_like(x)
    assert al.relu.op.forward(x, out) is out
    np.testing.assert_array_equal(out, np.maximum(x, 0))


def test_large_relu_of_a_view_and_of_integers() -> None:
    x = np.arange(-LARGE, LARGE)
    np.testing.assert_array_equal(al.relu(x), np.maximum(x, 0))
    strided = x.astype(np.float32)[::2]
    np.testing.assert_array_equal(al.relu(strided), np.maximum(strided, 0))
