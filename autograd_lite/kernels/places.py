"""Places in small arrays that Python fills and kernels read: names for both sides, without Numba."""

__all__ = [
    "ALONE", "BELL", "COLUMN", "COLUMN_COUNT", "COLUMN_STEP", "COUNT", "FINISHED", "LENGTH", "NEXT", "NUMBER", "PLACE",
    "ROW", "ROW_COUNT", "ROW_STEP", "SIZE", "TAP_COUNT", "TAP_START",
]  # fmt: skip

# The ``work`` array, which `threads.run` makes for every call and `work` reads inside the kernel.
NEXT, FINISHED = 0, 8  # the next piece; how many are finished: each in a cache line of its own
COUNT, LENGTH = 16, 17  # how many pieces; of how many items in all
BELL, NUMBER = 18, 19  # the address of the pool's bell, and what it shows during this call
SIZE = 24

ALONE = -1  # who runs a kernel that has no workers

# The table of outputs of a convolution, a row for each part of the result: which taps make it, and which rows and
# columns of the result it is (from, step, how many), and the flat place of the first of them in the planes.
TAP_START, TAP_COUNT, ROW, ROW_STEP, ROW_COUNT, COLUMN, COLUMN_STEP, COLUMN_COUNT, PLACE = range(9)
