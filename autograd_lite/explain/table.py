"""Columns of text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned"]


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Rows as lines with their columns one below the other: the first ``left`` are words, the others numbers.

    >>> print(*aligned([("fc1", "5"), ("pool", "10")], left=1), sep="\\n")
    fc1     5
    pool   10
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        texts = [text.ljust(width) if i < left else text.rjust(width)
                 for i, (text, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        lines.append("   ".join(texts).rstrip())
    return lines
