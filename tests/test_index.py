"""Indexing against NumPy: values, gradients by a plain loop over the elements, and what is refused."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.ops.index import setitem

relaxed = settings(deadline=None, max_examples=150)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


# -- every kind of index ----------------------------------------------------------------------------------------------


@st.composite
def mixed_index(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple:
    """Integers, slices, and integer arrays that broadcast, axis by axis; None and an Ellipsis in between."""
    common = draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    index: list[Any] = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(["integer", "slice", "array", "list"]))
        if kind == "integer":
            index.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            index.append(draw(st.slices(n)))
        else:
            own = common if kind == "array" else common[-1:]
            array = draw(hnp.arrays(np.int64, own, elements=st.integers(-n, n - 1)))
            index.append(array if kind == "array" else array.tolist())
    if draw(st.booleans()):
        index.insert(draw(st.integers(0, len(index))), None)
    if draw(st.booleans()):
        index.append(Ellipsis)
    return tuple(index)


@st.composite
def array_and_index(draw: st.DrawFn) -> tuple[np.ndarray, Any]:
    shape = draw(SHAPES)
    mask_shape = shape[: draw(st.integers(1, len(shape)))]
    index = draw(
        st.one_of(
            hnp.basic_indices(shape, allow_newaxis=True),
            hnp.integer_array_indices(shape),
            hnp.arrays(np.bool_, mask_shape),
            mixed_index(shape),
        )
    )
    return np.random.default_rng(0).normal(size=shape), index


def as_tensors(index: Any) -> Any:
    """The index with its arrays as Tensors."""
    if isinstance(index, tuple):
        return tuple(as_tensors(i) for i in index)
    return al.Tensor(index) if isinstance(index, np.ndarray) else index


def places(x: np.ndarray, index: Any) -> np.ndarray:
    """Which elements of ``x``, counted in order, ``index`` names."""
    return np.asarray(np.arange(x.size).reshape(x.shape)[index])


@relaxed
@given(array_and_index())
def test_getitem(case: tuple[np.ndarray, Any]) -> None:
    array, index = case
    expected = np.asarray(array[index])
    cotangent = np.random.default_rng(1).normal(size=expected.shape)
    gradient = np.zeros(array.size)
    for place, part in zip(places(array, index).ravel(), np.ravel(cotangent), strict=True):
        gradient[place] += part
    for given_index in (index, as_tensors(index)):
        x = al.Tensor(array, requires_grad=True)
        out = x[given_index]
        np.testing.assert_array_equal(out.numpy(), expected)
        out.backward(np.asarray(cotangent))
        np.testing.assert_allclose(x.grad.numpy(), gradient.reshape(array.shape), rtol=1e-12, atol=1e-12)


@relaxed
@given(array_and_index(), st.data())
def test_setitem(case: tuple[np.ndarray, Any], data: st.DataObject) -> None:
    """Of several writes to one place the last in the order of the index counts, for the value and the gradient."""
    array, index = case
    where = places(array, index)
    shape = data.draw(st.sampled_from([where.shape, where.shape[1:], tuple([1] * where.ndim), (), (1, *where.shape)]))
    value = np.asarray(np.random.default_rng(2).normal(size=shape))
    source = np.arange(value.size).reshape(shape)
    source = np.broadcast_to(source.reshape(where.shape) if source.ndim > where.ndim else source, where.shape)
    writer = dict(zip(where.ravel().tolist(), source.ravel().tolist(), strict=True))
    expected, cotangent = array.ravel().copy(), np.random.default_rng(3).normal(size=array.size)
    x_gradient, v_gradient = cotangent.copy(), np.zeros(value.size)
    for place, k in writer.items():
        expected[place] = value.ravel()[k]
        x_gradient[place] = 0
        v_gradient[k] += cotangent[place]
    x, v = al.Tensor(array, requires_grad=True), al.Tensor(value, requires_grad=True)
    y = x * 1
    y[as_tensors(index)] = v
    np.testing.assert_array_equal(y.numpy(), expected.reshape(array.shape))
    y.backward(cotangent.reshape(array.shape))
    np.testing.assert_allclose(x.grad.numpy(), x_gradient.reshape(array.shape), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(v.grad.numpy(), v_gradient.reshape(shape), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_the_last_write_does_not_depend_on_memory_layout(layout: str) -> None:
    index, value = np.array([[0, 0], [0, 1]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    if layout == "columns":
        index, value = np.asfortranarray(index), np.asfortranarray(value)
    for x, v in ((np.zeros((2, 2)).T, value), (al.Tensor(np.zeros((2, 2)).T), al.Tensor(value))):
        assert setitem(x, v, (0, index)).tolist() == [[3.0, 4.0], [0.0, 0.0]]


# -- what an index may be ---------------------------------------------------------------------------------------------

X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([0, 2], X[[0, 2]]),
        ([[0, 1], [2, 0]], X[[[0, 1], [2, 0]]]),
        (([0, 1], (2, 3)), X[[0, 1], [2, 3]]),
        ([True, False, True], X[[True, False, True]]),
        ([], X[[]]),
        (True, X[True]),
        (al.Tensor(1), X[1]),
        (al.Tensor(True), X[True]),
        ([al.Tensor(0), al.Tensor(2)], X[[0, 2]]),
        (slice(al.Tensor(1), al.Tensor(3)), X[1:3]),
        (slice(np.int64(2), None, -1), X[2::-1]),
        (range(2), X[[0, 1]]),
        (np.int32(-1), X[-1]),
        (np.array([2, 0], dtype=np.uint8), X[[2, 0]]),
        (np.array([2, 0], dtype=np.uint64), X[[2, 0]]),
        ((..., None, 0), X[..., None, 0]),
        ((), X),
    ],
)
def test_forms_of_an_index(index: Any, expected: np.ndarray) -> None:
    x = al.Tensor(X, requires_grad=True)
    out = x[index]
    np.testing.assert_array_equal(out.numpy(), expected)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy().ravel(), np.bincount(np.asarray(expected, int).ravel(), minlength=12))


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (3, IndexError, r"\(3, 4\).*3"),
        ((0, -5), IndexError, r"\(3, 4\).*-5"),
        ([0, 7], IndexError, r"\(3, 4\).*7"),
        ((0, 0, 0), IndexError, r"\(3, 4\)"),
        (np.array([True, False]), IndexError, r"\(3, 4\)"),
        (1.0, IndexError, "float"),
        (al.Tensor([1.0]), IndexError, "float32"),
        (al.Tensor([1.0], requires_grad=True), IndexError, "float32"),
        ("a", TypeError, "real numbers"),
        (slice(0.5), TypeError, "float"),
        ((..., ...), IndexError, "ellipsis"),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_what_is_no_index(index: Any, error: type[Exception], message: str, requires_grad: bool) -> None:
    x = al.Tensor(X, requires_grad=requires_grad)
    with pytest.raises(error, match=message):
        x[index]


def test_nothing_the_caller_can_change_stays_on_the_tape() -> None:
    x, v = al.Tensor(X, requires_grad=True), al.Tensor(np.ones(2), requires_grad=True)
    array, tensor, numbers = np.array([0, 1]), al.Tensor([0, 1]), [0, 1]
    mask = np.array([True, True, False, False])
    losses = x[array].sum() + x[tensor, numbers].sum() + x[0][mask].sum() + setitem(x, v, (0, array)).sum()
    losses = losses + al.gather(x, 0, array[None]).sum() + al.embedding(array, x).sum()
    array[:] = 2
    tensor.fill_(2)
    numbers[:] = [2, 2]
    mask[:] = False
    losses.backward()
    expected = np.ones((3, 4))
    expected[:2] += 1  # x[array]
    expected[[0, 1], [0, 1]] += 1  # x[tensor, numbers]
    expected[0, :2] += 1  # x[0][mask]
    expected[0, :2] -= 1  # setitem
    expected[[0, 1], [0, 1]] += 1  # gather
    expected[:2] += 1  # embedding
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("index", [0, (1, 2), (..., 1), slice(None, None, -1), None])
def test_a_basic_index_is_a_view(index: Any) -> None:
    x = al.Tensor(X)
    assert np.shares_memory(x[index].numpy(), x.numpy())
    x[index].fill_(7.0)
    assert (x.numpy()[index] == 7.0).all()


def test_embedding_rows_add_up_in_the_gradient() -> None:
    rng = np.random.default_rng(0)
    weight, index = rng.normal(size=(5, 2, 3)), rng.integers(-5, 5, (4, 6))
    x, cotangent = al.Tensor(weight, requires_grad=True), rng.normal(size=(4, 6, 2, 3))
    x[index].backward(cotangent)
    expected = np.zeros_like(weight)
    for i, g in zip(index.ravel(), cotangent.reshape(-1, 2, 3), strict=True):
        expected[i] += g
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12)


def test_negative_rows_of_small_integers() -> None:
    """An index of 8 bits counts rows whose flat positions it could not hold."""
    x = al.Tensor(np.zeros((100, 50)), requires_grad=True)
    x[np.array([-1, 99, 3], dtype=np.int8)].sum().backward()
    assert x.grad.numpy().sum(axis=1)[[3, 99]].tolist() == [50.0, 100.0]


# -- item assignment --------------------------------------------------------------------------------------------------


def test_setitem_casts_the_value_and_keeps_the_dtype() -> None:
    x = al.Tensor([1.0, 2.0])
    assert setitem(x, np.array([5.0]), [0]).dtype == np.float32
    assert setitem(x, 3, 0).tolist() == [3.0, 2.0]
    assert setitem(al.Tensor([1, 2]), True, 0).tolist() == [1, 2]
    mask = al.Tensor([True, False])
    assert setitem(mask, 1, 1).tolist() == [True, True]
    assert setitem(mask, 1, 1).dtype == np.bool_
    v = al.Tensor(np.array([4.0]), requires_grad=True)
    setitem(x, v, [0]).sum().backward()
    assert v.grad.dtype == np.float64


@pytest.mark.parametrize(
    ("x", "value", "index", "error", "message"),
    [
        ([1, 2], 0.5, 0, TypeError, r"int64 \(2,\)"),
        ([1, 2], [0.5], [0], TypeError, r"int64 \(2,\)"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], slice(None), ValueError, r"\(3,\)"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], [0, 1], ValueError, r"\(3,\)"),
        ([1.0, 2.0], [[1.0], [2.0]], [0, 1], ValueError, r"\(2, ?1\)"),
        ([1.0, 2.0], 1.0, 5, IndexError, r"\(2,\).*5"),
        ([1.0, 2.0], 1.0, [0, 5], IndexError, r"5"),
        ([1.0, 2.0], "a", 0, TypeError, "real numbers"),
    ],
)
def test_setitem_refuses(x: Any, value: Any, index: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        setitem(al.Tensor(x), value, index)


# -- along an axis ----------------------------------------------------------------------------------------------------


def looped_gather(x: np.ndarray, axis: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gathered elements, and how often each element of x was."""
    out, count = np.zeros(index.shape), np.zeros(x.shape)
    for place in np.ndindex(*index.shape):
        source = (*place[:axis], index[place], *place[axis + 1 :])
        out[place] = x[source]
        count[source] += 1
    return out, count


@pytest.mark.parametrize(("axis", "shape"), [(0, (5, 2)), (1, (2, 7)), (-1, (3, 1)), (0, (0, 4)), (1, (3, 4))])
def test_gather_and_scatter_add_are_adjoint(axis: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    index = rng.integers(0, X.shape[axis], shape)
    out, count = looped_gather(X, axis % 2, index)
    x = al.Tensor(X, requires_grad=True)
    gathered = al.gather(x, dim=axis, index=al.Tensor(index))
    np.testing.assert_array_equal(gathered.numpy(), out)
    gathered.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), count)
    src = rng.normal(size=(6, 8))
    added = al.scatter_add(al.Tensor(np.zeros(X.shape)), axis, index, al.Tensor(src)).numpy()
    assert (added * X).sum() == pytest.approx((src[: shape[0], : shape[1]] * out).sum())


def test_scatter_writes_the_last() -> None:
    src = al.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    x = al.Tensor(np.zeros(3), requires_grad=True)
    out = al.scatter(x, 0, [1, 1, 0], src)
    assert out.tolist() == [3.0, 2.0, 0.0]
    out.sum().backward()
    assert src.grad.tolist() == [0.0, 1.0, 1.0]
    assert x.grad.tolist() == [0.0, 0.0, 1.0]
    assert al.scatter(x, 0, [1], 9.0).tolist() == [0.0, 9.0, 0.0]


def test_take_along_axis_is_numpys() -> None:
    order = np.argsort(-X, axis=0)
    np.testing.assert_array_equal(al.take_along_axis(al.Tensor(X), order, 0).numpy(), np.take_along_axis(X, order, 0))
    narrow = np.array([[1], [2], [0]])
    np.testing.assert_array_equal(
        al.take_along_dim(al.Tensor(X), narrow, dim=1).numpy(), np.take_along_axis(X, narrow, 1)
    )
    assert al.take_along_axis(al.Tensor(X), [5, 5]).tolist() == [5.0, 5.0]


def test_index_select_index_add_and_take() -> None:
    x = al.Tensor(X, requires_grad=True)
    assert al.index_select(x, 1, [3, 3]).tolist() == X[:, [3, 3]].tolist()
    assert al.take(x, [-1, 5]).tolist() == [11.0, 5.0]
    source = al.Tensor(np.ones((3, 2)), requires_grad=True)
    out = al.index_add(x, 1, [3, 3], source, alpha=2)
    np.testing.assert_array_equal(out.numpy(), X + np.array([0, 0, 0, 4]))
    out.sum().backward()
    assert (source.grad.numpy() == 2).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: al.gather(x, 0, [[3]]), IndexError, r"3.*axis 0.*\(3, 4\)"),
        (lambda x: al.gather(x, 1, [[-1]]), IndexError, r"-1.*axis 1.*\(3, 4\)"),
        (lambda x: al.gather(x, 2, [[0]]), IndexError, r"axis 2.*\(3, 4\)"),
        (lambda x: al.gather(x, 0, [0]), ValueError, r"\(1,\).*\(3, 4\)"),
        (lambda x: al.gather(x, 0, [[0] * 5]), ValueError, r"\(1, 5\).*\(3, 4\)"),
        (lambda x: al.gather(x, 0, [[0.5]]), IndexError, "float"),
        (lambda x: al.gather(x, 0, [[True]]), TypeError, "bool"),
        (lambda x: al.scatter_add(x, 0, [[0, 1]], al.Tensor([[1.0]])), ValueError, r"\(1, 2\).*\(1, 1\)"),
        (lambda x: al.scatter_add(x, 0, [[3]], al.Tensor([[1.0]])), IndexError, "3"),
        (lambda x: al.index_select(x, 0, [3]), IndexError, r"3.*\(3, 4\)"),
        (lambda x: al.index_select(x, 0, [[0]]), ValueError, r"\(1, 1\)"),
        (lambda x: al.take_along_axis(x, [0], 0), ValueError, r"\(1,\).*\(3, 4\)"),
        (lambda x: al.take_along_axis(x, [[9]], 0), IndexError, r"\(3, 4\)"),
        (lambda x: al.take(x, [12]), IndexError, "12"),
        (lambda x: al.embedding([0, 3], x), IndexError, r"3.*\(3, 4\)"),
        (lambda x: al.embedding([-1], x), IndexError, "-1"),
        (lambda x: al.embedding([0.5], x), IndexError, "float"),
        (lambda x: al.embedding([0], x, padding_idx=3), IndexError, r"3.*\(3, 4\)"),
        (lambda x: al.masked_fill(x, [1, 0, 1, 0], 0.0), TypeError, "int64"),
        (lambda x: al.masked_fill(x, [True, False], 0.0), ValueError, r"\(3, 4\)"),
    ],
)
def test_refused_along_an_axis(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(al.Tensor(X, requires_grad=True))


# -- masks, classes, embeddings ---------------------------------------------------------------------------------------


def test_masked_fill_and_masked_select() -> None:
    mask = X > 5
    x, v = al.Tensor(X, requires_grad=True), al.Tensor(np.array(-1.0), requires_grad=True)
    (al.masked_fill(x, mask, v).sum() + al.masked_select(x, al.Tensor(mask)).sum()).backward()
    assert (x.grad.numpy() == 1).all()
    assert v.grad.item() == mask.sum()
    assert al.masked_fill(al.Tensor([1.0]), np.array([[True], [False]]), 0.0).tolist() == [[0.0], [1.0]]
    assert al.masked_fill(al.Tensor([1, 2]), [True, False], 7).dtype == np.int64


def test_one_hot() -> None:
    assert al.one_hot(al.Tensor([[1], [0]])).tolist() == [[[0, 1]], [[1, 0]]]
    assert al.one_hot(al.Tensor(1), num_classes=3).tolist() == [0, 1, 0]
    for classes, count, error, message in (
        ([-1], 3, IndexError, "-1.*3 classes"), ([3], 3, IndexError, "3.*3 classes"), ([0.5], 3, TypeError, "float32"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            al.one_hot(al.Tensor(classes), count)
    with pytest.raises(ValueError, match="num_classes"):
        al.one_hot(al.Tensor(np.zeros(0, int)))


def test_embedding_padding_has_no_gradient() -> None:
    weight = al.Tensor(X, requires_grad=True)
    out = al.embedding(al.Tensor([0, 2, 2]), weight, padding_idx=-1)
    assert out.tolist() == X[[0, 2, 2]].tolist()
    out.sum().backward()
    assert weight.grad.numpy().sum(axis=1).tolist() == [4.0, 0.0, 0.0]
    assert al.embedding(1, weight).tolist() == X[1].tolist()


def test_nonzero() -> None:
    x = al.Tensor([[0.0, 2.0], [3.0, 0.0]])
    assert al.nonzero(x).tolist() == [[0, 1], [1, 0]]
    rows, columns = al.nonzero(x, as_tuple=True)
    assert x[rows, columns].tolist() == [2.0, 3.0]


# -- sorting ----------------------------------------------------------------------------------------------------------


def test_sort_puts_nan_last_and_keeps_the_order_of_equals() -> None:
    x = np.array([2.0, np.nan, 1.0, 2.0, -np.inf])
    up, down = al.sort(al.Tensor(x)), al.sort(al.Tensor(x), descending=True)
    assert up.indices.tolist() == [4, 2, 0, 3, 1]
    assert down.indices.tolist() == [1, 0, 3, 2, 4]
    np.testing.assert_array_equal(up.values.numpy(), np.sort(x))
    assert al.argsort(al.Tensor([1.0, 1.0, 1.0]), descending=True).tolist() == [0, 1, 2]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_gradient_of_sort_and_topk_goes_where_the_element_came_from(axis: int) -> None:
    rng = np.random.default_rng(0)
    array, cotangent = rng.permutation(12).reshape(3, 4) * 1.0, rng.normal(size=(3, 4))
    x = al.Tensor(array, requires_grad=True)
    al.sort(x, dim=axis).values.backward(cotangent)
    expected = np.zeros((3, 4))
    np.put_along_axis(expected, np.argsort(array, axis), cotangent, axis)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    values, indices = al.topk(x, 2, dim=axis)
    np.testing.assert_array_equal(values.numpy(), np.flip(np.sort(array, axis), axis).take([0, 1], axis))
    np.testing.assert_array_equal(np.take_along_axis(array, indices.numpy(), axis), values.numpy())
    assert x.topk(1, largest=False).values.shape == (3, 1)


def test_topk_refuses() -> None:
    for k in (-1, 5):
        with pytest.raises(ValueError, match=rf"4.*\(3, 4\).*{k}"):
            al.topk(al.Tensor(X), k)
    with pytest.raises(IndexError, match=r"2.*\(3, 4\)"):
        al.sort(al.Tensor(X), axis=2)
