"""What windows may be: checks that convolution and pooling share."""

from __future__ import annotations

import re
from typing import Any

import pytest

import autograd_lite as al
from autograd_lite.ops.geometry import check_output_padding, padding_pairs


def margins(padding: Any) -> Any:
    return padding_pairs(padding, (3, 3), (1, 1), (1, 1))


def test_padding_before_and_after_each_axis() -> None:
    assert margins(((1, 2), [3, 0])) == ((1, 2), (3, 0))
    assert margins([(1,), (2,)]) == ((1, 1), (2, 2))


@pytest.mark.parametrize("padding", [((1, 1), (1, 1), (1, 1)), ((1, 2),)])
def test_a_wrong_number_of_pairs(padding: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"2 axes, got {padding!r}")):
        margins(padding)
    with pytest.raises(ValueError, match=re.escape(repr(padding))):
        al.conv2d(al.ones(1, 1, 5, 5), al.ones(1, 1, 3, 3), padding=padding)


def test_output_padding() -> None:
    check_output_padding("up", (1, 2), (2, 1), (1, 3))
    with pytest.raises(ValueError, match=r"^up: output_padding .* got \(1, 3\) with stride \(2, 1\), dil"):
        check_output_padding("up", (1, 3), (2, 1), (1, 3))
