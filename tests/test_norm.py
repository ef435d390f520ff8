"""The norms: against plain NumPy, their running statistics, their layers."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np
import pytest
import reference_norm as reference
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
import nn
import nn.functional as F
from autograd_lite.explain import gradcheck, gradgradcheck
from autograd_lite.kernels import threads
from nn.train import check_gradients

relaxed = settings(deadline=None, max_examples=60)
shapes = st.one_of(
    st.tuples(st.integers(2, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(2, 40)),
    st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(2, 9)),
    st.tuples(st.integers(2, 5), st.integers(1, 5), st.just(1), st.just(1)),
)
dtypes = st.sampled_from([np.float32, np.float64])
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def close(ours: al.Tensor, expected: np.ndarray, dtype: Any, size: float = 1e-3) -> None:
    """Equal up to a share of the largest element, or of the ``size`` of the terms that it is the sum of."""
    assert ours.dtype == dtype
    np.testing.assert_allclose(
        ours.numpy(), expected, rtol=0, atol=TOLERANCE[np.dtype(dtype)] * max(size, np.abs(expected).max(initial=0))
    )


def drawn(shape: tuple[int, ...], dtype: Any, seed: int, strided: bool = False) -> np.ndarray:
    """Normal numbers about 1; if ``strided``, every other element of a larger array, in the reverse order of axes."""
    rng = np.random.default_rng(seed)
    if not strided:
        return rng.normal(1, 2, shape).astype(dtype)
    return (
        rng.normal(1, 2, tuple([2 * n for n in reversed(shape)])).astype(dtype)[(slice(None, None, 2),) * len(shape)].T
    )


def leaf(array: np.ndarray) -> al.Tensor:
    """A leaf that holds this very memory."""
    tensor = al.Tensor._wrap(array)
    tensor.requires_grad = True
    return tensor


# -- the operation ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads_restored")
@relaxed
@given(shapes, dtypes, st.booleans(), st.booleans(), st.sampled_from([1, 2, 3]), st.integers(0, 99))
def test_standardize(shape: Any, dtype: Any, strided: bool, known: bool, count: int, seed: int) -> None:
    x, g = drawn(shape, dtype, seed, strided), drawn(shape, dtype, seed + 1, strided)
    weight, bias = drawn((2 * shape[1],), dtype, seed + 2)[::2], drawn(shape[1:2], dtype, seed + 3)
    statistics = (
        np.stack([drawn(shape[1:2], np.float64, 4), np.exp(drawn(shape[1:2], np.float64, 5))]) if known else None
    )
    leaves = [leaf(x), leaf(weight), leaf(bias)]
    threads.set_num_threads(count)
    y = al.standardize(*leaves, statistics)
    y.backward(al.Tensor._wrap(g))
    close(y, reference.standardize(x, weight, bias, statistics), dtype)
    # The gradient by x of two values is w/σ g but for a small difference: both terms are as large as that.
    size = np.abs(weight / np.sqrt(x.reshape(*shape[:2], -1).var((0, 2)) + 1e-5)).max() * np.abs(g).max()
    for ours, expected in zip(leaves, reference.standardize_gradients(g, x, weight, statistics), strict=True):
        close(ours.grad, expected, dtype, size if ours is leaves[0] else 1e-3)


def test_larger_than_a_piece() -> None:
    """Several pieces, memory that was used before, and every needed subset of the gradients."""
    for shape in ((16, 9, 64, 33), (700, 170)):
        x, g = drawn(shape, np.float32, 0), drawn(shape, np.float32, 1)
        weight, bias = drawn(shape[1:2], np.float32, 2), drawn(shape[1:2], np.float32, 3)
        expected = reference.standardize_gradients(g, x, weight)
        for needs in ((True, True, True), (True, False, False), (False, True, False), (False, False, True)):
            leaves = [al.Tensor(a, requires_grad=need) for a, need in zip((x, weight, bias), needs, strict=True)]
            y = al.standardize(*leaves)
            close(y, reference.standardize(x, weight, bias), np.float32)
            y.backward(al.Tensor(g))
            for ours, need, right in zip(leaves, needs, expected, strict=True):
                assert (ours.grad is not None) == need
                if need:
                    close(ours.grad, right, np.float32)


@pytest.mark.parametrize("shape", [(500, 3), (4, 3, 50, 50)])
@pytest.mark.parametrize("mean", [0.0, 1000.0, -30000.0])
def test_a_large_mean_costs_no_digits(shape: tuple[int, ...], mean: float) -> None:
    """Also where the first element is far off, which a shifted sum of squares would not survive."""
    x = np.random.default_rng(0).normal(mean, 1, shape).astype(np.float32)
    x[0, 0] = 0
    y, g = leaf(x), drawn(shape, np.float32, 1)
    out = al.standardize(y)
    close(out, reference.standardize(x), np.float32)
    out.backward(al.Tensor(g))
    close(y.grad, reference.standardize_gradients(g, x, np.ones(3))[0], np.float32)


def test_what_is_not_a_number_stays_in_its_channel() -> None:
    x = np.ones((4, 3, 2), np.float32)
    x[1, 1, 1], x[0, 2, 0] = np.nan, np.inf
    y = al.standardize(al.Tensor(x)).numpy()
    assert not y[:, 0].any()
    assert np.isnan(y[:, 1:]).all()


def test_half_precision() -> None:
    x = drawn((4, 3, 5), np.float16, 0)
    leaves = [leaf(x), leaf(np.ones(3, np.float16)), leaf(np.zeros(3, np.float16))]
    y = al.standardize(*leaves)
    y.backward(np.ones(y.shape))
    assert {t.dtype for t in (y, *[leaf.grad for leaf in leaves])} == {np.dtype(np.float16)}
    np.testing.assert_allclose(y.numpy(), reference.standardize(x), atol=2e-3)
    assert al.standardize(al.tensor([[1], [3]])).dtype == np.float32


# -- batch norm -------------------------------------------------------------------------------------------------------


@relaxed
@given(shapes, dtypes, st.floats(0, 1), st.integers(0, 99))
def test_batch_norm_moves_running_statistics(shape: Any, dtype: Any, momentum: float, seed: int) -> None:
    x = drawn(shape, dtype, seed)
    rows = np.moveaxis(x, 1, 0).reshape(shape[1], -1).astype(np.float64)
    mean, var = al.Tensor(drawn(shape[1:2], dtype, 1)), al.Tensor(np.exp(drawn(shape[1:2], dtype, 2)))
    expected = [reference.running(mean.numpy(), rows.mean(1), momentum),
                reference.running(var.numpy(), rows.var(1, ddof=1), momentum)]  # fmt: skip
    y = F.batch_norm(al.Tensor(x), mean, var, training=True, momentum=momentum)
    close(y, reference.standardize(x), dtype)
    close(mean, expected[0], dtype)
    close(var, expected[1], dtype)
    known = np.stack([mean.numpy(), var.numpy()])
    close(F.batch_norm(al.Tensor(x), mean, var), reference.standardize(x, known=known), dtype)


def test_batch_norm_refuses_and_changes_nothing() -> None:
    mean, var = al.zeros(3), al.ones(3)
    cases: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
        (r"more than one value per channel, got 1 in shape \(1, 3\)", (1, 3), {}),
        (r"got 0 in shape \(0, 3, 2\)", (0, 3, 2), {}),
        (r"\(N, C, …\), got \(3,\)", (3,), {}),
        (r"running_mean must have shape \(4,\) for an input of \(2, 4\), got \(3,\)", (2, 4), {}),
        (r"weight must have shape \(3,\).*got \(1,\)", (2, 3), {"weight": al.ones(1)}),
        (r"bias must have shape \(3,\).*got \(3, 1\)", (2, 3), {"bias": al.ones(3, 1)}),
    ]
    for message, shape, more in cases:
        with pytest.raises(ValueError, match=message):
            F.batch_norm(al.ones(shape), mean, var, training=True, **more)
    with pytest.raises(TypeError, match="both None"):
        F.batch_norm(al.ones(2, 3), mean, None, training=True)
    with pytest.raises(TypeError, match="no gradient flows"):
        F.batch_norm(al.ones(2, 3), al.zeros(3, requires_grad=True), var, training=True)
    with pytest.raises(ValueError, match="without training"):
        F.batch_norm(al.ones(2, 3), None, None)
    assert mean.tolist() == [0] * 3
    assert var.tolist() == [1] * 3


def test_evaluation_keeps_its_own_statistics() -> None:
    """A batch between forward and backward moves the running statistics, but not those that the tape has kept."""
    x, mean, var = leaf(drawn((4, 3), np.float64, 0)), al.zeros(3, dtype=np.float64), al.ones(3, dtype=np.float64) * 4
    y = F.batch_norm(x, mean, var)
    F.batch_norm(al.Tensor(drawn((4, 3), np.float64, 1)), mean, var, training=True)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 / np.sqrt(4 + 1e-5))


def test_moving_running_statistics_is_a_write() -> None:
    mean, var, w = al.zeros(3), al.ones(3), al.ones(3, requires_grad=True)
    product = (w * mean).sum()
    F.batch_norm(al.Tensor(drawn((4, 3), np.float32, 0)), mean, var, training=True)
    with pytest.raises(RuntimeError, match=r"batch_norm at test_norm\.py"):
        product.backward()


# -- layer norm, group norm, instance norm ----------------------------------------------------------------------------


@relaxed
@given(shapes, dtypes, st.data())
def test_layer_norm_and_group_norm(shape: Any, dtype: Any, data: st.DataObject) -> None:
    x = drawn(shape, dtype, 0, data.draw(st.booleans()))
    axes = data.draw(st.integers(1, len(shape)))
    weight, bias = drawn(shape[-axes:], dtype, 1), drawn(shape[-axes:], dtype, 2)
    y = F.layer_norm(al.Tensor(x), shape[-axes:], al.Tensor(weight), al.Tensor(bias))
    close(y, reference.layer_norm(x, axes, weight, bias), dtype)
    groups = data.draw(st.sampled_from([k for k in range(1, shape[1] + 1) if shape[1] % k == 0]))
    weight, bias = drawn(shape[1:2], dtype, 1), drawn(shape[1:2], dtype, 2)
    y = F.group_norm(al.Tensor(x), groups, al.Tensor(weight), al.Tensor(bias))
    close(y, reference.group_norm(x, groups, weight, bias), dtype)
    if len(shape) > 2:
        y = F.instance_norm(al.Tensor(x), weight=weight, bias=bias)
        close(y, reference.group_norm(x, shape[1], weight, bias), dtype)


def test_they_refuse() -> None:
    with pytest.raises(ValueError, match=r"last axes must be \(4,\), got shape \(2, 3\)"):
        F.layer_norm(al.ones(2, 3), 4)
    with pytest.raises(ValueError, match=r"last axes must be \(\)"):
        F.layer_norm(al.ones(2, 3), ())
    with pytest.raises(ValueError, match=r"weight must have shape \(3,\).*got \(2,\)"):
        F.layer_norm(al.ones(2, 3), 3, al.ones(2))
    with pytest.raises(ValueError, match=r"into 2 groups, got \(2, 3\)"):
        F.group_norm(al.ones(2, 3), 2)
    with pytest.raises(ValueError, match=r"bias must have shape \(4,\).*got \(2,\)"):
        F.group_norm(al.ones(2, 4), 2, bias=al.ones(2))
    with pytest.raises(ValueError, match=r"got \(2, 3\)"):
        F.instance_norm(al.ones(2, 3))
    with pytest.raises(ValueError, match=r"statistics must have shape \(2, 3\) for 3 channels, got \(3,\)"):
        al.standardize(al.ones(2, 3), statistics=np.ones(3))


# -- layers -----------------------------------------------------------------------------------------------------------

LAYERS = [
    (nn.BatchNorm1d(4), (3, 4)), (nn.BatchNorm1d(4, affine=False), (3, 4, 2)), (nn.BatchNorm2d(4), (3, 4, 2, 2)),
    (nn.BatchNorm1d(4).eval(), (3, 4)), (nn.BatchNorm2d(4).eval(), (1, 4, 2, 2)),
    (nn.BatchNorm1d(4, track_running_stats=False).eval(), (3, 4)),
    (nn.LayerNorm(4), (3, 4)), (nn.LayerNorm((2, 4), bias=False), (3, 2, 4)), (nn.GroupNorm(2, 4), (3, 4, 2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
def test_gradients_of_layers(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """First and second order; the running statistics are as they were."""
    layer = copy.deepcopy(layer).double()
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    x = al.Tensor(drawn(shape, np.float64, 0), requires_grad=True)
    inputs = [x, *layer.parameters()]
    assert gradcheck(lambda *_: layer(x), inputs)
    assert gradgradcheck(lambda *_: layer(x), inputs)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name].numpy(), err_msg=name)


def test_the_command_line_check_leaves_the_model_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.9), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert check_gradients(model, al.randn(5, 3), al.tensor([0, 1, 0, 1, 1]))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name].numpy(), err_msg=name)


def test_only_the_thread_that_checks_stops_the_running_statistics() -> None:
    layer, inside = nn.BatchNorm1d(2).double(), nn.BatchNorm1d(2).double()
    x = al.Tensor(drawn((4, 2), np.float64, 0), requires_grad=True)

    def check(*_: al.Tensor) -> al.Tensor:
        other = threading.Thread(target=lambda: layer(x))
        other.start()
        other.join()
        return inside(x)

    gradcheck(check, x)
    assert layer.num_batches_tracked.item() > 0
    assert inside.num_batches_tracked.item() == 0
    inside(x)
    assert inside.num_batches_tracked.item() == 1


def test_running_statistics_of_the_layer() -> None:
    layer, batches = nn.BatchNorm1d(2, momentum=None), [drawn((5, 2), np.float32, i) for i in range(4)]
    for x in batches:
        layer(al.Tensor(x))
    assert layer.num_batches_tracked.item() == 4
    np.testing.assert_allclose(layer.running_mean.numpy(), np.mean([x.mean(0) for x in batches], 0), rtol=1e-5)
    np.testing.assert_allclose(layer.running_var.numpy(), np.mean([x.var(0, ddof=1) for x in batches], 0), rtol=1e-5)
    before = layer.state_dict()["running_mean"].tolist()
    layer.eval()(al.Tensor(batches[0]))
    assert layer.running_mean.tolist() == before
    assert layer.num_batches_tracked.item() == 4
    layer.reset_running_stats()
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_var.tolist() == [1, 1]


def test_bad_input_leaves_the_layer_as_it_was() -> None:
    layer = nn.BatchNorm2d(3)
    for shape, message in (((2, 3), r"BatchNorm2d.*\(N, C, H, W\), got shape \(2, 3\)"), ((2, 4, 1, 1), r"\(3,\)"),
                           ((1, 3, 1, 1), "more than one value")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            layer(al.ones(shape))
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_mean.tolist() == [0] * 3
    with pytest.raises(ValueError, match=r"GroupNorm.*\(N, 4, …\), got shape \(2, 3\)"):
        nn.GroupNorm(2, 4)(al.ones(2, 3))
    for wrong in (lambda: nn.GroupNorm(2, 3), lambda: nn.BatchNorm1d(0), lambda: nn.LayerNorm(())):
        with pytest.raises(ValueError, match=r"3 channels|got 0|got \(\)"):
            wrong()


def test_state_on_disk_conversion_and_copies(tmp_path: Any) -> None:
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.BatchNorm1d(12, track_running_stats=False))
    model(al.randn(4, 3, 2, 2))
    assert [n for n, _ in model.named_buffers()] == ["0.running_mean", "0.running_var", "0.num_batches_tracked"]
    for name in ("net.safetensors", "net.npz"):
        al.save(model.state_dict(), tmp_path / name)
        other = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.BatchNorm1d(12, track_running_stats=False))
        other.load_state_dict(al.load(tmp_path / name))
        for key, value in model.state_dict().items():
            assert other.state_dict()[key].dtype == value.dtype
            np.testing.assert_array_equal(other.state_dict()[key].numpy(), value.numpy())
    twin = copy.deepcopy(model).double()
    assert twin[0].running_mean.dtype == np.float64
    assert twin[0].num_batches_tracked.dtype == np.int64
    twin(al.randn(4, 3, 2, 2, dtype=np.float64))
    assert twin[0].num_batches_tracked.item() == 2
    assert model[0].num_batches_tracked.item() == 1
    assert twin[0].running_mean.tolist() != model[0].running_mean.tolist()


def test_lazy_batch_norm() -> None:
    model = nn.Sequential(nn.LazyBatchNorm2d(momentum=0.5), nn.Flatten(), nn.LazyBatchNorm1d(affine=False))
    assert "LazyBatchNorm2d(num_features=?, momentum=0.5)" in repr(model)
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), got shape \(4, 3\)"):
        model[0](al.ones(4, 3))
    assert type(model[0]) is nn.LazyBatchNorm2d
    model(al.randn(4, 3, 2, 2))
    assert [type(m) for m in model] == [nn.BatchNorm2d, nn.Flatten, nn.BatchNorm1d]
    assert model[0].momentum == 0.5
    assert model[0].num_batches_tracked.item() == 1
    assert model[2].running_mean.shape == (12,)
