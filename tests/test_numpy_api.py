"""NumPy's functions on Tensors: NumPy's values, our gradients, and an error that names what has no rule."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.numpy_api import ADAPTERS
from autograd_lite.op import NUMPY

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
    "inner": lambda x: np.inner(x, A),
    "inner scalar": lambda x: np.inner(2.0, x),
    "vdot": lambda x: np.vdot(A, x),
    # NumPy's order of arguments, to the last one
    "max positions": lambda x: np.max(x, 0, None, True),
    "amax positions": lambda x: np.amax(x, None, None, True),
    "min positions": lambda x: np.min(x, 1, None, True),
    "amin positions": lambda x: np.amin(x, 0, None, False),
    "sum positions": lambda x: np.sum(x, 0, None, None, True),
    "sum dtype": lambda x: np.sum(x, 0, np.float64, None, True),
    "mean positions": lambda x: np.mean(x, 0, None, None, True),
    "mean dtype": lambda x: np.mean(x, 1, np.float64),
    "prod positions": lambda x: np.prod(x, 1, None, None, True),
    "prod dtype": lambda x: np.prod(x, 0, np.float64),
    "var positions": lambda x: np.var(x, 0, None),
    "var positions ddof": lambda x: np.var(x, 1, None, None, 1, True),
    "var correction": lambda x: np.var(x, 1, correction=1),
    "std positions": lambda x: np.std(x, 0, None, None, 1),
    "std dtype": lambda x: np.std(x, None, np.float64),
    "cumsum positions": lambda x: np.cumsum(x, None, None, None),
    "cumsum dtype": lambda x: np.cumsum(x, 0, np.float64),
    "cumprod positions": lambda x: np.cumprod(x, 1, None, None),
    "cumprod dtype": lambda x: np.cumprod(x, None, np.float64, None),
    "norm positions": lambda x: np.linalg.norm(x, None, 0, True),
    "transpose positions": lambda x: np.transpose(x, None),
    "transpose name": lambda x: np.transpose(a=x, axes=[1, 0]),
    "permute_dims": lambda x: np.permute_dims(x, (1, 0)),
    "reshape positions": lambda x: np.reshape(x, 6, "C"),
    "reshape name": lambda x: np.reshape(x, shape=(-1, 2), order="C", copy=None),
    "ravel positions": lambda x: np.ravel(x, "C"),
    "squeeze positions": lambda x: np.squeeze(x[:1], None),
    "expand_dims tuple": lambda x: np.expand_dims(x, (0, -1)),
    "broadcast_to positions": lambda x: np.broadcast_to(x, (2, 2, 3), False),
    "broadcast_to name": lambda x: np.broadcast_to(array=x, shape=(1, 2, 3)),
    "broadcast_to number": lambda x: np.broadcast_to(x[0, 0], 2),
    "tile list": lambda x: np.tile(x, [2, 1]),
    "repeat positions": lambda x: np.repeat(x, 2, None),
    "flip positions": lambda x: np.flip(x, None),
    "flip name": lambda x: np.flip(m=x, axis=(0, 1)),
    "roll positions": lambda x: np.roll(x, 1, None),
    "roll names": lambda x: np.roll(a=x, shift=(1, 1), axis=(0, 1)),
    "pad positions": lambda x: np.pad(x, (1, 2), "constant"),
    "tril name": lambda x: np.tril(x, k=-1),
    "triu name": lambda x: np.triu(m=x, k=1),
    "diagonal positions": lambda x: np.diagonal(x, 0, 1, 0),
    "diagonal names": lambda x: np.diagonal(x, axis1=1, axis2=0),
    "diag name": lambda x: np.diag(x, k=1),
    "concatenate positions": lambda x: np.concatenate([x, A], 0, None),
    "concatenate dtype": lambda x: np.concatenate([x, A], dtype=np.float64, casting="same_kind"),
    "stack positions": lambda x: np.stack([x, A], 1, None, dtype=np.float64),
    "hstack dtype": lambda x: np.hstack([A, x], dtype=np.float64),
    "vstack dtype": lambda x: np.vstack((x, A), dtype=None),
    "stack of a tensor": lambda x: np.stack(x, 1),
    "array_split": lambda x: np.array_split(x, 2, 1)[1],
    "split back": lambda x: np.split(x, [2, 1], 1)[2],
    "clip positions": lambda x: np.clip(x, None, 1.0, None),
    "clip names": lambda x: np.clip(x, min=-1.0, max=None),
    "take positions": lambda x: np.take(x, (0, 4), None, None, "raise"),
    "take one": lambda x: np.take(x, 1, -1),
    "take_along_axis default": lambda x: np.take_along_axis(x, np.array([[0], [2]])),
    "take_along_axis flat": lambda x: np.take_along_axis(x, np.array([5, 0]), None),
    "sort positions": lambda x: np.sort(x, -1, None, None),
    "sort kind": lambda x: np.sort(x, 0, "stable", stable=None),
    "dot positions": lambda x: np.dot(A.T, x, None),
    "outer positions": lambda x: np.outer(x, A, None),
    "einsum options": lambda x: np.einsum("ij->j", x, out=None, optimize=True),
    "trace positions": lambda x: np.trace(x, 1, 1, 0, None, None),
    "round positions": lambda x: np.round(x, 1, None),
    "copy positions": lambda x: np.copy(x, "K", False),
}


@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradient(name: str) -> None:
    call = CALLS[name]
    expected = call(A)
    x = al.Tensor(A, requires_grad=True)
    got = call(x)
    assert isinstance(got, al.Tensor)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, strict=True)
    assert al.gradcheck(call, [al.Tensor(A, requires_grad=True)])


@pytest.mark.parametrize(
    "call",
    [np.argmax, np.argsort, np.isnan, np.any, lambda x: x > A, lambda x: np.less(A, x), np.shape, np.ndim, np.size,
     np.zeros_like, lambda x: np.all(x, axis=0), lambda x: np.isclose(x, A), lambda x: np.allclose(x, A),
     lambda x: np.any(x, 0, None, True), lambda x: np.all(x, None, None, True), lambda x: np.argmax(x, 1, None),
     lambda x: np.argmax(x, 0, None, keepdims=True), lambda x: np.argmin(x, None, None), lambda x: np.size(x, 1),
     lambda x: np.argsort(x, None, None, None), lambda x: np.argsort(x, 0, "stable"),
     lambda x: np.zeros_like(x, None, "K", True, None), lambda x: np.ones_like(x, np.float32),
     lambda x: np.isclose(A, x, 1e-5, 1e-8, False), lambda x: np.allclose(A, x, 0.0, 0.0, True),
     lambda x: np.array_equal(x, A, False), lambda x: np.array_equal(x, x + 1.0)],
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
    for call in (
        lambda: np.exp(x, out=buffer),
        lambda: np.sum(x, axis=0, out=buffer[0]),
        lambda: np.max(x, 0, buffer[0]),
        lambda: np.round(x, 0, buffer),
        lambda: np.concatenate([x, x], out=np.zeros((4, 3))),
        lambda: np.einsum("ij->ij", x, out=buffer),
    ):
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
    for call in (
        lambda dtype: np.sum(x, 0, dtype),
        lambda dtype: np.var(x, 0, dtype),
        lambda dtype: np.cumsum(x, 0, dtype),
        lambda dtype: np.trace(x, dtype=dtype),
        lambda dtype: np.stack([x, x], dtype=dtype),
        lambda dtype: np.zeros_like(x, dtype),
    ):
        assert call(np.float64).dtype == np.float64
        assert call(None).dtype == np.float32
    with pytest.raises(TypeError, match="int64"):
        np.concatenate([x, x], dtype=np.int64)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda x: np.sum(x, initial=1.0), "np.sum.*initial"),
        (lambda x: np.max(x, 0, None, False, 5.0), "np.max.*initial"),
        (lambda x: np.mean(x, where=A > 0), "np.mean.*where"),
        (lambda x: np.var(x, mean=np.zeros((1, 1))), "np.var.*mean"),
        (lambda x: np.reshape(x, (3, 2), "F"), "np.reshape"),
        (lambda x: np.ravel(x, "F"), "np.ravel"),
        (lambda x: np.take(x, [9], mode="wrap"), "np.take.*mode"),
        (lambda x: np.clip(x, 0, 1, dtype=np.float64), "np.clip.*dtype"),
        (lambda x: np.zeros_like(x, shape=(2,)), "np.zeros_like.*shape"),
        (lambda x: np.stack([x], casting="unsafe"), "np.stack.*casting"),
        (lambda x: np.pad(x, 1, constant_values=(4, 6)), "one number"),
        (lambda x: np.pad(x, 1, "reflect", reflect_type="odd"), "reflect_type"),
        (lambda x: np.pad(x, 1, "wrap"), "wrap"),
    ],
)
def test_an_argument_without_a_rule_is_named(call, named: str) -> None:
    call(A)  # NumPy takes it
    with pytest.raises(TypeError, match=named):
        call(al.Tensor(A))


@pytest.mark.parametrize(
    "call",
    [lambda x: np.split(x, 4), lambda x: np.split(x.ravel(), 4), lambda x: np.split(x, 2, axis=1),
     lambda x: np.pad(x, -1), lambda x: np.clip(x, 0, 1, min=2), lambda x: np.squeeze(x, 0)],
)  # fmt: skip
def test_what_numpy_refuses_is_refused(call) -> None:
    for x in (A, al.Tensor(A)):
        with pytest.raises(ValueError):  # noqa: PT011  (the messages are NumPy's)
            call(x)


def test_pad_names_an_option_of_another_mode() -> None:
    with pytest.raises(TypeError, match="'edge' takes no constant_values"):
        np.pad(al.Tensor(A), 1, "edge", constant_values=4)


def test_split_as_numpy() -> None:
    for function in (np.split, np.array_split):
        for sections in ([1], [3, 1], [0, 2, 9], 3, 1):
            expected, got = function(A, sections, 1), function(al.Tensor(A), sections, 1)
            assert len(got) == len(expected)
            for one, other in zip(got, expected, strict=True):
                np.testing.assert_array_equal(one.numpy(), other)
    assert [len(p) for p in np.array_split(al.Tensor(A.ravel()), 4)] == [2, 2, 1, 1]


def test_a_function_has_one_answer() -> None:
    assert not ADAPTERS.keys() & NUMPY.keys()
