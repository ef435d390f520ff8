"""backward and grad: the forms in which tensors and gradients may be given, and the mistakes."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as al

ONES = np.ones(2)


def leaf() -> al.Tensor:
    return al.Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    "given",
    [al.Tensor([3.0, 5.0]), np.array([3.0, 5.0]), [3.0, 5.0], (3.0, 5.0), [np.float32(3), np.float32(5)],
     [al.Tensor([3.0, 5.0])], [np.array([3.0, 5.0])], (np.array([3.0, 5.0]),)],
)  # fmt: skip
def test_one_gradient_for_one_root(given) -> None:
    x = leaf()
    (g,) = al.autograd.grad(x * 2.0, x, given)
    al.autograd.backward(x * 2.0, given)
    np.testing.assert_array_equal(g.numpy(), [6.0, 10.0])
    np.testing.assert_array_equal(x.grad.numpy(), [6.0, 10.0])


@pytest.mark.parametrize("given", [None, [None], (None,), 1.0, np.array(1.0), [al.Tensor(1.0)], np.float64(1.0)])
def test_a_number_has_the_default_gradient_1(given) -> None:
    x = leaf()
    np.testing.assert_array_equal(al.autograd.grad(x.sum(), x, given)[0].numpy(), ONES)


def test_nested_lists_are_the_gradient_of_a_matrix() -> None:
    x = al.Tensor(np.ones((2, 2)), requires_grad=True)
    (g,) = al.autograd.grad(x * 1.0, x, [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(g.numpy(), [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("given", [[ONES, None], (al.Tensor(ONES), None), [[1.0, 1.0], 1.0], [[1.0, 1.0], None]])
def test_one_gradient_for_each_of_several_roots(given) -> None:
    x = leaf()
    (g,) = al.autograd.grad([x * 2.0, (x * x).sum()], x, given)
    np.testing.assert_array_equal(g.numpy(), [4.0, 6.0])


def test_no_gradients_for_several_roots() -> None:
    x = leaf()
    al.autograd.backward((x.sum(), (x * x).sum()))
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 5.0])


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("roots", "given", "counts"),
    [(1, [], "0 gradients for 1"), (1, [None, None], "2 gradients for 1"), (1, [ONES, ONES], "2 gradients for 1"),
     (2, [], "0 gradients for 2"), (2, [ONES], "1 gradients for 2"), (2, ONES, "1 gradients for 2"),
     (2, [None] * 3, "3 gradients for 2")],
)  # fmt: skip
def test_another_number_of_gradients(roots: int, given, counts: str, create_graph: bool) -> None:
    x = leaf()
    outputs = [x * 2.0 for _ in range(roots)]
    with pytest.raises(ValueError, match=counts):
        al.autograd.backward(outputs, given, create_graph=create_graph)
    with pytest.raises(ValueError, match=counts):
        al.autograd.grad(outputs, x, given, create_graph=create_graph)
    assert x.grad is None


def test_no_tensors_and_no_tensor() -> None:
    x = leaf()
    for call in (
        lambda: al.autograd.backward([]),
        lambda: al.autograd.grad((), x),
        lambda: al.autograd.grad(x * 1, []),
    ):
        with pytest.raises(ValueError, match="at least one Tensor"):
            call()
    for call in (
        lambda: al.autograd.backward([x.sum(), 1.0]),
        lambda: al.autograd.grad(ONES, x),
        lambda: al.autograd.grad(x.sum(), [ONES]),
    ):
        with pytest.raises(TypeError, match="takes Tensors, not"):
            call()
    assert x.grad is None


def test_a_gradient_that_does_not_fit() -> None:
    x = leaf()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        al.autograd.grad(x * 1.0, x, [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="int64"):
        al.autograd.grad(x * 1.0, x, np.array([1, 2]))
