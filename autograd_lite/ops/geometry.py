"""The geometry of windows that slide over an image: sizes, and errors that show the whole calculation."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["calculation", "check_output_padding", "covered", "describe", "output_length", "padding_pairs", "pair"]


def pair(name: str, value: Any, axes: int = 2, least: int = 1) -> tuple[int, ...]:
    """An integer for every axis, or one for each.  Raises TypeError for no integers, ValueError below ``least``."""
    if type(value) is int and value >= least:
        return (value,) * axes
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    if len(given) == 1:
        given *= axes
    if len(given) != axes:
        raise ValueError(f"{name} must be an integer or {axes} of them, got {value!r}")
    try:
        numbers = tuple([operator.index(v) for v in given])
    except TypeError:
        raise TypeError(f"{name} must be an integer or {axes} of them, got {value!r}") from None
    if any(isinstance(v, bool) for v in given) or min(numbers) < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return numbers


def covered(f: int, dilation: int) -> int:
    """How many elements a window of f elements with steps of ``dilation`` between them reaches over."""
    return dilation * (f - 1) + 1


def padding_pairs(
    padding: Any, window: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """The padding before and after each axis: from an integer, one or two for each axis, "valid" (none) or "same".

    "same" keeps ⌈n/s⌉ elements with stride 1; where it is odd, the greater half comes after.  Raises ValueError for
    "same" with a greater stride, for another word and for another number of pairs.
    """
    if padding == "valid":
        return ((0, 0),) * len(window)
    if padding == "same":
        if set(stride) != {1}:
            raise ValueError(f"padding 'same' needs stride 1, got {stride}")
        whole = [covered(f, d) - 1 for f, d in zip(window, dilation, strict=True)]
        return tuple([(p // 2, p - p // 2) for p in whole])
    if isinstance(padding, str):
        raise ValueError(f"padding must be an integer, a pair, 'same' or 'valid', got {padding!r}")
    if isinstance(padding, (tuple, list)) and padding and isinstance(padding[0], (tuple, list)):
        if len(padding) != len(window):
            raise ValueError(f"padding must have a pair for each of {len(window)} axes, got {padding!r}")
        return tuple([pair("padding", p, least=0) for p in padding])  # type: ignore[misc]
    return tuple([(p, p) for p in pair("padding", padding, len(window), least=0)])


def check_output_padding(name: str, more: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    """Raise ValueError for what a transposed convolution cannot add: it has to be below the stride or the dilation."""
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ValueError(
            f"{name}: output_padding must be below the stride or the dilation, got {more} with stride {stride}, "
            f"dilation {dilation}"
        )


def output_length(
    n: int, f: int, stride: int, padding: tuple[int, int] = (0, 0), dilation: int = 1, ceil_mode: bool = False
) -> int:
    """``⌊(n + 2p − f)/s⌋ + 1``, the number of windows along an axis  (cheat sheet 4.1, 6.1).

    f is what the window covers with its dilation.  With ``ceil_mode`` a last window may hang over the end, if it begins
    inside the input or the padding before it.
    """
    room = n + sum(padding) - covered(f, dilation)
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= n + padding[0] else count


def calculation(
    n: int, f: int, stride: int, padding: tuple[int, int] = (0, 0), dilation: int = 1, ceil_mode: bool = False
) -> str:
    """The calculation of `output_length` in numbers: ``⌊(28 + 2·2 − 5)/1⌋ + 1 = 28``  (cheat sheet 4.1, 6.1)."""
    before, after = padding
    margins = f" + {before} + {after}" if before != after else f" + 2·{before}" if before else ""
    window = f"{f}" if dilation == 1 else f"({dilation}·({f} − 1) + 1)"
    left, right = "⌈⌉" if ceil_mode else "⌊⌋"
    count = output_length(n, f, stride, padding, dilation, ceil_mode)
    return f"{left}({n}{margins} − {window})/{stride}{right} + 1 = {count}"


def describe(name: str, *line: Any) -> str:
    """The `calculation` for the axis of a name: ``height ⌊(28 + 2·2 − 5)/1⌋ + 1 = 28``."""
    return f"{name} {calculation(*line)}"
