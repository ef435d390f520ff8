"""Function: a hand-written backward, several outputs, higher orders, saved tensors, mistakes."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import autograd_lite as al


class Exp(al.autograd.Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out


class PowersOf(al.autograd.Function):
    """Two outputs of different shapes, one argument that is no tensor."""

    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n, (x * x).sum()

    @staticmethod
    def backward(ctx, g_power, g_sum):
        (x,) = ctx.saved_tensors
        return g_power * ctx.n * x ** (ctx.n - 1) + g_sum * 2 * x, None


def leaf(*values: float) -> al.Tensor:
    return al.Tensor(np.array(values), requires_grad=True)


def test_saved_output_and_higher_orders() -> None:
    x = leaf(0.5)
    y = Exp.apply(x)
    for _ in range(3):
        (y,) = al.autograd.grad(y.sum(), [x], create_graph=True)
        assert y.item() == pytest.approx(np.exp(0.5))


def test_several_outputs() -> None:
    x = leaf(1.0, 2.0)
    power, total = PowersOf.apply(x, 3)
    np.testing.assert_allclose(power.numpy(), [1.0, 8.0])
    assert total.item() == 5.0
    (power.sum() * 10 + total).backward()
    np.testing.assert_allclose(x.grad.numpy(), [32.0, 124.0])
    x.grad = None
    power, _ = PowersOf.apply(x, 3)
    (first,) = al.autograd.grad(power.sum(), [x], create_graph=True)
    first.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [6.0, 12.0])


def test_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        y = Exp.apply(leaf(1.0))
        alive = weakref.ref(y)
        del y
        assert alive() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_saved_tensor_that_was_written_is_an_error() -> None:
    x = leaf(1.0)
    y = PowersOf.apply(x, 2)[1]
    with al.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="add_"):
        y.backward()


def test_needs_input_grad() -> None:
    seen: list[tuple[bool, ...]] = []

    class Watch(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            seen.append(ctx.needs_input_grad)
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g, g

    Watch.apply(leaf(1.0), al.Tensor(np.array([2.0])))
    assert seen == [(True, False)]


def test_mistakes_are_named() -> None:
    class Wrong(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g, g

    with pytest.raises(RuntimeError, match=r"Wrong.backward returned 2 gradients for 1"):
        Wrong.apply(leaf(1.0)).backward()

    class WrongShape(Wrong):
        @staticmethod
        def backward(ctx, g):
            return al.Tensor(np.ones(3))

    with pytest.raises(RuntimeError, match=r"WrongShape.*\(3,\).*\(1,\)"):
        WrongShape.apply(leaf(1.0)).backward()

    class NoTensor(Wrong):
        @staticmethod
        def forward(ctx, x):
            return 3.0

    with pytest.raises(TypeError, match="NoTensor"):
        NoTensor.apply(leaf(1.0))


def test_a_returned_saved_tensor_is_not_shared_with_grad() -> None:
    class Same(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0]

    x = leaf(1.0, 2.0)
    Same.apply(x).sum().backward()
    x.grad.zero_()
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0])
