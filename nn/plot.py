"""Figures that show themselves in Jupyter and are written whole.  matplotlib (extra ``viz``) is imported only here."""

from __future__ import annotations

import io
import os
from typing import Any

from autograd_lite.files import written_whole

__all__ = ["DARK", "FINE", "WRONG", "new_figure", "write_figure"]

FINE, WRONG, DARK = "#3b76af", "#c44e26", "#24292f"  # colours, told apart by the colour-blind, too


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib Figure, in inches, apart from pyplot's.  Raises ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plots need matplotlib: pip install "autograd-lite[viz]"') from error

    class Plot(Figure):
        """A figure that Jupyter shows although no backend was chosen."""

        def _repr_png_(self) -> bytes:
            written = io.BytesIO()
            self.savefig(written, format="png", dpi=100)
            return written.getvalue()

    return Plot(figsize=(width, height), layout="constrained")


def write_figure(figure: Any, path: str | os.PathLike[str] | None) -> None:
    """Write a figure to ``path`` (None: nowhere).  Raises ValueError for an ending that matplotlib does not write."""
    if path is not None:
        with written_whole(path) as temporary:
            figure.savefig(temporary)
