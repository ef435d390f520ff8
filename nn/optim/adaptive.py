"""Optimizers that adapt the step of each weight to its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.kernels import rules

from ..checks import check_at_least_zero, check_below_one
from .optimizer import Optimizer, State, kept

__all__ = ["Adadelta", "Adagrad", "Adam", "AdamW", "RMSprop"]


class RMSprop(Optimizer):
    """Divides the step of each weight by the root of an average of its g²  (cheat sheet 2.6; Tieleman & Hinton 2012).

    ``S ← β S + (1 − β) g²`` with β = ``alpha``, then

    - ``W ← W − α g / √(S + ε)``, the cheat sheet's form (``eps_inside_sqrt=True``, the default), or
    - ``W ← W − α g / (√S + ε)``, PyTorch's (``eps_inside_sqrt=False``).

    ``centered`` takes the square of an average of g off S (Graves 2013); with ``momentum`` μ the quotient goes into
    ``v ← μ v + g / √(S + ε)`` and ``W ← W − α v``; ``weight_decay`` λ adds ``λ W`` to g; ``maximize`` climbs.  Raises
    ValueError for a negative value and for alpha outside [0, 1).

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> RMSprop([w], lr=0.05, alpha=0.75).step()  # S = 0.25·2², and 1 − 0.05·2/√S
    >>> w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        eps_inside_sqrt: bool = True,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
             "centered": centered, "eps_inside_sqrt": eps_inside_sqrt, "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "eps", "weight_decay", "momentum")
        check_below_one(group, "alpha")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        s = kept(state, "s", w)
        mean = kept(state, "mean", w) if group["centered"] else None
        v = kept(state, "momentum_buffer", w) if group["momentum"] else None
        alpha = group["alpha"]
        numbers = group["lr"], alpha, 1 - alpha, group["eps"], group["momentum"], group["weight_decay"]
        flags = bool(group["maximize"]), bool(group["eps_inside_sqrt"])
        self.apply(rules.rmsprop, w, g, (s, mean, v), numbers, *flags)


class Adam(Optimizer):
    """Momentum and step size from bias-corrected averages of g and g²  (cheat sheet 2.5, 2.6; Kingma & Ba 2015).

    ``v ← β₁ v + (1 − β₁) g``, ``S ← β₂ S + (1 − β₂) g²``, ``v̂ = v / (1 − β₁ᵗ)``, ``Ŝ = S / (1 − β₂ᵗ)``, then

    - ``W ← W − α v̂ / √(Ŝ + ε)``, the cheat sheet's form (``eps_inside_sqrt=True``, the default), or
    - ``W ← W − α v̂ / (√Ŝ + ε)``, PyTorch's and the paper's (``eps_inside_sqrt=False``).

    They differ for gradients near ``√ε`` = 1e-4 and below.  ``weight_decay`` λ adds ``λ W`` to g; ``amsgrad`` has the
    largest S so far for S (Reddi et al. 2018); ``maximize`` climbs.  Raises ValueError for a negative value and for
    betas outside [0, 1).
    """

    decoupled = False  # whether the weights decay beside the gradient, not in it

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        eps_inside_sqrt: bool = True,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
             "eps_inside_sqrt": eps_inside_sqrt, "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        numbers = betas if isinstance(betas, Sequence) else []
        if len(numbers) != 2 or not all(isinstance(b, (int, float, np.number)) and 0 <= b < 1 for b in numbers):
            raise ValueError(f"betas must be two numbers in [0, 1), got {betas!r}")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        inside, decay, keep = bool(group["eps_inside_sqrt"]), group["weight_decay"], 1.0
        if self.decoupled:
            keep, decay = 1 - group["lr"] * decay, 0.0
        state["step"] = t = state.get("step", 0) + 1
        # With c = 1 − βᵗ: α v̂ / √(Ŝ + ε) = α √c₂/c₁ · v / √(s + c₂ ε), and with ε outside … / (√s + √c₂ ε).
        c1, c2 = 1 - beta1**t, 1 - beta2**t
        eps = group["eps"] * (c2 if inside else c2**0.5)
        largest = kept(state, "largest", w) if group["amsgrad"] else None
        moments = kept(state, "v", w), kept(state, "s", w), largest
        rate = group["lr"] * c2**0.5 / c1
        numbers = rate, beta1, 1 - beta1, beta2, 1 - beta2, eps, keep, decay
        self.apply(rules.adam, w, g, moments, numbers, bool(group["maximize"]), inside)


class AdamW(Adam):
    """`Adam` with a weight decay beside the gradient: ``W ← (1 − α λ) W`` first  (Loshchilov & Hutter 2019).

    λ does not enter the averages, so that all weights decay at one rate; in Adam those with large gradients hardly do.
    λ = ``weight_decay`` is 0.01 as in PyTorch; all else is as in Adam, also ε, which is inside the root by default
    (``eps_inside_sqrt=False``: PyTorch's and the paper's).  Raises as Adam does.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> w.grad = al.zeros(1)
    >>> AdamW([w], lr=0.5, weight_decay=0.5).step()  # 1 − 0.5·0.5, and no gradient
    >>> w
    tensor([0.75], requires_grad=True)
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        eps_inside_sqrt: bool = True,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, eps_inside_sqrt=eps_inside_sqrt, maximize=maximize
        )


class Adagrad(Optimizer):
    """Divides the step of each weight by the root of the sum of all its g²  (Duchi, Hazan & Singer 2011).

    ``S ← S + g²``, ``W ← W − α / (1 + (t − 1) η) · g / (√S + ε)`` with η = ``lr_decay``; S starts as
    ``initial_accumulator_value``.  ``weight_decay`` λ adds ``λ W`` to g; ``maximize`` climbs.  As in PyTorch.  Raises
    ValueError for a negative value.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adagrad([w], lr=0.25).step()  # the first step is α long
    >>> w
    tensor([0.75], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay,
             "initial_accumulator_value": initial_accumulator_value, "eps": eps, "maximize": maximize},
        )  # fmt: skip

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        state["step"] = t = state.get("step", 0) + 1
        s = kept(state, "sum", w, group["initial_accumulator_value"])
        rate = group["lr"] / (1 + (t - 1) * group["lr_decay"])
        numbers = rate, 1.0, 1.0, group["eps"], 0.0, group["weight_decay"]  # RMSprop's rule: S ← 1·S + 1·g²
        self.apply(rules.rmsprop, w, g, (s, None, None), numbers, bool(group["maximize"]), False)


class Adadelta(Optimizer):
    """Steps as long as an average of the steps before, for each weight: no rate to choose  (Zeiler 2012).

    ``S ← ρ S + (1 − ρ) g²``, ``Δ = g √(U + ε) / √(S + ε)``, ``U ← ρ U + (1 − ρ) Δ²``, ``W ← W − α Δ`` with α = 1.
    ``weight_decay`` λ adds ``λ W`` to g; ``maximize`` climbs.  As in PyTorch.  Raises ValueError for a negative value
    and for rho outside [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, group: Mapping[str, Any]) -> None:
        check_at_least_zero(group, "lr", "eps", "weight_decay")
        check_below_one(group, "rho")

    def update(self, w: np.ndarray, g: np.ndarray, state: State, group: Mapping[str, Any]) -> None:
        squares, steps = kept(state, "s", w), kept(state, "u", w)
        rho = group["rho"]
        numbers = group["lr"], rho, 1 - rho, group["eps"], group["weight_decay"]
        self.apply(rules.adadelta, w, g, (squares, steps), numbers, bool(group["maximize"]))
