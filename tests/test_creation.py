"""Making tensors and drawing random ones: values, dtypes, reproducibility, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import autograd_lite as al

# -- creation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected", "dtype"),
    [
        (lambda: al.zeros(2, 3), np.zeros((2, 3)), np.float32),
        (lambda: al.zeros((2, 3)), np.zeros((2, 3)), np.float32),
        (lambda: al.zeros([2]), np.zeros(2), np.float32),
        (al.zeros, np.zeros(()), np.float32),
        (lambda: al.zeros(()), np.zeros(()), np.float32),
        (lambda: al.ones(2, dtype=al.int64), np.ones(2), np.int64),
        (lambda: al.full((2,), 1.5), np.full(2, 1.5), np.float32),
        (lambda: al.full((2,), 7), np.full(2, 7), np.int64),
        (lambda: al.full((2,), True), np.full(2, True), np.bool_),
        (lambda: al.full((), 7, dtype=al.float64), np.array(7.0), np.float64),
        (lambda: al.full((1,), al.tensor(2.0)), np.array([2.0]), np.float32),
        (lambda: al.eye(2), np.eye(2), np.float32),
        (lambda: al.eye(2, 3, dtype=bool), np.eye(2, 3), np.bool_),
        (lambda: al.arange(3), np.arange(3), np.int64),
        (lambda: al.arange(1, 8, 3), np.arange(1, 8, 3), np.int64),
        (lambda: al.arange(5, 0, -2), np.arange(5, 0, -2), np.int64),
        (lambda: al.arange(2, 2), np.zeros(0), np.int64),
        (lambda: al.arange(0, 1, 0.25), np.arange(0, 1, 0.25), np.float32),
        (lambda: al.arange(3.0), np.arange(3.0), np.float32),
        (lambda: al.arange(3, dtype=al.float64), np.arange(3.0), np.float64),
        (lambda: al.arange(al.tensor(3)), np.arange(3), np.int64),
        (lambda: al.linspace(0, 1, 5), np.linspace(0, 1, 5), np.float32),
        (lambda: al.linspace(-1, 1, steps=1), np.array([-1.0]), np.float32),
        (lambda: al.zeros_like(al.ones(2, 3, dtype=al.int32)), np.zeros((2, 3)), np.int32),
        (lambda: al.ones_like(np.zeros(2)), np.ones(2), np.float64),
        (lambda: al.ones_like(al.zeros(2), dtype=al.int8), np.ones(2), np.int8),
        (lambda: al.full_like(al.zeros(2), 3), np.full(2, 3.0), np.float32),
    ],
)
def test_values_and_dtypes(made: Any, expected: np.ndarray, dtype: Any) -> None:
    x = made()
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)
    assert x.shape == expected.shape
    assert x.dtype == dtype
    assert not x.requires_grad


def test_the_default_dtype_is_followed() -> None:
    try:
        al.set_default_dtype(al.float64)
        for x in (al.zeros(1), al.rand(1), al.randn(1), al.linspace(0, 1, 2), al.full((1,), 0.5), al.eye(1)):
            assert x.dtype == np.float64
    finally:
        al.set_default_dtype(al.float32)


def test_keywords() -> None:
    for make in (al.zeros, al.ones, al.empty, al.rand, al.randn):
        x = make(2, dtype=al.float64, requires_grad=True, device="cpu")
        assert (x.shape, x.dtype, x.requires_grad, x.is_leaf) == ((2,), np.float64, True, True)
    x = al.tensor([1, 2], dtype=al.float32, requires_grad=True, device="cpu")
    assert x.requires_grad
    assert x.dtype == np.float32


def test_names_of_the_dtypes() -> None:
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"):
        assert getattr(al, name) == np.dtype(name)
    assert (al.float, al.double, al.half, al.long, al.int) == (al.float32, al.float64, al.float16, al.int64, al.int32)


def test_memory_is_copied_or_shared_as_documented() -> None:
    array, x = np.ones(2), al.tensor([1.0, 2.0])
    assert not np.shares_memory(al.from_numpy(array).numpy(), array)
    assert not np.shares_memory(al.as_tensor(array).numpy(), array)
    assert al.as_tensor(x) is x
    assert al.as_tensor(x, dtype=al.float64).dtype == np.float64
    assert not np.shares_memory(al.tensor(x).numpy(), x.numpy())
    assert al.as_tensor([1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: al.zeros(-1), ValueError, "-1"),
        (lambda: al.zeros(2, 1.5), TypeError, "1.5"),
        (lambda: al.zeros("a"), TypeError, "a"),
        (lambda: al.ones(2, dtype=al.int64, requires_grad=True), TypeError, "int64"),
        (lambda: al.ones(2, dtype=complex), TypeError, "complex"),
        (lambda: al.ones(2, device="cuda"), ValueError, "cuda"),
        (lambda: al.tensor(1.0, device="mps"), ValueError, "mps"),
        (lambda: al.full((2,), [1.0, 2.0]), ValueError, r"\(2,\)"),
        (lambda: al.arange(0, 5, 0), ValueError, "0"),
        (lambda: al.arange(0, 5, -1), ValueError, "-1"),
        (lambda: al.arange(float("inf")), ValueError, "inf"),
        (lambda: al.linspace(0, 1, -2), ValueError, "-2"),
        (lambda: al.eye(-1), ValueError, "-1"),
        (lambda: al.from_numpy([1.0]), TypeError, "list"),
        (lambda: al.from_numpy(np.array(["a"])), TypeError, "<U1"),
        (lambda: al.zeros_like([1.0]), TypeError, "list"),
    ],
)
def test_creation_refuses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# -- generators -------------------------------------------------------------------------------------------------------

DRAWS = {
    "rand": lambda g: al.rand(5, generator=g),
    "randn": lambda g: al.randn(5, generator=g),
    "randint": lambda g: al.randint(0, 1000, (5,), generator=g),
    "randperm": lambda g: al.randperm(50, generator=g),
    "normal": lambda g: al.normal(0.0, 1.0, (5,), generator=g),
    "bernoulli": lambda g: al.bernoulli(al.full((50,), 0.5), generator=g),
    "multinomial": lambda g: al.multinomial(al.ones(50), 10, generator=g),
    "multinomial with replacement": lambda g: al.multinomial(al.ones(50), 10, True, generator=g),
    "rand_like": lambda g: al.rand_like(al.zeros(5), generator=g),
    "randn_like": lambda g: al.randn_like(al.zeros(5), generator=g),
    "randint_like": lambda g: al.randint_like(al.zeros(5), 1000, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_follows_its_generator(name: str) -> None:
    draw = DRAWS[name]
    generator = al.Generator().manual_seed(3)
    first, second = draw(generator).tolist(), draw(generator).tolist()
    assert first != second
    assert draw(al.Generator(3)).tolist() == first
    al.manual_seed(3)
    assert draw(None).tolist() == first
    assert draw(None).tolist() == second
    with pytest.raises(TypeError, match="int"):
        draw(3)


def test_a_state_goes_through_json_and_continues_exactly() -> None:
    generator = al.Generator(7)
    al.randint(0, 5, (3,), generator=generator, dtype=al.int32)
    al.randn(3, generator=generator)
    state = json.loads(json.dumps(generator.get_state()))
    expected = al.randn(10, generator=generator).tolist()
    other = al.Generator(1).set_state(state)
    assert al.randn(10, generator=other).tolist() == expected
    assert other.initial_seed() == 7


def test_seeds() -> None:
    assert al.manual_seed(5) is al.default_generator
    assert al.initial_seed() == 5
    assert al.seed() == al.initial_seed() != 5
    with pytest.raises(ValueError, match="-1"):
        al.manual_seed(-1)
    with pytest.raises(TypeError):
        al.manual_seed(1.5)
    generator = al.Generator(2)
    for wrong in ({}, {"seed": 1}, "state", {**generator.get_state(), "bit_generator": "MT19937"}):
        with pytest.raises(ValueError, match="no state"):
            generator.set_state(wrong)
    assert al.rand(1, generator=generator).tolist() == al.rand(1, generator=al.Generator(2)).tolist()


# -- distributions: within six standard errors ------------------------------------------------------------------------

N = 20_000


@pytest.mark.parametrize("dtype", [al.float16, al.float32, al.float64])
def test_uniform_and_normal_moments(dtype: Any) -> None:
    generator = al.Generator(0)
    u = al.rand(N, generator=generator, dtype=dtype).numpy().astype(float)
    z = al.randn(N, generator=generator, dtype=dtype).numpy().astype(float)
    assert 0 <= u.min() <= u.max() < 1
    assert abs(u.mean() - 0.5) < 6 * (1 / 12 / N) ** 0.5
    assert abs(z.mean()) < 6 / N**0.5
    assert abs(z.var() - 1) < 6 * (2 / N) ** 0.5


def test_normal_of_tensors() -> None:
    mean, std = al.tensor([0.0, 100.0]), al.tensor([[0.0], [1.0]])
    x = al.normal(mean, std, generator=al.Generator(0))
    assert x.shape == (2, 2)
    assert x[0].tolist() == [0.0, 100.0]
    assert abs(x[1, 1].item() - 100) < 6
    assert al.normal(2.0, 0.0, (3,)).tolist() == [2.0, 2.0, 2.0]
    assert al.normal(mean, 1.0, size=(3, 2)).shape == (3, 2)
    assert al.normal(al.zeros(2, dtype=al.float64)).dtype == np.float64


def test_randint_covers_its_range() -> None:
    x = al.randint(-2, 3, (1000,), generator=al.Generator(0))
    assert sorted(set(x.tolist())) == [-2, -1, 0, 1, 2]
    assert x.dtype == np.int64
    assert set(al.randint(2, (100,), dtype=al.float32).tolist()) == {0.0, 1.0}
    assert al.randint(high=2, low=0, size=(4,)).shape == (4,)
    assert sorted(al.randperm(7).tolist()) == list(range(7))


def test_bernoulli() -> None:
    p = al.tensor([0.0, 0.3, 1.0])
    x = al.stack([al.bernoulli(p, generator=g) for g in [al.Generator(0)] for _ in range(2000)]).numpy()
    assert x[:, 0].max() == 0
    assert x[:, 2].min() == 1
    assert abs(x[:, 1].mean() - 0.3) < 6 * (0.21 / 2000) ** 0.5
    recorded = al.bernoulli(al.full((2,), 0.5, requires_grad=True))
    assert not recorded.requires_grad


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_frequencies(replacement: bool) -> None:
    weights = al.tensor([[1.0, 0.0, 3.0, 4.0]] * N)
    first = al.multinomial(weights, 2, replacement, generator=al.Generator(0)).numpy()
    assert first.shape == (N, 2)
    for k, p in enumerate((1 / 8, 0, 3 / 8, 4 / 8)):
        assert abs((first[:, 0] == k).mean() - p) <= 6 * (p * (1 - p) / N) ** 0.5
    if replacement:
        assert abs((first[:, 1] == 3).mean() - 0.5) < 6 * (0.25 / N) ** 0.5
    else:
        assert (first[:, 0] != first[:, 1]).all()
        # After a 4, a 3 remains with 3 in 4.
        after = first[first[:, 0] == 3, 1]
        assert abs((after == 2).mean() - 0.75) < 6 * (0.1875 / len(after)) ** 0.5


def test_a_weight_of_0_is_not_drawn_even_by_the_number_0() -> None:
    class Zeros:
        def random(self, size: tuple[int, ...]) -> np.ndarray:
            return np.zeros(size)

    generator = al.Generator(0)
    generator._rng = Zeros()  # type: ignore[assignment]
    assert al.multinomial(al.tensor([0.0, 0.0, 1.0, 0.0]), 2, replacement=True, generator=generator).tolist() == [2, 2]


def test_multinomial_shapes() -> None:
    assert al.multinomial(al.tensor([0.0, 2.0]), 1).tolist() == [1]
    assert sorted(al.multinomial(al.ones(4), 4).tolist()) == [0, 1, 2, 3]
    probs = al.softmax(al.zeros(1, 27, requires_grad=True), 1)
    assert al.multinomial(probs, num_samples=1, replacement=True).shape == (1, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: al.rand(-2), ValueError, "-2"),
        (lambda: al.rand(2, dtype=al.int64), TypeError, "int64"),
        (lambda: al.randn(2, dtype=al.int64), TypeError, "int64"),
        (lambda: al.randint(3, 3, (2,)), ValueError, "3 and 3"),
        (lambda: al.randint(0, 300, (2,), dtype=al.uint8), ValueError, "uint8.*299"),
        (lambda: al.randint(5), TypeError, "size"),
        (lambda: al.randperm(-1), ValueError, "-1"),
        (lambda: al.normal(0.0, -1.0, (2,)), ValueError, "-1"),
        (lambda: al.normal(0.0, al.tensor([1.0, -2.0])), ValueError, "-2"),
        (lambda: al.normal(0.0, float("nan"), (2,)), ValueError, "nan"),
        (lambda: al.normal(al.zeros(2, requires_grad=True), 1.0), TypeError, "gradient"),
        (lambda: al.bernoulli(al.tensor([0.5, 1.5])), ValueError, "1.5"),
        (lambda: al.bernoulli(al.tensor([float("nan")])), ValueError, "nan"),
        (lambda: al.bernoulli(al.tensor([1])), TypeError, "int64"),
        (lambda: al.multinomial(al.tensor([1.0, -1.0]), 1), ValueError, "-1"),
        (lambda: al.multinomial(al.tensor([0.0, 0.0]), 1), ValueError, r"sum to 0.*\(2,\)"),
        (lambda: al.multinomial(al.tensor([[1.0], [0.0]]), 1), ValueError, r"sum to 0"),
        (lambda: al.multinomial(al.tensor([1.0, 0.0]), 2), ValueError, "2 samples.*1 weights"),
        (lambda: al.multinomial(al.ones(3), 0), ValueError, "0"),
        (lambda: al.multinomial(al.ones(3, 3, 3), 1), ValueError, r"\(3, 3, 3\)"),
    ],
)
def test_random_refuses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
