"""The optimizers' kernels against a plain reference: every option, both precisions, any number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_lite.kernels import rules, threads, update

FLOATS = {np.float32: 1e-5, np.float64: 1e-12}  # and the largest error, relative to the largest value


def sgd(w, g, v, lr, momentum, gain, decay, maximize, nesterov):
    step = (-g if maximize else g) + decay * w
    if v is None:
        return w - lr * step, None
    v = momentum * v + gain * step
    return w - lr * (step + momentum * v if nesterov else v), v


def rmsprop(w, g, s, mean, v, lr, alpha, rest, eps, momentum, decay, maximize, inside):
    d = (-g if maximize else g) + decay * w
    s = alpha * s + rest * d**2
    spread = s
    if mean is not None:
        mean = alpha * mean + rest * d
        spread = np.abs(s - mean**2)
    step = d / (np.sqrt(spread + eps) if inside else np.sqrt(spread) + eps)
    if v is None:
        return w - lr * step, s, mean, None
    v = momentum * v + step
    return w - lr * v, s, mean, v


def adam(w, g, v, s, m, rate, beta1, rest1, beta2, rest2, eps, keep, decay, maximize, inside):
    d = (-g if maximize else g) + decay * w
    v, s = beta1 * v + rest1 * d, beta2 * s + rest2 * d**2
    m = None if m is None else np.fmax(m, s)
    largest = s if m is None else m
    return keep * w - rate * v / (np.sqrt(largest + eps) if inside else np.sqrt(largest) + eps), v, s, m


def adadelta(w, g, s, u, lr, rho, rest, eps, decay, maximize):
    d = (-g if maximize else g) + decay * w
    s = rho * s + rest * d**2
    d = d * np.sqrt(u + eps) / np.sqrt(s + eps)
    return w - lr * d, s, rho * u + rest * d**2


# The reference, how many arrays of state, how many of these may be missing, the numbers but for the weight decay, and
# how many flags.
CASES: dict[str, tuple[Any, int, int, tuple[float, ...], int]] = {
    "sgd": (sgd, 1, 1, (0.1, 0.9, 0.7), 2),
    "rmsprop": (rmsprop, 3, 2, (0.1, 0.9, 0.1, 1e-2, 0.8), 2),
    "adam": (adam, 3, 1, (0.1, 0.9, 0.1, 0.99, 0.01, 1e-2, 0.75), 2),
    "adadelta": (adadelta, 2, 0, (0.1, 0.9, 0.1, 1e-2), 1),
}


def arrays(seed: int, size: int, count: int, missing: int, dtype: Any) -> list[Any]:
    """Weights, gradients, and a state of ``count`` arrays above 0; of the last ones those in ``missing`` are None.

    The first is well above the square of the second, from which a centred RMSprop takes it: no digits cancel.
    """
    rng = np.random.default_rng(seed)
    scales = (1, 0.2, 0.2)[:count]
    state: list[Any] = [((np.abs(rng.normal(size=size)) + 1) * scale).astype(dtype) for scale in scales]
    for bit in range(missing.bit_length()):
        if missing >> bit & 1:
            state[-1 - bit] = None
    return [rng.normal(size=size).astype(dtype), rng.normal(size=size).astype(dtype), *state]


def run(name: str, given: list[Any], numbers: Sequence[float], flags: Sequence[bool], grain: int = 1) -> None:
    """The kernel, on a parameter that is cut in two: as if they were two."""
    dtype, cut = given[0].dtype, len(given[0]) // 3
    parts = [[a if a is None else a[some] for a in given] for some in (slice(cut), slice(cut, None))]
    table = [[start, len(part[0]), *map(id, part)] for start, part in zip((0, cut), parts, strict=True)]
    present = tuple([None if a is None else True for a in given[2:]])
    threads.run(
        getattr(update, name), len(given[0]), np.array(table), np.array([numbers] * 2, dtype), present, *flags,
        grain=grain,
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    name=st.sampled_from(sorted(CASES)), seed=st.integers(0, 99), size=st.integers(0, 400),
    dtype=st.sampled_from([*FLOATS]), missing=st.integers(0, 3), decay=st.sampled_from([0.0, 0.3]),
    flags=st.tuples(st.booleans(), st.booleans()), compiled=st.booleans(),
)  # fmt: skip
def test_rules_and_kernels(
    name: str, seed: int, size: int, dtype: Any, missing: int, decay: float, flags: tuple[bool, ...], compiled: bool
) -> None:
    reference, count, optional, numbers, count_flags = CASES[name]
    flags = flags[:count_flags]
    given = arrays(seed, size, count, missing & ((1 << optional) - 1), dtype)
    wide = [a if a is None else a.astype(np.float64) for a in given]
    expected = reference(*wide, *numbers, decay, *flags)
    gradient = given[1].copy()
    if compiled:
        run(name, given, (*numbers, decay), flags, 50)
    else:
        getattr(rules, name)(..., *given, *numbers, decay, *flags)
    assert (given[1] == gradient).all()
    for found, wanted in zip([given[0], *given[2:]], expected, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None and size:
            assert found.dtype == dtype
            assert np.abs(found - wanted).max() <= FLOATS[dtype] * np.abs(wanted).max()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.usefixtures("threads_restored")
def test_the_number_of_threads_changes_nothing(name: str, dtype: Any) -> None:
    """Bit for bit, though another number of threads cuts the vectorised loops elsewhere."""
    _, count, _, numbers, flags = CASES[name]
    results = []
    for n in (1, 2, 3):
        threads.set_num_threads(n)
        given = arrays(0, 10_007, count, 0, dtype)
        run(name, given, (*numbers, 0.1), (False, True)[:flags], 100)
        results.append(given)
    for other in results[1:]:
        assert all((a == b).all() for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_a_number_shows(name: str) -> None:
    _, count, _, numbers, flags = CASES[name]
    given = arrays(0, 100, count, 0, np.float32)
    given[1][7] = np.nan
    run(name, given, (*numbers, 0), [False] * flags)
    assert np.isnan(given[0]).nonzero()[0].tolist() == [7]


def test_an_infinite_weight_stays_without_decay() -> None:
    """0 · ∞ must not enter."""
    for name, (_, count, _, numbers, flags) in CASES.items():
        given = arrays(0, 100, count, 0, np.float32)
        given[0][3] = -np.inf
        run(name, given, (*numbers, 0), [False] * flags)
        assert given[0][3] == -np.inf
