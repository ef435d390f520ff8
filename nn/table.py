"""Tables: as text for a terminal, as HTML for Jupyter, as files of CSV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from autograd_lite.explain.table import aligned
from autograd_lite.files import written_whole

__all__ = ["aligned", "html_table", "text_table", "write_csv"]

Rows = Sequence[Sequence[str]]


def text_table(cells: Rows, left: int) -> list[str]:
    """The lines of a table whose first row is its head; the first ``left`` columns are words, the others numbers."""
    lines = aligned(cells, left)
    return [lines[0], "─" * max(map(len, lines)), *lines[1:]]


def html_table(cells: Rows, below: Sequence[str] = ()) -> str:
    """The same as HTML, with lines of text below it."""
    head, *rows = ["<tr>" + "".join([f"<td>{escape(text)}</td>" for text in row]) + "</tr>" for row in cells]
    lines = "".join([f"<div>{escape(line)}</div>" for line in below])
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>{lines}"


def write_csv(path: str | os.PathLike[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows, the first of which is the head, to a file of CSV: whole or not at all.  None is an empty cell."""
    import csv

    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
