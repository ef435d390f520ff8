"""The neuron: its two steps in numbers worked out by hand, its shapes, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn


def neuron(activation: Any, w: list[float], b: float) -> nn.Neuron:
    made = nn.Neuron(len(w), activation)
    made.w.data, made.b.data = al.tensor(w), al.tensor(b)
    return made


@pytest.mark.parametrize(
    ("activation", "a"),
    [
        # cheat sheet 1.1: z = 1·3 + 2·(−1) + 0.5 = 1.5, and −1·… = −2.5
        ("relu", [1.5, 0.0]), (nn.LeakyReLU, [1.5, -0.25]), (nn.Identity(), [1.5, -2.5]),
        ("sigmoid", [0.817574, 0.075858]), (al.tanh, [0.905148, -0.986614]), (lambda z: z * z, [2.25, 6.25]),
    ],
)  # fmt: skip
def test_two_steps_by_hand(activation: Any, a: list[float]) -> None:
    unit = neuron(activation, [3.0, -1.0], 0.5)
    x = al.tensor([[1.0, 2.0], [-1.0, 0.0]])
    steps = unit.steps(x)
    assert steps.z.tolist() == unit.linear(x).tolist() == [1.5, -2.5]
    np.testing.assert_allclose(steps.a.detach().numpy(), a, rtol=1e-5)
    assert unit(x).tolist() == steps.a.tolist() == unit.g(steps.z).tolist()
    assert "Steps(z=" in repr(steps)
    assert unit(x).dtype == np.float32


def test_one_example_and_many() -> None:
    unit = nn.Neuron(4, generator=al.Generator(0))
    assert (unit.w.shape, unit.b.shape) == ((4,), ())
    assert [unit(al.zeros(shape)).shape for shape in ((4,), (5, 4), (2, 5, 4))] == [(), (5,), (2, 5)]
    assert [name for name, _ in unit.named_parameters()] == ["w", "b"]


def test_starts_as_linear_and_by_its_generator() -> None:
    one, two, other = (nn.Neuron(400, generator=al.Generator(seed)) for seed in (0, 0, 1))
    assert one.w.tolist() == two.w.tolist() != other.w.tolist()
    assert np.abs(one.w.numpy()).max() <= 0.05
    assert abs(one.w.numpy().std() - 0.05 / 3**0.5) < 0.003
    assert nn.Neuron(2, dtype="float64").b.dtype == np.float64


@pytest.mark.parametrize("shape", [(3,), (2, 3), ()])
def test_an_input_of_another_length_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"2 inputs takes \(…, 2\), got \({', '.join(map(str, shape))}"):
        nn.Neuron(2)(al.ones(shape))
