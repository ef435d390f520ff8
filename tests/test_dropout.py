"""Dropout: chances, seeds, gradients, and that a gradient check switches it off."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
import nn.functional as F
from autograd_lite.explain import gradcheck, gradgradcheck
from autograd_lite.modes import checking, mode


@pytest.mark.parametrize("chance", [{}, {"p": 0.1}, {"p": 0.9}, {"keep_prob": 0.25}, {"keep_prob": 1e-3}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shares_and_scale(chance: dict[str, float], dtype: Any) -> None:
    al.manual_seed(0)
    keep = chance.get("keep_prob", 1 - chance.get("p", 0.5))
    y = F.dropout(al.ones(200, 500, dtype=dtype), **chance).numpy()
    assert y.dtype == dtype
    kept = y != 0
    assert abs(kept.mean() - keep) < 4 * (keep * (1 - keep) / y.size) ** 0.5
    np.testing.assert_allclose(y[kept], 1 / keep, rtol=1e-6)


def test_the_gradient_flows_where_the_value_did() -> None:
    x = al.randn(30, 40, requires_grad=True)
    y = F.dropout(x, 0.3)
    y.backward(np.full(x.shape, 2.0))
    kept = y.numpy() != 0
    np.testing.assert_allclose(x.grad.numpy(), np.where(kept, 2 / 0.7, 0), rtol=1e-6)
    np.testing.assert_allclose(y.numpy(), np.where(kept, x.numpy() / 0.7, 0), rtol=1e-6)


def test_second_order() -> None:
    x = al.Tensor([0.5, -1.0, 2.0, 3.0] * 5, requires_grad=True, dtype=np.float64)
    al.manual_seed(1)
    y = F.dropout(x * x * x, 0.5)
    (first,) = al.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = al.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(second.numpy(), np.where(y.numpy() != 0, 12 * x.numpy(), 0))
    assert 0 < (second.numpy() != 0).sum() < 20


@pytest.mark.parametrize("function", [F.dropout, F.dropout2d])
def test_certainties(function: Any) -> None:
    x = al.tensor([[[1.0, np.inf], [np.nan, -2.0]]], requires_grad=True)
    y = function(x, p=1.0)
    assert not y.numpy()[~np.isnan(x.numpy())].any()
    x = al.tensor([[[1.0, np.inf], [3.0, -2.0]]], requires_grad=True)
    y = function(x, keep_prob=0.0)
    assert not y.numpy().any()
    y.backward(np.full(x.shape, np.inf))
    assert not x.grad.numpy().any()
    for more in ({"p": 0.0}, {"keep_prob": 1}, {"p": 0.5, "training": False}):
        y = function(x, **more)
        np.testing.assert_array_equal(y.numpy(), x.numpy())
        assert not np.shares_memory(y.numpy(), x.numpy())
        assert not np.shares_memory(function(x.numpy(), **more), x.numpy())


def test_seeds() -> None:
    x = al.ones(20, 20)
    al.manual_seed(3)
    first, second = F.dropout(x).tolist(), F.dropout(x).tolist()
    al.manual_seed(3)
    assert F.dropout(x).tolist() == first
    assert F.dropout(x).tolist() == second
    assert first != second
    al.manual_seed(3)
    assert F.dropout(x.numpy()).tolist() == first
    own = F.dropout(x, generator=al.Generator(5)).tolist()
    assert nn.Dropout(generator=al.Generator(5))(x).tolist() == own
    with pytest.raises(TypeError, match="Generator"):
        F.dropout(x, generator=3)


def test_whole_channels() -> None:
    al.manual_seed(0)
    y = F.dropout2d(al.ones(50, 8, 3, 4), 0.25).numpy().reshape(400, 12)
    assert (y == y[:, :1]).all()
    assert abs((y[:, 0] == 0).mean() - 0.25) < 0.1
    with pytest.raises(ValueError, match=r"got \(2, 3\)"):
        F.dropout2d(al.ones(2, 3))


def test_refuses() -> None:
    for call in (F.dropout, lambda _, **chances: nn.Dropout(**chances), lambda _, **chances: nn.Dropout2d(**chances)):
        with pytest.raises(TypeError, match=r"p=0.5, keep_prob=0.5"):
            call(al.ones(2), p=0.5, keep_prob=0.5)
        with pytest.raises(ValueError, match=r"p must be in \[0, 1\], got 1.5"):
            call(al.ones(2), p=1.5)
        with pytest.raises(ValueError, match=r"keep_prob must be in \[0, 1\], got nan"):
            call(al.ones(2), keep_prob=float("nan"))
    with pytest.raises(ValueError, match=r"\(3,\) does not broadcast to \(2,\)|broadcast"):
        al.drop(al.ones(2), np.ones(3, bool))
    with pytest.raises(ValueError, match=r"\(2, 2\) does not broadcast to \(2,\)"):
        al.drop(al.ones(2), np.ones((2, 2), bool))


# -- gradient checks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_a_gradient_check_switches_it_off(check: Any) -> None:
    x = al.Tensor(np.linspace(-1, 2, 24).reshape(2, 3, 4), requires_grad=True)
    generator = al.Generator(0)
    before, seen = generator.get_state(), []

    def program(x: al.Tensor) -> al.Tensor:
        y = F.dropout2d(F.dropout(x * x, 0.9, generator=generator), generator=generator)
        seen.append(np.array_equal(y.numpy(), (x * x).numpy()))
        return y

    assert check(program, x)
    assert all(seen)
    assert generator.get_state() == before  # no number was drawn
    assert not np.array_equal(program(x).numpy(), (x * x).numpy())


def test_the_flag_ends_with_the_check() -> None:
    with checking():
        with checking():
            pass
        assert mode.checking
    assert not mode.checking
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x * (1 / 0), al.Tensor(1.0, requires_grad=True, dtype=np.float64))
    assert not mode.checking


# -- layers -----------------------------------------------------------------------------------------------------------


def test_layers() -> None:
    x = al.ones(40, 5, 3)
    for layer, text in (
        (nn.Dropout(), "Dropout(p=0.5)"), (nn.Dropout(keep_prob=0.8), "Dropout(keep_prob=0.8)"),
        (nn.Dropout2d(0.2), "Dropout2d(p=0.2)"),
    ):  # fmt: skip
        assert repr(layer) == text
        assert 0 < (layer(x).numpy() == 0).mean() < 1
        assert copy.deepcopy(layer).eval()(x).tolist() == x.tolist()
        assert not layer.state_dict()
    channels = nn.Dropout2d()(x).numpy()
    assert (channels == channels[:, :, :1]).all()
