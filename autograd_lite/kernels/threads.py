"""A range of work on several threads.

Kernels run without the GIL, so that Python threads run them side by side.  Each has a share of the pieces of the work,
the same in every kernel, so that it finds in its cache what it wrote there before; but who is done with its own takes
pieces of the others.  The calling thread therefore waits for no more than a piece that a worker has taken.  Between two
kernels a worker looks out for the next one for 2 ms before it goes to sleep: to be woken takes as long as many a kernel
(measured: 0.05 to 0.1 ms, against 0.005).  Safe from several threads, of which one at a time has the workers, and after
a fork.
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

from .places import ALONE, APART, BELL, COUNT, LENGTH, NEXT, NUMBER, THREADS

__all__ = ["get_num_threads", "pieces", "run", "set_num_threads"]

VARIABLE = "AUTOGRAD_LITE_NUM_THREADS"
PIECES = 4  # for each thread: more even out unequal threads, fewer cost less

# With another process on one of the cores, a worker that looks out for work takes time from its caller.  Who has waited
# for longer than STALL seconds asks nobody for help for PATIENCE times as long, at most LONGEST seconds.
STALL, PATIENCE, LONGEST = 5e-4, 20, 0.1

Kernel = Callable[..., Any]


class _Job:
    """One call of `run`, as its workers see it.  ``args`` is None when it is over."""

    __slots__ = ("args", "error", "helpers", "kernel", "work")

    def __init__(self, kernel: Kernel, work: np.ndarray, args: tuple[Any, ...], helpers: int) -> None:
        self.kernel, self.work, self.helpers = kernel, work, helpers
        self.args: tuple[Any, ...] | None = args
        self.error: BaseException | None = None  # of a worker


class _Worker(threading.Thread):
    """Helps with one job after the other; asleep between them."""

    def __init__(self, pool: _Pool, me: int) -> None:
        super().__init__(name=f"autograd_lite-{me}", daemon=True)
        self.pool, self.me = pool, me
        self.asleep = False
        self.alarm: SimpleQueue[None] = SimpleQueue()

    def run(self) -> None:
        from .work import rings

        seen, wanted = 0, True
        while True:
            if self.pool.number != seen:
                seen = self.pool.number
                wanted = self._help(self.pool.job)
            elif not wanted or not rings(self.pool.bell.ctypes.data, seen):
                self.asleep = True
                if self.pool.number == seen or not wanted:
                    self.alarm.get()
                self.asleep, wanted = False, True

    def _help(self, job: _Job | None) -> bool:
        """Work on a job; returns whether the next one may want this worker, too."""
        if job is None:  # it is over
            return True
        if self.me > job.helpers:
            return False
        args = job.args
        if args is not None:
            try:
                job.kernel(self.me, job.work, *args)
            except BaseException as error:  # raised again by the caller
                job.error = error
        return True


class _Pool:
    """The workers of this process, started when they are first needed."""

    def __init__(self) -> None:
        self.bell = np.zeros(APART, np.int64)  # the first element is the number of the last job, for kernels to see
        self.number = 0
        self.job: _Job | None = None
        self.workers: list[_Worker] = []
        self.owner = threading.Lock()
        self.alone_until = 0.0

    def is_free(self) -> bool:
        """Whether workers are worth asking: not just after the caller has waited for one, or for a core."""
        return not self.alone_until or time.perf_counter() > self.alone_until

    def run(self, kernel: Kernel, work: np.ndarray, args: tuple[Any, ...], helpers: int) -> None:
        """Carry out a job with workers' help."""
        from .work import is_finished

        job = _Job(kernel, work, args, helpers)
        began, used = time.perf_counter(), time.thread_time()
        try:
            self._call(job)
            kernel(0, work, *args)
            while not is_finished(work) and job.error is None:  # a worker with a piece has lost its core
                time.sleep(5e-5)
        finally:
            job.args = self.job = None
        if job.error is not None:
            raise job.error
        now, used = time.perf_counter(), time.thread_time() - used
        lost = now - began - used
        if lost > STALL + used / 2:
            self.alone_until = now + min(PATIENCE * lost, LONGEST)

    def _call(self, job: _Job) -> None:
        """Show a job to its workers, and wake those who sleep."""
        job.work[BELL], job.work[NUMBER] = self.bell.ctypes.data, self.number + 1
        self.job = job
        self.number += 1
        while len(self.workers) < job.helpers:
            self.workers.append(_Worker(self, len(self.workers) + 1))
            self.workers[-1].start()
        for worker in self.workers[: job.helpers]:
            if worker.asleep:
                worker.asleep = False  # one alarm is enough
                worker.alarm.put(None)


_pool = _Pool()


def _renew() -> None:
    global _pool
    _pool = _Pool()  # threads do not live on in a forked process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def run(kernel: Kernel, n: int, *args: Any, grain: int = 1, threads: int | None = None) -> None:
    """Call ``kernel(me, work, *args)`` for n items, in `pieces` of at least ``grain`` items that the threads share.

    How a kernel asks for its pieces is in `work`.  A piece should take some 20 µs at least.  A kernel whose arguments
    have room for so many ``threads`` says so: another thread may change the number in the meantime.
    """
    count = pieces(n, grain)
    if not count:
        return
    if count == 1:
        work = np.zeros(NEXT + APART, np.int64)
        work[COUNT], work[LENGTH], work[THREADS] = 1, n, 1
        kernel(ALONE, work, *args)
        return
    together, pool = min(_threads if threads is None else threads, count), _pool
    work = np.zeros(NEXT + together * APART, np.int64)
    work[COUNT], work[LENGTH], work[THREADS] = count, n, together
    for i in range(1, together):
        work[NEXT + i * APART] = i * count // together
    owned = False
    try:
        if together > 1 and pool.is_free():
            owned = pool.owner.acquire(blocking=False)
        if owned:
            pool.run(kernel, work, args, together - 1)
        else:
            kernel(ALONE, work, *args)
    finally:
        if owned:
            pool.owner.release()


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
