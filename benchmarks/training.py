"""Whole training steps: zero_grad, forward, loss, backward, optimizer."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from nn.data import digits

from .harness import OURS, Case, Step

# Small steps: a loss that reaches 0 fills the averages with subnormal numbers, which are slow everywhere.
LR = 1e-5


def _namespaces(name: str) -> tuple[Any, Any]:
    """The tensor library and its ``nn``: the same program runs on PyTorch and here."""
    if name == OURS:
        return importlib.import_module(OURS), importlib.import_module("nn")
    return importlib.import_module(name), importlib.import_module(f"{name}.nn")


def _optimizer(name: str, which: str, parameters: Any) -> Any:
    optim = importlib.import_module("nn.optim" if name == OURS else f"{name}.optim")
    return getattr(optim, which)(parameters, lr=LR)


def _two_moons(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """100 points of two interleaved half circles, and their labels ±1 as (100, 1)."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, 100)
    side = np.arange(100) % 2
    x = np.where(side, 1 - np.cos(angle), np.cos(angle)) + rng.normal(0, 0.1, 100)
    y = np.where(side, 0.5 - np.sin(angle), np.sin(angle)) + rng.normal(0, 0.1, 100)
    return np.stack([x, y], axis=1).astype(np.float32), (2 * side - 1)[:, None].astype(np.float32)


def _pytorch_like(name: str, sizes: tuple[int, ...], loss: str, which: str, data: tuple[np.ndarray, ...]) -> Step:
    """A ReLU network of the given sizes and its training step, the same program for PyTorch and for us."""
    lib, nn = _namespaces(name)
    lib.manual_seed(0)
    layers = [part for n, m in pairwise(sizes) for part in (nn.Linear(n, m), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimizer = _optimizer(name, which, model.parameters())
    loss_of = getattr(nn, loss)()
    x, y = (lib.tensor(a) for a in data)

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


def _moons_pytorch_like(name: str) -> Step:
    return _pytorch_like(name, (2, 16, 16, 1), "MSELoss", "SGD", _two_moons())


def _weights(*sizes: int) -> list[np.ndarray]:
    """A weight ``(in, out)`` and a bias for each layer, for the libraries that have no layers."""
    rng = np.random.default_rng(0)
    weights = []
    for n, m in pairwise(sizes):
        weights += [(rng.normal(size=(n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32)]
    return weights


def _moons_loss(xp: Any, weights: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2, w3, b3 = weights
    h = xp.maximum(x @ w1 + b1, 0)
    h = xp.maximum(h @ w2 + b2, 0)
    return xp.mean((h @ w3 + b3 - y) ** 2)


def _moons_jax() -> Step:
    import jax
    import jax.numpy as jnp

    @jax.jit
    def update(weights: Any, x: Any, y: Any) -> Any:
        gradients = jax.grad(lambda w: _moons_loss(jnp, w, x, y))(weights)
        return [w - LR * g for w, g in zip(weights, gradients, strict=True)]

    state = [jnp.asarray(w) for w in _weights(2, 16, 16, 1)]
    x, y = (jnp.asarray(a) for a in _two_moons())

    def step() -> None:
        state[:] = update(state, x, y)
        state[0].block_until_ready()

    return step


def _moons_autograd() -> Step:
    import autograd.numpy as anp
    from autograd import grad

    x, y = _two_moons()
    weights = _weights(2, 16, 16, 1)
    gradient = grad(lambda w: _moons_loss(anp, w, x, y))

    def step() -> None:
        for w, g in zip(weights, gradient(weights), strict=True):
            w -= LR * g

    return step


def _moons_mygrad() -> Step:
    mg = importlib.import_module("mygrad")
    x, y = _two_moons()
    weights = [mg.tensor(w) for w in _weights(2, 16, 16, 1)]

    def step() -> None:
        _moons_loss(mg, weights, x, y).backward()
        for w in weights:
            w.data -= LR * w.grad

    return step


def _images() -> tuple[np.ndarray, np.ndarray]:
    """64 random images of 784 pixels, and their classes."""
    rng = np.random.default_rng(0)
    return rng.random((64, 784), dtype=np.float32), rng.integers(0, 10, 64)


def _digits_pytorch_like(name: str, which: str) -> Step:
    return _pytorch_like(name, (784, 128, 64, 10), "CrossEntropyLoss", which, _images())


def _digits_jax(which: str) -> Step:
    import jax
    import jax.numpy as jnp

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = weights
        h = jnp.maximum(x @ w1 + b1, 0)
        h = jnp.maximum(h @ w2 + b2, 0)
        return -jnp.take_along_axis(jax.nn.log_softmax(h @ w3 + b3), y[:, None], 1).mean()

    def sgd(w: Any, g: Any, v: Any, s: Any, t: Any) -> Any:
        return w - LR * g, v, s

    def adam(w: Any, g: Any, v: Any, s: Any, t: Any) -> Any:
        v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g**2
        return w - LR * (v / (1 - 0.9**t)) / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-8), v, s

    rule = {"SGD": sgd, "Adam": adam}[which]

    @jax.jit
    def update(state: Any, t: Any, x: Any, y: Any) -> Any:
        weights, v, s = state
        gradients = jax.grad(loss_of)(weights, x, y)
        new = [rule(*each, t) for each in zip(weights, gradients, v, s, strict=True)]
        return [list(part) for part in zip(*new, strict=True)], t + 1

    weights = [jnp.asarray(w) for w in _weights(784, 128, 64, 10)]
    state, t = [weights, *([jnp.zeros_like(w) for w in weights] for _ in range(2))], jnp.float32(1)
    x, y = (jnp.asarray(a) for a in _images())

    def step() -> None:
        nonlocal state, t
        state, t = update(state, t, x, y)
        state[0][0].block_until_ready()

    return step


# -- convolutional networks -------------------------------------------------------------------------------------------


def _lenet(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def _vgg(nn: Any) -> Any:
    layers, channels = [], 3
    for filters in (32, 32, 64, 64):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
        if channels == filters:
            layers.append(nn.MaxPool2d(2))
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 8 * 8, 10))


NETS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "LeNet-5": (_lenet, (64, 1, 28, 28)), "VGG 3-32-32-pool-64-64-pool": (_vgg, (32, 3, 32, 32)),
}  # fmt: skip


def _net(name: str, net: str, which: str, batch: int | None = None) -> Step:
    """The training step of a convolutional network, with the batch of the table unless another is given."""
    lib, nn = _namespaces(name)
    lib.manual_seed(0)
    make, shape = NETS[net]
    shape = (batch or shape[0], *shape[1:])
    model, rng = make(nn), np.random.default_rng(0)
    optimizer, loss_of = _optimizer(name, which, model.parameters()), nn.CrossEntropyLoss()
    x, y = lib.tensor(rng.random(shape, dtype=np.float32)), lib.tensor(rng.integers(0, 10, shape[0]))

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


def _net_cases() -> list[Case]:
    goals = [("LeNet-5", "SGD", None), ("LeNet-5", "Adam", 0.5), ("VGG 3-32-32-pool-64-64-pool", "Adam", 0.9)]
    return [
        Case(f"{net}, batch {NETS[net][1][0]}, {which} step", "ms",
             {n: partial(_net, n, net, which) for n in (OURS, "torch")}, goal=goal, seconds=3.0)
        for net, which, goal in goals
    ]  # fmt: skip


# -- the loader -------------------------------------------------------------------------------------------------------


def _loader_ratio(name: str, rounds: int = 9) -> float:
    """An epoch over the digits, 64-128-64-10 by Adam, with a shuffling DataLoader: its time over that of ready batches.

    Epochs of both kinds in turn; the median of the rounds' ratios.
    """
    lib, nn = _namespaces(name)
    data = importlib.import_module("nn.data" if name == OURS else f"{name}.utils.data")
    lib.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer, loss_of = _optimizer(name, "Adam", model.parameters()), nn.CrossEntropyLoss()
    images, labels = (lib.tensor(t.numpy()) for t in digits()[0].tensors)
    loader = data.DataLoader(data.TensorDataset(images, labels), 32, shuffle=True)
    ready = [(images[i : i + 32], labels[i : i + 32]) for i in range(0, len(images), 32)]

    def epoch(batches: Iterable[Any]) -> float:
        began = time.perf_counter()
        for x, y in batches:
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
        return time.perf_counter() - began

    epoch(loader)
    epoch(ready)
    return statistics.median([epoch(loader) / epoch(ready) for _ in range(rounds)])


def _loader_case() -> Case:
    return Case(
        "digits epoch, batch 32: time with a DataLoader over time with ready batches", "×", {},
        values={n: partial(_loader_ratio, n) for n in (OURS, "torch")},
    )  # fmt: skip


def cases() -> list[Case]:
    """The cases of this subject."""
    both = (OURS, "torch")
    moons: dict[str, Callable[[], Step]] = {n: partial(_moons_pytorch_like, n) for n in both}
    moons |= {"jax": _moons_jax, "autograd": _moons_autograd, "mygrad": _moons_mygrad}
    rows = [Case("two-moons MLP 2-16-16-1, batch 100, SGD step", "µs", moons, goal=0.9)]
    for which in ("SGD", "Adam"):
        makers: dict[str, Callable[[], Step]] = {n: partial(_digits_pytorch_like, n, which) for n in both}
        makers["jax"] = partial(_digits_jax, which)
        rows.append(Case(f"MLP 784-128-64-10, batch 64, {which} step", "µs", makers, goal=1.0))
    return [*rows, *_net_cases(), _loader_case()]
