"""Datasets, the loader, and the digits that ship with the package."""

from __future__ import annotations

import hashlib
from collections import namedtuple

import numpy as np
import pytest

import autograd_lite as al
from nn.data import DataLoader, Dataset, Subset, TensorDataset, digits, random_split


def _rows(n: int = 10) -> TensorDataset:
    return TensorDataset(al.Tensor(np.arange(2.0 * n).reshape(n, 2)), al.Tensor(np.arange(n)))


def test_rows_at_positions() -> None:
    """As the loader asks for them: copies, whose gradient goes to the data if they require one."""
    data = TensorDataset(al.tensor([[1.0], [2.0], [3.0]], requires_grad=True), al.tensor([1, 2, 3]))
    x, y = data[np.array([2, 0, 2])]
    assert x.tolist() == [[3], [1], [3]]
    assert y.tolist() == [3, 1, 3]
    x.sum().backward()
    assert data.tensors[0].grad.tolist() == [[1], [0], [2]]
    assert not y.requires_grad
    y.zero_()
    assert data.tensors[1].tolist() == [1, 2, 3]
    assert data[np.array([True, False, True])][1].tolist() == [1, 3]
    with pytest.raises(IndexError, match="3"):
        TensorDataset(np.zeros(3))[np.array([3])]


class Squares(Dataset):
    """A dataset that makes its examples one by one."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.full(3, float(index)), index**2


# -- datasets ---------------------------------------------------------------------------------------------------------


def test_tensor_dataset() -> None:
    data = _rows()
    x, y = data[3]
    assert len(data) == 10
    assert x.tolist() == [6, 7]
    assert y.item() == 3
    x, y = data[2:4]
    assert x.shape == (2, 2)
    assert y.tolist() == [2, 3]


@pytest.mark.parametrize("tensors", [(), (np.zeros((3, 2)), np.zeros(2)), (np.zeros(()),)])
def test_tensor_dataset_refuses(tensors: tuple) -> None:
    with pytest.raises(ValueError, match=r"at least one|same first length"):
        TensorDataset(*tensors)


def test_error_names_the_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(3, 2\), \(2,\)"):
        TensorDataset(np.zeros((3, 2)), np.zeros(2))


def test_subset_and_random_split() -> None:
    data = _rows()
    assert [int(y.item()) for _, y in (Subset(data, [4, 1])[i] for i in range(2))] == [4, 1]
    parts = random_split(data, [7, 3], generator=al.Generator(1))
    found = [sorted(int(part[i][1].item()) for i in range(len(part))) for part in parts]
    assert [len(f) for f in found] == [7, 3]
    assert sorted(found[0] + found[1]) == list(range(10))
    again = random_split(data, [7, 3], generator=al.Generator(1))
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]
    with pytest.raises(ValueError, match=r"\[7, 2\].*10"):
        random_split(data, [7, 2])
    with pytest.raises(IndexError, match="position 10"):
        Subset(data, [0, 10])


# -- the loader -------------------------------------------------------------------------------------------------------


def _labels(loader: DataLoader) -> list[list[int]]:
    return [y.tolist() for _, y in loader]


def test_batches_in_order() -> None:
    loader = DataLoader(_rows(), batch_size=4)
    assert len(loader) == 3
    assert _labels(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    x, _ = next(iter(loader))
    assert x.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_drop_last() -> None:
    loader = DataLoader(_rows(), batch_size=4, drop_last=True)
    assert len(loader) == 2
    assert _labels(loader) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(DataLoader(_rows(8), batch_size=4, drop_last=True)) == 2


def test_shuffling_is_a_permutation_and_new_at_each_pass() -> None:
    loader = DataLoader(_rows(100), batch_size=7, shuffle=True, generator=al.Generator(0))
    first, second = ([label for batch in _labels(loader) for label in batch] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second != list(range(100))


def test_shuffling_keeps_rows_together() -> None:
    for x, y in DataLoader(_rows(), batch_size=3, shuffle=True):
        assert (x.numpy()[:, 0] == 2 * y.numpy()).all()


def test_the_generator_decides_the_order() -> None:
    def order(seed: int) -> list:
        return _labels(DataLoader(_rows(50), 8, shuffle=True, generator=al.Generator(seed)))

    assert order(3) == order(3)
    assert order(3) != order(4)


def test_without_a_generator_manual_seed_decides() -> None:
    loader = DataLoader(_rows(50), 8, shuffle=True)
    al.manual_seed(5)
    first = _labels(loader)
    al.manual_seed(5)
    assert _labels(loader) == first


def test_a_generator_goes_on_from_its_state() -> None:
    generator = al.Generator(2)
    loader = DataLoader(_rows(50), 8, shuffle=True, generator=generator)
    _labels(loader)
    state = generator.get_state()
    second = _labels(loader)
    generator.set_state(state)
    assert _labels(loader) == second


def test_batches_do_not_share_memory_with_the_data() -> None:
    data = _rows()
    x, _ = next(iter(DataLoader(data, 4)))
    x.zero_()
    assert data.tensors[0].numpy()[1].tolist() == [2, 3]


def test_batches_of_a_subset() -> None:
    loader = DataLoader(Subset(_rows(), [9, 0, 5]), batch_size=2)
    assert _labels(loader) == [[9, 0], [5]]


def test_examples_one_by_one_are_collated() -> None:
    x, y = next(iter(DataLoader(Squares(), batch_size=3)))
    assert x.shape == (3, 3)
    assert y.tolist() == [0, 1, 4]
    sums = list(DataLoader(Squares(), 2, collate_fn=lambda examples: sum(y for _, y in examples)))
    assert sums == [1, 13, 16]


def test_collate_of_dicts_named_tuples_and_lists() -> None:
    Point = namedtuple("Point", "x y")
    points = next(iter(DataLoader([Point(1.0, 2), Point(3.0, 4)], 2)))
    assert isinstance(points, Point)
    assert points.x.tolist() == [1, 3]
    batch = next(iter(DataLoader([{"a": al.tensor([1.0]), "b": "u"}, {"a": al.tensor([2.0]), "b": "v"}], 2)))
    assert batch["a"].shape == (2, 1)
    assert batch["b"] == ["u", "v"]
    with pytest.raises(TypeError, match=r"object.*collate_fn"):
        next(iter(DataLoader([object()], 1)))


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-2, ValueError), (1.5, TypeError), (True, TypeError)])
def test_bad_batch_sizes(size: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(size)):
        DataLoader(_rows(), batch_size=size)  # type: ignore[arg-type]


# -- digits -----------------------------------------------------------------------------------------------------------


def test_digits_are_the_published_ones() -> None:
    train, test = digits()
    (x, y), (u, v) = train.tensors, test.tensors
    assert (len(train), len(test)) == (1437, 360)
    assert x.shape == (1437, 64)
    assert u.shape == (360, 64)
    assert x.dtype == u.dtype == np.float32
    assert y.dtype == v.dtype == np.int64
    images = np.concatenate([x.numpy(), u.numpy()])
    labels = np.concatenate([y.numpy(), v.numpy()])
    assert images.min() == 0
    assert images.max() == 1
    # The class counts of UCI's optdigits.names, and the sum of all pixels of scikit-learn's copy.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (images * 16).sum(dtype=np.float64) == 561718
    assert len({image.tobytes() for image in images}) == 1797


def test_digits_do_not_change() -> None:
    train, test = digits()
    parts = [np.ascontiguousarray(t.numpy()).tobytes() for data in (train, test) for t in data.tensors]
    assert hashlib.sha256(b"".join(parts)).hexdigest()[:16] == "d52690acc2c2a6dd"


def test_digits_as_images() -> None:
    flat, images = digits()[1], digits(flat=False)[1]
    assert images.tensors[0].shape == (360, 1, 8, 8)
    assert (images.tensors[0].numpy().reshape(360, 64) == flat.tensors[0].numpy()).all()
