"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.kernels import rules

from .optimizer import Optimizer, State, check_at_least_zero, kept

__all__ = ["SGD"]


class SGD(Optimizer):
    """``W ← W − α g``  (cheat sheet 2.3); with momentum μ, ``v ← μ v + (1 − dampening) g``, ``W ← W − α v``.

    ``nesterov`` steps along ``g + μ v`` instead (Sutskever et al. 2013); ``weight_decay`` λ adds ``λ W`` to g;
    ``maximize`` climbs.  All as in PyTorch: v starts as the first g.  (The cheat sheet's momentum, 2.6, weighs g by
    ``1 − β``: that is ``dampening=β``, but for the first step.)  Raises ValueError for a negative value, and for
    ``nesterov`` without momentum or with dampening.

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
