"""Schedules: the learning rate as a function of the time t, counted in epochs or in batches.

A schedule is made with its optimizer, which then has the rate of t = 0; each `step` adds one to t.  By the cheat sheet:
`StepDecay`, `ExponentialDecay`, `InverseTimeDecay`; by PyTorch's names all the rest.

>>> import autograd_lite as al
>>> from nn.optim import SGD
>>> optimizer = SGD([al.tensor([1.0], requires_grad=True)], lr=0.8)
>>> schedule = InverseTimeDecay(optimizer, 1.0)
>>> for epoch in range(3):
...     print(optimizer.param_groups[0]["lr"])
...     schedule.step()
0.8
0.4
0.26666666666666666
"""

from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from .cyclic import CyclicLR
from .decay import (
    ConstantLR,
    ExponentialDecay,
    ExponentialLR,
    InverseTimeDecay,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepDecay,
    StepLR,
)
from .joined import ChainedScheduler, SequentialLR
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
    "ExponentialDecay", "ExponentialLR", "InverseTimeDecay", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
    "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepDecay", "StepLR",
]  # fmt: skip
