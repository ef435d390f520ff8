"""Pictures of the tape: what they show, how they are saved, and what happens where nothing can render them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import graphviz
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.explain import draw, picture
from autograd_lite.modes import trace
from autograd_lite.tape import Tape


def leaf(data: object, name: str = "") -> al.Tensor:
    t = al.Tensor(data, requires_grad=True)
    t.name = name
    return t


def neuron() -> tuple[al.Tensor, al.Tensor, al.Tensor]:
    w, b = leaf([0.2, -1.0, 0.4], "weight"), leaf(0.25, "bias")
    return w, b, al.sigmoid((w * al.Tensor([1.5, -0.3, 2.0])).sum() + b)


def boxes(drawing: graphviz.Digraph) -> dict[str, str]:
    """The label of each node of the picture, without markup."""
    found = re.findall(r"^\t(\w+) \[label=<(.*?)> (?:\w+=.*)?\]$", drawing.source, re.MULTILINE)
    return {name: re.sub("<br/>", " | ", label).replace("&gt;", ">") for name, label in found}


def plain(label: str) -> str:
    return re.sub("<[^>]*>", "", label)


@pytest.fixture
def no_renderer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(picture.sysconfig, "get_path", lambda name: str(tmp_path))
    assert picture.renderer() is None


@pytest.fixture
def only_graphviz_pure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The virtual environment is not activated: only what lies beside Python is found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(picture.renderer() or "").stem == "graphviz-pure", 'pip install "autograd-lite[viz]"'


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_values_operations_and_edges() -> None:
    _, _, a = neuron()
    drawing = draw(a)
    assert isinstance(drawing, graphviz.Digraph)
    labels = {name: plain(label) for name, label in boxes(drawing).items()}
    tape = list(Tape.of(a))
    number = {node: i for i, node in enumerate(tape)}
    assert labels[f"v{number[tape[-1]]}"].startswith(f"%{len(tape) - 1} | scalar | ")
    assert "weight | (3,) | [0.2, −1, 0.4]" in labels.values()
    assert "bias | scalar | 0.25" in labels.values()
    operations = [plain(labels[f"o{i}"]) for i, node in enumerate(tape) if node.op is not None]
    assert operations == ["× | [1.5, −0.3, 2]", "Σ", "+", "σ"]
    edges = set(re.findall(r"^\t(\w+) -> (\w+)", drawing.source, re.MULTILINE))
    expected = {(f"o{i}", f"v{i}") for i, n in enumerate(tape) if n.op is not None}
    expected |= {(f"v{number[s]}", f"o{i}") for i, n in enumerate(tape) for s in n.inputs if s is not None}
    assert edges == expected


def test_large_values_are_shown_by_their_shape() -> None:
    x = leaf(np.ones((20, 30)))
    text = draw((x * np.float32(2.0)).sum()).source
    assert "20 × 30" in text
    assert "1, 1" not in text


def test_other_dtypes_are_named() -> None:
    assert "float64 (2,)" in plain(draw(leaf(np.ones(2)) * 2.0).source)
    assert "float32" not in draw(leaf([1.0, 2.0]) * 2.0).source


def test_trace_shows_all_values_and_where_they_come_from() -> None:
    x = leaf([1.0, 2.0])
    with trace():
        y = x + 1.0 + 1.0
    assert "[2, 3]" not in draw(x + 1.0 + 1.0).source
    source = draw(y).source
    assert "[2, 3]" in source
    assert "test_draw.py:" in source


def test_markup_in_a_name_is_harmless(tmp_path: Path) -> None:
    x = leaf(1.0, 'a<b & "c"\\n')
    drawing = draw(x * 2.0)
    svg = Path(drawing.render_to(tmp_path / "x.svg")).read_text(encoding="utf-8")
    assert "a&lt;b &amp; &quot;c&quot;" in svg or 'a&lt;b &amp; "c"' in svg


def test_several_results_and_a_shared_input() -> None:
    x = leaf(3.0, "x")
    y = x * x
    source = draw(y + 1.0, y * 2.0).source
    assert source.count("<b>x</b>") == 1
    assert source.count(f'fillcolor="{"#dbe9f6"}"') == 2
    assert len(re.findall(r"v0 -> o1", source)) == 2  # both factors


def test_a_leaf_alone() -> None:
    assert "<b>x</b>" in draw(leaf(3.0, "x")).source


def test_freed_graphs_can_be_drawn() -> None:
    _, _, a = neuron()
    a.backward()
    source = plain(draw(a).source)
    assert "grad" in source
    assert "weight" in source


def test_functions_with_a_hand_written_backward_can_be_drawn() -> None:
    from autograd_lite.function import Function

    class Doubled(Function):
        @staticmethod
        def forward(ctx: object, x: al.Tensor) -> al.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, g: al.Tensor) -> al.Tensor:
            return g * 2

    drawing = draw(Doubled.apply(leaf(3.0)) * 1.0, grads=True)
    assert "Doubled" in drawing.source
    assert "grad 2" in drawing.source


# -- gradients --------------------------------------------------------------------------------------------------------


def test_gradients_that_are_known_are_shown_unless_unwanted() -> None:
    _, _, a = neuron()
    assert "grad" not in draw(a).source
    a.backward(retain_graph=True)
    assert draw(a).source.count(">grad ") == 2
    assert "grad" not in draw(a, grads=False).source


def test_all_gradients_can_be_computed_without_touching_any() -> None:
    w, b, a = neuron()
    seen = []
    w.register_hook(seen.append)
    w.grad = before = al.Tensor([7.0, 7.0, 7.0])
    source = draw(a, grads=True).source
    assert source.count(">grad ") == len(Tape.of(a))
    assert w.grad is before
    assert b.grad is None
    assert not seen
    w.grad = None
    a.backward()  # the graph is still there
    slope = a.item() * (1 - a.item())
    assert f"grad {slope:.4g}" in source
    np.testing.assert_allclose(b.grad.item(), slope, rtol=1e-6)


# -- saving -----------------------------------------------------------------------------------------------------------

SIGNATURES = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize("kind", SIGNATURES)
def test_saves_with_the_renderer_there_is(kind: str, tmp_path: Path) -> None:
    _, _, a = neuron()
    target = tmp_path / f"graph.{kind}"
    assert draw(a).render_to(target) == str(target)
    assert SIGNATURES[kind] in target.read_bytes()[:1000]
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


@pytest.mark.usefixtures("only_graphviz_pure")
@pytest.mark.parametrize("kind", SIGNATURES)
def test_saves_with_the_pip_package(kind: str, tmp_path: Path) -> None:
    _, _, a = neuron()
    data = Path(draw(a).render_to(tmp_path / f"graph.{kind}")).read_bytes()
    assert SIGNATURES[kind] in data[:1000]


@pytest.mark.usefixtures("only_graphviz_pure")
def test_the_interface_of_graphviz_works_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    before = graphviz.backend.dot_command.DOT_BINARY
    _, _, a = neuron()
    drawing = draw(a)
    assert drawing.pipe(format="svg", encoding="utf-8").count("<svg") == 1
    assert Path(drawing.render(tmp_path / "g", cleanup=True)).suffix == ".svg"
    copy = drawing.copy()
    assert copy.pipe(format="png").startswith(b"\x89PNG")
    assert before == graphviz.backend.dot_command.DOT_BINARY


def test_the_system_dot_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log, pure = tmp_path / "log", shutil.which(picture.renderer() or "")
    dot = tmp_path / "dot"
    dot.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {pure} "$@"\n')
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert picture.renderer() == str(dot)
    draw(neuron()[2]).render_to(tmp_path / "g.png")
    assert "-Tpng" in log.read_text()


def test_saves_the_source(tmp_path: Path) -> None:
    path = draw(neuron()[2]).render_to(tmp_path / "graph.gv")
    assert Path(path).read_text(encoding="utf-8").startswith("digraph")


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_the_listing_is_written_with_a_hint(tmp_path: Path) -> None:
    _, _, a = neuron()
    with pytest.warns(UserWarning, match=r'pip install "autograd-lite\[viz\]"'):
        written = draw(a).render_to(tmp_path / "graph.svg")
    assert written == str(tmp_path / "graph.svg.txt")
    assert Path(written).read_text(encoding="utf-8") == f"{Tape.of(a)}\n"


# -- Jupyter ----------------------------------------------------------------------------------------------------------


def test_shows_itself_in_jupyter() -> None:
    bundle = draw(neuron()[2])._repr_mimebundle_()
    assert "<svg" in bundle["image/svg+xml"]


@pytest.mark.usefixtures("no_renderer")
def test_shows_its_listing_in_jupyter_without_a_renderer() -> None:
    bundle = draw(neuron()[2])._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "= sigmoid(" in bundle["text/plain"]
    assert 'pip install "autograd-lite[viz]"' in bundle["text/plain"]


def test_importing_the_package_does_not_import_graphviz() -> None:
    code = "import sys, autograd_lite.explain; sys.exit('graphviz' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# -- errors -----------------------------------------------------------------------------------------------------------


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    _, _, a = neuron()
    with pytest.raises(TypeError, match=r"float"):
        draw(3.0)
    with pytest.raises(TypeError, match=r"at least one"):
        draw()
    with pytest.raises(ValueError, match=r"on no tape"):
        draw(al.Tensor([1.0]))
    with pytest.raises(ValueError, match=r"suffix"):
        draw(a).render_to(tmp_path / "graph")
    with pytest.raises(ValueError, match=r"direction.*'UP'"):
        draw(a, direction="UP")
    with pytest.raises(ValueError, match=r"one element, got shape \(2,\)"):
        draw(leaf([1.0, 2.0]) * 2.0, grads=True)
    with pytest.raises(FileNotFoundError):
        draw(a).render_to(tmp_path / "missing" / "graph.svg")


def test_a_graph_too_large_to_read_is_refused() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(600):
        y = y * 1.0
    with pytest.raises(ValueError, match=r"601 entries.*max_nodes=500.*print\(Tape"):
        draw(y)
    assert draw(y, max_nodes=601).source.count("ellipse") == 600
