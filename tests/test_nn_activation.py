"""Activations as modules: the cheat sheet's in numbers worked out by hand, names, options, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.layers.activation import ACTIVATIONS, make_activation


@pytest.mark.parametrize(
    ("module", "z", "a", "slope"),
    [
        # cheat sheet 1.2.  σ(0) = ½, σ(ln 3) = 1/(1 + ⅓) = ¾; σ' = σ(1 − σ)
        (nn.Sigmoid(), [0.0, 1.0986123], [0.5, 0.75], [0.25, 0.1875]),
        (nn.ReLU(), [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
        (nn.LeakyReLU(), [-2.0, 3.0], [-0.2, 3.0], [0.1, 1.0]),
        # tanh(ln 2) = (2 − ½)/(2 + ½) = 0.6; tanh' = 1 − 0.36
        (nn.Tanh(), [0.0, 0.6931472], [0.0, 0.6], [1.0, 0.64]),
        (nn.Hardtanh(), [-2.0, 0.5, 2.0], [-1.0, 0.5, 1.0], [0.0, 1.0, 0.0]),
        (nn.ReLU6(), [-2.0, 5.0, 7.0], [0.0, 5.0, 6.0], [0.0, 1.0, 0.0]),
        # e^(−ln 2) − 1 = −½
        (nn.ELU(), [-0.6931472, 2.0], [-0.5, 2.0], [0.5, 1.0]),
        (nn.ELU(0.5), [-0.6931472, 2.0], [-0.25, 2.0], [0.25, 1.0]),
        (nn.SELU(), [-0.6931472, 1.0], [-0.8790495, 1.0507010], [0.8790495, 1.0507010]),
        (nn.SiLU(), [0.0, 1.0986123], [0.0, 0.8239592], [0.5, 0.9559898]),
        # 1·Φ(1) = 0.8413447, and its slope Φ(1) + φ(1) = 0.8413447 + 0.2419707
        (nn.GELU(), [0.0, 1.0], [0.0, 0.8413447], [0.5, 1.0833155]),
        # ln 2, and ln(1 + 3) = 2 ln 2
        (nn.Softplus(), [0.0, 1.0986123], [0.6931472, 1.3862944], [0.5, 0.75]),
        (nn.Softsign(), [-3.0, 1.0], [-0.75, 0.5], [0.0625, 0.25]),
        (nn.LogSigmoid(), [0.0, -200.0], [-0.6931472, -200.0], [0.5, 1.0]),
        (nn.PReLU(), [-2.0, 3.0], [-0.5, 3.0], [0.25, 1.0]),
        # tanh ln(1 + e^0) = tanh ln 2 = 0.6; tanh ln(1 + 3) = (16 − 1)/(16 + 1), and its slope σ(ln 3)(1 − (15/17)²)
        (nn.Mish(), [0.0, 1.0986123], [0.0, 0.9693638], [0.6, 1.0648109]),
        # x(x + 3)/6 and x/3 + ½ between; at −3 flat, at 3 the identity
        (nn.Hardswish(), [-4.0, -3.0, 1.0, 3.0, 9.0], [0.0, 0.0, 2 / 3, 3.0, 9.0], [0.0, 0.0, 5 / 6, 1.0, 1.0]),
        (nn.Hardsigmoid(), [-3.0, -1.0, 1.5, 4.0], [0.0, 1 / 3, 0.75, 1.0], [0.0, 1 / 6, 1 / 6, 0.0]),
        # ½ (e^(−ln 2) − 1), where the slope is e^(−ln 2); at 0 it is 1
        (nn.CELU(0.5), [-0.3465736, 0.0, 2.0], [-0.25, 0.0, 2.0], [0.5, 1.0, 1.0]),
        (nn.CELU(), [-0.6931472, 2.0], [-0.5, 2.0], [0.5, 1.0]),
        (nn.Hardshrink(), [-0.75, -0.5, 0.25, 2.0], [-0.75, 0.0, 0.0, 2.0], [1.0, 0.0, 0.0, 1.0]),
        (nn.Softshrink(), [-0.75, -0.5, 0.25, 2.0], [-0.25, 0.0, 0.0, 1.5], [1.0, 0.0, 0.0, 1.0]),
        (nn.Tanhshrink(), [0.0, 0.6931472], [0.0, 0.0931472], [0.0, 0.36]),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_by_hand(module: nn.Module, z: list[float], a: list[float], slope: list[float]) -> None:
    given = al.tensor(z, requires_grad=True)
    result = module(given)
    result.sum().backward()
    np.testing.assert_allclose(result.detach().numpy(), a, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(given.grad.numpy(), slope, rtol=1e-5, atol=1e-7)
    assert result.dtype == np.float32


def test_softmax_by_hand() -> None:
    """e^z are 1, 2 and 5: their sum is 8."""
    z = al.tensor([[0.0, 0.6931472, 1.6094379]])
    np.testing.assert_allclose(nn.Softmax()(z).numpy(), [[0.125, 0.25, 0.625]], rtol=1e-6)
    np.testing.assert_allclose(nn.LogSoftmax(dim=1)(z).numpy(), np.log([[0.125, 0.25, 0.625]]), rtol=1e-6)
    assert nn.Softmax(dim=0)(z).tolist() == [[1.0, 1.0, 1.0]]
    assert nn.LogSoftmax(dim=0)(z).tolist() == [[0.0, 0.0, 0.0]]


def test_prelu_learns_its_slope() -> None:
    """dL/dw is the sum of the negative z: one for all, or one for each channel."""
    z = al.tensor([[-1.0, 2.0], [-3.0, -4.0]])
    for module, expected in ((nn.PReLU(), [-8.0]), (nn.PReLU(2, init=0.5), [-4.0, -4.0])):
        module(z).sum().backward()
        assert module.weight.grad.tolist() == expected
    assert nn.PReLU(2, init=0.5).weight.tolist() == [0.5, 0.5]
    assert nn.PReLU(dtype="float64").weight.dtype == np.float64
    with pytest.raises(ValueError, match=r"\(3,\) for \(2, 2\)"):
        nn.PReLU(3)(z)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_a_name(name: str) -> None:
    """Also in a network, where layers do not share a slope that is learnt."""
    z = al.Tensor(np.random.default_rng(0).normal(size=(4, 2)))
    np.testing.assert_array_equal(make_activation(name)(z).detach().numpy(), ACTIVATIONS[name]()(z).detach().numpy())
    model = nn.MLP([2, 3, 3, 1], activation=name)
    assert model.act1 is not model.act2
    assert type(model.act1) is ACTIVATIONS[name]


def test_all_that_keep_the_shape_have_a_name() -> None:
    public = {name for name in nn.layers.activation.__all__ if name[0].isupper()} - {"ACTIVATIONS", "GLU"}
    assert public == {kind.__name__ for kind in ACTIVATIONS.values()}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.PReLU(0), "got 0"),
        (lambda: nn.Hardtanh(1.0, 1.0), r"got 1\.0 and 1\.0"),
        (lambda: nn.GELU("erf"), "'erf'"),
        (lambda: nn.Softplus(beta=0), "beta must be above 0, got 0"),
        (lambda: nn.CELU(0.0), r"alpha must be above 0, got 0\.0"),
        (lambda: nn.CELU(float("nan")), "alpha must be above 0, got nan"),
        (lambda: nn.Softshrink(-0.5), r"lambd must be at least 0, got -0\.5"),
        (lambda: nn.GLU()(al.ones(2, 3)), r"\(2, 3\)"),
        (lambda: make_activation("swish"), r"'swish'.*silu"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
