"""Clipping against PyTorch's, bad gradients, vectors of parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden.make_optim import CLIPPED

import autograd_lite as al
import nn
from nn.utils import clip_grad_norm_, clip_grad_value_, evaluating, parameters_to_vector, vector_to_parameters

GOLDEN = np.load(Path(__file__).parent / "golden" / "optim.npz")


def _with_gradients(*gradients: object, dtype: object = np.float64) -> list[nn.Parameter]:
    parameters = []
    for g in gradients:
        array = np.asarray(g, dtype)
        parameters.append(nn.Parameter(np.zeros_like(array)))
        parameters[-1].grad = al.Tensor(array)
    return parameters


@pytest.mark.parametrize("case", CLIPPED)
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_clipping_is_pytorchs(case: str, dtype: type, error: float) -> None:
    name, options = CLIPPED[case]
    parameters = _with_gradients(*GOLDEN["gradients"][-2:], dtype=dtype)
    norm = getattr(nn.utils, name)([*parameters, nn.Parameter([1.0])], **options)
    for p, expected in zip(parameters, GOLDEN[case], strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad.numpy(), expected, rtol=error)
    if norm is not None:
        assert norm.dtype == dtype
        np.testing.assert_allclose(norm.item(), GOLDEN[f"{case}/norm"], rtol=error)


def test_clipping_is_in_place() -> None:
    (w,) = _with_gradients([3.0, 4.0])
    g = w.grad
    clip_grad_norm_(w, 1.0)
    assert w.grad is g
    np.testing.assert_allclose(g.numpy(), [0.6, 0.8], rtol=1e-6)
    clip_grad_value_(iter([w]), 0.7)
    assert w.grad is g
    np.testing.assert_allclose(g.numpy(), [0.6, 0.7], rtol=1e-6)


def test_large_gradients_do_not_overflow() -> None:
    """The squares of these are infinite in float16 and in float32."""
    for dtype, size in ((np.float16, 1e4), (np.float32, 1e30)):
        parameters = _with_gradients([3 * size, 4 * size], [0.0], dtype=dtype)
        assert clip_grad_norm_(parameters, 1.0).item() == pytest.approx(5 * size, rel=1e-3)
        np.testing.assert_allclose(parameters[0].grad.numpy(), [0.6, 0.8], rtol=2e-3)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("norm_type", [1, 2.0, np.inf])
def test_gradients_that_are_not_finite_stay_as_they_are(bad: float, norm_type: float) -> None:
    parameters = _with_gradients([1.0, bad], [2.0])
    with pytest.warns(RuntimeWarning, match="norm of the gradients is (inf|nan): they were not clipped"):
        norm = clip_grad_norm_(parameters, 1.0, norm_type)
    assert not np.isfinite(norm.item())
    with pytest.raises(RuntimeError, match=r"(inf|nan): they cannot be clipped, and were not changed"):
        clip_grad_norm_(parameters, 1.0, norm_type, error_if_nonfinite=True)
    np.testing.assert_array_equal(parameters[0].grad.numpy(), [1.0, bad])
    assert parameters[1].grad.tolist() == [2]


def test_values_are_cut_and_nan_stays() -> None:
    (w,) = _with_gradients([np.nan, np.inf, -np.inf, 0.5])
    clip_grad_value_([w], 2.0)
    np.testing.assert_array_equal(w.grad.numpy(), [np.nan, 2.0, -2.0, 0.5])


def test_nothing_to_clip() -> None:
    assert clip_grad_norm_([], 1.0).item() == clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0
    (empty,) = _with_gradients(np.zeros((0, 3)))
    assert clip_grad_norm_(empty, 1.0, float("inf")).item() == 0
    (zero,) = _with_gradients([0.0, 0.0])
    assert clip_grad_norm_(zero, 0.0).item() == 0
    assert zero.grad.tolist() == [0, 0]


def test_a_write_to_a_gradient_that_is_on_a_tape_is_noticed() -> None:
    w = nn.Parameter([2.0])
    (w**3).sum().backward(create_graph=True)
    loss = (w.grad**2).sum()
    clip_grad_norm_(w, 1.0)
    with pytest.raises(RuntimeError, match="mul_"):
        loss.backward()


def test_bad_input() -> None:
    (w,) = _with_gradients([3.0, 4.0])
    for call, error, message in (
        (lambda: clip_grad_norm_(w, -1.0), ValueError, r"max_norm .*-1\.0"),
        (lambda: clip_grad_norm_(w, float("nan")), ValueError, "max_norm .*nan"),
        (lambda: clip_grad_norm_(w, 1.0, 0), ValueError, "norm_type .*0"),
        (lambda: clip_grad_norm_([w, 3.0], 1.0), TypeError, r"parameter 1 is a float, not a Tensor: 3\.0"),  # type: ignore[list-item]
        (lambda: clip_grad_value_(w, -2.0), ValueError, r"clip_value .*-2\.0"),
        (lambda: clip_grad_value_([w, 3.0], 1.0), TypeError, r"parameter 1 is a float, not a Tensor: 3\.0"),  # type: ignore[list-item]
    ):
        with pytest.raises(error, match=message):
            call()
        assert w.grad.tolist() == [3, 4]


def test_an_expanded_gradient_is_refused_before_any_is_written() -> None:
    a, b = _with_gradients([3.0, 4.0], [0.0, 0.0])
    b.grad = al.tensor(2.0, dtype=np.float64).expand(2)
    for call in (lambda: clip_grad_norm_([a, b], 1.0), lambda: clip_grad_value_([a, b], 1.0)):
        with pytest.raises(RuntimeError, match=r"parameter 1, of shape \(2,\), was expanded; use clone"):
            call()
        assert a.grad.tolist() == [3, 4]


def test_parameters_and_vectors() -> None:
    model = nn.Linear(2, 3)
    vector = parameters_to_vector(model.parameters())
    assert vector.tolist() == [*model.weight.reshape(-1).tolist(), *model.bias.tolist()]
    (vector * al.arange(9)).sum().backward()
    assert model.weight.grad.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.bias.grad.tolist() == [6, 7, 8]
    vector_to_parameters(al.arange(9).float(), model.parameters())
    assert model.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.bias.tolist() == [6, 7, 8]
    assert model.weight.requires_grad
    for wrong in (al.zeros(8), al.zeros(10), al.zeros(3, 3)):
        with pytest.raises(ValueError, match=r"9 elements, the vector has shape \("):
            vector_to_parameters(wrong, model.parameters())
    assert model.bias.tolist() == [6, 7, 8]


def test_evaluating_gives_each_part_its_mode_back() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    model[1].eval()

    def fails() -> None:
        with evaluating(model):
            assert not any(module.training for module in model.modules())
            assert not model(al.ones(3, 2)).requires_grad
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert model(al.ones(3, 2)).requires_grad
