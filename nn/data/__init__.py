"""Data: datasets, the loader that batches them, and real digits that ship with the package."""

from .digits import digits
from .loader import DataLoader, Dataset, Subset, TensorDataset, random_split

__all__ = ["DataLoader", "Dataset", "Subset", "TensorDataset", "digits", "random_split"]
