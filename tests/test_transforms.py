"""Transforms against closed forms, central differences and each other; nesting; what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from numeric import gradient

import autograd_lite as al
from autograd_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

X = np.array([0.3, -1.2, 0.8])
Y = np.array([1.1, 0.4, -0.6])


def tensor(array: object, requires_grad: bool = False) -> al.Tensor:
    return al.Tensor(np.asarray(array, dtype=np.float64), requires_grad=requires_grad)


def field(x: al.Tensor) -> al.Tensor:
    """R³ → R², smooth, with a full Jacobian."""
    weights = np.array([[1.0, -0.5, 2.0], [0.3, 0.7, -1.0]])
    return al.tanh((x * weights).sum(1)) + (x * x).sum()


def energy(x: al.Tensor) -> al.Tensor:
    return (al.sin(x) * al.exp(x)).sum() + x.sum() ** 3


def jacobian_by_differences(fn: object, x: np.ndarray) -> np.ndarray:
    count = fn(tensor(x)).shape[0]
    return np.stack([gradient(lambda a, i=i: fn(tensor(a)).numpy()[i], [x], 0) for i in range(count)])


def hessian_by_differences(fn: object, x: np.ndarray) -> np.ndarray:
    return np.stack([gradient(lambda a, i=i: grad(fn)(tensor(a)).numpy()[i], [x], 0) for i in range(x.size)])


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_grad_nests_to_any_order(order: int) -> None:
    f = al.sin
    for _ in range(order):
        f = grad(f)
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][order % 4](0.7)
    result = f(tensor(0.7))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)
    assert not result.requires_grad


def test_grad_of_several_arguments() -> None:
    f = grad(lambda x, y, scale: (x * x * y).sum() * scale, (0, 1))
    dx, dy = f(tensor(X), tensor(Y), scale=2.0)
    np.testing.assert_allclose(dx.numpy(), 4 * X * Y)
    np.testing.assert_allclose(dy.numpy(), 2 * X * X)
    np.testing.assert_allclose(grad(lambda x, y: (x * y * y).sum(), -1)(X, Y).numpy(), 2 * X * Y)


def test_numbers_lists_and_arrays_are_converted() -> None:
    assert grad(lambda x: x * x)(3.0).item() == 6.0
    assert grad(lambda x: (x * x).sum())([1.0, 2.0]).dtype == np.float32
    assert grad(lambda x: (x * x).sum())(X).dtype == np.float64


def test_value_and_grad() -> None:
    value, g = value_and_grad(energy)(tensor(X))
    np.testing.assert_allclose(value.numpy(), np.sum(np.sin(X) * np.exp(X)) + X.sum() ** 3)
    np.testing.assert_allclose(g.numpy(), gradient(lambda a: energy(tensor(a)).item(), [X], 0), rtol=1e-6)
    assert not value.requires_grad
    assert not g.requires_grad


def test_vjp_and_jvp_are_products_with_the_jacobian() -> None:
    expected = jacobian_by_differences(field, X)
    np.testing.assert_allclose(jacobian(field)(X).numpy(), expected, rtol=1e-6, atol=1e-8)
    u, v = np.array([0.5, -2.0]), np.array([1.0, 0.3, -0.7])
    output, pull = vjp(field, X)
    np.testing.assert_allclose(output.numpy(), field(tensor(X)).numpy())
    for _ in range(2):  # as often as one likes
        np.testing.assert_allclose(pull(u)[0].numpy(), u @ expected, rtol=1e-6)
    output, product = jvp(field, tensor(X), v)
    np.testing.assert_allclose(output.numpy(), field(tensor(X)).numpy())
    np.testing.assert_allclose(product.numpy(), expected @ v, rtol=1e-6)


def test_jvp_of_several_inputs() -> None:
    _, product = jvp(lambda x, y: x * x * y, (tensor(X), tensor(Y)), (tensor(Y), tensor(X)))
    np.testing.assert_allclose(product.numpy(), 2 * X * Y * Y + X**3)


def test_hessian_and_hvp() -> None:
    expected = hessian_by_differences(energy, X)
    v = np.array([1.0, 0.3, -0.7])
    np.testing.assert_allclose(hessian(energy)(X).numpy(), expected, rtol=1e-6, atol=1e-8)
    value, product = hvp(energy, tensor(X), v)
    np.testing.assert_allclose(value.numpy(), energy(tensor(X)).numpy())
    np.testing.assert_allclose(product.numpy(), expected @ v, rtol=1e-6)


def test_blocks_of_a_hessian() -> None:
    f = lambda x, y: (x * x * y).sum()  # noqa: E731
    (xx, xy), (yx, yy) = hessian(f, (0, 1))(X, Y)
    np.testing.assert_allclose(xx.numpy(), np.diag(2 * Y))
    np.testing.assert_allclose(xy.numpy(), np.diag(2 * X))
    np.testing.assert_allclose(yx.numpy(), np.diag(2 * X))
    np.testing.assert_allclose(yy.numpy(), np.zeros((3, 3)))
    _, (px, py) = hvp(f, (tensor(X), tensor(Y)), (tensor(X), tensor(Y)))
    np.testing.assert_allclose(px.numpy(), 4 * X * Y)
    np.testing.assert_allclose(py.numpy(), 2 * X * X)


def test_shapes_of_a_jacobian() -> None:
    assert jacobian(lambda x: x.sum(0))(np.ones((2, 3))).shape == (3, 2, 3)
    assert jacobian(lambda x: x * 2.0)(1.0).shape == ()
    assert jacobian(lambda x: x * 2.0)(np.ones((0, 2))).shape == (0, 2, 0, 2)
    first, second = jacobian(lambda x, y: x * y, (0, 1))(X, 2.0)
    assert first.shape == (3, 3)
    assert second.shape == (3,)


def test_no_dependence_gives_zeros() -> None:
    np.testing.assert_array_equal(grad(lambda x: 3.0)(X).numpy(), np.zeros(3))
    np.testing.assert_array_equal(grad(lambda x, y: (y * y).sum())(X, tensor(Y)).numpy(), np.zeros(3))
    np.testing.assert_array_equal(grad(lambda x: x.detach().sum())(X).numpy(), np.zeros(3))
    np.testing.assert_array_equal(jacobian(lambda x: tensor(Y))(X).numpy(), np.zeros((3, 3)))
    np.testing.assert_array_equal(hessian(lambda x: x.sum())(X).numpy(), np.zeros((3, 3)))
    np.testing.assert_array_equal(jvp(lambda x: tensor(Y), tensor(X), X)[1].numpy(), np.zeros(3))
    np.testing.assert_array_equal(hvp(lambda x: x.sum(), tensor(X), X)[1].numpy(), np.zeros(3))


# -- what goes on a tape ----------------------------------------------------------------------------------------------


def test_nobodys_grad_is_touched() -> None:
    x, w = tensor(X, True), tensor(Y, True)
    x.grad, w.grad = tensor(X), tensor(Y)
    f = lambda x: (x * w * x).sum()  # noqa: E731
    grad(f)(x), vjp(f, x)[1](1.0), jvp(f, x, X), jacobian(f)(x), hessian(f)(x), hvp(f, x, X)
    np.testing.assert_array_equal(x.grad.numpy(), X)
    np.testing.assert_array_equal(w.grad.numpy(), Y)


def test_an_argument_on_a_tape_is_differentiated_through() -> None:
    x = tensor(X, True)
    g = grad(lambda x: (x * x * x).sum())(x * 2.0)
    g.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * (2 * X) * 2)


def test_a_parameter_of_the_function_is_differentiated_through() -> None:
    w = tensor(Y, True)
    for derivative in (
        lambda f: grad(f)(X),
        lambda f: vjp(f, X)[1](1.0)[0],
        lambda f: jacobian(f)(X),
        lambda f: value_and_grad(f)(X)[1],
    ):
        w.grad = None
        derivative(lambda x: (x * x * w * w).sum()).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), 4 * X * Y)
    w.grad = None
    hvp(lambda x: (x * x * w * w).sum(), tensor(X), np.ones(3))[1].sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 4 * Y)
    w.grad = None
    jvp(lambda x: x * x * w, tensor(X), Y)[1].sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * X * Y)


def test_cotangents_and_tangents_on_a_tape() -> None:
    u = tensor(Y, True)
    vjp(lambda x: x * x, X)[1](u)[0].sum().backward()
    np.testing.assert_allclose(u.grad.numpy(), 2 * X)
    v = tensor(Y, True)
    jvp(lambda x: x * x, tensor(X), v)[1].sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 2 * X)


def test_nothing_is_recorded_that_is_not_needed() -> None:
    c = tensor(Y)
    f = lambda x: (x * x * c).sum()  # noqa: E731
    results = [grad(f)(X), vjp(f, X)[0], vjp(f, X)[1](1.0)[0], *jvp(f, tensor(X), X), jacobian(f)(X), hessian(f)(X)]
    results += [*hvp(f, tensor(X), X), *value_and_grad(f)(X)]
    assert not any(r.requires_grad for r in results)


def test_under_no_grad_derivatives_are_plain() -> None:
    w = tensor(Y, True)
    with al.no_grad():
        value, g = value_and_grad(lambda x: (x * x * w).sum())(tensor(X, True))
        second = grad(grad(lambda x: x * x * x))(2.0)
    assert not value.requires_grad
    assert not g.requires_grad
    np.testing.assert_allclose(g.numpy(), 2 * X * Y)
    assert second.item() == 12.0


def test_a_value_shared_with_an_outer_tape_keeps_its_graph() -> None:
    w = tensor(Y, True)
    h = w * w
    grad(lambda x: (x * h).sum())(X)
    with al.no_grad():
        grad(lambda x: (x * h).sum())(X)
    h.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * Y)


def test_the_argument_used_twice_counts_where_it_is_the_argument() -> None:
    x = tensor(X, True)
    g = grad(lambda a: (a * x).sum())(x)  # d/da only
    np.testing.assert_allclose(g.numpy(), X)


def test_mixed_partial_derivative() -> None:
    f = lambda x, y: x * x * al.sin(y)  # noqa: E731
    xy = grad(grad(f), 1)(tensor(0.5), tensor(0.3))
    np.testing.assert_allclose(xy.numpy(), 2 * 0.5 * np.cos(0.3))


def test_a_changed_array_does_not_reach_a_recorded_call() -> None:
    x = X.copy()
    _, pull = vjp(lambda x: x * x, x)
    x[:] = 100.0
    np.testing.assert_allclose(pull(np.ones(3))[0].numpy(), 2 * X)


# -- errors -----------------------------------------------------------------------------------------------------------


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"gives shape \(3,\).*jacobian"):
        grad(lambda x: x * x)(X)
    with pytest.raises(ValueError, match=r"one number.*\(3,\)"):
        hvp(lambda x: x * x, tensor(X), X)
    with pytest.raises(TypeError, match=r"argument 0 is int64"):
        grad(lambda x: x * x)(3)
    with pytest.raises(TypeError, match=r"must return one Tensor.*tuple"):
        grad(lambda x: (x, x))(1.0)
    with pytest.raises(TypeError, match=r"must return one Tensor.*NoneType"):
        grad(lambda x: None)(1.0)
    with pytest.raises(IndexError, match=r"argnums 2.*1 positional"):
        grad(lambda x: x, 2)(1.0)
    with pytest.raises(ValueError, match=r"cotangent has shape \(2,\).*\(3,\)"):
        vjp(lambda x: x * x, X)[1](np.ones(2))
    with pytest.raises(ValueError, match=r"tangent has shape \(2,\).*\(3,\)"):
        jvp(lambda x: x * x, tensor(X), np.ones(2))
    with pytest.raises(ValueError, match=r"2 tensors need as many tangents, got 1"):
        jvp(lambda x, y: x * y, (tensor(X), tensor(Y)), X)
    with pytest.raises(ValueError, match=r"vector has shape \(2,\)"):
        hvp(lambda x: x.sum(), tensor(X), np.ones(2))
