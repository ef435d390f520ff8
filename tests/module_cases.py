"""Losses and activations with PyTorch's names and options, on inputs that show them: for the golden values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """``name(**options)`` is called with ``inputs``; an array among the options becomes a tensor."""

    name: str
    options: dict[str, Any]
    inputs: list[np.ndarray]


RNG = np.random.default_rng(11)
Z = np.concatenate([RNG.normal(size=(3, 4)) * 2, [[-7.5, 6.25, 30.0, -30.0]]])
CHANNELS = RNG.normal(size=(2, 3, 4))
X, Y = RNG.normal(size=(4, 3)) * 2, RNG.normal(size=(4, 3))
P, Q = RNG.dirichlet(np.ones(3), 4), RNG.dirichlet(np.ones(3), 4)
BITS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.25], [0.0, 0.0, 1.0], [1.0, 1.0, 0.5]])
CLASSES, WEIGHT = np.array([2, 0, 1, 2]), np.array([0.5, 1.0, 2.0])
IMAGES, PIXELS = RNG.normal(size=(2, 3, 2, 2)), np.array([[[0, 1], [2, 1]], [[2, 2], [0, 1]]])
REDUCTIONS = [{}, {"reduction": "sum"}, {"reduction": "none"}]

ACTIVATIONS = [
    ("ReLU", {}), ("ReLU6", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyReLU", {"negative_slope": 0.01}),
    ("LeakyReLU", {"negative_slope": 0.3}), ("PReLU", {}), ("PReLU", {"init": 0.1}), ("ELU", {}),
    ("ELU", {"alpha": 0.5}), ("SELU", {}), ("GELU", {}), ("GELU", {"approximate": "tanh"}), ("SiLU", {}),
    ("Softplus", {}), ("Softplus", {"beta": 2.0, "threshold": 3.0}), ("Softsign", {}), ("LogSigmoid", {}),
    ("Hardtanh", {}), ("Hardtanh", {"min_val": -0.5, "max_val": 2.0}), ("GLU", {}), ("GLU", {"dim": 0}),
    ("Softmax", {"dim": 0}), ("Softmax", {"dim": 1}), ("LogSoftmax", {"dim": 0}), ("LogSoftmax", {"dim": 1}),
    ("Mish", {}), ("Hardswish", {}), ("Hardsigmoid", {}), ("CELU", {}), ("CELU", {"alpha": 0.5}), ("Hardshrink", {}),
    ("Hardshrink", {"lambd": 2.0}), ("Softshrink", {}), ("Softshrink", {"lambd": 2.0}), ("Tanhshrink", {}),
]  # fmt: skip

LOSSES = [
    *[(name, options, [X, Y]) for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss") for options in REDUCTIONS],
    ("SmoothL1Loss", {"beta": 0.5}, [X, Y]), ("SmoothL1Loss", {"beta": 0.0}, [X, Y]),
    ("HuberLoss", {"delta": 0.5}, [X, Y]),
    *[("BCELoss", options, [P, BITS]) for options in [*REDUCTIONS, {"weight": WEIGHT}]],
    *[("BCEWithLogitsLoss", options, [X, BITS])
      for options in [*REDUCTIONS, {"pos_weight": WEIGHT}, {"weight": WEIGHT, "pos_weight": WEIGHT}]],
    *[(name, options, [np.log(P), CLASSES]) for name in ("NLLLoss", "CrossEntropyLoss")
      for options in [*REDUCTIONS, {"weight": WEIGHT}, {"ignore_index": 2}, {"weight": WEIGHT, "ignore_index": 0}]],
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, [X, CLASSES]),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "weight": WEIGHT, "ignore_index": 1}, [X, CLASSES]),
    ("CrossEntropyLoss", {}, [X, P]), ("CrossEntropyLoss", {"label_smoothing": 0.2, "weight": WEIGHT}, [X, P]),
    ("CrossEntropyLoss", {"weight": WEIGHT}, [IMAGES, PIXELS]), ("NLLLoss", {"weight": WEIGHT}, [IMAGES, PIXELS]),
    *[("KLDivLoss", options, [np.log(P), Q]) for options in [*REDUCTIONS, {"reduction": "batchmean"}]],
    ("KLDivLoss", {"reduction": "batchmean", "log_target": True}, [np.log(P), np.log(Q)]),
]  # fmt: skip

CASES = [
    *[Case(name, options, [Z]) for name, options in ACTIVATIONS],
    Case("PReLU", {"num_parameters": 3}, [CHANNELS]),
    *[Case(*loss) for loss in LOSSES],
]
