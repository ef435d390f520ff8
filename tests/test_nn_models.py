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
