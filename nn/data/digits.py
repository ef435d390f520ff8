"""The UCI handwritten digits: 1,797 real images of 8×8 pixels.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49, licensed CC BY 4.0.  The images are the set's test part, unchanged; they ship with the
package as ``digits.npz`` (made by tests/golden/make_digits.py).
"""

from __future__ import annotations

import numpy as np

from autograd_lite import Tensor

from .loader import TensorDataset

__all__ = ["digits"]

TEST_SIZE = 360  # a fifth


def digits(flat: bool = True) -> tuple[TensorDataset, TensorDataset]:
    """The UCI handwritten digits as ``(train, test)``, 1,437 and 360 images of 8×8 pixels in [0, 1] with labels 0 to 9.

    Images are float32 ``(N, 64)``, or ``(N, 1, 8, 8)`` with ``flat=False``; labels int64 ``(N,)``.  The split is random
    but always the same.  Source: E. Alpaydin & C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.

    >>> train, test = digits()
    >>> len(train), len(test), train[0][0].shape
    (1437, 360, (64,))
    """
    from importlib.resources import files  # takes as long to import as all of nn.data

    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    order = np.random.RandomState(0).permutation(len(images))  # the one stream that NumPy promises never to change
    shape = (-1, 64) if flat else (-1, 1, 8, 8)
    images = (images[order].astype(np.float32) / 16).reshape(shape)
    labels = labels[order].astype(np.int64)
    parts = slice(TEST_SIZE, None), slice(TEST_SIZE)
    train, test = (TensorDataset(Tensor(images[part]), Tensor(labels[part])) for part in parts)
    return train, test
