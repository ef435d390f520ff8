"""Make ops.npz: values and gradients of PyTorch for the sample inputs of all operations and composed functions.

Run where PyTorch is installed, from the project's root: ``python tests/golden/make_ops.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from autograd_lite.op import REGISTRY, Sample
from autograd_lite.ops.composed import COMPOSED

NAMES = {"axis": "dim", "keepdims": "keepdim"}
REDUCTIONS = ("sum", "mean", "logsumexp", "var", "std", "var_mean", "std_mean", "amax", "amin", "norm")


def reduction(function: Callable) -> Callable:
    """PyTorch reduces all axes by another call, or by ``dim=()`` with an infinite gradient: name them all."""

    def call(x, **params):
        axes = params.pop("dim", None)
        return function(x, dim=tuple(range(x.ndim)) if axes is None or axes == () else axes, **params)

    return call


def prod(x, dim=None, keepdim=False):
    dims = range(x.ndim) if dim is None or dim == () else dim if isinstance(dim, tuple) else (dim,)
    for axis in sorted([d % max(x.ndim, 1) for d in dims], reverse=True):
        x = torch.prod(x, axis, keepdim)
    return x


def adjoint(function: Callable, x, shape):
    """The gradient ``x`` of a linear function's result, brought back to its argument of ``shape``."""
    z = torch.zeros(shape, dtype=x.dtype, requires_grad=True)
    return torch.autograd.grad(function(z), z, x, create_graph=True)[0]


def placed(x, shape, index):
    """The adjoint of indexing."""
    return adjoint(lambda z: z[index], x, shape)


def assign(x, value, index):
    places = np.arange(x.numel()).reshape(x.shape)[tuple([i.numpy() if torch.is_tensor(i) else i for i in index])]
    if np.unique(places).size < places.size:
        raise ValueError("PyTorch does not say which write wins")
    y = x.clone()
    y[index] = value
    return y


def scan(a, b, axis=-1):
    ys = [torch.zeros_like(b.select(axis, 0))] if b.shape[axis] else []
    for j in range(b.shape[axis]):
        ys.append(a.select(axis, j) * ys[-1] + b.select(axis, j))
    return torch.stack(ys[1:], axis) if ys else a * b


def leading(x, windows) -> tuple[int, ...]:
    return tuple(x.shape[: x.ndim - windows.axes])


def pooled(reduce: Callable) -> Callable:
    """A number for each window, from its elements, their numbers in the plane, and how many it counts for."""

    def call(x, windows):
        planes, (down, right) = x.reshape(-1, *windows.plane), windows.dilation
        numbers = torch.arange(planes[0].numel()).reshape(windows.plane)
        results = []
        for top, bottom, height in windows.rows.T.tolist():
            for left, end, width in windows.columns.T.tolist():
                window = (..., slice(top, bottom, down), slice(left, end, right))
                results.append(reduce(planes[window].flatten(1), numbers[window].flatten(), height * width))
        return torch.stack(results, 1).reshape(*leading(x, windows), *windows.counts[-windows.axes :])

    return call


mean_pool = pooled(lambda x, numbers, size: x.sum(1) / size)


def spread(g, windows):
    return adjoint(lambda z: mean_pool(z, windows), g, (*leading(g, windows), *windows.plane[-windows.axes :]))


def take_places(x, places, windows):
    """The element whose number in its window, in rows as wide as the widest window, is given."""
    width = windows.size[1]
    rows = windows.rows[0][:, None] + places.numpy() // width * windows.dilation[0]
    columns = windows.columns[0] + places.numpy() % width * windows.dilation[1]
    planes = x.reshape(-1, *windows.plane)
    taken = planes[np.arange(len(planes))[:, None, None], rows, columns]
    return taken.reshape(*leading(x, windows), *windows.counts[-windows.axes :])


def put_places(g, places, windows):
    shape = (*leading(g, windows), *windows.plane[-windows.axes :])
    return adjoint(lambda z: take_places(z, places, windows), g, shape)


def standardize(x, weight=None, bias=None, statistics=None, eps=1e-5):
    known = (None, None) if statistics is None else statistics
    return F.batch_norm(x, *known, weight, bias, training=statistics is None, eps=eps)


def conv2d_input(g, weight, size, *rest):
    """What PyTorch's convolution passes back to images of ``size``."""
    x = torch.zeros(size, dtype=g.dtype, requires_grad=True)
    return torch.autograd.grad(F.conv2d(x, weight, None, *rest), x, g, create_graph=True)[0]


def conv2d_weight(g, x, size, *rest):
    """What PyTorch's convolution passes back to filters of ``size``."""
    weight = torch.zeros(size, dtype=g.dtype, requires_grad=True)
    return torch.autograd.grad(F.conv2d(x, weight, None, *rest), weight, g, create_graph=True)[0]


def categorical_cross_entropy(x, target, reduction="mean"):
    if target.shape != x.shape:
        return F.nll_loss(torch.log(x), target, reduction=reduction)
    costs = -(target * torch.log(x)).sum(1 if x.ndim > 1 else 0)
    return costs if reduction == "none" else getattr(torch, reduction)(costs)


OWN = {  # operations that PyTorch has under another name, or with its arguments in another order
    "accumulate": placed,
    "argmedian": lambda x, dim: torch.median(x, dim).indices,
    "assign": assign,
    "astype": lambda x, dtype: x.to(torch.float64),
    "avg_pool": mean_pool,
    "categorical_cross_entropy": categorical_cross_entropy,
    "cat": lambda *xs, dim=0: torch.cat(xs, dim),
    "constant_pad": lambda x, pad, value=0: F.pad(x, pad, value=value),
    "contract": lambda *xs, equation: torch.einsum(equation, *xs),
    "conv2d_input": conv2d_input,
    "conv2d_weight": conv2d_weight,
    "diagonal_to": lambda x, shape, *rest: torch.diagonal_scatter(torch.zeros(shape, dtype=x.dtype), x, *rest),
    "drop": lambda x, mask, scale: x * mask * scale,
    "flip": lambda x, dims: torch.flip(x, tuple(range(x.ndim)) if dims is None else np.atleast_1d(dims).tolist()),
    "hardsigmoid": lambda x: F.relu6(x + 3) / 6,  # its own backward has the 1/6 of float32, whatever the dtype
    "layer_norm": lambda x, shape, *rest, **params: F.layer_norm(x, tuple(np.atleast_1d(shape)), *rest, **params),
    "max_pool": pooled(lambda x, numbers, size: x.amax(1)),
    "max_pool_indices": pooled(lambda x, numbers, size: numbers[x.argmax(1)]),
    "permute": lambda x, dims: torch.permute(x, tuple(range(x.ndim))[::-1] if dims is None else dims),
    "pick": lambda x, index: x[index],
    "place": placed,
    "prod": prod,
    "put_places": put_places,
    "reshape": lambda x, shape: torch.reshape(x, shape if isinstance(shape, tuple) else (shape,)),
    "scan": scan,
    "slice": lambda x, index: x[index],
    "standardize": standardize,
    "softmax_cross_entropy": F.cross_entropy,
    "spread": spread,
    "stack": lambda *xs, dim=0: torch.stack(xs, dim),
    "sum_to": torch.Tensor.sum_to_size,
    "take_along_axis": torch.take_along_dim,
    "take_places": take_places,
    **{name: reduction(getattr(torch, name)) for name in REDUCTIONS},
}


def torch_function(name: str) -> Callable:
    """PyTorch's function of that name, or what stands for it."""
    owners = [owner for owner in (F, torch, torch.special, torch.Tensor) if callable(getattr(owner, name, None))]
    return OWN[name] if name in OWN else getattr(owners[0], name)


def to_torch(value: Any, leaves: list[torch.Tensor], requires_grad: bool) -> Any:
    """``value`` with tensors for its arrays; the floating ones join ``leaves``."""
    if isinstance(value, np.ndarray):
        tensor = torch.tensor(value.copy())
        if tensor.is_floating_point():
            leaves.append(tensor.requires_grad_(requires_grad))
        return tensor
    if isinstance(value, (list, tuple)):
        return type(value)([to_torch(v, leaves, requires_grad) for v in value])
    return value


def run(name: str, sample: Sample) -> list[np.ndarray] | None:
    """Outputs, and gradients for a cotangent of cos(0), cos(1), … of each; None where PyTorch refuses."""
    leaves: list[torch.Tensor] = []
    differentiable = name in COMPOSED or REGISTRY[name].differentiable
    args = [to_torch(a, leaves, differentiable) for a in sample.args]
    params = {NAMES.get(k, k): to_torch(v, [], False) for k, v in sample.params.items()}
    try:
        result = torch_function(name)(*args, **params)
    except (TypeError, RuntimeError, ValueError, IndexError):
        return None
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    parts = [out.detach().numpy() for out in outputs]
    roots = [out for out in outputs if out.requires_grad]
    if roots:
        cotangents = [torch.cos(torch.arange(o.numel(), dtype=o.dtype)).reshape(o.shape) for o in roots]
        try:
            grads = torch.autograd.grad(roots, leaves, cotangents, allow_unused=True)
        except RuntimeError:  # no derivative there
            return parts
        parts += [np.zeros(a.shape) if g is None else g.numpy() for a, g in zip(leaves, grads)]
    return parts


def main() -> None:
    """Write the file, and tell which samples PyTorch did not answer."""
    stored: dict[str, np.ndarray] = {}
    unanswered = []
    for record in (*REGISTRY.values(), *COMPOSED.values()):
        for i, sample in enumerate(record.samples(np.random.default_rng(7))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "degrees of freedom is <= 0": the NaN is the answer
                parts = run(record.name, sample)
            if parts is None:
                unanswered.append(f"{record.name}-{i}")
            for j, part in enumerate(parts or ()):
                stored[f"{record.name}-{i}-{j}"] = part
    np.savez_compressed(Path(__file__).with_name("ops.npz"), **stored)
    print(f"{len(stored)} arrays; not answered: {' '.join(unanswered)}; torch {torch.__version__}")


if __name__ == "__main__":
    main()
