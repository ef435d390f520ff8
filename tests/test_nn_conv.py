"""The layers of convolution: what they hold, what they compute, what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn
import nn.functional as F
from autograd_lite.explain.gradcheck import gradcheck

RNG = np.random.default_rng(0)
KINDS = [nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d]


def _image(layer: Any, side: int = 7) -> np.ndarray:
    return RNG.normal(size=(2, layer.in_channels, *(side, side + 1)[: layer.axes]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_what_a_layer_holds_and_computes(kind: Any, bias: bool, groups: int) -> None:
    layer = kind(4, 6, 3, stride=2, padding=1, groups=groups, bias=bias, dtype=np.float64)
    transposed = "Transpose" in kind.__name__
    first, second = (4, 6) if transposed else (6, 4)
    assert layer.weight.shape == (first, second // groups, *(3,) * layer.axes)
    assert list(layer.state_dict()) == ["weight", "bias"][: 1 + bias]
    x = _image(layer)
    function = getattr(F, f"conv_transpose{layer.axes}d" if transposed else f"conv{layer.axes}d")
    expected = function(al.Tensor(x), layer.weight, layer.bias, stride=2, padding=1, groups=groups)
    np.testing.assert_array_equal(layer(al.Tensor(x)).detach().numpy(), expected.detach().numpy())
    tensor = al.Tensor(x, requires_grad=True)
    assert gradcheck(lambda *_: layer(tensor), [tensor, *layer.parameters()])


def test_arguments_stand_in_pytorchs_order() -> None:
    layer = nn.Conv2d(4, 6, 3, 2, 1, 2, 2, False, "reflect")
    assert (layer.stride, layer.padding, layer.dilation, layer.groups) == ((2, 2), (1, 1), (2, 2), 2)
    assert (layer.bias, layer.padding_mode) == (None, "reflect")
    up = nn.ConvTranspose2d(4, 6, 3, 3, 1, 2, 2, False, 2)
    assert (up.stride, up.padding, up.output_padding, up.groups) == ((3, 3), (1, 1), (2, 2), 2)
    assert (up.bias, up.dilation) == (None, (2, 2))
    x = RNG.normal(size=(1, 4, 5, 6)).astype(np.float32)
    expected = F.conv_transpose2d(al.Tensor(x), up.weight, None, 3, 1, 2, 2, 2)
    np.testing.assert_array_equal(up(al.Tensor(x)).detach().numpy(), expected.detach().numpy())


def test_parameters_are_counted_as_in_the_sheet() -> None:
    """Cheat sheet 6.1, without its misprint: K(C·f·f + 1)."""
    layer = nn.Conv2d(3, 8, 5, stride=2, padding=1)
    assert sum(p.numel() for p in layer.parameters()) == 8 * (3 * 5 * 5 + 1)
    assert layer(al.zeros(1, 3, 28, 31)).shape == (1, 8, (28 + 2 - 5) // 2 + 1, (31 + 2 - 5) // 2 + 1)


@pytest.mark.parametrize(("kind", "fan_in"), [(nn.Conv2d, 16 * 9), (nn.ConvTranspose2d, 64 * 9), (nn.Conv1d, 16 * 3)])
def test_start_values(kind: Any, fan_in: int) -> None:
    layer = kind(16, 64, 3, generator=al.Generator(0))
    bound = fan_in**-0.5
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert values.dtype == np.float32
        assert 0.9 * bound < np.abs(values).max() <= bound
    assert abs(layer.weight.numpy().std() / bound - 3**-0.5) < 0.02
    again = kind(16, 64, 3, generator=al.Generator(0))
    np.testing.assert_array_equal(layer.weight.numpy(), again.weight.numpy())
    np.testing.assert_array_equal(layer.bias.numpy(), again.bias.numpy())


# -- padding ----------------------------------------------------------------------------------------------------------

NUMPY = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize(
    ("padding", "margins"),
    [(2, ((2, 2), (2, 2))), ((1, 2), ((1, 1), (2, 2))), ("same", ((2, 2), (1, 2))), ("valid", ((0, 0), (0, 0)))],
)
def test_padding_modes(mode: str, padding: Any, margins: Any) -> None:
    dilation = (2, 3)
    layer = nn.Conv2d(2, 3, (3, 2), padding=padding, padding_mode=mode, dilation=dilation).double()
    x = _image(layer)
    padded = np.pad(x, ((0, 0), (0, 0), *margins), NUMPY[mode])
    expected = F.conv2d(al.Tensor(padded), layer.weight, layer.bias, dilation=dilation)
    result = layer(al.Tensor(x))
    np.testing.assert_allclose(result.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert padding != "same" or result.shape[2:] == x.shape[2:]
    single = layer(al.Tensor(x[0]))
    np.testing.assert_allclose(single.detach().numpy(), expected.detach().numpy()[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", NUMPY)
def test_padding_modes_of_lines(mode: str) -> None:
    layer = nn.Conv1d(2, 3, 4, padding="same", padding_mode=mode).double()
    x = _image(layer)
    expected = F.conv1d(al.Tensor(np.pad(x, ((0, 0), (0, 0), (1, 2)), NUMPY[mode])), layer.weight, layer.bias)
    np.testing.assert_allclose(layer(al.Tensor(x)).detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "Conv2d: the channels, 3 in and 4 out, and groups=2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "the channels, 4 in and 3 out, and groups=2"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, groups=2), "ConvTranspose2d: the channels, 3 in"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), "groups=0"),
        (lambda: nn.Conv1d(0, 4, 3), "Conv1d: the channels, 0 in and 4 out"),
        (lambda: nn.Conv2d(1, 1, 0), "kernel_size must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), r"kernel_size must be an integer or 2 of them, got \(3, 3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), "stride must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, 3, dilation=0), "dilation must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), "padding must be at least 0, got -1"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), "'same' or 'valid', got 'full'"),
        (lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"), r"'same' needs stride 1, got \(2, 2\)"),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), "reflect, replicate, circular, got 'mirror'"),
        (lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"), "only padding_mode 'zeros', got 'reflect'"),
        (lambda: nn.ConvTranspose2d(1, 1, 3, 2, output_padding=2), r"got \(2, 2\) with stride \(2, 2\)"),
        (lambda: nn.Conv2d(1, 1, 5)(al.zeros(1, 1, 4, 9)), r"height ⌊\(4 − 5\)/1⌋ \+ 1 = 0"),
        (lambda: nn.Conv2d(3, 4, 3)(al.zeros(1, 2, 5, 5)), r"2 channels.*for 3"),
        (lambda: nn.Conv2d(1, 1, 3, padding=5, padding_mode="reflect")(al.zeros(1, 1, 4, 9)), "length 4"),
    ],
)
def test_impossible_settings(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [lambda: nn.Conv2d(1, 1, 2.5), lambda: nn.Conv2d(1, 1, 3, dtype=np.int64)])
def test_impossible_types(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"2\.5|int64"):
        make()


# -- how they show themselves -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv1d(1, 2, 3), "Conv1d(1, 2, kernel_size=(3,), stride=(1,))"),
        (nn.Conv2d(4, 6, 3, 2, "valid", groups=2, bias=False),
         "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=valid, groups=2, bias=False)"),
        (nn.Conv2d(4, 6, 3, dilation=2, padding=(0, 1), padding_mode="circular"),
         "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=(0, 1), dilation=(2, 2), padding_mode=circular)"),
        (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1),
         "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))"),
    ],
)  # fmt: skip
def test_repr(layer: nn.Module, text: str) -> None:
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("lazy", "plain", "shape"),
    [
        (nn.LazyConv1d, nn.Conv1d, (2, 3, 8)), (nn.LazyConv2d, nn.Conv2d, (2, 3, 8, 8)),
        (nn.LazyConvTranspose2d, nn.ConvTranspose2d, (2, 3, 4, 4)), (nn.LazyConv2d, nn.Conv2d, (3, 8, 8)),
    ],
)  # fmt: skip
def test_lazy_forms(lazy: Any, plain: Any, shape: tuple[int, ...]) -> None:
    layer = lazy(6, 3, padding=1, groups=3, generator=al.Generator(0))
    expected = plain(3, 6, 3, padding=1, groups=3, generator=al.Generator(0))
    with pytest.raises(RuntimeError, match="before its first run"):
        nn.optim.SGD(layer.parameters(), lr=0.1)
    x = al.Tensor(RNG.normal(size=shape).astype(np.float32))
    np.testing.assert_array_equal(layer(x).detach().numpy(), expected(x).detach().numpy())
    assert type(layer) is plain
    assert repr(layer) == repr(expected)
    assert layer.state_dict().keys() == {"weight", "bias"}
