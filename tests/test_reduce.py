"""Reductions: values against NumPy, ties, values with indices, defined gradients, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import gradient

import autograd_lite as al
from autograd_lite import Tensor
from autograd_lite.ops.reduce import scan

INF = math.inf
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "amax": np.max, "amin": np.min, "any": np.any, "all": np.all,
    "var": lambda x, **k: np.var(x, ddof=1, **k), "std": lambda x, **k: np.std(x, ddof=1, **k),
    "logsumexp": lambda x, **k: np.log(np.sum(np.exp(x), **k)), "norm": lambda x, **k: np.sqrt(np.sum(x * x, **k)),
}  # fmt: skip
AXIS_ONLY = ("argmax", "argmin", "cumsum", "cumprod", "softmax", "log_softmax", "max", "min", "median")


def leaf(values: Any) -> Tensor:
    return Tensor(np.array(values, dtype=np.float64), requires_grad=True)


def grad_of(f: Callable[[Tensor], Tensor], values: Any, cotangent: Any = None) -> np.ndarray:
    x = leaf(values)
    f(x).backward(cotangent)
    assert x.grad is not None
    return x.grad.numpy()


# -- axes and names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (1,), [0, 1]])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values_equal_numpy_under_both_names(name: str, axis: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    ours, theirs = getattr(al, name), REDUCTIONS[name]
    plain = tuple(axis) if isinstance(axis, list) else axis
    np.testing.assert_allclose(ours(Tensor(x), axis=axis).numpy(), theirs(x, axis=plain))
    np.testing.assert_allclose(ours(Tensor(x), dim=axis, keepdim=True).numpy(), theirs(x, axis=plain, keepdims=True))
    np.testing.assert_allclose(ours(x, axis=axis), theirs(x, axis=plain))


@pytest.mark.parametrize("name", REDUCTIONS)
def test_an_empty_tuple_means_all_axes(name: str) -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(getattr(al, name)(x, axis=()), getattr(al, name)(x))


@pytest.mark.parametrize("name", [*REDUCTIONS, *AXIS_ONLY])
@pytest.mark.parametrize("axis", [2, -3])
def test_axis_out_of_range_names_the_shape(name: str, axis: int) -> None:
    with pytest.raises(IndexError, match=r"\(2, 3\)"):
        getattr(al, name)(Tensor(np.ones((2, 3))), axis=axis)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_unknown_keyword_is_named(name: str) -> None:
    with pytest.raises(TypeError, match="axes_of_evil"):
        getattr(al, name)(Tensor([1.0]), axes_of_evil=0)


@pytest.mark.parametrize("name", ["max", "min", "median", "std"])
def test_axis_under_two_names(name: str) -> None:
    with pytest.raises(TypeError, match="two names"):
        getattr(al, name)(Tensor([[1.0]]), axis=0, dim=1)


@pytest.mark.parametrize("name", ["amax", "amin", "max", "min", "argmax", "argmin"])
def test_extreme_of_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        getattr(al, name)(Tensor(np.ones((0, 3))))


def test_reductions_of_nothing() -> None:
    empty = Tensor(np.ones((2, 0)))
    assert al.sum(empty).item() == 0
    assert al.prod(empty).item() == 1
    assert math.isnan(al.mean(empty).item())
    assert al.logsumexp(empty, 1).tolist() == [-INF, -INF]
    assert al.softmax(empty, 1).shape == (2, 0)
    assert not al.any(empty)
    assert al.all(empty)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "norm"])
def test_dtype_is_taken_before_reducing(name: str) -> None:
    x = Tensor([3e38, 3e38], requires_grad=True)
    assert x.dtype == np.float32
    y = getattr(al, name)(x, dtype=np.float64)
    assert y.dtype == np.float64
    assert np.isfinite(y.item())
    y.backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "softmax", "log_softmax"])
def test_dtype_along_an_axis(name: str) -> None:
    assert getattr(al, name)(Tensor([1.0, 2.0]), 0, dtype=np.float64).dtype == np.float64


def test_integers() -> None:
    x = Tensor([[1, 2], [3, 4]])
    assert al.sum(x).dtype == np.int64
    assert al.sum(x > 2).item() == 2
    assert al.cumsum(x, 0).tolist() == [[1, 2], [4, 6]]
    assert al.mean(x).item() == 2.5
    assert al.softmax(x, 0).dtype == np.float32


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=4, max_side=3), elements=st.floats(-2, 2)), st.data()
)
def test_sum_over_any_axes(x: np.ndarray, data: st.DataObject) -> None:
    axes = data.draw(st.sets(st.integers(-x.ndim, x.ndim - 1), min_size=1).map(tuple))
    if len({a % x.ndim for a in axes}) < len(axes):
        with pytest.raises(ValueError, match="duplicate"):
            al.sum(Tensor(x), axes)
        return
    keepdims = data.draw(st.booleans())
    t = leaf(x)
    y = al.sum(t, axes, keepdims)
    np.testing.assert_allclose(y.numpy(), np.sum(x, axes, keepdims=keepdims), atol=1e-12)
    weights = np.random.default_rng(0).normal(size=y.shape)
    y.backward(weights)
    kept = weights.reshape(np.sum(x, axes, keepdims=True).shape)
    np.testing.assert_array_equal(t.grad.numpy(), np.broadcast_to(kept, x.shape))


# -- ties, values and indices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [al.amax, al.max])
def test_ties_share_without_an_axis(f: Callable[..., Any]) -> None:
    assert grad_of(f, [1.0, 3.0, 3.0]).tolist() == [0, 0.5, 0.5]


def test_ties_share_in_amax_and_amin_along_an_axis() -> None:
    x = [[2.0, 2.0, 1.0], [0.0, 0.0, 0.0]]
    assert grad_of(lambda t: al.amax(t, 1), x, [6.0, 3.0]).tolist() == [[3, 3, 0], [1, 1, 1]]
    assert grad_of(lambda t: al.amin(t, 1), x, [6.0, 3.0]).tolist() == [[0, 0, 6], [1, 1, 1]]


def test_only_the_index_receives_along_an_axis() -> None:
    x = [[2.0, 2.0, 1.0], [0.0, 0.0, 0.0]]
    assert grad_of(lambda t: al.max(t, 1).values, x, [6.0, 3.0]).tolist() == [[6, 0, 0], [3, 0, 0]]
    assert grad_of(lambda t: al.min(t, 1)[0], x, [6.0, 3.0]).tolist() == [[0, 0, 6], [3, 0, 0]]


def test_values_and_indices() -> None:
    x = Tensor([[1.0, 3.0], [4.0, 2.0]])
    values, indices = al.max(x, dim=1)
    assert values.tolist() == [3, 4]
    assert indices.tolist() == [1, 0]
    assert indices.dtype == np.int64
    assert al.max(x, 1, keepdim=True).indices.tolist() == [[1], [0]]
    assert al.min(x, -2).values.tolist() == [1, 2]
    assert al.max(Tensor(5.0), 0).values.item() == 5


def test_max_of_two_is_maximum() -> None:
    x, y = Tensor([1.0, 5.0]), Tensor([3.0, 2.0])
    assert al.max(x, y).tolist() == [3, 5]
    assert al.min(x, other=y).tolist() == [1, 2]


def test_values_along_several_axes_are_refused() -> None:
    with pytest.raises(TypeError, match="amax"):
        al.max(Tensor([[1.0]]), (0, 1))


def test_argmax() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert al.argmax(Tensor(x)).item() == np.argmax(x)
    np.testing.assert_array_equal(al.argmax(Tensor(x), dim=1, keepdim=True).numpy(), np.argmax(x, 1, keepdims=True))
    np.testing.assert_array_equal(al.argmin(Tensor(x), 0).numpy(), np.argmin(x, 0))
    assert al.argmax(Tensor([1.0, 2.0, 2.0])).item() == 1
    assert not al.argmax(leaf([1.0, 2.0])).requires_grad


def test_nan_is_the_extreme() -> None:
    x = [1.0, math.nan, 2.0]
    assert math.isnan(al.amax(Tensor(x)).item())
    assert al.argmax(Tensor(x)).item() == 1
    assert math.isnan(al.max(Tensor(x), 0).values.item())
    assert math.isnan(al.median(Tensor(x)).item())


def test_median() -> None:
    assert al.median(Tensor([4.0, 1.0, 3.0, 2.0])).item() == 2
    values, indices = al.median(Tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]), axis=1)
    assert values.tolist() == [2, 5]
    assert indices.tolist() == [2, 2]
    assert grad_of(al.median, [4.0, 1.0, 3.0, 2.0]).tolist() == [0, 0, 0, 1]


# -- products and scans -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "expected"),
    [([2.0, 3.0, 4.0], [12, 8, 6]), ([2.0, 0.0, 4.0], [0, 8, 0]), ([0.0, 3.0, 0.0], [0, 0, 0]), ([0.0], [1])],
)
def test_prod_with_zeros(x: list[float], expected: list[float]) -> None:
    assert grad_of(al.prod, x).tolist() == expected


def test_cumprod_with_zeros() -> None:
    x, weights = np.array([2.0, 0.0, 3.0, 0.0, 5.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = gradient(lambda a: float(np.cumprod(a) @ weights), [x], 0)
    np.testing.assert_allclose(grad_of(lambda t: al.cumprod(t, 0), x, weights), expected, atol=1e-8)


def test_scan_is_the_recurrence() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 3, 5))
    expected = np.zeros((3, 5))
    for j in range(5):
        expected[:, j] = a[:, j] * expected[:, j - 1] + b[:, j] if j else b[:, j]
    np.testing.assert_allclose(scan(a, b, 1), expected)
    with pytest.raises(ValueError, match=r"\(3, 5\).*\(3,\)"):
        scan(Tensor(a), Tensor(b[:, 0]))


# -- variance ---------------------------------------------------------------------------------------------------------


def test_corrections() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    t = Tensor(x)
    for got, ddof in (
        (al.var(t, 1), 1), (al.var(t, 1, False), 0), (al.var(t, dim=1, correction=0), 0),
        (al.var(t, 1, unbiased=True), 1), (al.var(t, 1, correction=2), 2),
    ):  # fmt: skip
        np.testing.assert_allclose(got.numpy(), np.var(x, 1, ddof=ddof))
    assert al.var(t, False).item() == pytest.approx(np.var(x))
    assert al.std(t, False).item() == pytest.approx(np.std(x))
    assert [r.item() for r in al.var_mean(t)] == pytest.approx([np.var(x, ddof=1), x.mean()])
    assert [r.item() for r in al.std_mean(t, unbiased=False)] == pytest.approx([np.std(x), x.mean()])


def test_variance_of_too_few_is_nan_without_a_warning() -> None:
    assert math.isnan(al.var(Tensor([1.0])).item())
    assert math.isnan(grad_of(al.var, [1.0]).item())


def test_gradient_of_std_of_constants_is_zero() -> None:
    assert grad_of(al.std, [2.0, 2.0, 2.0]).tolist() == [0, 0, 0]


# -- norms ------------------------------------------------------------------------------------------------------------

ORDERS = [2, 1, 3, 1.5, 0.5, 0, INF, -INF, -1, "fro", None]


@pytest.mark.parametrize("p", ORDERS)
def test_norms_equal_numpy(p: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    order = 2 if p in ("fro", None) else p
    np.testing.assert_allclose(al.norm(Tensor(x), p, dim=1).numpy(), np.linalg.norm(x, order, axis=1))
    np.testing.assert_allclose(al.norm(Tensor(x), p).item(), np.linalg.norm(x.ravel(), order))


@pytest.mark.parametrize("p", ORDERS)
def test_gradient_of_a_norm_at_zero_is_zero(p: Any) -> None:
    assert grad_of(lambda t: al.norm(t, p), [0.0, 0.0]).tolist() == [0, 0]
    with_a_zero = grad_of(lambda t: al.norm(t, p), [3.0, 0.0])
    assert np.isfinite(with_a_zero).all()
    assert with_a_zero[1] == 0


def test_ties_share_in_the_maximum_norm() -> None:
    assert grad_of(lambda t: al.norm(t, INF), [3.0, -3.0, 1.0]).tolist() == [0.5, -0.5, 0]


def test_nuclear_norm_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="nuc"):
        al.norm(Tensor([[1.0]]), "nuc")


# -- softmax and its kin ----------------------------------------------------------------------------------------------

MASKED = np.array([[-INF, -INF], [-INF, 1.0], [2.0, 1.0]])  # a row of −inf, a row with one, a row without


def test_values_with_minus_infinity() -> None:
    e = math.exp(1) / (1 + math.exp(1))
    np.testing.assert_allclose(al.softmax(Tensor(MASKED), 1).numpy(), [[0, 0], [0, 1], [e, 1 - e]])
    np.testing.assert_allclose(
        al.log_softmax(Tensor(MASKED), 1).numpy(), [[-INF, -INF], [-INF, 0], [math.log(e), math.log(1 - e)]]
    )
    np.testing.assert_allclose(al.logsumexp(Tensor(MASKED), 1).numpy(), [-INF, 1, math.log(math.exp(2) + math.exp(1))])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_gradients_with_minus_infinity(name: str) -> None:
    """Zero in the row of −inf, first and second order, and in the other rows what it is without that row."""
    for rows in (MASKED, MASKED[2:]):
        x = leaf(rows)
        y = getattr(al, name)(x, 1)
        weights = np.arange(1.0, 1 + y.shape[0])
        (g,) = al.autograd.grad(y, x, weights if y.ndim == 1 else weights[:, None] * [1.0, 2.0], create_graph=True)
        g.backward(np.ones(x.shape) * [1.0, 3.0])
        assert np.isfinite(g.numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()
        if len(rows) == 3:
            assert not g.numpy()[0].any()
            assert not x.grad.numpy()[0].any()


def test_softmax_does_not_overflow() -> None:
    x = Tensor([1e4, 1e4 + 1, -1e4], dtype=np.float64)
    shifted = Tensor([0.0, 1.0, -2e4], dtype=np.float64)
    np.testing.assert_allclose(al.softmax(x, 0).numpy(), al.softmax(shifted, 0).numpy(), rtol=1e-12)
    np.testing.assert_allclose(al.log_softmax(x, 0).numpy(), al.log_softmax(shifted, 0).numpy(), rtol=1e-12)
    assert al.logsumexp(x, 0).item() == pytest.approx(1e4 + math.log(1 + math.e))
    assert al.logsumexp(Tensor([INF, 1e4]), 0).item() == INF


@pytest.mark.parametrize("axis", [0, (0,), (0, 1)])
def test_many_float32_rows_are_added_accurately(axis) -> None:
    x = al.Tensor(np.full((200_000, 2), 0.1, np.float32))
    got = x.sum(axis=axis).numpy()
    np.testing.assert_allclose(got, np.full((200_000, 2), np.float32(0.1), np.float64).sum(axis), rtol=1e-6)
    assert got.dtype == np.float32


def test_the_gradient_of_a_bias_over_many_rows_is_accurate() -> None:
    b = al.Tensor(np.zeros(2, np.float32), requires_grad=True)
    (al.Tensor(np.zeros((200_000, 2), np.float32)) + b).backward(np.full((200_000, 2), 0.1, np.float32))
    np.testing.assert_allclose(b.grad.numpy(), 20_000.0, rtol=1e-6)


def test_float16_is_added_in_float32() -> None:
    x = al.Tensor(np.full(5000, 10.0, np.float16))
    assert x.sum().item() == float(np.float16(50_000.0))
