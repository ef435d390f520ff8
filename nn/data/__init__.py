"""Data: datasets, the loader that batches them, digits that ship with the package, and readers of well-known files."""

from .cifar import cifar10
from .digits import digits
from .files import DataError
from .idx import fashion_mnist, mnist, read_idx
from .loader import DataLoader, Dataset, Subset, TensorDataset, random_split

__all__ = [
    "DataError", "DataLoader", "Dataset", "Subset", "TensorDataset", "cifar10", "digits", "fashion_mnist", "mnist",
    "random_split", "read_idx",
]  # fmt: skip
