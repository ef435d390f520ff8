"""Places in small arrays that Python fills and kernels read: names for both sides, without Numba."""

__all__ = [
    "ALONE", "APART", "BELL", "COLUMN", "COLUMN_COUNT", "COLUMN_STEP", "COUNT", "FINISHED", "LENGTH", "NEXT", "NUMBER",
    "PLACE", "ROW", "ROW_COUNT", "ROW_STEP", "TAP_COUNT", "TAP_START", "THREADS",
]  # fmt: skip

# The ``work`` array, which `threads.run` makes for every call and `work` reads inside the kernel.
COUNT, LENGTH, THREADS = 0, 1, 2  # how many pieces; of how many items in all; for how many threads
BELL, NUMBER = 3, 4  # the address of the pool's bell, and what it shows during this call
FINISHED, NEXT = 8, 16  # how many pieces are finished; the next piece of the first thread's share, of the second's, …
APART = 8  # from one to the next of what several threads write: each in a cache line of its own

ALONE = -1  # who runs a kernel that has no workers

# The table of outputs of a convolution, a row for each part of the result: which taps make it, and which rows and
# columns of the result it is (from, step, how many), and the flat place of the first of them in the planes.
TAP_START, TAP_COUNT, ROW, ROW_STEP, ROW_COUNT, COLUMN, COLUMN_STEP, COLUMN_COUNT, PLACE = range(9)
