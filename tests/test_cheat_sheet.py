"""The client's cheat sheet, item by item, in its order, with numbers computed by hand: read it beside the sheet.

The numbers are chosen so that they can be checked on paper: σ(ln 3) = 3/4, tanh(ln 2) = 0.6.  `nn.formulas.ITEMS`
lists the items; each that is implemented has its test here, under the name that ``autograd-lite formulas`` prints.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
import nn.functional as F
from nn.formulas import CHAPTERS, ITEMS, SECTIONS, Item, find_implementers
from nn.vision import LocalizationScenes

NOT_YET = {
    ("5.1", "Classification"), ("5.1", "Classification with localization"), ("5.1", "Object detection"),
    ("5.1", "Landmark detection"), ("5.2", "Hybrid loss"), ("5.3", "Grid system"),
    ("5.3", "Anchor boxes"), ("5.3", "Non-max suppression"),
}  # fmt: skip

LN2, LN3 = math.log(2), math.log(3)
approx = pytest.approx


def exact(values: Any, requires_grad: bool = False) -> al.Tensor:
    """A float64 tensor: what differs from paper in the 12th digit is wrong."""
    return al.tensor(np.asarray(values, np.float64), requires_grad=requires_grad)


def close(expected: Any) -> Any:
    return approx(np.asarray(expected), rel=1e-12, abs=1e-12)


def weights(module: nn.Module, **values: Any) -> Any:
    """The module with float64 parameters of these values; ``fc1_weight`` is ``fc1.weight``."""
    module.double()
    module.load_state_dict({name.replace("_", "."): exact(value) for name, value in values.items()})
    return module


def slopes(function: Any, z: Any) -> np.ndarray:
    """The derivative of an elementwise function at each element."""
    z = exact(z, requires_grad=True)
    function(z).sum().backward()
    return z.grad.numpy()


# -- 1  Core concepts and network structure ---------------------------------------------------------------------------


def test_1_1_neuron() -> None:
    neuron = weights(nn.Neuron(2, activation="sigmoid"), w=[2.0, -1.0], b=LN3 - 2)
    x = exact([3.0, 4.0])
    z, a = neuron.steps(x)
    assert z.item() == approx(LN3)  # 2·3 − 1·4 + ln 3 − 2 = ln 3
    assert a.item() == neuron(x).item() == approx(0.75)  # σ(ln 3) = 1 / (1 + 1/3)


def test_1_2_sigmoid() -> None:
    z = [0.0, LN3, -LN3]
    assert F.sigmoid(exact(z)).numpy() == close([1 / 2, 3 / 4, 1 / 4])  # 1/(1 + 1), 1/(1 + 1/3), 1/(1 + 3)
    assert slopes(nn.Sigmoid(), z) == close([1 / 4, 3 / 16, 3 / 16])  # a (1 − a)


def test_1_2_softmax() -> None:
    z = exact([0.0, LN2, math.log(5)], requires_grad=True)
    a = nn.Softmax()(z)
    assert a.detach().numpy() == close([1 / 8, 2 / 8, 5 / 8])  # the powers are 1, 2, 5, together 8
    a[0].backward()
    assert z.grad.numpy() == close([7 / 64, -2 / 64, -5 / 64])  # a₀ (1 − a₀), −a₀ a₁, −a₀ a₂


def test_1_2_relu() -> None:
    z = [-2.0, 0.0, 3.0]
    assert F.relu(exact(z)).numpy() == close([0, 0, 3])
    assert slopes(nn.ReLU(), z) == close([0, 0, 1])


def test_1_2_leaky_relu() -> None:
    z = [-2.0, 3.0]
    assert nn.LeakyReLU()(exact(z)).numpy() == close([-0.2, 3])  # max(0.1 · −2, −2), max(0.3, 3)
    assert slopes(nn.LeakyReLU(), z) == close([0.1, 1])


def test_1_2_tanh() -> None:
    z = [0.0, LN2]
    assert F.tanh(exact(z)).numpy() == close([0, 0.6])  # (2 − 1/2) / (2 + 1/2) = 1.5 / 2.5
    assert slopes(nn.Tanh(), z) == close([1, 0.64])  # 1 − a²


def test_1_3_forward_propagation() -> None:
    model = weights(
        nn.MLP([2, 3, 1], activation="relu"),
        fc1_weight=[[1, 2], [0, -1], [-1, 1]], fc1_bias=[0, 1, -2], fc2_weight=[[2, -3, 1]], fc2_bias=[0.5],
    )  # fmt: skip
    x = exact([[1.0, 2.0]])  # one example, a row
    assert model.fc1(x).tolist() == [[5, -1, -1]]  # 1 + 4, 0 − 2 + 1, −1 + 2 − 2
    assert model.act1(model.fc1(x)).tolist() == [[5, 0, 0]]
    assert model(x).tolist() == [[10.5]]  # 2·5 + 0.5


def test_1_3_parameter_dimensions() -> None:
    model = nn.MLP([4, 3, 2])
    shapes = {name: p.shape for name, p in model.named_parameters()}
    # W is n⁽ˡ⁾ × n⁽ˡ⁻¹⁾; b has n⁽ˡ⁾ elements
    assert shapes == {"fc1.weight": (3, 4), "fc1.bias": (3,), "fc2.weight": (2, 3), "fc2.bias": (2,)}


# -- 2.1  Loss functions ----------------------------------------------------------------------------------------------

Y, PREDICTED = [1.0, 2.0, 3.0], [1.5, 2.0, 1.0]


def test_2_1_mean_squared_error() -> None:
    loss = nn.MSELoss()(exact(PREDICTED), exact(Y))
    assert loss.item() == approx(17 / 12)  # (0.25 + 0 + 4) / 3


def test_2_1_mean_absolute_error() -> None:
    loss = nn.L1Loss()(exact(PREDICTED), exact(Y))
    assert loss.item() == approx(5 / 6)  # (0.5 + 0 + 2) / 3


def test_2_1_binary_cross_entropy() -> None:
    loss = nn.BCELoss()(exact([0.8, 0.3]), exact([1.0, 0.0]))
    assert loss.item() == approx(0.2899092476, abs=1e-10)  # −(ln 0.8 + ln 0.7)/2 = (0.2231435513 + 0.3566749439)/2


def test_2_1_categorical_cross_entropy() -> None:
    loss = nn.CategoricalCrossEntropyLoss()
    predicted = exact([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    # −ln 0.5 = 0.6931471806 for the first example, −ln 0.8 = 0.2231435513 for the second: their mean
    one_hot = exact([[0, 1, 0], [0, 0, 1]])
    assert loss(predicted, one_hot).item() == approx(0.4581453659, abs=1e-10)
    assert loss(predicted, al.tensor([1, 2])).item() == approx(0.4581453659, abs=1e-10)


# -- 2.2  Interpreting backpropagation --------------------------------------------------------------------------------


def chain(weight: float, bias: float, activation: str) -> nn.MLP:
    """Six layers of one neuron each, with an activation after all but the last."""
    model = nn.MLP([1] * 7, activation=activation)
    return weights(
        model, **{f"fc{i}_weight": [[weight]] for i in range(1, 7)}, **{f"fc{i}_bias": [bias] for i in range(1, 7)}
    )


def test_2_2_exploding_vanishing_gradients() -> None:
    x = exact([[0.5]])
    # z = 0.5 − 0.5 = 0 in every layer, a = σ(0) = 1/2 again, slope 1/4: from the last to the first (1/4)⁵ = 1/1024
    model = chain(1.0, -0.5, "sigmoid")
    found = nn.diagnose(model, lambda: model(x).sum())
    assert found.verdict == "vanishing"
    assert [row.signal for row in found.layers if row.kind == "Linear"] == [4.0**-n for n in (5, 4, 3, 2, 1, 0)]
    # z > 0 in every layer, so the slope of ReLU is 1, and that of a layer 4: 4⁵ = 1024
    model = chain(4.0, 0.0, "relu")
    found = nn.diagnose(model, lambda: model(x).sum())
    assert found.verdict == "exploding"
    assert [row.signal for row in found.layers if row.kind == "Linear"] == [4.0**n for n in (5, 4, 3, 2, 1, 0)]
    model = chain(1.0, 0.0, "relu")
    assert nn.diagnose(model, lambda: model(x).sum()).verdict == "healthy"


def test_2_2_gradient_checking() -> None:
    w = exact(2.0, requires_grad=True)
    result = al.gradcheck(lambda w: w**3, w, eps=0.1, raise_exception=False)
    row = result.rows[0]
    assert row.analytic == approx(12)  # 3 w²
    assert row.numeric == approx(12.01)  # (2.1³ − 1.9³) / 0.2 = (9.261 − 6.859) / 0.2


def test_2_2_gradient_checking_includes_regularization_and_leaves_out_dropout() -> None:
    model = weights(nn.Linear(2, 1, bias=False), weight=[[3.0, -1.0]])
    dropout, penalty, x = nn.Dropout(0.5), nn.L2Penalty(0.4), exact([[1.0, 2.0]])

    def cost(*_: Any) -> al.Tensor:
        return dropout(model(x)).sum() + penalty(model, 2)

    result = al.gradcheck(cost, list(model.parameters()))
    # x + (λ/m) W = 1 + 0.2·3, 2 − 0.2·1.  With dropout the first terms were 0 or doubled.
    assert sorted(row.analytic for row in result.rows) == [approx(1.6), approx(1.8)]
    assert dropout.training


# -- 2.3  The backpropagation algorithm: two layers, two examples -----------------------------------------------------

# The sheet has examples as columns, this library as rows: here the rows are (1, 2) and (2, 1).
#   Z1 = X W1ᵀ   = [1 −1], [2 1]      A1 = max(0, Z1) = [1 0], [2 1]
#   Z2 = A1 W2ᵀ + b2 = 1 − 0 + b2, 2 − 1 + b2 = ln 3 for both       A2 = σ(Z2) = 3/4 for both
#   dZ2 = A2 − Y = 3/4 − 1, 3/4 − 0 = −1/4, 3/4
#   dZ1 = dZ2 W2 * g′(Z1) = [−1/4 1/4] * [1 0], [3/4 −3/4] * [1 1] = [−1/4 0], [3/4 −3/4]
X2, Y2 = [[1.0, 2.0], [2.0, 1.0]], [[1.0], [0.0]]
DZ1, DZ2 = [[-0.25, 0.0], [0.75, -0.75]], [[-0.25], [0.75]]
DW1 = [[0.625, 0.125], [-0.75, -0.375]]  # ½ (−¼ (1, 2) + ¾ (2, 1)), ½ (−¾ (2, 1))
DB1 = [0.25, -0.375]  # ½ (−¼ + ¾), ½ (−¾)
DW2 = [[0.625, 0.375]]  # ½ (−¼ · 1 + ¾ · 2), ½ (¾ · 1)
DB2 = [0.25]  # ½ (−¼ + ¾)


def two_layers() -> tuple[nn.MLP, al.Tensor, al.Tensor, al.Tensor]:
    """The net, Z1, Z2 and the loss, after backward."""
    model = weights(
        nn.MLP([2, 2, 1], activation="relu"),
        fc1_weight=[[1, 0], [1, -1]], fc1_bias=[0, 0], fc2_weight=[[1, -1]], fc2_bias=[LN3 - 1],
    )  # fmt: skip
    z1 = model.fc1(exact(X2))
    z2 = model.fc2(model.act1(z1))
    z1.retain_grad()
    z2.retain_grad()
    loss = nn.BCELoss()(F.sigmoid(z2), exact(Y2))
    loss.backward()
    return model, z1, z2, loss


def test_2_3_chain_rule_in_reverse() -> None:
    model, _, z2, loss = two_layers()
    assert z2.detach().numpy() == close([[LN3], [LN3]])
    assert loss.item() == approx(0.8369882168, abs=1e-10)  # −(ln 3/4 + ln 1/4)/2 = (0.2876820724 + 1.3862943611)/2
    assert all(p.grad is not None for p in model.parameters())


def test_2_3_output_error() -> None:
    _, _, z2, _ = two_layers()
    assert 2 * z2.grad.numpy() == close(DZ2)  # the tape's gradient is that of the mean: (1/m) dZ with m = 2
    z2 = exact([[LN3], [LN3]], requires_grad=True)
    nn.BCEWithLogitsLoss()(z2, exact(Y2)).backward()
    assert 2 * z2.grad.numpy() == close(DZ2)
    z = exact([[0.0, LN2, math.log(5)]], requires_grad=True)
    nn.CrossEntropyLoss()(z, al.tensor([1])).backward()
    assert z.grad.numpy() == close([[1 / 8, 2 / 8 - 1, 5 / 8]])  # softmax(z) − y


def test_2_3_hidden_error() -> None:
    _, z1, _, _ = two_layers()
    assert 2 * z1.grad.numpy() == close(DZ1)


def test_2_3_gradients() -> None:
    model = two_layers()[0]
    found = {name: p.grad.numpy() for name, p in model.named_parameters()}
    expected = {"fc1.weight": DW1, "fc1.bias": DB1, "fc2.weight": DW2, "fc2.bias": DB2}
    assert found == {name: close(value) for name, value in expected.items()}


def test_2_3_update() -> None:
    model = two_layers()[0]
    nn.optim.SGD(model.parameters(), lr=0.4).step()
    assert model.fc1.weight.detach().numpy() == close([[0.75, -0.05], [1.3, -0.85]])  # 1 − 0.4 · 0.625, …
    assert model.fc2.weight.detach().numpy() == close([[0.75, -1.15]])  # 1 − 0.25, −1 − 0.15
    assert model.fc2.bias.detach().numpy() == close([LN3 - 1.1])  # ln 3 − 1 − 0.4 · 0.25


# -- 2.4, 2.5  Averages -----------------------------------------------------------------------------------------------


def test_2_4_exponentially_weighted_average() -> None:
    average = nn.optim.ExponentialMovingAverage(0.9)
    average.update(10.0)
    assert average.average == approx(1)  # 0.9 · 0 + 0.1 · 10
    average.update(20.0)
    assert average.average == approx(2.9)  # 0.9 · 1 + 0.1 · 20
    assert average.window == approx(10)  # 1 / (1 − 0.9)
    assert nn.optim.ExponentialMovingAverage(0.98).window == approx(50)


def test_2_5_bias_correction() -> None:
    average = nn.optim.ExponentialMovingAverage(0.9)
    average.update(-0.058)
    assert average.average == approx(-0.0058)  # the sheet's example: 0.1 · (−0.058)
    assert average.value == approx(-0.058)  # −0.0058 / (1 − 0.9)
    average = nn.optim.ExponentialMovingAverage(0.9)
    average.update(10.0)
    average.update(20.0)
    assert average.value == approx(2.9 / 0.19)  # 2.9 / (1 − 0.81)
    assert path(nn.optim.Momentum, [-0.058], bias_correction=True) == approx([1.0058])  # 1 + 0.1 · 0.058


# -- 2.6  Advanced optimization algorithms ----------------------------------------------------------------------------


def path(optimizer: Any, gradients: list[float], **settings: Any) -> list[float]:
    """Where a weight is that starts at 1, after a step with each gradient."""
    w = exact([1.0], requires_grad=True)
    method = optimizer([w], lr=0.1, **settings)
    places = []
    for g in gradients:
        w.grad = exact([g])
        method.step()
        places.append(w.item())
    return places


def test_2_6_momentum() -> None:
    # v = 0.1 · 2 = 0.2, W = 1 − 0.02;  v = 0.9 · 0.2 + 0.1 · 4 = 0.58, W = 0.98 − 0.058
    assert path(nn.optim.Momentum, [2, 4]) == approx([0.98, 0.922], rel=1e-12)


def test_2_6_rmsprop() -> None:
    # S = 0.25 · 4 = 1, √(1 + 0.21) = 1.1, W = 1 − 0.2/1.1 = 9/11;  S = 0.75 + 0.25 = 1 again, W = 9/11 − 0.1/1.1
    assert path(nn.optim.RMSprop, [2, 1], alpha=0.75, eps=0.21) == approx([9 / 11, 8 / 11], rel=1e-12)


def test_2_6_adam() -> None:
    # v̂ = 2, Ŝ = 4, √(4 + 2.25) = 2.5, W = 1 − 0.1 · 2/2.5;  the same gradient again changes neither v̂ nor Ŝ
    assert path(nn.optim.Adam, [2, 2], eps=2.25) == approx([0.92, 0.84], rel=1e-12)
    # With the sheet's β₁, β₂, ε and gradients 2, −1: v = 0.2, then 0.9 · 0.2 − 0.1 = 0.08, v̂ = 0.08/0.19 = 0.4210526;
    # S = 0.004, then 0.999 · 0.004 + 0.001 = 0.004996, Ŝ = 0.004996/0.001999 = 2.4992496, its root 1.5809015
    assert path(nn.optim.Adam, [2, -1]) == approx([0.9, 0.9 - 0.1 * 0.4210526 / 1.5809015], abs=1e-8)
    assert nn.optim.Adam([exact([1.0])]).defaults["betas"] == (0.9, 0.999)
    assert nn.optim.Adam([exact([1.0])]).defaults["eps"] == 1e-8


def rates(schedule: Any, steps: int, **settings: Any) -> list[float]:
    """The learning rates at t = 0, 1, …, from α₀ = 0.1."""
    optimizer = nn.optim.SGD([exact([1.0], requires_grad=True)], lr=0.1)
    scheduler = schedule(optimizer, **settings)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_2_6_step_decay() -> None:
    found = rates(nn.optim.lr_scheduler.StepDecay, 5, drop=0.5, k=2)
    assert found == approx([0.1, 0.1, 0.05, 0.05, 0.025])  # ⌊t/2⌋ = 0, 0, 1, 1, 2


def test_2_6_exponential_decay() -> None:
    found = rates(nn.optim.lr_scheduler.ExponentialDecay, 3, decay_rate=LN2)
    assert found == approx([0.1, 0.05, 0.025])  # e^(−ln 2) = 1/2


def test_2_6_1_t_decay() -> None:
    found = rates(nn.optim.lr_scheduler.InverseTimeDecay, 7, decay_rate=0.5)
    assert found[:3:2] == approx([0.1, 0.05])  # 0.1 / (1 + 0.5 · 2)
    assert found[6] == approx(0.025)  # 0.1 / (1 + 0.5 · 6)


# -- 3  Regularization and training -----------------------------------------------------------------------------------


def test_3_1_l2_regularization() -> None:
    model = weights(nn.Linear(2, 2), weight=[[1, 2], [3, 4]], bias=[5, 6])
    cost = nn.L2Penalty(0.5)(model, 10)
    assert cost.item() == approx(0.75)  # 0.5/(2 · 10) · (1 + 4 + 9 + 16); the bias does not count
    cost.backward()
    assert model.weight.grad.numpy() == close([[0.05, 0.1], [0.15, 0.2]])  # (0.5/10) W


def test_3_1_l1_regularization() -> None:
    model = weights(nn.Linear(2, 2), weight=[[1, -2], [3, -4]], bias=[5, 6])
    cost = nn.L1Penalty(0.5)(model, 10)
    assert cost.item() == approx(0.5)  # 0.5/10 · (1 + 2 + 3 + 4)
    cost.backward()
    assert model.weight.grad.numpy() == close([[0.05, -0.05], [0.05, -0.05]])  # (0.5/10) sign W


def test_3_2_dropout() -> None:
    x = exact(np.ones(10_000))
    dropped = nn.Dropout(0.2, generator=al.Generator(0))(x).numpy()
    assert set(dropped) == {0, 1.25}  # what stays is divided by 1 − 0.2
    assert (dropped == 0).mean() == approx(0.2, abs=0.016)  # 4 standard deviations √(0.2 · 0.8 / 10⁴) = 0.004
    assert np.array_equal(dropped, nn.Dropout(keep_prob=0.8, generator=al.Generator(0))(x).numpy())
    assert nn.Dropout(0.2).eval()(x).tolist() == x.tolist(), "off at test time"


def test_3_3_xavier_initialization() -> None:
    weight = nn.init.xavier_normal_(exact(np.empty((4000, 50))), generator=al.Generator(0)).numpy()
    assert weight.var() == approx(1 / 50, rel=0.02)  # 0.02; the estimate's own deviation is √(2 / 200000) = 0.3 %
    weight = nn.init.xavier_uniform_(exact(np.empty((4000, 50))), generator=al.Generator(0)).numpy()
    assert weight.var() == approx(1 / 50, rel=0.02)
    assert abs(weight).max() < 0.06**0.5  # b²/3 = 1/50


def test_3_3_he_initialization() -> None:
    weight = nn.init.he_normal_(exact(np.empty((4000, 50))), generator=al.Generator(0)).numpy()
    assert weight.var() == approx(2 / 50, rel=0.02)
    weight = nn.init.he_uniform_(exact(np.empty((4000, 50))), generator=al.Generator(0)).numpy()
    assert weight.var() == approx(2 / 50, rel=0.02)
    assert abs(weight).max() < 0.12**0.5  # b²/3 = 2/50


def test_3_3_batch_normalization() -> None:
    norm = nn.BatchNorm1d(1, eps=4.0).double()
    z = exact([[1.0], [3.0], [5.0], [7.0]])
    # mean 4, variance (9 + 1 + 1 + 9)/4 = 5, and √(5 + 4) = 3
    assert norm(z).detach().numpy() == close([[-1], [-1 / 3], [1 / 3], [1]])
    assert norm.running_mean.item() == approx(0.4)  # 0.9 · 0 + 0.1 · 4
    assert norm.running_var.item() == approx(0.9 + 0.1 * 20 / 3)  # the unbiased variance, 20/3
    unit = nn.BatchNorm1d(1, eps=0.0).double()(z).detach().numpy()
    assert (unit.mean(), unit.var()) == (approx(0, abs=1e-12), approx(1))


# -- 3.4  Hyperparameters, from the most to the least important, as `nn.search.SHEET` has them ------------------------

SHEET = nn.search.SHEET


def test_3_4_learning_rate() -> None:
    assert SHEET["lr"].grid(6) == approx([0.00001, 0.0001, 0.001, 0.01, 0.1, 1])  # 10⁻ⁿ
    assert SHEET["lr"].at(0.5) == approx(0.00316227766)  # the middle of 10⁻⁵ and 10⁰ is 10^−2.5, not 0.5


def test_3_4_momentum_hyperparameter() -> None:
    betas = [0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999]  # 1 − 10⁻ⁿ
    assert SHEET["momentum"].grid(8) == approx(betas, abs=1e-9)


def test_3_4_number_of_hidden_neurons_n() -> None:
    space = nn.search.Integer(4, 7)
    assert [space.at(u) for u in (0, 0.24, 0.25, 0.5, 0.75, 1)] == [4, 4, 5, 6, 7, 7]  # four numbers, a quarter each
    assert isinstance(SHEET["hidden"].at(0.3), int)


def test_3_4_mini_batch_size_s() -> None:
    assert SHEET["batch_size"].grid(6) == [8, 16, 32, 64, 128, 256]  # 2³ to 2⁸


def test_3_4_number_of_layers_l() -> None:
    assert SHEET["layers"].grid(4) == [1, 2, 3, 4]


def test_3_4_decay_rate() -> None:
    assert SHEET["decay"].grid(5) == approx([0.0001, 0.001, 0.01, 0.1, 1])


def test_3_4_adam_hyperparameters() -> None:
    assert SHEET["beta1"].grid(3) == approx([0, 0.9, 0.99])
    assert SHEET["beta2"].grid(4) == approx([0.9, 0.99, 0.999, 0.9999])
    assert SHEET["eps"].grid(7) == approx([1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4])


def test_3_4_random_search() -> None:
    space = {"important": nn.search.Uniform(0, 1), "other": nn.search.Uniform(0, 1)}
    with ThreadPoolExecutor(1) as executor:
        found = [
            nn.search.grid_search(lambda important, other: -important, space, 3, executor),
            nn.search.random_search(lambda important, other: -important, space, 9, executor),
        ]
    # of nine trials a grid of 3 × 3 has three different values of what matters, a random search nine
    assert [len({trial.point["important"] for trial in search.trials}) for search in found] == [3, 9]


# -- 4.1  CONV and POOL -----------------------------------------------------------------------------------------------


def test_4_1_conv_layer() -> None:
    conv = weights(nn.Conv2d(1, 1, 2), weight=[[[[1, 0], [0, -1]]]], bias=[0.5])
    image = exact([[[[1, 2, 4], [3, 5, 6], [9, 8, 7]]]])
    # 1 − 5, 2 − 6, 3 − 8, 5 − 7, each + 0.5
    assert conv(image).tolist() == [[[[-3.5, -3.5], [-4.5, -1.5]]]]
    for n, p, f, s, output in [(28, 2, 5, 1, 28), (7, 0, 3, 2, 3), (8, 0, 3, 2, 3), (224, 3, 7, 2, 112)]:
        # (28 + 4 − 5)/1 + 1, (7 − 3)/2 + 1, ⌊5/2 + 1⌋ = ⌊3.5⌋, ⌊223/2 + 1⌋ = ⌊112.5⌋
        assert nn.Conv2d(1, 1, f, stride=s, padding=p)(al.zeros((1, 1, n, n))).shape == (1, 1, output, output)


def test_4_1_pool_layer() -> None:
    image = exact([[[[1, 2, 5, 6], [3, 4, 7, 8], [0, 0, 1, 1], [0, 4, 1, 1]]]])
    assert nn.MaxPool2d(2)(image).tolist() == [[[[4, 8], [4, 1]]]]
    assert nn.AvgPool2d(2)(image).tolist() == [[[[2.5, 6.5], [1, 1]]]]  # (1 + 2 + 3 + 4)/4, …
    for n, f, s, output in [(28, 2, 2, 14), (7, 3, 2, 3), (8, 3, 2, 3)]:  # ⌊26/2 + 1⌋, ⌊4/2 + 1⌋, ⌊5/2 + 1⌋
        assert nn.MaxPool2d(f, stride=s)(al.zeros((1, 1, n, n))).shape == (1, 1, output, output)
    assert list(nn.MaxPool2d(2).parameters()) == []


# -- 5  Advanced applications -----------------------------------------------------------------------------------------


def test_5_2_output_vector() -> None:
    """y = [p_c, b_x, b_y, b_h, b_w, c₁, …, c_C]: an object 4 high and 2 wide, of class 3 of 3, in an image of 8 × 8."""
    source = nn.data.TensorDataset(np.ones((1, 1, 4, 2)), [2])
    options: dict[str, Any] = {"size": 8, "heights": (4, 4), "brightness": (1, 1), "gradient": 0, "noise": 0}
    image, y = LocalizationScenes(source, 1, empty=0, **options)[0]
    top, left = np.argwhere(image.numpy()[0] == 1)[0].tolist()
    assert y.tolist() == [1, (left + 1) / 8, (top + 2) / 8, 4 / 8, 2 / 8, 0, 0, 1]
    _, y = LocalizationScenes(source, 1, empty=1, **options)[0]
    assert y.tolist() == [0] * 8


# -- 6  Le math -------------------------------------------------------------------------------------------------------

# LeNet-5:  28×28×1 → CONV 5, p 2: ⌊(28 + 4 − 5)/1 + 1⌋ = 28, 6 channels → POOL 2: ⌊(28 − 2)/2 + 1⌋ = 14
#           → CONV 5: ⌊(14 − 5)/1 + 1⌋ = 10, 16 channels → POOL 2: 5 → FC 120 → FC 84 → softmax layer 10
LENET = {
    "conv1": ((6, 28, 28), 156),  # 6 (25 · 1 + 1)
    "pool1": ((6, 14, 14), 0),
    "conv2": ((16, 10, 10), 2_416),  # 16 (25 · 6 + 1)
    "pool2": ((16, 5, 5), 0),
    "fc1": ((120,), 48_120),  # 5 · 5 · 16 · 120 + 120
    "fc2": ((84,), 10_164),  # 120 · 84 + 84
    "fc3": ((10,), 850),  # 84 · 10 + 10
}


def test_6_1_shapes() -> None:
    found = nn.summary(nn.LeNet5(), (1, 28, 28))
    table = {layer.path: layer.output for layer in found.layers}
    for path, (shape, _) in LENET.items():
        assert table[path] == f"({', '.join(['N', *map(str, shape)])})"
    for calculation in ("⌊(28 + 2·2 − 5)/1⌋ + 1 = 28", "⌊(28 − 2)/2⌋ + 1 = 14", "⌊(14 − 5)/1⌋ + 1 = 10"):
        assert calculation in found.formulas()


def test_6_1_parameters() -> None:
    table = nn.summary(nn.LeNet5(), (1, 28, 28))
    counts = {layer.path: layer.parameters for layer in table.layers}
    assert {path: counts[path] for path in LENET} == {path: count for path, (_, count) in LENET.items()}
    assert table.parameters == 61_706
    for calculation in ("6(1·5·5 + 1) = 156", "5·5·16·120 + 120 = 48,120", "84·10 + 10 = 850"):
        assert calculation in table.formulas()


def test_6_2_logistic_regression() -> None:
    neuron = weights(nn.Neuron(2, activation="sigmoid"), w=[1.0, -1.0], b=LN3 + 1)
    x, y = exact([[1.0, 2.0]]), exact([1.0])
    a = neuron(x)
    assert a.item() == approx(0.75)  # z = 1 − 2 + ln 3 + 1 = ln 3
    loss = nn.BCELoss()(a, y)
    assert loss.item() == approx(0.2876820724, abs=1e-10)  # −ln 0.75
    loss.backward()
    # dz = 0.75 − 1 = −0.25
    assert neuron.w.grad.numpy() == close([-0.25, -0.5])  # x₁ dz, x₂ dz
    assert neuron.b.grad.item() == approx(-0.25)
    nn.optim.SGD(neuron.parameters(), lr=0.4).step()
    assert neuron.w.detach().numpy() == close([1.1, -0.8])  # 1 + 0.4 · 0.25, −1 + 0.4 · 0.5
    assert neuron.b.item() == approx(LN3 + 1.1)


def test_6_2_logistic_regression_agrees_with_the_tape_at_every_step() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2.0
    x = rng.normal(size=(40, 2)) + 2 * y[:, None]
    neuron = weights(nn.Neuron(2, activation="sigmoid"), w=[0.1, -0.2], b=0.0)
    optimizer = nn.optim.SGD(neuron.parameters(), lr=0.5)
    w, b = np.array([0.1, -0.2]), 0.0
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.BCELoss()(neuron(exact(x)), exact(y))
        loss.backward()
        optimizer.step()

        a = 1 / (1 + np.exp(-(x @ w + b)))
        dz = a - y
        dw, db = x.T @ dz / 40, dz.mean()  # the sheet's, of one example, averaged over 40
        losses.append(-(y * np.log(a) + (1 - y) * np.log(1 - a)).mean())
        w, b = w - 0.5 * dw, b - 0.5 * db
        assert loss.item() == approx(losses[-1], rel=1e-12)
        assert neuron.w.grad.numpy() == close(dw)
        assert neuron.b.grad.item() == close(db)
        assert neuron.w.detach().numpy() == close(w)
        assert neuron.b.item() == close(b)
    assert losses[-1] < losses[0] / 3


# -- The list itself --------------------------------------------------------------------------------------------------


def key(item: Item) -> tuple[str, str]:
    return item.section, item.title


def test_every_item_has_an_implementer() -> None:
    found = find_implementers()
    missing = {key(item) for item in ITEMS if not found[item]}
    assert missing == NOT_YET, "an item lost its last reference, or gained its first: then take it out of NOT_YET"


def test_every_item_has_its_test_in_the_order_of_the_sheet() -> None:
    numbered = [name for name in globals() if name.startswith("test_") and name[5].isdigit()]
    wanted = [item.test for item in ITEMS if key(item) not in NOT_YET]
    assert [name for name in numbered if name in wanted] == wanted


def test_sections_are_those_of_the_sheet() -> None:
    assert list(dict.fromkeys(item.section for item in ITEMS)) == list(SECTIONS)
    assert list(dict.fromkeys(section[0] for section in SECTIONS)) == list(CHAPTERS)
