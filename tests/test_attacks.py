"""Ways in which gradients went wrong without a word, each found by attacking the engine, and now right or an error."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import autograd_lite as al


def leaf(*values: float) -> al.Tensor:
    return al.Tensor(np.array(values), requires_grad=True)


# -- fused operations, recorded ---------------------------------------------------------------------------------------


def test_a_fused_op_whose_arguments_depend_on_each_other() -> None:
    rng = np.random.default_rng(0)
    w = al.Tensor(rng.normal(size=(2, 2)), requires_grad=True)
    x = al.Tensor(rng.normal(size=(1, 2)), requires_grad=True)

    def step(w: al.Tensor) -> al.Tensor:
        return al.linear(al.tanh(al.linear(x, w)), w).sum()

    (plain,) = al.autograd.grad(step(w), w)
    (recorded,) = al.autograd.grad(step(w), w, create_graph=True)
    np.testing.assert_allclose(recorded.numpy(), plain.numpy(), rtol=1e-12)
    direction = np.ones((2, 2))
    ends = [step(al.Tensor(w.numpy() + h * direction)).item() for h in (1e-6, -1e-6)]
    assert al.jvp(step, w.detach(), direction)[1].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)
    assert al.gradgradcheck(step, [w])


def test_a_fused_op_with_the_same_argument_twice() -> None:
    w = al.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    (plain,) = al.autograd.grad(al.linear(w, w).sum(), w)
    (recorded,) = al.autograd.grad(al.linear(w, w).sum(), w, create_graph=True)
    np.testing.assert_allclose(recorded.numpy(), plain.numpy())


def test_hooks_before_a_fused_op_run_once() -> None:
    x, w = leaf(1.0), al.Tensor(np.ones((1, 1)), requires_grad=True)
    h = x * 1
    h.register_hook(lambda g: g * 2)
    al.linear(h, w).sum().backward(create_graph=True)
    assert x.grad.item() == 2.0
    x.grad = w.grad = None


# -- in place ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda b, h: b.data.add_(h),
        lambda b, h: b.detach().add_(h),
        lambda b, h: b.data.copy_(h),
        lambda b, h: b.data.__setitem__(0, h[0]),
    ],
)
def test_a_recorded_change_through_an_alias_is_not_lost(change) -> None:
    b, h = al.Tensor(np.zeros(2)), leaf(1.0, 2.0) * 2
    with pytest.raises(RuntimeError, match="view"):
        change(b, h)


def test_transforms_of_a_function_that_changes_its_argument() -> None:
    def f(x: al.Tensor) -> al.Tensor:
        x *= 2
        return (x * x).sum()

    assert al.grad(f)(leaf(3.0)).item() == 24.0
    assert al.hessian(f)(leaf(3.0)).item() == 8.0
    with pytest.raises(RuntimeError, match="leaf"):
        al.grad(f)(al.Tensor(np.array([3.0])))


def test_a_write_by_a_hook_during_backward_is_noticed() -> None:
    w1 = leaf(2.0)
    h = w1 * w1
    w2 = leaf(3.0)  # reached before h on the way back
    y = (h * w2).sum()

    def hook(g: al.Tensor) -> None:
        with al.no_grad():
            w1.mul_(100.0)

    w2.register_hook(hook)
    with pytest.raises(RuntimeError, match="mul_"):
        y.backward()
    assert w1.grad is None


def test_a_write_through_strides_is_noticed() -> None:
    @al.op(vjps=(None, lambda g, out, x, y: g * sliding_window_view(x, 2)), arity=2)
    def windows(x, y, out=None):
        return sliding_window_view(x, 2) * y

    x, w = al.Tensor(np.arange(4.0)), al.Tensor(np.ones((3, 2)), requires_grad=True)
    view = al.Tensor._wrap(sliding_window_view(x._array, 2))
    y = (view * w).sum()
    x.mul_(100.0)
    with pytest.raises(RuntimeError, match="mul_"):
        y.backward()


# -- what user code is handed -----------------------------------------------------------------------------------------


def test_user_rules_cannot_write_what_others_need() -> None:
    class Greedy(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            g *= 2
            return g

    def rule(g, out, x):
        g *= 2
        return g

    @al.op(vjps=(rule,))
    def greedy(x, out=None):
        return np.multiply(x, 1, out)

    for call in (Greedy.apply, greedy):
        a, b = leaf(1.0), leaf(1.0)
        given = np.ones(1)
        with pytest.raises((RuntimeError, ValueError), match=r"read-only|clone|share memory"):
            (a + call(b)).backward(given)
        assert given[0] == 1.0


def test_a_hook_cannot_change_a_recorded_gradient_in_place() -> None:
    a, b = leaf(1.0), leaf(1.0)
    c = a + b
    b.register_hook(lambda g: g.mul_(2) and None)
    try:
        c.backward(create_graph=True)
    except RuntimeError:
        return
    assert a.grad.item() == 1.0


def test_a_hook_keeps_the_dtype_of_a_recorded_gradient() -> None:
    x = al.Tensor([1.0], requires_grad=True)
    x.register_hook(lambda g: g.double())
    (x * x).sum().backward(create_graph=True)
    assert x.grad.dtype == np.float32
    x.grad = None


# -- leaves -----------------------------------------------------------------------------------------------------------


def test_threads_that_share_a_leaf_lose_nothing() -> None:
    w = leaf(1.0)

    def work() -> None:
        for _ in range(500):
            (w * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.grad.item() == 2000.0


def test_requires_grad_turned_off_and_on_again() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad = True
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])
    x.requires_grad_(False)
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])


def test_two_gradients_for_one_input_are_two_tensors() -> None:
    x = leaf(1.0)
    one, two = al.autograd.grad(x * x, [x, x])
    one.zero_()
    assert two.item() == 2.0


def test_retained_gradients_are_left_alone_by_grad() -> None:
    x = leaf(1.0)
    h = x * 2
    h.retain_grad()
    al.autograd.grad(h * 3, x)
    assert h.grad is None


def test_a_part_of_a_freed_graph_that_is_not_needed_does_not_matter() -> None:
    x = leaf(2.0)
    h = x * x
    (h * 1.0).backward()
    (g,) = al.autograd.grad(h * 3.0, h)
    assert g.item() == 3.0


# -- infinities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x: al.relu(x).log(), [0.0, 0.5]),
        (lambda x: 1 / al.clamp(x, min=0.0), [0.0, -0.25]),
        (lambda x: al.maximum(x, 0.0).log(), [0.0, 0.5]),
        (lambda x: al.floor(x * 0.1).log(), [0.0, 0.0]),
        (lambda x: al.hardtanh(x, 0.0, 5.0).log(), [0.0, 0.5]),
    ],
)
def test_what_is_masked_stays_masked_from_infinities(call, expected) -> None:
    x = leaf(-1.0, 2.0)
    with np.errstate(all="ignore"):
        call(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_the_angle_of_the_origin() -> None:
    x, y = leaf(0.0), leaf(0.0)
    al.atan2(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (0.0, 0.0)


def test_silu_of_large_negative_numbers_is_0() -> None:
    for dtype, x in ((np.float16, -1000.0), (np.float32, -1e38), (np.float64, -1e300)):
        assert al.silu(al.Tensor(np.array([x], dtype))).item() == 0.0


# -- rules and modes --------------------------------------------------------------------------------------------------


def test_a_bound_method_as_a_rule() -> None:
    class Rules:
        def rule(self, g, out, x):
            return g * 2 * x

    @al.op(vjps=(Rules().rule,))
    def bound(x, out=None):
        return np.square(x, out)

    x = leaf(3.0)
    bound(x).backward()
    assert x.grad.item() == 6.0


def test_a_rule_that_reads_only_the_shape_of_the_output() -> None:
    @al.op(vjps=(lambda g, out, x, n: g * np.ones(out.shape) * n,))
    def scaled(x, n=2, out=None):
        return np.multiply(x, n, out)

    x = leaf(3.0)
    scaled(x, n=5).backward()
    assert x.grad.item() == 5.0


def test_no_grad_holds_inside_a_generator_and_not_between() -> None:
    w = leaf(1.0)

    @al.no_grad()
    def values():
        got = yield w * 2
        yield got * w

    generator = values()
    assert not next(generator).requires_grad
    assert (w * 1).requires_grad
    assert not generator.send(al.Tensor(np.array([3.0]))).requires_grad


def test_one_switch_shared_by_threads() -> None:
    off = al.no_grad()
    inside, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def work() -> None:
        with off:
            inside.set()
            leave.wait(5)
        seen.append(al.is_grad_enabled())

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(5)
    with off:
        leave.set()
        thread.join()
    assert seen == [True]
    assert al.is_grad_enabled()
