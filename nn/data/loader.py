"""Datasets, and the loader that makes batches of them.

For what PyTorch programs import from torch.utils.data: ``from nn.data import DataLoader, Dataset, TensorDataset``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite import Generator, Tensor

__all__ = ["DataLoader", "Dataset", "Subset", "TensorDataset", "random_split"]


class Dataset:
    """Examples by position.  A subclass defines ``__getitem__`` and ``__len__``."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__()")


class TensorDataset(Dataset):
    """Tensors ``(N, …)`` side by side: example i is the tuple of their i-th rows.

    Raises ValueError for no tensors, for different N and for a tensor without axes.
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple([t if isinstance(t, Tensor) else Tensor(t) for t in tensors])
        if not tensors:
            raise ValueError("a TensorDataset needs at least one tensor")
        shapes = [t.shape for t in self.tensors]
        if any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise ValueError(f"the tensors of a dataset must have the same first length, got shapes {shapes}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        if isinstance(index, np.ndarray) and index.dtype.kind == "i":  # of a loader: no gradient, no operation
            return tuple([
                t[index] if t.requires_grad else Tensor._wrap(t._array.take(index, axis=0)) for t in self.tensors
            ])  # fmt: skip
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """The examples of a dataset at the given positions.  Raises IndexError for one out of range."""

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        self.dataset, self.indices = dataset, np.array(indices, dtype=np.int64).reshape(-1)
        wrong = self.indices[(self.indices < 0) | (self.indices >= len(dataset))]
        if len(wrong):
            raise IndexError(f"position {wrong[0]} is out of range for a dataset of {len(dataset)} examples")

    def __getitem__(self, index: Any) -> Any:
        chosen = self.indices[index]
        return self.dataset[int(chosen) if chosen.ndim == 0 else chosen]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int], generator: Generator | None = None) -> list[Subset]:
    """Split a dataset at random into parts of the given lengths.  Raises ValueError if they do not add up."""
    if sum(lengths) != len(dataset) or any(n < 0 for n in lengths):
        raise ValueError(f"lengths {list(lengths)} do not add up to the dataset's {len(dataset)} examples")
    order = al.randperm(len(dataset), generator=generator).numpy()
    ends = np.cumsum(lengths)
    return [Subset(dataset, order[end - n : end]) for n, end in zip(lengths, ends, strict=True)]


class DataLoader:
    """Batches of a dataset, in order or shuffled anew at each pass: ``for x, y in DataLoader(data, 32, shuffle=True)``.

    ``generator`` (default: the global one, see `manual_seed`) decides the order; ``drop_last`` leaves out an incomplete
    last batch; ``collate_fn(examples)`` makes a batch (default `collate`).  Batches are made in the calling thread:
    ``num_workers`` is accepted for programs written for PyTorch and changes nothing.
    Raises ValueError for a batch size below 1.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        generator: Generator | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
    ) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
            raise TypeError(f"batch_size must be an integer, got {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.dataset, self.batch_size, self.shuffle, self.drop_last = dataset, int(batch_size), shuffle, drop_last
        self.generator, self.collate_fn = generator, collate_fn

    def __len__(self) -> int:
        """The number of batches."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = al.randperm(n, generator=self.generator).numpy() if self.shuffle else np.arange(n)
        for i in range(len(self)):
            yield self._batch(order[i * self.batch_size : (i + 1) * self.batch_size])

    def _batch(self, positions: np.ndarray) -> Any:
        whole = self.dataset.dataset if isinstance(self.dataset, Subset) else self.dataset
        if self.collate_fn is None and isinstance(whole, TensorDataset):
            return self.dataset[positions]  # all rows at once
        examples = [self.dataset[i] for i in positions.tolist()]
        return (self.collate_fn or collate)(examples)


def collate(examples: list[Any]) -> Any:
    """A batch of examples: numbers and arrays become a Tensor with a first axis more, tuples and dicts go part by part.

    Raises TypeError for other examples.
    """
    first = examples[0]
    if isinstance(first, Tensor):
        return al.stack(examples)
    if isinstance(first, np.ndarray | np.generic):
        return Tensor(np.stack(examples))
    if isinstance(first, bool | int | float):
        return Tensor(examples)
    if isinstance(first, Mapping):
        return {key: collate([example[key] for example in examples]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):  # a named tuple
        return type(first)(*[collate(list(part)) for part in zip(*examples, strict=True)])
    if isinstance(first, tuple | list):
        return tuple([collate(list(part)) for part in zip(*examples, strict=True)])
    if isinstance(first, str):
        return examples
    raise TypeError(f"cannot make a batch of {type(first).__name__} examples; pass collate_fn")
