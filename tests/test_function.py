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


class SumAndPlace(al.autograd.Function):
    """Outputs of three dtypes: the values doubled, where the largest is, their sum in float64."""

    @staticmethod
    def forward(ctx, x):
        ctx.grads = []
        SumAndPlace.ctx = ctx
        return x * 2, x.argmax(), x > 1, (x.astype(np.float64) * x.astype(np.float64)).sum()

    @staticmethod
    def backward(ctx, g_double, g_place, g_mask, g_sum):
        ctx.grads.append((g_double.dtype, g_place, g_mask, g_sum.dtype))
        return g_double * 2 + g_sum


def test_outputs_keep_their_dtypes_and_only_floating_ones_are_recorded() -> None:
    x = al.Tensor(np.array([1.0, 3.0], np.float32), requires_grad=True)
    double, place, mask, total = SumAndPlace.apply(x)
    assert [o.dtype for o in (double, place, mask, total)] == [np.float32, np.int64, np.bool_, np.float64]
    assert [o.requires_grad for o in (double, place, mask, total)] == [True, False, False, True]
    assert (place.item(), mask.tolist(), total.item()) == (1, [False, True], 10.0)
    (double.sum().astype(np.float64) + total * 3).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5.0, 5.0])
    assert x.grad.dtype == np.float32
    assert SumAndPlace.ctx.grads == [(np.float32, None, None, np.float64)]


class Largest(al.autograd.Function):
    """One floating output among others; saves the index, which is an output, too."""

    @staticmethod
    def forward(ctx, x):
        place = x.argmax()
        ctx.save_for_backward(x, place)
        return place, x[place] ** 2

    @staticmethod
    def backward(ctx, g_place, g):
        assert g_place is None
        x, place = ctx.saved_tensors
        return al.zeros_like(x) + g * 2 * x * (al.Tensor(np.arange(len(x))) == place)


def test_a_saved_index_and_higher_orders() -> None:
    x = leaf(1.0, 3.0)
    place, value = Largest.apply(x)
    assert not place.requires_grad
    assert value.shape == ()
    (first,) = al.autograd.grad(value, x, create_graph=True)
    np.testing.assert_array_equal(first.numpy(), [0.0, 6.0])
    first.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 2.0])


def test_saved_outputs_of_two_dtypes_and_higher_orders() -> None:
    class Both(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            outs = x.exp(), (x * 2).exp().astype(np.float64)
            ctx.save_for_backward(*outs)
            return outs

        @staticmethod
        def backward(ctx, g_single, g_wide):
            single, wide = ctx.saved_tensors
            return g_single * single + (g_wide * wide * 2).astype(np.float32)

    x = al.Tensor(np.array([0.5], np.float32), requires_grad=True)
    single, wide = Both.apply(x)
    assert (single.dtype, wide.dtype) == (np.float32, np.float64)
    (first,) = al.autograd.grad(single.astype(np.float64).sum() + wide.sum(), x, create_graph=True)
    (second,) = al.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(second.numpy(), np.exp([0.5]) + 4 * np.exp([1.0]), rtol=1e-6)


def test_without_a_floating_output_nothing_is_recorded() -> None:
    class Place(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.argmax()

    place = Place.apply(leaf(1.0, 3.0))
    assert (place.dtype, place.item(), place.requires_grad) == (np.int64, 1, False)


@pytest.mark.parametrize("create_graph", [False, True])
def test_backward_may_return_numbers_and_arrays(create_graph: bool) -> None:
    class Plain(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y.sum()

        @staticmethod
        def backward(ctx, g):
            return 2.0, np.array([3.0, 4.0])

    x, y = al.Tensor(1.0, requires_grad=True), leaf(1.0, 2.0)
    gx, gy = al.autograd.grad(Plain.apply(x, y), [x, y], create_graph=create_graph)
    assert gx.item() == 2.0
    np.testing.assert_array_equal(gy.numpy(), [3.0, 4.0])


def test_mistakes_with_arguments_are_named() -> None:
    class Saves(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, what):
            ctx.save_for_backward(x, what)
            return x * 1

    for what, kind in ((np.ones(1), "ndarray"), (3, "int"), (None, "NoneType")):
        with pytest.raises(TypeError, match=f"save_for_backward takes Tensors, not {kind}"):
            Saves.apply(leaf(1.0), what)

    class Answers(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return Answers.answer

    cases = {
        "returned 1 gradients for 2": "no",
        "returned 3 gradients for 2": (1.0, 1.0, 1.0),
        "returned a str, not a Tensor": ("no", 1.0),
        "returned a list, not a Tensor": ([1.0], 1.0),
    }
    for error, answer in cases.items():
        Answers.answer = answer
        x = leaf(1.0)
        with pytest.raises(RuntimeError, match=f"Answers.backward {error}"):
            Answers.apply(x, leaf(2.0)).backward()
        assert x.grad is None

    class Mixed(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1, 3.0

    with pytest.raises(TypeError, match=r"Mixed.forward must return a Tensor or a tuple of Tensors"):
        Mixed.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="forward"):
        al.autograd.Function.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="backward"):
        Saves.apply(leaf(1.0), leaf(2.0)).backward()
