"""Whole networks: each takes images or vectors and returns a score for every class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import Generator, Tensor
from autograd_lite.ops.dropout import chance_of_staying

from .init import he_normal_, xavier_normal_, zeros_
from .layers.activation import ReLU, make_activation
from .layers.container import Flatten, Identity, Sequential
from .layers.conv import Conv2d
from .layers.dropout import Dropout
from .layers.linear import Linear
from .layers.norm import BatchNorm1d, BatchNorm2d
from .layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from .module import Module

__all__ = ["MLP", "LeNet5", "ResNet8", "SmallVGG"]

Shape = tuple[int, int, int]  # of an image: channels, height, width
INITS: dict[str, Callable[..., Tensor]] = {"he": he_normal_, "xavier": xavier_normal_}


class MLP(Sequential):
    """A multilayer perceptron: ``A[l] = g[l](W[l] A[l−1] + b[l])`` for l = 1 … L  (cheat sheet 1.3).

    ``sizes`` are n[0], n[1], …, n[L]: ``MLP([64, 32, 10])`` takes ``(…, 64)`` and returns scores ``(…, 10)``.  The
    parts of the first layer are fc1, bn1, act1 and drop1, and so on; W[1] is ``fc1.weight`` ``(n[1], n[0])``, b[1] is
    ``fc1.bias`` ``(n[1],)``, where the sheet, with examples as columns, has ``(n[1], 1)``.

    ``activation``, a name, a Module class or a function, is that of the hidden layers, ``output`` that of the last, by
    default none; or ``activation`` is a list of L of them, one for each layer (None for no activation).  ``batch_norm``
    normalises Z of the hidden layers, whose b it makes needless, and takes inputs ``(N, n[0])``; ``dropout`` is the
    chance of dropping a hidden A.  ``init`` "he" or "xavier" draws weights of variance 2/n[l−1] or 1/n[l−1], with
    b = 0  (cheat sheet 3.3); by default they are `Linear`'s.  ``generator`` decides the start values and the dropout.
    Raises ValueError for fewer than two sizes, sizes below 1, a list of another length, unknown names and a chance
    outside [0, 1]; TypeError for ``output`` beside a list.

    >>> MLP([64, 32, 10], activation="tanh")
    MLP(
      (fc1): Linear(in_features=64, out_features=32, bias=True)
      (act1): Tanh()
      (fc2): Linear(in_features=32, out_features=10, bias=True)
    )
    """

    def __init__(
        self, sizes: Sequence[int], activation: Any = "relu", output: Any = None, *, dropout: float = 0.0,
        batch_norm: bool = False, init: str | None = None, dtype: Any = None, generator: Generator | None = None,
    ) -> None:  # fmt: skip
        if len(sizes) < 2:
            raise ValueError(f"an MLP needs at least the sizes of its input and output, got {list(sizes)}")
        if init is not None and init not in INITS:
            raise ValueError(f"init must be {' or '.join(map(repr, INITS))}, got {init!r}")
        chance_of_staying(dropout, None)
        last = len(sizes) - 1
        layers: dict[str, Module] = {}
        for i, g in enumerate(_activations(activation, output, last), 1):
            normed = batch_norm and i < last
            fc = Linear(sizes[i - 1], sizes[i], bias=not normed, dtype=dtype, generator=generator)
            if init is not None:
                INITS[init](fc.weight, generator=generator)
                if fc.bias is not None:
                    zeros_(fc.bias)
            layers[f"fc{i}"] = fc
            if normed:
                layers[f"bn{i}"] = BatchNorm1d(sizes[i], dtype=dtype)
            if g is not None:
                layers[f"act{i}"] = make_activation(g)
            if dropout and i < last:
                layers[f"drop{i}"] = Dropout(dropout, generator=generator)
        super().__init__(layers)


def _activations(activation: Any, output: Any, count: int) -> list[Any]:
    """The activation of each of so many layers; None where there is none."""
    if not isinstance(activation, (list, tuple)):
        return [activation] * (count - 1) + [output]
    if output is not None:
        raise TypeError(f"a list of activations includes the output's; got output={output!r}, too")
    if len(activation) != count:
        raise ValueError(f"there are {count} layers, got {len(activation)} activations: {list(activation)}")
    return list(activation)


class LeNet5(Sequential):
    """Two convolutions of 5×5, each with a 2×2 pool, then 120, 84 and ``classes`` neurons: ``(N, C, H, W) -> (N, 10)``.

    A classifier (cheat sheet 5.1), the network of LeCun et al. 1998 in the form that is usual today; for 28×28 images,
    which the first convolution pads by 2, it has 61,706 parameters.  Images below 12×12, down to 4×4, are padded by the
    second convolution, too.  ``activation`` is a name, a Module class or a function; ``pool`` is "max" or "avg".  The
    paper's own choices come near to "tanh" and "avg"; the default learns better.  Raises ValueError for an image that
    is too small, an unknown name.
    """

    def __init__(
        self, shape: Shape = (1, 28, 28), classes: int = 10, activation: Any = "relu", pool: str = "max",
        *, generator: Generator | None = None,
    ) -> None:  # fmt: skip
        pools: dict[str, Callable[..., Module]] = {"max": MaxPool2d, "avg": AvgPool2d}
        if pool not in pools:
            raise ValueError(f"pool must be {' or '.join(pools)}, got {pool!r}")
        channels, *sides = shape
        padding = 0 if min(sides) >= 12 else 2
        height, width = [(n // 2 + 2 * padding - 4) // 2 for n in sides]
        if min(height, width) < 1:
            raise ValueError(f"LeNet5 needs images of at least 4×4, got {shape}")
        layers = [
            ("conv1", Conv2d(channels, 6, 5, padding=2, generator=generator)),
            ("act1", make_activation(activation)), ("pool1", pools[pool](2)),
            ("conv2", Conv2d(6, 16, 5, padding=padding, generator=generator)),
            ("act2", make_activation(activation)), ("pool2", pools[pool](2)), ("flatten", Flatten()),
            ("fc1", Linear(16 * height * width, 120, generator=generator)), ("act3", make_activation(activation)),
            ("fc2", Linear(120, 84, generator=generator)), ("act4", make_activation(activation)),
            ("fc3", Linear(84, classes, generator=generator)),
        ]  # fmt: skip
        super().__init__(dict(layers))


class SmallVGG(Sequential):
    """3×3 convolutions with batch norm, 32-32-pool-64-64-pool, and one linear layer: ``(N, C, H, W) -> (N, 10)``.

    A classifier (cheat sheet 5.1) of blocks of two convolutions as in VGG (Simonyan & Zisserman 2015); for 3×32×32
    images 106,730 parameters.  Raises ValueError for images below 4×4.
    """

    def __init__(self, shape: Shape = (3, 32, 32), classes: int = 10, *, generator: Generator | None = None) -> None:
        channels, height, width = shape
        if min(height, width) < 4:
            raise ValueError(f"SmallVGG needs images of at least 4×4, got {shape}")
        layers: dict[str, Module] = {}
        for i, filters in enumerate((32, 32, 64, 64), 1):
            layers[f"conv{i}"] = Conv2d(channels, filters, 3, padding=1, bias=False, generator=generator)
            layers[f"bn{i}"] = BatchNorm2d(filters)
            layers[f"act{i}"] = ReLU()
            if i % 2 == 0:
                layers[f"pool{i // 2}"] = MaxPool2d(2)
            channels = filters
        layers["flatten"] = Flatten()
        layers["fc"] = Linear(channels * (height // 4) * (width // 4), classes, generator=generator)
        super().__init__(layers)


class ResidualBlock(Module):
    """``relu(body(x) + shortcut(x))`` with two 3×3 convolutions: ``(N, C, H, W) -> (N, K, ⌈H/s⌉, ⌈W/s⌉)``.

    The shortcut is x itself, or a 1×1 convolution where the shape changes  (He et al. 2016).
    """

    def __init__(self, channels: int, filters: int, stride: int = 1, *, generator: Generator | None = None) -> None:
        self.body = Sequential({
            "conv1": Conv2d(channels, filters, 3, stride, padding=1, bias=False, generator=generator),
            "bn1": BatchNorm2d(filters), "act": ReLU(),
            "conv2": Conv2d(filters, filters, 3, padding=1, bias=False, generator=generator),
            "bn2": BatchNorm2d(filters),
        })  # fmt: skip
        self.shortcut: Module = Identity()
        if stride != 1 or channels != filters:
            conv = Conv2d(channels, filters, 1, stride, bias=False, generator=generator)
            self.shortcut = Sequential({"conv": conv, "bn": BatchNorm2d(filters)})
        self.act = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x) + self.shortcut(x))


class ResNet8(Sequential):
    """The residual network of CIFAR-10 with one block a stage, of 16, 32 and 64 filters: ``(N, C, H, W) -> (N, 10)``.

    A classifier (cheat sheet 5.1): a 3×3 convolution, three blocks, of which the second and third halve the image, the
    mean of each channel, and one linear layer; 78,042 parameters for 3 channels, whatever the size of the images.
    Source: He et al. 2016, 4.2.
    """

    def __init__(self, shape: Shape = (3, 32, 32), classes: int = 10, *, generator: Generator | None = None) -> None:
        super().__init__({
            "conv": Conv2d(shape[0], 16, 3, padding=1, bias=False, generator=generator),
            "bn": BatchNorm2d(16), "act": ReLU(),
            "block1": ResidualBlock(16, 16, generator=generator),
            "block2": ResidualBlock(16, 32, 2, generator=generator),
            "block3": ResidualBlock(32, 64, 2, generator=generator),
            "pool": AdaptiveAvgPool2d(1), "flatten": Flatten(),
            "fc": Linear(64, classes, generator=generator),
        })  # fmt: skip
