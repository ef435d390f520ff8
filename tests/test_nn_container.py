"""Containers: lists and dictionaries of modules and parameters, and Sequential as a list."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as al
import nn


def names(container: nn.Module) -> list[str]:
    return [name for name, _ in container.named_children()]


@pytest.mark.parametrize("kind", [nn.ModuleList, lambda layers: nn.Sequential(*layers)])
@given(st.lists(st.tuples(st.sampled_from(["append", "insert", "pop", "del", "set", "cut"]), st.integers(-4, 4))))
def test_rows_behave_like_lists(kind: Callable[[list], Any], steps: list[tuple[str, int]]) -> None:
    expected: list[nn.Module] = [nn.ReLU(), nn.Tanh()]
    row = kind(list(expected))
    for what, i in steps:
        new = nn.Identity()
        if what == "append":
            expected.append(new)
            assert row.append(new) is row
        elif what == "insert":
            expected.insert(i, new)
            assert row.insert(i, new) is row
        elif what == "cut":
            del expected[i:]
            del row[i:]
        elif -len(expected) <= i < len(expected):
            if what == "pop":
                assert row.pop(i) is expected.pop(i)
            elif what == "del":
                del expected[i], row[i]
            else:
                expected[i] = row[i] = new
        else:
            with pytest.raises(IndexError, match=f"{len(expected)} parts, none at {i}"):
                row[i]
            with pytest.raises(IndexError):
                del row[i]
    assert list(row) == expected == list(row.children())
    assert len(row) == len(expected)
    assert names(row) == [str(i) for i in range(len(expected))]
    assert list(row[1:]) == expected[1:]
    assert all(layer in row for layer in expected)
    assert nn.ReLU() not in row


def test_parameters_in_lists_are_found() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
            self.scales = nn.ParameterList([al.ones(2)])
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 4)})
            self.shifts = nn.ParameterDict({"x": al.zeros(2)})

        def forward(self, x: Any, head: str) -> Any:
            for layer in self.layers:
                x = layer(x) * self.scales[0] + self.shifts["x"]
            return self.heads[head](x)

    net = Net()
    found = [name for name, _ in net.named_parameters()]
    assert found == [
        *[f"layers.{i}.{n}" for i in range(3) for n in ("weight", "bias")], "scales.0",
        "heads.a.weight", "heads.a.bias", "heads.b.weight", "heads.b.bias", "shifts.x",
    ]  # fmt: skip
    assert net(al.ones((5, 2)), "b").shape == (5, 4)
    net(al.ones((5, 2)), "a").sum().backward()
    assert net.scales[0].grad is not None
    twin = copy.deepcopy(net)
    twin.load_state_dict(net.state_dict())
    assert np.array_equal(twin(al.ones((1, 2)), "a").numpy(), net(al.ones((1, 2)), "a").numpy())


def test_a_list_has_no_forward() -> None:
    for container in (nn.ModuleList(), nn.ModuleDict(), nn.ParameterList(), nn.ParameterDict()):
        with pytest.raises(NotImplementedError, match=f"{type(container).__name__} has no forward"):
            container(1)


def test_bad_parts_change_nothing() -> None:
    row, net = nn.ModuleList([nn.ReLU()]), nn.Sequential(nn.ReLU())
    for container in (row, net):
        for change in (
            lambda c=container: c.extend([nn.Tanh(), abs]), lambda c=container: c.append(nn.Tanh),
            lambda c=container: c.insert(0, 3), lambda c=container: c.__setitem__(0, al.ones(1)),
        ):  # fmt: skip
            with pytest.raises(TypeError, match=r"not a Module|with parentheses"):
                change()
        assert repr(container[0]) == "ReLU()"
        assert len(container) == 1
    names = nn.ModuleDict({"a": nn.ReLU()})
    for bad in ({"b": nn.Tanh(), "c": 3}, {"b": nn.Tanh(), "c.d": nn.Tanh()}, {"b": nn.Tanh(), "keys": nn.Tanh()}):
        with pytest.raises((TypeError, ValueError), match=r"c is a int, not a Module|c\.d|'keys' is a method"):
            names.update(bad)
        assert list(names) == ["a"]
    with pytest.raises(TypeError, match="1 is a float, not a Parameter"):
        nn.ParameterList([al.ones(1), 3.0])


def test_names_of_a_sequential() -> None:
    net = nn.Sequential({"first": nn.ReLU(), "last": nn.Tanh()})
    net.insert(1, nn.Sigmoid())
    assert names(net) == ["first", "1", "last"]
    net.append(nn.ReLU())
    assert names(net) == ["first", "1", "last", "3"]
    part = net[1:]
    assert names(part) == ["1", "last", "3"]
    assert part[0] is net[1]
    assert len(part.append(nn.Tanh())) == 4  # none is overwritten
    assert names(part) == ["0", "last", "2", "3"]
    net += [nn.ReLU()]
    assert len(net) == 5


def test_a_dictionary_of_modules() -> None:
    a, b = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleDict([("a", a), ("b", b)])
    assert list(modules) == list(modules.keys()) == ["a", "b"]
    assert list(modules.values()) == [a, b]
    assert dict(modules.items()) == {"a": a, "b": b}
    assert (modules["b"], modules.get("c"), "a" in modules, "training" in modules) == (b, None, True, False)
    with pytest.raises(KeyError, match=r"ModuleDict has no 'c'; it has a, b"):
        modules["c"]
    modules["c"] = nn.Identity()
    assert modules.pop("a") is a
    del modules["b"]
    assert list(modules) == ["c"]
    modules.clear()
    assert len(modules) == 0


def test_containers_of_parameters() -> None:
    weight = nn.Parameter([1.0])
    row = nn.ParameterList([weight, al.zeros((2, 3))])
    assert row[0] is weight
    assert all(isinstance(p, nn.Parameter) for p in row)
    row.append(al.ones(1))
    row[0] = al.tensor([5.0])
    assert [p.shape for p in row.parameters()] == [(1,), (2, 3), (1,)]
    assert repr(row[:2]) == "ParameterList(0: float32 (1,), 1: float32 (2, 3))"
    named = nn.ParameterDict({"w": weight})
    named["v"] = al.zeros(4)
    assert repr(named) == "ParameterDict(w: float32 (1,), v: float32 (4,))"
    assert named["w"] is weight
