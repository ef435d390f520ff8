"""Convolution by its definition, one output after the other in float64: slow, to be read and compared with."""

from __future__ import annotations

import numpy as np

Pair = tuple[int, int]


def conv2d(
    x: np.ndarray, weight: np.ndarray, stride: Pair, padding: tuple[Pair, Pair], dilation: Pair, groups: int
) -> np.ndarray:
    """``y[n, k, p, q] = Σ_c,r,s w[k, c, r, s] · x[n, c, p·stride + r·dilation, …]`` of the padded images."""
    x, weight = np.pad(x.astype(float), ((0, 0), (0, 0), *padding)), weight.astype(float)
    filters, depth, height, width = weight.shape
    rows = (x.shape[2] - dilation[0] * (height - 1) - 1) // stride[0] + 1
    columns = (x.shape[3] - dilation[1] * (width - 1) - 1) // stride[1] + 1
    y = np.zeros((len(x), filters, rows, columns))
    for group in range(groups):
        kernels, channels = _parts(group, groups, filters, depth)
        for p in range(rows):
            for q in range(columns):
                top, left = p * stride[0], q * stride[1]
                seen = x[:, channels, top :: dilation[0], left :: dilation[1]][:, :, :height, :width]
                y[:, kernels, p, q] = np.tensordot(seen, weight[kernels], ((1, 2, 3), (1, 2, 3)))
    return y


def _parts(group: int, groups: int, filters: int, depth: int) -> tuple[slice, slice]:
    """The filters and the channels of a group."""
    count = filters // groups
    return slice(group * count, (group + 1) * count), slice(group * depth, (group + 1) * depth)


def gradients(
    g: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair, padding: tuple[Pair, Pair], dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What every output passes back to the images and to the filters that made it."""
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), *padding))
    dx, dw = np.zeros(padded.shape), np.zeros(weight.shape)
    filters, depth, height, width = weight.shape
    for group in range(groups):
        kernels, channels = _parts(group, groups, filters, depth)
        for p in range(g.shape[2]):
            for q in range(g.shape[3]):
                rows = slice(p * stride[0], p * stride[0] + dilation[0] * (height - 1) + 1, dilation[0])
                columns = slice(q * stride[1], q * stride[1] + dilation[1] * (width - 1) + 1, dilation[1])
                passed = g[:, kernels, p, q].astype(float)
                dx[:, channels, rows, columns] += np.tensordot(passed, weight[kernels], 1)
                dw[kernels] += np.tensordot(passed, padded[:, channels, rows, columns], (0, 0))
    (top, _), (left, _) = padding
    return dx[:, :, top : top + x.shape[2], left : left + x.shape[3]], dw
