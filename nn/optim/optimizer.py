"""The base of all optimizers: parameter groups, state, checks.  A subclass writes only `update`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite import Tensor, kernels
from autograd_lite.kernels import SMALL, threads
from autograd_lite.modes import enable_grad
from autograd_lite.writes import log_write

from ..checks import check_at_least_zero
from ..module import clear_gradients

__all__ = ["Optimizer"]

State = dict[str, Any]  # of one parameter: arrays of its shape, and numbers

GRAIN = 1 << 14  # weights that one thread updates in some 5 µs


class Optimizer:
    """Holds parameters in groups, each with its own hyperparameters: ``[{"params": [...], "lr": 0.1}, …]``.

    A subclass passes its hyperparameters to this constructor and defines `update` and `check`.  Raises TypeError for
    parameters that are not Tensors; ValueError for none, a computed tensor, one given twice, a bad hyperparameter.
    """

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(f"an optimizer takes a list of parameters, not one Tensor: [{type(params).__name__}]")
        given = list(params)
        if not given:
            raise ValueError(f"{type(self).__name__} got no parameters: the list is empty")
        self.defaults = dict(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, State] = {}
        self._largest = 0  # elements of a parameter
        self._together = type(self).update.__module__.startswith(f"{__package__}.")
        self._waiting: dict[Any, list[Any]] = {}  # for kernels: what to do it with, by what is to be done
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Train more parameters, with hyperparameters of their own.  Raises as the constructor does."""
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f"a parameter group is a dict with 'params', not {group!r:.80}")
        unknown = [name for name in group if name not in ("params", "initial_lr", *self.defaults)]
        if unknown:
            raise ValueError(f"{type(self).__name__} has no {', '.join(unknown)}; it has {', '.join(self.defaults)}")
        params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        known = {p for other in self.param_groups for p in other["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"parameter {i} is a {type(p).__name__}, not a Tensor: {p!r:.60}")
            if not p.is_leaf:
                raise ValueError(f"parameter {i} was computed: {p!r}; only leaves can be optimized")
            if p in known:
                raise ValueError(f"parameter {i}, of shape {p.shape}, is given twice")
            known.add(p)
        if not params:
            raise ValueError(f"{type(self).__name__} got a group without parameters")
        full = {**self.defaults, **group, "params": params}
        self._check(full)
        self.param_groups.append(full)
        self._largest = max(self._largest, *[p.numel() for p in params])

    # -- what a subclass writes ---------------------------------------------------------------------------------------

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ValueError for a hyperparameter out of range."""

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        """Change the array ``w`` in place, given its gradient ``g``, which must not be written, and its ``state``."""
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def apply(
        self, rule: Callable[..., None], w: np.ndarray, g: np.ndarray, state: Sequence[np.ndarray | None],
        numbers: Sequence[float], *flags: bool,
    ) -> None:  # fmt: skip
        """Change ``w`` and ``state`` in place by a rule of `autograd_lite.kernels.rules`.

        NumPy does it for small models and unusual parameters, else a kernel: for all parameters together at the end of
        the step, but at once for a class with an `update` of its own, which may go on with ``w``.  Raises ValueError
        for a state of another shape than the parameter.
        """
        for array in state:
            if array is not None and array.shape != w.shape:
                raise ValueError(
                    f"{type(self).__name__}: the parameter has shape {w.shape}, its state {array.shape}: the shape "
                    "changed after the first step; make a new optimizer"
                )
        dtype = w.dtype
        if self._largest > SMALL and dtype.char in "fd" and g.shape == w.shape and _are_plain(dtype, w, *state):
            kind = rule, dtype, tuple([None if a is None else True for a in state]), flags
            self._waiting.setdefault(kind, []).append(((w, np.ascontiguousarray(g, dtype), *state), numbers))
            if not self._together:
                self._run_kernels()
        else:
            if g.dtype.itemsize < 4:
                g = g.astype(np.float32)
            rule(..., w, g, *state, *numbers, *flags)

    def _run_kernels(self) -> None:
        """Carry out what `apply` has left to kernels."""
        waiting, self._waiting = self._waiting, {}
        for (rule, dtype, given, flags), rows in waiting.items():
            table, total = [], 0
            for arrays, _ in rows:
                table.append([total, arrays[0].size, *map(id, arrays)])
                total += arrays[0].size
            threads.run(
                getattr(kernels.update, rule.__name__), total, np.array(table, np.int64),
                np.array([numbers for _, numbers in rows], dtype), given, *flags, grain=GRAIN,
            )  # fmt: skip

    # -- use ----------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.  ``closure``, if given, computes the loss first; it is returned.

        Raises ValueError for a parameter whose shape has changed since the first step.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        written: list[np.ndarray] = []
        self._waiting.clear()  # of a step that failed
        try:
            for group in self.param_groups:
                for p in group["params"]:
                    gradient = p.grad
                    if gradient is not None:
                        state = self.state.get(p)
                        if state is None:
                            state = self.state[p] = {}
                        written.append(p._array)
                        self.update(p._array, gradient._array, state, group)
            self._run_kernels()
        finally:
            log_write(f"{type(self).__name__}.step", *written)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        clear_gradients([p for group in self.param_groups for p in group["params"]], set_to_none)

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state by position of the parameter, and of the groups with positions for parameters."""
        position = self._positions()
        return {
            "state": {position[p]: _copied(state) for p, state in self.state.items()},
            "param_groups": [{**g, "params": [position[p] for p in g["params"]]} for g in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state.

        Raises ValueError where groups, parameters or shapes do not fit, TypeError for what is no state; then nothing
        was changed.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise TypeError(f"an optimizer's state has 'state' and 'param_groups', this is {state_dict!r:.60}")
        groups = state_dict["param_groups"]
        sizes, own = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise ValueError(f"the state has groups of {sizes} parameters, this {type(self).__name__} of {own}")
        for group in groups:
            unknown = set(group) - {"initial_lr"} ^ {"params", *self.defaults}
            if unknown:
                names = ", ".join(sorted(unknown))
                raise ValueError(f"the state is not of {type(self).__name__}: {names} do not match")
            self._check(group)
        parameters = list(self._positions())
        numbers = [i for g in groups for i in g["params"]]
        loaded: dict[Tensor, State] = {}
        for i, given in state_dict["state"].items():
            if int(i) not in numbers:
                raise ValueError(f"the state has a parameter {i}, its groups have {numbers}")
            p = parameters[numbers.index(int(i))]
            state = {name: value.numpy() if isinstance(value, Tensor) else value for name, value in given.items()}
            for name, value in state.items():
                if isinstance(value, np.ndarray) and value.shape != p.shape:
                    raise ValueError(f"{name} of parameter {i} has shape {value.shape}, the parameter has {p.shape}")
            step = state.get("step", 0)
            if isinstance(step, bool) or not isinstance(step, (int, np.integer)) or step < 0:
                raise ValueError(f"step of parameter {i} must be a whole number of at least 0, got {step!r}")
            loaded[p] = _copied(state, _precise(p.dtype))
        for mine, group in zip(self.param_groups, groups, strict=True):
            mine.update({**group, "params": mine["params"]})
        self.state = loaded

    def _check(self, group: Mapping[str, Any]) -> None:
        """Check what a subclass does not know of, and what it does."""
        if "initial_lr" in group:  # where a schedule starts from
            check_at_least_zero(group, "initial_lr")
        self.check(group)

    def _positions(self) -> dict[Tensor, int]:
        """The parameters in order, numbered."""
        return {p: i for i, p in enumerate([p for g in self.param_groups for p in g["params"]])}

    def __repr__(self) -> str:
        shown = [", ".join(f"{k}={v}" for k, v in g.items() if k != "params") for g in self.param_groups]
        return f"{type(self).__name__}({'; '.join(shown)})"


def _copied(state: State, dtype: Any = None) -> State:
    return {k: np.array(v, dtype=dtype or v.dtype) if isinstance(v, np.ndarray) else v for k, v in state.items()}


def _precise(dtype: np.dtype) -> np.dtype:
    """In what the update of a parameter is computed: at least float32, since g² of a small g is 0 in float16."""
    return np.result_type(dtype, np.float32)


def _are_plain(dtype: np.dtype, *arrays: np.ndarray | None) -> bool:
    return all(a is None or (a.dtype == dtype and a.flags.c_contiguous) for a in arrays)


def kept(state: State, name: str, w: np.ndarray, start: float = 0.0) -> np.ndarray:
    """An array of the state; at first all ``start``."""
    found: np.ndarray | None = state.get(name)
    if found is None:
        found = state[name] = np.full_like(w, start, _precise(w.dtype))
    return found
