"""The embedding: a table of vectors, one for each word, class or other thing that has a number."""

from __future__ import annotations

from typing import Any

from autograd_lite import Generator, Tensor, no_grad
from autograd_lite.ops.embedding import check_options

from .. import functional as F
from .. import init
from ..module import Module, Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """The rows of a table that numbers name: ``int (…) -> (…, D)``, weight ``(V, D)``.

    Start values are standard normal, from ``generator`` or the global one.  Row ``padding_idx`` (counted from the end
    if negative) starts at 0 and gets no gradient, so that it stays 0.  With ``max_norm``, each run first makes the rows
    that it uses as short as that, in the weight itself, where their norm ``(Σ |w|^p)^(1/p)``, p = ``norm_type``, is
    larger.  With ``scale_grad_by_freq`` a row's gradient is divided by how often the run uses it.

    Raises ValueError for sizes below 1, a ``padding_idx`` that is no row, a max_norm below 0, a norm_type that is not
    above 0, and ``sparse=True``: gradients are dense here; when called, IndexError for what is not a whole number from
    0 to V − 1.

    >>> import autograd_lite as al
    >>> Embedding(10, 3)(al.tensor([[1, 2, 4], [4, 3, 9]])).shape
    (2, 3, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, *, dtype: Any = None,
        generator: Generator | None = None, _weight: Any = None,
    ) -> None:  # fmt: skip
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"an Embedding needs sizes of at least 1, got {num_embeddings} rows of {embedding_dim}")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is out of range for {num_embeddings} rows")
        check_options(max_norm, norm_type, sparse)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if _weight is None:
            self.weight = Parameter(init.empty((num_embeddings, embedding_dim), dtype))
            self.reset_parameters(generator)
        else:
            self.weight = Parameter(_weight)

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Embedding:  # fmt: skip
        """A layer with a copy of the table ``embeddings`` ``(V, D)``, which is not trained if ``freeze``.

        Raises ValueError for a table that has not two axes, TypeError for one that is not floating, and else as the
        constructor does.

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
        layer = cls(rows, size, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=table)
        return layer.requires_grad_(not freeze)

    @no_grad
    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw new start values."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight[self.padding_idx] = 0.0

    def forward(self, index: Any) -> Tensor:
        options = self.max_norm, self.norm_type, self.scale_grad_by_freq
        return F.embedding(index, self.weight, self.padding_idx, *options)

    def extra_repr(self) -> str:
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        shown = [f", {name}={value}" for name in usual if (value := getattr(self, name)) != usual[name]]
        return f"{self.num_embeddings}, {self.embedding_dim}{''.join(shown)}"
