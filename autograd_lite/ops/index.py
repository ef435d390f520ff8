"""Indexing: reading elements, writing them, and the adjoints of both.

Two ops read: `slice` (a basic index: a view) and `pick` (with arrays in the index: a copy).  Their adjoints are `place`
and `accumulate`, which put a gradient where its elements came from.  `assign` writes.  Everything else is composed.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np
from numpy import ndarray

from ..op import Sample, op
from ..tensor import Tensor, as_array
from .composed import as_operand, composed, position
from .elementwise import where
from .out import deliver
from .samples import normal
from .shape import broadcast_to, reshape

__all__ = [
    "argwhere", "gather", "index_add", "index_put", "index_select", "masked_fill", "masked_select", "nonzero",
    "one_hot", "scatter", "scatter_add", "take", "take_along_axis", "take_along_dim",
]  # fmt: skip

Index = tuple[Any, ...]  # of integers, slices, None, Ellipsis, integer and boolean arrays


# -- the index --------------------------------------------------------------------------------------------------------


def normal_index(index: Any) -> Index:
    """An index as a tuple of integers, slices of integers, None, Ellipsis, and integer or boolean arrays.

    Raises IndexError for anything else.
    """
    return tuple([_entry(e) for e in index]) if type(index) is tuple else (_entry(index),)


def _entry(entry: Any) -> Any:
    if entry is None or entry is Ellipsis or type(entry) is int:
        return entry
    if isinstance(entry, builtins.slice):
        return builtins.slice(*[b if b is None else operator.index(b) for b in (entry.start, entry.stop, entry.step)])
    array = entry._array if isinstance(entry, Tensor) else as_array(entry)
    empty_list = isinstance(entry, (list, tuple)) and not array.size
    if array.dtype.kind not in "iub" and not empty_list:
        raise IndexError(f"an index holds integers or booleans, not {array.dtype} {array.shape}: {entry!r}")
    if array.dtype.kind == "b":
        return array
    return array.astype(np.intp, copy=False) if array.ndim else int(array)


def _has_arrays(index: Index) -> bool:
    return any(isinstance(e, ndarray) for e in index)


def _may_repeat(index: Index) -> bool:
    """Whether an element can be addressed twice: only integer arrays can do that."""
    return any(isinstance(e, ndarray) and e.dtype.kind != "b" for e in index)


def _places(shape: tuple[int, ...], index: Index) -> ndarray:
    """The flat positions that ``index`` addresses in an array of ``shape``."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]


# -- reading ----------------------------------------------------------------------------------------------------------


def _basic_samples(rng: np.random.Generator) -> list[Sample]:
    s = builtins.slice
    indices = ((0,), (-1, s(None)), (s(None), s(2, None)), (s(None, None, -2),), (..., None, 1), (s(1, 1),), (1, 2), ())
    return [Sample(rng.normal(size=(3, 4)), index) for index in indices]


def _array_samples(rng: np.random.Generator) -> list[Sample]:
    i, s = np.array, builtins.slice
    indices = (
        (i([0, 2, 0]),), (i([[0, 1], [-1, 1]]),), (i([0, 1, 0]), i([1, 1, 1])), (s(None), i([3, 0, 3])),
        (i([True, False, True]),), (..., i([1, 1]), None), (i([], dtype=int),), (i([[0], [2]]), i([1, 2])),
        (rng.random((3, 4)) < 0.5,), (0, i([1, 1])), (i(True),),
    )  # fmt: skip
    return [Sample(rng.normal(size=(3, 4)), index) for index in indices]


@op(vjps=(lambda g, out, x, index: place(g, x.shape, index),), symbol="[·]", view=True, samples=_basic_samples)
def slice(x, index, out=None):
    """``x[index]`` for a basic index (integers, slices, None, Ellipsis): a view."""
    whole = index if Ellipsis in index else (*index, ...)  # with an Ellipsis, a 0-d result is a view, too
    return deliver(x[whole], out)


@op(
    vjps=(lambda g, out, x, shape, index: slice(g, index),),
    samples=lambda rng: [Sample(s.args[0][s.args[1]], s.args[0].shape, s.args[1]) for s in _basic_samples(rng)],
)
def place(x, shape, index, out=None):
    """Zeros of ``shape`` with ``x`` at the basic ``index``: the adjoint of `slice`."""
    out = _zeros(shape, x, out)
    out[index] = x
    return out


@op(vjps=(lambda g, out, x, index: accumulate(g, x.shape, index),), symbol="[·]", samples=_array_samples)
def pick(x, index, out=None):
    """``x[index]`` for an index with integer or boolean arrays: a copy."""
    return deliver(x[index], out)


@op(
    vjps=(lambda g, out, x, shape, index: pick(g, index),),
    samples=lambda rng: [Sample(s.args[0][s.args[1]], s.args[0].shape, s.args[1]) for s in _array_samples(rng)],
)
def accumulate(x, shape, index, out=None):
    """Zeros of ``shape`` with ``x`` added at ``index``, as often as an element is named: the adjoint of `pick`."""
    out = _zeros(shape, x, out)
    if not _may_repeat(index):
        out[index] = x
    elif len(index) == 1 and out.ndim > 1 and out.flags.c_contiguous:
        # Whole rows: NumPy adds 1-D arrays four times as fast.
        rows, width = index[0].reshape(-1, 1), out[0].size if len(out) else 0
        places = np.where(rows < 0, rows + len(out), rows) * width + np.arange(width)
        np.add.at(out.reshape(-1), places.ravel(), np.ravel(x))
    else:
        np.add.at(out, index, x)
    return out


_accumulate = accumulate  # for `index_put`, whose argument has the same name


def _zeros(shape: tuple[int, ...], x: Any, out: ndarray | None) -> ndarray:
    if out is None:
        return np.zeros(shape, x.dtype)
    out.fill(0)
    return out


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` as in NumPy: integers, slices, None, Ellipsis, and integer or boolean arrays, lists and Tensors.

    A basic index gives a view, one with arrays a copy.  The gradient of an element that is named several times is the
    sum.  One difference from PyTorch, where NumPy's rule holds: in ``x[0, :, [1, 2]]`` the integer counts as an array,
    and since a slice stands between, the picked axis comes first.  Raises IndexError for an index out of range and for
    what is no index.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> x[[0, 2, 2]].sum().backward()
    >>> x.grad
    tensor([1., 0., 2.])
    """
    index = normal_index(index)
    return pick(x, index) if _has_arrays(index) else slice(x, index)


# -- writing ----------------------------------------------------------------------------------------------------------


def _written(g: Any, index: Index) -> Any:
    """What of ``g`` belongs to the value that was written: at a place written twice, only the last write counts."""
    taken = getitem(g, index)
    if not _may_repeat(index):
        return taken
    places = _places(g.shape, index)
    order = np.arange(places.size)
    last = np.empty(g.size if isinstance(g, ndarray) else g.numel(), np.intp)
    last[places.ravel()] = order
    return where((last[places.ravel()] == order).reshape(places.shape), taken, 0.0)


def _assign_samples(rng: np.random.Generator) -> list[Sample]:
    samples = []
    for sample in (*_basic_samples(rng), *_array_samples(rng)):
        x, index = sample.args
        samples.append(Sample(x, rng.normal(size=x[index].shape), index))
    rows = np.array([1, 1, 0])
    return [*samples, Sample(np.ones((3, 4)), 2.5, (rows,)), Sample(np.ones((3, 4)), np.arange(4.0), (rows,))]


@op(
    vjps=(lambda g, out, x, value, index: assign(g, 0.0, index), lambda g, out, x, value, index: _written(g, index)),
    symbol="[·]=", samples=_assign_samples,
)  # fmt: skip
def assign(x, value, index, out=None):
    """A copy of ``x`` with ``value`` at ``index``; see `setitem`."""
    result = np.array(x, order="C")
    if _may_repeat(index):  # NumPy writes in memory order: one axis makes that the order of the index
        places = _places(result.shape, index)
        result.reshape(-1)[places.ravel()] = np.broadcast_to(value, places.shape).ravel()
    else:
        result[index] = value
    return deliver(result, out)


def setitem(x: Any, value: Any, index: Any) -> Any:
    """A copy of ``x`` in which ``x[index]`` is ``value``, which broadcasts and is cast to the dtype of ``x``.

    The gradient of ``x`` is 0 at the written places, that of ``value`` comes from there; where an integer array names a
    place several times the last write wins, and only it has a gradient.  Raises IndexError as `getitem` does,
    ValueError for a value that does not broadcast, TypeError for a fraction written to integers.
    """
    index = normal_index(index)
    if not isinstance(value, (Tensor, int, float)):
        value = as_array(value)
    dtype = value.dtype if isinstance(value, (Tensor, ndarray)) else np.min_scalar_type(value)
    if dtype.kind == "f" and x.dtype.kind != "f":
        raise TypeError(f"setitem: cannot write {dtype} to {x.dtype} {x.shape}; convert one of them with astype first")
    if isinstance(value, (Tensor, ndarray)):
        if value.dtype != x.dtype:
            value = value.astype(x.dtype)
        if value.ndim and value.shape[0] == 1:  # NumPy ignores leading axes of length 1
            surplus = value.ndim - np.broadcast_to(np.False_, x.shape)[index].ndim
            if surplus > 0 and set(value.shape[:surplus]) == {1}:
                value = reshape(value, value.shape[surplus:])
    elif x.dtype.kind == "b":
        value = bool(value)
    return assign(x, value, index)


def _put_samples(rng: np.random.Generator) -> list[Sample]:
    once, twice = (np.array([0, 2]), np.array([1, 3])), (np.array([1, 1, 0]),)
    x, rows = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    return [Sample(x, once, rng.normal(size=2)), Sample(x, once, np.array(0.5), True), Sample(x, twice, rows, True)]


@composed(_put_samples)
def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """``x`` with ``values`` written at the tuple of arrays ``indices``, or added there with ``accumulate``."""
    index = normal_index(tuple(indices))
    if not accumulate:
        return setitem(x, values, index)
    return x + _accumulate(broadcast_to(values, _places(x.shape, index).shape), x.shape, index)


# -- along an axis ----------------------------------------------------------------------------------------------------


def integers(name: str, index: Any, shape: tuple[int, ...], axis: int) -> ndarray:
    """``index`` as an array of integers that are all in range for an axis of ``shape``."""
    array = np.asarray(_entry(index))
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: the index must hold integers, not {array.dtype} {array.shape}")
    length = shape[axis] if shape else 1
    if array.size and not (array.min() >= 0 and array.max() < length):
        bad = array[(array < 0) | (array >= length)][0]
        raise IndexError(f"{name}: index {bad} is out of range for axis {axis} of shape {shape}")
    return array


def _grid(name: str, shape: tuple[int, ...], axis: int, index: ndarray) -> Index:
    """For each element of ``index``, which counts along ``axis``, its place in an array of ``shape``."""
    index, shape = np.atleast_1d(index), shape or (1,)
    if index.ndim != len(shape):
        raise ValueError(f"{name}: the index has shape {index.shape}, the tensor {shape}: as many axes are needed")
    if any(n > m for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if i != axis) and index.size:
        raise ValueError(f"{name}: the index has shape {index.shape}, larger than the tensor's {shape} off axis {axis}")
    places: list[Any] = list(np.indices(index.shape, sparse=True))
    places[axis] = index
    return tuple(places)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else reshape(x, shape)


def _at_least_1d(x: Any) -> Any:
    return _shaped(x, x.shape or (1,))


def _gather_samples(rng: np.random.Generator) -> list[Sample]:
    indices = ((0, [[2, 0, 1, 2], [0, 0, 1, 1]]), (1, [[3], [0], [0]]), (-1, [[1, 1], [0, 2], [3, 3]]))
    return [Sample(rng.normal(size=(3, 4)), axis, np.array(index)) for axis, index in indices]


@composed(_gather_samples)
def gather(x: Any, axis: int, index: Any) -> Any:
    """``out[i, j] = x[index[i, j], j]`` for axis 0, and so on: ``(N, …), int (M, …) -> (M, …)``.

    The index has as many axes as ``x`` and may be shorter.  Raises IndexError for an index out of range, ValueError for
    shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.gather(al.tensor([[1, 2], [3, 4]]), 1, al.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    axis = position(axis, x.shape)
    index = integers("gather", index, x.shape, axis)
    if not index.size:  # whatever its number of axes, as in PyTorch
        return reshape(getitem(reshape(x, (-1,)), builtins.slice(0)), index.shape)
    return _shaped(pick(_at_least_1d(x), _grid("gather", x.shape, axis, index)), index.shape)


def _sources(name: str, src: Any, index: ndarray) -> Any:
    """The part of ``src`` that ``index`` covers."""
    src = as_operand(src)
    if src.ndim != index.ndim or any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise ValueError(f"{name}: the index has shape {index.shape}, src only {src.shape}")
    return src if src.shape == index.shape else getitem(src, tuple([builtins.slice(n) for n in index.shape]))


def _scatter_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3, 4), 0, [[2, 0, 1, 2]], (2, 4)), ((3, 4), 1, [[3, 1], [0, 2], [1, 0]], (3, 2)), ((3,), -1, [1], (1,)))
    return [Sample(rng.normal(size=s), axis, np.array(index), rng.normal(size=t)) for s, axis, index, t in cases]


@composed(_scatter_samples)
def scatter_add(x: Any, axis: int, index: Any, src: Any) -> Any:
    """``x`` with ``src[i, j]`` added at ``[index[i, j], j]`` for axis 0, and so on: the adjoint of `gather`.

    Raises IndexError for an index out of range, ValueError for shapes that do not fit.
    """
    axis = position(axis, x.shape)
    index = integers("scatter_add", index, x.shape, axis)
    src = _sources("scatter_add", src, index)
    added = accumulate(_at_least_1d(src), x.shape or (1,), _grid("scatter_add", x.shape, axis, index))
    return x + _shaped(added, x.shape)


@composed(_scatter_samples, value="src")
def scatter(x: Any, axis: int, index: Any, src: Any) -> Any:
    """``x`` with ``src[i, j]``, or the number ``src``, written at ``[index[i, j], j]`` for axis 0, and so on.

    Of several writes to one place the last wins.  Raises IndexError and ValueError as `scatter_add` does.
    """
    axis = position(axis, x.shape)
    index = integers("scatter", index, x.shape, axis)
    if not isinstance(src, (int, float)):
        src = _at_least_1d(_sources("scatter", src, index))
    return _shaped(setitem(_at_least_1d(x), src, _grid("scatter", x.shape, axis, index)), x.shape)


@composed(
    lambda rng: [
        Sample(s.args[0], s.args[2], s.args[1]) for s in _gather_samples(rng) if s.args[2].shape[s.args[1] - 1]
    ]
)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements of ``x`` that ``indices``, such as `argsort` returns, names along ``axis``.

    As in `numpy.take_along_axis` the other axes broadcast; with ``axis=None`` both are flattened.  Raises IndexError
    for an index out of range.
    """
    indices = np.asarray(_entry(indices))
    if axis is None:
        x, indices, axis = reshape(x, (-1,)), indices.reshape(-1), 0
    axis = position(axis, x.shape)
    if indices.ndim != x.ndim or indices.dtype.kind not in "iu":
        raise ValueError(
            f"take_along_axis: indices are {indices.dtype} {indices.shape}, the tensor has shape {x.shape}: "
            "integers with as many axes are needed"
        )
    if not x.ndim:
        return reshape(pick(reshape(x, (1,)), (indices.reshape(1),)), ())
    places: list[Any] = list(np.indices((*x.shape[:axis], 1, *x.shape[axis + 1 :]), sparse=True))
    places[axis] = indices
    return pick(x, tuple(places))


take_along_dim = take_along_axis  # PyTorch's name


@composed(normal(((3, 4), 0, np.array([2, 0, 2])), ((3, 4), -1, np.array([1])), ((3,), 0, np.array([], dtype=int))))
def index_select(x: Any, axis: int, index: Any) -> Any:
    """The slices of ``x`` that the 1-D ``index`` names along ``axis``: ``(N, C), int (M,) -> (M, C)`` for axis 0.

    Raises IndexError for an index out of range, ValueError for one that is not 1-D.
    """
    chosen = _at_least_1d(x)[_along("index_select", x.shape, axis, index)]
    return chosen if x.ndim else reshape(chosen, ())


def _along(name: str, shape: tuple[int, ...], axis: int, index: Any) -> Index:
    axis = position(axis, shape)
    index = integers(name, index, shape, axis)
    if index.ndim > 1:
        raise ValueError(f"{name}: the index must be 1-D, got shape {index.shape}")
    return (builtins.slice(None),) * axis + (index.reshape(-1),)


def _add_samples(rng: np.random.Generator) -> list[Sample]:
    x, rows, columns = rng.normal(size=(3, 4)), np.array([2, 0, 2]), np.array([1])
    return [
        Sample(x, 0, rows, rng.normal(size=(3, 4))), Sample(x, -1, columns, rng.normal(size=(3, 1))),
        Sample(x, 0, rows, rng.normal(size=(3, 4)), alpha=0.5),
    ]  # fmt: skip


@composed(_add_samples)
def index_add(x: Any, axis: int, index: Any, source: Any, alpha: float = 1) -> Any:
    """``x`` with ``alpha·source`` added to the slices that the 1-D ``index`` names along ``axis``."""
    places = _along("index_add", x.shape, axis, index)
    shape = x.shape or (1,)
    source = source if alpha == 1 else source * alpha
    fits = (*shape[: len(places) - 1], len(places[-1]), *shape[len(places) :])
    return x + _shaped(accumulate(_shaped(source, fits), shape, places), x.shape)


@composed(normal(((3, 4), np.array([0, 11, 0])), ((3, 4), np.array([[1], [5]]))))
def take(x: Any, index: Any) -> Any:
    """The elements of ``x`` that ``index`` names, counted in order through all axes.

    Raises IndexError for an index out of range.
    """
    return getitem(reshape(x, (-1,)), (index,))


# -- masks ------------------------------------------------------------------------------------------------------------


MASK = np.array([[True, False, True], [False, False, True]])  # of the samples


def _mask(name: str, mask: Any) -> Any:
    mask = as_operand(mask)
    if mask.dtype.kind != "b":
        raise TypeError(f"{name}: the mask must hold booleans, not {mask.dtype} {mask.shape}")
    return mask


@composed(lambda rng: [Sample(rng.normal(size=(2, 3)), MASK, value) for value in (0.5, np.array(1.5))])
def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """``value`` where the boolean ``mask`` is true, else ``x``; all broadcast.  Raises TypeError for another mask.

    >>> import autograd_lite as al
    >>> al.masked_fill(al.tensor([1.0, 2.0]), al.tensor([False, True]), float("-inf"))
    tensor([  1., -inf])
    """
    return where(_mask("masked_fill", mask), value, x)


@composed(normal(((2, 3), MASK), ((3,), MASK), ((2, 3), MASK[0])))
def masked_select(x: Any, mask: Any) -> Any:
    """The elements of ``x`` where the boolean ``mask`` is true, in order: ``(…) -> (M,)``; both broadcast."""
    mask = _mask("masked_select", mask)
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return getitem(broadcast_to(x, shape), broadcast_to(mask, shape))


# -- from and to indices ----------------------------------------------------------------------------------------------


@op(
    arity=1, numpy=(np.argwhere,),
    samples=lambda rng: [Sample(rng.normal(size=(2, 3)) > 0), Sample(np.array([0.0, 2.0]))],
)  # fmt: skip
def argwhere(x, out=None):
    """The places of the elements that are not 0: ``(…) -> int (M, ndim)``."""
    return deliver(np.argwhere(x), out)


@composed(lambda rng: [Sample(MASK * 0.5), Sample(MASK[0] * 0.5, as_tuple=True)])
def nonzero(x: Any, as_tuple: bool = False) -> Any:
    """The places of the elements that are not 0: ``(…) -> int (M, ndim)``, or with ``as_tuple`` one tensor an axis."""
    if not as_tuple:
        return argwhere(x)
    places = argwhere(_at_least_1d(x))
    return tuple([places[:, i] for i in range(places.shape[1])])


@op(arity=1, samples=lambda rng: [Sample(np.array([0, 2])), Sample(np.array([[0], [1]]), 3), Sample(np.array(1), 2)])
def one_hot(x, num_classes=-1, out=None):
    """A 1 at the class, else 0: ``int (…) -> int (…, C)``; the number of classes C is by default the largest one + 1.

    Raises TypeError for other than integers, IndexError for a class that is negative or not below ``num_classes``.

    >>> import autograd_lite as al
    >>> al.one_hot(al.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iu":
        raise TypeError(f"the classes must be integers, not {x.dtype}")
    if num_classes < 0:
        if not x.size:
            raise ValueError("num_classes is needed when there are no elements to tell it from")
        num_classes = max(int(x.max()) + 1, 1)
    if x.size and not (x.min() >= 0 and x.max() < num_classes):
        raise IndexError(f"class {x[(x < 0) | (x >= num_classes)][0]} is out of range for {num_classes} classes")
    return deliver((x[..., None] == np.arange(num_classes)).astype(np.int64), out)
