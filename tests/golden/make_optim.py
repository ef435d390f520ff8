"""Makes tests/golden/optim.npz: PyTorch's optimizers on a fixed sequence of gradients, its schedules, its clipping.

    python tests/golden/make_optim.py        (needs torch)

For each case of CASES: the weights after every step, from ``start`` with the gradients ``gradients``, in float64, and
as ``CASE/float32`` in float32.  For each case of SCHEDULES: the rates of both groups of `groups` at t = 0, 1, …, STEPS,
and as ``CASE/momentum`` the first group's momentum.  For each case of CLIPPED: what becomes of the last two of
``gradients``, as the gradients of two parameters, and as ``CASE/norm`` their norm.
"""

from pathlib import Path

import numpy as np

CASES = {
    "sgd": ("SGD", {"lr": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "dampening": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "decay": ("SGD", {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.2}),
    "maximize": ("SGD", {"lr": 0.1, "momentum": 0.5, "maximize": True}),
    "rmsprop": ("RMSprop", {"lr": 0.01}),
    "rmsprop_options": ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.3, "maximize": True}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    "adam": ("Adam", {"lr": 0.1}),
    "adam_betas": ("Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}),
    "adam_decay": ("Adam", {"lr": 0.05, "weight_decay": 0.3}),
    "adam_maximize": ("Adam", {"lr": 0.05, "maximize": True}),
    "adam_amsgrad": ("Adam", {"lr": 0.05, "betas": (0.9, 0.5), "amsgrad": True, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.1}),
    "adamw_options": (
        "AdamW",
        {"lr": 0.05, "betas": (0.5, 0.6), "eps": 1e-3, "weight_decay": 0.5, "amsgrad": True, "maximize": True},
    ),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adagrad_options": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3,
         "maximize": True},
    ),
    "adadelta": ("Adadelta", {}),
    "adadelta_options": (
        "Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.3, "maximize": True},
    ),
}  # fmt: skip

STEPS = 20

SCHEDULES = {
    "step": ("StepLR", {"step_size": 3, "gamma": 0.5}),
    "multi_step": ("MultiStepLR", {"milestones": [2, 5, 5, 11], "gamma": 0.3}),
    "exponential": ("ExponentialLR", {"gamma": 0.8}),
    "lambda": ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + 0.5 * t)}),
    "lambdas": ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1.0 + t]}),
    "linear": ("LinearLR", {}),
    "linear_down": ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 13}),
    "constant": ("ConstantLR", {"factor": 0.2, "total_iters": 4}),
    "cosine": ("CosineAnnealingLR", {"T_max": 20}),
    "cosine_past_its_end": ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 6, "eta_min": 0.005}),
    "restarts_longer": ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2}),
    "multiplicative": ("MultiplicativeLR", {"lr_lambda": lambda t: 1 - 0.5 / (1 + t)}),
    "multiplicatives": ("MultiplicativeLR", {"lr_lambda": [lambda t: 0.9, lambda t: 1 + 1 / t]}),
    "polynomial": ("PolynomialLR", {}),
    "polynomial_square": ("PolynomialLR", {"total_iters": 13, "power": 2.0}),
    "cyclic": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.25, "step_size_up": 4}),
    "cyclic_halved": (
        "CyclicLR",
        {"base_lr": [0.01, 0.002], "max_lr": [0.5, 0.1], "step_size_up": 2, "step_size_down": 5, "mode": "triangular2",
         "base_momentum": [0.6, 0.5], "max_momentum": [0.95, 0.9]},
    ),
    "cyclic_exponential": (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.25, "step_size_up": 3.5, "step_size_down": 0, "mode": "exp_range", "gamma": 0.9,
         "cycle_momentum": False},
    ),
    "cyclic_function": (
        "CyclicLR", {"base_lr": 0.01, "max_lr": 0.25, "step_size_up": 3, "scale_fn": lambda cycle: 1 / cycle},
    ),
    "cyclic_function_of_steps": (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.25, "step_size_up": 3, "scale_fn": lambda t: 1 / (1 + t),
         "scale_mode": "iterations"},
    ),
    "one_cycle": ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 1}),
    "one_cycle_linear": (
        "OneCycleLR",
        {"max_lr": [0.5, 0.1], "epochs": 7, "steps_per_epoch": 3, "anneal_strategy": "linear", "pct_start": 0.4,
         "div_factor": 10.0, "final_div_factor": 50.0, "base_momentum": 0.6, "max_momentum": 0.8},
    ),
    "one_cycle_three_phases": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 24, "three_phase": True}),
    "one_cycle_at_once": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 30, "pct_start": 0.0, "cycle_momentum": False}),
    "plateau": ("ReduceLROnPlateau", {"patience": 2}),
    "plateau_max": (
        "ReduceLROnPlateau",
        {"mode": "max", "factor": 0.5, "patience": 0, "threshold": 0.2, "cooldown": 2, "min_lr": [0.03, 0.0]},
    ),
    "plateau_absolute": (
        "ReduceLROnPlateau",
        {"factor": 0.3, "patience": 1, "threshold": 0.1, "threshold_mode": "abs", "eps": 0.002},
    ),
    "plateau_max_absolute": (
        "ReduceLROnPlateau", {"mode": "max", "factor": 0.7, "patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
    ),
}  # fmt: skip

# A warm-up and what follows; and one with a cycle of momentum in the middle.
SEQUENCES = {
    "warm_up": ([("LinearLR", {"start_factor": 0.1, "total_iters": 5}), ("CosineAnnealingLR", {"T_max": 16})], [5]),
    "three": (
        [("ConstantLR", {"factor": 0.5, "total_iters": 100}), ("StepLR", {"step_size": 2, "gamma": 0.5}),
         ("ExponentialLR", {"gamma": 0.7})],
        [4, 11],
    ),
}  # fmt: skip

# A warm-up and a decay; factors of all kinds; a sequence in a chain; what does not look at the rate before.
CHAINS = {
    "chained": [("ConstantLR", {"factor": 0.1, "total_iters": 6}), ("ExponentialLR", {"gamma": 0.9})],
    "chained_cosine": [
        ("MultiplicativeLR", {"lr_lambda": lambda t: 0.95}), ("CosineAnnealingLR", {"T_max": 30}),
        ("MultiStepLR", {"milestones": [4, 9], "gamma": 0.3}), ("PolynomialLR", {"total_iters": 18, "power": 0.5}),
    ],
    "chained_sequence": ["warm_up", ("StepLR", {"step_size": 7, "gamma": 0.5})],
    "chained_cycle": [
        ("StepLR", {"step_size": 2}), ("CyclicLR", {"base_lr": [0.1, 0.02], "max_lr": 0.5, "step_size_up": 5}),
    ],
}  # fmt: skip

CLIPPED = {
    "clip": ("clip_grad_norm_", {"max_norm": 0.5}),
    "clip_nothing": ("clip_grad_norm_", {"max_norm": 100.0}),
    "clip_all": ("clip_grad_norm_", {"max_norm": 0.0}),
    "clip_sum": ("clip_grad_norm_", {"max_norm": 0.5, "norm_type": 1}),
    "clip_cubes": ("clip_grad_norm_", {"max_norm": 0.5, "norm_type": 3.0}),
    "clip_largest": ("clip_grad_norm_", {"max_norm": 0.5, "norm_type": float("inf")}),
    "clip_value": ("clip_grad_value_", {"clip_value": 0.3}),
}

METRICS = [
    1.0,
    0.8,
    0.79,
    0.95,
    float("nan"),
    0.9,
    0.5,
    0.52,
    0.51,
    0.5,
    0.49,
    0.47,
    0.6,
    0.6,
    0.6,
    1.3,
    1.7,
    1.7,
    0.2,
    0.3,
]


def groups(make_parameter):
    """Two groups of parameters, with rates and momenta of their own."""
    return [{"params": [make_parameter()]}, {"params": [make_parameter()], "lr": 0.02, "momentum": 0.5}]


def rates(optimizer, schedule, takes_metrics):
    """The rates of both groups, and the momentum of the first, at t = 0, 1, …, STEPS."""
    found = []
    for metric in [*METRICS, None]:
        found.append([*(group["lr"] for group in optimizer.param_groups), optimizer.param_groups[0]["momentum"]])
        if metric is not None:
            optimizer.step()
            schedule.step(metric) if takes_metrics else schedule.step()
    found = np.array(found, np.float64)
    return found[:, :2], found[:, 2]


def make_schedule(lr_scheduler, optimizer, case):
    """The schedule of a case, from PyTorch's module of schedules or ours."""
    if isinstance(case, tuple) or case in SCHEDULES:
        name, options = case if isinstance(case, tuple) else SCHEDULES[case]
        return getattr(lr_scheduler, name)(optimizer, **options)
    if case in CHAINS:
        return lr_scheduler.ChainedScheduler([make_schedule(lr_scheduler, optimizer, part) for part in CHAINS[case]])
    parts, milestones = SEQUENCES[case]
    schedules = [make_schedule(lr_scheduler, optimizer, part) for part in parts]
    return lr_scheduler.SequentialLR(optimizer, schedules, milestones)


if __name__ == "__main__":
    import torch

    rng = np.random.RandomState(0)
    start, gradients = rng.normal(size=(2, 3)), rng.normal(size=(20, 2, 3)) * rng.choice([1e-9, 1e-3, 1.0], (20, 2, 3))
    arrays = {"start": start, "gradients": gradients}
    for case, (name, hyperparameters) in CASES.items():
        for dtype, key in ((torch.float64, case), (torch.float32, f"{case}/float32")):
            w = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
            optimizer = getattr(torch.optim, name)([w], **hyperparameters)
            path = []
            for g in gradients:
                w.grad = torch.tensor(g, dtype=dtype)
                optimizer.step()
                path.append(w.detach().numpy().copy())
            arrays[key] = np.stack(path)
    for case in [*SCHEDULES, *SEQUENCES, *CHAINS]:
        optimizer = torch.optim.SGD(groups(lambda: torch.nn.Parameter(torch.ones(1))), lr=0.1, momentum=0.9)
        schedule = make_schedule(torch.optim.lr_scheduler, optimizer, case)
        arrays[case], arrays[f"{case}/momentum"] = rates(optimizer, schedule, case.startswith("plateau"))
    for case, (name, options) in CLIPPED.items():
        parameters = [torch.nn.Parameter(torch.tensor(start)) for _ in range(2)]
        for w, g in zip(parameters, gradients[-2:]):
            w.grad = torch.tensor(g)
        norm = getattr(torch.nn.utils, name)(parameters, **options)
        arrays[case] = np.stack([w.grad.numpy() for w in parameters])
        if norm is not None:
            arrays[f"{case}/norm"] = norm.numpy()
    target = Path(__file__).with_name("optim.npz")
    np.savez_compressed(target, **arrays)
    print(target, target.stat().st_size, "bytes, torch", torch.__version__)
