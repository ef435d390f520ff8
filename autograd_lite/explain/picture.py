"""A Graphviz picture that finds its own renderer: the system's ``dot``, the pip package graphviz-pure, or none."""

from __future__ import annotations

import io
import os
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command

__all__ = ["HINT", "Picture", "renderer"]

HINT = 'to see it as a picture: pip install "autograd-lite[viz]"'
PDF_DPI = 300


def renderer() -> str | None:
    """The program that renders: ``dot``, or ``graphviz-pure`` on the PATH or beside this Python; None without one."""
    places = [os.environ.get("PATH", ""), os.path.dirname(sys.executable), sysconfig.get_path("scripts")]
    return shutil.which("dot") or shutil.which("graphviz-pure", path=os.pathsep.join(places))


class Picture(graphviz.Digraph):
    """A ``graphviz.Digraph`` that renders with what is installed, and has a text listing where nothing is.

    ``render_to("graph.svg")`` writes a file; in Jupyter it shows itself; ``str()`` is the source in the DOT language.
    """

    listing = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"format": "svg", **options})

    def render_to(self, path: str | os.PathLike[str]) -> str:
        """Write the picture to ``path``, as its suffix says (.svg, .png, .pdf, …), and return the path.

        Without a renderer the text listing is written beside it, to ``graph.svg.txt``, and that path is returned, with
        a warning.
        Raises ValueError for a path without suffix, OSError where it cannot be written.
        """
        target = Path(path)
        kind = target.suffix[1:].lower()
        if not kind:
            raise ValueError(f"render_to({str(path)!r}): the suffix says the format: .svg, .png or .pdf")
        if kind in ("gv", "dot"):
            target.write_text(self.source, encoding="utf-8")
        elif renderer() is None:
            target = target.with_name(target.name + ".txt")
            target.write_text(self.listing + "\n", encoding="utf-8")
            warnings.warn(f"no Graphviz renderer is installed: wrote the text listing {target}; {HINT}", stacklevel=2)
        else:
            target.write_bytes(self.pipe(format=kind))
        return str(target)

    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """The picture as bytes, as `graphviz.Digraph.pipe`."""
        if kwargs.get("format") == "pdf" and not args and not _draws_pdf():
            return _pdf_around(self.pipe(format="png"), self)
        with _renderer_in_place():
            return super().pipe(*args, **{"quiet": True, **kwargs})  # it warns of every × whose width it does not know

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Save source and picture, as `graphviz.Digraph.render`; `render_to` is simpler."""
        with _renderer_in_place():
            return str(super().render(*args, **{"quiet": True, **kwargs}))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict[str, Any]:
        if renderer() is None:
            return {"text/plain": f"{self.listing}\n({HINT})"}
        return dict(super()._repr_mimebundle_(include, exclude, **options))


@contextmanager
def _renderer_in_place() -> Iterator[None]:
    """Inside, the graphviz package calls the renderer that was found instead of ``dot``."""
    before = dot_command.DOT_BINARY
    program = renderer()
    try:
        if program is not None and shutil.which(str(before)) is None:
            dot_command.DOT_BINARY = Path(program)
        yield
    finally:
        dot_command.DOT_BINARY = before


def _draws_pdf() -> bool:
    """Whether the renderer writes PDF; graphviz-pure does not."""
    return "graphviz-pure" not in Path(renderer() or "").name


def _pdf_around(png: bytes, picture: Picture) -> bytes:
    """A PDF page with the picture in print resolution on it.  Raises RuntimeError without Matplotlib."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.image import imread
    except ImportError as error:
        raise RuntimeError(
            f'PDF needs the system Graphviz ("dot") or Matplotlib: pip install "autograd-lite[viz]" ({error})'
        ) from error
    sharp = picture.copy()
    sharp.attr(dpi=str(PDF_DPI))
    pixels = imread(io.BytesIO(sharp.pipe(format="png")))
    figure = Figure(figsize=(pixels.shape[1] / PDF_DPI, pixels.shape[0] / PDF_DPI))
    figure.add_axes((0, 0, 1, 1)).imshow(pixels)
    figure.axes[0].axis("off")
    page = io.BytesIO()
    figure.savefig(page, format="pdf", dpi=PDF_DPI)
    return page.getvalue()
