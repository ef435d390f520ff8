"""Places in small arrays that Python fills and kernels read: names for both sides, without Numba."""

__all__ = [
    "APART", "ARGUMENTS", "BELL", "CODE", "COLUMN", "COLUMN_COUNT", "COLUMN_STEP", "COUNT", "ERROR", "HELPED", "INSIDE",
    "LENGTH", "NEXT", "PLACE", "ROOM", "ROW", "ROW_COUNT", "ROW_STEP", "STATUS", "TAP_COUNT", "TAP_START", "THREADS",
]  # fmt: skip

# The ``work`` array of a kernel that runs on several threads, see `work`.
COUNT, LENGTH, THREADS = 0, 1, 2  # how many pieces; of how many items in all; for how many threads
HELPED = 3  # whether the workers are asked to help
STATUS, ERROR = 4, 5  # of a thread whose kernel has raised an exception: Numba's number and description of it
BELL, CODE, INSIDE = 8, 16, 24  # how many jobs there have been; the address of this one's code; workers at work
ARGUMENTS, ROOM = 32, 256  # the kernel's arguments, of at most so many integers
NEXT, APART = ARGUMENTS + ROOM, 8  # the next piece of the first thread's share, of the second's, …: so far apart

# What several threads write is in a cache line of its own: APART integers.

# The table of outputs of a convolution, a row for each part of the result: which taps make it, and which rows and
# columns of the result it is (from, step, how many), and the flat place of the first of them in the planes.
TAP_START, TAP_COUNT, ROW, ROW_STEP, ROW_COUNT, COLUMN, COLUMN_STEP, COLUMN_COUNT, PLACE = range(9)
