"""Values and gradients that PyTorch gave for the registry's samples (made by golden/make_ops.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_ops import CASES

import autograd_lite as al
from autograd_lite.op import Op, Sample

GOLDEN = np.load(Path(__file__).parent / "golden" / "ops.npz")
ANSWERED = [c for c in CASES if f"{c.id}-0" in GOLDEN]


def test_most_operations_have_golden_values() -> None:
    assert len({c.id.rsplit("-", 1)[0] for c in ANSWERED}) >= 90


@pytest.mark.parametrize(("record", "sample"), ANSWERED)
def test_agrees_with_pytorch(record: Op, sample: Sample, request: pytest.FixtureRequest) -> None:
    key = request.node.callspec.id
    args = [
        al.Tensor(a, requires_grad=record.differentiable and a.dtype.kind == "f") if isinstance(a, np.ndarray) else a
        for a in sample.args
    ]
    out = record.public(*args, **sample.params)
    np.testing.assert_allclose(out.numpy(), GOLDEN[f"{key}-0"], rtol=1e-10, atol=1e-12)
    if f"{key}-1" not in GOLDEN:
        return
    if out.requires_grad:
        out.backward(np.cos(np.arange(out.numel(), dtype=float)).reshape(out.shape))
    floating = [a for a in args if isinstance(a, al.Tensor) and a.dtype.kind == "f"]
    for j, tensor in enumerate(floating, 1):
        got = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(got, GOLDEN[f"{key}-{j}"], rtol=1e-10, atol=1e-12)
