"""Places in the ``work`` array, which `threads.run` makes for every call and `work` reads inside the kernel."""

__all__ = ["ALONE", "BELL", "COUNT", "FINISHED", "LENGTH", "NEXT", "NUMBER", "SIZE"]

NEXT, FINISHED = 0, 8  # the next piece; how many are finished: each in a cache line of its own
COUNT, LENGTH = 16, 17  # how many pieces; of how many items in all
BELL, NUMBER = 18, 19  # the address of the pool's bell, and what it shows during this call
SIZE = 24

ALONE = -1  # who runs a kernel that has no workers
