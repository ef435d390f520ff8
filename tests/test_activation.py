"""ReLU by its kernel, which only large arrays see: the same as by NumPy; the composed activations by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.kernels import SMALL


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [SMALL, SMALL + 1, 5 * SMALL + 3])
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
    x = np.linspace(-1, 1, 2 * SMALL)
    out = np.empty_like(x)
    assert al.relu.op.forward(x, out) is out
    np.testing.assert_array_equal(out, np.maximum(x, 0))


def test_large_relu_of_a_view_and_of_integers() -> None:
    x = np.arange(-2 * SMALL, 2 * SMALL)
    np.testing.assert_array_equal(al.relu(x), np.maximum(x, 0))
    strided = x.astype(np.float32)[::2]
    np.testing.assert_array_equal(al.relu(strided), np.maximum(strided, 0))


def test_composed_activations_by_hand() -> None:
    x = al.tensor([-3.0, -0.5, 0.0, 2.0, 8.0])
    assert al.relu6(x).tolist() == [0, 0, 0, 2, 6]
    np.testing.assert_allclose(al.softsign(x).numpy(), [-3 / 4, -1 / 3, 0, 2 / 3, 8 / 9], rtol=1e-6)
    assert al.logsigmoid(al.tensor([0.0, -1000.0, 1000.0])).tolist() == pytest.approx([-0.693147, -1000, 0], abs=1e-6)
    assert al.glu(al.tensor([4.0, -2.0, 0.0, 0.0])).tolist() == [2, -1]  # times σ(0) = ½
    two = al.tensor([[-1.0, -2.0], [3.0, -4.0]])
    assert al.prelu(two, al.tensor([0.5])).tolist() == [[-0.5, -1.0], [3.0, -2.0]]
    assert al.prelu(two, al.tensor([0.5, 0.25])).tolist() == [[-0.5, -0.5], [3.0, -1.0]]


def test_activations_of_extremes() -> None:
    """No overflow, no NaN but from NaN: numbers of 1e30 and infinities, in float32."""
    x = al.tensor([-np.inf, -1e30, 1e30, np.inf, np.nan], dtype=al.float32, requires_grad=True)
    up, cut = [1e30, np.inf, np.nan], [-np.inf, -1e30, 1e30, np.inf, np.nan]
    for function, values, slopes in (
        (al.hardswish, [0, 0, *up], [0, 0, 1, 1, np.nan]), (al.hardsigmoid, [0, 0, 1, 1, np.nan], [0, 0, 0, 0, 0]),
        (al.celu, [-1, -1, *up], [0, 0, 1, 1, np.nan]), (al.hardshrink, cut, [1, 1, 1, 1, 1]),
        (al.softshrink, cut, [1, 1, 1, 1, 1]),
    ):  # fmt: skip
        x.grad = None
        y = function(x)
        y.backward(np.ones(5))
        np.testing.assert_allclose(y.detach().numpy(), values, rtol=1e-6)
        np.testing.assert_array_equal(x.grad.numpy(), slopes)
    large = al.tensor([-1e30, 1e30], dtype=al.float32, requires_grad=True)
    y = al.mish(large)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), [0, 1e30], rtol=1e-6)
    assert large.grad.tolist() == [0, 1]


def test_prelu_of_infinity_has_no_nan() -> None:
    x, w = al.Tensor([[np.inf, -1.0]], requires_grad=True), al.Tensor([0.25], requires_grad=True)
    al.prelu(x, w).sum().backward()
    assert x.grad.tolist() == [[1.0, 0.25]]
    assert w.grad.tolist() == [-1.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: al.prelu(al.ones(2, 3), al.ones(2)), ValueError, r"got \(2,\) for \(2, 3\)"),
        (lambda: al.prelu(al.ones(3), al.ones(3)), ValueError, r"got \(3,\) for \(3,\)"),
        (lambda: al.prelu(al.ones(2, 3), 0.1), ValueError, r"got \(\) for \(2, 3\)"),
        (lambda: al.celu(al.ones(3), -1.0), ValueError, r"alpha must be above 0, got -1\.0"),
        (lambda: al.softshrink(al.ones(3), -0.5), ValueError, r"lambd must be at least 0, got -0\.5"),
        (lambda: al.glu(al.ones(2, 3)), ValueError, r"axis -1 must be even, got shape \(2, 3\)"),
        (lambda: al.glu(al.ones(2, 3), 5), IndexError, r"axis 5.*\(2, 3\)"),
    ],
)
def test_composed_activations_refuse(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
