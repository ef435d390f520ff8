"""NumPy's functions on Tensors: NumPy's values, our gradients, and an error that names what has no rule."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as al

A = np.array([[0.3, 1.2, -0.7], [2.1, 0.4, -1.5]])

CALLS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "maximum": lambda x: np.maximum(x, 0.5),
    "power": lambda x: np.power(x, 2),
    "ndarray on the left": lambda x: A * x,
    "ndarray minus": lambda x: A - x,
    "ndarray @": lambda x: A.T @ x,
    "scalar array": lambda x: np.float64(2.0) * x,
    "clip": lambda x: np.clip(x, -1, 1),
    "where": lambda x: np.where(A > 0, x, 0.0),
    "round": lambda x: np.round(x, 1),
    "sum": np.sum,
    "sum axis": lambda x: np.sum(x, axis=0),
    "sum keepdims": lambda x: np.sum(x, axis=1, keepdims=True),
    "add.reduce": np.add.reduce,
    "add.reduce axis": lambda x: np.add.reduce(x, axis=1),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "prod": np.prod,
    "max": lambda x: np.max(x, axis=1),
    "amin": np.amin,
    "var": np.var,
    "var ddof": lambda x: np.var(x, axis=0, ddof=1),
    "std": lambda x: np.std(x, axis=1),
    "cumsum": np.cumsum,
    "cumprod axis": lambda x: np.cumprod(x, axis=1),
    "norm": np.linalg.norm,
    "norm axis": lambda x: np.linalg.norm(x, axis=1),
    "norm ord": lambda x: np.linalg.norm(x, ord=1, axis=0),
    "transpose": np.transpose,
    "transpose axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "ravel": np.ravel,
    "squeeze": lambda x: np.squeeze(x[:1]),
    "squeeze axis": lambda x: np.squeeze(x[:1], axis=0),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "tile": lambda x: np.tile(x, 2),
    "repeat": lambda x: np.repeat(x, 2),
    "repeat axis": lambda x: np.repeat(x, [1, 2], axis=0),
    "flip": np.flip,
    "flip axis": lambda x: np.flip(x, 1),
    "roll": lambda x: np.roll(x, 1),
    "roll axis": lambda x: np.roll(x, shift=2, axis=1),
    "pad": lambda x: np.pad(x, ((1, 0), (2, 1))),
    "pad value": lambda x: np.pad(x, 1, constant_values=2.0),
    "pad reflect": lambda x: np.pad(x, ((0, 0), (1, 1)), mode="reflect"),
    "pad edge": lambda x: np.pad(x, ((1, 1), (0, 0)), mode="edge"),
    "tril": np.tril,
    "triu": lambda x: np.triu(x, 1),
    "diagonal": np.diagonal,
    "diag": lambda x: np.diag(x[0]),
    "concatenate": lambda x: np.concatenate([x, A], axis=1),
    "concatenate flat": lambda x: np.concatenate([x, x], axis=None),
    "stack": lambda x: np.stack([x, x], axis=-1),
    "hstack": lambda x: np.hstack([x, x]),
    "vstack": lambda x: np.vstack([x, A]),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "split at": lambda x: np.split(x, [1], axis=1)[1],
    "take": lambda x: np.take(x, [0, 0, 4]),
    "take axis": lambda x: np.take(x, [2, 0], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [2]]), axis=1),
    "sort": np.sort,
    "sort flat": lambda x: np.sort(x, axis=None),
    "dot": lambda x: np.dot(x, A.T),
    "dot scalar": lambda x: np.dot(x, 2.0),
    "outer": lambda x: np.outer(x, A[0]),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, A),
    "trace": lambda x: np.trace(x[:, :2]),
}


@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradient(name: str) -> None:
    call = CALLS[name]
    expected = call(A)
    x = al.Tensor(A, requires_grad=True)
    got = call(x)
    assert isinstance(got, al.Tensor)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)
    assert al.gradcheck(call, [al.Tensor(A, requires_grad=True)])


@pytest.mark.parametrize(
    "call",
    [np.argmax, np.argsort, np.isnan, np.any, lambda x: x > A, lambda x: np.less(A, x), np.shape, np.ndim, np.size,
     np.zeros_like, lambda x: np.all(x, axis=0), lambda x: np.isclose(x, A), lambda x: np.allclose(x, A)],
)  # fmt: skip
def test_what_has_no_gradient(call) -> None:
    got = call(al.Tensor(A))
    np.testing.assert_array_equal(got.numpy() if isinstance(got, al.Tensor) else got, call(A))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (np.fft.fft, "fft"),
        (np.linalg.svd, "np.linalg.svd"),
        (np.logaddexp.outer, "np.logaddexp.outer"),
        (np.median, "np.median"),
        (np.spacing, "spacing"),
        (np.add.accumulate, "add.accumulate"),
    ],
)
def test_a_function_without_a_rule_is_named(call, name: str) -> None:
    x = al.Tensor(A, requires_grad=True)
    with pytest.raises(TypeError, match=f"{name}.*no gradient rule"):
        call(x, x) if name.endswith("outer") else call(x)


def test_results_are_not_written_into_arrays() -> None:
    x, buffer = al.Tensor(A, requires_grad=True), np.zeros_like(A)
    for call in (lambda: np.exp(x, out=buffer), lambda: np.sum(x, axis=0, out=buffer[0])):
        with pytest.raises(TypeError, match="out="):
            call()
    with pytest.raises(TypeError, match="write"):
        buffer += x
    assert not buffer.any()


def test_dtype_arguments_are_honoured_or_refused() -> None:
    x = al.Tensor(A.astype(np.float32))
    assert np.sum(x, dtype=np.float64).dtype == np.float64
    with pytest.raises(TypeError, match="dtype"):
        np.exp(x, dtype=np.float64)
