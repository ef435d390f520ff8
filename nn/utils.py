"""What is done to a whole model: clipping gradients, one vector of all parameters, evaluation for a while."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from autograd_lite import Tensor, cat, no_grad

from .module import Module

__all__ = ["clip_grad_norm_", "clip_grad_value_", "evaluating", "parameters_to_vector", "vector_to_parameters"]


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and nothing is recorded; then each part has the mode it had before.

    >>> import nn
    >>> model = nn.Dropout(0.5)
    >>> with evaluating(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Shorten all gradients together, in place, to a norm of ``max_norm``; returns what their norm was, 0-d.

    ``g ← g · min(1, max_norm / (‖g‖ + 1e-6))`` with one norm for all (Pascanu, Mikolov & Bengio 2013), ``norm_type`` 2
    or any p above 0, ``float("inf")`` for the largest.  A norm that is infinite or NaN shortens nothing (in PyTorch it
    makes gradients NaN): the gradients stay as they are, with a RuntimeWarning, or with ``error_if_nonfinite`` a
    RuntimeError.  Raises ValueError for a negative max_norm and for a norm_type of 0 or less, RuntimeError for a
    gradient that was expanded and cannot be written.

    >>> import autograd_lite as al
    >>> w = al.zeros(2, requires_grad=True)
    >>> w.grad = al.tensor([3.0, 4.0])
    >>> clip_grad_norm_(w, max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6, 0.8])
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be at least 0, got {max_norm}")
    if not norm_type > 0:
        raise ValueError(f"norm_type must be above 0, got {norm_type}")
    gradients = _gradients(parameters)
    arrays = [g._array.astype(np.float64, copy=False).reshape(-1) for g in gradients if g.numel()]
    with np.errstate(over="ignore"):
        total = float(np.linalg.norm([np.linalg.norm(a, norm_type) for a in arrays], norm_type)) if arrays else 0.0
    if not math.isfinite(total):
        if error_if_nonfinite:
            raise RuntimeError(f"the norm of the gradients is {total}: they cannot be clipped, and were not changed")
        warnings.warn(f"the norm of the gradients is {total}: they were not clipped", RuntimeWarning, stacklevel=2)
    elif max_norm < total + 1e-6:
        with no_grad():
            for g in gradients:
                g.mul_(max_norm / (total + 1e-6))
    with np.errstate(over="ignore"):
        return Tensor(np.array(total).astype(np.result_type(np.float32, *(g.dtype for g in gradients))))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Cut every element of all gradients, in place, to ``[−clip_value, clip_value]``; NaN stays NaN.

    Raises ValueError for a negative clip_value, RuntimeError for a gradient that was expanded.
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_value must be at least 0, got {clip_value}")
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters one after the other, as one vector ``(n,)``; gradients flow through it."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vector: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of a vector ``(n,)`` into the parameters, in the order of `parameters_to_vector`.

    Raises ValueError for another number of elements than the parameters have; then nothing was changed.
    """
    targets = list(parameters)
    n = sum(p.numel() for p in targets)
    if vector.shape != (n,):
        raise ValueError(f"the parameters have {n} elements, the vector has shape {vector.shape}")
    start = 0
    with no_grad():
        for p in targets:
            p.copy_(vector[start : start + p.numel()].reshape(p.shape))
            start += p.numel()


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients of those that have one, all of which can be written.  Raises before any is."""
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for i, p in enumerate(given):
        if not isinstance(p, Tensor):
            raise TypeError(f"parameter {i} is a {type(p).__name__}, not a Tensor: {p!r:.60}")
        if p.grad is not None and not p.grad._array.flags.writeable:
            raise RuntimeError(f"the gradient of parameter {i}, of shape {p.shape}, was expanded; use clone() first")
    return [p.grad for p in given if p.grad is not None]
