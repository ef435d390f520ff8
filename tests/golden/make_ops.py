"""Make ops.npz: values and gradients of PyTorch for the registry's sample inputs.

Run where PyTorch is installed, from the project's root: ``python tests/golden/make_ops.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from autograd_lite.op import REGISTRY, Op, Sample

NAMES = {"axis": "dim", "keepdims": "keepdim"}
OWN = {  # operations that PyTorch has under another name, or with its arguments in another order
    "embedding": F.embedding,
    "astype": lambda x, dtype: x.to(torch.float64),
    "leaky_relu": F.leaky_relu,
}


def torch_function(name: str):
    """PyTorch's function of that name, or None."""
    for owner in (torch, F, torch.special, torch.Tensor):
        if name in OWN:
            return OWN[name]
        if callable(getattr(owner, name, None)):
            return getattr(owner, name)
    return None


def run(record: Op, sample: Sample) -> list[np.ndarray] | None:
    """Output, and gradients for a cotangent of cos(0), cos(1), …; None where PyTorch refuses."""
    function = torch_function(record.name)
    if function is None:
        return None
    args = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in sample.args]
    floating = [a for a in args if isinstance(a, torch.Tensor) and a.is_floating_point()]
    for a in floating:
        a.requires_grad_(record.differentiable)
    params = {NAMES.get(k, k): torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in sample.params.items()}
    try:
        out = function(*args, **params)
    except (TypeError, RuntimeError, ValueError, IndexError):
        return None
    if not isinstance(out, torch.Tensor):
        return None
    parts = [out.detach().numpy()]
    if out.requires_grad:
        cotangent = torch.cos(torch.arange(out.numel(), dtype=out.dtype)).reshape(out.shape)
        try:
            grads = torch.autograd.grad(out, floating, cotangent, allow_unused=True)
        except RuntimeError:  # no derivative there
            return parts
        parts += [np.zeros(a.shape) if g is None else g.numpy() for a, g in zip(floating, grads)]
    return parts


def main() -> None:
    """Write the file, and tell which operations PyTorch did not answer."""
    stored: dict[str, np.ndarray] = {}
    unanswered = set()
    for record in REGISTRY.values():
        for i, sample in enumerate(record.samples(np.random.default_rng(7))):
            parts = run(record, sample)
            # With dim=() PyTorch's var has a finite value and an infinite gradient: no reference for anyone.
            if parts is None or (np.isfinite(parts[0]).all() and not all(np.isfinite(p).all() for p in parts)):
                unanswered.add(record.name)
                continue
            for j, part in enumerate(parts):
                stored[f"{record.name}-{i}-{j}"] = part
    np.savez_compressed(Path(__file__).with_name("ops.npz"), **stored)
    print(f"{len(stored)} arrays; not answered: {' '.join(sorted(unanswered))}; torch {torch.__version__}")


if __name__ == "__main__":
    main()
