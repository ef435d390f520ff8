"""A range of work on several threads.

Kernels run without the GIL, so that threads run them side by side.  Each has a share of the pieces of the work, the
same in every kernel, so that it finds in its cache what it wrote there before; but who is done with its own takes
pieces of the others.  The calling thread therefore waits for no more than a piece that a worker has taken.  Between two
kernels a worker looks out for the next one for 2 ms before it goes to sleep: to be woken takes as long as many a kernel
(measured: 0.05 to 0.1 ms, against 0.002).  Safe from several threads, of which one at a time has the workers, and after
a fork.  What happens between the threads is in `work`.
"""

from __future__ import annotations

import operator
import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

from .places import APART, BELL, COUNT, HELPED, INSIDE, LENGTH, NEXT, THREADS

__all__ = ["get_num_threads", "pieces", "run", "set_num_threads"]

VARIABLE = "AUTOGRAD_LITE_NUM_THREADS"
PIECES = 4  # for each thread: more even out unequal threads, fewer cost less
MOST = 128  # threads for one kernel

# With another process on one of the cores, a worker that looks out for work takes time from its caller.  Who has waited
# for longer than STALL seconds asks nobody for help for PATIENCE times as long, at most LONGEST seconds.
STALL, PATIENCE, LONGEST = 5e-4, 20, 0.1

Kernel = Callable[..., Any]


class _Worker(threading.Thread):
    """Helps with one job after the other; asleep between them."""

    def __init__(self, work: np.ndarray, me: int) -> None:
        super().__init__(name=f"autograd_lite-{me}", daemon=True)
        self.work, self.me = work, me
        self.asleep = False
        self.alarm: SimpleQueue[None] = SimpleQueue()

    def run(self) -> None:
        from .work import serve

        seen = 0
        while True:
            seen = serve(self.work, self.me, seen)
            self.asleep = True
            if self.work[BELL] == seen or self.me >= self.work[THREADS]:
                self.alarm.get()
            self.asleep = False


class _Pool:
    """The workers of this process, started when they are first needed."""

    def __init__(self) -> None:
        self.work = np.zeros(NEXT + MOST * APART, np.int64)
        self.work[HELPED] = True
        self.workers: list[_Worker] = []
        self.owner = threading.Lock()
        self.lent: tuple[Any, ...] = ()  # the arguments of a job that is not over
        self.alone_until = 0.0

    def is_free(self) -> bool:
        """Whether workers are worth asking: not just after the caller has waited for one, or for a core.

        Nor while one is still at a job that Ctrl-C has ended.
        """
        if self.lent and self.work[INSIDE]:
            return False
        return not self.alone_until or time.perf_counter() > self.alone_until

    def run(self, kernel: Kernel, args: tuple[Any, ...], *job: int) -> None:
        """Carry out a job of so many pieces, items and threads with workers' help."""
        began, used = time.perf_counter(), time.thread_time()
        work = self.work
        work[COUNT], work[LENGTH], work[THREADS] = job
        self._wake(job[-1] - 1)
        self.lent, over = args, False
        try:
            over = kernel(work, *args)
        finally:
            if not over:
                self._wait()
            self.lent = ()
        now, used = time.perf_counter(), time.thread_time() - used
        lost = now - began - used
        if lost > STALL + used / 2:
            self.alone_until = now + min(PATIENCE * lost, LONGEST)

    def _wake(self, helpers: int) -> None:
        while len(self.workers) < helpers:
            worker = _Worker(self.work, len(self.workers) + 1)
            worker.start()
            self.workers.append(worker)
        for worker in self.workers[:helpers]:
            if worker.asleep:
                worker.asleep = False  # one alarm is enough
                worker.alarm.put(None)

    def _wait(self) -> None:
        """Wait for a worker that has lost its core: it writes to the caller's arrays, whatever else happens."""
        from .work import over

        interrupt = None
        try:
            while True:
                try:
                    if over(self.work):
                        break
                    time.sleep(5e-5)
                except KeyboardInterrupt as error:
                    interrupt = error
        finally:
            if interrupt is not None:
                raise interrupt


_pool = _Pool()


def _renew() -> None:
    global _pool
    _pool = _Pool()  # threads do not live on in a forked process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def run(kernel: Kernel, n: int, *args: Any, grain: int = 1, threads: int | None = None) -> None:
    """Call a kernel (see `work.shared`) for n items, in `pieces` of at least ``grain`` items that the threads share.

    A piece should take some 5 µs at least.  A kernel whose arguments have room for so many ``threads`` says so:
    another thread may change the number in the meantime.  What a kernel raises in any thread is raised here.
    """
    count = pieces(n, grain)
    if not count:
        return
    together, pool = min(_threads if threads is None else threads, count, MOST), _pool
    if together > 1 and pool.is_free() and pool.owner.acquire(blocking=False):
        try:
            pool.run(kernel, args, count, n, together)
        finally:
            pool.owner.release()
    else:
        work = np.zeros(NEXT + together * APART, np.int64)
        work[COUNT], work[LENGTH], work[THREADS] = count, n, together
        kernel(work, *args)


def pieces(n: int, grain: int = 1) -> int:
    """Into how many pieces n items are split: as many for each thread, if there are enough of them.

    It depends on nothing but n, ``grain`` and the number of threads; so do results that add up a sum for each piece.
    """
    if _threads == 1 or n < 2 * grain:
        return min(n, 1)
    worth = n // grain
    return worth if worth <= _threads else min(n, _threads * min(PIECES, -(-worth // _threads)))


def get_num_threads() -> int:
    """How many threads a kernel uses."""
    return _threads


def set_num_threads(n: int) -> None:
    """Let kernels use ``n`` threads.  Raises TypeError for other than an integer, ValueError below 1.

    The start value is the environment variable AUTOGRAD_LITE_NUM_THREADS, or else the number of cores that the process
    may use.  Small matrix products are NumPy's, on one thread.
    """
    global _threads
    if isinstance(n, bool) or operator.index(n) < 1:
        raise ValueError(f"the number of threads must be an integer of at least 1, got {n!r}")
    _threads = operator.index(n)


def _default() -> int:
    given = os.environ.get(VARIABLE)
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise ValueError(f"{VARIABLE} must be an integer of at least 1, got {given!r}")
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _cgroup_limit()))


def _cgroup_limit() -> int:
    """How many cores a container may use (Linux, cgroup 2); a large number where nothing limits it."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        return 1 << 16 if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


_threads = _default()
