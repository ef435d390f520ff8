"""Optimizers: their paths against PyTorch's, the sheet's forms by hand, groups, state, bad input."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make_optim import CASES

import autograd_lite as al
import nn
from autograd_lite.kernels import SMALL
from nn.optim import SGD, Adadelta, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop

ALL = SGD, Momentum, RMSprop, Adam, AdamW, Adagrad, Adadelta
GOLDEN = np.load(Path(__file__).parent / "golden" / "optim.npz")


def _path(optimizer: Optimizer, w: al.Tensor, gradients: np.ndarray) -> np.ndarray:
    """The values of ``w`` after each step."""
    path = []
    for g in gradients:
        w.grad = al.Tensor(g.astype(w.dtype))
        optimizer.step()
        path.append(np.array(w.numpy()))
    return np.stack(path)


def _as_pytorch(case: str, w: al.Tensor) -> Optimizer:
    name, hyperparameters = CASES[case]
    options = {"eps_inside_sqrt": False} if name in ("RMSprop", "Adam", "AdamW") else {}
    optimizer: Optimizer = getattr(nn.optim, name)([w], **hyperparameters, **options)
    return optimizer


@pytest.mark.parametrize("case", CASES)
def test_paths_are_pytorchs(case: str) -> None:
    w = nn.Parameter(GOLDEN["start"])
    path = _path(_as_pytorch(case, w), w, GOLDEN["gradients"])
    np.testing.assert_allclose(path, GOLDEN[case], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("stored", "dtype", "error"), [("", np.float64, 1e-11), ("/float32", np.float32, 1e-6)])
def test_paths_of_a_large_parameter_are_pytorchs(case: str, stored: str, dtype: type, error: float) -> None:
    """The same, many times side by side, by a kernel."""
    many = SMALL // GOLDEN["start"].size + 1
    w = nn.Parameter(np.tile(GOLDEN["start"].astype(dtype), (many, 1, 1)))
    assert w.numel() > SMALL
    path = _path(_as_pytorch(case, w), w, np.tile(GOLDEN["gradients"][:, None], (1, many, 1, 1)))
    expected = GOLDEN[case + stored][:, None]
    np.testing.assert_allclose(path, np.broadcast_to(expected, path.shape), rtol=error, atol=error)


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32(case: str) -> None:
    w = nn.Parameter(GOLDEN["start"].astype(np.float32))
    optimizer = _as_pytorch(case, w)
    path = _path(optimizer, w, GOLDEN["gradients"])
    np.testing.assert_allclose(path, GOLDEN[f"{case}/float32"], rtol=1e-6, atol=1e-6)
    assert w.dtype == np.float32
    arrays = [v for v in optimizer.state[w].values() if isinstance(v, np.ndarray)]
    assert all(a.dtype == np.float32 for a in arrays)


def test_adam_is_the_sheets_by_default() -> None:
    """Cheat sheet 2.6, line by line; the tiny gradients make ε inside the root differ from ε outside."""
    w = nn.Parameter(GOLDEN["start"])
    found = _path(Adam([w], lr=0.1), w, GOLDEN["gradients"])
    value, v, s = GOLDEN["start"].copy(), 0.0, 0.0
    for t, dw in enumerate(GOLDEN["gradients"], start=1):
        v = 0.9 * v + 0.1 * dw
        s = 0.999 * s + 0.001 * dw**2
        v_hat, s_hat = v / (1 - 0.9**t), s / (1 - 0.999**t)
        value = value - 0.1 * v_hat / np.sqrt(s_hat + 1e-8)
        np.testing.assert_allclose(found[t - 1], value, rtol=1e-12, atol=1e-14)
    assert np.abs(found - GOLDEN["adam"]).max() > 1e-3


def test_rmsprop_is_the_sheets_by_default() -> None:
    """Cheat sheet 2.6, with ε inside the root."""
    w = nn.Parameter(GOLDEN["start"])
    found = _path(RMSprop([w], lr=0.01), w, GOLDEN["gradients"])
    value, s = GOLDEN["start"].copy(), 0.0
    for t, dw in enumerate(GOLDEN["gradients"]):
        s = 0.99 * s + 0.01 * dw**2
        value = value - 0.01 * dw / np.sqrt(s + 1e-8)
        np.testing.assert_allclose(found[t], value, rtol=1e-12, atol=1e-14)
    assert np.abs(found - GOLDEN["rmsprop"]).max() > 1e-3


@pytest.mark.parametrize("bias_correction", [False, True])
def test_momentum_is_the_sheets(bias_correction: bool) -> None:
    """Cheat sheet 2.6, and 2.5 with the correction."""
    w = nn.Parameter(GOLDEN["start"])
    found = _path(Momentum([w], lr=0.1, bias_correction=bias_correction), w, GOLDEN["gradients"])
    value, v = GOLDEN["start"].copy(), 0.0
    for t, dw in enumerate(GOLDEN["gradients"], start=1):
        v = 0.9 * v + 0.1 * dw
        value = value - 0.1 * (v / (1 - 0.9**t) if bias_correction else v)
        np.testing.assert_allclose(found[t - 1], value, rtol=1e-12, atol=1e-14)


def test_momentum_by_hand() -> None:
    """β = 0.9, g = 1, 1, 1: v = 0.1, 0.19, 0.271."""
    w = nn.Parameter(np.zeros(1))
    path = _path(Momentum([w], lr=1.0), w, np.ones((3, 1)))
    np.testing.assert_allclose(path[:, 0], [-0.1, -0.29, -0.561], rtol=1e-12)


def test_momentum_and_pytorchs_sgd_are_one_path() -> None:
    """``SGD(momentum=β)`` at the rate (1 − β) α, as the docstring says."""
    w = nn.Parameter(GOLDEN["start"])
    found = _path(Momentum([w], lr=1.0, beta=0.9), w, GOLDEN["gradients"])
    np.testing.assert_allclose(found, GOLDEN["momentum"], rtol=1e-11, atol=1e-13)


def test_adamw_decays_beside_the_gradient() -> None:
    """By hand, with the sheet's ε inside the root, which the tiny gradients tell from ε outside."""
    w = nn.Parameter(GOLDEN["start"])
    found = _path(AdamW([w], lr=0.1, weight_decay=0.5), w, GOLDEN["gradients"])
    value, v, s = GOLDEN["start"].copy(), 0.0, 0.0
    for t, dw in enumerate(GOLDEN["gradients"], start=1):
        v, s = 0.9 * v + 0.1 * dw, 0.999 * s + 0.001 * dw**2
        step = v / (1 - 0.9**t) / np.sqrt(s / (1 - 0.999**t) + 1e-8)
        value = value * (1 - 0.1 * 0.5) - 0.1 * step
        np.testing.assert_allclose(found[t - 1], value, rtol=1e-12, atol=1e-14)


def test_centered_rmsprop_survives_a_constant_gradient() -> None:
    """The square of the mean may come out above the mean of the squares, by rounding: its root would be NaN."""
    w = nn.Parameter(np.ones(64, np.float32))
    gradients = np.broadcast_to(np.linspace(1, 100, 64, dtype=np.float32), (3000, 64))
    assert np.isfinite(_path(RMSprop([w], lr=1e-9, centered=True, alpha=0.9), w, gradients)[-1]).all()


def test_an_unusual_parameter_takes_the_same_path() -> None:
    """Other strides than those of a kernel, float16, and a gradient with other strides."""
    rng = np.random.default_rng(0)
    value, gradients = rng.normal(size=(100, 200)), rng.normal(size=(5, 200, 100))
    for make in (
        lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Momentum(p, lr=0.1), lambda p: RMSprop(p, lr=0.1),
        lambda p: Adam(p, lr=0.1), lambda p: AdamW(p, lr=0.1, amsgrad=True), lambda p: Adagrad(p, lr=0.1),
        lambda p: Adadelta(p, eps=0.1),
    ):  # fmt: skip
        w = nn.Parameter(value)
        expected = _path(make([w]), w, gradients.transpose(0, 2, 1))
        turned, half = nn.Parameter(value.T), nn.Parameter(value.astype(np.float16))
        assert not turned._array.flags.c_contiguous
        np.testing.assert_allclose(_path(make([turned]), turned, gradients).transpose(0, 2, 1), expected, rtol=1e-11)
        rough = _path(make([half]), half, gradients.transpose(0, 2, 1))
        np.testing.assert_allclose(rough, expected, rtol=0.01, atol=0.01)
        assert half.dtype == np.float16


def test_float16_is_computed_in_float32() -> None:
    """The squares of these gradients, and ε, are 0 in float16."""
    for make in (RMSprop, Adam):
        w, wide = nn.Parameter(np.ones(3, np.float16)), nn.Parameter(np.ones(3, np.float32))
        gradients = np.array([[1e-4, 0.0, -1e-5]] * 20, np.float16)
        optimizer, other = make([w], lr=1e-3), make([wide], lr=1e-3)
        middle, expected = _path(optimizer, w, gradients[:10]), _path(other, wide, gradients[:10])
        np.testing.assert_allclose(middle, expected, atol=5e-3)
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        assert state["state"][0]["s"].dtype == optimizer.state[w]["s"].dtype == np.float32
        assert w.tolist()[1] == 1


def test_a_small_training_does_not_import_numba() -> None:
    program = (
        "import sys, nn, autograd_lite as al\n"
        "optim = nn.optim\n"
        "for make in optim.SGD, optim.Momentum, optim.RMSprop, optim.AdamW, optim.Adagrad, optim.Adadelta:\n"
        "    model = nn.MLP([64, 128, 10]); optimizer = make(model.parameters(), lr=0.1)\n"
        "    nn.CrossEntropyLoss()(model(al.randn(32, 64)), al.arange(32) % 10).backward()\n"
        "    optimizer.step()\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("size", [4, SMALL + 4])
def test_a_shape_that_changed_is_refused(size: int) -> None:
    for make in (lambda p: SGD(p, momentum=0.9), *ALL[1:]):
        w = nn.Parameter(np.ones(size))
        optimizer = make([w])
        _path(optimizer, w, np.ones((1, size)))
        w.data = al.ones((size // 2, 2), dtype=np.float64)
        w.grad = al.ones_like(w)
        with pytest.raises(ValueError, match=rf"\({size // 2}, 2\).*\({size},\).*new optimizer"):
            optimizer.step()
        assert (w.numpy() == 1).all()


@pytest.mark.parametrize("make", ALL)
def test_scalars_and_empty_tensors(make: Any) -> None:
    for shape in ((), (0, 3)):
        w = nn.Parameter(np.ones(shape, np.float32))
        _path(make([w], lr=0.1, weight_decay=0.1), w, np.ones((3, *shape)))
        assert w.shape == shape
        assert (w.numpy() < 1).all()


def test_training_lowers_the_loss() -> None:
    for make in (
        lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Momentum(p, lr=1.0), lambda p: RMSprop(p, lr=0.005),
        lambda p: Adam(p, lr=0.05), lambda p: AdamW(p, lr=0.05), lambda p: Adagrad(p, lr=0.2),
        lambda p: Adadelta(p, lr=3.0),
    ):  # fmt: skip
        model, x = nn.MLP([2, 8, 1], "tanh", generator=al.Generator(0)), al.randn(64, 2, generator=al.Generator(1))
        y = x[:, :1] * x[:, 1:]
        optimizer = make(model.parameters())
        losses = []
        for _ in range(200):
            loss = nn.MSELoss()(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.1 * losses[0]


def test_parameters_without_gradient_are_left_alone() -> None:
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = Adam([a, b], lr=0.1, weight_decay=0.5)
    a.grad = al.tensor([1.0])
    optimizer.step()
    assert b.tolist() == [1]
    assert b not in optimizer.state
    assert a.tolist() != [1]


def test_the_gradient_is_not_written() -> None:
    for optimizer in ALL:
        w, g = nn.Parameter([1.0, 2.0]), al.tensor([3.0, 4.0])
        w.grad = g
        optimizer([w], lr=0.1, weight_decay=0.1, maximize=True).step()
        assert g.tolist() == [3, 4]
    w.grad = g
    momentum = SGD([w], lr=0.1, momentum=0.9)
    for _ in range(2):
        momentum.step()
    assert g.tolist() == [3, 4], "the first velocity is a copy"


def test_a_step_between_forward_and_backward_is_noticed() -> None:
    w = nn.Parameter([2.0])
    loss = (w * w).sum()
    w.grad = al.tensor([1.0])
    SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match=r"SGD\.step"):
        loss.backward()


def test_zero_grad() -> None:
    w, b = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = SGD([{"params": [w]}, {"params": [b]}], lr=0.1)
    w.grad, b.grad = al.tensor([3.0]), al.tensor([4.0])
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == b.grad.tolist() == [0]
    optimizer.zero_grad()
    assert w.grad is b.grad is None


def test_step_with_a_closure() -> None:
    w = nn.Parameter([2.0])
    optimizer = SGD([w], lr=0.5)

    def closure() -> al.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with al.no_grad():
        assert optimizer.step(closure).item() == 4
    assert w.tolist() == [0]


def test_parameter_groups() -> None:
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    a.grad = b.grad = al.tensor([1.0])
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], [0.9, 0.5])
    optimizer.param_groups[0]["lr"] = 0.2
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], [0.7, 0.0], atol=1e-7)
    c = nn.Parameter([1.0])
    optimizer.add_param_group({"params": [c], "momentum": 0.9})
    assert [g["momentum"] for g in optimizer.param_groups] == [0, 0, 0.9]
    assert repr(optimizer).startswith("SGD(lr=0.2, momentum=0.0")


# -- state ------------------------------------------------------------------------------------------------------------


HALVES = {
    **{case: CASES[case] for case in CASES if case != "sgd"},
    "momentum_of_the_sheet": ("Momentum", {"lr": 0.1, "bias_correction": True}),
    "adamw_of_the_sheet": ("AdamW", {"lr": 0.1, "amsgrad": True}),
}


@pytest.mark.parametrize("case", HALVES)
@pytest.mark.parametrize("size", [1, SMALL])
def test_state_goes_on_exactly(case: str, size: int, tmp_path: Path) -> None:
    """Through a file, whose numbers are JSON; by NumPy, and by a kernel."""
    name, hyperparameters = HALVES[case]
    make, gradients = getattr(nn.optim, name), np.repeat(GOLDEN["gradients"], size, axis=1)
    w = nn.Parameter(np.repeat(GOLDEN["start"], size, axis=0), dtype=np.float32)
    optimizer = make([w], **hyperparameters)
    _path(optimizer, w, gradients[:10])
    al.save({"w": w, "optimizer": optimizer.state_dict()}, tmp_path / "half.safetensors")
    expected = _path(optimizer, w, gradients[10:])
    other = make([w], **{"lr": 99.0})
    stored = al.load(tmp_path / "half.safetensors")
    w.data = stored["w"].detach()
    other.load_state_dict(stored["optimizer"])
    if "lr" in hyperparameters:
        assert other.param_groups[0]["lr"] == hyperparameters["lr"]
    assert (_path(other, w, gradients[10:]) == expected).all()


def test_bad_states_change_nothing() -> None:
    w = nn.Parameter([1.0, 2.0])
    optimizer = Adam([w])
    w.grad = al.tensor([1.0, 1.0])
    optimizer.step()
    good = optimizer.state_dict()
    bad_shape, bad_lr, bad_groups, other = (copy.deepcopy(good) for _ in range(4))
    bad_shape["state"][0]["v"] = np.zeros(3)
    bad_lr["param_groups"][0]["lr"] = -1.0
    bad_groups["param_groups"][0]["params"] = [0, 1]
    other["param_groups"] = SGD([nn.Parameter([1.0])]).state_dict()["param_groups"]
    for state, message in (
        (bad_shape, r"v of parameter 0 has shape \(3,\)"), (bad_lr, "lr .*-1"), (bad_groups, r"\[2\].*\[1\]"),
        (other, "not of Adam: .*betas"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(state)
        now = optimizer.state_dict()
        assert now["param_groups"] == good["param_groups"]
        assert (now["state"][0]["v"] == good["state"][0]["v"]).all()


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_bad_parameters(make: Any) -> None:
    w = nn.Parameter([1.0])
    for params, error, message in [
        ([], ValueError, "no parameters"),
        (w, TypeError, "list of parameters"),
        ([w, 3.0], TypeError, "parameter 1 is a float"),
        ([np.zeros(2)], TypeError, "parameter 0 is a ndarray"),
        ([w, w], ValueError, "given twice"),
        ([w * 2], ValueError, "parameter 0 was computed"),
        ([{"params": [w]}, {"params": [w]}], ValueError, "given twice"),
        ([{"params": []}], ValueError, "group without parameters"),
        ([{"params": [w], "lrr": 1.0}], ValueError, "has no lrr"),
        ([{"parms": [w]}], TypeError, "'params'"),
        ([{"params": [w], "lr": -2.0}], ValueError, "lr .*-2"),
    ]:
        with pytest.raises(error, match=message):
            make(params)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (SGD, {"lr": -0.1}, "lr .*-0.1"),
        (SGD, {"lr": float("nan")}, "lr .*nan"),
        (SGD, {"lr": float("inf")}, "lr .*inf"),
        (SGD, {"momentum": -1}, "momentum .*-1"),
        (SGD, {"dampening": -3}, "dampening .*-3"),
        (SGD, {"weight_decay": -1e-4}, "weight_decay .*-0.0001"),
        (SGD, {"nesterov": True}, "momentum 0.0, dampening 0.0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "momentum 0.9, dampening 0.1"),
        (RMSprop, {"alpha": 1.0}, "alpha .*1.0"),
        (RMSprop, {"alpha": -0.5}, "alpha .*-0.5"),
        (RMSprop, {"eps": -1.0}, "eps .*-1.0"),
        (RMSprop, {"momentum": -0.9}, "momentum .*-0.9"),
        (RMSprop, {"weight_decay": float("inf")}, "weight_decay .*inf"),
        (Momentum, {"beta": 1.0}, "beta .*1.0"),
        (Momentum, {"beta": -0.5}, "beta .*-0.5"),
        (Momentum, {"lr": -0.5}, "lr .*-0.5"),
        (Momentum, {"weight_decay": -0.5}, "weight_decay .*-0.5"),
        (AdamW, {"weight_decay": -0.5}, "weight_decay .*-0.5"),
        (AdamW, {"betas": (0.9, 1.5)}, "betas .*1.5"),
        (Adagrad, {"lr": -2.0}, "lr .*-2"),
        (Adagrad, {"lr_decay": -2.0}, "lr_decay .*-2"),
        (Adagrad, {"weight_decay": -2.0}, "weight_decay .*-2"),
        (Adagrad, {"initial_accumulator_value": -2.0}, "initial_accumulator_value .*-2"),
        (Adagrad, {"eps": float("nan")}, "eps .*nan"),
        (Adadelta, {"rho": 1.0}, "rho .*1.0"),
        (Adadelta, {"rho": -0.1}, "rho .*-0.1"),
        (Adadelta, {"eps": -1e-3}, "eps .*-0.001"),
        (Adadelta, {"lr": -1e-3}, "lr .*-0.001"),
        (Adadelta, {"weight_decay": -1e-3}, "weight_decay .*-0.001"),
        (Adam, {"lr": -1}, "lr .*-1"),
        (Adam, {"eps": -1e-8}, "eps .*-1e-08"),
        (Adam, {"betas": (1.0, 0.9)}, r"betas .*\(1.0, 0.9\)"),
        (Adam, {"betas": (0.9, -0.1)}, "betas .*-0.1"),
        (Adam, {"betas": 0.9}, "betas .*0.9"),
        (Adam, {"betas": ("a", 0.9)}, "betas .*'a'"),
        (Adam, {"betas": (0.9,)}, r"betas .*\(0.9,\)"),
        (Adam, {"weight_decay": float("nan")}, "weight_decay .*nan"),
    ],
)
def test_bad_hyperparameters(make: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make([nn.Parameter([1.0])], **options)


def test_a_learning_rate_that_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"lr must be a number, got '0\.1'"):
        SGD([nn.Parameter([1.0])], lr="0.1")  # type: ignore[arg-type]


@pytest.mark.parametrize("set_to_none", [True, False])
def test_frozen_parameters_stay_where_they_are(set_to_none: bool) -> None:
    """A frozen parameter keeps its gradient, as in PyTorch, until zero_grad clears it; then no step moves it."""
    w = al.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = SGD([w], lr=0.1)
    (w * w).sum().backward()
    w.requires_grad = False
    assert w.grad is not None
    optimizer.zero_grad(set_to_none)
    optimizer.step()
    assert w.tolist() == [1.0, 2.0]
    w.requires_grad = True
    (w * 3).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_adam_with_other_betas_goes_on_as_the_formula_says() -> None:
    """The history is kept as averages: a schedule may change the betas, as OneCycleLR does."""
    p = al.tensor([1.0, -2.0], dtype=al.float64, requires_grad=True)
    optimizer = nn.optim.Adam([p], lr=0.1)
    w, v, s = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for t in range(1, 7):
        beta1, beta2 = (0.9, 0.999) if t < 3 else (0.5, 0.9)
        optimizer.param_groups[0]["betas"] = (beta1, beta2)
        p.grad = al.tensor(2 * w, dtype=al.float64)
        optimizer.step()
        v, s = beta1 * v + (1 - beta1) * 2 * w, beta2 * s + (1 - beta2) * (2 * w) ** 2
        w = w - 0.1 * (v / (1 - beta1**t)) / np.sqrt(s / (1 - beta2**t) + 1e-8)
        np.testing.assert_allclose(p.numpy(), w, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state["state"].update({7: {}}), ValueError, r"has a parameter 7, its groups have \[0\]"),
        (lambda state: state["state"][0].update(step=-1), ValueError, "step of parameter 0 .* got -1"),
        (lambda state: state["state"][0].update(step="x"), ValueError, "step of parameter 0 .* got 'x'"),
        (lambda state: state.pop("param_groups"), TypeError, "'state' and 'param_groups', this is {'state'"),
    ],
)
def test_states_that_would_go_wrong_later(change: Any, error: type[Exception], message: str) -> None:
    """A step of −1 would divide by 1 − β⁰ = 0 in the next update."""
    w = nn.Parameter([1.0])
    w.grad = al.tensor([1.0])
    optimizer = Adam([w])
    optimizer.step()
    state = optimizer.state_dict()
    change(state)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.state[w]["step"] == 1


def test_a_state_of_tensors_is_one_of_arrays() -> None:
    def trained(load: bool) -> list[float]:
        w = nn.Parameter(np.ones(3, np.float32))
        optimizer = Adam([w], lr=0.1)
        for step in range(4):
            if load and step == 2:
                state = optimizer.state_dict()
                state["state"][0] |= {name: al.tensor(state["state"][0][name]) for name in ("v", "s")}
                optimizer.load_state_dict(state)
                assert isinstance(optimizer.state[w]["v"], np.ndarray)
            w.grad = al.tensor([1.0, -2.0, 0.5 * step])
            optimizer.step()
        return w.tolist()

    assert trained(load=True) == trained(load=False)


class Clipped(nn.optim.Adam):
    """Weights stay in ±0.5."""

    def update(self, w, g, state, group):
        super().update(w, g, state, group)
        np.clip(w, -0.5, 0.5, out=w)


@pytest.mark.parametrize("size", [3, 20_000])
def test_what_a_subclass_does_after_an_update_comes_after_it(size: int) -> None:
    w = al.tensor(np.full(size, 0.5), requires_grad=True)
    w.grad = al.tensor(np.full(size, -1.0))
    Clipped([w], lr=0.1).step()
    assert np.abs(w.numpy()).max() == 0.5


def test_small_and_large_parameters_of_two_dtypes_in_one_step() -> None:
    """As if each were alone: by kernels, by NumPy."""
    rng = np.random.default_rng(0)
    shapes = [
        ((3,), np.float32),
        ((200, 100), np.float32),
        ((2, 2), np.float64),
        ((5,), np.float16),
        ((0,), np.float32),
    ]

    def parameters() -> list[al.Tensor]:
        return [al.tensor(np.ones(shape, dtype), requires_grad=True) for shape, dtype in shapes]

    together, alone = parameters(), parameters()
    one, many = nn.optim.Adam(together, lr=0.1), [nn.optim.Adam([p], lr=0.1) for p in alone]
    for _ in range(3):
        for a, b in zip(together, alone, strict=True):
            a.grad = al.tensor(rng.normal(size=a.shape).astype(a.dtype))
            b.grad = al.tensor(a.grad.numpy().copy())
        one.step()
        for optimizer in many:
            optimizer.step()
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-2 if a.dtype == np.float16 else 1e-5)
