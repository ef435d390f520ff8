"""Makes nn/data/digits.npz from scikit-learn's copy of the UCI handwritten digits.

    python tests/golden/make_digits.py        (needs scikit-learn)

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49, CC BY 4.0.  Of it, the 1,797 images of the test set, 8×8 pixels of 0 to 16, unchanged.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[2] / "nn" / "data" / "digits.npz"

images, labels = load_digits(return_X_y=True)
assert (images == images.astype(np.uint8)).all()
np.savez_compressed(TARGET, images=images.astype(np.uint8).reshape(-1, 8, 8), labels=labels.astype(np.uint8))
print(TARGET, TARGET.stat().st_size, "bytes")
