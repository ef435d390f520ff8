"""Large products of matrices by the kernel: the same as NumPy's, whatever the memory's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.ops import product as module
from autograd_lite.ops.product import product

ORDERS = ("rows", "columns", "strided")


def ordered(array: np.ndarray, order: str) -> np.ndarray:
    if order == "rows":
        return array
    return np.asfortranarray(array) if order == "columns" else np.repeat(array, 2, axis=1)[:, ::2]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.sampled_from(ORDERS), st.sampled_from(ORDERS),
    st.sampled_from([(np.float32, 1e-5), (np.float64, 1e-12)]),
)  # fmt: skip
def test_agrees_with_numpy(m: int, t: int, n: int, first: str, second: str, kind: tuple[Any, float]) -> None:
    dtype, tolerance = kind
    rng = np.random.default_rng(m * t * n)
    x, y = (ordered(rng.normal(size=s).astype(dtype), o) for s, o in (((m, t), first), ((t, n), second)))
    out = np.full((m, n), np.nan, dtype)
    module._multiply(x, y, out)
    expected = x.astype(float) @ y.astype(float)
    assert np.abs(out - expected).max() <= tolerance * max(np.abs(expected).max(), 1)


def test_large_products_take_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(module, "_multiply", lambda x, y, out: taken.append((x.shape, y.shape)))
    product(np.ones((64, 64), np.float32), np.ones((64, 64), np.float32))
    assert not taken
    product(np.ones((65, 64), np.float32), np.ones((64, 64), np.float32))
    assert taken == [((65, 64), (64, 64))]


def test_a_buffer_in_another_order_is_filled() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 80, 80))
    out = np.empty((80, 80), order="F")
    assert product(x, y, out) is out
    np.testing.assert_allclose(out, x @ y, rtol=1e-12, atol=1e-12)


def test_gradients_of_a_large_linear_layer() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (al.Tensor(rng.normal(size=s), requires_grad=True) for s in ((70, 80), (90, 80), (90,)))
    g = rng.normal(size=(70, 90))
    al.linear(x, w, b).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), g @ w.numpy(), rtol=1e-10)
    np.testing.assert_allclose(w.grad.numpy(), g.T @ x.numpy(), rtol=1e-10)
    np.testing.assert_allclose(b.grad.numpy(), g.sum(0), rtol=1e-10)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"matmul.*\(99, 99\).*\(98, 99\)"):
        al.matmul(al.ones(99, 99), al.ones(98, 99))


def test_long_sums_keep_their_digits() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((9, 1 << 17), np.float32), rng.random((1 << 17, 5), np.float32)
    expected = x.astype(float) @ y.astype(float)
    assert np.abs(product(x, y) / expected - 1).max() < 2e-6


def test_a_buffer_that_is_an_operand() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 80, 80))
    expected = x @ y
    np.testing.assert_allclose(product(x, y, x), expected, rtol=1e-12, atol=1e-12)
