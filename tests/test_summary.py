"""The layer table: shapes, parameters, multiply-adds and memory against hand counts, and what it says of a failure."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as al
import nn
from nn.counts import multiply_adds, parameter_formula, shape_formula
from nn.summary import SummaryError


def test_the_rows() -> None:
    model = nn.Sequential(nn.Flatten(), nn.MLP([8, 3, 2]))
    model[1].eval()
    table = nn.summary(model, (2, 4))
    assert [layer[:6] for layer in table.layers] == [
        ("0", "Flatten", "(N, 8)", 0, 0, 0),  # a view takes no memory
        ("1.fc1", "Linear", "(N, 3)", 27, 24, 12),
        ("1.act1", "ReLU", "(N, 3)", 0, 0, 12),
        ("1.fc2", "Linear", "(N, 2)", 8, 6, 8),
    ]
    assert (table.parameters, table.multiply_adds, table.memory) == (35, 30, 32)
    assert (table.nbytes, table.frozen) == (35 * 4, 0)
    assert [m.training for m in model] == [True, False], "modes are as before"
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules()), "nothing stays hooked"


def test_lenet_by_hand() -> None:
    """The classic counts, and the sheet's formulas (4.1, 6.1) with their numbers."""
    table = nn.summary(nn.LeNet5(), (1, 28, 28))
    rows = {layer.path: layer for layer in table.layers}
    parameters = {"conv1": 156, "conv2": 2_416, "fc1": 48_120, "fc2": 10_164, "fc3": 850}
    assert {path: layer.parameters for path, layer in rows.items() if layer.parameters} == parameters
    assert table.parameters == 61_706
    work = {
        "conv1": 6 * 28 * 28 * 25, "conv2": 16 * 10 * 10 * 6 * 25, "fc1": 400 * 120, "fc2": 120 * 84, "fc3": 84 * 10,
    }  # fmt: skip
    assert {path: layer.multiply_adds for path, layer in rows.items() if layer.multiply_adds} == work
    assert table.multiply_adds == 416_520
    outputs = 2 * 6 * 28 * 28 + 6 * 14 * 14 + 2 * 16 * 10 * 10 + 16 * 5 * 5 + 2 * 120 + 2 * 84 + 10
    assert table.memory == 4 * outputs
    assert rows["conv1"].output == "(N, 6, 28, 28)"
    assert [(path, *layer[-2:]) for path, layer in rows.items() if any(layer[-2:])] == [
        ("conv1", "⌊(28 + 2·2 − 5)/1⌋ + 1 = 28", "K(C·f·f + 1) = 6(1·5·5 + 1) = 156"),
        ("pool1", "⌊(28 − 2)/2⌋ + 1 = 14", "0"),
        ("conv2", "⌊(14 − 5)/1⌋ + 1 = 10", "K(C·f·f + 1) = 16(6·5·5 + 1) = 2,416"),
        ("pool2", "⌊(10 − 2)/2⌋ + 1 = 5", "0"),
        ("flatten", "16·5·5 = 400", ""),
        ("fc1", "", "n_h·n_w·n_c·n_neu + n_neu = 5·5·16·120 + 120 = 48,120"),
        ("fc2", "", "n_prev·n_neu + n_neu = 120·84 + 84 = 10,164"),
        ("fc3", "", "n_prev·n_neu + n_neu = 84·10 + 10 = 850"),
    ]
    lines = str(table).splitlines()
    assert lines[15].split() == ["total", "61,706", "416,520", "58.4", "kB"]
    assert lines[16].endswith("the parameters take 246.8 kB")
    assert lines[-1] == "parameters: Σ Conv2d 2,572 + Σ Linear 59,134 = 61,706"
    assert str(table) == repr(table) == f"{table.table()}\n\n{table.formulas()}"
    assert max(map(len, lines)) <= 100


def test_vgg_and_resnet_by_hand() -> None:
    table = nn.summary(nn.SmallVGG(), (3, 32, 32))
    assert table.parameters == 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 2 * (32 + 32 + 64 + 64) + 4096 * 10 + 10
    assert table.multiply_adds == 1024 * 9 * (3 * 32 + 32 * 32) + 256 * 9 * (32 * 64 + 64 * 64) + 4096 * 10
    table = nn.summary(nn.ResNet8(), (3, 32, 32))
    assert table.parameters == 78_042
    assert table.multiply_adds == (
        1024 * 9 * (3 * 16 + 2 * 16 * 16)  # the first convolution and block1
        + 256 * (9 * (16 * 32 + 32 * 32) + 16 * 32) + 64 * (9 * (32 * 64 + 64 * 64) + 32 * 64) + 640
    )  # fmt: skip
    rows = {layer.path: layer for layer in table.layers}
    assert rows["block1.shortcut"].memory == 0
    assert rows["block2.shortcut.conv"].parameter_formula == "K·C·f·f = 32·16·1·1 = 512"
    assert rows["fc"].parameter_formula == "n_h·n_w·n_c·n_neu + n_neu = 1·1·64·10 + 10 = 650"


@pytest.mark.parametrize(
    ("layer", "shape", "size", "parameters"),
    [
        (nn.Conv2d(4, 6, 3, stride=2, groups=2), (1, 4, 9, 9), "⌊(9 − 3)/2⌋ + 1 = 4",
         "K(C/groups·f·f + 1) = 6(4/2·3·3 + 1) = 114"),
        (nn.Conv2d(1, 2, (3, 5), padding=(1, 0), bias=False), (1, 1, 8, 9),
         "height ⌊(8 + 2·1 − 3)/1⌋ + 1 = 8, width ⌊(9 − 5)/1⌋ + 1 = 5", "K·C·f_h·f_w = 2·1·3·5 = 30"),
        (nn.Conv2d(1, 1, 4, padding="same"), (1, 1, 8, 8), "⌊(8 + 1 + 2 − 4)/1⌋ + 1 = 8", None),
        (nn.Conv1d(2, 3, 3, dilation=2), (1, 2, 10), "⌊(10 − (2·(3 − 1) + 1))/1⌋ + 1 = 6",
         "K(C·f + 1) = 3(2·3 + 1) = 21"),
        (nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1), (1, 4, 5, 5),
         "(5 − 1)·2 − 2·1 + 3 + 1 = 10", "K(C·f·f + 1) = 2(4·3·3 + 1) = 74"),
        (nn.MaxPool2d(3, ceil_mode=True), (1, 1, 10, 10), "⌈(10 − 3)/3⌉ + 1 = 4", "0"),
        (nn.AvgPool1d(2), (1, 1, 7), "⌊(7 − 2)/2⌋ + 1 = 3", "0"),
        (nn.Flatten(2), (2, 3, 4, 5), "4·5 = 20", ""),
        (nn.Flatten(0, -2), (2, 3, 4), "2·3 = 6", ""),
        (nn.Linear(3, 4, bias=False), (1, 3), "", "n_prev·n_neu = 3·4 = 12"),
        (nn.Neuron(3), (1, 3), "", "n_x + 1 = 3 + 1 = 4"),
        (nn.ReLU(), (1, 3), "", ""),
    ],
)  # fmt: skip
def test_formulas(layer: nn.Module, shape: tuple[int, ...], size: str, parameters: str | None) -> None:
    assert shape_formula(layer, shape) == size
    assert parameters is None or parameter_formula(layer) == parameters
    layer(al.zeros(shape))  # a shape that it takes


SETTINGS = st.tuples(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3),
    st.integers(1, 2), st.booleans(),
)  # fmt: skip


@given(SETTINGS)
def test_formulas_give_what_layers_put_out(given: tuple[Any, ...]) -> None:
    height, width, f, s, p, d, g, flag = given
    layers = [
        nn.Conv2d(2, 4, f, s, p, d, g, bias=flag), nn.Conv2d(2, 2, (f, 1), (1, s), (0, p)),
        nn.ConvTranspose2d(2, 4, f, s, p, 0, g, flag, d), nn.MaxPool2d(f, s, min(p, f // 2), d, ceil_mode=flag),
        nn.AvgPool2d((f, 1), s, ceil_mode=flag),
    ]  # fmt: skip
    for layer in layers:
        x = al.zeros((1, 2, height, width))
        try:
            y = layer(x)
        except ValueError:
            continue  # it does not fit
        formula = shape_formula(layer, x.shape)
        sizes = [int(n) for n in re.findall(r"= (\d+)", formula)]
        assert tuple(sizes * (3 - len(sizes))) == y.shape[2:], (layer, formula)
        count = sum(q.numel() for q in layer.parameters())
        if count:
            symbols, numbers, result = parameter_formula(layer).split(" = ")
            value = eval(re.sub(r"(\d)\(", r"\1*(", numbers).replace("·", "*"))  # our own text
            assert value == int(result.replace(",", "")) == count, (layer, symbols, numbers)


def _products(layer: Any, x: np.ndarray) -> int:
    """How many products reach the outputs, found by running: with weights and inputs of 1, each adds 1."""
    for p in layer.parameters():
        nn.init.constant_(p, 1.0 if p.ndim > 1 else 0.0)
    return int(layer.double()(al.Tensor(np.ones_like(x))).sum().item())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3), nn.Conv2d(4, 6, 3, stride=2, groups=2), nn.Conv2d(4, 4, 2, dilation=3, groups=4),
        nn.Conv2d(4, 2, (1, 3), bias=False), nn.ConvTranspose2d(4, 6, 3), nn.ConvTranspose2d(4, 6, 2, 3, groups=2),
        nn.ConvTranspose2d(4, 2, 3, stride=2, dilation=2), nn.Linear(9, 5), nn.ReLU(),
    ],
    ids=repr,
)  # fmt: skip
def test_multiply_adds_are_those_that_are_done(layer: nn.Module) -> None:
    x = np.ones((2, 4, 7, 9))  # without padding each product reaches an output
    y = layer.double()(al.Tensor(x))
    expected = 0 if isinstance(layer, nn.ReLU) else _products(layer, x)
    assert multiply_adds(layer, x.size, y.numel()) == expected
    assert nn.summary(layer, x.shape[1:]).multiply_adds == expected // 2, "for one example"


def test_what_is_shared_counts_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert nn.summary(model, (3,)).parameters == 9 + 3 + 3
    layer = nn.Linear(3, 3)
    table = nn.summary(nn.Sequential(layer, nn.ReLU(), layer), (3,))
    assert table.parameters == 12
    assert table.nbytes == 48
    assert table.multiply_adds == 18, "what is done twice counts twice"
    assert table.layers[2].parameter_formula == "counted above"


def test_what_is_frozen() -> None:
    model = nn.MLP([4, 3, 2])
    model.fc1.requires_grad_(False)
    table = nn.summary(model, (4,))
    assert table.frozen == 15
    assert str(table).splitlines()[7].endswith("the parameters take 92 B, 15 of them are frozen")


def test_what_did_not_run_is_listed() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.used, self.unused, self.later = nn.Linear(2, 3), nn.Linear(3, 4), nn.LazyLinear(5)
            self.scale = nn.Parameter([1.0])

        def forward(self, x: Any) -> Any:
            return nn.functional.linear(x, self.used.weight) * self.scale

    table = nn.summary(Net(), (2,))
    assert [layer[:4] for layer in table.layers] == [
        ("Net", "Net", "(N, 3)", 1), ("used", "Linear", "did not run", 9), ("unused", "Linear", "did not run", 16),
        ("later", "LazyLinear", "did not run", 0),
    ]  # fmt: skip


def test_several_inputs_and_results() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.fc = nn.Linear(3, 2)

        def forward(self, x: Any, index: Any) -> Any:
            assert index.dtype == np.int64
            return self.pick(self.fc(x), index)

    class Pick(nn.Module):
        def forward(self, x: Any, index: Any) -> Any:
            return x[:, :1], {"index": index}, index.sum()

    model = Two()
    model.pick = Pick()
    table = nn.summary(model, ((3,), (5,)), dtype=(np.float32, np.int64))
    assert [layer.output for layer in table.layers] == ["(N, 2)", "(N, 1), dict, ()"]
    with pytest.raises(ValueError, match="2 dtypes for 1 inputs"):
        nn.summary(model, (3,), dtype=(np.float32, np.int64))


def test_shapes_with_and_without_a_batch() -> None:
    assert nn.summary(nn.Linear(3, 2), 3).layers[0].output == "(N, 2)"
    table = nn.summary(nn.Conv2d(1, 2, 3), (1, 5, 6), batch=False)
    assert table.layers[0].output == "(2, 3, 4)"
    assert table.multiply_adds == 2 * 3 * 4 * 9
    assert nn.summary(nn.Sequential(nn.Flatten(0), nn.Linear(6, 1)), (2, 3), batch=False).layers[1].output == "(1,)"
    flat = nn.Sequential(nn.Flatten(0, 1), nn.Linear(3, 2))  # examples and their rows become one axis
    assert nn.summary(flat, (5, 3)).layers[1].output == "(5, 2)"
    assert nn.summary(nn.Linear(3, 2).double(), (3,)).memory == 16
    with pytest.raises(ValueError, match="negative"):
        nn.summary(nn.ReLU(), (-1,))


def test_a_failure_names_the_layer_and_shows_the_table_up_to_there() -> None:
    model = nn.LeNet5()
    model.act1.eval()
    with pytest.raises(SummaryError) as caught:
        nn.summary(model, (1, 32, 32))
    message = str(caught.value)
    assert message.startswith(
        "fc1, Linear(in_features=400, out_features=120, bias=True), failed on (N, 576): ValueError: "
    )
    assert "(N, 16, 6, 6)" in message
    assert "so far" in message
    assert "fc2" not in message
    assert [layer.path for layer in caught.value.summary.layers][-1] == "flatten"
    assert isinstance(caught.value.__cause__, ValueError)
    assert [m.training for m in model][:3] == [True, False, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_failure_between_layers() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(3, 2), nn.Linear(5, 2)

        def forward(self, x: Any) -> Any:
            with contextlib.suppress(ValueError):
                self.b(x)
            return self.a(x) + al.ones((7, 7))

    with pytest.raises(SummaryError, match=r"^1, Net, failed on \(N, 3\): ValueError.*\(7, 7\)[^$]*1\.a"):
        nn.summary(nn.Sequential(nn.ReLU(), Net()), (3,))


def test_html_is_escaped_and_whole() -> None:
    class Odd(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 1

    Odd.__name__ = "<b>&"

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.rows: list[list[str]] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.open.append(tag)
            if tag == "tr":
                self.rows.append([])

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

        def handle_data(self, data: str) -> None:
            if self.open[-1] == "td":
                self.rows[-1].append(data)

    reader = Reader()
    text = nn.summary(nn.Sequential({"<x>": Odd(), "conv": nn.Conv2d(1, 6, 5)}), (1, 8, 8))._repr_html_()
    reader.feed(text)
    assert not reader.open
    assert reader.rows[1][:3] == ["<x>", "<b>&", "(N, 1, 8, 8)"]
    assert reader.rows[2][3:] == [
        "156", "2,400", "384 B", "⌊(8 − 5)/1⌋ + 1 = 4, K(C·f·f + 1) = 6(1·5·5 + 1) = 156",
    ]  # fmt: skip
    assert "<b>" not in text


def test_softmax_belongs_to_the_layer_before() -> None:
    rows = nn.summary(nn.Sequential(nn.Linear(4, 3), nn.Softmax()), (4,)).layers
    assert rows[0].parameter_formula == "n_prev·n_neu + n_neu = 4·3 + 3 = 15"
    assert rows[1].parameter_formula == "0; the sheet's softmax layer is 0 with this"
    assert nn.summary(nn.Softmax(), (4,)).layers[0].parameter_formula == "0"
