"""Tables of text: for a terminal, and as HTML for Jupyter."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "text_table"]

Rows = Sequence[Sequence[str]]


def text_table(cells: Rows, left: int) -> list[str]:
    """The lines of a table whose first row is its head; the first ``left`` columns are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        texts = [text.ljust(width) for text, width in zip(row[:left], widths[:left], strict=True)]
        texts += [text.rjust(width) for text, width in zip(row[left:], widths[left:], strict=True)]
        lines.append("   ".join(texts).rstrip())
    return [lines[0], "─" * max(map(len, lines)), *lines[1:]]


def html_table(cells: Rows, below: Sequence[str] = ()) -> str:
    """The same as HTML, with lines of text below it."""
    head, *rows = ["<tr>" + "".join([f"<td>{escape(text)}</td>" for text in row]) + "</tr>" for row in cells]
    lines = "".join([f"<div>{escape(line)}</div>" for line in below])
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>{lines}"
