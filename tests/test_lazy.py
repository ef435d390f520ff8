"""Layers that learn the size of their input: before the first run, at it, and afterwards."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(2, bias=False))


def test_the_first_run_makes_a_plain_layer() -> None:
    layer = nn.LazyLinear(5, generator=al.Generator(0))
    same = layer
    x = al.randn(4, 3)
    y = layer(x)
    assert type(layer) is nn.Linear
    assert layer is same
    expected = nn.Linear(3, 5, generator=al.Generator(0))
    np.testing.assert_array_equal(y.numpy(), expected(x).numpy())
    assert set(vars(layer)) == {*vars(expected), "training"}  # nothing of the lazy one is left
    y.sum().backward()
    assert layer.weight.grad.shape == (5, 3)
    with pytest.raises(ValueError, match=r"\(4, 7\)"):
        layer(al.randn(4, 7))


def test_a_network_as_pytorch_programs_write_it() -> None:
    model = net()
    assert "(0): LazyLinear(in_features=?, out_features=5)" in repr(model)
    assert "(2): LazyLinear(in_features=?, out_features=2, bias=False)" in repr(model)
    model(al.zeros((1, 3)))
    model.apply(lambda m: nn.init.ones_(m.weight) if type(m) is nn.Linear else None)
    assert [p.shape for p in model.parameters()] == [(5, 3), (5,), (2, 5)]
    assert all((p.numpy() == 1).all() for p in model.parameters() if p.ndim == 2)
    nn.optim.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize(
    "use",
    [
        lambda m: nn.optim.SGD(m.parameters(), lr=0.1),
        lambda m: list(m.named_parameters()),
        lambda m: list(m.buffers()),
        lambda m: m.state_dict(),
        lambda m: m.load_state_dict({}, strict=False),
        lambda m: m.requires_grad_(False),
    ],
)
def test_nothing_is_left_out_silently(use: Callable[[Any], Any]) -> None:
    for model in (net(), nn.Sequential(nn.Linear(3, 5), nn.LazyLinear(2))):
        with pytest.raises(RuntimeError, match=r"LazyLinear\(in_features=\?.*first run.*net\(x\)"):
            use(model)
        model(al.zeros((1, 3)))
        use(model)


def test_a_parameter_that_is_not_there_yet() -> None:
    layer = nn.LazyLinear(5)
    with pytest.raises(AttributeError, match=r"'weight' before its first run"):
        layer.weight
    assert not hasattr(layer, "weight")


def test_bad_input_changes_nothing() -> None:
    layer = nn.LazyLinear(5)
    for bad in (al.tensor(1.0), al.zeros((2, 0))):
        with pytest.raises(ValueError, match=r"LazyLinear.*axis -1.*\(\)|in 0, out 5"):
            layer(bad)
        assert type(layer) is nn.LazyLinear
    assert layer(al.zeros((2, 3))).shape == (2, 5)
    with pytest.raises(TypeError, match="featurs"):
        nn.LazyLinear(5, featurs=3)
    with pytest.raises(TypeError, match="out_features"):
        nn.LazyLinear()


def test_mode_hooks_and_dtype_stay() -> None:
    layer, seen = nn.LazyLinear(5).eval().double(), []
    layer.register_forward_hook(lambda module, args, result: seen.append(type(module)))
    layer(al.zeros((2, 3), dtype=np.float64))
    layer(al.zeros((2, 3), dtype=np.float64))
    assert seen == [nn.Linear, nn.Linear]
    assert not layer.training
    assert layer.weight.dtype == np.float64


def test_copies_are_independent() -> None:
    layer = nn.LazyLinear(5)
    twins = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    layer(al.zeros((2, 3)))
    for twin in twins:
        assert type(twin) is nn.LazyLinear
        twin(al.zeros((2, 4)))
        assert twin.weight.shape == (5, 4)
        assert copy.deepcopy(twin).weight.shape == (5, 4)


def test_under_no_grad_and_on_disk(tmp_path: Any) -> None:
    model = net()
    with al.no_grad():
        model(al.zeros((1, 3)))
    assert all(p.requires_grad for p in model.parameters())
    al.save(model.state_dict(), tmp_path / "net.safetensors")
    plain = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2, bias=False))
    plain.load_state_dict(al.load(tmp_path / "net.safetensors"))
    x = al.randn(4, 3)
    np.testing.assert_array_equal(model(x).numpy(), plain(x).numpy())


def test_the_layer_table_runs_a_network_for_the_first_time() -> None:
    layers = nn.summary(net(), (3,)).layers
    assert [(layer.kind, layer.parameters) for layer in layers] == [("Linear", 20), ("ReLU", 0), ("Linear", 10)]
