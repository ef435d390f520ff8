"""What windows may be: checks that convolution and pooling share."""

from __future__ import annotations

import pytest

from autograd_lite.ops.geometry import check_output_padding


def test_output_padding() -> None:
    check_output_padding("up", (1, 2), (2, 1), (1, 3))
    with pytest.raises(ValueError, match=r"^up: output_padding .* got \(1, 3\) with stride \(2, 1\), dil"):
        check_output_padding("up", (1, 3), (2, 1), (1, 3))
