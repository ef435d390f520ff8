"""Losses by their formulas, their shapes, their defined gradients at the edges, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numeric import gradient

import autograd_lite as al

RNG = np.random.default_rng(0)
LOGITS, CLASSES = RNG.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
WEIGHT = np.array([0.5, 2.0, 1.0])


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def value_and_gradient(loss: Any, *arrays: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its gradient for the first argument, which is checked against central differences."""
    x = al.Tensor(arrays[0], requires_grad=True)
    out = loss(x, *[al.Tensor(a) for a in arrays[1:]])
    out.backward()
    numeric = gradient(lambda *a: loss(*[al.Tensor(b) for b in a]).item(), arrays, 0)
    np.testing.assert_allclose(x.grad.numpy(), numeric, rtol=1e-6, atol=1e-8)
    return out.item(), x.grad.numpy()


# -- cross entropy ----------------------------------------------------------------------------------------------------


def test_cross_entropy_is_one_entry_and_its_formula() -> None:
    value, grad = value_and_gradient(al.cross_entropy, LOGITS, CLASSES)
    rows = log_softmax(LOGITS)
    assert value == pytest.approx(-rows[np.arange(5), CLASSES].mean())
    np.testing.assert_allclose(grad, (np.exp(rows) - np.eye(3)[CLASSES]) / 5)
    x = al.Tensor(LOGITS, requires_grad=True)
    assert len(al.Tape.of(al.cross_entropy(x, al.Tensor(CLASSES)))) == 2


def test_cross_entropy_options() -> None:
    rows = log_softmax(LOGITS)
    costs = -rows[np.arange(5), CLASSES]
    own = WEIGHT[CLASSES]
    w = al.Tensor(WEIGHT)
    counted = CLASSES != 1

    def loss(**options: Any) -> float:
        return value_and_gradient(lambda x, y: al.cross_entropy(x, y, **options), LOGITS, CLASSES)[0]

    assert loss(reduction="sum") == pytest.approx(costs.sum())
    assert loss(weight=w) == pytest.approx((costs * own).sum() / own.sum())
    assert loss(ignore_index=1) == pytest.approx(costs[counted].mean())
    assert loss(ignore_index=1, weight=w) == pytest.approx((costs * own)[counted].sum() / own[counted].sum())
    assert loss(label_smoothing=0.3) == pytest.approx((0.7 * costs - 0.3 * rows.mean(1)).mean())
    x, y = al.Tensor(LOGITS), al.Tensor(CLASSES)
    np.testing.assert_allclose(al.cross_entropy(x, y, reduction="none").numpy(), costs)


def test_cross_entropy_of_ignored_targets() -> None:
    x, y = al.Tensor(LOGITS, requires_grad=True), np.array([0, -100, 1, -100, 2])
    al.cross_entropy(x, y).backward()
    assert (x.grad.numpy()[[1, 3]] == 0).all()
    assert al.cross_entropy(x, y, reduction="none")[1].item() == 0.0
    assert math.isnan(al.cross_entropy(x, np.full(5, -100)).item())


def test_cross_entropy_of_more_axes_and_of_one_row() -> None:
    x, y = RNG.normal(size=(2, 3, 4, 2)), RNG.integers(0, 3, (2, 4, 2))
    flat = np.moveaxis(x, 1, -1).reshape(-1, 3)
    expected = al.cross_entropy(al.Tensor(flat), al.Tensor(y.ravel())).item()
    assert value_and_gradient(al.cross_entropy, x, y)[0] == pytest.approx(expected)
    assert al.cross_entropy(al.Tensor(x), al.Tensor(y), reduction="none").shape == y.shape
    one = value_and_gradient(al.cross_entropy, LOGITS[0], np.array(2))[0]
    assert one == pytest.approx(-log_softmax(LOGITS[0])[2])


def test_cross_entropy_against_probabilities() -> None:
    target = np.eye(3)[CLASSES]
    by_class = value_and_gradient(al.cross_entropy, LOGITS, CLASSES)
    by_row = value_and_gradient(al.cross_entropy, LOGITS, target)
    assert by_row[0] == pytest.approx(by_class[0])
    np.testing.assert_allclose(by_row[1], by_class[1], atol=1e-12)
    x, y = al.Tensor([[0.0, -math.inf]], requires_grad=True), al.Tensor([[1.0, 0.0]], requires_grad=True)
    loss = al.cross_entropy(x, y)
    loss.backward()
    assert loss.item() == 0.0
    assert np.isfinite(x.grad.numpy()).all()
    assert np.isfinite(y.grad.numpy()).all()


def test_masked_logits_have_finite_gradients() -> None:
    x = al.Tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    al.cross_entropy(x, [0]).backward()
    assert x.grad.numpy()[0, 1] == 0
    assert np.isfinite(x.grad.numpy()).all()


def test_large_logits_do_not_overflow() -> None:
    x = al.Tensor([[1e4, -1e4]], requires_grad=True)
    loss = al.cross_entropy(x, [1])
    loss.backward()
    assert loss.item() == 2e4
    assert x.grad.tolist() == [[1.0, -1.0]]


def test_nll_loss_completes_log_softmax() -> None:
    for options in ({}, {"weight": al.Tensor(WEIGHT)}, {"ignore_index": 1}, {"reduction": "sum"}):
        x, y = al.Tensor(LOGITS), al.Tensor(CLASSES)
        got = al.nll_loss(al.log_softmax(x, 1), y, **options).item()
        assert got == pytest.approx(al.cross_entropy(x, y, **options).item())


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        ([0, 1, 2, 3, 0], {}, IndexError, r"class 3.*3 classes.*\(5, 3\)"),
        ([0, 1, -1, 2, 0], {}, IndexError, "class -1"),
        ([0, 1], {}, ValueError, r"\(5, 3\).*\(2,\)"),
        ([[0], [1], [2], [0], [1]], {}, ValueError, r"\(5, 3\).*\(5, 1\)"),
        ([True] * 5, {}, TypeError, "bool"),
        (CLASSES, {"reduction": "average"}, ValueError, "'average'"),
        (CLASSES, {"weight": al.Tensor([1.0, 2.0])}, ValueError, r"\(2,\).*3 classes"),
    ],
)
def test_class_losses_refuse(name: str, target: Any, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        getattr(al, name)(al.Tensor(LOGITS), al.Tensor(target), **options)


def test_cross_entropy_refuses() -> None:
    x = al.Tensor(LOGITS)
    with pytest.raises(ValueError, match=r"\(5, 3\).*\(5,\)"):
        al.cross_entropy(x, al.Tensor(np.ones(5)))
    with pytest.raises(ValueError, match=r"1\.5"):
        al.cross_entropy(x, CLASSES, label_smoothing=1.5)
    with pytest.raises(TypeError, match="float64"):
        al.nll_loss(x, al.Tensor(np.ones(5)))


# -- of two tensors of one shape --------------------------------------------------------------------------------------

PREDICTED, TARGET = np.array([-2.0, -0.3, 0.4, 3.0]), np.array([0.0, 0.2, -0.1, 0.5])
D = np.abs(PREDICTED - TARGET)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (al.mse_loss, D**2),
        (al.l1_loss, D),
        (al.huber_loss, np.where(D <= 1, 0.5 * D**2, D - 0.5)),
        (lambda x, y, **k: al.huber_loss(x, y, delta=0.6, **k), np.where(D <= 0.6, 0.5 * D**2, 0.6 * (D - 0.3))),
        (al.smooth_l1_loss, np.where(D < 1, 0.5 * D**2, D - 0.5)),
        (lambda x, y, **k: al.smooth_l1_loss(x, y, beta=0.6, **k), np.where(D < 0.6, 0.5 * D**2 / 0.6, D - 0.3)),
        (lambda x, y, **k: al.smooth_l1_loss(x, y, beta=0, **k), D),
    ],
)
def test_regression(loss: Any, expected: np.ndarray) -> None:
    assert value_and_gradient(loss, PREDICTED, TARGET)[0] == pytest.approx(expected.mean())
    x, y = al.Tensor(PREDICTED), al.Tensor(TARGET)
    assert loss(x, y, reduction="sum").item() == pytest.approx(expected.sum())
    np.testing.assert_allclose(loss(x, y, reduction="none").numpy(), expected)


def test_binary_cross_entropy() -> None:
    x, y, w = RNG.normal(size=4), np.array([0.0, 1.0, 0.3, 1.0]), np.array([1.0, 2.0, 0.5, 1.0])
    p = 1 / (1 + np.exp(-x))
    costs = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert value_and_gradient(al.binary_cross_entropy, p, y)[0] == pytest.approx(costs.mean())
    assert value_and_gradient(al.binary_cross_entropy_with_logits, x, y)[0] == pytest.approx(costs.mean())
    for loss, z in ((al.binary_cross_entropy, p), (al.binary_cross_entropy_with_logits, x)):
        got = loss(al.Tensor(z), al.Tensor(y), weight=al.Tensor(w), reduction="sum").item()
        assert got == pytest.approx((costs * w).sum())
    heavy = -(3 * y * np.log(p) + (1 - y) * np.log(1 - p))
    got = value_and_gradient(
        lambda a, b: al.binary_cross_entropy_with_logits(a, b, pos_weight=al.Tensor(np.array(3.0))), x, y
    )
    assert got[0] == pytest.approx(heavy.mean())


def test_binary_cross_entropy_at_the_edges() -> None:
    p = al.Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = al.binary_cross_entropy(p, al.Tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0.0, 0.0, 100.0, 100.0]
    loss.sum().backward()
    assert np.isfinite(p.grad.numpy()).all()
    x = al.Tensor([1000.0, -1000.0], requires_grad=True)
    loss = al.binary_cross_entropy_with_logits(x, al.Tensor([0.0, 1.0]), reduction="none")
    assert loss.tolist() == [1000.0, 1000.0]
    loss.sum().backward()
    assert x.grad.tolist() == [1.0, -1.0]


def test_no_gradient_overflows() -> None:
    """Below the smallest normal number 1/p is infinite: the slope is 0 there, as at p = 0."""
    for dtype in (np.float32, np.float64):
        tiny = np.finfo(dtype).tiny
        p = al.Tensor(np.array([0, tiny / 2, tiny, 1], dtype), requires_grad=True)
        loss = al.binary_cross_entropy(p, al.Tensor(np.array([1, 1, 1, 0], dtype)), reduction="none")
        loss.sum().backward()
        assert (loss.numpy() <= 100).all()
        assert np.isfinite(p.grad.numpy()).all()
        rows = al.Tensor(np.array([[0, 1], [tiny / 2, 1]], dtype), requires_grad=True)
        loss = al.categorical_cross_entropy(rows, [0, 0], reduction="none")
        loss.sum().backward()
        np.testing.assert_allclose(loss.numpy(), [100, min(100, -np.log(tiny / 2))], rtol=1e-6)
        assert (rows.grad.numpy() == 0).all()
        assert loss.dtype == rows.grad.dtype == dtype


def test_small_probabilities_of_float16() -> None:
    """−ln 10⁻⁵ = 11.513, though 1/p has no number in float16."""
    p = al.Tensor(np.array([1e-5, 0.5], np.float16), requires_grad=True)
    loss = al.binary_cross_entropy(p, al.ones(2, dtype=np.float16), reduction="none")
    loss.sum().backward()
    np.testing.assert_allclose(loss.numpy(), [11.513, 0.6931], rtol=2e-3)
    assert p.grad.tolist() == [0.0, -2.0]
    assert loss.dtype == np.float16


def test_certain_integers_are_probabilities() -> None:
    assert al.binary_cross_entropy(al.tensor([0, 1]), al.tensor([0.0, 0.0]), reduction="none").tolist() == [0.0, 100.0]


def test_categorical_cross_entropy_by_hand() -> None:
    """Two examples: −ln 0.5 = 0.693147 and −ln 0.8 = 0.223144; the mean over the batch is 0.458145."""
    p, classes = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]), np.array([0, 2])
    for target in (classes, np.eye(3)[classes], np.eye(3, dtype=int)[classes]):
        value, grad = value_and_gradient(al.categorical_cross_entropy, p, target)
        assert value == pytest.approx(0.458145, abs=1e-6)
        np.testing.assert_allclose(grad, [[-1, 0, 0], [0, 0, -0.625]])  # −y / (p · 2)
        each = al.categorical_cross_entropy(al.Tensor(p), al.Tensor(target), reduction="none")
        np.testing.assert_allclose(each.numpy(), [0.693147, 0.223144], atol=1e-6)


def test_categorical_cross_entropy_of_softmax_is_cross_entropy() -> None:
    x, y = al.Tensor(RNG.normal(size=(2, 3, 4))), RNG.integers(0, 3, (2, 4))
    y[0, 0] = -100
    got = al.categorical_cross_entropy(al.softmax(x, 1), y)
    np.testing.assert_allclose(got.item(), al.cross_entropy(x, y).item(), rtol=1e-12)


def test_categorical_cross_entropy_at_the_edges() -> None:
    p = al.Tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    loss = al.categorical_cross_entropy(p, al.Tensor([[1.0, 0.0], [1.0, 0.0]]), reduction="none")
    assert loss.tolist() == [0.0, 100.0]
    loss.sum().backward()
    assert p.grad.tolist() == [[-1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("p", "target", "error", "message"),
    [
        ([[0.5, 1.25]], [1], ValueError, r"got 1\.25; for raw scores use cross_entropy"),
        ([[0.5, -0.25]], [1], ValueError, r"-0\.25"),
        ([[0.5, 0.5]], [2], IndexError, "class 2 is out of range for 2 classes"),
        ([[0.5, 0.5]], [1.0], TypeError, "float32"),
        ([[0.5, 0.5]], [[0, 3]], ValueError, "one-hot, got a 3"),
        ([[0.5, 0.5]], [0, 1], ValueError, r"\(1, 2\) and \(2,\)"),
    ],
)
def test_categorical_cross_entropy_refuses(p: Any, target: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        al.categorical_cross_entropy(al.Tensor(p), target)
    with pytest.raises(ValueError, match="'average'"):
        al.categorical_cross_entropy(al.Tensor([[1.0]]), [0], reduction="average")


def test_kl_div() -> None:
    x, y = log_softmax(LOGITS), np.exp(log_softmax(RNG.normal(size=(5, 3))))
    costs = y * (np.log(y) - x)
    assert value_and_gradient(al.kl_div, x, y)[0] == pytest.approx(costs.mean())
    got = value_and_gradient(lambda a, b: al.kl_div(a, b, reduction="batchmean", log_target=True), x, np.log(y))
    assert got[0] == pytest.approx(costs.sum() / 5)
    p = al.Tensor([0.0, 1.0], requires_grad=True)
    loss = al.kl_div(al.Tensor([-math.inf, 0.0]), p)
    loss.backward()
    assert loss.item() == 0.0
    assert np.isfinite(p.grad.numpy()).all()


PAIRED = [
    "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "kl_div", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRED)
def test_two_shapes_are_refused(name: str) -> None:
    """(N, 1) against (N,) would broadcast to (N, N)."""
    x, y = al.Tensor(np.full((4, 1), 0.5), requires_grad=True), al.Tensor(np.ones(4))
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\)"):
        getattr(al, name)(x, y)
    with pytest.raises(ValueError, match="'avg'"):
        getattr(al, name)(x, x.detach(), reduction="avg")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: al.huber_loss(x, x, delta=0), "0"),
        (lambda x: al.smooth_l1_loss(x, x, beta=-1), "-1"),
        (lambda x: al.binary_cross_entropy(x * 3, x), r"1\.5"),
        (lambda x: al.binary_cross_entropy(x, x * 4), r"a target must be in \[0, 1\], got 2\.0"),
        (lambda x: al.binary_cross_entropy(x, np.array([1, -1])), "a target must .* got -1; the classes are 0 and 1"),
        (lambda x: al.binary_cross_entropy_with_logits(x * 9, -x), r"a target must .* got -0\.5"),
        (lambda x: al.kl_div(al.log(x), al.log(x)), "a target must .* give log_target=True"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(al.Tensor(np.full(2, 0.5)))


def test_targets_that_change_after_the_loss_do_no_harm() -> None:
    """A class target is copied; a target that a gradient reads and that was written is an error."""
    for target in (CLASSES.copy(), al.Tensor(CLASSES)):
        x = al.Tensor(LOGITS, requires_grad=True)
        loss = al.cross_entropy(x, target) + al.nll_loss(x, target, reduction="sum")
        target[:] = 1
        loss.backward()
        expected = (np.exp(log_softmax(LOGITS)) - np.eye(3)[CLASSES]) / 5 - np.eye(3)[CLASSES]
        np.testing.assert_allclose(x.grad.numpy(), expected)
    x, y = al.Tensor(LOGITS, requires_grad=True), al.Tensor(np.eye(3)[CLASSES])
    loss = al.cross_entropy(x, y)
    y.zero_()
    with pytest.raises(RuntimeError, match="zero_"):
        loss.backward()


def test_a_row_of_minus_infinity_has_the_same_gradient_everywhere() -> None:
    gradients = []
    for reduction, recorded in (("mean", False), ("mean", True), ("sum", False)):
        x = al.Tensor(np.array([[-np.inf, -np.inf, -np.inf], [1.0, 2.0, 3.0]]), requires_grad=True)
        loss = al.cross_entropy(x, al.Tensor([1, 2]), reduction=reduction)
        (g,) = al.autograd.grad(loss, x, np.array(1.0 if reduction == "mean" else 0.5), create_graph=recorded)
        gradients.append(g.numpy())
    for g in gradients:
        np.testing.assert_array_equal(g[0], 0.0)
        np.testing.assert_allclose(g, gradients[0], rtol=1e-12)
