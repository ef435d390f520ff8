"""The pictures that a training leaves for its reader: loss.svg, graph.svg."""

from __future__ import annotations

from pathlib import Path

from autograd_lite import Tensor
from autograd_lite.explain.draw import draw
from autograd_lite.files import written_whole
from autograd_lite.modes import trace

from . import functional as F
from .callbacks import Row
from .module import Module
from .plot import new_figure, write_figure

__all__ = ["traced_loss", "write_graph", "write_loss_plot"]


def write_loss_plot(path: Path, history: list[Row], figure_of_merit: str = "accuracy") -> None:
    """Draw the loss and another figure over the epochs: in training, on what is held out, in the test.

    Raises ImportError without matplotlib (extra ``viz``).
    """
    epochs = [row["epoch"] for row in history]
    figure = new_figure(8, 3.2)
    left, right = figure.subplots(1, 2)
    for axes, what, scale in ((left, "loss", "log"), (right, figure_of_merit, "linear")):
        for key, label in ((what, "training"), (f"val_{what}", "held out"), (f"test_{what}", "test")):
            if key in history[0]:
                axes.plot(epochs, [row[key] for row in history], label=label, marker="." if len(epochs) < 3 else "")
        axes.set(xlabel="epoch", ylabel=what, yscale=scale)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    write_figure(figure, path)


def traced_loss(model: Module, x: Tensor, y: Tensor) -> Tensor:
    """The cross entropy of a model, recorded with module paths and parameter names: what `draw` draws."""
    model.name_parameters()
    with trace():
        return F.cross_entropy(model(x), y)


def write_graph(path: Path, loss: Tensor) -> Path:
    """Draw the graph of ``loss`` with its gradients, or list it as .txt where no renderer is; returns the path.

    Raises ValueError for a graph too large to be read, RuntimeError for a format that the renderer does not have.
    """
    from autograd_lite.explain.picture import renderer  # imports graphviz, which takes a while

    picture = draw(loss, grads=True)  # those that parameters have kept are of the last batch, not of this loss
    if renderer() is None:
        path = path.with_name(path.name + ".txt")
    with written_whole(path) as temporary:
        if path.suffix == ".txt":
            temporary.write_text(picture.listing + "\n", encoding="utf-8")
        else:
            picture.render_to(temporary)
    return path
