"""In-place operations: functional while recording, written and logged otherwise, and never a wrong gradient."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as al


def leaf(*values: float) -> al.Tensor:
    return al.Tensor(np.array(values), requires_grad=True)


def constant(*values: float) -> al.Tensor:
    return al.Tensor(np.array(values))


def test_recorded_in_place_keeps_the_old_value_for_who_used_it() -> None:
    x = leaf(2.0, 3.0)
    h = x * 1
    y = h * h  # keeps the old h
    h += 10
    h.mul_(2)
    (y + h).sum().backward()
    np.testing.assert_allclose(h.numpy(), [24.0, 26.0])
    np.testing.assert_allclose(x.grad.numpy(), [2 * 2.0 + 2, 2 * 3.0 + 2])


def test_recorded_item_assignment() -> None:
    x, v = leaf(1.0, 2.0, 3.0), leaf(5.0)
    h = x * 1
    y = h * h
    h[1] = v[0] * v[0]
    ((h * h) + y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [4.0, 4.0, 12.0])
    assert v.grad.item() == pytest.approx(4 * 5.0**3)


def test_augmented_assignment_to_an_item() -> None:
    x = leaf(1.0, 2.0)
    h = x * 1
    h[0] += x[1]
    (h * h).sum().backward()
    np.testing.assert_allclose(h.numpy(), [3.0, 2.0])
    np.testing.assert_allclose(x.grad.numpy(), [6.0, 10.0])


def test_assignment_with_repeated_indices_gives_the_gradient_to_the_last_write() -> None:
    x, v = leaf(1.0, 1.0, 1.0), leaf(5.0, 7.0)
    h = x * 1
    h[[1, 1]] = v
    (h * h).sum().backward()
    np.testing.assert_allclose(h.numpy(), [1.0, 7.0, 1.0])
    np.testing.assert_allclose(v.grad.numpy(), [0.0, 14.0])
    np.testing.assert_allclose(x.grad.numpy(), [2.0, 0.0, 2.0])


def test_a_constant_becomes_recorded() -> None:
    total, x = constant(0.0), leaf(3.0)
    for _ in range(3):
        total += x * x
    total.backward()
    assert x.grad.item() == 18.0


@pytest.mark.parametrize("change", [lambda w: w.add_(1), lambda w: w.zero_(), lambda w: w.__setitem__(0, 1.0)])
def test_a_leaf_cannot_be_changed_while_recording(change) -> None:
    w = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf"):
        change(w)
    np.testing.assert_array_equal(w.numpy(), [1.0, 2.0])


def test_no_grad_writes_the_buffer_and_keeps_the_leaf() -> None:
    w = leaf(1.0, 2.0)
    buffer = w._array
    with al.no_grad():
        w -= 0.5
        w.mul_(2)
        w[0] = 7.0
    assert w._array is buffer
    assert w.is_leaf
    assert w.requires_grad
    np.testing.assert_array_equal(w.numpy(), [7.0, 3.0])


CHANGES = {
    "operator": lambda w: w.__isub__(1.0),
    "method": lambda w: w.mul_(2.0),
    "item": lambda w: w.__setitem__(0, 9.0),
    "fill": lambda w: w.fill_(3.0),
    "copy": lambda w: w.copy_(np.zeros(2)),
    "normal": lambda w: w.normal_(),
    "through data": lambda w: w.data.add_(1.0),
    "through detach": lambda w: w.detach().__iadd__(1.0),
    "through a view": lambda w: w[:1].zero_(),
    "through a reshaped view": lambda w: w.reshape(2, 1).add_(1.0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_kept_array_that_was_written_is_an_error_that_names_both_places(name: str) -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    with al.no_grad():
        CHANGES[name](w)
    with pytest.raises(RuntimeError, match=r"mul.*test_inplace.py:\d+"):
        loss.backward()
    assert w.grad is None


def test_with_trace_the_line_of_the_recorded_operation_is_named_too() -> None:
    w = leaf(1.0, 2.0)
    with al.trace():
        loss = w.exp().sum() + (w * w).sum()
    with al.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match=r"test_inplace.py:\d+.*add_ at test_inplace.py:\d+"):
        loss.backward()


def test_a_write_before_recording_is_no_error() -> None:
    w = leaf(1.0, 2.0)
    with al.no_grad():
        w.mul_(2)
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [4.0, 8.0])


def test_a_write_to_what_no_gradient_reads_is_no_error() -> None:
    w = leaf(1.0, 2.0)
    loss = (w + 1).sum()
    with al.no_grad():
        w.mul_(2)
    loss.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [1.0, 1.0])


def test_a_constant_operand_that_was_written_is_an_error() -> None:
    x, c = leaf(1.0, 2.0), constant(3.0, 4.0)
    loss = (x * c).sum()
    c.zero_()
    with pytest.raises(RuntimeError, match="zero_"):
        loss.backward()


def test_an_index_tensor_that_was_written_does_no_harm() -> None:
    x, i = leaf(1.0, 2.0, 3.0), al.Tensor([0, 1])
    loss = x[i].sum()
    i.add_(1)
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 1.0, 0.0])


def test_numpy_operands_and_indices_are_copied() -> None:
    x, c, i = leaf(1.0, 2.0, 3.0), np.array([3.0, 4.0, 5.0]), np.array([0, 2])
    loss = (x * c).sum() + (c * x).sum() + (x[i] * 7).sum()
    c[:] = 0
    i[:] = 1
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [13.0, 8.0, 17.0])


def test_what_leaves_for_numpy_is_read_only() -> None:
    x = constant(1.0, 2.0)
    for view in (x.numpy(), np.asarray(x), leaf(1.0).numpy(), leaf(1.0).detach().numpy()):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5.0
    copy = np.array(x)
    copy[0] = 5.0
    assert x[0].item() == 1.0


def test_what_comes_from_numpy_is_copied() -> None:
    a = np.ones(2)
    for made in (al.Tensor(a), al.tensor(a), al.from_numpy(a), al.as_tensor(a)):
        a[0] = 5.0
        assert made[0].item() == 1.0
        a[0] = 1.0


@pytest.mark.parametrize("change", [lambda v: v.zero_(), lambda v: v.add_(1.0), lambda v: v.__setitem__(0, 1.0)])
def test_a_recorded_change_of_a_view_is_refused(change) -> None:
    """PyTorch would change the base; here it could not, so it says so."""
    x = leaf(1.0, 2.0, 3.0)
    h = x * 1
    view = h[:2]
    with pytest.raises(RuntimeError, match="view"):
        change(view)


def test_a_constant_view_that_would_become_recorded_is_refused() -> None:
    base, x = constant(1.0, 2.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="view"):
        base[:1].add_(x)
    np.testing.assert_array_equal(base.numpy(), [1.0, 2.0])


def test_unrecorded_views_share_memory() -> None:
    base = constant(1.0, 2.0, 3.0)
    base[:2].fill_(0.0)
    base.reshape(3, 1)[2] += 1.0
    np.testing.assert_array_equal(base.numpy(), [0.0, 0.0, 4.0])


def test_an_expanded_tensor_is_not_written() -> None:
    x = constant(1.0).broadcast_to((3,))
    with pytest.raises(RuntimeError, match="clone"):
        x.add_(1.0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda x: x.add_(al.Tensor(np.ones(3))), ValueError),
        (lambda x: x.__iadd__(al.Tensor(np.ones((2, 2)))), ValueError),
        (lambda x: x.copy_(np.ones(3)), ValueError),
        (lambda x: x.__setitem__(5, 1.0), IndexError),
        (lambda x: x.__setitem__(slice(None), np.ones(3)), ValueError),
        (lambda x: x.normal_(0, -1), ValueError),
        (lambda x: x.uniform_(1, 0), ValueError),
        (lambda x: x.fill_([1.0, 2.0]), ValueError),
        (lambda x: x.clamp_(0.0, al.Tensor(np.ones(3))), ValueError),
    ],
)
def test_bad_input_changes_nothing(change, error) -> None:
    x = constant(1.0, 2.0)
    with pytest.raises(error):
        change(x)
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0])


def test_integers_do_not_take_fractions() -> None:
    x = al.Tensor([1, 2])
    with pytest.raises(TypeError):
        x += 0.5
    with pytest.raises(TypeError):
        x /= 2
    assert x.tolist() == [1, 2]


def test_all_in_place_forms_write() -> None:
    x = constant(0.5, 0.25)
    expected = np.array([0.5, 0.25])
    x.exp_().log_().sqrt_().square_().neg_().abs_().clamp_(0.3, 1.0)
    np.testing.assert_allclose(x.numpy(), np.clip(expected, 0.3, 1.0))
    x.fill_(2.0).pow_(3).div_(4).sub_(1).round_()
    np.testing.assert_array_equal(x.numpy(), [1.0, 1.0])


def test_random_filling_is_seeded() -> None:
    al.manual_seed(3)
    a = constant(0.0, 0.0).normal_()
    al.manual_seed(3)
    b = constant(0.0, 0.0).normal_()
    assert a.tolist() == b.tolist() != [0.0, 0.0]
    u = al.Tensor(np.zeros(1000)).uniform_(2, 3)
    assert 2 <= u.numpy().min() < 2.1
    assert 2.9 < u.numpy().max() < 3


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_"])
@pytest.mark.parametrize("keyword", [False, True])
def test_a_recorded_operand_is_recorded_however_it_is_given(name: str, keyword: bool) -> None:
    x, y = constant(1.0, 2.0), leaf(3.0, 4.0)
    getattr(x, name)(other=y) if keyword else getattr(x, name)(y)
    x.sum().backward()
    assert y.grad is not None


def test_a_recorded_bound_of_clamp_is_recorded() -> None:
    x, top = constant(1.0, 5.0), leaf(2.0, 2.0)
    x.clamp_(max=top)
    x.sum().backward()
    np.testing.assert_array_equal(top.grad.numpy(), [0.0, 1.0])


def test_read_only_arrays_stay_so() -> None:
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    view = x.numpy()
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True
    assert not isinstance(view.base, np.ndarray)
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.bool_])
def test_read_only_views_of_every_kind(dtype) -> None:
    x = al.Tensor(np.arange(12).reshape(3, 4).astype(dtype))
    for t in (x, x.T, x[1:, ::2], x[0, 0], x[:0]):
        assert t.numpy().shape == t.shape
        assert t.numpy().tolist() == t.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_stays_below_the_upper_end(dtype) -> None:
    x = al.Tensor(np.zeros(100_000, dtype)).uniform_(1, 2)
    assert x.numpy().min() >= 1
    assert x.numpy().max() < 2


def test_integer_results_say_what_to_do() -> None:
    for change in (lambda x: x.__itruediv__(2), lambda x: x.__iadd__(2.5), lambda x: x.__imul__(constant(0.5, 0.5))):
        with pytest.raises(TypeError, match=r"int64 \(2,\).*float\(\)"):
            change(al.Tensor([1, 2]))
