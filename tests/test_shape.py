"""Shape operations, joining and splitting: PyTorch's forms and meanings, broadcasting, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as al
from autograd_lite import Tensor
from autograd_lite.ops import diagonal, shape

X = np.arange(24.0).reshape(2, 3, 4)


def leaf(values: Any) -> Tensor:
    return Tensor(np.array(values, dtype=np.float64), requires_grad=True)


# -- forms of the call and values -------------------------------------------------------------------------------------

FORMS: list[tuple[str, Callable[[Any], Any], np.ndarray]] = [
    ("reshape numbers", lambda x: al.reshape(x, 6, 4), X.reshape(6, 4)),
    ("reshape tuple", lambda x: al.reshape(x, (6, 4)), X.reshape(6, 4)),
    ("reshape list", lambda x: al.reshape(x, [6, -1]), X.reshape(6, 4)),
    ("reshape -1", lambda x: al.reshape(x, -1), X.ravel()),
    ("reshape keyword", lambda x: al.reshape(input=x, shape=(4, 6)), X.reshape(4, 6)),
    ("view", lambda x: al.view(x, 4, 6), X.reshape(4, 6)),
    ("view_as", lambda x: al.view_as(x, np.ones((4, 6))), X.reshape(4, 6)),
    ("ravel", al.ravel, X.ravel()),
    ("flatten", al.flatten, X.ravel()),
    ("flatten from", lambda x: al.flatten(x, 1), X.reshape(2, 12)),
    ("flatten to", lambda x: al.flatten(x, start_dim=0, end_dim=-2), X.reshape(6, 4)),
    ("unflatten", lambda x: al.unflatten(x, -1, (2, -1)), X.reshape(2, 3, 2, 2)),
    ("unflatten dim", lambda x: al.unflatten(x, dim=0, sizes=(1, 2)), X.reshape(1, 2, 3, 4)),
    ("permute numbers", lambda x: al.permute(x, 2, 0, 1), X.transpose(2, 0, 1)),
    ("permute dims", lambda x: al.permute(x, dims=(-1, 0, 1)), X.transpose(2, 0, 1)),
    ("permute axes", lambda x: al.permute(x, axes=(1, 0, 2)), X.transpose(1, 0, 2)),
    ("permute none", al.permute, X.T),
    ("transpose", lambda x: al.transpose(x, 0, -1), X.swapaxes(0, 2)),
    ("transpose names", lambda x: al.transpose(x, dim0=1, dim1=2), X.swapaxes(1, 2)),
    ("swapaxes", lambda x: al.swapaxes(x, axis0=0, axis1=1), X.swapaxes(0, 1)),
    ("swapdims", lambda x: al.swapdims(x, 0, 1), X.swapaxes(0, 1)),
    ("matrix_transpose", shape.matrix_transpose, X.swapaxes(1, 2)),
    ("movedim", lambda x: al.movedim(x, 0, -1), np.moveaxis(X, 0, -1)),
    ("movedim several", lambda x: al.movedim(x, (0, 1), (2, 0)), np.moveaxis(X, (0, 1), (2, 0))),
    ("squeeze", lambda x: al.squeeze(al.reshape(x, 1, 24, 1)), X.ravel()),
    ("squeeze one", lambda x: al.squeeze(al.reshape(x, 1, 24, 1), 0), X.reshape(24, 1)),
    ("squeeze dims", lambda x: al.squeeze(al.reshape(x, 1, 24, 1), dim=(0, -1)), X.ravel()),
    ("squeeze longer axis", lambda x: al.squeeze(x, 1), X),
    ("unsqueeze", lambda x: al.unsqueeze(x, -1), X[..., None]),
    ("unsqueeze dim", lambda x: al.unsqueeze(x, dim=1), X[:, None]),
    ("expand", lambda x: al.expand(x, 5, -1, -1, 4), np.broadcast_to(X, (5, 2, 3, 4))),
    ("expand tuple", lambda x: al.expand(x, (1, 2, 3, 4)), X[None]),
    ("expand_as", lambda x: al.expand_as(x, np.ones((5, 2, 3, 4))), np.broadcast_to(X, (5, 2, 3, 4))),
    ("repeat", lambda x: al.repeat(x, 2, 1, 3), np.tile(X, (2, 1, 3))),
    ("repeat more axes", lambda x: al.repeat(x, (2, 1, 1, 2)), np.tile(X, (2, 1, 1, 2))),
    ("repeat nothing", lambda x: al.repeat(x, 1, 0, 1), X[:, :0]),
    ("tile", lambda x: al.tile(x, 2), np.tile(X, 2)),
    ("tile dims", lambda x: al.tile(x, dims=(3, 2)), np.tile(X, (3, 2))),
    ("flip", lambda x: al.flip(x, 0, 1), np.flip(X, (0, 1))),
    ("flip dims", lambda x: al.flip(x, dims=(-1,)), np.flip(X, -1)),
    ("flip all", al.flip, np.flip(X)),
    ("roll", lambda x: al.roll(x, 1, 0), np.roll(X, 1, 0)),
    ("roll dims", lambda x: al.roll(x, shifts=(1, -2), dims=(0, 2)), np.roll(X, (1, -2), (0, 2))),
    ("roll flat", lambda x: al.roll(x, 5), np.roll(X, 5)),
    ("tril", lambda x: al.tril(x, -1), np.tril(X, -1)),
    ("triu", lambda x: al.triu(x, diagonal=1), np.triu(X, 1)),
    ("diagonal", lambda x: al.diagonal(x, 1, 1, 2), np.diagonal(X, 1, 1, 2)),
    ("narrow", lambda x: al.narrow(x, 1, 1, 2), X[:, 1:3]),
    ("narrow from the end", lambda x: al.narrow(x, dim=-1, start=-2, length=1), X[..., 2:3]),
    ("select", lambda x: al.select(x, 1, -1), X[:, -1]),
    ("pad", lambda x: al.pad(x, (1, 2)), np.pad(X, ((0, 0), (0, 0), (1, 2)))),
    ("pad value", lambda x: al.pad(x, (1, 0, 0, 2), value=7), np.pad(X, ((0, 0), (0, 2), (1, 0)), constant_values=7)),
    ("pad crops", lambda x: al.pad(x, (-1, 1, -1, -1)), np.pad(X[:, 1:2, 1:], ((0, 0), (0, 0), (0, 1)))),
    ("pad reflect", lambda x: al.pad(x, (3, 1, 2, 0), "reflect"), np.pad(X, ((0, 0), (2, 0), (3, 1)), "reflect")),
    ("pad replicate", lambda x: al.pad(x, (9, 1), mode="replicate"), np.pad(X, ((0, 0), (0, 0), (9, 1)), "edge")),
    ("pad reflect crops", lambda x: al.pad(x, (2, -1), "reflect"), X[..., [2, 1, 0, 1, 2]]),
    ("pad circular", lambda x: al.pad(x, (1, 4), mode="circular"), np.pad(X, ((0, 0), (0, 0), (1, 4)), "wrap")),
    ("repeat_interleave", lambda x: al.repeat_interleave(x, 2, dim=1), np.repeat(X, 2, 1)),
    ("repeat_interleave each", lambda x: al.repeat_interleave(x, [0, 2, 1], 1), np.repeat(X, [0, 2, 1], 1)),
    ("repeat_interleave flat", lambda x: al.repeat_interleave(x, 2), np.repeat(X, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("form", "expected"), [pytest.param(f, e, id=name) for name, f, e in FORMS])
def test_forms(form: Callable[[Any], Any], expected: np.ndarray) -> None:
    """The values; and the gradient: that of a linear map A is Aᵀ, so ⟨A x, c⟩ = ⟨x, Aᵀ c⟩ (less a pad's constant)."""
    x = leaf(X)
    y = form(x)
    np.testing.assert_array_equal(y.numpy(), expected)
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    y.backward(cotangent)
    offset = form(Tensor(np.zeros_like(X))).numpy()
    assert np.vdot(expected - offset, cotangent) == pytest.approx(np.vdot(X, x.grad.numpy()))
    np.testing.assert_array_equal(form(X), expected)


def test_one_dimensional_forms() -> None:
    v = Tensor([1.0, 2.0])
    assert al.diag(v).tolist() == [[1, 0], [0, 2]]
    assert al.diag(v, 1).tolist() == [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    assert al.diag(al.diag(v, -1), diagonal=-1).tolist() == [1, 2]
    assert al.diag_embed(Tensor([[1.0], [2.0]]), 1).tolist() == [[[0, 1], [0, 0]], [[0, 2], [0, 0]]]
    assert al.t(v).tolist() == [1, 2]
    assert al.t(Tensor([[1.0, 2.0]])).tolist() == [[1], [2]]
    assert al.flatten(Tensor(3.0)).shape == (1,)


def test_views_share_memory_and_copies_do_not() -> None:
    x = Tensor(X)
    views = (
        al.reshape(x, -1), al.permute(x), al.transpose(x, 0, 1), al.flip(x), al.narrow(x, 0, 0, 1), al.diagonal(x),
        al.expand(x, 2, 2, 3, 4), al.contiguous(x), al.squeeze(x), *al.split(x, 1), *al.unbind(x, 2),
    )  # fmt: skip
    for view in views:
        assert np.shares_memory(view.numpy(), x.numpy())
    for copy in (al.clone(x), al.roll(x, 1), al.repeat(x, 1, 2, 1), al.pad(x, (0, 1)), al.contiguous(al.permute(x))):
        assert not np.shares_memory(copy.numpy(), x.numpy())
    assert al.contiguous(al.permute(x)).numpy().flags.c_contiguous


# -- errors -----------------------------------------------------------------------------------------------------------

BAD: list[tuple[Callable[[Tensor], Any], type[Exception]]] = [
    (lambda x: al.reshape(x, 5, 5), ValueError),
    (lambda x: al.view(x, 5, -1), ValueError),
    (lambda x: al.unflatten(x, 1, (2, 2)), ValueError),
    (lambda x: al.unflatten(x, 1, (-1, -1)), ValueError),
    (lambda x: al.unflatten(x, 3, (1, 1)), IndexError),
    (lambda x: al.flatten(x, 2, 1), ValueError),
    (lambda x: al.flatten(x, 3), IndexError),
    (lambda x: al.permute(x, 0, 1), ValueError),
    (lambda x: al.permute(x, 0, 0, 1), ValueError),
    (lambda x: al.permute(x, 0, 1, 3), IndexError),
    (lambda x: al.transpose(x, 0, 3), IndexError),
    (al.t, ValueError),
    (lambda x: al.movedim(x, (0, 1), (2,)), ValueError),
    (lambda x: al.movedim(x, (0, 0), (1, 2)), ValueError),
    (lambda x: al.movedim(x, 3, 0), IndexError),
    (lambda x: al.squeeze(x, 3), IndexError),
    (lambda x: al.unsqueeze(x, -5), IndexError),
    (lambda x: al.expand(x, 2, 3, 5), ValueError),
    (lambda x: al.expand(x, 3, 4), ValueError),
    (lambda x: al.broadcast_to(x, (2, 3)), ValueError),
    (lambda x: al.repeat(x, 2, 2), ValueError),
    (lambda x: al.repeat(x, 2, 2, -1), ValueError),
    (lambda x: al.repeat_interleave(x, -1), ValueError),
    (lambda x: al.repeat_interleave(x, [1, 2], 1), ValueError),
    (lambda x: al.repeat_interleave(x, 2, 1, output_size=7), ValueError),
    (lambda x: al.flip(x, 3), IndexError),
    (lambda x: al.roll(x, 1, 3), IndexError),
    (lambda x: al.roll(x, (1, 2), 0), ValueError),
    (lambda x: al.pad(x, (1,)), ValueError),
    (lambda x: al.pad(x, (1,) * 8), ValueError),
    (lambda x: al.pad(x, (-3, -2)), ValueError),
    (lambda x: al.pad(x, (4, 0), "reflect"), ValueError),
    (lambda x: al.pad(x, (-5, 0), "replicate"), ValueError),
    (lambda x: al.pad(x, (5, 0), "circular"), ValueError),
    (lambda x: al.narrow(x, 0, 1, 2), IndexError),
    (lambda x: al.narrow(x, 0, 0, -1), IndexError),
    (lambda x: al.select(x, 0, 2), IndexError),
    (lambda x: al.diagonal(x, 0, 0, 3), IndexError),
    (lambda x: al.diagonal(x, 0, 1, 1), ValueError),
    (lambda x: diagonal.diagonal_to(x, (2, 2)), ValueError),
    (al.diag, ValueError),
    (lambda x: al.cat([x, Tensor(np.ones((2, 3)))]), ValueError),
    (lambda x: al.cat([x, Tensor(np.ones((2, 2, 4)))], 2), ValueError),
    (lambda x: al.cat([x, x], dim=3), IndexError),
    (lambda x: al.stack([x, Tensor(np.ones((2, 3)))]), ValueError),
    (lambda x: al.stack([x], 4), IndexError),
    (lambda x: al.split(x, 0), ValueError),
    (lambda x: al.split(x, [1, 2]), ValueError),
    (lambda x: al.split(x, 1, 3), IndexError),
    (lambda x: al.chunk(x, 2, dim=-4), IndexError),
    (lambda x: al.unbind(x, 3), IndexError),
]


@pytest.mark.parametrize(("wrong", "kind"), BAD, ids=range(len(BAD)))
def test_bad_input_names_the_shape(wrong: Callable[[Tensor], Any], kind: type[Exception]) -> None:
    x = Tensor(X)
    with pytest.raises(kind, match=r"\(2, 3, 4\)"):
        wrong(x)
    np.testing.assert_array_equal(x.numpy(), X)


def test_other_bad_input() -> None:
    with pytest.raises(ValueError, match="mode must be one of constant, reflect"):
        al.pad(Tensor(X), (1, 1), "mirror")
    with pytest.raises(ValueError, match="takes no value, got 3"):
        al.pad(Tensor(X), (1, 1), "reflect", 3)
    with pytest.raises(TypeError, match="astype"):
        al.view(Tensor(X), np.float32)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        al.tril(Tensor(np.ones(3)))
    with pytest.raises(TypeError, match="list or tuple"):
        al.cat(Tensor(X))
    with pytest.raises(ValueError, match="at least one"):
        al.stack([])
    with pytest.raises(ValueError, match="≥ 1, got 0"):
        al.chunk(Tensor(X), 0)
    with pytest.raises(IndexError, match=r"shape \(\)"):
        al.unbind(Tensor(1.0))


# -- joining and taking apart -----------------------------------------------------------------------------------------


def test_cat_under_all_names() -> None:
    x, y = np.ones((2, 3)), np.zeros((2, 1))
    for joined in (
        al.cat([Tensor(x), y], 1),
        al.concat((x, Tensor(y)), dim=1),
        al.concatenate([Tensor(x), y], axis=-1),
    ):
        np.testing.assert_array_equal(joined.numpy(), np.concatenate([x, y], 1))
    assert al.hstack([Tensor(1.0), Tensor([2.0])]).tolist() == [1, 2]
    assert al.hstack([Tensor([[1.0]]), Tensor([[2.0]])]).tolist() == [[1, 2]]
    assert al.vstack([Tensor([1.0]), Tensor([[2.0]])]).tolist() == [[1], [2]]


def test_cat_passes_over_empty_vectors() -> None:
    x, empty = leaf([[1.0, 2.0]]), leaf([])
    y = al.cat([empty, x, empty], 1)
    assert y.tolist() == [[1, 2]]
    y.backward([[3.0, 4.0]])
    assert x.grad.tolist() == [[3, 4]]
    assert al.cat([empty, empty]).shape == (0,)


def test_cat_promotes_as_arithmetic_does() -> None:
    joined = al.cat([Tensor([1, 2]), Tensor([0.5])])
    assert joined.dtype == np.float32
    assert joined.tolist() == [1, 2, 0.5]


def test_the_same_tensor_twice() -> None:
    x = leaf([1.0, 2.0])
    (al.cat([x, x]) * Tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [4, 6]


@pytest.mark.parametrize(
    ("pieces", "lengths"),
    [
        (lambda x: al.split(x, 2), [2, 2, 1]), (lambda x: al.split(x, [1, 0, 4]), [1, 0, 4]),
        (lambda x: al.split(x, 7), [5]), (lambda x: al.chunk(x, 2), [3, 2]), (lambda x: al.chunk(x, 4), [2, 2, 1]),
        (lambda x: al.chunk(x, 9, dim=0), [1] * 5),
    ],
)  # fmt: skip
def test_split_and_chunk(pieces: Callable[[Any], Any], lengths: list[int]) -> None:
    x = leaf(np.arange(10.0).reshape(5, 2))
    parts = pieces(x)
    assert [p.shape[0] for p in parts] == lengths
    np.testing.assert_array_equal(al.cat(parts).numpy(), x.numpy())
    sum(((k + 1) * p).sum() for k, p in enumerate(parts)).backward()
    expected = np.repeat(np.arange(1.0, 1 + len(parts)), lengths)
    np.testing.assert_array_equal(x.grad.numpy(), np.stack([expected, expected], 1))


def test_split_of_nothing() -> None:
    empty = Tensor(np.ones((0, 2)))
    assert [p.shape for p in al.split(empty, 2)] == [(0, 2)]
    assert [p.shape for p in al.chunk(empty, 2)] == [(0, 2), (0, 2)]
    assert al.unbind(empty) == ()


def test_unbind_undoes_stack() -> None:
    x = leaf(X)
    parts = al.unbind(x, dim=1)
    assert [p.shape for p in parts] == [(2, 4)] * 3
    y = al.stack(parts, dim=1)
    np.testing.assert_array_equal(y.numpy(), X)
    y.backward(X)
    np.testing.assert_array_equal(x.grad.numpy(), X)


# -- broadcasting -----------------------------------------------------------------------------------------------------

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=0, max_dims=4, min_side=0, max_side=4))
def test_binary_operations_broadcast_as_numpy(pair: hnp.BroadcastableShapes) -> None:
    """Values and un-broadcast gradients of x·y + x, whose derivatives are y + 1 and x, summed where it broadcast."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape) for shape in pair.input_shapes)
    x, y = leaf(a), leaf(b)
    z = x * y + x
    assert z.shape == pair.result_shape
    np.testing.assert_array_equal(z.numpy(), a * b + a)
    c = rng.normal(size=z.shape)
    z.backward(c)
    for tensor, full in ((x, c * (b + 1)), (y, c * a)):
        expected = np.broadcast_to(full, z.shape)
        for axis, n in enumerate((1,) * (z.ndim - tensor.ndim) + tensor.shape):
            expected = expected.sum(axis, keepdims=True) if n == 1 else expected
        np.testing.assert_allclose(tensor.grad.numpy(), expected.reshape(tensor.shape), atol=1e-12)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=0, max_dims=4, min_side=0, max_side=4))
def test_broadcast_to_and_sum_to_are_adjoint(pair: hnp.BroadcastableShapes) -> None:
    """⟨broadcast x, c⟩ = ⟨x, sum c⟩."""
    rng = np.random.default_rng(0)
    small, large = pair.input_shapes[0], pair.result_shape
    x, c = rng.normal(size=small), rng.normal(size=large)
    wide = al.broadcast_to(Tensor(x), large)
    np.testing.assert_array_equal(wide.numpy(), np.broadcast_to(x, large))
    back = shape.sum_to(Tensor(c), small)
    assert back.shape == small
    assert np.vdot(wide.numpy(), c) == pytest.approx(np.vdot(x, back.numpy()))


@given(shapes, shapes)
def test_broadcast_to_raises_where_numpy_does(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    x = np.zeros(before)
    try:
        np.broadcast_to(x, after)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            al.broadcast_to(Tensor(x), after)
    else:
        assert al.broadcast_to(Tensor(x), after).shape == after


@given(shapes, st.data())
def test_permutations_invert(shape: tuple[int, ...], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    x = leaf(np.random.default_rng(0).normal(size=shape))
    y = al.permute(x, order)
    np.testing.assert_array_equal(y.numpy(), np.transpose(x.numpy(), order))
    y.backward(np.array(y.numpy()))
    np.testing.assert_array_equal(x.grad.numpy(), x.numpy())


@given(st.data())
def test_constant_pad_is_adjoint_to_its_crop(data: st.DataObject) -> None:
    """Whatever mixture of margins and crops: the gradient of pad(p) is pad(−p)."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    pads: list[int] = []
    for n in reversed(shape):
        left = data.draw(st.integers(-n, 3))
        pads += [left, data.draw(st.integers(-(n + min(left, 0)), 3))]
    rng = np.random.default_rng(0)
    x = leaf(rng.normal(size=shape))
    y = al.pad(x, pads)
    c = rng.normal(size=y.shape)
    y.backward(c)
    assert np.vdot(y.numpy(), c) == pytest.approx(np.vdot(x.numpy(), x.grad.numpy()))
