"""Start values: moments of large tensors from fixed seeds, exact constructions, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn import init


def drawn(function: Any, *args: Any, shape: tuple[int, ...] = (300, 200), seed: int = 0, **options: Any) -> np.ndarray:
    """What a function writes; in float32, as parameters are."""
    w = nn.Parameter(np.full(shape, 7.0, np.float32))
    assert function(w, *args, generator=al.Generator(seed), **options) is w
    assert w.dtype == np.float32
    assert w.requires_grad
    assert w.is_leaf
    return w.numpy()


FILTERS = (64, 32, 5, 5)  # fan_in 800, fan_out 1600


@pytest.mark.parametrize(
    ("function", "options", "variance"),
    [
        # cheat sheet 3.3: 1/n and 2/n of n = fan_in
        (init.xavier_normal_, {}, 1 / 800),
        (init.xavier_uniform_, {}, 1 / 800),
        (init.he_normal_, {}, 2 / 800),
        (init.he_uniform_, {}, 2 / 800),
        # PyTorch's
        (init.xavier_uniform_, {"glorot": True}, 2 / 2400),
        (init.xavier_normal_, {"glorot": True, "gain": 5 / 3}, 25 / 9 * 2 / 2400),
        (init.kaiming_normal_, {"mode": "fan_out"}, 2 / 1600),
        (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "relu"}, 2 / 1600),
        (init.kaiming_uniform_, {"a": 1.0}, 1 / 800),
        (init.kaiming_normal_, {"nonlinearity": "linear"}, 1 / 800),
        (init.kaiming_normal_, {"nonlinearity": "tanh", "mode": "fan_in"}, 25 / 9 / 800),
    ],
)
def test_variance_by_the_fan(function: Any, options: dict[str, Any], variance: float) -> None:
    w = drawn(function, shape=FILTERS, **options)
    assert abs(w.mean()) < 4 * (variance / w.size) ** 0.5
    assert abs(w.var() / variance - 1) < 0.03
    if "uniform" in function.__name__:
        assert np.abs(w).max() <= np.float32(math.sqrt(3 * variance))


def test_kaiming_takes_pytorchs_positions() -> None:
    np.testing.assert_array_equal(
        drawn(init.kaiming_normal_, 0.0, "fan_out", "relu"), drawn(init.kaiming_normal_, mode="fan_out")
    )


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        ("linear", None, 1.0), ("conv2d", None, 1.0), ("sigmoid", None, 1.0), ("tanh", None, 5 / 3),
        ("relu", None, 2**0.5), ("selu", None, 0.75), ("leaky_relu", None, math.sqrt(2 / 1.0001)),
        ("leaky_relu", 0.1, math.sqrt(2 / 1.01)), ("leaky_relu", 0, 2**0.5),
    ],
)  # fmt: skip
def test_gains(nonlinearity: str, param: float | None, gain: float) -> None:
    assert init.calculate_gain(nonlinearity, param) == pytest.approx(gain, rel=1e-15)


# -- truncated normal -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "mean", "variance"),
    [
        # of the standard normal in [−2, 2]: 0 and 1 − 2·2φ(2)/(2Φ(2) − 1) = 0.773741
        ((), 0.0, 0.773741),
        # scaled by 0.1 and moved by 3
        ((3.0, 0.1, 2.8, 3.2), 3.0, 0.00773741),
        # above 0: √(2/π), 1 − 2/π
        ((0.0, 1.0, 0.0, math.inf), 0.797885, 0.363380),
        ((0.0, 1.0, -math.inf, 0.0), -0.797885, 0.363380),
        # far above the mean nearly exponential: φ(9)/(1 − Φ(9)) = 9.108531, less than 1/9² = 0.0123 of variance
        ((0.0, 1.0, 9.0, math.inf), 9.108531, 0.011556),
        ((0.0, 1.0, -math.inf, -9.0), -9.108531, 0.011556),
        # a narrow window is nearly uniform: width²/12
        ((0.0, 1.0, 0.3, 0.301), 0.3005, 1e-6 / 12),
    ],
)
def test_truncated_normal(args: tuple[float, ...], mean: float, variance: float) -> None:
    w = drawn(init.trunc_normal_, *args).astype(np.float64)
    assert abs(w.mean() - mean) < 4 * (variance / w.size) ** 0.5 + 1e-6
    assert abs(w.var() / variance - 1) < 0.03
    low, high = args[2:] if args else (-2.0, 2.0)
    assert np.float32(low) <= w.min() <= w.max() <= np.float32(high)


def test_truncated_normal_has_the_shape_of_the_normal() -> None:
    """The share below t is (Φ(t) − Φ(a)) / (Φ(b) − Φ(a))."""
    w = drawn(init.trunc_normal_, 0.5, 2.0, -1.0, 4.0)

    def phi(t: float) -> float:
        return math.erf((t - 0.5) / 2 / 2**0.5) / 2

    for t in (-0.5, 0.0, 0.5, 1.5, 3.0):
        expected = (phi(t) - phi(-1)) / (phi(4) - phi(-1))
        assert abs((w < t).mean() - expected) < 4 * (expected * (1 - expected) / w.size) ** 0.5


# -- exact constructions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 20), (30, 20), (20, 30), (8, 3, 5, 5), (100, 3, 5, 5), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    w = drawn(init.orthogonal_, gain, shape=shape).reshape(shape[0], -1).astype(np.float64)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(w.shape)), atol=1e-5)


def test_orthogonal_matrices_are_equally_likely() -> None:
    """Without the sign of R's diagonal, the first element of Q would always have the same sign."""
    first = [drawn(init.orthogonal_, shape=(3, 3), seed=seed)[0, 0] for seed in range(400)]
    assert abs(np.mean(first)) < 4 * (1 / 3 / 400) ** 0.5  # variance 1/n
    assert abs(np.mean(np.square(first)) - 1 / 3) < 0.06


def test_eye_passes_on() -> None:
    layer = nn.Linear(3, 4, bias=False)
    assert init.eye_(layer.weight) is layer.weight
    assert layer(al.tensor([1.0, 2.0, 3.0])).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize(("channels", "filters", "groups"), [(3, 3, 1), (2, 4, 1), (4, 2, 1), (4, 4, 2), (2, 6, 2)])
def test_dirac_passes_on(channels: int, filters: int, groups: int) -> None:
    layer = nn.Conv2d(channels, filters, 3, padding=1, groups=groups, bias=False)
    assert init.dirac_(layer.weight, groups) is layer.weight
    x = np.random.default_rng(0).normal(size=(2, channels, 5, 4)).astype(np.float32)
    expected = np.zeros((2, filters, 5, 4), np.float32)
    each, into = channels // groups, filters // groups
    for g in range(groups):
        n = min(each, into)
        expected[:, g * into : g * into + n] = x[:, g * each : g * each + n]
    np.testing.assert_allclose(layer(al.Tensor(x)).detach().numpy(), expected, atol=1e-6)
    one = nn.Parameter(np.ones((2, 2, 5), np.float32))
    assert init.dirac_(one).sum().item() == 2.0
    assert one[1, 1].tolist() == [0, 0, 1, 0, 0]


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.1, 30), (0.5, 150), (0.001, 1), (0.0, 0), (1.0, 300)])
def test_sparse(sparsity: float, zeros: int) -> None:
    w = drawn(init.sparse_, sparsity, 0.5)
    assert ((w == 0).sum(0) == zeros).all()
    if 0 < zeros < 300:
        assert len({tuple(column) for column in (w == 0).T}) > 100, "each column has its own places"
    if zeros < 300:
        assert abs(w[w != 0].std() / 0.5 - 1) < 0.03


# -- of all -----------------------------------------------------------------------------------------------------------

RANDOM = ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
          "kaiming_normal_", "he_uniform_", "he_normal_", "orthogonal_", "sparse_"]  # fmt: skip
CONSTANT = ["zeros_", "ones_", "constant_", "eye_", "dirac_"]


def test_all_are_tested() -> None:
    assert set(init.__all__) == {*RANDOM, *CONSTANT, "empty", "calculate_gain"}


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_decides(name: str) -> None:
    args = (0.2,) if name == "sparse_" else ()
    one, two, other = (drawn(getattr(init, name), *args, shape=(20, 10), seed=seed) for seed in (0, 0, 1))
    assert (one == two).all()
    assert (one != other).any()
    al.manual_seed(0)
    w = getattr(init, name)(nn.Parameter(np.zeros((20, 10), np.float32)), *args)
    np.testing.assert_array_equal(w.numpy(), one)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: init.uniform_(w, 1, 0), "1 and 0"),
        (lambda w: init.normal_(w, 0, -1), "-1"),
        (lambda w: init.trunc_normal_(w, a=2, b=2), "got 2 and 2"),
        (lambda w: init.trunc_normal_(w, std=0), "got 0"),
        (lambda w: init.trunc_normal_(w, a=50, b=60), r"\[50, 60\] is too far from the mean 0\.0"),
        (lambda w: init.kaiming_normal_(w, mode="fan_avg"), "'fan_avg'"),
        (lambda w: init.kaiming_normal_(w, nonlinearity="swish"), "'swish'.*leaky_relu"),
        (lambda w: init.calculate_gain("swish"), "'swish'"),
        (lambda w: init.xavier_normal_(w[0]), r"\(2,\)"),
        (lambda w: init.orthogonal_(w[0]), r"\(2,\)"),
        (lambda w: init.eye_(w[0]), r"\(2,\)"),
        (lambda w: init.sparse_(w[0], 0.5), r"\(2,\)"),
        (lambda w: init.sparse_(w, 1.5), r"got 1\.5"),
        (lambda w: init.sparse_(w, 0.5, -1), "-1"),
        (init.dirac_, r"\(2, 2\)"),
        (lambda w: init.dirac_(al.zeros(3, 2, 1), 2), "3 filters.* 2 groups"),
        (lambda w: init.dirac_(al.zeros(3, 2, 1), 0), "0 groups"),
    ],
)
def test_refusals_change_nothing(call: Any, message: str) -> None:
    w = al.full((2, 2), 7.0)
    with pytest.raises(ValueError, match=message):
        call(w)
    assert w.tolist() == [[7.0, 7.0], [7.0, 7.0]]
