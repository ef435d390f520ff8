"""The tape: order, walk, memory, listing; backward over it."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np
import pytest

import autograd_lite as al


def leaf(*values: float) -> al.Tensor:
    return al.Tensor(np.array(values), requires_grad=True)


def test_creation_order_is_topological() -> None:
    x = leaf(2.0)
    a = x * 3
    b = a + x
    c = a * b
    nodes = list(al.Tape.of(c))
    for node in nodes:
        for source in node.inputs:
            assert source is None or nodes.index(source) < nodes.index(node)
    assert [n.op.name if n.op else "leaf" for n in nodes] == ["leaf", "mul", "add", "mul"]


def test_a_shared_node_is_visited_once() -> None:
    x = leaf(1.5)
    y = x * x
    z = y * y + y
    z.backward()
    assert x.grad.item() == pytest.approx(4 * 1.5**3 + 2 * 1.5)
    assert len(al.Tape.of(z)) == 4


def test_chain_of_a_million_runs_and_is_freed_without_the_collector() -> None:
    x = leaf(1.0)
    gc.disable()
    try:
        y = x
        for _ in range(1_000_000):
            y = y * 1.0
        first = weakref.ref(y)
        y.backward()
        assert x.grad.item() == 1.0
        del y
        assert first() is None
    finally:
        gc.enable()


def test_dropping_the_loss_frees_the_graph_by_reference_count() -> None:
    while gc.collect():  # what other tests have left may take more than one round
        pass
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        h = x * x
        inner = weakref.ref(h)
        loss = ((h + x) * h.exp()).sum()
        del h
        loss.backward(retain_graph=True)
        del loss
        assert inner() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_backward_frees_kept_arrays() -> None:
    x = leaf(1.0, 2.0)
    h = x.exp()
    kept = weakref.ref(h._array)
    loss = (h * h).sum()
    del h
    assert kept() is not None
    loss.backward()
    assert kept() is None


def test_unread_arrays_are_not_kept() -> None:
    x = leaf(1.0, 2.0)
    h = x * 3.0
    value = weakref.ref(h._array)
    loss = (h + 1.0).sum()  # neither add nor sum reads its input
    del h
    assert value() is None
    loss.backward()


def test_only_what_the_needed_gradient_reads_is_kept() -> None:
    x, c = leaf(1.0, 2.0), al.Tensor(np.array([3.0, 4.0]))
    node = (x * c)._node
    assert [k is None for k in node.kept] == [True, True, False]


def test_listing() -> None:
    w = leaf(1.0, 2.0)
    w.name = "w"
    with al.trace():
        loss = (w * w).sum()
    lines = str(al.Tape.of(loss)).splitlines()
    assert lines[0].startswith("%0 = leaf w")
    assert "mul(%0, %0)" in lines[1]
    assert "float64 (2,)" in lines[1]
    assert "test_tape.py:" in lines[1]


def test_tape_of_a_constant_raises() -> None:
    with pytest.raises(ValueError, match="on no tape"):
        al.Tape.of(al.Tensor(1.0))


# -- backward ---------------------------------------------------------------------------------------------------------


def test_second_backward_names_retain_graph() -> None:
    x = leaf(1.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 4.0
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    assert x.grad.item() == 4.0


def test_backward_of_many_elements_needs_a_gradient() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"shape \(2,\)"):
        (x * x).backward()
    (x * x).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 40.0])


def test_backward_with_a_gradient_of_another_shape_raises() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(np.ones(3))
    assert x.grad is None


def test_backward_of_what_records_nothing_raises() -> None:
    with pytest.raises(RuntimeError, match="records nothing"):
        al.Tensor(1.0).backward()
    with al.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="records nothing"):
        y.backward()


def test_gradients_accumulate_into_new_memory() -> None:
    x = leaf(1.0)
    (x * 2).backward()
    first = x.grad
    (x * 3).backward()
    assert x.grad.item() == 5.0
    assert first.item() == 2.0


def test_the_callers_gradient_is_not_aliased() -> None:
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = np.ones(2)
    (x + z).backward(g)
    x.grad.zero_()
    np.testing.assert_array_equal(z.grad.numpy(), [1.0, 1.0])
    np.testing.assert_array_equal(g, [1.0, 1.0])


def test_gradient_takes_the_dtype_of_its_tensor() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    (x * al.Tensor(np.array([1.0, 2.0]))).sum().backward()
    assert x.dtype == np.float32
    assert x.grad.dtype == np.float32


def test_create_graph_gives_higher_orders() -> None:
    x = leaf(2.0)
    y = x**3
    for expected in (12.0, 12.0, 6.0):
        x.grad = None
        y.sum().backward(create_graph=True)
        y = x.grad
        assert y.item() == pytest.approx(expected)
    x.grad = None


def test_grad_of_chosen_inputs_touches_no_leaf() -> None:
    x = leaf(3.0)
    h = x * x
    y = h * x
    dx, dh = al.autograd.grad(y, [x, h], retain_graph=True)
    assert (dx.item(), dh.item()) == (27.0, 3.0)
    assert x.grad is None
    other = leaf(1.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        al.autograd.grad(y, [other], retain_graph=True)
    assert al.autograd.grad(y, [other], allow_unused=True) == (None,)


def test_grad_frees_only_what_it_walked() -> None:
    """Gradients of another branch are neither computed nor freed."""
    x, z = leaf(2.0), leaf(5.0)
    a, b = x * x, z * z
    y = a * b
    al.autograd.grad(y, [x])
    b.backward()
    assert z.grad.item() == 10.0


def test_hooks_see_replace_and_leave() -> None:
    x = leaf(1.0)
    h = x * 2
    seen: list[float] = []
    handle = h.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    (h * 3).backward(retain_graph=True)
    assert seen == [3.0]
    assert x.grad.item() == 60.0
    handle.remove()
    with h.register_hook(lambda g: seen.append(-1)):
        handle.remove()  # takes away no hook but its own
        assert len(h.grad_fn.extras.hooks) == 1
    (h * 3).backward()
    assert seen == [3.0]


def test_hook_of_another_shape_raises() -> None:
    x = leaf(1.0)
    x.register_hook(lambda g: al.Tensor(np.ones(3)))
    with pytest.raises(ValueError, match="hook"):
        (x * 2).backward()
    assert x.grad is None


def test_hooks_cannot_write_the_gradient() -> None:
    x = leaf(1.0)
    x.register_hook(lambda g: g.mul_(2))
    with pytest.raises(RuntimeError, match="clone"):
        (x * 2).backward()


def test_retain_grad() -> None:
    x = leaf(2.0)
    h = x * x
    h.retain_grad()
    (h * 3).backward()
    assert h.grad.item() == 3.0
    with pytest.raises(RuntimeError, match="does not require"):
        al.Tensor(1.0).retain_grad()


def test_backward_of_several_roots() -> None:
    x = leaf(2.0)
    al.autograd.backward([x * x, x * 3])
    assert x.grad.item() == 7.0


def test_a_wrong_vjp_shape_names_the_op() -> None:
    @al.op(vjps=(lambda g, out, x: np.ones(5),))
    def bad_shape(x, out=None):
        return np.multiply(x, 2, out)

    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"bad_shape.*argument 0.*\(5,\).*\(2,\)"):
        bad_shape(x).sum().backward()


def test_a_builtin_name_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="already"):

        @al.op()
        def exp(x, out=None):
            return x


def test_vjps_of_unneeded_arguments_are_not_computed() -> None:
    calls: list[str] = []

    @al.op(vjps=(lambda g, out, x, y: calls.append("x") or g, lambda g, out, x, y: calls.append("y") or g))
    def watched(x, y, out=None):
        return np.add(x, y, out)

    x = leaf(1.0)
    watched(x, al.Tensor(np.array([2.0]))).backward()
    assert calls == ["x"]


def test_retain_grad_of_a_leaf_changes_nothing() -> None:
    x = leaf(2.0)
    x.retain_grad()
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_retained_gradients_accumulate_as_those_of_leaves_do() -> None:
    x = leaf(2.0)
    h = x * x
    h.retain_grad()
    y = h * 3
    y.backward(retain_graph=True)
    y.backward()
    assert h.grad.item() == 6.0


def test_what_a_hook_holds_is_not_shared_with_grad() -> None:
    x = leaf(1.0)
    held: list[al.Tensor] = []
    x.register_hook(held.append)
    (x * 3).backward()
    with al.no_grad():
        x.grad.zero_()
    assert held[0].item() == 3.0


def test_the_grad_of_a_result_warns() -> None:
    x = leaf(1.0)
    h = x * 2
    h.backward()
    with pytest.warns(UserWarning, match="retain_grad"):
        assert h.grad is None


# -- what a vjp reads -------------------------------------------------------------------------------------------------


def reads(rule) -> tuple:
    """What is kept for a rule of f(x, y) whose both arguments require a gradient: out, x, y."""

    def forward(x, y, out=None):
        return np.multiply(x, y, out)

    forward.__name__ = f"reads_{id(rule)}"
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    node = al.op(vjps=(rule, lambda g, out, x, y: g))(forward)(x, y)._node
    return tuple("nothing" if k is None else "value" if isinstance(k, np.ndarray) else "shape" for k in node.kept)


def _apply(f):
    return f()


def test_a_rule_keeps_what_it_reads() -> None:
    assert reads(lambda g, out, x, y: g) == ("nothing", "nothing", "nothing")
    assert reads(lambda g, out, x, y: g * y) == ("nothing", "nothing", "value")
    assert reads(lambda g, out, x, y: g + np.zeros(x.shape)) == ("nothing", "shape", "nothing")
    assert reads(lambda g, out, x, y: g * x + np.zeros(x.shape)) == ("nothing", "value", "nothing")
    assert reads(lambda g, out, x, y: g * out.sum()) == ("value", "nothing", "nothing")


def test_a_read_in_a_nested_function_keeps_the_array() -> None:
    assert reads(lambda g, out, x, y: _apply(lambda: g * y)) == ("nothing", "nothing", "value")
    assert reads(lambda g, out, x, y: sum(g * n for n in [y])) == ("nothing", "nothing", "value")
    assert reads(lambda g, out, *rest: g * rest[1]) == ("nothing", "value", "value")


def test_a_rule_that_is_no_function_keeps_everything() -> None:
    class Rule:
        def __call__(self, g, out, x, y):
            return g * y

    assert reads(Rule()) == ("value", "value", "value")
    assert reads(functools.partial(lambda a, g, out, x, y: g * y, 0)) == ("value", "value", "value")


def test_fast_and_general_path_keep_the_same() -> None:
    @al.op(vjps=(lambda g, out, x, y: g + np.zeros(x.shape), lambda g, out, x, y: g))
    def shape_reader(x, y, out=None):
        return np.add(x, y, out)

    x, y = leaf(1.0), leaf(2.0)
    for node in (shape_reader(x, y)._node, shape_reader(x, y=y)._node):
        assert [type(k).__name__ for k in node.kept] == ["NoneType", "Node", "NoneType"]
