"""Module: what it finds among its attributes, its state, its settings, how it shows itself."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.modes import trace
from nn import Linear, Module, Parameter


@pytest.fixture(autouse=True)
def seeded() -> None:
    al.manual_seed(0)


class Net(Module):
    """Two layers, one parameter of its own, one buffer, in a mixed order."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = Linear(3, 4)
        self.scale = Parameter([2.0])
        self.register_buffer("steps", al.tensor([0]))
        self.register_buffer("scratch", al.tensor([1.0]), persistent=False)
        self.fc2 = Linear(4, 2, bias=False)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.fc1(x).relu()) * self.scale


NAMES = ["scale", "fc1.weight", "fc1.bias", "fc2.weight"]


def test_parameter() -> None:
    p = Parameter([1.0, 2.0])
    assert isinstance(p, al.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert type(p * 2) is al.Tensor
    assert repr(p) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert not Parameter([1.0], requires_grad=False).requires_grad
    assert Parameter(al.tensor([1.0], requires_grad=True)).tolist() == [1]
    with pytest.raises(TypeError, match="int64"):
        Parameter([1, 2])
    with pytest.raises(TypeError, match="drop its gradient"):
        Parameter(p * 2)


def test_what_a_module_holds() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == ["steps", "scratch"]
    assert [name for name, _ in net.named_children()] == ["fc1", "fc2"]
    assert [name for name, _ in net.named_modules()] == ["", "fc1", "fc2"]
    assert [type(m).__name__ for m in net.modules()] == ["Net", "Linear", "Linear"]
    assert [p.shape for p in net.parameters()] == [(1,), (4, 3), (4,), (2, 4)]
    assert [p.shape for p in net.parameters(recurse=False)] == [(1,)]
    assert len(list(net.children())) == len(list(net.buffers())) == 2


def test_a_shared_parameter_comes_once_and_keeps_both_names_in_the_state() -> None:
    net = nn.Sequential(Linear(3, 3), Linear(3, 3))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    other = copy.deepcopy(net)
    assert other[1].weight is other[0].weight
    assert other[0].weight is not net[0].weight


def test_a_module_works_without_super_init() -> None:
    class Bare(Module):
        def __init__(self) -> None:
            self.w = Parameter([3.0])

        def forward(self, x: Any) -> Any:
            return x * self.w

    assert Bare()(al.tensor([2.0])).tolist() == [6]


def test_gradients_reach_every_parameter() -> None:
    net = Net()
    net(al.randn(5, 3)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# -- attributes -------------------------------------------------------------------------------------------------------


def test_a_typo_names_the_module_and_what_it_has() -> None:
    with pytest.raises(AttributeError, match="Net has no attribute 'fc3'; it has fc1, scale, steps, scratch, fc2"):
        Net().fc3
    assert not hasattr(Net(), "fc3")


def test_a_parameter_is_not_replaced_by_accident() -> None:
    net = Net()
    with pytest.raises(TypeError, match=r"Net\.scale is a Parameter and cannot become a Tensor"):
        net.scale = al.tensor([1.0])
    with pytest.raises(TypeError, match=r"Net\.steps is a buffer and cannot become a int"):
        net.steps = 3
    assert net.scale.tolist() == [2]
    assert net.steps.tolist() == [0]
    net.scale = Parameter([5.0])
    net.scale = None
    assert "scale" not in dict(net.named_parameters())
    net.steps = al.tensor([4])
    assert dict(net.named_buffers())["steps"].tolist() == [4]


@pytest.mark.parametrize("name", ["", "a.b", "forward", "train", "training", "_buffers"])
def test_names_that_cannot_be(name: str) -> None:
    net = Net()
    for add in (
        lambda: net.add_module(name, Linear(1, 1)),
        lambda: net.register_parameter(name, Parameter([1.0])),
        lambda: net.register_buffer(name, al.tensor([1.0])),
    ):
        with pytest.raises(ValueError, match=f"{name!r}"):
            add()
    assert [n for n, _ in net.named_parameters()] == NAMES


def test_registering_the_wrong_kind() -> None:
    net = Net()
    with pytest.raises(TypeError, match="list"):
        net.register_buffer("b", [1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="already"):
        net.register_buffer("fc1", al.tensor([1.0]))
    with pytest.raises(TypeError, match="Tensor"):
        net.register_parameter("p", al.tensor([1.0]))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int"):
        net.add_module("m", 3)  # type: ignore[arg-type]
    net.register_module("fc3", Linear(1, 1))
    assert list(dict(net.named_children())) == ["fc1", "fc2", "fc3"]


def test_forward_must_be_defined() -> None:
    class Nothing(Module):
        pass

    with pytest.raises(NotImplementedError, match="Nothing has no forward"):
        Nothing()(1)


# -- state ------------------------------------------------------------------------------------------------------------


def test_state_dict_round_trip() -> None:
    net, other = Net(), Net()
    state = net.state_dict()
    assert list(state) == ["scale", "steps", "fc1.weight", "fc1.bias", "fc2.weight"]
    assert all(type(t) is al.Tensor and not t.requires_grad for t in state.values())
    x = al.randn(2, 3)
    assert not np.array_equal(net(x).numpy(), other(x).numpy())
    before = list(other.parameters())
    result = other.load_state_dict(state)
    assert result.missing_keys == result.unexpected_keys == []
    assert np.array_equal(net(x).numpy(), other(x).numpy())
    assert all(a is b for a, b in zip(before, other.parameters(), strict=True))
    with al.no_grad():
        net.scale.fill_(7.0)
    assert state["scale"].tolist() == [7]
    assert other.scale.tolist() == [2]


def test_load_state_dict_lists_every_problem_and_changes_nothing() -> None:
    net = Net()
    state: dict[str, Any] = {name: np.zeros(t.shape, np.float32) for name, t in net.state_dict().items()}
    before = {name: t.clone() for name, t in net.state_dict().items()}
    del state["scale"]
    state["fc9.weight"] = np.zeros(2)
    state["fc1.bias"] = np.zeros(5)
    state["steps"] = np.zeros(1)
    with pytest.raises(ValueError, match="load_state_dict of Net: ") as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    for part in ("missing 'scale' (1,)", "unknown 'fc9.weight'", "'fc1.bias' has shape (5,), the module's (4,)",
                 "'steps' is float64, the module's int64"):  # fmt: skip
        assert part in message, message
    assert all(np.array_equal(t.numpy(), before[name].numpy()) for name, t in net.state_dict().items())


def test_a_shared_parameter_has_one_value() -> None:
    """A state of a model that does not share it would be loaded in part, without a word."""
    shared, one, two = [nn.Linear(2, 2, bias=False) for _ in range(3)]
    model, other = nn.Sequential(shared, shared), nn.Sequential(one, two)
    before = shared.weight.tolist()
    with pytest.raises(ValueError, match=r"'0\.weight' and '1\.weight' differ, in the module they are one"):
        model.load_state_dict(other.state_dict())
    assert shared.weight.tolist() == before
    model.load_state_dict({name: al.ones(2, 2) for name in other.state_dict()})
    assert shared.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_parameters_can_be_exchanged() -> None:
    """What state_dict gives shares memory with the module that it is loaded into."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    state = model.state_dict()
    a, b = state["0.weight"].item(), state["1.weight"].item()
    model.load_state_dict(state | {"0.weight": state["1.weight"], "1.weight": state["0.weight"]})
    assert (model[0].weight.item(), model[1].weight.item()) == (b, a)


@pytest.mark.parametrize("mode", ["no", 0, None])
def test_train_takes_a_bool(mode: Any) -> None:
    net = nn.Sequential(nn.Dropout())
    with pytest.raises(TypeError, match=f"True or False, not {mode!r}"):
        net.train(mode)
    assert net[0].training


def test_load_state_dict_that_is_not_strict() -> None:
    net = Net()
    result = net.load_state_dict({"scale": np.array([9.0]), "other": np.zeros(1)}, strict=False)
    assert net.scale.tolist() == [9]
    assert net.scale.dtype == np.float32
    assert result.missing_keys == ["steps", "fc1.weight", "fc1.bias", "fc2.weight"]
    assert result.unexpected_keys == ["other"]
    with pytest.raises(ValueError, match="shape"):
        net.load_state_dict({"scale": np.zeros(2)}, strict=False)
    with pytest.raises(TypeError, match="not a Net"):
        net.load_state_dict(net)  # type: ignore[arg-type]


def test_loading_between_forward_and_backward_is_noticed() -> None:
    net = Net()
    loss = net(al.randn(2, 3)).sum()
    net.load_state_dict({name: t * 2 for name, t in net.state_dict().items()})
    with pytest.raises(RuntimeError, match="load_state_dict"):
        loss.backward()


def test_copies_and_pickles() -> None:
    net = Net()
    x = al.randn(2, 3)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(net(x).numpy(), other(x).numpy())
        assert all(a is not b for a, b in zip(net.parameters(), other.parameters(), strict=True))
        assert all(isinstance(p, Parameter) for p in other.parameters())


# -- settings ---------------------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module() -> None:
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())


def test_freezing() -> None:
    net = Net()
    net.fc1.requires_grad_(False)
    net(al.randn(2, 3)).sum().backward()
    assert net.fc1.weight.grad is None
    assert net.fc2.weight.grad is not None


def test_apply_goes_from_parts_to_wholes() -> None:
    seen: list[str] = []
    Net().apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "Linear", "Net"]


def test_conversion() -> None:
    net = Net()
    parameters = list(net.parameters())
    assert net.double() is net
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float64)}
    assert net.steps.dtype == np.int64
    assert net.scratch.dtype == np.float64
    assert all(a is b and a.requires_grad for a, b in zip(parameters, net.parameters(), strict=True))
    assert net.float().fc1.weight.dtype == np.float32
    assert net.to("float16").fc1.weight.dtype == np.float16
    assert net.to(device="cpu", dtype=al.float64).fc1.weight.dtype == np.float64
    assert net.to("cpu", al.float32, non_blocking=True).fc1.weight.dtype == np.float32
    assert net.to(al.zeros(1, dtype=np.float64)).fc1.weight.dtype == np.float64
    assert net.half().cpu().fc1.weight.dtype == np.float16


def test_the_only_device_is_the_cpu() -> None:
    net = Net()
    for same in (net.to("cpu"), net.to(al.device("cpu")), net.to(device="cpu"), net.to()):
        assert same is net
    for wrong in (lambda: net.to("cuda:0"), lambda: net.to(device="cuda:0"), lambda: net.to("cuda:0", al.float64)):
        with pytest.raises(ValueError, match="only device is 'cpu', got 'cuda:0'"):
            wrong()
    for wrong in (lambda: net.to(np.int64), lambda: net.to(dtype=np.int64), lambda: net.to("cpu", np.int64)):
        with pytest.raises(TypeError, match="int64"):
            wrong()
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_conversion_keeps_names_and_hooks() -> None:
    net, seen = Net().name_parameters(), []
    net.scale.register_hook(lambda g: seen.append(g.dtype))
    net.double()
    assert [p.name for p in net.parameters()] == NAMES
    net(al.randn(2, 3, dtype=np.float64)).sum().backward()
    assert seen == [np.dtype(np.float64)]


# -- hooks, traces, repr ----------------------------------------------------------------------------------------------


def test_forward_hooks() -> None:
    net, seen = Net(), []
    handle = net.fc1.register_forward_hook(lambda module, args, result: seen.append((args[0].shape, result.shape)))
    replace = net.register_forward_hook(lambda module, args, result: result * 0)
    assert not net(al.randn(2, 3)).numpy().any()
    assert seen == [((2, 3), (2, 4))]
    handle.remove()
    handle.remove()
    replace()
    assert net(al.ones((2, 3))).numpy().any()
    assert len(seen) == 1


def test_a_handle_removes_only_its_own_hook() -> None:
    net, seen = Net(), []
    first = net.register_forward_hook(lambda *_: seen.append(1))
    first.remove()
    with net.register_forward_hook(lambda *_: seen.append(2)):
        first.remove()
        net(al.ones((1, 3)))
    net(al.ones((1, 3)))
    assert seen == [2]


def test_hooks_of_a_copy_are_its_own() -> None:
    net, seen = Net(), []
    handle = net.register_forward_hook(lambda *_: seen.append(1))
    twin = copy.deepcopy(net)
    handle.remove()
    net(al.ones((1, 3)))
    assert seen == []
    twin(al.ones((1, 3)))
    assert seen == [1]


def test_forward_pre_hooks() -> None:
    net, seen = Net(), []
    net.register_forward_pre_hook(lambda module, args: seen.append((type(module), args[0].shape)))
    with net.register_forward_pre_hook(lambda module, args: (args[0] * 0,)):
        zero = net(al.ones((2, 3)))
    with net.register_forward_pre_hook(lambda module, args: args[0] * 0):  # one need not be in a tuple
        assert np.array_equal(net(al.ones((2, 3))).numpy(), zero.numpy())
    assert not np.array_equal(net(al.ones((2, 3))).numpy(), zero.numpy())
    assert seen == [(Net, (2, 3))] * 3


class Weighed(Module):
    def forward(self, x: Any, *, factor: float = 1.0) -> Any:
        return x * factor


def test_hooks_with_kwargs_see_and_replace_what_is_given_by_name() -> None:
    layer, seen = Weighed(), []
    layer.register_forward_pre_hook(lambda module, args: seen.append((type(module), args[0].item())))
    layer.register_forward_hook(
        lambda module, args, kwargs, result: seen.append((kwargs, result.item())), with_kwargs=True
    )
    assert layer(al.tensor(5.0), factor=3.0).item() == 15
    assert seen == [(Weighed, 5.0), ({"factor": 3.0}, 15.0)]
    with layer.register_forward_pre_hook(
        lambda module, args, kwargs: ((args[0] + 1,), {"factor": 2 * kwargs["factor"]}), with_kwargs=True
    ):
        assert layer(al.tensor(5.0), factor=3.0).item() == 36
    assert seen[3] == ({"factor": 6.0}, 36.0), "later hooks see what an earlier one put in their place"
    with layer.register_forward_pre_hook(lambda module, args, kwargs: None, with_kwargs=True):
        assert layer(al.tensor(5.0), factor=3.0).item() == 15
    with layer.register_forward_hook(lambda module, args, kwargs, result: result * kwargs["factor"], with_kwargs=True):
        assert layer(al.tensor(5.0), factor=3.0).item() == 45


@pytest.mark.parametrize("wrong", [3.0, (1.0,), ((1.0,), [2.0]), (1.0, {"factor": 2.0})])
def test_a_pre_hook_with_kwargs_returns_both(wrong: Any) -> None:
    layer = Weighed()
    layer.register_forward_pre_hook(lambda *_: wrong, with_kwargs=True)
    with pytest.raises(TypeError, match=r"pre-hook of Weighed with_kwargs returns None or \(args, kwargs\)"):
        layer(al.tensor(1.0))


def test_prepended_hooks_come_first() -> None:
    """Numbers in the order of the calls: 1 was there first, 2 after it, 3 and then 4 before all others."""
    for register in ("register_forward_pre_hook", "register_forward_hook", "register_full_backward_hook"):
        layer, seen = Weighed(), []
        for number, prepend in ((1, False), (2, False), (3, True), (4, True)):
            handle = getattr(layer, register)(lambda *_, number=number, seen=seen: seen.append(number), prepend=prepend)
        layer(al.tensor(1.0, requires_grad=True)).backward()
        assert seen == [4, 3, 1, 2], register
        handle.remove()
        seen.clear()
        layer(al.tensor(1.0, requires_grad=True)).backward()
        assert seen == [3, 1, 2], register


def test_backward_hooks_see_the_gradients_of_their_module_alone() -> None:
    layer, seen = Linear(3, 2), []
    layer.register_full_backward_hook(lambda module, inside, outside: seen.append((module, inside, outside)))
    x = al.randn(4, 3).requires_grad_()
    g = al.randn(4, 2)
    (layer(x) * g).sum().backward(retain_graph=True)
    ((module, inside, outside),) = seen
    assert module is layer
    np.testing.assert_array_equal(outside[0].numpy(), g.numpy())
    np.testing.assert_allclose(inside[0].numpy(), g.numpy() @ layer.weight.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(inside[0].numpy(), x.grad.numpy())
    seen.clear()
    ((layer(x) * g).sum() + (5 * x).sum()).backward()  # x has another use, which is none of the layer's business
    np.testing.assert_array_equal(seen[0][1][0].numpy(), inside[0].numpy())
    with pytest.raises((RuntimeError, ValueError), match=r"read-only|share memory"):
        inside[0].mul_(2)


def test_backward_hooks_replace_gradients() -> None:
    layer = Linear(3, 2)
    x = al.randn(4, 3).requires_grad_()
    with layer.register_full_backward_hook(lambda module, inside, outside: (inside[0] * 10,)):
        layer.register_full_backward_hook(lambda module, inside, outside: inside[0] + 1)  # sees the first one's
        layer(x).sum().backward()
    expected = 10 * layer.weight.numpy().sum(0, keepdims=True) + 1
    np.testing.assert_allclose(x.grad.numpy(), np.repeat(expected, 4, 0), rtol=1e-5)
    for wrong, error in (((x, x), ValueError), (al.ones(2), RuntimeError)):
        layer = Linear(3, 2)
        layer.register_full_backward_hook(lambda module, inside, outside, wrong=wrong: wrong)
        with pytest.raises(error, match=r"2 gradients for 1|shape \(2,\).*\(4, 3\)"):
            layer(x).sum().backward()


def test_backward_hooks_of_several_arguments_and_results() -> None:
    class Two(Module):
        def forward(self, x: Any, n: int, y: Any, constant: Any) -> Any:
            return x * n + constant, n, y * 3, x * y

    two, seen = Two(), []
    two.register_full_backward_hook(lambda module, inside, outside: seen.append((inside, outside)))
    x, y = (al.tensor([v], requires_grad=True) for v in (2.0, 5.0))
    results = two(x, 4, y, al.tensor([1.0]))
    assert results[1] == 4
    (results[0] * 7 + results[2]).sum().backward()
    ((inside, outside),) = seen
    assert [None if g is None else g.tolist() for g in inside] == [[28], None, [3], None]
    assert [None if g is None else g.tolist() for g in outside] == [[7], None, [1], [0]]
    assert x.grad.tolist() == [28]


def test_backward_hooks_of_a_first_layer_and_without_a_gradient() -> None:
    net, seen = nn.Sequential(Linear(3, 4), nn.Tanh(), Linear(4, 2)), []
    for layer in net:
        layer.register_full_backward_hook(lambda module, inside, outside: seen.append((module, inside[0])))
    loss = net(al.randn(2, 3)).sum()
    with al.no_grad():
        net(al.randn(2, 3))
    loss.backward()
    assert [module for module, _ in seen] == [net[2], net[1], net[0]]
    assert [g is None for _, g in seen] == [False, False, True]
    assert net[0].weight.grad.numpy().any()


def test_backward_hooks_at_second_order() -> None:
    layer, seen = Linear(2, 1, bias=False).double(), []
    layer.register_full_backward_hook(lambda module, inside, outside: seen.append(inside[0]))
    x = al.tensor([[1.0, 2.0]], dtype=np.float64, requires_grad=True)
    (g,) = al.autograd.grad((layer(x) ** 2).sum(), [x], create_graph=True)
    g.sum().backward()  # d/dx Σ 2(w·x)w = 2 (Σw) w
    w = layer.weight.numpy()[0]
    np.testing.assert_allclose(x.grad.numpy()[0], 2 * w.sum() * w, rtol=1e-12)
    assert len(seen) >= 1


def test_a_backward_hook_needs_tensors_as_results() -> None:
    class Odd(Module):
        def forward(self, x: Any) -> Any:
            return {"x": x}

    odd = Odd()
    odd.register_full_backward_hook(lambda *_: None)
    with pytest.raises(TypeError, match=r"Odd has a backward hook.*not a dict"):
        odd(al.ones(1))


def test_hooks_and_traces_go_together() -> None:
    net = nn.Sequential(Linear(3, 2), nn.ReLU())
    net[0].register_forward_hook(lambda module, args, result: result * 2)
    with trace():
        listing = str(al.Tape.of(net(al.ones((1, 3)))))
    assert "   model.0   " in listing
    assert "   model.1   " in listing


def test_completion_knows_the_parts() -> None:
    assert {"fc1", "scale", "steps", "named_parameters"} <= set(dir(Net()))


def test_parts_by_path() -> None:
    net = nn.Sequential(Net(), nn.ReLU())
    assert net.get_submodule("") is net
    assert net.get_submodule("0.fc1") is net[0].fc1
    assert net.get_parameter("0.fc1.weight") is net[0].fc1.weight
    assert net[0].get_parameter("scale") is net[0].scale
    assert net.get_buffer("0.steps") is net[0].steps
    for get, target, message in (
        (net.get_submodule, "0.fc3.x", "no module '0.fc3.x': in '0' there are fc1, fc2"),
        (net.get_submodule, "1.a", "in '1' there are no modules"),
        (net.get_submodule, "0.scale", "no module"),
        (net.get_parameter, "0.steps", "no parameter '0.steps': in '0' there are scale"),
        (net.get_buffer, "fc", "no buffer 'fc': in Sequential there are no buffers"),
    ):
        with pytest.raises(AttributeError, match=message):
            get(target)


def test_duplicates_on_request() -> None:
    layer = Linear(2, 2)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert [name for name, _ in net.named_modules()] == ["", "0", "1"]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1", "2"]
    assert [name for name, _ in net.named_modules({layer}, prefix="net")] == ["net", "net.1"]
    names = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    norm = nn.BatchNorm1d(2)
    assert [name for name, _ in nn.Sequential(norm, norm).named_buffers(prefix="n")] == [
        "n.0.running_mean", "n.0.running_var", "n.0.num_batches_tracked",
    ]  # fmt: skip


def test_a_trace_names_the_modules() -> None:
    net = nn.Sequential(Net(), nn.ReLU())
    with trace():
        result = net(al.randn(2, 3))
    listing = str(al.Tape.of(result))
    for path in ("model.0.fc1", "model.0.fc2", "model.1"):
        assert f"   {path}   " in listing, listing
    with trace():
        outside = al.tensor([1.0], requires_grad=True) * 2
    assert "model" not in str(al.Tape.of(outside))


def test_a_trace_names_modules_that_are_not_registered() -> None:
    class Hidden(Module):
        def __init__(self) -> None:
            self.parts = [Linear(2, 2)]

        def forward(self, x: Any) -> Any:
            return self.parts[0](x)

    with trace():
        assert "   model.Linear   " in str(al.Tape.of(Hidden()(al.ones((1, 2)))))


def test_parameters_can_be_named() -> None:
    net = Net().name_parameters()
    assert net.fc1.weight.name == "fc1.weight"
    assert "leaf fc1.weight" in str(al.Tape.of(net(al.ones((1, 3)))))


def test_repr() -> None:
    assert repr(nn.Sequential(nn.Sequential(Linear(2, 3)), nn.Tanh())) == (
        "Sequential(\n"
        "  (0): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  )\n"
        "  (1): Tanh()\n"
        ")"
    )
