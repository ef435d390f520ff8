"""Penalties: the cheat sheet's costs and gradients in numbers worked out by hand, and as part of a gradient check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.explain.gradcheck import GradcheckError, gradcheck


def set_to(parameter: nn.Parameter, values: Any) -> None:
    parameter.data = al.tensor(values, dtype=parameter.dtype)


@pytest.fixture
def model() -> nn.Sequential:
    """Weights 3, −4, and 2, −1, 0; biases of 100, which must not count."""
    model = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 3))
    set_to(model[0].weight, [[3.0, -4.0]])
    set_to(model[1].weight, [[2.0], [-1.0], [0.0]])
    set_to(model[0].bias, [100.0])
    set_to(model[1].bias, [100.0, 100.0, 100.0])
    return model


def test_l2_by_hand(model: nn.Sequential) -> None:
    """λ/(2m) Σ‖W‖² = 0.5/20 · (9 + 16 + 4 + 1) = 0.75, and dW = λ/m W = 0.05 W  (cheat sheet 3.1)."""
    cost = nn.L2Penalty(0.5)(model, 10)
    cost.backward()
    assert cost.item() == pytest.approx(0.75)
    assert cost.dtype == np.float32
    np.testing.assert_allclose(model[0].weight.grad.numpy(), [[0.15, -0.2]], rtol=1e-6)
    np.testing.assert_allclose(model[1].weight.grad.numpy(), [[0.1], [-0.05], [0.0]], rtol=1e-6)
    assert model[0].bias.grad is None


def test_l1_by_hand(model: nn.Sequential) -> None:
    """λ/m Σ‖W‖₁ = 0.5/10 · (3 + 4 + 2 + 1) = 0.5, and dW = λ/m sign W, 0 at 0  (cheat sheet 3.1)."""
    cost = nn.L1Penalty(0.5)(model, 10)
    cost.backward()
    assert cost.item() == pytest.approx(0.5)
    np.testing.assert_allclose(model[0].weight.grad.numpy(), [[0.05, -0.05]], rtol=1e-6)
    np.testing.assert_allclose(model[1].weight.grad.numpy(), [[0.05], [-0.05], [0.0]], rtol=1e-6)
    assert model[1].bias.grad is None


def test_the_modified_gradient_by_hand() -> None:
    """One example, ŷ = w·x with w = 3, x = 2, y = 5: dJ/dw = 2(6 − 5)·2 = 4; with L2 of λ = 0.1, m = 1, 4 + 0.1·3."""
    layer = nn.Linear(1, 1, bias=False)
    set_to(layer.weight, [[3.0]])
    x, y = al.tensor([[2.0]]), al.tensor([[5.0]])
    loss = nn.MSELoss()(layer(x), y) + nn.L2Penalty(0.1)(layer, len(x))
    loss.backward()
    assert loss.item() == pytest.approx(1 + 0.05 * 9)
    assert layer.weight.grad.item() == pytest.approx(4.3)
    layer.weight.grad = None
    (nn.MSELoss()(layer(x), y) + nn.L1Penalty(0.1)(layer, len(x))).backward()
    assert layer.weight.grad.item() == pytest.approx(4.1)


@pytest.mark.parametrize("name", ["SGD", "Momentum", "RMSprop", "Adam", "Adagrad", "Adadelta", "AdamW"])
def test_l2_is_weight_decay(name: str) -> None:
    """λ/m as the optimizer's weight_decay, for the same weights: dW + (λ/m) W; AdamW's is another."""
    rng = np.random.default_rng(0)
    x, y = al.Tensor(rng.normal(size=(8, 3))), al.Tensor(rng.integers(0, 2, 8))
    results = []
    for decayed in (False, True):
        model = nn.MLP([3, 4, 2], generator=al.Generator(0)).double()
        weights = [p for p in model.parameters() if p.ndim > 1]
        biases = [p for p in model.parameters() if p.ndim == 1]
        groups = [{"params": weights, "weight_decay": 0.3 / 8 * decayed}, {"params": biases, "weight_decay": 0.0}]
        optimizer = getattr(nn.optim, name)(groups, lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(model(x), y)
            (loss if decayed else loss + nn.L2Penalty(0.3)(model, len(x))).backward()
            optimizer.step()
        results.append([p.numpy() for p in model.parameters()])
    same = [np.allclose(one, two, rtol=1e-9, atol=0) for one, two in zip(*results)]
    assert all(same) == (name != "AdamW")


def test_l1_drives_weights_to_zero_and_l2_only_shrinks_them() -> None:
    """y depends on the first of four inputs, and a bit on noise.  Around 0 a step of L1 is rate·λ/m = 0.004."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    y = x[:, :1] * 2 + rng.normal(size=(50, 1)) * 0.3
    smallest = []
    for penalty in (nn.L1Penalty(10.0), nn.L2Penalty(10.0)):
        layer = nn.Linear(4, 1, bias=False, generator=al.Generator(0)).double()
        optimizer = nn.optim.SGD(layer.parameters(), lr=0.02)
        for _ in range(400):
            optimizer.zero_grad()
            (nn.MSELoss()(layer(al.Tensor(x)), al.Tensor(y)) + penalty(layer, len(x))).backward()
            optimizer.step()
        weights = np.abs(layer.weight.numpy()[0])
        assert weights[0] > 1.5
        smallest.append(weights[1:].max())
    assert smallest[0] <= 0.004
    assert smallest[1] > 0.02


def test_what_is_penalized() -> None:
    """Weights of two axes and more, a neuron's w, shared weights once; no bias, no norm; all if asked for."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.PReLU(), nn.Flatten(), nn.Linear(2, 2), nn.Linear(2, 2),
        nn.LayerNorm(2), nn.Neuron(2),
    )  # fmt: skip
    model[5].weight = model[4].weight
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1)
    assert nn.L1Penalty(1.0)(model, 1).item() == 8 + 4 + 2
    everything = sum(p.numel() for p in model.parameters())
    assert nn.L1Penalty(1.0, all_parameters=True)(model, 1).item() == everything
    assert nn.L1Penalty(1.0)([model[0].bias], 1).item() == 2
    assert nn.L1Penalty(1.0)(model[0].bias, 1).item() == 2


# -- gradient checks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "penalty", [nn.L1Penalty(0.7), nn.L2Penalty(0.7), nn.L2Penalty(0.7, all_parameters=True)], ids=repr
)
@pytest.mark.parametrize("chance", [{"p": 0.5}, {"keep_prob": 0.5}], ids=str)
def test_a_gradient_check_includes_the_penalty_and_disables_dropout(
    penalty: nn.Module, chance: dict[str, float]
) -> None:
    """Cheat sheet 2.2: include regularization in the cost, but disable dropout."""
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(**chance), nn.Linear(8, 2)).double()
    rng = np.random.default_rng(0)
    x, y = al.Tensor(rng.normal(size=(4, 3))), al.Tensor(np.array([0, 1, 1, 0]))
    seen: list[float] = []

    def cost(*_: al.Tensor) -> al.Tensor:
        loss = nn.CrossEntropyLoss()(model(x), y) + penalty(model, len(x))
        seen.append(loss.item())
        return loss

    assert model.training
    assert gradcheck(cost, list(model.parameters()))
    model.eval()
    assert seen[0] == pytest.approx(cost().item(), rel=1e-12), "dropout dropped nothing, the penalty counted"
    assert seen[0] > nn.CrossEntropyLoss()(model(x), y).item() + 0.01


def test_a_penalty_with_a_wrong_gradient_is_caught() -> None:
    class Wrong(nn.L2Penalty):
        def cost(self, w: al.Tensor) -> al.Tensor:
            return (w * w.detach()).sum()

    layer = nn.Linear(2, 1).double()
    with pytest.raises(GradcheckError):
        gradcheck(lambda *_: Wrong(1.0)(layer, 4), [layer.weight])


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda model: nn.L2Penalty(-0.1), ValueError, r"lambd must be at least 0 and finite, got -0\.1"),
        (lambda model: nn.L1Penalty(float("inf")), ValueError, r"lambd must be at least 0 and finite, got inf"),
        (lambda model: nn.L1Penalty(float("nan")), ValueError, "nan"),
        (lambda model: nn.L2Penalty("a"), TypeError, "lambd must be a number, got 'a'"),
        (lambda model: nn.L1Penalty(True), TypeError, "lambd must be a number, got True"),
        (lambda model: nn.L2Penalty(0.1)(model, 0), ValueError, "at least 1, got 0"),
        (lambda model: nn.L2Penalty(0.1)(model, 2.5), TypeError, r"len\(x\), not a float: 2\.5"),
        (lambda model: nn.L2Penalty(0.1)(model, al.ones(4, 2)), TypeError, r"len\(x\), not a Tensor"),
        (
            lambda model: nn.L1Penalty(0.1)(nn.BatchNorm1d(3), 4),
            ValueError,
            "L1Penalty found no weights in BatchNorm1d",
        ),
        (lambda model: nn.L1Penalty(0.1)([], 4), ValueError, "no weights in list"),
        (lambda model: nn.L1Penalty(0.1)(nn.LazyLinear(3), 4), RuntimeError, "before its first run"),
    ],
)
def test_refusals(model: nn.Module, call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(model)


def test_the_scales_of_a_layer_norm_are_not_penalised() -> None:
    """Those of several axes neither, though their parameters have as many axes."""
    model = nn.Sequential(nn.LayerNorm((2, 3)), nn.Flatten(), nn.Linear(6, 1))
    alone = nn.L2Penalty(2.0)([model[2].weight], 1)
    assert nn.L2Penalty(2.0)(model, 1).item() == alone.item()
    assert nn.L2Penalty(2.0, all_parameters=True)(model, 1).item() > alone.item() + 5.9


def test_the_sheets_biases_are_not_penalised() -> None:
    """b ∈ ℝ^(n×1) (cheat sheet 1.3) has as many axes as W; its name tells."""

    class Net(nn.Module):
        def __init__(self) -> None:
            self.W1, self.b1 = nn.Parameter(al.ones(3, 2)), nn.Parameter(al.ones(3, 1))
            self.biases = nn.ParameterList([al.ones(3, 1)])
            self.basis = nn.Parameter(al.ones(2, 2))

    assert nn.L2Penalty(2.0)(Net(), 1).item() == 6 + 4
    assert nn.L2Penalty(2.0, all_parameters=True)(Net(), 1).item() == 6 + 3 + 3 + 4
