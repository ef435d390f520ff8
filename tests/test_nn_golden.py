"""Losses and activations against what PyTorch's of the same names and options gave (made by golden/make_modules.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from module_cases import CASES, Case

import autograd_lite as al
import nn

GOLDEN = np.load(Path(__file__).parent / "golden" / "modules.npz")


def _shown(case: Case) -> str:
    return f"{case.name}({', '.join(case.options)})"


@pytest.mark.parametrize(("number", "case"), [pytest.param(i, case, id=_shown(case)) for i, case in enumerate(CASES)])
def test_agrees_with_pytorch(number: int, case: Case) -> None:
    """The output and, for a cotangent of cos(0), cos(1), …, the gradients of the floating inputs and the parameters."""
    options = {k: al.Tensor(v) if isinstance(v, np.ndarray) else v for k, v in case.options.items()}
    module = getattr(nn, case.name)(**options).double()
    inputs = [al.Tensor(array, requires_grad=array.dtype.kind == "f") for array in case.inputs]
    out = module(*inputs)
    out.backward(np.cos(np.arange(out.numel(), dtype=float)).reshape(out.shape))
    leaves = [*[x for x in inputs if x.requires_grad], *module.parameters()]
    got = [out.detach().numpy(), *[leaf.grad.numpy() for leaf in leaves]]
    stored = [GOLDEN[f"{number}-{j}"] for j in range(len(got))]
    for ours, theirs in zip(got, stored, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_every_golden_value_is_compared() -> None:
    assert {int(key.split("-")[0]) for key in GOLDEN} == set(range(len(CASES)))


def test_every_loss_and_activation_has_a_case() -> None:
    """But the cheat sheet's own loss, which PyTorch has not."""
    public = {*nn.losses.__all__, *[name for name in nn.layers.activation.__all__ if name[0].isupper()]}
    assert public - {case.name for case in CASES} == {"CategoricalCrossEntropyLoss", "ACTIVATIONS"}
