"""Losses as modules: the cheat sheet's formulas in numbers worked out by hand, the edges, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.explain.gradcheck import gradcheck


def value_and_gradient(loss: nn.Module, x: Any, y: Any) -> tuple[Any, list[Any]]:
    prediction = al.tensor(x, requires_grad=True)
    result = loss(prediction, al.tensor(y))
    result.sum().backward()
    assert prediction.grad is not None
    assert result.dtype == prediction.grad.dtype == np.float32
    return result.tolist(), prediction.grad.tolist()


@pytest.mark.parametrize(
    ("loss", "x", "y", "value", "gradient"),
    [
        # (0.5² + 1² + 2²)/3 = 5.25/3, gradient 2(ŷ − y)/3
        (nn.MSELoss(), [1.5, 1.0, -2.0], [1.0, 2.0, 0.0], 1.75, [1 / 3, -2 / 3, -4 / 3]),
        # (0.5 + 1 + 2)/3, gradient ±1/3, and 0 where ŷ = y
        (nn.L1Loss(), [1.5, 1.0, -2.0], [1.0, 2.0, 0.0], 3.5 / 3, [1 / 3, -1 / 3, -1 / 3]),
        (nn.L1Loss("sum"), [1.0, 2.0], [1.0, 0.0], 2.0, [0.0, 1.0]),
        # ½·0.5² = 0.125 below δ = 1; 1·(2 − ½) = 1.5 above
        (nn.HuberLoss("none"), [0.5, -2.0], [0.0, 0.0], [0.125, 1.5], [0.5, -1.0]),
        (nn.HuberLoss("none", delta=0.5), [0.25, -2.0], [0.0, 0.0], [0.03125, 0.875], [0.25, -0.5]),
        (nn.SmoothL1Loss("none", beta=0.5), [0.25, -2.0], [0.0, 0.0], [0.0625, 1.75], [0.5, -1.0]),
        # −ln 0.8 = 0.223144, −ln(1 − 0.4) = 0.510826; gradient −1/0.8/2 and 1/0.6/2
        (nn.BCELoss(), [0.8, 0.4], [1.0, 0.0], 0.366985, [-0.625, 0.833333]),
        # σ(0) = ½: −ln ½ = 0.693147 each; dz = (σ − y)/2
        (nn.BCEWithLogitsLoss(), [0.0, 0.0], [1.0, 0.0], 0.693147, [-0.25, 0.25]),
        (nn.BCEWithLogitsLoss(None, "none", [3.0]), [0.0, 0.0], [1.0, 0.0], [2.079442, 0.693147], [-1.5, 0.5]),
        # −ln 0.5 = 0.693147, −ln 0.8 = 0.223144; gradient −y/(ŷ·2)
        (nn.CategoricalCrossEntropyLoss(), [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [[1, 0, 0], [0, 0, 1]], 0.458145,
         [[-1.0, 0.0, 0.0], [0.0, 0.0, -0.625]]),
        (nn.CategoricalCrossEntropyLoss("sum"), [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [0, 2], 0.916291,
         [[-2.0, 0.0, 0.0], [0.0, 0.0, -1.25]]),
        # softmax of (0, ln 3) is (¼, ¾): −ln ¼ = 1.386294
        (nn.CrossEntropyLoss(), [[0.0, 1.0986123]], [0], 1.386294, [[-0.75, 0.75]]),
        (nn.NLLLoss(), [[-0.5, -1.5], [-3.0, -0.25]], [1, 1], 0.875, [[0.0, -0.5], [0.0, -0.5]]),
        # ½(ln ½ − ln ¼) + ½(ln ½ − ln ¾) = ½ ln 2 − ½ ln 1.5 = 0.143841
        (nn.KLDivLoss("batchmean"), [[-1.3862944, -0.2876821]], [[0.5, 0.5]], 0.143841, [[-0.5, -0.5]]),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)  # fmt: skip
def test_by_hand(loss: nn.Module, x: Any, y: Any, value: Any, gradient: Any) -> None:
    got = value_and_gradient(loss, x, y)
    np.testing.assert_allclose(got[0], value, atol=1e-6)
    np.testing.assert_allclose(got[1], gradient, atol=1e-6)


def test_binary_cross_entropy_at_certainty() -> None:
    """At ŷ of exactly 0 and 1 the loss is 0 where that is right, at most 100 where not, and the gradient a number."""
    value, gradient = value_and_gradient(nn.BCELoss(None, "none"), [0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.25])
    assert value == [0.0, 0.0, 100.0, 75.0]
    assert np.isfinite(gradient).all()


def test_categorical_cross_entropy_at_certainty() -> None:
    value, gradient = value_and_gradient(
        nn.CategoricalCrossEntropyLoss("none"), [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]
    )
    assert value == [0.0, 100.0]
    assert gradient == [[-1.0, 0.0], [0.0, 0.0]]


def test_categorical_cross_entropy_trains_what_ends_in_softmax() -> None:
    """dZ = A − Y through a softmax (cheat sheet 2.3), as `CrossEntropyLoss` gives it from Z."""
    z = al.Tensor(np.random.default_rng(0).normal(size=(4, 3)), requires_grad=True)
    y = np.array([0, 2, 1, 1])
    a = nn.Softmax()(z)
    nn.CategoricalCrossEntropyLoss()(a, al.Tensor(np.eye(3)[y])).backward()
    np.testing.assert_allclose(z.grad.numpy(), (a.detach().numpy() - np.eye(3)[y]) / 4, rtol=1e-12)
    through, z.grad = z.grad.numpy(), None
    nn.CrossEntropyLoss()(z, al.Tensor(y)).backward()
    np.testing.assert_allclose(z.grad.numpy(), through, rtol=1e-12)


def test_gradients_are_checked_through_softmax_and_sigmoid() -> None:
    rng = np.random.default_rng(1)
    z, y = al.Tensor(rng.normal(size=(3, 4)), requires_grad=True), al.Tensor(rng.dirichlet(np.ones(4), 3))
    assert gradcheck(lambda z: nn.CategoricalCrossEntropyLoss()(z.softmax(1), y), z)
    assert gradcheck(lambda z: nn.BCELoss()(z.sigmoid(), y), z)


def test_weights_are_part_of_the_state() -> None:
    loss = nn.BCEWithLogitsLoss(weight=[1.0, 2.0], pos_weight=[3.0, 1.0])
    assert {name: tensor.tolist() for name, tensor in loss.state_dict().items()} == {
        "weight": [1.0, 2.0], "pos_weight": [3.0, 1.0],
    }  # fmt: skip
    assert loss.double().pos_weight.dtype == np.float64
    assert not list(loss.parameters())
    assert not nn.NLLLoss().state_dict()


LOSSES = [getattr(nn, name) for name in nn.losses.__all__]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_refusals_of_all(loss: Any) -> None:
    assert loss(reduction="sum").reduction == "sum"
    with pytest.raises(ValueError, match=r"'mean', .* or 'none', got 'average'"):
        loss(reduction="average")
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(3,\)"):
        loss()(al.full((4, 1), 0.5), al.zeros(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.HuberLoss(delta=0), "delta must be above 0, got 0"),
        (lambda: nn.HuberLoss(delta=float("nan")), "nan"),
        (lambda: nn.SmoothL1Loss(beta=-0.5), r"beta must be at least 0, got -0\.5"),
        (lambda: nn.MSELoss(reduction="batchmean"), "'batchmean'"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=1.5), r"1\.5"),
        (lambda: nn.BCELoss()(al.tensor([1.5]), al.tensor([1.0])), r"got 1\.5; .*with_logits"),
        (lambda: nn.CategoricalCrossEntropyLoss()(al.tensor([[3.5, 1.0]]), [0]), r"got 3\.5; .* use cross_entropy"),
    ],
)
def test_bad_values_are_quoted(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_kl_div_has_the_reduction_of_its_name() -> None:
    assert "batchmean" in repr(nn.KLDivLoss("batchmean"))
