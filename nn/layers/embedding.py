"""The embedding: a table of vectors, one for each word, class or other thing that has a number."""

from __future__ import annotations

from typing import Any

from autograd_lite import Generator, Tensor, no_grad

from .. import functional as F
from .. import init
from ..module import Module, Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """The rows of a table that numbers name: ``int (…) -> (…, D)``, weight ``(V, D)``.

    Start values are standard normal, from ``generator`` or the global one.  Row ``padding_idx`` (counted from the end
    if negative) starts at 0 and gets no gradient, so that it stays 0.  Raises ValueError for sizes below 1 and a
    ``padding_idx`` that is no row; when called, IndexError for what is not a whole number from 0 to V − 1.

    >>> import autograd_lite as al
    >>> Embedding(10, 3)(al.tensor([[1, 2, 4], [4, 3, 9]])).shape
    (2, 3, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, dtype: Any = None,
        *, generator: Generator | None = None, _weight: Any = None,
    ) -> None:  # fmt: skip
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"an Embedding needs sizes of at least 1, got {num_embeddings} rows of {embedding_dim}")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is out of range for {num_embeddings} rows")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if _weight is None:
            self.weight = Parameter(init.empty((num_embeddings, embedding_dim), dtype))
            self.reset_parameters(generator)
        else:
            self.weight = Parameter(_weight)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """A layer with a copy of the table ``embeddings`` ``(V, D)``, which is not trained if ``freeze``.

        Raises ValueError for a table that has not two axes, TypeError for one that is not floating.

        >>> import autograd_lite as al
        >>> Embedding.from_pretrained(al.tensor([[1.0, 2.0], [3.0, 4.0]]))(al.tensor(1))
        tensor([3., 4.])
        """
        table = Tensor(embeddings)
        if table.ndim != 2:
            raise ValueError(f"a table of embeddings has the axes (V, D), got shape {table.shape}")
        if table.dtype.kind != "f":
            raise TypeError(f"a table of embeddings is floating, got {table.dtype}")
        rows, size = table.shape
        return cls(rows, size, padding_idx, _weight=table).requires_grad_(not freeze)

    @no_grad
    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw new start values."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight[self.padding_idx] = 0.0

    def forward(self, index: Any) -> Tensor:
        return F.embedding(index, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
