"""Averages that forget: of a loss, of arrays, of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite import Tensor

from ..module import Module

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage:
    """``v_t = β v_{t−1} + (1 − β) θ_t``, v₀ = 0: an average over some ``1/(1 − β)`` steps  (cheat sheet 2.4).

    ``bias_correction``, the default, divides by what is missing at first: ``v̂_t = v_t / (1 − βᵗ)``  (cheat sheet 2.5).
    θ is a number, an array or Tensor, a model or a mapping of names to tensors or numbers, and always the same kind;
    numbers are averaged in float64, float32 in float32.  Of a model the whole state is averaged, but for tensors of
    integers, which are taken over.  Raises ValueError for a β outside [0, 1).

    >>> average = ExponentialMovingAverage(beta=0.9)
    >>> average.update(-0.058)
    >>> round(average.average, 6), round(average.value, 6)
    (-0.0058, -0.058)
    >>> round(average.window)
    10
    """

    def __init__(self, beta: float = 0.9, bias_correction: bool = True) -> None:
        self.beta, self.bias_correction = _checked(beta), bool(bias_correction)
        self.steps = 0
        self._arrays: dict[str, np.ndarray] = {}  # v, by name; of a number or one array the name is ""

    @property
    def window(self) -> float:
        """Over how many steps it averages, about: ``1/(1 − β)``."""
        return 1 / (1 - self.beta)

    def update(self, x: Any) -> None:
        """Take in the next θ.  Raises ValueError where its names or shapes are not those of the first one."""
        new = _named(x)
        forms, known = ({name: _form(a) for name, a in arrays.items()} for arrays in (new, self._arrays))
        if self.steps and forms != known:
            different = {k: (forms.get(k), known.get(k)) for k in forms | known if forms.get(k) != known.get(k)}
            listed = ", ".join(f"{name!r} " * bool(name) + f"{a} instead of {b}" for name, (a, b) in different.items())
            raise ValueError(f"an average is of one kind of thing; got shape {listed}")
        for name, a in new.items():
            if a.dtype.kind != "f":
                self._arrays[name] = a.copy()
                continue
            v = self._arrays.get(name)
            if v is None:
                v = self._arrays[name] = np.zeros(a.shape, np.result_type(a.dtype, np.float32))
            v *= self.beta
            v += (1 - self.beta) * a.astype(v.dtype, copy=False)
        self.steps += 1

    @property
    def average(self) -> Any:
        """v: a float, an array, or a dictionary of arrays.  Raises ValueError before the first update."""
        return self._divided(1.0)

    @property
    def value(self) -> Any:
        """v̂ if the bias is corrected, else v.  Raises ValueError before the first update."""
        return self._divided(1 - self.beta**self.steps if self.bias_correction else 1.0)

    def _divided(self, weight: float) -> Any:
        if not self.steps:
            raise ValueError("nothing was averaged yet: call update() first")
        divided = {name: v / weight if v.dtype.kind == "f" else v.copy() for name, v in self._arrays.items()}
        if set(divided) != {""}:
            return divided
        return divided[""] if self._arrays[""].ndim else float(divided[""])

    # -- models -------------------------------------------------------------------------------------------------------

    def copy_to(self, model: Module) -> None:
        """Give the averaged weights to a model.  Raises ValueError before the first update, and if they do not fit."""
        model.load_state_dict(self.value)

    @contextmanager
    def applied_to(self, model: Module) -> Iterator[Module]:
        """While the block runs, to evaluate it, the model has the averaged weights.  Raises as `copy_to` does."""
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.copy_to(model)
        try:
            yield model
        finally:
            model.load_state_dict(before)

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that it has: β, the number of steps, v."""
        average = self.average if self.steps else None
        return {"beta": self.beta, "bias_correction": self.bias_correction, "steps": self.steps, "average": average}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state.  Raises ValueError for one of something else; then nothing was changed."""
        if set(state_dict) != set(self.state_dict()):
            raise ValueError(f"the state is not of an {type(self).__name__}: it has {', '.join(map(str, state_dict))}")
        beta, steps, average = _checked(state_dict["beta"]), state_dict["steps"], state_dict["average"]
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0 or (steps > 0) != (average is not None):
            raise ValueError(f"the state has {steps!r} steps and {'no' if average is None else 'an'} average")
        arrays = {} if average is None else {name: np.array(a) for name, a in _named(average).items()}
        self.beta, self.bias_correction = beta, bool(state_dict["bias_correction"])
        self.steps, self._arrays = steps, arrays

    def __repr__(self) -> str:
        return f"{type(self).__name__}(beta={self.beta}, bias_correction={self.bias_correction}, steps={self.steps})"


def _checked(beta: float) -> float:
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1), got {beta}")
    return beta


def _named(x: Any) -> dict[str, np.ndarray]:
    """The arrays of a model or a mapping; a single array by the name ""."""
    if isinstance(x, Module):
        x = x.state_dict()
    if isinstance(x, Mapping):
        return {name: _array(v).astype(float) if isinstance(v, (int, float)) else _array(v) for name, v in x.items()}
    array = _array(x)
    if array.dtype.kind != "f" or not array.ndim:
        array = array.astype(np.float64)
    return {"": array}


def _form(array: np.ndarray) -> str:
    """What must stay the same from update to update."""
    return f"{array.shape}" if array.dtype.kind == "f" else f"{array.shape} of integers"


def _array(x: Any) -> np.ndarray:
    array = x._array if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"an average is of numbers, arrays, tensors or models, not of a {type(x).__name__}: {x!r:.60}")
    return array
