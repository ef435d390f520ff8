"""Whole networks: shapes, counts of parameters, gradients, choices, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.models import LeNet5, ResNet8, SmallVGG
from nn.train import check_gradients

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("make", "shape", "parameters"),
    [
        (LeNet5, (1, 28, 28), 61_706),  # 156 + 2,416 + 48,120 + 10,164 + 850
        (LeNet5, (1, 8, 8), 21_386), (LeNet5, (1, 4, 5), 15_626), (LeNet5, (3, 32, 32), 83_126),
        (SmallVGG, (3, 32, 32), 106_730), (SmallVGG, (1, 8, 9), None),
        (ResNet8, (3, 32, 32), 78_042), (ResNet8, (1, 9, 7), None),
    ],
)  # fmt: skip
def test_scores_for_each_image(make: Callable[..., nn.Module], shape: tuple[int, ...], parameters: int | None) -> None:
    model = make(shape)
    x = RNG.normal(size=(3, *shape)).astype(np.float32)
    scores = model(al.Tensor(x))
    assert scores.shape == (3, 10)
    assert scores.dtype == np.float32
    if parameters:
        assert sum(p.numel() for p in model.parameters()) == nn.summary(model, shape).parameters == parameters
    assert make(shape, classes=4)(al.Tensor(x)).shape == (3, 4)


@pytest.mark.parametrize("make", [LeNet5, SmallVGG, ResNet8])
def test_the_generator_decides_the_start(make: Callable[..., nn.Module]) -> None:
    one, two, other = (make((1, 8, 8), generator=al.Generator(seed)).state_dict() for seed in (0, 0, 1))
    assert all(np.array_equal(one[name].numpy(), two[name].numpy()) for name in one)
    assert any(not np.array_equal(one[name].numpy(), other[name].numpy()) for name in one)


@pytest.mark.parametrize(
    "model",
    [
        LeNet5((1, 8, 8), activation="tanh", pool="avg", generator=al.Generator(0)),
        LeNet5((2, 12, 13), generator=al.Generator(0)),
        SmallVGG((1, 8, 8), generator=al.Generator(0)),
        ResNet8((1, 8, 8), generator=al.Generator(0)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_gradients(model: nn.Module) -> None:
    shape = (2, 12, 13) if next(model.parameters()).shape[1] == 2 else (1, 8, 8)
    x, y = al.Tensor(RNG.normal(size=(3, *shape))), al.tensor([1, 5, 9])
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    result = check_gradients(model, x, y, 8)
    assert result, result
    assert not result.kinks
    assert {row.input for row in result.rows} == {f"{i} ({n})" for i, (n, _) in enumerate(model.named_parameters())}
    after = model.state_dict()
    assert all(np.array_equal(after[name].numpy(), value) for name, value in before.items()), "a check changes nothing"


def test_choices_of_lenet() -> None:
    model = LeNet5(activation="tanh", pool="avg")
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Conv2d", "Tanh", "AvgPool2d"] * 2 + ["Flatten"] + ["Linear", "Tanh"] * 2 + ["Linear"]
    assert [type(layer).__name__ for layer in LeNet5()][1:3] == ["ReLU", "MaxPool2d"]


def test_a_residual_block_adds_its_input() -> None:
    block = ResNet8((1, 8, 8)).block1.double().eval()
    x = al.Tensor(RNG.normal(size=(2, 16, 5, 5)))
    expected = np.maximum(0, block.body(x).detach().numpy() + x.numpy())
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=1e-12)
    assert [name for name, _ in block.shortcut.named_parameters()] == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeNet5(pool="mean"), "pool must be max or avg, got 'mean'"),
        (lambda: LeNet5(activation="relus"), "'relus'"),
        (lambda: LeNet5((1, 3, 8)), r"at least 4×4, got \(1, 3, 8\)"),
        (lambda: SmallVGG((1, 8, 3)), r"at least 4×4, got \(1, 8, 3\)"),
        (lambda: LeNet5()(al.zeros(2, 1, 32, 32)), r"576.*400|400.*576"),
        (lambda: ResNet8()(al.zeros(2, 1, 32, 32)), "1 channels.*for 3"),
    ],
)
def test_refusals(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# -- the multilayer perceptron ----------------------------------------------------------------------------------------


def test_forward_propagation_by_hand() -> None:
    """Cheat sheet 1.3, n = [2, 2, 1]: Z1 = (1·1 + 2·2 + 0.5, −1·1 − 1·2) = (5.5, −3), A1 = (5.5, 0), Z2 = 2·5.5 − 1."""
    model = nn.MLP([2, 2, 1])
    values = {
        "fc1.weight": [[1.0, 2.0], [-1.0, -1.0]],
        "fc1.bias": [0.5, 0.0],
        "fc2.weight": [[2.0, 7.0]],
        "fc2.bias": [-1.0],
    }
    model.load_state_dict({name: al.tensor(value) for name, value in values.items()})
    assert model(al.tensor([1.0, 2.0])).tolist() == [10.0]
    assert model(al.tensor([[1.0, 2.0]] * 3)).tolist() == [[10.0]] * 3


def test_parameter_dimensions() -> None:
    """Cheat sheet 1.3: W[l] is n[l] × n[l−1], b[l] has n[l] elements."""
    n = [5, 4, 3, 2]
    model = nn.MLP(n)
    for i in (1, 2, 3):
        layer = getattr(model, f"fc{i}")
        assert layer.weight.shape == (n[i], n[i - 1])
        assert layer.bias.shape == (n[i],)


def test_an_activation_for_each_layer() -> None:
    model = nn.MLP([2, 3, 3, 2], activation=["tanh", None, nn.Softmax])
    assert [name for name, _ in model.named_children()] == ["fc1", "act1", "fc2", "fc3", "act3"]
    assert type(model.act1) is nn.Tanh
    assert model(al.ones(4, 2)).sum().item() == pytest.approx(4)


def test_batch_norm_and_dropout_of_the_hidden_layers() -> None:
    model = nn.MLP([2, 3, 4, 2], dropout=0.25, batch_norm=True, output="softmax")
    assert [name for name, _ in model.named_children()] == [
        "fc1", "bn1", "act1", "drop1", "fc2", "bn2", "act2", "drop2", "fc3", "act3",
    ]  # fmt: skip
    assert (model.bn2.num_features, model.drop1.p) == (4, 0.25)
    assert [model.fc1.bias, model.fc2.bias] == [None, None], "b would be subtracted with the mean"
    assert model.fc3.bias is not None
    assert nn.MLP([2, 3, 2], dropout=0.25).fc1.bias is not None


def test_the_generator_decides_the_dropout() -> None:
    x = al.ones(1, 8)
    one, two, other = (nn.MLP([8, 50, 8], dropout=0.5, generator=al.Generator(seed))(x).tolist() for seed in (3, 3, 4))
    assert one == two != other


@pytest.mark.parametrize(("init", "variance"), [("he", 2 / 400), ("xavier", 1 / 400)])
def test_start_values_of_the_sheet(init: str, variance: float) -> None:
    """Cheat sheet 3.3."""
    model = nn.MLP([400, 400, 10], init=init, generator=al.Generator(0))
    assert abs(model.fc1.weight.numpy().var() / variance - 1) < 0.02
    assert abs(model.fc2.weight.numpy().var() / variance - 1) < 0.1
    assert not model.fc1.bias.numpy().any()
    assert not nn.MLP([4, 3, 2], init=init, batch_norm=True).fc2.bias.numpy().any()


def test_the_mlps_gradients_with_all_options() -> None:
    model = nn.MLP([4, 5, 3], "tanh", dropout=0.5, batch_norm=True, init="xavier", generator=al.Generator(0))
    result = check_gradients(model, al.Tensor(RNG.normal(size=(6, 4))), al.tensor([0, 1, 2, 0, 1, 2]))
    assert result, result
    assert nn.MLP([4, 3], dtype="float64").fc1.weight.dtype == np.float64
    assert nn.MLP([4, 3, 2], dtype="float64", batch_norm=True)(al.ones(2, 4).double()).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MLP([2, 3, 1], init="lecun"), ValueError, "'he' or 'xavier', got 'lecun'"),
        (lambda: nn.MLP([2, 3, 1], dropout=1.5), ValueError, r"\[0, 1\], got 1\.5"),
        (lambda: nn.MLP([2, 3, 1], ["relu"]), ValueError, r"2 layers, got 1 activations: \['relu'\]"),
        (lambda: nn.MLP([2, 3, 1], ["relu", "relu"], output="tanh"), TypeError, "output='tanh'"),
        (lambda: nn.MLP([2, 3, 1], ["relu", "rely"]), ValueError, "'rely'"),
    ],
)
def test_the_mlp_refuses(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
