"""The convolutions that the networks of vision begin with."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_lite as al
from nn.vision import Backbone


def test_each_pool_halves_the_image() -> None:
    x = al.zeros(2, 3, 16, 24)
    for pools, shape in ((0, (16, 24)), (1, (8, 12)), (2, (4, 6))):
        assert Backbone(3, [4, 8], pools)(x).shape == (2, 8, *shape)
    assert Backbone(3, [4, 8])(x).shape == (2, 8, 4, 6), "by default one after each block"


def test_one_generator_one_network() -> None:
    one, other = (Backbone(1, [4], generator=al.Generator(3)).conv1.weight.numpy() for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(("filters", "pools"), [([], None), ([4], 2), ([4], -1)])
def test_what_is_no_backbone(filters: list[int], pools: int | None) -> None:
    with pytest.raises(ValueError, match=re.escape(f"got {filters}, {0 if pools is None else pools}")):
        Backbone(1, filters, pools)
