"""What a Tensor is: construction, dtype rules, attributes, copies, and what it refuses."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_lite as al


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, np.float32),
        ([1.0, 2.0], np.float32),
        ([[1, 2], [3, 4]], np.int64),
        (True, np.bool_),
        (np.array([1.0, 2.0]), np.float64),
        (np.float64(2.0), np.float64),
        ([np.float64(2.0)], np.float64),
        ((1, 2.5), np.float32),
    ],
)
def test_dtype_of_new_tensors(data, dtype) -> None:
    assert al.Tensor(data).dtype == dtype


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("text", TypeError),
        (["a", "b"], TypeError),
        ([1, None], TypeError),
        (object(), TypeError),
        (1j, TypeError),
        ([[1, 2], [3]], ValueError),
    ],
)
def test_what_is_not_numbers_is_refused(data, error) -> None:
    with pytest.raises(error):
        al.Tensor(data)


def test_integers_cannot_require_a_gradient() -> None:
    for make in (lambda: al.Tensor([1, 2], requires_grad=True), lambda: al.Tensor([1, 2]).requires_grad_()):
        with pytest.raises(TypeError, match=r"int64.*\(2,\)"):
            make()


def test_new_tensors_do_not_swallow_gradients() -> None:
    a = al.Tensor(1.0, requires_grad=True)
    for make in (lambda: al.Tensor(a), lambda: al.Tensor([a, a]), lambda: np.asarray(a), lambda: np.array([a, a])):
        with pytest.raises(TypeError, match="gradient"):
            make()
    assert al.Tensor([a.detach(), 2.0]).tolist() == [1.0, 2.0]


def test_promotion_follows_pytorch() -> None:
    f32, f64, i64 = al.Tensor([1.0]), al.Tensor(np.array([1.0])), al.Tensor([1])
    assert (f32 * i64).dtype == np.float32
    assert (i64 * 0.5).dtype == np.float32
    assert (i64 / i64).dtype == np.float32
    assert i64.exp().dtype == np.float32
    assert (f32 * f64).dtype == np.float64
    assert (f32 * np.float64(2)).dtype == np.float32
    assert (f32 * np.array(2.0)).dtype == np.float32
    assert (f32 * 2).dtype == np.float32
    assert (i64 * 2).dtype == np.int64
    assert (i64 * True).dtype == np.int64


def test_default_dtype() -> None:
    try:
        al.set_default_dtype(np.float64)
        assert al.Tensor(1.0).dtype == np.float64
        with pytest.raises(TypeError, match="int32"):
            al.set_default_dtype(np.int32)
    finally:
        al.set_default_dtype(np.float32)


def test_attributes() -> None:
    x = al.Tensor(np.zeros((2, 3)), requires_grad=True)
    assert (x.shape, x.size(), x.size(-1), x.ndim, x.dim(), x.numel(), x.nelement()) == ((2, 3), (2, 3), 3, 2, 2, 6, 6)
    assert x.is_leaf
    assert x.grad_fn is None
    assert not (x * 2).is_leaf
    assert (x * 2).grad_fn.op.name == "mul"
    assert len(x) == 2
    with pytest.raises(IndexError, match=r"axis 2.*\(2, 3\)"):
        x.size(2)
    with pytest.raises(AttributeError):
        x.grda = None


def test_python_numbers() -> None:
    x = al.Tensor([2.5])
    assert (float(x), int(x), bool(x), f"{x:.2f}") == (2.5, 2, True, "2.50")
    assert [10, 20][al.Tensor(1)] == 20
    with pytest.raises(ValueError, match=r"\(2,\)"):
        al.Tensor([1.0, 2.0]).item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(al.Tensor([1.0, 2.0]))
    with pytest.raises(TypeError, match="0-d"):
        len(al.Tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(al.Tensor(1.0))


def test_repr() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=mul)"
    assert repr(al.Tensor(np.array([1.0]))) == "tensor([1.], dtype=float64)"
    assert "shape=(0, 3)" in repr(al.Tensor(np.zeros((0, 3), np.float32)))


def test_pickle_and_deepcopy() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    (x * 3).sum().backward()
    for clone in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x)):
        assert clone.tolist() == [1.0, 2.0]
        assert clone.requires_grad
        assert clone.grad.tolist() == [3.0, 3.0]
        assert clone.name == "x"
    deep = copy.deepcopy(x)
    with al.no_grad():
        deep.zero_()
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="detach"):
        copy.deepcopy(x * 2)


def test_grad_can_be_set_and_is_checked() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    x.grad = al.Tensor([5.0, 6.0])
    assert x.grad.tolist() == [5.0, 6.0]
    x.grad = None
    assert x.grad is None
    for wrong, error in ((np.ones(2), TypeError), (al.Tensor([1.0]), ValueError), (al.Tensor(np.ones(2)), ValueError)):
        with pytest.raises(error):
            x.grad = wrong


def test_data_replaces_the_value_and_keeps_the_leaf() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    x.data = al.Tensor([5.0, 6.0])
    assert x.requires_grad
    x.data += 1.0
    assert x.tolist() == [6.0, 7.0]
    loss.backward()  # the graph was made with the old value, which it keeps
    assert x.grad.tolist() == [2.0, 4.0]
    (x * x).sum().backward()
    assert x.grad.tolist() == [14.0, 18.0]
    x.data = al.Tensor([1.0])
    assert x.shape == (1,)
    assert x.grad is None


def test_requires_grad_of_a_result_cannot_be_turned_off() -> None:
    x = al.Tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        (x * 2).requires_grad_(False)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x + al.Tensor(np.ones((4, 5))),
        lambda x: al.Tensor(np.ones((4, 5))) * x,
        lambda x: x @ al.Tensor(np.ones((4, 5))),
        lambda x: al.where(al.Tensor([True, False]), x, 0.0),
        lambda x: al.cat([x, al.Tensor(np.ones((4, 5)))]),
        lambda x: al.stack([x, al.Tensor(np.ones((4, 5)))]),
        lambda x: x.reshape(7),
        lambda x: x.broadcast_to((4, 5)),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_shape_errors_hold_the_shapes(call, requires_grad: bool) -> None:
    x = al.Tensor(np.ones((2, 3)), requires_grad=requires_grad)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        call(x)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "softmax", "cumsum", "unbind", "squeeze", "argmax"])
def test_axis_out_of_range(name: str) -> None:
    x = al.Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(IndexError, match=r"(?s)axis 5|5.*2"):
        getattr(x, name)(axis=5)


def test_unknown_arguments_are_named() -> None:
    x = al.Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="axsi"):
        x.sum(axsi=0)
    with pytest.raises(TypeError, match="missing"):
        al.mul(x)
    with pytest.raises(TypeError, match="no gradient flows"):
        x.sum(axis=al.Tensor(0.0, requires_grad=True))


def test_object_operands_are_refused() -> None:
    x = al.Tensor([1.0], requires_grad=True)
    for other in ("a", None, object(), [None], {1: 2}):
        with pytest.raises(TypeError):
            x + other


def test_names_and_hooks_survive_another_dtype() -> None:
    x = al.Tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    seen: list[float] = []
    x.register_hook(lambda g: seen.append(g.sum().item()))
    x.data = x.data.double()
    (x * 2).sum().backward()
    assert (x.name, seen, x.grad.dtype) == ("x", [4.0], np.float64)


def test_the_constructor_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        al.Tensor([1.0], np.float64)


def test_one_argument_under_two_names_is_refused() -> None:
    with pytest.raises(TypeError, match="two names"):
        al.Tensor([1.0]).sum(dim=0, axis=0)


def test_python_numbers_in_where_do_not_widen() -> None:
    assert al.where(al.Tensor([True]), 1.0, 0.5).dtype == np.float32
    assert al.where(al.Tensor([True]), 1, 0).dtype == np.int64


@pytest.mark.parametrize("function", [al.exp, al.sigmoid, al.silu, al.gelu, al.softplus, al.elu, al.erf, al.softmax])
def test_without_a_tensor_an_op_is_numpy(function) -> None:
    for plain in ([1, 2], np.array([1, 2]), [1.0, 2.0]):
        result = function(plain)
        assert isinstance(result, np.ndarray)
        np.testing.assert_allclose(result, function(al.Tensor(plain)).numpy(), rtol=1e-6)


def test_help_lists_the_public_names() -> None:
    assert {"Tensor", "exp", "gradcheck", "no_grad", "trace"} <= set(al.__all__)
    assert "ops" not in al.__all__
    assert all(hasattr(al, name) for name in al.__all__)
