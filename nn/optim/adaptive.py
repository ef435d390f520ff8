"""Optimizers that adapt the step of each weight to its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.buffers import SMALL, empty

from .optimizer import Optimizer, State, check_at_least_zero

__all__ = ["Adam"]


class Adam(Optimizer):
    """Momentum and step size from bias-corrected averages of g and g²  (cheat sheet 2.6; Kingma & Ba 2015).

    ``v ← β₁ v + (1 − β₁) g``, ``S ← β₂ S + (1 − β₂) g²``, ``v̂ = v / (1 − β₁ᵗ)``, ``Ŝ = S / (1 − β₂ᵗ)``, then

    - ``W ← W − α v̂ / √(Ŝ + ε)``, the cheat sheet's form (``eps_inside_sqrt=True``, the default), or
    - ``W ← W − α v̂ / (√Ŝ + ε)``, PyTorch's and the paper's (``eps_inside_sqrt=False``).

    They differ for gradients near ``√ε`` = 1e-4 and below.  ``weight_decay`` λ adds ``λ W`` to g; ``maximize``
    climbs.  Raises ValueError for a negative value and for betas outside [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        eps_inside_sqrt: bool = True,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
             "eps_inside_sqrt": eps_inside_sqrt, "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers in [0, 1), got {betas}")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        if not state:
            state.update(step=0, v=np.zeros_like(w), s=np.zeros_like(w))
        state["step"] = t = state["step"] + 1
        v, s = state["v"], state["s"]
        v *= beta1
        v += g
        s *= beta2
        root = np.square(g, empty(w.shape, w.dtype) if w.size > SMALL else np.empty_like(w))
        s += root
        # v and s lack their factors 1 − β, which saves passes over the arrays: v̂ = v·a and Ŝ = s·b with the numbers
        a, b = (1 - beta1) / (1 - beta1**t), (1 - beta2) / (1 - beta2**t)
        # so that α v̂ / √(Ŝ + ε) = α a/√b · v / √(s + ε/b), and α v̂ / (√Ŝ + ε) = α a/√b · v / (√s + ε/√b).
        if group["eps_inside_sqrt"]:
            np.add(s, group["eps"] / b, root)
            np.sqrt(root, root)
        else:
            np.sqrt(s, root)
            root += group["eps"] / b**0.5
        change = np.divide(v, root, root)
        change *= group["lr"] * a / b**0.5
        w -= change
