"""The fused cross entropy, by NumPy and by its kernels, against a plain reference; and their exponential function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.kernels import SMALL, threads
from autograd_lite.kernels.jit import jit
from autograd_lite.kernels.special import exp, maximum

ERRORS = {np.float32: 1e-5, np.float64: 1e-12}


def reference(x: np.ndarray, y: np.ndarray) -> tuple[Any, np.ndarray]:
    """The loss and its gradient, in float64; a row of −inf has no gradient."""
    x = x.astype(np.float64)
    dead = (x == -np.inf).all(1)
    powers = np.exp(x - np.where(dead, 0, x.max(1))[:, None])
    chances = powers / np.where(dead, 1, powers.sum(1))[:, None]
    n = np.arange(len(x))
    with np.errstate(divide="ignore"):
        loss = -np.log(chances[n, y]).mean()
    chances[n, y] -= ~dead
    return loss, chances / len(x)


def fused(x: al.Tensor, y: Any) -> tuple[Any, np.ndarray]:
    x = x.detach().requires_grad_()
    loss = al.cross_entropy(x, y)
    assert len(al.Tape.of(loss)) == 2
    assert loss.dtype == x.dtype
    loss.backward()
    assert x.grad is not None
    assert x.grad.dtype == x.dtype
    return loss.item(), x.grad.numpy()


def assert_close(found: tuple[Any, np.ndarray], wanted: tuple[Any, np.ndarray], error: float) -> None:
    """Relative to 1, the sum of a row's probabilities: what is lost beside it is lost in any formula."""
    assert abs(found[0] - wanted[0]) <= error * (1 + abs(wanted[0]))
    assert np.abs(found[1] - wanted[1]).max() * len(wanted[1]) <= error


SIZES = st.tuples(st.integers(1, 60), st.integers(2, 60)) | st.sampled_from(
    [(1, SMALL + 1), (SMALL, 2), (900, 10), (9, 1000), (3, 5000), (129, 64)]
)


@settings(deadline=None, max_examples=60)
@given(
    sizes=SIZES, seed=st.integers(0, 99), dtype=st.sampled_from([*ERRORS]), spread=st.sampled_from([0.1, 3.0, 100.0]),
    turned=st.booleans(), kind=st.sampled_from([np.int64, np.int32, np.uint8]), masked=st.booleans(),
)  # fmt: skip
def test_fused_cross_entropy(
    sizes: tuple[int, int], seed: int, dtype: Any, spread: float, turned: bool, kind: Any, masked: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=sizes) * spread + spread).astype(dtype)
    y = rng.integers(0, min(sizes[1], 256), sizes[0]).astype(kind)
    if masked:  # never the class itself, whose loss would be infinite
        out = rng.random(sizes) < 0.3
        out[np.arange(sizes[0]), y] = False
        x[out] = -np.inf
    tensor = al.Tensor(x.T.copy()).T if turned else al.Tensor(x)
    assert_close(fused(tensor, al.Tensor(y)), reference(x, y), ERRORS[dtype])


@pytest.mark.parametrize("rows", [4, SMALL])
@pytest.mark.parametrize("dtype", ERRORS)
def test_rows_of_minus_infinity(rows: int, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype(dtype)
    y = np.arange(rows) % 3
    x[1], x[2, y[2]] = -np.inf, -np.inf
    loss, grad = fused(al.Tensor(x), y)
    assert loss == np.inf
    assert (grad[1] == 0).all()
    assert grad[2, y[2]] == np.array(-1 / rows, dtype)
    np.testing.assert_allclose(grad, reference(x, y)[1], rtol=ERRORS[dtype], atol=ERRORS[dtype] / rows)


@pytest.mark.parametrize("rows", [4, SMALL])
def test_what_is_not_a_number_shows(rows: int) -> None:
    for bad in (np.nan, np.inf):
        x = np.zeros((rows, 3), np.float32)
        x[1, 2] = bad
        with np.errstate(invalid="ignore"):
            loss, grad = fused(al.Tensor(x), np.zeros(rows, int))
        assert np.isnan(loss)
        assert np.isnan(grad[1]).all()
        assert np.isfinite(np.delete(grad, 1, 0)).all()


def test_extreme_logits_lose_nothing() -> None:
    for rows in (2, SMALL):
        x = np.tile(np.array([[1e4, -1e4, 1e4 - 1]], np.float32), (rows, 1))
        loss, grad = fused(al.Tensor(x), np.zeros(rows, int))
        assert loss == pytest.approx(np.log(1 + np.exp(-1)), rel=1e-6)
        assert grad[0, 1] == 0
        biggest = np.full((rows, 3), np.finfo(np.float32).max)
        assert fused(al.Tensor(biggest), np.zeros(rows, int))[0] == pytest.approx(np.log(3))


def test_float16_is_computed_in_float32() -> None:
    for rows in (4, SMALL):
        x = np.random.default_rng(0).normal(size=(rows, 50)).astype(np.float16)
        y = np.arange(rows) % 50
        loss, grad = fused(al.Tensor(x), y)
        expected = reference(x, y)
        assert loss == pytest.approx(expected[0], rel=1e-3)
        np.testing.assert_allclose(grad, expected[1], rtol=2e-3, atol=1e-7)


def test_second_order_of_a_large_one() -> None:
    """The gradient that is recorded, and that of a kernel, are the same."""
    rng = np.random.default_rng(0)
    x = al.Tensor(rng.normal(size=(900, 10)), requires_grad=True)
    y = rng.integers(0, 10, 900)
    (plain,) = al.autograd.grad(al.cross_entropy(x, y), x)
    (recorded,) = al.autograd.grad(al.cross_entropy(x, y), x, create_graph=True)
    assert recorded.requires_grad
    np.testing.assert_allclose(recorded.detach().numpy(), plain.numpy(), rtol=1e-10, atol=1e-16)


@pytest.mark.usefixtures("threads_restored")
def test_the_number_of_threads_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20_011, 13)).astype(np.float32), rng.integers(0, 13, 20_011)
    results = []
    for n in (1, 2, 3):
        threads.set_num_threads(n)
        results.append(fused(al.Tensor(x), y))
    for loss, grad in results[1:]:
        assert loss == results[0][0]
        assert (grad == results[0][1]).all()


# -- what the kernels are made of -------------------------------------------------------------------------------------


@jit
def powers(x, y):
    for i in range(len(x)):
        y[i] = exp(x[i])


@jit
def largest(x):
    found = x[0]
    for i in range(len(x)):
        found = maximum(found, x[i])
    return found


@pytest.mark.parametrize(("dtype", "low", "high", "error"), [
    (np.float32, -87.0, 88.0, 3e-7), (np.float64, -708.0, 709.0, 1e-13),
])  # fmt: skip
def test_exponential(dtype: Any, low: float, high: float, error: float) -> None:
    x = np.concatenate([np.linspace(low, high, 10_007), np.linspace(-1, 1, 1001)]).astype(dtype)
    y = np.empty_like(x)
    powers(x, y)
    expected = np.exp(x.astype(np.longdouble))
    assert np.abs(y / expected - 1).max() < error
    near = np.abs(x) <= 1
    assert np.abs(y / expected - 1)[near].max() < 1.5 * np.finfo(dtype).eps
    edges = np.array([-np.inf, low - 1, -0.0, 0.0, high + 1, np.inf, np.nan], dtype)
    y = np.empty_like(edges)
    powers(edges, y)
    np.testing.assert_array_equal(y, np.array([0, 0, 1, 1, np.inf, np.inf, np.nan], dtype))


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_maximum(dtype: Any, size: int) -> None:
    for _ in range(5):
        x = np.random.default_rng(size).normal(size=size).astype(dtype)
        assert largest(x) == x.max()
    x[size // 2] = np.nan
    assert np.isnan(largest(x))
