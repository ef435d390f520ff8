"""The gradient doctor: planted illnesses are found and named, healthy networks are not accused, nothing is changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
import nn
import nn.functional as F
from nn.doctor import Diagnosis

Start = Callable[[nn.Linear, al.Generator], object]

ACTIVATIONS = {"relu": nn.ReLU, "leaky": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
STARTS: dict[str, Start] = {
    "he": lambda layer, generator: nn.init.he_normal_(layer.weight, generator=generator),
    "xavier": lambda layer, generator: nn.init.xavier_normal_(layer.weight, generator=generator),
    "small": lambda layer, generator: nn.init.normal_(layer.weight, 0.0, 0.05, generator=generator),
    "large": lambda layer, generator: nn.init.normal_(layer.weight, 0.0, 1.0, generator=generator),
    "torch": lambda layer, generator: None,
}
SEEDS = 0, 1, 2


def stack(depth: int, activation: str, start: str, norm: bool = False, seed: int = 0, width: int = 32) -> nn.Sequential:
    """Linear layers fc1, fc2, … with the activation between them."""
    generator = al.Generator(seed)
    layers: dict[str, nn.Module] = {}
    sizes = [20, *[width] * (depth - 1), 10]
    for i in range(1, depth + 1):
        layer = layers[f"fc{i}"] = nn.Linear(sizes[i - 1], sizes[i], generator=generator)
        STARTS[start](layer, generator)
        if start != "torch":
            nn.init.zeros_(layer.bias)
        if i < depth:
            if norm:
                layers[f"bn{i}"] = nn.BatchNorm1d(width)
            layers[f"act{i}"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)


def batch(seed: int = 0, n: int = 64) -> tuple[al.Tensor, al.Tensor]:
    return al.randn(n, 20, generator=al.Generator(seed + 100)), al.arange(n) % 10


def examined(model: nn.Module, seed: int = 0, **options: object) -> Diagnosis:
    x, y = batch(seed)
    return nn.diagnose(model, lambda: F.cross_entropy(model(x), y), **options)


# -- vanishing, exploding, healthy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 12, 20])
@pytest.mark.parametrize(
    ("activation", "start"),
    [("sigmoid", "torch"), ("sigmoid", "xavier"), ("relu", "small"), ("tanh", "small"), ("leaky", "small")],
)
def test_planted_vanishing_gradients(activation: str, start: str, depth: int) -> None:
    for seed in SEEDS:
        found = examined(stack(depth, activation, start, seed=seed), seed)
        assert found.verdict == "vanishing", found
        assert not found
        assert f"from fc{depth}, the last layer, back to fc1" in found.findings[0]
        assert any("nn.init.he_normal_" in text and "3.3" in text for text in found.remedies)
        assert any("batch normalization" in text and "3.3" in text for text in found.remedies)
        assert any("ReLU in place of" in text for text in found.remedies) == (activation in ("sigmoid", "tanh"))


@pytest.mark.parametrize("depth", [8, 12, 20])
@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_planted_exploding_gradients(activation: str, depth: int) -> None:
    for seed in SEEDS:
        found = examined(stack(depth, activation, "large", seed=seed), seed)
        assert found.verdict == "exploding", found
        assert any("clip" in text for text in found.remedies)
        assert any("smaller learning rate" in text for text in found.remedies)


@pytest.mark.parametrize("depth", [2, 3, 5, 8, 12, 20])
@pytest.mark.parametrize(
    ("activation", "start", "norm"),
    [("relu", "he", False), ("leaky", "he", False), ("tanh", "xavier", False), ("relu", "he", True),
     ("relu", "torch", True), ("tanh", "torch", True), ("sigmoid", "torch", True)],
)  # fmt: skip
def test_healthy_networks_are_not_accused(activation: str, start: str, norm: bool, depth: int) -> None:
    for seed in SEEDS:
        found = examined(stack(depth, activation, start, norm, seed), seed)
        assert found.verdict == "healthy", found
        assert found
        assert found.findings == found.remedies == found.unused == []


class Loose(nn.Module):
    """Weights without layers of their own, applied in three ways: ``x @ w``, ``(w.T @ x.T).T``, `F.linear`."""

    def __init__(self, depth: int, scale: float, activation: Callable[[al.Tensor], al.Tensor], way: str) -> None:
        draw = [al.randn(20, 20, generator=al.Generator(i)) * (scale / 20**0.5) for i in range(depth)]
        self.weights = nn.ParameterList(draw)
        self.biases = nn.ParameterList([al.zeros(20, 1) for _ in draw])
        self.last = nn.Linear(20, 10, generator=al.Generator(depth))
        self.activation, self.way = activation, way

    def forward(self, x: al.Tensor) -> al.Tensor:
        for w, b in zip(self.weights, self.biases, strict=True):
            if self.way == "matrix":
                z = x @ w + b.T
            elif self.way == "sheet":
                z = (w.T @ x.T + b).T
            else:
                z = F.linear(x, w.T * 1.0, b.reshape(-1))
            x = self.activation(z)
        return self.last(x)


@pytest.mark.parametrize("way", ["matrix", "sheet", "linear"])
@pytest.mark.parametrize(
    ("scale", "activation", "verdict"),
    [(1.0, al.sigmoid, "vanishing"), (0.1, al.tanh, "vanishing"), (5.0, al.relu, "exploding"),
     (2**0.5, al.relu, "healthy"), (1.0, al.tanh, "healthy")],
)  # fmt: skip
def test_weights_without_layers_are_judged(
    scale: float, activation: Callable[[al.Tensor], al.Tensor], verdict: str, way: str
) -> None:
    found = examined(Loose(12, scale, activation, way))
    assert found.verdict == verdict, found
    rows = [row for row in found.layers if row.kind == "Parameter"]
    assert [row.path for row in rows] == [f"weights.{i}" for i in range(12)]
    assert all(row.signal and row.gradient for row in rows)


def test_a_layer_without_a_call_has_the_figures_of_one_with() -> None:
    """`F.linear` of a layer's weight is that layer: ‖dW‖ and ‖dZ‖ are the same."""
    model = stack(3, "tanh", "xavier")
    x, y = batch()
    whole = nn.diagnose(model, lambda: F.cross_entropy(model(x), y))

    def by_hand() -> al.Tensor:
        first = al.tanh(F.linear(x, model.fc1.weight, model.fc1.bias))
        return F.cross_entropy(model.fc3(model.act2(model.fc2(first))), y)

    found = nn.diagnose(model, by_hand)
    assert found.layers[0].path == "fc1.weight"
    assert found.layers[0].signal == pytest.approx(whole.layers[0].signal)
    assert found.layers[0].gradient == pytest.approx(np.linalg.norm(_gradient_of(model.fc1.weight, by_hand)))


def _gradient_of(parameter: nn.Parameter, loss: Callable[[], al.Tensor]) -> np.ndarray:
    return al.autograd.grad(loss(), [parameter])[0].numpy()


@pytest.mark.parametrize(("scale", "verdict"), [(0.3, "vanishing"), (3.0, "exploding"), (1.0, "healthy")])
def test_a_layer_that_runs_again_and_again_is_deep(scale: float, verdict: str) -> None:
    """Of an orthogonal matrix times s, run 12 times, the gradient changes by s¹¹ from the last run to the first."""
    cell = nn.Linear(20, 20, bias=False, generator=al.Generator(0))
    nn.init.orthogonal_(cell.weight, gain=scale, generator=al.Generator(1))
    model = nn.Sequential(*[cell] * 12)
    x, _ = batch()
    found = nn.diagnose(model, lambda: model(x).mean())
    assert found.verdict == verdict, found
    assert [row.path for row in found.layers] == ["0"]


def test_the_models_of_the_library_are_healthy() -> None:
    y = al.arange(16) % 10
    for model, shape in [
        (nn.LeNet5(generator=al.Generator(0)), (1, 28, 28)),
        (nn.MLP([64, 128, 64, 10], generator=al.Generator(0)), (64,)),
        (nn.ResNet8((3, 16, 16), generator=al.Generator(0)), (3, 16, 16)),
        (nn.SmallVGG((3, 16, 16), generator=al.Generator(0)), (3, 16, 16)),
    ]:  # fmt: skip
        x = al.rand(16, *shape, generator=al.Generator(1))
        found = nn.diagnose(model, lambda model=model, x=x: F.cross_entropy(model(x), y), lr=0.01)
        assert found.verdict == "healthy", found


def test_the_cure_of_a_deep_sigmoid_network() -> None:
    ratio = {}
    for cure in ("none", "norm", "relu"):
        model = stack(20, "relu" if cure == "relu" else "sigmoid", "he" if cure == "relu" else "xavier", cure == "norm")
        found = examined(model)
        signals = [row.signal for row in found.layers if row.signal is not None]
        ratio[cure] = signals[0] / signals[-1]
        assert found.verdict == ("vanishing" if cure == "none" else "healthy")
    assert ratio["none"] < 1e-10
    assert ratio["norm"] > 0.1
    assert ratio["relu"] > 0.1


# -- the figures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_norms_by_hand(dtype: str) -> None:
    layer = nn.Linear(2, 1, dtype=dtype)
    layer.weight.data = al.tensor([[3.0, 4.0]], dtype=dtype)
    layer.bias.data = al.tensor([0.0], dtype=dtype)
    x = al.tensor([[1.0, 2.0], [2.0, 0.0]], dtype=dtype)
    found = nn.diagnose(layer, lambda: layer(x).sum(), lr=0.5)  # dW = [3, 2], db = 2, dZ = [1, 1]
    (row,) = found.layers
    assert (row.path, row.kind) == ("Linear", "Linear")
    assert row.gradient == pytest.approx(math.sqrt(9 + 4 + 4))
    assert row.signal == pytest.approx(math.sqrt(2))
    assert row.ratio == pytest.approx(0.5 * math.sqrt(17) / 5)
    assert found.loss == pytest.approx(17)


def test_the_gradients_are_those_of_backward() -> None:
    model = stack(4, "relu", "he", True)
    x, y = batch()
    rows = {row.path: row for row in examined(model).layers}
    F.cross_entropy(model(x), y).backward()
    for name, layer in model.named_children():
        own = [p.grad.numpy() for p in layer.parameters()]
        if own:
            assert rows[name].gradient == pytest.approx(math.sqrt(sum((g**2).sum() for g in own)), rel=1e-5)


def test_the_update_of_an_optimizer_is_its_next_step() -> None:
    model = stack(3, "tanh", "xavier")
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    x, y = batch()
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    rows = [row for row in examined(model, optimizer=optimizer).layers if row.ratio is not None]
    before = [p.numpy().copy() for p in model.parameters()]
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    moved = [p.numpy() - old for p, old in zip(model.parameters(), before, strict=True)]
    for i, row in enumerate(rows):
        pair = slice(2 * i, 2 * i + 2)  # weight and bias
        step, weight = (math.sqrt(sum((a**2).sum() for a in part[pair])) for part in (moved, before))
        assert row.ratio == pytest.approx(step / weight, rel=1e-4)


def test_a_rate_that_is_too_large() -> None:
    model = stack(3, "relu", "he")
    assert examined(model, lr=0.1).verdict == "healthy"
    found = examined(model, lr=1000.0)
    assert found.verdict == "rate too large"
    assert "times as large as its weights" in found.findings[0]


def test_dead_relus_are_counted_exactly() -> None:
    model = stack(3, "relu", "he")
    x = al.rand(64, 20, generator=al.Generator(3))  # positive
    with al.no_grad():
        model.fc1.weight[:] = abs(model.fc1.weight.numpy())
        model.fc1.weight[:5] = -abs(model.fc1.weight.numpy()[:5])
    found = nn.diagnose(model, lambda: model(x).sum())
    row = next(row for row in found.layers if row.path == "act1")
    assert (row.kind, row.dead, row.units) == ("ReLU", 5, 32)
    assert found.verdict == "healthy"
    with al.no_grad():
        model.fc1.weight[:30] = -abs(model.fc1.weight.numpy()[:30])
    found = nn.diagnose(model, lambda: model(x).sum())
    assert found.verdict == "dead ReLUs"
    assert "30 of the 32 units of act1" in found.findings[0]
    assert any("LeakyReLU" in text for text in found.remedies)


def test_a_unit_of_a_convolution_is_a_channel() -> None:
    model = nn.Sequential({"conv": nn.Conv2d(1, 4, 3), "act": nn.ReLU(), "flat": nn.Flatten(), "fc": nn.Linear(64, 2)})
    with al.no_grad():
        model.conv.bias[:] = al.tensor([50.0, -50.0, 50.0, -50.0])
    x = al.randn(8, 1, 6, 6, generator=al.Generator(0))
    row = nn.diagnose(model, lambda: model(x).sum()).layers[1]
    assert (row.path, row.dead, row.units) == ("act", 2, 4)


def test_a_network_of_dead_relus_has_no_gradient() -> None:
    model = stack(3, "relu", "he")
    with al.no_grad():
        model.fc2.bias[:] = -1e3
        model.fc3.bias[:] = 0.0
    x, _ = batch()
    found = nn.diagnose(model, lambda: (model(x).relu() - 1).square().mean())
    assert found.verdict == "dead ReLUs", "the cause comes first"
    assert "every gradient is 0" in found.findings[1]


@pytest.mark.parametrize(("activation", "edge"), [("sigmoid", math.log(99)), ("tanh", math.atanh(0.98))])
def test_saturation_is_exact(activation: str, edge: float) -> None:
    """Of the values just inside and just outside of the edge, exactly the outer ones count."""
    model = nn.Sequential({"fc1": nn.Linear(1, 8), "act": ACTIVATIONS[activation](), "fc2": nn.Linear(8, 1)})
    inner, outer = 0.98 * edge, 1.02 * edge
    for values, share in [([inner] * 5 + [outer] * 3, 3 / 8), ([-outer] * 5 + [-inner] * 3, 5 / 8)]:
        with al.no_grad():
            model.fc1.weight[:] = 0.0
            model.fc1.bias[:] = al.tensor(values)
        found = nn.diagnose(model, lambda: model(al.ones(4, 1)).sum())
        assert found.layers[1].saturated == share
        assert found.verdict == ("saturated" if share > 0.5 else "healthy")


def test_an_output_may_saturate() -> None:
    model = nn.Sequential({"fc": nn.Linear(1, 1), "act": nn.Sigmoid()})
    with al.no_grad():
        model.fc.weight[:] = 10.0
    found = nn.diagnose(model, lambda: model(al.ones(4, 1)).sum())
    assert found.layers[1].saturated == 1.0
    assert found.verdict == "healthy"


def test_functions_are_seen_as_modules_are() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.fc1, self.fc2 = nn.Linear(3, 4), nn.Linear(4, 2)
            nn.init.constant_(self.fc1.bias, -100.0)

        def forward(self, x: al.Tensor) -> al.Tensor:
            return self.fc2(F.relu(self.fc1(x)))

    model = Net()
    found = nn.diagnose(model, lambda: model(al.ones(2, 3)).sum())
    row = found.layers[1]
    assert (row.kind, row.dead, row.units) == ("ReLU", 4, 4)
    assert row.path.startswith("model at test_doctor.py:")
    assert found.verdict == "dead ReLUs"


# -- what is not finite, what is not used -----------------------------------------------------------------------------


def test_nan_is_traced_to_where_it_appears() -> None:
    model = stack(4, "relu", "he")
    with al.no_grad():
        model.fc2.bias[3] = math.nan
    found = examined(model)
    assert found.verdict == "non-finite"
    assert "the parameter fc2.bias (32,)" in found.findings[0]


def test_an_overflow_is_traced_to_its_layer() -> None:
    model = stack(4, "relu", "he")
    with al.no_grad():
        model.fc3.weight[:] = 3e38
    found = examined(model)
    assert found.verdict == "non-finite"
    assert "fc3, in linear at" in found.findings[0]
    assert math.isnan(found.loss) or math.isinf(found.loss)


def test_a_gradient_that_alone_is_not_finite() -> None:
    model = stack(3, "relu", "he")
    x, _ = batch()

    def loss() -> al.Tensor:
        out = model(x)
        out.register_hook(lambda g: g * math.inf)
        return out.sum()

    found = nn.diagnose(model, loss)
    assert math.isfinite(found.loss)
    assert found.verdict == "non-finite"
    assert "the gradient, first at fc3" in found.findings[0]


def test_unused_parameters_are_named() -> None:
    model = stack(2, "relu", "he")
    model.extra = nn.Linear(3, 3)
    x, y = batch()
    part = nn.Sequential(model.fc1, model.act1, model.fc2)
    found = nn.diagnose(model, lambda: F.cross_entropy(part(x), y))
    assert found.unused == ["extra.weight", "extra.bias"]
    assert found.verdict == "healthy"
    assert "extra.weight, extra.bias" in str(found)


def test_frozen_layers_have_no_gradient() -> None:
    model = stack(3, "relu", "he")
    model.fc1.requires_grad_(False)
    found = examined(model, lr=0.1)
    assert found.unused == []
    assert [row.path for row in found.layers if row.gradient is not None] == ["fc2", "fc3"]


def test_shared_layers_count_once() -> None:
    shared = nn.Linear(20, 20)
    model = nn.Sequential({"a": shared, "act": nn.Tanh(), "b": shared, "fc": nn.Linear(20, 10)})
    found = examined(model)
    assert [row.path for row in found.layers] == ["a", "act", "fc"]


# -- nothing is changed -----------------------------------------------------------------------------------------------


def test_everything_stays_as_it_was() -> None:
    model = stack(3, "relu", "he", norm=True)
    model.drop = nn.Dropout(0.5)
    model.train()
    model.act1.eval()
    x, y = batch()
    optimizer = nn.optim.Adam(model.parameters())
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    state = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    gradients = [p.grad for p in model.parameters()]
    values = [g.numpy().copy() for g in gradients]
    modes = [m.training for m in model.modules()]
    kept = optimizer.state_dict()
    pending = F.cross_entropy(model.eval()(x), y)  # a graph that is yet to be walked
    model.train()
    model.act1.eval()
    random = al.default_generator.get_state()
    nn.diagnose(model, lambda: F.cross_entropy(model(x), y), optimizer=optimizer)
    assert {n: t.numpy().tobytes() for n, t in model.state_dict().items()} == {n: a.tobytes() for n, a in state.items()}
    for p, g, value in zip(model.parameters(), gradients, values, strict=True):
        assert p.grad is g
        assert np.array_equal(g.numpy(), value)
    assert [m.training for m in model.modules()] == modes
    assert all(not m._forward_hooks for m in model.modules())
    after = optimizer.state_dict()
    assert after["param_groups"] == kept["param_groups"]
    for i, entries in kept["state"].items():
        assert all(np.array_equal(after["state"][i][key], value) for key, value in entries.items())
    assert al.default_generator.get_state() == random
    pending.backward()


def test_buffers_that_a_module_writes_are_restored() -> None:
    class Counting(nn.Linear):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.register_buffer("calls", al.tensor([0.0]))
            self.register_buffer("others", al.tensor([0.0]))

        def forward(self, x: al.Tensor) -> al.Tensor:
            with al.no_grad():
                self.calls += 1
                self.others = self.others + 1
            return super().forward(x)

    model = Counting()
    others = model.others
    nn.diagnose(model, lambda: model(al.ones(1, 2)).sum())
    assert model.calls.item() == 0
    assert model.others is others


def test_a_loss_that_fails_leaves_no_hooks() -> None:
    model = stack(2, "relu", "he")
    with pytest.raises(ZeroDivisionError):
        nn.diagnose(model, lambda: model(batch()[0]).sum() * (1 / 0))
    assert all(not m._forward_hooks for m in model.modules())


def test_it_works_inside_no_grad() -> None:
    with al.no_grad():
        assert examined(stack(2, "relu", "he"))
        assert not al.is_grad_enabled()


# -- errors, text, picture --------------------------------------------------------------------------------------------


def test_errors() -> None:
    model = stack(2, "relu", "he")
    x, y = batch()
    with pytest.raises(TypeError, match="function that runs the model, not Tensor"):
        nn.diagnose(model, F.cross_entropy(model(x), y))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must return a Tensor, not float"):
        nn.diagnose(model, lambda: 1.0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match=r"one element, got shape \(64, 10\)"):
        nn.diagnose(model, lambda: model(x))
    with pytest.raises(ValueError, match="depends on no parameter"):
        nn.diagnose(model, x.sum)
    w = al.tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="depends on no parameter"):
        nn.diagnose(model, lambda: w * 2)
    with pytest.raises(ValueError, match="lr or optimizer, not both"):
        examined(model, lr=0.1, optimizer=nn.optim.SGD(model.parameters()))
    for lr in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="lr must be"):
            examined(model, lr=lr)


def test_the_table() -> None:
    found = examined(stack(2, "relu", "he"), lr=0.01)
    lines = str(found).splitlines()
    assert lines[0].split() == ["layer", "kind", "‖dW‖", "‖dZ‖", "update/weight", "dead"]
    assert [line.split()[0] for line in lines[2:5]] == ["fc1", "act1", "fc2"]
    assert lines[-1].startswith("verdict: healthy (loss ")
    assert repr(found) == str(found)
    html = examined(stack(12, "sigmoid", "torch"))._repr_html_()
    assert html.count("<tr>") == 1 + 12 + 11
    assert "vanishing" in html


def test_the_plot(tmp_path: Path) -> None:
    figure = examined(stack(20, "sigmoid", "torch")).plot(tmp_path / "plot.svg")
    assert "<svg" in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"fc{i}" for i in range(1, 21)]
    assert len(axes.patches) == 20
    assert "vanishing" in axes.get_title()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_plot_of_what_has_no_place_on_a_log_axis(tmp_path: Path) -> None:
    model = stack(3, "relu", "he")
    with al.no_grad():
        model.fc2.bias[0] = math.nan
    figure = examined(model).plot(tmp_path / "nan.png")
    (crosses,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert list(crosses.get_xdata()) == [0, 1, 2]
    assert (tmp_path / "nan.png").stat().st_size > 1000
