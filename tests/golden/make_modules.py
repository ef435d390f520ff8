"""Make modules.npz: what PyTorch's losses and activations give for the cases of tests/module_cases.py.

Run where PyTorch is installed, from the project's root: ``PYTHONPATH=tests python tests/golden/make_modules.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from module_cases import CASES, Case


class Hardsigmoid(torch.nn.Module):
    """PyTorch's own has the slope 1/6 in the digits of float32, whatever the dtype."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.relu6(z + 3) / 6


OWN = {"Hardsigmoid": Hardsigmoid}


def run(case: Case) -> list[np.ndarray]:
    """The output, and for a cotangent of cos(0), cos(1), … the gradients of the floating inputs and the parameters."""
    options: dict[str, Any] = {
        key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in case.options.items()
    }
    module = OWN.get(case.name, getattr(torch.nn, case.name))(**options).double()
    inputs = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in case.inputs]
    out = module(*inputs)
    out.backward(torch.cos(torch.arange(out.numel(), dtype=out.dtype)).reshape(out.shape))
    leaves = [*[x for x in inputs if x.requires_grad], *module.parameters()]
    return [out.detach().numpy(), *[leaf.grad.numpy() for leaf in leaves]]


def main() -> None:
    """Write the file."""
    stored = {f"{i}-{j}": part for i, case in enumerate(CASES) for j, part in enumerate(run(case))}
    np.savez_compressed(Path(__file__).with_name("modules.npz"), **stored)
    print(f"{len(stored)} arrays; torch {torch.__version__}")


if __name__ == "__main__":
    main()
