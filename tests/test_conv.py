"""Convolution: the kernels against the definition over random geometry, shapes that do not fit, other forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference_conv as reference
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.ops import convolve
from autograd_lite.ops.conv import conv2d_input, conv2d_weight
from autograd_lite.ops.convgeometry import geometry

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}  # of the largest output


@pytest.fixture(autouse=True)
def threads_restored():
    before = al.get_num_threads()
    yield
    al.set_num_threads(before)


def close(got: Any, expected: np.ndarray, dtype: Any) -> None:
    got = np.asarray(got)
    assert got.shape == expected.shape
    assert got.dtype == dtype
    if expected.size:
        assert np.abs(got - expected).max() <= TOLERANCE[dtype] * max(np.abs(expected).max(), 1e-3)


@st.composite
def convolutions(draw: Any) -> dict[str, Any]:
    """Sizes that fit: images, filters, stride, padding, dilation, groups."""
    pair = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731
    window, dilation, stride = draw(pair(1, 4)), draw(pair(1, 3)), draw(pair(1, 3))
    padding = draw(st.tuples(pair(0, 3), pair(0, 3)))
    least = [max(1, d * (f - 1) + 1 - sum(p)) for f, d, p in zip(window, dilation, padding, strict=True)]
    image = [n + draw(st.integers(0, 14)) for n in least]
    groups, depth = draw(st.integers(1, 3)), draw(st.integers(1, 20))
    return {
        "x": (draw(st.integers(1, 4)), groups * depth, *image),
        "w": (groups * draw(st.integers(1, 20)), depth, *window),
        "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
    }  # fmt: skip


def compare(case: dict[str, Any], dtype: Any, strided: bool = False, seed: int = 0) -> None:
    """Result and both gradients against the definition."""
    rng = np.random.default_rng(seed)
    rest = (case["stride"], case["padding"], case["dilation"], case["groups"])
    x, w = (rng.normal(size=case[name]).astype(dtype) for name in "xw")
    bias = rng.normal(size=len(w)).astype(dtype)
    if strided:
        x, w = (np.repeat(a[..., None], 2, axis=-1)[..., 0] for a in (x, w))
    y = al.conv2d(x, w, bias, *rest)
    expected = reference.conv2d(x, w, *rest)
    close(y, expected + bias[:, None, None], dtype)
    g = rng.normal(size=y.shape).astype(dtype)
    dx, dw = reference.gradients(g, x, w, *rest)
    close(conv2d_input(g, w, x.shape, *rest), dx, dtype)
    close(conv2d_weight(g, x, w.shape, *rest), dw, dtype)


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.sampled_from([np.float32, np.float64]), st.booleans(), st.integers(0, 99))
def test_agrees_with_the_definition(case: dict[str, Any], dtype: Any, strided: bool, seed: int) -> None:
    compare(case, dtype, strided, seed)


PADS = ((0, 0), (1, 1), (2, 2), (1, 2))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.integers(16, 40), st.integers(16, 40), st.integers(3, 22), st.integers(3, 22),
    st.sampled_from(PADS), st.sampled_from(PADS), st.sampled_from([1, 2]),
)  # fmt: skip
def test_winograd_agrees_with_the_definition(
    n: int, channels: int, filters: int, height: int, width: int, down: Any, across: Any, threads: int
) -> None:
    case = {"x": (n, channels, height, width), "w": (filters, channels, 3, 3), "stride": (1, 1),
            "padding": (down, across), "dilation": (1, 1), "groups": 1}  # fmt: skip
    assert geometry(case["x"], case["w"], 1, (down, across), 1, 1).suits_winograd
    al.set_num_threads(threads)
    compare(case, np.float32)


CASES = [  # N, C, H, K, f, padding, stride, groups
    (8, 1, 28, 6, 5, 2, 1, 1), (8, 6, 14, 16, 5, 0, 1, 1), (2, 3, 32, 32, 3, 1, 1, 1), (2, 64, 16, 64, 3, 1, 1, 1),
    (1, 256, 14, 32, 3, 1, 1, 1), (2, 64, 16, 64, 1, 0, 1, 1), (2, 32, 28, 48, 3, 1, 2, 1),
    (2, 32, 16, 32, 3, 1, 1, 32),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_shapes_of_the_benchmark(case: tuple[int, ...], dtype: Any, threads: int) -> None:
    n, c, h, k, f, p, s, groups = case
    al.set_num_threads(threads)
    compare(
        {"x": (n, c, h, h), "w": (k, c // groups, f, f), "stride": (s, s), "padding": ((p, p), (p, p)),
         "dilation": (1, 1), "groups": groups}, dtype,
    )  # fmt: skip


FEW = [  # images, filters, stride, padding, dilation, groups
    ((5, 1, 28, 28), (6, 1, 5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1), 1),
    ((2, 3, 31, 40), (5, 3, 3, 4), (2, 1), ((1, 0), (2, 1)), (1, 2), 1),
    ((3, 4, 50, 90), (6, 2, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 2),  # rows of more than one stretch
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", FEW, ids=str)
@pytest.mark.parametrize("threads", [1, 2])
def test_dot_products_along_the_pixels(
    case: tuple[Any, ...], dtype: Any, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient by few filters, whatever the host's vectors would have chosen."""
    monkeypatch.setattr(convolve, "_row_of_dots", lambda planes, *rest: convolve._up(planes.span, rest[-1]))
    al.set_num_threads(threads)
    names = ("x", "w", "stride", "padding", "dilation", "groups")
    compare(dict(zip(names, case, strict=True)), dtype)


def test_few_filters_take_dot_products() -> None:
    """Where vectors of float32 are wider than there are filters, but not where rows of gradients would overlap."""
    planes = geometry((1, 8, 28, 28), (6, 8, 3, 3), 1, 1, 1, 1).forward
    assert convolve._row_of_dots(planes, 28, 6, 72, 16)
    assert not convolve._row_of_dots(planes, 28, 96, 72, 16)
    wide = geometry((1, 8, 28, 28), (6, 8, 1, 1), 1, 2, 1, 1)
    assert not convolve._row_of_dots(wide.forward, wide.size[1], 6, 8, 16)


def test_the_same_with_any_number_of_threads_where_nothing_is_added_up() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((5, 20, 9, 9), (17, 20, 3, 3)))
    results = []
    for threads in (1, 2, 3):
        al.set_num_threads(threads)
        results.append([np.asarray(al.conv2d(x, w)), np.asarray(conv2d_weight(al.conv2d(x, w), x, w.shape))])
    for y, dw in results[1:]:
        np.testing.assert_array_equal(y, results[0][0])
        np.testing.assert_allclose(dw, results[0][1], rtol=1e-4, atol=1e-4)


def test_nan_and_inf_come_through() -> None:
    x = np.ones((1, 1, 4, 4), np.float32)
    x[0, 0, 0, 0] = np.nan
    x[0, 0, 3, 3] = np.inf
    y = al.conv2d(x, np.ones((1, 1, 2, 2), np.float32))
    assert np.isnan(y[0, 0, 0, 0])
    assert y[0, 0, 2, 2] == np.inf
    assert y[0, 0, 1, 1] == 4


def test_nan_and_inf_reach_their_tile_by_winograd() -> None:
    x, w = np.ones((1, 16, 12, 12), np.float32), np.ones((16, 16, 3, 3), np.float32)
    x[0, 3, 5, 5] = np.inf
    y = al.conv2d(x, w, padding=1)
    assert not np.isfinite(y[:, :, 4:7, 4:7]).any()
    np.testing.assert_allclose(y[:, :, :, 8:-1][:, :, 1:-1], 144, rtol=1e-5)  # the next tile
    assert np.isfinite(y[:, :, 8:]).all()


def test_float16_is_computed_in_float32() -> None:
    x, w = np.full((1, 64, 3, 3), 0.1, np.float16), np.full((1, 64, 3, 3), 0.1, np.float16)
    y = al.conv2d(x, w)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, [[[[64 * 9 * 0.01]]]], rtol=2e-3)


def test_same_keeps_the_size() -> None:
    x = al.ones(1, 1, 5, 6)
    assert al.conv2d(x, al.ones(1, 1, 4, 3), padding="same", dilation=(1, 2)).shape == (1, 1, 5, 6)
    assert al.conv2d(x, al.ones(1, 1, 4, 3), padding="valid").shape == (1, 1, 2, 4)


def test_a_transposed_convolution_undoes_the_shape() -> None:
    x = al.ones(2, 3, 9, 8)
    w = al.ones(4, 3, 3, 3)
    y = al.conv2d(x, w, stride=2, padding=1)
    assert al.conv_transpose2d(y, w, stride=2, padding=1, output_padding=(0, 1)).shape == x.shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: al.conv2d(al.ones(1, 3, 8, 8), al.ones(4, 2, 3, 3)), "images have 3 channels, the filters are for 2"),
        (lambda: al.conv2d(al.ones(1, 1, 4, 4), al.ones(1, 1, 7, 5), padding=1),
         "height ⌊(4 + 2·1 − 7)/1⌋ + 1 = 0"),
        (lambda: al.conv2d(al.ones(8, 8), al.ones(1, 1, 3, 3)), "(N, C, H, W)"),
        (lambda: al.conv2d(al.ones(1, 3, 8, 8), al.ones(4, 1, 3, 3), groups=2), "groups = 2 must divide"),
        (lambda: al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), al.ones(3)), "bias of shape (4,), got (3,)"),
        (lambda: al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), stride=0), "stride must be at least 1, got 0"),
        (lambda: al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), padding=-1), "padding must be at least 0"),
        (lambda: al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), padding="some"), "'some'"),
        (lambda: al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), stride=2, padding="same"), "needs stride 1"),
        (lambda: al.conv1d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3)), "(N, C, L)"),
        (lambda: al.conv_transpose2d(al.ones(1, 2, 3, 3), al.ones(3, 1, 2, 2)), "2 channels come in"),
        (lambda: al.conv_transpose2d(al.ones(1, 1, 3, 3), al.ones(1, 1, 2, 2), output_padding=1), "output_padding"),
        (lambda: conv2d_input(al.ones(1, 1, 3, 3), al.ones(1, 1, 2, 2), (1, 1, 5, 5)), "height ⌊(5"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_explained(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"conv") as caught:
        call()
    assert message in str(caught.value)


def test_words_for_numbers_are_type_errors() -> None:
    with pytest.raises(TypeError, match=r"stride must be an integer"):
        al.conv2d(al.ones(1, 1, 8, 8), al.ones(4, 1, 3, 3), stride=1.5)


def test_several_python_threads_at_once() -> None:
    import threading

    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((16, 8, 12, 12), (8, 8, 3, 3)))
    expected, wrong = np.asarray(al.conv2d(x, w)), []

    def use() -> None:
        for _ in range(30):
            if not np.array_equal(np.asarray(al.conv2d(x, w)), expected):
                wrong.append(1)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not wrong


def test_arrays_of_two_dtypes() -> None:
    """They are brought to one, as Tensors are: a kernel reads all its arrays in the same width."""
    rng = np.random.default_rng(0)
    for channels in (2, 16):  # the direct sum, and Winograd's
        x, w, b = rng.normal(size=(2, channels, 6, 6)), rng.normal(size=(16, channels, 3, 3)), rng.normal(size=16)
        y = al.conv2d(x, w, b)
        g = rng.normal(size=y.shape)
        single = x.astype(np.float32)
        np.testing.assert_allclose(al.conv2d(single, w, b), y, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(al.conv2d(single, w.astype(np.float32), b), y, rtol=1e-4, atol=1e-4)
        dx, dw = conv2d_input(g, w, x.shape), conv2d_weight(g, x, w.shape)
        np.testing.assert_allclose(conv2d_input(g.astype(np.float32), w, x.shape), dx, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(conv2d_weight(g, single, w.shape), dw, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 16])
def test_no_images(channels: int) -> None:
    x, w = al.zeros(0, channels, 8, 8, requires_grad=True), al.ones(16, channels, 3, 3, requires_grad=True)
    y = al.conv2d(x, w, padding=1)
    assert y.shape == (0, 16, 8, 8)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not w.grad.numpy().any()


def test_gradients_of_many_pixels_keep_their_digits() -> None:
    rng = np.random.default_rng(0)
    x, g = rng.random((64, 1, 64, 64), np.float32), rng.random((64, 2, 64, 64), np.float32)
    expected = np.einsum("nkpq,ncpq->kc", g.astype(float), x.astype(float))
    got = np.asarray(conv2d_weight(g, x, (2, 1, 1, 1)))[:, :, 0, 0]
    assert np.abs(got / expected - 1).max() < 2e-6


def test_output_padding_below_the_dilation() -> None:
    x, w = al.ones(1, 1, 4, 4), al.ones(1, 1, 3, 3)
    y = al.conv_transpose2d(x, w, dilation=2, output_padding=1)
    assert y.shape == (1, 1, 9, 9)
    assert y.sum().item() == 16 * 9
    assert not y.numpy()[..., -1].any()


def test_the_bias_of_a_transposed_convolution_is_checked() -> None:
    with pytest.raises(ValueError, match=r"needs a bias of shape \(1,\), got \(3,\)"):
        al.conv_transpose2d(al.ones(1, 2, 3, 3), al.ones(2, 1, 2, 2), al.ones(3))
