"""Pooling and unfolding by their definitions: slow, plain NumPy, element by element, for the tests.

A window is a list of positions along an axis; those outside of it are padding.
"""

from __future__ import annotations

import itertools

import numpy as np

Line = list[list[int]]  # the windows along an axis


def sliding(n: int, f: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> Line:
    """Windows from the padding on, while they fit; with ``ceil_mode`` one more, if it begins before the end."""
    windows: Line = []
    start = -padding
    while start + dilation * (f - 1) < n + padding:
        windows.append([start + k * dilation for k in range(f)])
        start += stride
    covered = start - stride + dilation * (f - 1) + 1  # by the window before this one
    if ceil_mode and covered < n + padding and start < n:
        windows.append([start + k * dilation for k in range(f)])
    return windows


def adaptive(n: int, count: int) -> Line:
    return [list(range(int(np.floor(i * n / count)), int(np.ceil((i + 1) * n / count)))) for i in range(count)]


def max_pool(x: np.ndarray, rows: Line, columns: Line) -> tuple[np.ndarray, np.ndarray]:
    """Of ``(…, H, W)``: the largest element of each window, and its number in the plane."""
    height, width = x.shape[-2:]
    values = np.empty((*x.shape[:-2], len(rows), len(columns)), x.dtype)
    indices = np.empty(values.shape, int)
    for lead in np.ndindex(*x.shape[:-2]):
        for i, j in np.ndindex(len(rows), len(columns)):
            inside = [(r, c) for r in rows[i] for c in columns[j] if 0 <= r < height and 0 <= c < width]
            elements = [x[(*lead, *place)] for place in inside]
            best = int(np.argmax(elements))  # NaN is the largest, the first of equals wins
            values[(*lead, i, j)] = elements[best]
            indices[(*lead, i, j)] = inside[best][0] * width + inside[best][1]
    return values, indices


def max_pool_gradient(g: np.ndarray, indices: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    flat = np.zeros((*shape[:-2], shape[-2] * shape[-1]))
    for place in np.ndindex(*g.shape):
        flat[(*place[:-2], indices[place])] += g[place]
    return flat.reshape(shape)


def mean_matrix(
    n: tuple[int, int], padding: tuple[int, int], lines: tuple[Line, Line], include_pad: bool, divisor: int | None
) -> np.ndarray:
    """Average pooling as a matrix ``(P·Q, H·W)``: row by row, what each element of the plane counts for."""
    matrix = np.zeros((len(lines[0]) * len(lines[1]), n[0] * n[1]))
    for k, (rows, columns) in enumerate(itertools.product(*lines)):
        counted = 0
        for r, c in itertools.product(rows, columns):
            inside = 0 <= r < n[0] and 0 <= c < n[1]
            counted += inside or (include_pad and r < n[0] + padding[0] and c < n[1] + padding[1])
            if inside:
                matrix[k, r * n[1] + c] += 1
        matrix[k] /= counted if divisor is None else divisor
    return matrix


def unfold(x: np.ndarray, rows: Line, columns: Line) -> np.ndarray:
    """``(N, C, H, W) -> (N, C·R·S, P·Q)``: each window as a column."""
    height, width = x.shape[-2:]
    places = list(itertools.product(rows, columns))
    taps = len(rows[0]) * len(columns[0])
    result = np.zeros((x.shape[0], x.shape[1] * taps, len(places)), x.dtype)
    for n, c, k in np.ndindex(x.shape[0], x.shape[1], len(places)):
        for t, (i, j) in enumerate(itertools.product(*places[k])):
            if 0 <= i < height and 0 <= j < width:
                result[n, c * taps + t, k] = x[n, c, i, j]
    return result
