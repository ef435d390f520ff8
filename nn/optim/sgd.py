"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.kernels import rules

from ..checks import check_at_least_zero, check_below_one
from .optimizer import Optimizer, State, kept

__all__ = ["SGD", "Momentum"]


class SGD(Optimizer):
    """``W ← W − α g``  (cheat sheet 2.3); with momentum μ, ``v ← μ v + (1 − dampening) g``, ``W ← W − α v``.

    ``nesterov`` steps along ``g + μ v`` instead (Sutskever et al. 2013); ``weight_decay`` λ adds ``λ W`` to g;
    ``maximize`` climbs.  All as in PyTorch: v starts as the first g.  The cheat sheet's momentum, which weighs g by
    ``1 − β``, is `Momentum`.  Raises ValueError for a negative value, and for ``nesterov`` without momentum or with
    dampening.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SGD([w], lr=0.25).step()
    >>> w
    tensor([0.5], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
             "nesterov": nesterov, "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "momentum", "dampening", "weight_decay")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "nesterov needs a momentum above 0 and no dampening, "
                f"got momentum {group['momentum']}, dampening {group['dampening']}"
            )

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        v, gain = None, 1 - group["dampening"]
        if group["momentum"]:
            gain = gain if "momentum_buffer" in state else 1.0
            v = kept(state, "momentum_buffer", w)
        numbers = group["lr"], group["momentum"], gain, group["weight_decay"]
        self.apply(rules.sgd, w, g, (v,), numbers, bool(group["maximize"]), bool(group["nesterov"]))


class Momentum(Optimizer):
    """Steps along an average of the gradients: ``v ← β v + (1 − β) g``, ``W ← W − α v``  (cheat sheet 2.6).

    v starts as 0; ``bias_correction`` divides it by ``1 − βᵗ`` (cheat sheet 2.5), so that the first steps are not too
    short.  ``weight_decay`` λ adds ``λ W`` to g; ``maximize`` climbs.  PyTorch's form, ``v ← μ v + g``, is
    ``SGD(momentum=μ)``: the same path with a rate of ``(1 − β) α``.  Raises ValueError for a negative value and for
    beta outside [0, 1).

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Momentum([w], lr=0.5, beta=0.75).step()  # v = 0.25·2, and 1 − 0.5·v
    >>> w
    tensor([0.75], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        beta: float = 0.9,
        weight_decay: float = 0.0,
        *,
        bias_correction: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "beta": beta, "weight_decay": weight_decay, "bias_correction": bias_correction,
             "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "weight_decay")
        check_below_one(group, "beta")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        beta, rate = group["beta"], group["lr"]
        state["step"] = t = state.get("step", 0) + 1
        if group["bias_correction"]:
            rate /= 1 - beta**t
        numbers = rate, beta, 1 - beta, group["weight_decay"]
        self.apply(rules.sgd, w, g, (kept(state, "v", w),), numbers, bool(group["maximize"]), False)
