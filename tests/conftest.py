"""What several test files need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograd_lite.kernels import threads


@pytest.fixture
def threads_restored() -> Iterator[None]:
    """Give back the number of threads that the test sets."""
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)
