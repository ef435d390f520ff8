"""Large memory is used again when nobody holds it, and only then."""

from __future__ import annotations

import threading

import numpy as np

from autograd_lite import buffers

SHAPE, FLOAT = (256, 1024), np.dtype(np.float32)


def test_memory_that_nobody_holds_is_used_again() -> None:
    first = buffers.empty(SHAPE, FLOAT)
    place = first.ctypes.data
    del first
    assert buffers.empty(SHAPE, FLOAT).ctypes.data == place


def test_held_memory_is_left_alone() -> None:
    held = buffers.empty(SHAPE, FLOAT)
    view = buffers.empty(SHAPE, FLOAT)[3:5].T
    places = {held.ctypes.data, view.base.ctypes.data}
    others = [buffers.empty(SHAPE, FLOAT) for _ in range(5)]
    assert places.isdisjoint({o.ctypes.data for o in others})
    assert len({o.ctypes.data for o in others}) == 5


def test_small_arrays_are_left_to_numpy() -> None:
    assert buffers.empty((4, 4), FLOAT) is None
    assert ((4, 4), FLOAT) not in buffers._arrays


def test_what_is_kept_is_bounded() -> None:
    for n in range(100, 140):
        buffers.empty((n, 10_000), FLOAT)
        kept = sum(a.nbytes for arrays in buffers._arrays.values() for a in arrays)
        assert kept <= buffers.LIMIT
        assert kept == buffers._bytes


def test_other_dtypes_and_shapes_get_their_own() -> None:
    one, two = buffers.empty(SHAPE, FLOAT), buffers.empty(SHAPE[::-1], FLOAT)
    three = buffers.empty(SHAPE, np.dtype(np.float64))
    assert (one.shape, two.shape, three.dtype) == (SHAPE, SHAPE[::-1], np.float64)
    assert not np.shares_memory(one, two)


def test_threads_never_get_the_same_memory() -> None:
    clashes: list[int] = []

    def work(mark: int) -> None:
        for _ in range(300):
            array = buffers.empty((64, 1024), FLOAT)
            array.fill(mark)
            if not (array == mark).all():
                clashes.append(mark)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clashes
