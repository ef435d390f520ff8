"""What PyTorch gave for the samples of all operations and composed functions (made by golden/make_ops.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_composed
import test_ops
from test_composed import flat, tensors

from autograd_lite.op import Op, Sample
from autograd_lite.ops.composed import Composed

GOLDEN = np.load(Path(__file__).parent / "golden" / "ops.npz")
CASES = [*test_ops.CASES, *test_composed.CASES]
UNANSWERED = {
    "slice-3", "place-3", "assign-3",  # PyTorch has no negative step
    # written twice: PyTorch does not say which write wins
    "assign-8", "assign-9", "assign-10", "assign-11", "assign-13", "assign-17", "assign-19", "assign-20",
}  # fmt: skip


def test_every_sample_has_golden_values() -> None:
    assert {c.id for c in CASES if f"{c.id}-0" not in GOLDEN} == UNANSWERED


def test_every_golden_value_is_of_a_sample() -> None:
    assert {key.rsplit("-", 1)[0] for key in GOLDEN} == {c.id for c in CASES} - UNANSWERED


@pytest.mark.parametrize(("record", "sample"), [c for c in CASES if c.id not in UNANSWERED])
def test_agrees_with_pytorch(record: Op | Composed, sample: Sample, request: pytest.FixtureRequest) -> None:
    """The outputs and, for a cotangent of cos(0), cos(1), … of each, the gradients of the floating arguments."""
    key = request.node.callspec.id
    stored = [GOLDEN[k] for j in range(9) if (k := f"{key}-{j}") in GOLDEN]
    args, params, leaves = tensors(sample)
    outputs: list[Any] = flat(record.public(*args, **params))
    for y in outputs:
        if y.requires_grad:
            y.backward(np.cos(np.arange(y.numel(), dtype=float)).reshape(y.shape), retain_graph=True)
    got = [y.numpy() for y in outputs]
    if len(stored) > len(outputs):  # else PyTorch has no gradient there
        got += [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in leaves]
    for ours, theirs in zip(got, stored, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
