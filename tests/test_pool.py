"""Pooling, unfold and fold against their definitions, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
import reference_pool as reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd_lite as al
import nn
import nn.functional as F
from autograd_lite import Tensor
from autograd_lite.kernels import threads

RNG = np.random.default_rng(0)
UNHURRIED = settings(deadline=None)  # the first call of a kernel compiles it
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}  # of the largest element


def assert_near(got: Any, expected: np.ndarray) -> None:
    got = got.numpy()
    assert got.shape == expected.shape
    np.testing.assert_allclose(
        got, expected, rtol=0, atol=TOLERANCE[got.dtype] * max(np.abs(expected).max(initial=0), 1)
    )


# -- random geometry --------------------------------------------------------------------------------------------------


class Axis(NamedTuple):
    """A length, and windows along it."""

    n: int
    f: int
    stride: int
    padding: int
    dilation: int


class Case(NamedTuple):
    """Planes with windows; half of them the side-by-side 2×2 ones that have kernels of their own."""

    x: np.ndarray
    axes: list[Axis]
    ceil_mode: bool

    def lines(self) -> list[reference.Line]:
        return [reference.sliding(*axis, self.ceil_mode) for axis in self.axes]

    def params(self) -> dict[str, Any]:
        names = ("kernel_size", "stride", "padding", "dilation")
        return {name: tuple(values) for name, values in zip(names, list(zip(*self.axes, strict=True))[1:], strict=True)}


@st.composite
def numbers(draw: st.DrawFn, shape: tuple[int, ...], ties: bool) -> np.ndarray:
    """Of either precision; few different ones for ``ties``; every other element of a larger array at times."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    wide = draw(st.booleans())
    whole = (*shape[:-1], shape[-1] * (2 if wide else 1))
    x = rng.integers(-2, 3, whole) if ties else rng.normal(size=whole)
    return x.astype(draw(st.sampled_from([np.float32, np.float64])))[..., :: 2 if wide else 1]


@st.composite
def cases(draw: st.DrawFn, dilated: bool = True, ties: bool = False) -> Case:
    if draw(st.booleans()):
        axes = [Axis(draw(st.integers(2, 11)), 2, 2, 0, 1) for _ in range(2)]
    else:
        axes = []
        for _ in range(2):
            f, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)) if dilated else 1
            padding = draw(st.integers(0, f // 2))
            axes.append(Axis(draw(st.integers(1, 9)), f, draw(st.integers(1, 4)), padding, dilation))
    lead = (draw(st.integers(0, 3)), draw(st.integers(1, 2)))
    case = Case(draw(numbers((*lead, *[a.n for a in axes]), ties)), axes, draw(st.booleans()))
    lines = case.lines()
    assume(all(lines))
    assume(all(any(0 <= p < a.n for p in window) for a, line in zip(axes, lines, strict=True) for window in line))
    return case


def pooled(function: Any, x: np.ndarray, **params: Any) -> tuple[Tensor, np.ndarray, Tensor]:
    """The result, a cotangent for it, and the gradient."""
    leaf = Tensor._wrap(x)
    leaf.requires_grad = True
    out = function(leaf, **params)
    g = RNG.normal(size=out.shape).astype(x.dtype)
    out.backward(g)
    return out, g, leaf.grad


@UNHURRIED
@given(cases(ties=True))
def test_max_pool2d(case: Case) -> None:
    values, indices = reference.max_pool(case.x, *case.lines())
    got, where = F.max_pool2d(Tensor(case.x), **case.params(), ceil_mode=case.ceil_mode, return_indices=True)
    np.testing.assert_array_equal(got.numpy(), values)
    np.testing.assert_array_equal(where.numpy(), indices)
    out, g, grad = pooled(F.max_pool2d, case.x, **case.params(), ceil_mode=case.ceil_mode)
    np.testing.assert_array_equal(out.numpy(), values)
    assert_near(grad, reference.max_pool_gradient(g, indices, case.x.shape))


def _check_means(function: Any, x: np.ndarray, matrix: np.ndarray, counts: tuple[int, int], **params: Any) -> None:
    out, g, grad = pooled(function, x, **params)
    planes = x.reshape(-1, matrix.shape[1]).astype(np.float64)
    assert_near(out, (planes @ matrix.T).reshape(*x.shape[:-2], *counts))
    assert_near(grad, (g.reshape(-1, matrix.shape[0]) @ matrix).reshape(x.shape))


@UNHURRIED
@given(cases(dilated=False), st.booleans(), st.sampled_from([None, 1, -3]))
def test_avg_pool2d(case: Case, include_pad: bool, divisor: int | None) -> None:
    rows, columns = case.lines()
    sizes, margins = case.x.shape[-2:], tuple(a.padding for a in case.axes)
    matrix = reference.mean_matrix(sizes, margins, (rows, columns), include_pad, divisor)
    params = {**case.params(), "ceil_mode": case.ceil_mode, "count_include_pad": include_pad}
    del params["dilation"]
    _check_means(F.avg_pool2d, case.x, matrix, (len(rows), len(columns)), **params, divisor_override=divisor)


@UNHURRIED
@given(st.data(), st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))
def test_adaptive_pools(data: st.DataObject, h: int, w: int, p: int, q: int) -> None:
    x = data.draw(numbers((2, 1, h, w), ties=False))
    lines = reference.adaptive(h, p), reference.adaptive(w, q)
    _check_means(
        F.adaptive_avg_pool2d, x, reference.mean_matrix((h, w), (0, 0), lines, False, None), (p, q), output_size=(p, q)
    )
    values, indices = reference.max_pool(x, *lines)
    got, where = F.adaptive_max_pool2d(Tensor(x), (p, q), return_indices=True)
    np.testing.assert_array_equal(got.numpy(), values)
    np.testing.assert_array_equal(where.numpy(), indices)
    _, g, grad = pooled(F.adaptive_max_pool2d, x, output_size=(p, q))
    assert_near(grad, reference.max_pool_gradient(g, indices, x.shape))


@UNHURRIED
@given(cases())
def test_one_axis_is_a_plane_of_height_1(case: Case) -> None:
    x, (_, axis) = case.x[..., :1, :], case.axes
    f, stride, padding, dilation = axis[1:]
    arguments = (case.x[..., 0, :], f, stride, padding)
    plane = ((1, f), (1, stride), (0, padding))
    for got, expected in (
        (
            F.max_pool1d(*arguments, dilation, case.ceil_mode, True),
            F.max_pool2d(x, *plane, (1, dilation), case.ceil_mode, True),
        ),
        (F.adaptive_max_pool1d(arguments[0], 3, True), F.adaptive_max_pool2d(x, (1, 3), True)),
        ([F.adaptive_avg_pool1d(arguments[0], 3)], [F.adaptive_avg_pool2d(x, (1, 3))]),
    ):
        for one, two in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, two[..., 0, :])
    if dilation == 1:
        for include_pad in (True, False):
            one = F.avg_pool1d(*arguments, case.ceil_mode, include_pad)
            two = F.avg_pool2d(x, *plane, case.ceil_mode, include_pad)
            np.testing.assert_array_equal(one, two[..., 0, :])


@UNHURRIED
@given(cases())
def test_unfold_and_fold(case: Case) -> None:
    rows, columns = (reference.sliding(*axis) for axis in case.axes)
    assume(rows and columns)
    expected = reference.unfold(case.x, rows, columns)
    out, g, grad = pooled(F.unfold, case.x, **case.params())
    np.testing.assert_array_equal(out.numpy(), expected)
    # fold is the adjoint: ⟨unfold x, g⟩ = ⟨x, fold g⟩ for every x
    image = F.fold(Tensor(g), case.x.shape[-2:], **case.params())
    np.testing.assert_array_equal(grad.numpy(), image.numpy())
    other = RNG.normal(size=case.x.shape)
    assert np.isclose(
        (reference.unfold(other, rows, columns) * g).sum(), (other * image.numpy()).sum(), rtol=1e-4, atol=1e-4
    )


# -- what is special --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "stride", "padding"), [(2, 2, 0), (3, 1, 1)])
def test_nan_is_the_largest(f: int, stride: int, padding: int) -> None:
    line = reference.sliding(4, f, stride, padding, 1)
    for i, j in np.ndindex(4, 4):
        x = np.arange(16.0, dtype=np.float32).reshape(1, 4, 4)
        x[0, i, j] = np.nan
        values, indices = reference.max_pool(x, line, line)
        got, where = F.max_pool2d(x, f, stride, padding, return_indices=True)
        np.testing.assert_array_equal(got, values)
        np.testing.assert_array_equal(where, indices)
        np.testing.assert_array_equal(np.isnan(F.avg_pool2d(x, f, stride, padding)), np.isnan(values))


@pytest.mark.parametrize("kernel_size", [2, 3])
def test_a_plane_of_minus_infinity(kernel_size: int) -> None:
    """Its first element is the largest; padding never is."""
    x = np.full((1, 3, 3), -np.inf)
    values, indices = F.max_pool2d(x, kernel_size, 1, 1, return_indices=True)
    assert (values == -np.inf).all()
    assert indices.min() == 0
    assert indices[0, 0, 0] == 0


def test_dilated_windows_that_end_as_windows_side_by_side_do() -> None:
    """They reach over three elements, of which there are two: only the first belongs to them."""
    x = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    np.testing.assert_array_equal(F.max_pool2d(x, 2, dilation=2, ceil_mode=True), [[[1.0]]])


def test_windows_of_more_than_256_elements() -> None:
    x = RNG.normal(size=(2, 3, 20, 30))
    values, indices = F.adaptive_max_pool2d(x, 1, return_indices=True)
    np.testing.assert_array_equal(indices[..., 0, 0], x.reshape(2, 3, -1).argmax(-1))
    _, g, grad = pooled(F.max_pool2d, x, kernel_size=(20, 17), stride=(1, 13))
    expected, where = reference.max_pool(x, [list(range(20))], [list(range(17)), list(range(13, 30))])
    assert_near(grad, reference.max_pool_gradient(g, where, x.shape))
    assert (values[..., 0, 0] == expected.max((-1, -2))).all()


@pytest.mark.parametrize("function", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("params", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}])
@pytest.mark.usefixtures("threads_restored")
def test_the_number_of_threads_changes_nothing(function: Any, params: dict[str, Any]) -> None:
    x, results = RNG.normal(size=(40, 50, 19, 20)).astype(np.float32), []
    for count in (1, 3):
        threads.set_num_threads(count)
        leaf = Tensor(x, requires_grad=True)
        out = function(leaf, **params)
        (out * out).sum().backward()
        results.append((out.numpy(), leaf.grad.numpy()))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_large_means_are_exact() -> None:
    x = (RNG.random(size=(1, 1, 300, 400)) + 1000).astype(np.float32)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(x, 1).item(), x.mean(dtype=np.float64), rtol=1e-6)


@pytest.mark.parametrize("function", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_half_precision_and_integers(function: Any, kernel_size: int) -> None:
    x = RNG.integers(-9, 9, (2, 6, 7))
    expected = function(x.astype(np.float64), kernel_size)
    half, _, grad = pooled(function, x.astype(np.float16), kernel_size=kernel_size)
    assert half.dtype == grad.dtype == np.float16
    np.testing.assert_allclose(half.numpy(), expected, rtol=1e-3)
    whole = function(Tensor(x), kernel_size)
    assert whole.dtype == al.get_default_dtype()
    np.testing.assert_allclose(whole.numpy(), expected, rtol=1e-6)


def test_second_order_of_max_pool() -> None:
    """The sum of the squared gradients of Σ max² is Σ 4·max², whose gradient is 8·max at the largest elements."""
    x = Tensor(RNG.permutation(64).reshape(1, 1, 8, 8) * 1.0, requires_grad=True)
    (F.max_pool2d(x, 2) ** 2).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    (first**2).sum().backward()
    largest = np.kron(F.max_pool2d(x, 2).numpy()[0, 0], np.ones((2, 2))) == x.numpy()[0, 0]
    np.testing.assert_allclose(x.grad.numpy()[0, 0], np.where(largest, 8 * x.numpy()[0, 0], 0))


def test_kernels_are_loaded_when_used() -> None:
    code = "import sys, nn; nn.MaxPool2d(2); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- bad input --------------------------------------------------------------------------------------------------------

IMAGE = np.zeros((1, 2, 5, 4))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: F.max_pool2d(IMAGE, 6), ValueError, r"max_pool2d: .* ⌊\(5 − 6\)/6⌋ \+ 1 = 0, width"),
        (lambda: F.max_pool2d(IMAGE, 3, dilation=2), ValueError, r"width ⌊\(4 − \(2·\(3 − 1\) \+ 1\)\)"),
        (lambda: F.avg_pool2d(IMAGE, 7, 1), ValueError, r"avg_pool2d.*no window fits.*= -1"),
        (lambda: F.max_pool2d(IMAGE, 3, padding=2), ValueError, r"padding \(2, 2\) is more than half.*height"),
        (lambda: F.avg_pool1d(IMAGE[0], 2, padding=2), ValueError, r"avg_pool1d: padding \(2,\) .*length"),
        (lambda: F.max_pool1d(np.zeros((1, 2)), 2, 1, 1, 3), ValueError, "a window has no element inside"),
        (lambda: F.max_pool2d(np.zeros((4, 4)), 2), ValueError, r"\(N, C, H, W\) or \(C, H, W\), got shape \(4, 4\)"),
        (lambda: F.max_pool1d(IMAGE, 2), ValueError, r"\(N, C, L\) or \(C, L\), got shape \(1, 2, 5, 4\)"),
        (lambda: F.max_pool2d(IMAGE, 0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: F.max_pool2d(IMAGE, True), ValueError, "kernel_size .* got True"),
        (lambda: F.max_pool2d(IMAGE, 2, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: F.max_pool2d(IMAGE, 2, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (lambda: F.max_pool2d(IMAGE, 2.5), TypeError, "kernel_size must be an integer or 2 of them, got 2.5"),
        (lambda: F.avg_pool2d(IMAGE, (2, 2, 2)), ValueError, r"integer or 2 of them, got \(2, 2, 2\)"),
        (lambda: F.avg_pool2d(IMAGE, 2, divisor_override=0), ValueError, "divisor_override"),
        (lambda: F.max_pool2d(IMAGE[:, :, :0], 2), ValueError, "no window fits"),
        (lambda: F.adaptive_avg_pool2d(IMAGE[:, :, :0], 1), ValueError, r"nothing to pool in shape \(1, 2, 0, 4\)"),
        (lambda: F.adaptive_avg_pool2d(IMAGE, (0, 1)), ValueError, r"output_size must be at least 1, got \(0, 1\)"),
        (lambda: F.adaptive_max_pool1d(IMAGE, 2), ValueError, "adaptive_max_pool1d takes"),
        (lambda: F.unfold(Tensor(IMAGE), 6), ValueError, r"unfold\(.*no window fits: height ⌊\(5 − 6\)/1⌋"),
        (lambda: F.unfold(Tensor(IMAGE)[0, 0], 2), ValueError, r"\(N, C, H, W\)"),
        (lambda: F.fold(np.zeros((1, 8, 11)), (5, 4), 2), ValueError, r"4·3 windows of 2·2 elements.*\(N, C·4, 12\)"),
        (lambda: F.fold(np.zeros((1, 7, 12)), (5, 4), 2), ValueError, r"4·3 windows of 2·2 elements"),
        (lambda: F.fold(np.zeros((1, 8, 12)), (1, 4), 2), ValueError, "no window fits"),
        (lambda: nn.MaxPool2d(0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: nn.MaxPool1d(2, stride=(1, 1)), ValueError, "stride"),
        (lambda: nn.AvgPool2d(2, padding=-1), ValueError, "padding"),
        (lambda: nn.Fold((0, 4), 2), ValueError, "output_size"),
        (lambda: nn.Unfold("2"), TypeError, "kernel_size"),
    ],
)  # fmt: skip
def test_refuses(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


# -- layers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "function", "shown"),
    [
        (
            nn.MaxPool2d((3, 2), padding=1, ceil_mode=True), lambda x: F.max_pool2d(x, (3, 2), None, 1, 1, True),
            "kernel_size=(3, 2), stride=(3, 2), padding=1, dilation=1, ceil_mode=True",
        ),
        (
            nn.MaxPool2d(2, 1, dilation=2), lambda x: F.max_pool2d(x, 2, 1, 0, 2),
            "kernel_size=2, stride=1, padding=0, dilation=2, ceil_mode=False",
        ),
        (
            nn.AvgPool2d(3, 2, 1, True, False, 5), lambda x: F.avg_pool2d(x, 3, 2, 1, True, False, 5),
            "kernel_size=3, stride=2, padding=1",
        ),
        (nn.AdaptiveAvgPool2d((2, None)), lambda x: F.adaptive_avg_pool2d(x, (2, 7)), "output_size=(2, None)"),
        (nn.AdaptiveMaxPool2d(3), lambda x: F.adaptive_max_pool2d(x, 3), "output_size=3"),
        (
            nn.Unfold(2, 2, 1, (1, 2)), lambda x: F.unfold(x, 2, 2, 1, (1, 2)),
            "kernel_size=2, dilation=2, padding=1, stride=(1, 2)",
        ),
    ],
)  # fmt: skip
def test_layers(layer: nn.Module, function: Any, shown: str) -> None:
    x = Tensor(RNG.normal(size=(2, 3, 6, 7)))
    np.testing.assert_array_equal(layer(x).numpy(), function(x).numpy())
    np.testing.assert_array_equal(layer(x[0]).numpy(), function(x).numpy()[0])  # without the batch
    assert repr(layer) == f"{type(layer).__name__}({shown})"
    assert not list(layer.parameters())


def test_layers_of_one_axis() -> None:
    x = Tensor(RNG.normal(size=(2, 3, 8)))
    for layer, expected in (
        (nn.MaxPool1d(3, 2, 1, ceil_mode=True), F.max_pool1d(x, 3, 2, 1, 1, True)),
        (nn.AvgPool1d(3, 2, 1, True, False), F.avg_pool1d(x, 3, 2, 1, True, False)),
        (nn.AdaptiveAvgPool1d(3), F.adaptive_avg_pool1d(x, 3)),
        (nn.AdaptiveMaxPool1d(3), F.adaptive_max_pool1d(x, 3)),
    ):
        np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
        assert layer(x[0]).shape == expected.shape[1:]


def test_layers_that_return_indices() -> None:
    x = Tensor(RNG.normal(size=(2, 3, 8)))
    for layer in (nn.MaxPool1d(2, return_indices=True), nn.AdaptiveMaxPool1d(2, return_indices=True)):
        values, indices = layer(x)
        np.testing.assert_array_equal(np.take_along_axis(x.numpy(), indices.numpy(), -1), values.numpy())


def test_fold_layer_undoes_unfold_where_windows_do_not_overlap() -> None:
    x = Tensor(RNG.normal(size=(2, 3, 6, 4)))
    fold = nn.Fold((6, 4), (3, 2), stride=(3, 2))
    np.testing.assert_array_equal(fold(nn.Unfold((3, 2), stride=(3, 2))(x)).numpy(), x.numpy())
    assert repr(fold) == "Fold(output_size=(6, 4), kernel_size=(3, 2), dilation=1, padding=0, stride=(3, 2))"


def test_the_sheets_shapes() -> None:
    """n_w = ⌊(n − f)/s⌋ + 1 (6.1), for the two pools of LeNet and one that does not divide."""
    for n, f, s, expected in ((28, 2, 2, 14), (10, 2, 2, 5), (11, 3, 2, 5)):
        for layer in (nn.MaxPool2d(f, s), nn.AvgPool2d(f, s)):
            assert layer(al.zeros((1, 6, n, n))).shape == (1, 6, expected, expected)
