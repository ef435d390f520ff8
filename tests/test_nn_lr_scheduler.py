"""Schedules: rates against PyTorch's and the sheet's formulas by hand, state, bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make_optim import CHAINS, METRICS, SCHEDULES, SEQUENCES, STEPS, groups, make_schedule, rates

import autograd_lite as al
import nn
from nn.optim import SGD, Adagrad, Adam, Momentum, Optimizer, lr_scheduler
from nn.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CyclicLR,
    ExponentialDecay,
    ExponentialLR,
    InverseTimeDecay,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepDecay,
    StepLR,
)

GOLDEN = np.load(Path(__file__).parent / "golden" / "optim.npz")
CASES = [*SCHEDULES, *SEQUENCES, *CHAINS]


def _optimizer(**options: Any) -> SGD:
    return SGD(groups(lambda: nn.Parameter([1.0])), **{"lr": 0.1, "momentum": 0.9, **options})


def _rates(schedule: LRScheduler, steps: int) -> list[float]:
    """The rates of the first group now and after each of so many steps."""
    found = [schedule.get_last_lr()[0]]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.get_last_lr()[0])
    return found


@pytest.mark.parametrize("case", CASES)
def test_rates_are_pytorchs(case: str) -> None:
    optimizer = _optimizer()
    schedule = make_schedule(lr_scheduler, optimizer, case)
    found, momentum = rates(optimizer, schedule, case.startswith("plateau"))
    np.testing.assert_allclose(found, GOLDEN[case], rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(momentum, GOLDEN[f"{case}/momentum"], rtol=1e-12)
    assert schedule.last_epoch == STEPS
    assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    assert len(np.unique(found[:, 0])) > 1


# -- the cheat sheet, by hand -----------------------------------------------------------------------------------------


def test_step_decay() -> None:
    """α₀ drop^⌊t/k⌋ with α₀ = 0.1, drop = 0.5, k = 3."""
    found = _rates(StepDecay(_optimizer(), drop=0.5, k=3), 7)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025], rtol=1e-15)


def test_exponential_decay() -> None:
    """α₀ e^(−λt) with λ = ln 2: halved every time."""
    found = _rates(ExponentialDecay(_optimizer(), math.log(2)), 3)
    np.testing.assert_allclose(found, [0.1, 0.05, 0.025, 0.0125], rtol=1e-15)


def test_inverse_time_decay() -> None:
    """α₀ / (1 + λt) with λ = 0.5: 0.1 / 1, 1.5, 2, 2.5."""
    found = _rates(InverseTimeDecay(_optimizer(), 0.5), 3)
    np.testing.assert_allclose(found, [0.1, 0.1 / 1.5, 0.05, 0.04], rtol=1e-15)


# -- PyTorch's, by hand -----------------------------------------------------------------------------------------------


def test_polynomial() -> None:
    """0.1 (1 − t/4)²: 1, 9/16, 1/4, 1/16 and 0 of 0.1, and 0 for ever."""
    found = _rates(PolynomialLR(_optimizer(), 4, 2), 6)
    np.testing.assert_allclose(found, [0.1, 0.05625, 0.025, 0.00625, 0, 0, 0], rtol=1e-15)


def test_multiplicative_multiplies_what_came_before() -> None:
    """f(t) = 1/t: 0.1 / t!  Each factor is computed once, and from a state all of them."""
    asked: list[int] = []

    def function(t: int) -> float:
        asked.append(t)
        return 1 / t

    schedule = MultiplicativeLR(_optimizer(), function)
    np.testing.assert_allclose(_rates(schedule, 4), [0.1, 0.1, 0.05, 0.1 / 6, 0.1 / 24], rtol=1e-15)
    assert asked == [1, 2, 3, 4]
    resumed = MultiplicativeLR(_optimizer(), function)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.get_last_lr() == schedule.get_last_lr()
    assert repr(schedule) == "MultiplicativeLR(last_epoch=4)"


def test_cyclic() -> None:
    """Up by 0.1 a step from 0.1 to 0.3, down by 0.05 for 4; then half as high; momentum the other way."""
    optimizer = _optimizer()
    schedule = CyclicLR(optimizer, 0.1, 0.3, 2, 4, mode="triangular2", base_momentum=0.5, max_momentum=0.9)
    momenta = [optimizer.param_groups[0]["momentum"]]
    found = schedule.get_last_lr()[:1]
    for _ in range(9):
        schedule.step()
        found.append(schedule.get_last_lr()[0])
        momenta.append(optimizer.param_groups[0]["momentum"])
    np.testing.assert_allclose(found, [0.1, 0.2, 0.3, 0.25, 0.2, 0.15, 0.1, 0.15, 0.2, 0.175], rtol=1e-14)
    np.testing.assert_allclose(momenta, [0.9, 0.7, 0.5, 0.6, 0.7, 0.8, 0.9, 0.8, 0.7, 0.75], rtol=1e-14)


def test_a_chain_multiplies_factors() -> None:
    """0.1 until t = 2, then 1, of 0.1 · 2^−t; the steps of its parts would fight, and are refused."""
    optimizer = _optimizer()
    parts = [ConstantLR(optimizer, 0.1, total_iters=2), ExponentialLR(optimizer, 0.5)]
    schedule = ChainedScheduler(parts, optimizer)
    np.testing.assert_allclose(_rates(schedule, 3), [0.01, 0.005, 0.025, 0.0125], rtol=1e-15)
    with pytest.raises(RuntimeError, match=r"ExponentialLR set the rate of group 0 .*ChainedScheduler"):
        parts[1].step()


def test_a_chain_takes_the_rates_of_the_schedule_before() -> None:
    """From 0.1 · 0.5 down to 0.01 at T = 1; without a rate there is nothing to divide by, and none comes out."""
    optimizer = _optimizer()
    chain = ChainedScheduler([ExponentialLR(optimizer, 0.5), CosineAnnealingLR(optimizer, 2, eta_min=0.01)])
    np.testing.assert_allclose(_rates(chain, 2), [0.1, 0.03, 0.01], rtol=1e-14)
    still = _optimizer(lr=0.0)
    assert _rates(ChainedScheduler([StepLR(still, 1), PolynomialLR(still)]), 2) == [0, 0, 0]


def test_a_chain_goes_on_where_its_schedules_are() -> None:
    optimizer = _optimizer()
    full = _rates(ChainedScheduler([StepLR(optimizer, 2, 0.5), PolynomialLR(optimizer, 8)]), 6)
    later = ChainedScheduler([StepLR(optimizer, 2, 0.5, last_epoch=3), PolynomialLR(optimizer, 8, last_epoch=3)])
    assert later.last_epoch == 4
    assert _rates(later, 2) == full[4:]
    with pytest.raises(ValueError, match=r"at the times \[4, 0\]"):
        ChainedScheduler([StepLR(optimizer, 2, last_epoch=3), PolynomialLR(optimizer)])


# -- the base ---------------------------------------------------------------------------------------------------------


def test_each_group_starts_at_its_own_rate() -> None:
    optimizer = _optimizer()
    schedule = StepLR(optimizer, 1, 0.5)
    assert schedule.base_lrs == [0.1, 0.02]
    schedule.step()
    assert schedule.get_last_lr() == [0.05, 0.01]
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.1, 0.02]


def test_a_group_added_later_takes_part() -> None:
    optimizer = _optimizer()
    schedule = StepLR(optimizer, 2, 0.5)
    schedule.step()
    optimizer.add_param_group({"params": [nn.Parameter([1.0])], "lr": 0.4})
    schedule.step()
    assert schedule.get_last_lr() == [0.05, 0.01, 0.2]


def test_the_rate_is_that_of_the_next_step() -> None:
    """Two steps, at 0.5 and at 0.05: w moves by as much."""
    w = nn.Parameter([0.0])
    optimizer = SGD([w], lr=0.5)
    schedule = StepLR(optimizer, 1)
    for expected in (-0.5, -0.55):
        w.grad = al.tensor([1.0])
        optimizer.step()
        schedule.step()
        np.testing.assert_allclose(w.item(), expected, rtol=1e-6)


def test_last_epoch_goes_on() -> None:
    """As in PyTorch: the constructor is told the last time that is over."""
    optimizer = _optimizer()
    full = _rates(StepLR(optimizer, 2, 0.5), 6)
    later = StepLR(optimizer, 2, 0.5, last_epoch=3)
    assert later.last_epoch == 4
    assert _rates(later, 2) == full[4:]
    with pytest.raises(ValueError, match=r"last_epoch 3 .*initial_lr"):
        StepLR(_optimizer(), 2, last_epoch=3)


def test_a_schedule_of_ones_own() -> None:
    class Halves(LRScheduler):
        def rate(self, base: float, t: int) -> float:
            return base / 2**t

    assert _rates(Halves(_optimizer()), 2) == [0.1, 0.05, 0.025]
    with pytest.raises(NotImplementedError, match=r"LRScheduler has no rate\(\)"):
        LRScheduler(_optimizer())


def test_repr() -> None:
    optimizer = _optimizer()
    steps = StepLR(optimizer, 3)
    assert repr(steps) == "StepLR(step_size=3, gamma=0.1, last_epoch=0)"
    assert (
        repr(SequentialLR(optimizer, [steps], [])) == f"SequentialLR(schedulers=[{steps}], milestones=[], last_epoch=0)"
    )
    assert repr(LambdaLR(optimizer, lambda t: 1.0)) == "LambdaLR(last_epoch=0)"


# -- momentum ---------------------------------------------------------------------------------------------------------


def test_one_cycle_moves_the_momentum_of_each_kind_of_optimizer() -> None:
    w = nn.Parameter([1.0])
    for optimizer, name, start, top in (
        (SGD([w]), "momentum", 0.95, 0.85), (Momentum([w]), "beta", 0.95, 0.85),
        (Adam([w], betas=(0.8, 0.99)), "betas", (0.95, 0.99), (0.85, 0.99)),
    ):  # fmt: skip
        schedule = OneCycleLR(optimizer, 0.5, total_steps=11, pct_start=6 / 11)
        assert optimizer.param_groups[0][name] == start
        for _ in range(5):
            schedule.step()
        np.testing.assert_allclose(optimizer.param_groups[0][name], top, rtol=1e-12)
        assert schedule.get_last_lr() == [0.5]


def test_one_cycle_ends() -> None:
    """The step after the last keeps the smallest rate (PyTorch overshoots, below 0 if linear); one more is refused."""
    optimizer = _optimizer()
    schedule = OneCycleLR(optimizer, 0.5, total_steps=4, anneal_strategy="linear")
    found = _rates(schedule, 4)
    np.testing.assert_allclose(found[-2:], 0.5 / 25 / 1e4, rtol=1e-9)
    with pytest.raises(ValueError, match=r"step 5 is past the end: .* 4 steps"):
        schedule.step()
    assert schedule.last_epoch == 4
    assert schedule.get_last_lr()[0] == found[-1]


def test_a_sequence_moves_the_momentum_too() -> None:
    optimizer = _optimizer()
    parts = [LinearLR(optimizer, total_iters=2), OneCycleLR(optimizer, 0.5, total_steps=10)]
    schedule = SequentialLR(optimizer, parts, [2])
    assert schedule.base_lrs == [0.1, 0.02]
    np.testing.assert_allclose(_rates(schedule, 2), [0.1 / 3, 0.2 / 3, 0.02], rtol=1e-12)
    assert optimizer.param_groups[0]["momentum"] == 0.95


# -- plateau ----------------------------------------------------------------------------------------------------------


def test_plateau_takes_tensors_and_nan_is_no_progress() -> None:
    optimizer = _optimizer()
    schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    for figure in (float("nan"), al.tensor(2.0), al.tensor(1.0), float("nan")):
        schedule.step(figure)
    assert schedule.best == 1
    np.testing.assert_allclose(schedule.get_last_lr(), [0.025, 0.005], rtol=1e-15)


# -- state ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_state_goes_on_exactly(case: str, tmp_path: Path) -> None:
    """From a file, with another rate and another time before, the rates and momenta are the same bits."""
    w = nn.Parameter([1.0])

    def make(lr: float) -> tuple[Optimizer, Any]:
        optimizer = SGD([{"params": [w]}, {"params": [nn.Parameter([1.0])], "lr": lr / 5}], lr=lr, momentum=0.9)
        return optimizer, make_schedule(lr_scheduler, optimizer, case)

    def go(schedule: Any, figures: list[float]) -> None:
        for figure in figures:
            schedule.step(*([figure] if case.startswith("plateau") else []))

    optimizer, schedule = make(0.1)
    go(schedule, METRICS[:7])
    al.save({"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}, tmp_path / "x.safetensors")
    stored = al.load(tmp_path / "x.safetensors")
    other, later = make(99.0)
    other.load_state_dict(stored["optimizer"])
    later.load_state_dict(stored["schedule"])
    for i in range(7, STEPS):
        for mine, found in zip(optimizer.param_groups, other.param_groups, strict=True):
            for name in ("lr", "initial_lr", "momentum"):
                assert found[name] == mine[name], (i, name)
        go(schedule, METRICS[i : i + 1])
        go(later, METRICS[i : i + 1])
    assert later.state_dict() == schedule.state_dict()


@pytest.mark.parametrize("case", CASES)
def test_state_can_be_json_and_is_a_copy(case: str) -> None:
    schedule = make_schedule(lr_scheduler, _optimizer(), case)
    before = json.dumps(schedule.state_dict(), sort_keys=True)
    state = schedule.state_dict()
    for value in state.values():
        if isinstance(value, list):
            value.clear()
    assert json.dumps(schedule.state_dict(), sort_keys=True) == before


def test_a_bad_state_of_a_chain_changes_nothing() -> None:
    optimizer = _optimizer()
    schedule = ChainedScheduler([StepLR(optimizer, 2), CyclicLR(optimizer, 0.1, 0.5, 3)])
    schedule.step()
    good, before = schedule.state_dict(), repr(optimizer)
    steps, cycle = good["schedulers"]
    for change, message in (
        ({"schedulers": [steps]}, "1 schedules, this ChainedScheduler 2"),
        ({"schedulers": [{**steps, "last_epoch": 7}, cycle]}, r"times \[7, 0\]"),
        ({"schedulers": [steps, {**cycle, "step_size_up": 0}]}, "step_size_up .*0"),
        ({"milestones": [3]}, "not of ChainedScheduler: milestones"),
    ):
        with pytest.raises(ValueError, match=message):
            schedule.load_state_dict({**good, **change})
        assert schedule.state_dict() == good
        assert repr(optimizer) == before


def test_bad_states_change_nothing() -> None:
    optimizer = _optimizer()
    schedule = SequentialLR(optimizer, [LinearLR(optimizer), StepLR(optimizer, 2)], [3])
    schedule.step()
    good, before = schedule.state_dict(), repr(optimizer)
    for change, error, message in (
        ({"last_epoch": -1}, ValueError, "last_epoch .*-1"),
        ({"last_epoch": 1.5}, TypeError, r"last_epoch .*1\.5"),
        ({"milestones": [-3]}, ValueError, r"milestones .*-3"),
        ({"milestones": []}, ValueError, r"2 schedules .*\[\]"),
        ({"schedulers": []}, ValueError, "0 schedules, this SequentialLR 2"),
        (
            {"schedulers": [good["schedulers"][0], {**good["schedulers"][1], "step_size": 0}]},
            ValueError,
            "step_size .*0",
        ),
        ({"schedulers": good["schedulers"][::-1]}, ValueError, "not of LinearLR: .*gamma"),
        ({"T_max": 3}, ValueError, "not of SequentialLR: T_max"),
    ):
        with pytest.raises(error, match=message):
            schedule.load_state_dict({**good, **change})
        assert schedule.state_dict() == good
        assert repr(optimizer) == before


def test_an_optimizer_takes_a_state_with_and_without_a_schedule() -> None:
    plain, scheduled = _optimizer(lr=0.5), _optimizer()
    bare = plain.state_dict()
    StepLR(scheduled, 1)
    plain.load_state_dict(scheduled.state_dict())
    assert plain.param_groups[0]["initial_lr"] == 0.1
    scheduled.load_state_dict(bare)
    assert scheduled.param_groups[0]["lr"] == 0.5
    bad = plain.state_dict()
    bad["param_groups"][0]["initial_lr"] = -3.0
    with pytest.raises(ValueError, match=r"initial_lr .*-3"):
        plain.load_state_dict(bad)
    with pytest.raises(ValueError, match=r"initial_lr .*nan"):
        SGD([{"params": [nn.Parameter([1.0])], "initial_lr": float("nan")}])


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("StepLR", {"step_size": 0}, "step_size .*0"),
        ("StepLR", {"step_size": 2, "gamma": -0.5}, "gamma .*-0.5"),
        ("StepLR", {"step_size": 2, "last_epoch": -5}, "last_epoch .*-4"),
        ("StepDecay", {"k": -2, "drop": 0.5}, "k .*-2"),
        ("StepDecay", {"k": 2, "drop": -0.5}, "drop .*-0.5"),
        ("MultiStepLR", {"milestones": [3, 2]}, r"milestones .*\[3, 2\]"),
        ("MultiStepLR", {"milestones": [3], "gamma": float("nan")}, "gamma .*nan"),
        ("ExponentialLR", {"gamma": -0.1}, "gamma .*-0.1"),
        ("ExponentialDecay", {"decay_rate": -0.1}, "decay_rate .*-0.1"),
        ("InverseTimeDecay", {"decay_rate": -0.1}, "decay_rate .*-0.1"),
        ("CosineAnnealingLR", {"T_max": 0}, "T_max .*0"),
        ("CosineAnnealingLR", {"T_max": 5, "eta_min": -1.0}, "eta_min .*-1.0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "T_0 .*0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}, "T_mult .*0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "eta_min": -2.0}, "eta_min .*-2.0"),
        ("LinearLR", {"start_factor": 0.0}, "start_factor .*0.0"),
        ("LinearLR", {"end_factor": 1.5}, "end_factor .*1.5"),
        ("LinearLR", {"total_iters": 0}, "total_iters .*0"),
        ("ConstantLR", {"factor": 1.5}, "factor .*1.5"),
        ("ConstantLR", {"total_iters": -1}, "total_iters .*-1"),
        ("LambdaLR", {"lr_lambda": [lambda t: 1.0]}, "1 functions for 2"),
        ("LambdaLR", {"lr_lambda": lambda t: -1.0}, r"lr .*-0\.1"),
        ("MultiplicativeLR", {"lr_lambda": [lambda t: 1.0]}, "MultiplicativeLR got 1 functions for 2"),
        ("MultiplicativeLR", {"lr_lambda": lambda t: -2.0, "last_epoch": 0}, "no initial_lr"),
        ("PolynomialLR", {"total_iters": 0}, "total_iters .*0"),
        ("PolynomialLR", {"power": -1.0}, r"power .*-1\.0"),
        ("CyclicLR", {"base_lr": -1.0, "max_lr": 1.0}, r"base_lr .*-1\.0"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": [1.0]}, "max_lr has 1 numbers, the optimizer 2"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 0}, "step_size_up .*0"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_down": -3}, "step_size_down .*-3"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "saw"}, "mode .*'saw'"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "scale_mode": "steps"}, "scale_mode .*'steps'"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "gamma": -0.5}, r"gamma .*-0\.5"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "max_momentum": [0.9]}, "max_momentum has 1 numbers"),
        ("OneCycleLR", {"max_lr": 1.0}, "needs total_steps"),
        ("OneCycleLR", {"max_lr": 1.0, "epochs": 3}, "needs total_steps"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 0}, "total_steps .*0"),
        ("OneCycleLR", {"max_lr": -1.0, "total_steps": 3}, "max_lr .*-1.0"),
        ("OneCycleLR", {"max_lr": [1.0], "total_steps": 3}, "max_lr has 1 numbers, the optimizer 2"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 3, "pct_start": 1.5}, "pct_start .*1.5"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 9, "pct_start": 0.6, "three_phase": True}, "pct_start .*0.6"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 3, "anneal_strategy": "cosine"}, "'cosine'"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 3, "div_factor": 0.0}, "div_factor .*0.0"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 3, "final_div_factor": -1.0}, "final_div_factor .*-1.0"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 3, "base_momentum": -1.0}, "base_momentum .*-1.0"),
        ("ReduceLROnPlateau", {"mode": "least"}, "'least'"),
        ("ReduceLROnPlateau", {"threshold_mode": "relative"}, "'relative'"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "factor .*1.0"),
        ("ReduceLROnPlateau", {"patience": -1}, "patience .*-1"),
        ("ReduceLROnPlateau", {"cooldown": -1}, "cooldown .*-1"),
        ("ReduceLROnPlateau", {"threshold": -1.0}, "threshold .*-1.0"),
        ("ReduceLROnPlateau", {"min_lr": -1.0}, "min_lr .*-1.0"),
        ("ReduceLROnPlateau", {"min_lr": [0.1]}, "min_lr has 1 numbers, the optimizer 2"),
        ("ReduceLROnPlateau", {"eps": -1.0}, "eps .*-1.0"),
        ("SequentialLR", {"schedulers": [], "milestones": []}, r"0 schedules .*\[\]"),
    ],
)
def test_bad_hyperparameters(name: str, options: dict[str, Any], message: str) -> None:
    optimizer = _optimizer()
    before = repr(optimizer)
    with pytest.raises(ValueError, match=message):
        getattr(lr_scheduler, name)(optimizer, **options)
    assert repr(optimizer) == before


def test_bad_types() -> None:
    optimizer = _optimizer()
    with pytest.raises(TypeError, match="takes an optimizer first, not a Parameter"):
        StepLR(nn.Parameter([1.0]), 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"step_size .*2\.5"):
        StepLR(optimizer, 2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="schedule 0 is a ReduceLROnPlateau"):
        SequentialLR(optimizer, [ReduceLROnPlateau(optimizer)], [])
    with pytest.raises(ValueError, match="schedule 0, a StepLR, is of another optimizer"):
        SequentialLR(optimizer, [StepLR(_optimizer(), 3)], [])
    with pytest.raises(TypeError, match="schedule 1 is a ReduceLROnPlateau"):
        ChainedScheduler([StepLR(optimizer, 3), ReduceLROnPlateau(optimizer)])
    with pytest.raises(TypeError, match="schedule 0 is a SGD"):
        ChainedScheduler([optimizer])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no schedules to join"):
        ChainedScheduler([])
    with pytest.raises(ValueError, match="schedule 0, a StepLR, is of another optimizer"):
        ChainedScheduler([StepLR(optimizer, 3)], _optimizer())
    with pytest.raises(TypeError, match=r"scale_fn .*got 0\.5"):
        CyclicLR(optimizer, 0.1, 0.5, scale_fn=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Adagrad has no momentum; .*cycle_momentum=False"):
        CyclicLR(Adagrad([nn.Parameter([1.0])]), 0.1, 0.5)
    with pytest.raises(ValueError, match=r"Adagrad has no momentum; .*cycle_momentum=False"):
        OneCycleLR(Adagrad([nn.Parameter([1.0])]), 0.5, total_steps=3)


def test_a_bad_rate_later_changes_nothing() -> None:
    optimizer = _optimizer()
    schedule = LambdaLR(optimizer, [lambda t: 1.0 + t, lambda t: 1.0 - t])
    schedule.step()
    with pytest.raises(ValueError, match=r"lr .*-0\.02"):
        schedule.step()
    assert schedule.get_last_lr() == [0.2, 0.0]
    assert schedule.last_epoch == 1


def test_a_cosine_by_batches_is_that_of_fractional_epochs() -> None:
    """What a training by batches needs: t counted in steps, 0 at the end."""
    epochs, batches = 3, 7
    found = _rates(CosineAnnealingLR(_optimizer(), T_max=epochs * batches), epochs * batches)
    expected = [0.1 * (1 + math.cos(math.pi * (i / batches) / epochs)) / 2 for i in range(epochs * batches + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-17)
    assert found[-1] == 0


# -- what else changes a rate -----------------------------------------------------------------------------------------


def test_a_second_schedule_does_not_undo_the_first() -> None:
    """PyTorch multiplies them; here each computes its rate from t alone, so one of the two would be lost."""
    optimizer = _optimizer()
    first, second = lr_scheduler.ExponentialLR(optimizer, 0.5), StepLR(optimizer, 1)
    first.step()
    with pytest.raises(RuntimeError, match=r"StepLR set the rate of group 0 to 0\.1, now it is 0\.05.*SequentialLR"):
        second.step()
    assert (second.last_epoch, optimizer.param_groups[0]["lr"]) == (0, 0.05)


def test_a_plateau_is_not_undone_by_a_schedule() -> None:
    optimizer = _optimizer()
    warm_up, plateau = LinearLR(optimizer, 0.5, total_iters=4), ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    for loss in (1.0, 2.0):
        plateau.step(loss)
    with pytest.raises(RuntimeError, match=r"LinearLR set the rate of group 0 to 0\.05, now it is 0\.025"):
        warm_up.step()


def test_a_rate_changed_by_hand() -> None:
    """The rate itself would be set again by the next step, which says so; the initial rate may be changed."""
    optimizer = _optimizer()
    schedule = StepLR(optimizer, 2, 0.5)
    optimizer.param_groups[0]["lr"] = 0.01
    with pytest.raises(RuntimeError, match=r"group 0 to 0\.1, now it is 0\.01.*initial_lr"):
        schedule.step()
    optimizer.param_groups[0] |= {"lr": 0.1, "initial_lr": 0.8}
    assert _rates(schedule, 2) == [0.1, 0.8, 0.4]


def test_a_state_loaded_later_counts_as_the_schedules_own() -> None:
    optimizer = _optimizer()
    schedule = StepLR(optimizer, 1, 0.5)
    schedule.step()
    states = optimizer.state_dict(), json.loads(json.dumps(schedule.state_dict()))
    resumed = StepLR(other := _optimizer(lr=3.0), 1, 0.5)
    other.load_state_dict(states[0])
    resumed.load_state_dict(states[1])
    resumed.step()
    other.add_param_group({"params": [nn.Parameter([1.0])], "lr": 0.7})
    resumed.step()
    assert [group["lr"] for group in other.param_groups][::2] == [0.0125, 0.7 * 0.5**3]
