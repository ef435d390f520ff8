"""The progress bar of a training, in a terminal or a notebook."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["figures_shown", "progress_bar"]

PAUSE = 0.1  # seconds between two looks at the figures

Tick = Callable[[str, Callable[[], Mapping[str, float]], bool], None]


@contextmanager
def progress_bar(wanted: bool | None, total: int | None, done: int) -> Iterator[Tick]:
    """A bar over ``total`` batches, of which some are ``done``, as the function to call after each batch.

    ``tick(title, figures, last)``: ``figures()`` is asked for only when the bar is drawn anew, and at the ``last``
    batch of an epoch.  ``wanted=None``: a bar in terminals and notebooks only.
    """
    if wanted is None:
        wanted = sys.stderr.isatty() or _in_notebook()
    if not wanted:
        yield lambda title, figures, last: None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets gets a bar of text
        from tqdm.auto import tqdm
    shown = -PAUSE
    with tqdm(total=total, initial=done, unit="batch", dynamic_ncols=True) as bar:

        def tick(title: str, figures: Callable[[], Mapping[str, float]], last: bool) -> None:
            nonlocal shown
            now = time.monotonic()
            if last or now - shown >= PAUSE:
                shown = now
                bar.set_description(title, refresh=False)
                bar.set_postfix_str(figures_shown(figures(), digits=1), refresh=False)
            bar.update()

        yield tick


def _in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel; IPython is asked only if somebody has imported it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def figures_shown(figures: Mapping[str, Any], digits: int = 2, separator: str = ", ") -> str:
    """Figures by name for a reader; accuracies in percent.

    >>> figures_shown({"loss": 0.25, "val_accuracy": 0.98})
    'loss 0.2500, val accuracy 98.00%'
    """
    parts = [
        f"{name.replace('_', ' ')} " + (f"{value:.{digits}%}" if name.endswith("accuracy") else f"{value:.4f}")
        for name, value in figures.items()
    ]
    return separator.join(parts)
