"""The engine's own cost: one operation, chains of scalar multiplies."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .harness import OURS, Case, Step


def _library(name: str) -> Any:
    return importlib.import_module(name)


# -- one operation on a 4×4 -------------------------------------------------------------------------------------------


def _one_op_pytorch_like(name: str) -> Step:
    lib = _library(name)
    array = np.ones((4, 4), np.float32)
    x = lib.tensor(array, requires_grad=True)
    y = lib.tensor(array, requires_grad=True)
    g = lib.tensor(array)

    def step() -> None:
        for _ in range(100):
            (x * y).backward(g)
            x.grad = y.grad = None

    return step


def _one_op_mygrad() -> Step:
    mg = _library("mygrad")
    x, y = mg.tensor(np.ones((4, 4), np.float32)), mg.tensor(np.ones((4, 4), np.float32))
    g = np.ones((4, 4), np.float32)

    def step() -> None:
        for _ in range(100):
            (x * y).backward(g)

    return step


def _one_op_autograd() -> Step:
    from autograd import make_vjp

    pull = make_vjp(lambda xy: xy[0] * xy[1])
    xy = (np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    g = np.ones((4, 4), np.float32)

    def step() -> None:
        for _ in range(100):
            pull(xy)[0](g)

    return step


def _one_op_jax() -> Step:
    jax = _library("jax")
    x = jax.numpy.ones((4, 4))

    def step() -> None:
        for _ in range(100):
            _, pull = jax.vjp(lambda x, y: x * y, x, x)
            gradients = pull(x)
        gradients[0].block_until_ready()

    return step


def _one_op_micrograd() -> Step:
    """It has numbers only: sixteen multiplies for the sixteen elements."""
    engine = _library("micrograd.engine")
    pairs = [(engine.Value(1.0), engine.Value(1.0)) for _ in range(16)]

    def step() -> None:
        for _ in range(100):
            for a, b in pairs:
                (a * b).backward()
                a.grad = b.grad = 0

    return step


# -- chains -----------------------------------------------------------------------------------------------------------


def _chain_pytorch_like(name: str, length: int, constant: bool) -> Step:
    """y ← y·c: c a Python number (``constant``), or a scalar tensor that requires a gradient itself."""
    lib = _library(name)
    x = lib.tensor(1.5, requires_grad=True)
    c = 1 + 0.1 / length if constant else lib.tensor(1.0001, requires_grad=True)

    def step() -> None:
        y = x
        for _ in range(length):
            y = y * c
        y.backward()
        x.grad = None

    return step


def _chain_jax(length: int) -> Step:
    jax = _library("jax")

    def chain(x: Any, c: Any) -> Any:
        for _ in range(length):
            x = x * c
        return x

    gradient = jax.grad(chain)
    return lambda: gradient(1.5, 1.0001).block_until_ready()


def _chain_autograd(length: int) -> Step:
    from autograd import grad

    def chain(x: Any) -> Any:
        for _ in range(length):
            x = x * 1.0001
        return x

    gradient = grad(chain)
    return lambda: gradient(1.5)


def _chain_mygrad(length: int) -> Step:
    mg = _library("mygrad")
    sys.setrecursionlimit(10_000)
    x = mg.tensor(1.5)

    def step() -> None:
        y = x
        for _ in range(length):
            y = y * 1.0001
        y.backward()

    return step


def _chain_micrograd(length: int) -> Step:
    engine = _library("micrograd.engine")
    sys.setrecursionlimit(10_000)

    def step() -> None:
        y = engine.Value(1.5)
        for _ in range(length):
            y = y * 1.0001
        y.backward()

    return step


def _chain_case(constant: bool) -> Case:
    makers: dict[str, Callable[[], Step]] = {
        n: partial(_chain_pytorch_like, n, 1000, constant) for n in (OURS, "torch")
    }
    if constant:
        makers |= {
            "jax": partial(_chain_jax, 1000),
            "autograd": partial(_chain_autograd, 1000),
            "mygrad": partial(_chain_mygrad, 1000),
            "micrograd": partial(_chain_micrograd, 1000),
        }
    what = "by a number" if constant else "by a scalar tensor, both require a gradient"
    return Case(f"chain of 1,000 scalar multiplies ({what}), per op", "µs", makers, per=1000, goal=0.6)


def cases() -> list[Case]:
    """The cases of this subject."""
    return [
        Case(
            "one multiply of 4×4, forward + backward", "µs",
            {
                OURS: partial(_one_op_pytorch_like, OURS),
                "torch": partial(_one_op_pytorch_like, "torch"),
                "mygrad": _one_op_mygrad,
                "autograd": _one_op_autograd,
                "jax": _one_op_jax,
                "micrograd": _one_op_micrograd,
            },
            per=100,
        ),
        _chain_case(constant=True),
        _chain_case(constant=False),
        Case(
            "chain of 1,000,000 multiplies, forward, backward, freed", "s",
            {n: partial(_chain_pytorch_like, n, 1_000_000, True) for n in (OURS, "torch")},
            seconds=1.0,
        ),
    ]  # fmt: skip
