"""Exponential moving averages: the sheet's numbers, arrays, models, state."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.optim import ExponentialMovingAverage


def _averaged(*values: Any, **options: Any) -> ExponentialMovingAverage:
    average = ExponentialMovingAverage(**options)
    for value in values:
        average.update(value)
    return average


def test_the_sheets_example() -> None:
    """Cheat sheet 2.5: v₁ = 0.1 (−0.058) = −0.0058, and corrected −0.058."""
    average = _averaged(-0.058, beta=0.9)
    assert average.average == pytest.approx(-0.0058, rel=1e-14)
    assert average.value == pytest.approx(-0.058, rel=1e-14)
    assert _averaged(-0.058, beta=0.9, bias_correction=False).value == pytest.approx(-0.0058, rel=1e-14)


def test_by_hand() -> None:
    """Cheat sheet 2.4 with β = 0.5 and 1, 3, 2: v = 0.5, 1.75, 1.875; corrected by 0.5, 0.75, 0.875."""
    average = ExponentialMovingAverage(0.5)
    for value, v, corrected in ((1, 0.5, 1), (3.0, 1.75, 7 / 3), (np.float32(2), 1.875, 15 / 7)):
        average.update(value)
        assert average.average == v
        assert average.value == pytest.approx(corrected, rel=1e-15)
        assert isinstance(average.value, float)


def test_the_window() -> None:
    """Cheat sheet 2.4: 10 days for 0.9, 50 for 0.98."""
    assert ExponentialMovingAverage(0.9).window == pytest.approx(10)
    assert ExponentialMovingAverage(0.98).window == pytest.approx(50)


def test_a_constant_is_its_own_average() -> None:
    assert _averaged(*[7.0] * 30, beta=0.99).value == pytest.approx(7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_arrays_and_tensors(dtype: type) -> None:
    values = np.array([[1, 2], [3, 4], [5, 7]], dtype)
    first, exact = values[0].copy(), values.astype(np.float64)
    for given in (values, [al.tensor(v) for v in values]):
        average = _averaged(*given, beta=0.5)
        np.testing.assert_allclose(average.value, (exact[0] + 2 * exact[1] + 4 * exact[2]) / 7, rtol=1e-6)
        assert average.value.dtype == (np.float64 if dtype == np.int64 else np.result_type(dtype, np.float32))
    average.value[:] = 0
    average.average[:] = 0
    assert average.value[0] > 1, "what it hands out is a copy"
    assert (values[0] == first).all()


def test_a_model() -> None:
    model = nn.Sequential(nn.Linear(2, 2, generator=al.Generator(0)), nn.BatchNorm1d(2))
    average, kept = ExponentialMovingAverage(0.5), []
    for i in range(3):
        with al.no_grad():
            model[0].weight.fill_(i)
        model(al.randn(8, 2, generator=al.Generator(i)))
        kept.append({name: np.array(t.numpy()) for name, t in model.state_dict().items()})
        average.update(model)
    other = copy.deepcopy(model)
    average.copy_to(other)
    for name, t in other.state_dict().items():
        assert t.dtype == kept[2][name].dtype
        if t.dtype.kind == "f":
            expected = (kept[0][name] + 2 * kept[1][name] + 4 * kept[2][name]) / 7
        else:
            expected = kept[2][name]
        np.testing.assert_allclose(t.numpy(), expected, rtol=1e-5, atol=1e-7, err_msg=name)
    assert {t.dtype.kind for t in model.state_dict().values()} == {"f", "i"}


def test_applied_to_a_model_and_taken_back() -> None:
    model = nn.Linear(1, 1)
    average = ExponentialMovingAverage(0.5)
    for value in (1.0, 4.0):
        with al.no_grad():
            model.weight.fill_(value)
        average.update(model)
    with average.applied_to(model) as inside:
        assert inside is model
        assert model.weight.item() == 3
    assert model.weight.item() == 4

    def fails() -> None:
        with average.applied_to(model):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        fails()
    assert model.weight.item() == 4


def test_applied_to_a_model_that_does_not_fit() -> None:
    model, average = nn.Linear(1, 1), _averaged(nn.Linear(2, 1))
    before = model.weight.item()
    with pytest.raises(ValueError, match=r"weight.*\(1, 2\).*\(1, 1\)"), average.applied_to(model):
        pass
    assert model.weight.item() == before


@pytest.mark.parametrize("correction", [True, False])
def test_state_goes_on_exactly(correction: bool) -> None:
    rng = np.random.default_rng(0)
    for values in (
        list(rng.normal(size=20)), list(rng.normal(size=(20, 3)).astype(np.float32)),
        [{"a": a, "b": b} for a, b in zip(rng.normal(size=(20, 2)), rng.normal(size=20).astype(np.float32))],
        list(map(al.Tensor, rng.normal(size=20).astype(np.float32))),
    ):  # fmt: skip
        average = _averaged(*values[:10], beta=0.7, bias_correction=correction)
        state = average.state_dict()
        if isinstance(state["average"], float):
            state = json.loads(json.dumps(state))
        other = _averaged(5.0, beta=0.1)
        other.load_state_dict(state)
        for value in values[10:]:
            average.update(value)
            other.update(value)
        np.testing.assert_equal(other.value, average.value)
        np.testing.assert_equal(other.state_dict(), average.state_dict())


def test_state_before_the_first_update() -> None:
    other = _averaged(1.0, 2.0)
    other.load_state_dict(json.loads(json.dumps(ExponentialMovingAverage(0.5).state_dict())))
    other.update([1.0, 2.0])
    assert other.value.tolist() == [1, 2]


def test_bad_input_changes_nothing() -> None:
    average = _averaged(np.ones(3))
    before = average.state_dict()
    good = {"beta": 0.5, "bias_correction": True, "steps": 1, "average": 3.0}
    for call, error, message in (
        (lambda: average.update(np.ones(2)), ValueError, r"\(2,\) instead of \(3,\)"),
        (lambda: average.update({"w": np.ones(2)}), ValueError, r"'w' \(2,\) instead of None"),
        (lambda: average.update("text"), TypeError, "not of a str: 'text'"),
        (lambda: average.load_state_dict({}), ValueError, "not of an ExponentialMovingAverage"),
        (lambda: average.load_state_dict({**good, "more": 1}), ValueError, "it has .*more"),
        (lambda: average.load_state_dict({**good, "beta": 1.0}), ValueError, r"beta .*1\.0"),
        (lambda: average.load_state_dict({**good, "steps": -1}), ValueError, "-1 steps"),
        (lambda: average.load_state_dict({**good, "steps": 0}), ValueError, "0 steps and an average"),
        (lambda: average.load_state_dict({**good, "average": None}), ValueError, "1 steps and no average"),
        (lambda: average.load_state_dict({**good, "average": "x"}), TypeError, "'x'"),
    ):
        with pytest.raises(error, match=message):
            call()
        np.testing.assert_equal(average.state_dict(), before)


@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_a_beta_out_of_range(beta: float) -> None:
    with pytest.raises(ValueError, match=f"beta .*{beta}"):
        ExponentialMovingAverage(beta)


def test_no_value_before_the_first_update() -> None:
    for name in ("value", "average"):
        with pytest.raises(ValueError, match=r"call update\(\) first"):
            getattr(ExponentialMovingAverage(), name)
    with pytest.raises(ValueError, match=r"call update\(\) first"):
        ExponentialMovingAverage().copy_to(nn.Linear(1, 1))


def test_numbers_by_name_are_averaged_as_numbers_are() -> None:
    """Whole numbers too: only tensors of integers, such as a count of batches, are taken over."""
    average = _averaged({"a": 1, "b": 0.5}, {"a": 3.0, "b": 1}, beta=0.5)
    assert {name: float(v) for name, v in average.value.items()} == pytest.approx({"a": 7 / 3, "b": 5 / 6})
    with pytest.raises(ValueError, match=r"'a' \(\) of integers instead of \(\)"):
        average.update({"a": np.array(3), "b": 1.0})
    assert average.steps == 2
