"""Layers, activations, start values, losses, whole networks, and the layer table."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
import nn.functional as F
from autograd_lite.explain.gradcheck import gradcheck
from nn import init

RNG = np.random.default_rng(0)


def _check_gradients(module: nn.Module, *inputs: Any) -> None:
    """The gradients by the parameters and the inputs are right."""
    module.double()
    tensors = [al.Tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    assert gradcheck(lambda *_: module(*tensors), [*tensors, *module.parameters()])


# -- linear -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [(), (5,), (2, 5)])
def test_linear(bias: bool, lead: tuple[int, ...]) -> None:
    layer, x = nn.Linear(3, 4, bias=bias), RNG.normal(size=(*lead, 3)).astype(np.float32)
    expected = x @ layer.weight.numpy().T + (layer.bias.numpy() if bias else 0)
    result = layer(al.Tensor(x))
    assert result.shape == (*lead, 4)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-6)
    _check_gradients(layer, x.astype(np.float64))


def test_linear_refuses() -> None:
    with pytest.raises(ValueError, match="in 0, out 3"):
        nn.Linear(0, 3)
    with pytest.raises(ValueError, match=r"\(2, 5\).*\(4, 3\)"):
        nn.Linear(3, 4)(al.ones((2, 5)))
    with pytest.raises(TypeError, match="int64"):
        nn.Linear(3, 4, dtype=np.int64)


def test_linear_starts_as_in_pytorch() -> None:
    layer = nn.Linear(100, 400, generator=al.Generator(0))
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert np.abs(values).max() <= 0.1
        assert abs(values.std() - 0.1 / 3**0.5) < 0.004
    again, other = nn.Linear(100, 400, generator=al.Generator(0)), nn.Linear(100, 400, generator=al.Generator(1))
    assert (layer.weight.numpy() == again.weight.numpy()).all()
    assert (layer.bias.numpy() == again.bias.numpy()).all()
    assert (layer.weight.numpy() != other.weight.numpy()).any()
    al.manual_seed(3)
    first = nn.Linear(5, 5).weight
    al.manual_seed(3)
    assert (nn.Linear(5, 5).weight.numpy() == first.numpy()).all()


def test_neuron_is_the_sheets() -> None:
    neuron, x = nn.Neuron(3), RNG.normal(size=(5, 3))
    z = x @ neuron.w.numpy() + neuron.b.numpy()
    np.testing.assert_allclose(neuron(al.Tensor(x)).numpy(), 1 / (1 + np.exp(-z)), rtol=1e-5)
    assert neuron(al.Tensor(x[0])).shape == ()
    _check_gradients(neuron, x)
    with pytest.raises(ValueError, match=r"'relus'.*relu"):
        nn.Neuron(3, activation="relus")
    with pytest.raises(ValueError, match="got 0"):
        nn.Neuron(0)


def test_logistic_regression_by_hand() -> None:
    """Cheat sheet 6.2: dz = a − y, dw = x dz, db = dz."""
    neuron, x, y = nn.Neuron(2).double(), al.tensor([0.5, -1.5], dtype=np.float64), 1.0
    a = neuron(x)
    (-(y * a.log() + (1 - y) * (1 - a).log())).backward()
    dz = a.item() - y
    np.testing.assert_allclose(neuron.w.grad.numpy(), x.numpy() * dz, rtol=1e-12)
    np.testing.assert_allclose(neuron.b.grad.item(), dz, rtol=1e-12)


# -- activations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), lambda z: np.maximum(0, z)),
        (nn.LeakyReLU(), lambda z: np.maximum(0.1 * z, z)),
        (nn.ReLU(inplace=True), lambda z: np.maximum(0, z)),
        (nn.LeakyReLU(0.01, inplace=True), lambda z: np.maximum(0.01 * z, z)),
        (nn.Sigmoid(), lambda z: 1 / (1 + np.exp(-z))),
        (nn.Tanh(), np.tanh),
        (nn.Softmax(), lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)),
        (nn.Softmax(dim=0), lambda z: np.exp(z) / np.exp(z).sum(0)),
        (nn.Identity(3, anything=4), lambda z: z),
    ],
)
def test_activations(module: nn.Module, expected: Any) -> None:
    z = RNG.normal(size=(4, 3))
    np.testing.assert_allclose(module(al.Tensor(z)).numpy(), expected(z), rtol=1e-12)
    _check_gradients(module, z)


@pytest.mark.parametrize("slope", [-0.1, 1.0, float("nan")])
def test_leaky_relu_refuses(slope: float) -> None:
    with pytest.raises(ValueError, match=str(slope)):
        nn.LeakyReLU(slope)


def test_inplace_does_not_overwrite_what_it_is_given() -> None:
    z = al.tensor([-1.0, 2.0])
    for module in (nn.ReLU(True), nn.LeakyReLU(0.1, True)):
        module(z)
        assert z.tolist() == [-1, 2]


# -- containers -------------------------------------------------------------------------------------------------------


def test_sequential() -> None:
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    model = nn.Sequential(a, b, c)
    x = al.randn(4, 2)
    assert np.array_equal(model(x).numpy(), c(b(a(x))).numpy())
    assert len(model) == 3
    assert list(model) == [a, b, c]
    assert model[-1] is c
    assert [type(m) for m in model[:2]] == [nn.Linear, nn.ReLU]
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh)
    assert list(model)[1] is model[1]
    assert len(model.append(nn.Sigmoid())) == 4
    assert isinstance(model[3], nn.Sigmoid)
    named = nn.Sequential(OrderedDict(first=a, then=b))
    assert named.first is a
    assert [name for name, _ in named.named_children()] == ["first", "then"]
    assert np.array_equal(nn.Sequential()(x).numpy(), x.numpy())


def test_sequential_refuses() -> None:
    with pytest.raises(TypeError, match="1 is a type, not a Module; give its instance"):
        nn.Sequential(nn.Linear(1, 1), nn.ReLU)
    with pytest.raises(TypeError, match="builtin_function_or_method"):
        nn.Sequential(abs)
    with pytest.raises(IndexError):
        nn.Sequential()[0]


def test_flatten() -> None:
    assert nn.Flatten()(al.zeros((2, 3, 4))).shape == (2, 12)
    assert nn.Flatten(0)(al.zeros((2, 3, 4))).shape == (24,)
    assert nn.Flatten(start_dim=0, end_dim=1)(al.zeros((2, 3, 4))).shape == (6, 4)
    _check_gradients(nn.Flatten(), RNG.normal(size=(2, 3, 2)))


@pytest.mark.parametrize("activation", ["tanh", nn.Tanh, F.tanh, nn.Tanh()])
def test_mlp(activation: Any) -> None:
    model = nn.MLP([4, 5, 3, 2], activation=activation, generator=al.Generator(0))
    x = RNG.normal(size=(6, 4))
    a = x
    for i in (1, 2, 3):
        layer = getattr(model, f"fc{i}")
        z = a @ layer.weight.numpy().T + layer.bias.numpy()
        a = np.tanh(z) if i < 3 else z
    np.testing.assert_allclose(model(al.Tensor(x)).numpy(), a, rtol=1e-5, atol=1e-6)
    _check_gradients(model, x)


def test_mlp_options() -> None:
    model = nn.MLP([2, 3, 1], output="sigmoid")
    assert [type(m).__name__ for m in model] == ["Linear", "ReLU", "Linear", "Sigmoid"]
    for sizes in ([3], []):
        with pytest.raises(ValueError, match=f"got \\{sizes}"):
            nn.MLP(sizes)
    with pytest.raises(ValueError, match="out 0"):
        nn.MLP([3, 0])
    with pytest.raises(ValueError, match="'rely'"):
        nn.MLP([3, 2, 1], activation="rely")
    with pytest.raises(TypeError, match="int 3"):
        nn.MLP([3, 2, 1], activation=3)


# -- start values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "variance"),
    [
        (init.xavier_uniform_, 1 / 200),
        (init.xavier_normal_, 1 / 200),
        (lambda w, generator: init.xavier_normal_(w, 2.0, generator), 4 / 200),
        (lambda w, generator: init.xavier_uniform_(w, glorot=True, generator=generator), 2 / (200 + 300)),
        (lambda w, generator: init.xavier_normal_(w, glorot=True, generator=generator), 2 / (200 + 300)),
        (init.he_uniform_, 2 / 200),
        (init.he_normal_, 2 / 200),
        (lambda w, generator: init.kaiming_uniform_(w, 5**0.5, generator=generator), 1 / 600),
        (lambda w, generator: init.kaiming_normal_(w, 1.0, generator=generator), 1 / 200),
        (lambda w, generator: init.normal_(w, 0.0, 0.3, generator), 0.09),
        (lambda w, generator: init.uniform_(w, -1, 1, generator), 1 / 3),
    ],
)
def test_variances(function: Any, variance: float) -> None:
    w = nn.Parameter(np.zeros((300, 200), np.float32))
    assert function(w, generator=al.Generator(0)) is w
    assert w.requires_grad
    assert w.dtype == np.float32
    assert abs(w.numpy().mean()) < 4 * (variance / w.numel()) ** 0.5
    assert abs(w.numpy().var() / variance - 1) < 0.03


def test_constants_and_bad_shapes() -> None:
    w = nn.Parameter([1.0, 2.0])
    assert init.zeros_(w).tolist() == [0, 0]
    assert init.ones_(w).tolist() == [1, 1]
    assert init.constant_(w, 3).tolist() == [3, 3]
    with pytest.raises(ValueError, match=r"\(2,\)"):
        init.he_normal_(w)


# -- losses -----------------------------------------------------------------------------------------------------------


def test_cross_entropy_loss() -> None:
    x, y = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    each = -(x - np.log(np.exp(x).sum(1, keepdims=True)))[np.arange(4), y]
    for reduction, expected in (("mean", each.mean()), ("sum", each.sum()), ("none", each)):
        result = nn.CrossEntropyLoss(reduction=reduction)(al.Tensor(x), al.Tensor(y))
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)
    weight = np.array([1.0, 2.0, 5.0])
    result = nn.CrossEntropyLoss(weight=weight)(al.Tensor(x), al.Tensor(y))
    np.testing.assert_allclose(result.numpy(), (each * weight[y]).sum() / weight[y].sum(), rtol=1e-12)
    _check_gradients(nn.CrossEntropyLoss(label_smoothing=0.1), x, y)


@pytest.mark.parametrize(("loss", "f"), [(nn.MSELoss, np.square), (nn.L1Loss, np.abs)])
def test_regression_losses(loss: Any, f: Any) -> None:
    x, y = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    np.testing.assert_allclose(loss()(al.Tensor(x), al.Tensor(y)).numpy(), f(x - y).mean(), rtol=1e-12)
    np.testing.assert_allclose(loss("sum")(al.Tensor(x), al.Tensor(y)).numpy(), f(x - y).sum(), rtol=1e-12)
    _check_gradients(loss(), x, y)
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\)"):
        loss()(al.zeros((4, 1)), al.zeros((4,)))
    with pytest.raises(ValueError, match="'average'"):
        loss("average")


def test_label_smoothing_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        nn.CrossEntropyLoss(label_smoothing=1.5)


def test_functional_has_pytorchs_names() -> None:
    for name in F.__all__:
        assert callable(getattr(F, name)), name
        assert getattr(F, name).__doc__, name
