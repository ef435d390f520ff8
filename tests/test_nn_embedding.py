"""The embedding: rows by number, padding, tables that are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al
import nn


def test_rows_by_number() -> None:
    layer = nn.Embedding(5, 3, generator=al.Generator(0))
    index = np.array([[0, 4], [2, 0]])
    result = layer(al.Tensor(index))
    np.testing.assert_array_equal(result.detach().numpy(), layer.weight.detach().numpy()[index])
    result.sum().backward()
    assert layer.weight.grad.numpy()[:, 0].tolist() == [2, 0, 1, 0, 1]
    assert layer(al.tensor(3)).shape == (3,)
    assert result.dtype == np.float32
    assert nn.Embedding(5, 3, dtype="float64").weight.dtype == np.float64


def test_starts_standard_normal_and_reproducibly() -> None:
    one, two, other = (nn.Embedding(300, 200, generator=al.Generator(seed)).weight.numpy() for seed in (0, 0, 1))
    assert (one == two).all()
    assert (one != other).any()
    assert abs(one.mean()) < 4 / 60_000**0.5
    assert abs(one.var() - 1) < 0.03


@pytest.mark.parametrize("padding", [1, -4])
def test_padding_stays_zero(padding: int) -> None:
    layer = nn.Embedding(5, 2, padding_idx=padding)
    assert layer.padding_idx == 1
    assert "padding_idx=1" in repr(layer)
    optimizer = nn.optim.SGD(layer.parameters(), lr=1.0)
    before = layer.weight.numpy().copy()
    layer(al.tensor([0, 1, 1])).sum().backward()
    optimizer.step()
    assert layer.weight[1].tolist() == [0.0, 0.0]
    assert (layer.weight[0].numpy() == before[0] - 1).all()
    layer.reset_parameters(al.Generator(3))
    assert layer.weight[1].tolist() == [0.0, 0.0]


def test_from_pretrained() -> None:
    table = al.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    al.manual_seed(5)
    state = al.random.default_generator.get_state()
    layer = nn.Embedding.from_pretrained(table, padding_idx=-1)
    assert al.random.default_generator.get_state() == state, "nothing is drawn"
    assert layer(al.tensor([2, 0])).tolist() == [[5.0, 6.0], [1.0, 2.0]]
    assert (layer.num_embeddings, layer.embedding_dim, layer.padding_idx) == (3, 2, 2)
    assert not layer.weight.requires_grad
    assert isinstance(layer.weight, nn.Parameter)
    layer.weight.data.zero_()
    assert table[0].tolist() == [1.0, 2.0], "the table was copied"
    assert nn.Embedding.from_pretrained([[1.0]], freeze=False).weight.requires_grad


def test_max_norm_shortens_the_rows_that_are_used() -> None:
    """(3, 4) has norm 5, by p = 1 norm 7, by p = ∞ norm 4; (0.3, 0.4) is short enough, row 2 is not used."""
    table = [[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]]
    for p, row in ((2.0, [0.6, 0.8]), (1.0, [3 / 7, 4 / 7]), (float("inf"), [0.75, 1.0])):
        layer = nn.Embedding.from_pretrained(table, freeze=False, max_norm=1.0, norm_type=p)
        result = layer(al.tensor([[0, 1], [0, 0]]))
        np.testing.assert_allclose(result.detach().numpy(), [[row, table[1]], [row, row]], rtol=1e-6)
        np.testing.assert_allclose(layer.weight.detach().numpy(), [row, *table[1:]], rtol=1e-6)
        result.sum().backward()
        assert layer.weight.grad.tolist() == [[3.0, 3.0], [1.0, 1.0], [0.0, 0.0]], "shortening has no gradient"
    assert repr(layer) == "Embedding(3, 2, max_norm=1.0, norm_type=inf)"


def test_max_norm_is_not_silent_about_a_graph_that_read_the_table() -> None:
    layer = nn.Embedding.from_pretrained([[3.0, 4.0]], freeze=False, max_norm=1.0)
    squares = (layer.weight**2).sum()
    layer(al.tensor([0]))
    with pytest.raises(RuntimeError, match="embedding"):
        squares.backward()
    squares = (layer.weight**2).sum()
    layer(al.tensor([0]))  # short already: nothing is written
    squares.backward()


def test_scale_grad_by_freq() -> None:
    """Row 1 twice with cotangents 1 and 3: their mean; row 0 once; padding not at all.  The values are the rows'."""
    layer = nn.Embedding.from_pretrained([[1.0], [np.inf], [5.0]], freeze=False, padding_idx=2, scale_grad_by_freq=True)
    result = layer(al.tensor([1, 0, 1, 2]))
    assert result.flatten().tolist() == [np.inf, 1.0, np.inf, 5.0]
    result.backward([[1.0], [2.0], [3.0], [4.0]])
    assert layer.weight.grad.flatten().tolist() == [2.0, 2.0, 0.0]
    assert result.dtype == layer.weight.grad.dtype == np.float32
    assert repr(layer) == "Embedding(3, 1, padding_idx=2, scale_grad_by_freq=True)"


def test_refused_input_shortens_nothing() -> None:
    layer = nn.Embedding.from_pretrained([[3.0, 4.0]], max_norm=1.0)
    with pytest.raises(IndexError, match="index 1"):
        layer(al.tensor([0, 1]))
    for options in ({"padding_idx": 1}, {"max_norm": -1.0}, {"norm_type": 0}, {"sparse": True}):
        with pytest.raises((ValueError, IndexError), match=next(iter(options))):
            al.embedding([0], layer.weight, **{"max_norm": 1.0, **options})
    assert layer.weight.tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(5, 3, max_norm=-1.0), ValueError, r"max_norm must be at least 0, got -1\.0"),
        (lambda: nn.Embedding(5, 3, max_norm=float("nan")), ValueError, "max_norm .*nan"),
        (lambda: nn.Embedding(5, 3, norm_type=0), ValueError, "norm_type must be above 0, got 0"),
        (lambda: nn.Embedding(5, 3, sparse=True), ValueError, "no sparse gradients"),
        (lambda: nn.Embedding.from_pretrained([[1.0]], sparse=True), ValueError, "no sparse gradients"),
        (lambda: nn.Embedding(0, 3), ValueError, "got 0 rows of 3"),
        (lambda: nn.Embedding(5, -1), ValueError, "got 5 rows of -1"),
        (lambda: nn.Embedding(5, 3, padding_idx=5), ValueError, "padding_idx 5 is out of range for 5 rows"),
        (lambda: nn.Embedding(5, 3, padding_idx=-6), ValueError, "padding_idx -6"),
        (lambda: nn.Embedding(5, 3)(al.tensor([5])), IndexError, r"index 5 .*\(5, 3\)"),
        (lambda: nn.Embedding(5, 3)(al.tensor([-1])), IndexError, "index -1"),
        (lambda: nn.Embedding(5, 3)(al.tensor([1.0])), IndexError, "float32"),
        (lambda: nn.Embedding.from_pretrained(al.ones(3)), ValueError, r"\(3,\)"),
        (lambda: nn.Embedding.from_pretrained(al.tensor([[1, 2]])), TypeError, "int64"),
    ],
)
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
