"""Running a search: points, one trial for each on whatever executor there is, and what becomes of those that fail."""

from __future__ import annotations

import functools
import math
import os
import platform
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite.kernels.threads import get_num_threads, set_num_threads

from .results import Journal, SearchResult, Trial
from .spaces import Point, Space, Spaces, grid_points, random_point

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["grid_search", "random_search"]

Objective = Callable[..., Any]


class _Outcome(NamedTuple):
    """What a worker sends back: never the exception itself, which may not travel between processes."""

    score: float | None
    error: str | None
    seconds: float


def random_search(
    objective: Objective, space: Spaces, trials: int, executor: Executor | None = None, *, seed: int = 0,
    workers: int | None = None, minimize: bool = False, path: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None, after_trial: Callable[[Trial], None] | None = None,
) -> SearchResult:  # fmt: skip
    """Call ``objective(**point)`` at random points, and rank them by the score that it returns  (cheat sheet 3.4).

    Of a budget of n trials each hyperparameter gets n different values, on a grid of d hyperparameters only ``n^(1/d)``
    (Bergstra & Bengio 2012).  More is better, unless ``minimize``.  Point i depends on ``seed`` and i only.

    ``executor`` is any `concurrent.futures.Executor`: of threads, ``mpi4py.futures.MPIPoolExecutor()``, Dask's
    ``client.get_executor()``; ``workers`` limits how many trials it gets at once.  Without one, ``workers`` processes
    of one thread each (default: as many as kernels have threads) run the trials; they are started anew, so the
    objective must be a function of a module or script, not of a notebook, and a script needs its ``if __name__ ==
    "__main__":``.  A trial that raises, returns what is no finite number, or ends its process has failed: this is
    recorded, and the search goes on; in processes of its own, with a warning, if the given executor broke.

    With ``path`` each trial is written as it ends, as a line of JSON; the same call goes on from there, with as many
    trials as it then says.  ``settings``, whatever else decides a score, stand in the file, too, and must be the same.
    ``after_trial`` is told each new trial.  KeyboardInterrupt ends the search; what is in the file is kept.

    Raises TypeError for a space that is none, for an objective that other processes cannot find; ValueError for fewer
    than one trial or worker; SearchError for a file that is damaged or of another search.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from nn.search import LogUniform
    >>> with ThreadPoolExecutor(2) as threads:
    ...     found = random_search(lambda lr: -abs(lr - 0.01), {"lr": LogUniform(1e-5, 1.0)}, 50, threads)
    >>> 0.007 < found.best.point["lr"] < 0.013
    True
    """
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise ValueError(f"trials must be a whole number of at least 1, got {trials!r}")
    _check_space(space)
    points = [random_point(space, seed, number) for number in range(trials)]
    header = {"kind": "random", "seed": seed, "minimize": minimize, "settings": dict(settings or {})}
    return _search(objective, space, points, header, executor, workers, path, after_trial)


def grid_search(
    objective: Objective, space: Spaces, steps: int, executor: Executor | None = None, *,
    workers: int | None = None, minimize: bool = False, path: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None, after_trial: Callable[[Trial], None] | None = None,
) -> SearchResult:  # fmt: skip
    """`random_search` at every combination of ``steps`` values of each hyperparameter, for comparison with it.

    These are ``steps^d`` trials (fewer where a space has fewer values).  Raises as `random_search`.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
    _check_space(space)
    header = {"kind": "grid", "steps": steps, "minimize": minimize, "settings": dict(settings or {})}
    points = grid_points(space, steps)
    return _search(objective, space, points, header, executor, workers, path, after_trial)


def _check_space(space: Any) -> None:
    if not isinstance(space, Mapping) or not space:
        raise TypeError(f"space must be a dict of at least one name and its space, got {space!r:.60}")
    for name, part in space.items():
        if not isinstance(part, Space):
            raise TypeError(f"{name} must have a space like LogUniform(1e-5, 1.0), not {part!r:.60}")


def _search(
    objective: Objective, space: Spaces, points: list[Point], header: dict[str, Any], executor: Executor | None,
    workers: int | None, path: str | os.PathLike[str] | None, after_trial: Callable[[Trial], None] | None,
) -> SearchResult:  # fmt: skip
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ValueError(f"workers must be a whole number of at least 1, got {workers!r}")
    if executor is None:
        _check_objective(objective)
    journal = None
    if path is not None:
        journal = Journal.open(path, {**header, "space": {name: repr(part) for name, part in space.items()}})
    known = journal.trials if journal is not None else []
    done = {trial.number: trial for trial in known if trial.number < len(points)}
    waiting = {number: point for number, point in enumerate(points) if number not in done}
    with closing(_outcomes(objective, waiting, executor, workers)) as outcomes:
        for number, outcome in outcomes:
            done[number] = trial = Trial(number, points[number], *outcome)
            if journal is not None:
                journal.add(trial)
            if after_trial is not None:
                after_trial(trial)
    return SearchResult(space, list(done.values()), header["minimize"])


def _check_objective(objective: Objective) -> None:
    """Raise TypeError for a function that a new process could not find."""
    from multiprocessing.reduction import ForkingPickler

    hint = "other executors may take it: executor=concurrent.futures.ThreadPoolExecutor(2)"
    function = objective.func if isinstance(objective, functools.partial) else objective
    main = sys.modules["__main__"]
    if getattr(function, "__module__", "") == "__main__" and not getattr(main, "__file__", ""):
        raise TypeError(f"{function!r} is defined interactively, where other processes cannot find it; {hint}")
    try:
        ForkingPickler.dumps(objective)
    except Exception as error:
        raise TypeError(f"{objective!r:.80} cannot be sent to other processes ({error}); {hint}") from error


# -- trials -----------------------------------------------------------------------------------------------------------


def _here() -> tuple[str, int]:
    return platform.node(), os.getpid()


def _try(objective: Objective, point: Point, number: int, home: tuple[str, int]) -> _Outcome:
    """One trial, in whatever process: a process of its own computes on one thread, for the others have their trials.

    ``number`` makes the call different from all others, should an executor keep results.
    """
    if _here() != home:
        set_num_threads(1)
    began = time.perf_counter()
    score, error = None, None
    try:
        score = float(objective(**point))
        if not math.isfinite(score):
            score, error = None, f"the score is {score}"
    except (Exception, SystemExit) as reason:
        error = f"{type(reason).__name__}: {reason}"
    return _Outcome(score, error, round(time.perf_counter() - began, 4))


Outcomes = Generator[tuple[int, _Outcome], None, list[int]]


def _outcomes(
    objective: Objective, points: Mapping[int, Point], executor: Executor | None, workers: int | None
) -> Generator[tuple[int, _Outcome], None, None]:
    """The outcomes of the trials as they end.

    When a process dies, its pool is lost with all trials that it was at: they are tried again one by one, so that only
    the guilty one fails.
    """
    home = _here()
    waiting = deque(points)

    def run(executor: Executor, numbers: deque[int], at_once: int) -> Outcomes:
        return _run(lambda n: executor.submit(_try, objective, points[n], n, home), numbers, at_once)

    if executor is not None:
        lost = yield from run(executor, waiting, workers or len(points))
        waiting.extendleft(reversed(lost))
        if waiting:
            warnings.warn(f"{type(executor).__name__} broke; the search goes on in processes of its own", stacklevel=4)
            _check_objective(objective)
    workers = workers or get_num_threads()
    while waiting:
        with _processes(min(workers, len(waiting))) as pool:
            suspects = yield from run(pool, waiting, workers)
        for number in suspects:
            with _processes(1) as pool:
                if (yield from run(pool, deque([number]), 1)):
                    yield number, _Outcome(None, "the process of the trial died", 0.0)


def _run(submit: Callable[[int], Future[_Outcome]], waiting: deque[int], at_once: int) -> Outcomes:
    """Take numbers from ``waiting`` and yield their outcomes; returns those that were lost when the executor broke."""
    from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait

    running: dict[Future[_Outcome], int] = {}
    lost: list[int] = []
    broken = False
    try:
        while running or (waiting and not broken):
            while waiting and len(running) < at_once and not broken:
                try:
                    running[submit(waiting[0])] = waiting[0]
                    waiting.popleft()
                except BrokenExecutor:
                    broken = True
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                number = running.pop(future)
                try:
                    outcome = future.result()
                except (BrokenExecutor, CancelledError):
                    broken = True
                    lost.append(number)
                    continue
                except Exception as error:  # the executor's own: what it cannot send, a worker that it gave up
                    outcome = _Outcome(None, f"{type(error).__name__}: {error}", 0.0)
                yield number, outcome
    finally:
        for future in running:
            future.cancel()
    return sorted(lost)


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    """A pool of new processes; when the block is left by an exception, they are ended."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    others = set(multiprocessing.active_children())
    # "spawn": a fork would copy whatever locks other threads of this process hold.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_begin_process)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, without a word
