"""Matrix products and einsum: values against NumPy, gradients against central differences."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import gradient

import autograd_lite as al


def check_gradients(f: Any, *arrays: np.ndarray) -> None:
    """Every gradient of ⟨cotangent, f⟩ against central differences."""
    tensors = [al.Tensor(a, requires_grad=True) for a in arrays]
    out = f(*tensors)
    cotangent = np.asarray(np.random.default_rng(5).normal(size=out.shape))
    out.backward(cotangent)

    def value(*moved: np.ndarray) -> float:
        return float(np.sum(f(*[al.Tensor(a) for a in moved]).numpy() * cotangent))

    for i, tensor in enumerate(tensors):
        got = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(got, gradient(value, arrays, i), rtol=1e-6, atol=1e-7)


# -- products ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(hnp.mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_dims=2, max_side=3))
def test_matmul_of_every_rank(shapes: Any) -> None:
    one, two = shapes.input_shapes
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=one), rng.normal(size=two)
    np.testing.assert_allclose((al.Tensor(x) @ al.Tensor(y)).numpy(), np.matmul(x, y), rtol=1e-12, atol=1e-12)
    assert al.matmul(al.Tensor(x), al.Tensor(y)).shape == shapes.result_shape
    check_gradients(al.matmul, x, y)


@pytest.mark.parametrize(
    "shapes",
    [((3,), (4, 3, 2)), ((4, 2, 3), (3,)), ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2)), ((4, 1, 2, 3), (5, 3, 2))],
)
def test_matmul_in_batches(shapes: Any) -> None:
    x, y = (np.random.default_rng(0).normal(size=shape) for shape in shapes)
    np.testing.assert_allclose(al.matmul(al.Tensor(x), al.Tensor(y)).numpy(), np.matmul(x, y))
    check_gradients(al.matmul, x, y)


def test_the_named_products_are_einsums() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4, 5))
    cases = (
        (al.mm, "ij,jk->ik", a[0], b[0]), (al.bmm, "bij,bjk->bik", a, b), (al.mv, "ij,j->i", a[0], b[0, :, 0]),
        (al.dot, "i,i->", a[0, 0], a[0, 1]), (al.outer, "i,j->ij", a[0, 0], b[0, 0]),
        (al.inner, "bik,jk->bij", a, a[1]), (al.trace, "ii->", a[0, :, :3]),
    )  # fmt: skip
    for function, equation, *arrays in cases:
        got = function(*[al.Tensor(x) for x in arrays]).numpy()
        np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-12)
        check_gradients(function, *arrays)


def test_addmm() -> None:
    rng = np.random.default_rng(0)
    x, a, b = rng.normal(size=4), rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    got = al.addmm(al.Tensor(x), al.Tensor(a), al.Tensor(b), beta=2, alpha=0.5)
    np.testing.assert_allclose(got.numpy(), 2 * x + 0.5 * (a @ b))
    nan = al.Tensor(np.full(4, np.nan))
    np.testing.assert_allclose(al.addmm(nan, al.Tensor(a), al.Tensor(b), beta=0).numpy(), a @ b)
    batch = al.baddbmm(al.Tensor(x), al.Tensor(a[None]), al.Tensor(b[None]))
    np.testing.assert_allclose(batch.numpy(), (x + a @ b)[None])


def test_operators_with_arrays() -> None:
    a, x = np.arange(6.0).reshape(2, 3), al.Tensor(np.ones((3, 2)), requires_grad=True)
    assert (a @ x).tolist() == (a @ np.ones((3, 2))).tolist()
    (a @ x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.repeat(a.sum(0)[:, None], 2, 1))
    assert (x @ a).shape == (3, 3)
    assert np.matmul(a, x).requires_grad


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: x @ al.Tensor(np.ones((2, 5))),
        lambda x: x @ al.Tensor(np.ones(2)),
        lambda x: al.Tensor(np.ones((4, 4, 4))) @ x,
        lambda x: x @ 2.0,
        lambda x: al.mm(x, al.Tensor(np.ones(3))),
        lambda x: al.bmm(x, x),
        lambda x: al.mv(x, x),
        lambda x: al.dot(x, x),
        lambda x: al.outer(x, x),
        lambda x: al.inner(x, al.Tensor(np.ones((2, 2)))),
        lambda x: al.trace(x[0]) if x.ndim == 3 else al.trace(x[None]),
        lambda x: al.linear(x, al.Tensor(np.ones((5, 4)))),
        lambda x: al.linear(x, al.Tensor(np.ones((5, 3))), al.Tensor(np.ones(4))),
        lambda x: al.linear(x, al.Tensor(np.ones(3))),
        lambda x: al.addmm(al.Tensor(np.ones(7)), x, x.mT),
    ],
)
def test_shapes_that_do_not_fit(call: Any, requires_grad: bool) -> None:
    x = al.Tensor(np.ones((2, 3)), requires_grad=requires_grad)
    with pytest.raises(ValueError, match=r"\(.*2.*3.*\)|\(2, 2\)"):
        call(x)


def test_linear_is_one_entry() -> None:
    x, w, b = (al.Tensor(np.ones(shape), requires_grad=True) for shape in ((4, 3), (2, 3), 2))
    out = al.linear(x, w, b)
    assert out.grad_fn.op.name == "linear"
    assert len(al.Tape.of(out)) == 4
    out.sum().backward()
    assert b.grad.tolist() == [4.0, 4.0]
    assert al.linear(x, w).grad_fn.op.name == "linear"


# -- einsum -----------------------------------------------------------------------------------------------------------

LETTERS = {"i": 2, "j": 3, "k": 1, "l": 2}


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[np.ndarray]]:
    """One to three operands of up to three letters, which may repeat; axes of length 1 may stand for longer ones."""
    terms = draw(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))] if used else []
    rng = np.random.default_rng(0)
    arrays = []
    for term in terms:
        single = {c for c in term if term.count(c) == 1 and draw(st.booleans())}
        arrays.append(rng.normal(size=[1 if c in single else LETTERS[c] for c in term]))
    return f"{','.join(terms)}->{''.join(output)}", arrays


@settings(deadline=None, max_examples=150)
@given(equations())
def test_einsum(case: tuple[str, list[np.ndarray]]) -> None:
    equation, arrays = case
    got = al.einsum(equation, *[al.Tensor(a) for a in arrays]).numpy()
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-12, atol=1e-12)
    check_gradients(lambda *xs: al.einsum(equation, *xs), *arrays)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk", ((2, 3), (3, 4))),
        ("ba", ((2, 3),)),
        ("ii", ((3, 3),)),
        ("...ij,...jk->...ik", ((2, 1, 2, 3), (4, 3, 2))),
        ("...,...", ((2, 3), (3,))),
        ("i...->...", ((2, 3, 4),)),
        ("...i,...i->...", ((3,), (2, 3))),
        (" b i , i -> b ", ((2, 3), (3,))),
        ("ii...->i...", ((2, 2, 3),)),
        ("...", ((2, 3),)),
    ],
)
def test_einsum_forms(equation: str, shapes: Any) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    got = al.einsum(equation, *[al.Tensor(a) for a in arrays]).numpy()
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-12)
    check_gradients(lambda *xs: al.einsum(equation, *xs), *arrays)


def test_einsum_sums_over_an_ellipsis_that_is_left_out() -> None:
    """As PyTorch does; NumPy refuses."""
    x = np.arange(6.0).reshape(2, 3)
    assert al.einsum("...i->i", al.Tensor(x)).tolist() == x.sum(0).tolist()
    check_gradients(lambda t: al.einsum("...i->i", t), x)


def test_einsum_takes_a_list_and_returns_memory_of_its_own() -> None:
    x = al.Tensor(np.ones((2, 3)))
    assert al.einsum("ij,ij->", [x, x]).item() == 6.0
    assert not np.shares_memory(al.einsum("ij->ji", x).numpy(), x.numpy())


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", ((2, 3), (4, 5))),
        ("ij->i", ((2, 3), (2, 3))),
        ("ijk->i", ((2, 3),)),
        ("i->i", ((2, 3),)),
        ("ij->k", ((2, 3),)),
        ("ij->ii", ((2, 3),)),
        ("ii->i", ((2, 3),)),
        ("i1->i", ((2, 3),)),
        ("i.j->i", ((2, 3),)),
        ("...i...->i", ((2, 3),)),
        ("i->...", ((2, 3),)),
        ("ij->i->j", ((2, 3),)),
    ],
)
def test_einsum_refuses(equation: str, shapes: Any) -> None:
    with pytest.raises(ValueError, match=r"einsum.*\(2, 3\)|contract.*\(2, 3\)"):
        al.einsum(equation, *[al.Tensor(np.ones(shape), requires_grad=True) for shape in shapes])


def test_einsum_with_sublists_is_refused() -> None:
    x = al.Tensor(np.ones((2, 3)))
    with pytest.raises(TypeError, match="not supported"):
        al.einsum(x, [0, 1], [1, 0])
