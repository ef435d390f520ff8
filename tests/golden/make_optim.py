"""Makes tests/golden/optim.npz: PyTorch's SGD, RMSprop and Adam on a fixed sequence of gradients.

    python tests/golden/make_optim.py        (needs torch)

For each case of CASES: the weights after every step, float64, from ``start`` with the gradients ``gradients``.
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
}

if __name__ == "__main__":
    import torch

    rng = np.random.RandomState(0)
    start, gradients = rng.normal(size=(2, 3)), rng.normal(size=(20, 2, 3)) * rng.choice([1e-9, 1e-3, 1.0], (20, 2, 3))
    arrays = {"start": start, "gradients": gradients}
    for case, (name, hyperparameters) in CASES.items():
        w = torch.nn.Parameter(torch.tensor(start))
        optimizer = getattr(torch.optim, name)([w], **hyperparameters)
        path = []
        for g in gradients:
            w.grad = torch.tensor(g)
            optimizer.step()
            path.append(w.detach().numpy().copy())
        arrays[case] = np.stack(path)
    target = Path(__file__).with_name("optim.npz")
    np.savez_compressed(target, **arrays)
    print(target, target.stat().st_size, "bytes, torch", torch.__version__)
