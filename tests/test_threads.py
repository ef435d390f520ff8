"""Work on several threads: every item once, on any number of threads, after a fork, from several Python threads."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from autograd_lite.kernels import threads
from autograd_lite.kernels.places import INSIDE
from autograd_lite.kernels.work import shared


@shared
def count_up(me, start, stop, x, rounds):
    """Add 1 to every item, and take some time over it."""
    for i in range(start, stop):
        angle = float(i)
        for _ in range(rounds):
            angle = math.sin(angle) / 2
        x[i] += 1 + int(angle / 1000)


@shared
def who(me, start, stop, x, rounds):
    """Note in every item which thread had it."""
    for i in range(start, stop):
        angle = float(i)
        for _ in range(rounds):
            angle = math.sin(angle) / 2
        x[i] = me + int(angle / 1000)


@pytest.fixture(autouse=True)
def restored():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def counted(n: int, rounds: int = 1, grain: int = 1) -> np.ndarray:
    x = np.zeros(n, np.int64)
    threads.run(count_up, n, x, rounds, grain=grain)
    return x


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize(("n", "grain"), [(0, 1), (1, 1), (5, 1), (64, 1), (64, 100), (1000, 7)])
def test_every_item_once(count: int, n: int, grain: int) -> None:
    threads.set_num_threads(count)
    for _ in range(20):
        assert counted(n, grain=grain).tolist() == [1] * n


def attempts() -> Iterator[None]:
    """A minute of them: on a busy machine a worker may have to wait for a core."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        yield


def helpers() -> set[int]:
    """Who had the pieces of some work of several milliseconds."""
    x = np.full(64, -9, np.int64)
    threads.run(who, len(x), x, 20_000)
    return set(x.tolist())


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_workers_help_also_when_they_slept(pause: float) -> None:
    threads.set_num_threads(2)
    for _ in attempts():
        time.sleep(pause)
        found = helpers()
        assert found <= {0, 1}
        if found == {0, 1}:
            return
    raise AssertionError("no worker has ever helped")


def test_fewer_threads_need_no_more_workers() -> None:
    threads.set_num_threads(4)
    helpers()
    threads.set_num_threads(2)
    for _ in range(20):
        assert helpers() <= {0, 1}


def test_a_job_keeps_its_number_of_threads() -> None:
    """Its arrays have room for no more, whatever another thread says in the meantime."""
    threads.set_num_threads(4)
    x = np.zeros(64, np.int64)
    for _ in range(20):
        threads.run(who, len(x), x, 20_000, threads=2)
        assert set(x.tolist()) <= {0, 1}


@shared
def fails(me, start, stop, x, rounds, thread):
    """`who`, but for one thread, which raises."""
    if me == thread:
        raise MemoryError("of the worker")
    for i in range(start, stop):
        angle = float(i)
        for _ in range(rounds):
            angle = math.sin(angle) / 2
        x[i] = me + int(angle / 1000)


@pytest.mark.parametrize(("count", "thread"), [(1, 0), (2, 0), (2, 1)])
def test_an_error_in_any_thread_is_raised_by_the_caller(count: int, thread: int) -> None:
    threads.set_num_threads(count)

    def until_it_helps() -> None:
        for _ in attempts():
            threads.run(fails, 64, np.zeros(64, np.int64), 20_000, thread)

    with pytest.raises(MemoryError, match="of the worker"):
        until_it_helps()
    assert helpers() <= {0, 1}


@shared
def first_of_many(me, start, stop, arrays, x):
    x[start:stop] = arrays[0][0]


def test_arguments_that_have_no_room_are_an_error() -> None:
    """They would be written over what threads share."""
    x = np.zeros(3)
    threads.run(first_of_many, 3, (np.ones(1),) * 20, x)
    assert x.tolist() == [1.0] * 3
    with pytest.raises(TypeError, match="first_of_many has too many arguments"):
        threads.run(first_of_many, 3, (np.ones(1),) * 40, x)


def test_ctrl_c_waits_for_a_late_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes to arrays that would be gone."""
    pool = threads._Pool()

    def sleep(seconds: float) -> None:
        if pool.work[INSIDE] == 2:
            pool.work[INSIDE] = 1
            raise KeyboardInterrupt
        pool.work[INSIDE] = 0

    def kernel(work: np.ndarray) -> None:
        work[INSIDE] = 2  # as if two workers were at it

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        pool.run(kernel, (), 1, 1, 1)
    assert pool.work[INSIDE] == 0


@shared
def fails_late(me, start, stop, x, rounds):
    """`who`, but a worker raises after its first piece, which takes it twenty times as long."""
    angle = float(start)
    for _ in range(rounds * (20 if me else 1)):
        angle = math.sin(angle) / 2
    x[start] = me + int(angle / 1000)
    if me:
        raise MemoryError("of a late worker")


def test_an_error_just_after_the_caller_has_looked_is_raised() -> None:
    """It is neither lost nor left to the next kernel."""
    threads.set_num_threads(2)

    def kernel(work: np.ndarray, *args: object) -> object:
        over = fails_late(work, *args)
        while work[INSIDE]:
            time.sleep(1e-3)
        return over

    for _ in attempts():
        x = np.zeros(64, np.int64)
        try:
            threads.run(kernel, len(x), x, 20_000)
        except MemoryError:
            break
        assert 1 not in x.tolist()
    else:
        raise AssertionError("no worker has ever helped")
    assert helpers() <= {0, 1}


def test_ctrl_c_leaves_no_error_to_the_next_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    threads.set_num_threads(2)
    pool, sleep = threads._pool, time.sleep

    def interrupted(seconds: float) -> None:
        while pool.work[INSIDE]:
            sleep(1e-3)
        raise KeyboardInterrupt

    for _ in attempts():
        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", interrupted)
            try:
                threads.run(fails_late, 64, np.zeros(64, np.int64), 20_000)
            except KeyboardInterrupt:
                break
            except MemoryError:  # the worker was in time
                continue
    else:
        raise AssertionError("no worker was ever late")
    pool.alone_until = 0.0
    assert helpers() <= {0, 1}


def test_workers_are_not_asked_while_one_is_at_a_job_that_was_given_up() -> None:
    pool = threads._Pool()
    pool.lent, pool.work[INSIDE] = (np.zeros(1),), 1
    assert not pool.is_free()
    pool.work[INSIDE] = 0
    assert pool.is_free()


def test_from_several_python_threads() -> None:
    threads.set_num_threads(2)
    wrong: list[object] = []

    def use() -> None:
        for _ in range(200):
            x = counted(16, 100)
            if x.tolist() != [1] * 16:
                wrong.append(x)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not wrong


def test_nothing_is_held_afterwards() -> None:
    threads.set_num_threads(2)
    x = np.zeros(64, np.int64)
    before = sys.getrefcount(x)
    threads.run(count_up, 64, x, 1000)
    for _ in attempts():  # a late worker lets go soon
        if sys.getrefcount(x) == before:
            return
        time.sleep(0.01)
    raise AssertionError("the pool still holds the array")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_after_a_fork() -> None:
    program = (
        "import os, warnings; warnings.simplefilter('ignore'); import numpy as np\n"
        "from autograd_lite.kernels import threads; import test_threads as t\n"
        "threads.set_num_threads(2); t.counted(64, 1000); pid = os.fork()\n"
        "ok = t.counted(64, 1000).tolist() == [1] * 64\n"
        "os._exit(0 if ok else 1) if pid == 0 else None\n"
        "assert ok and os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=os.path.dirname(__file__), check=True, timeout=120)


def test_in_a_process_pool() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert [x.tolist() for x in pool.map(counted, [16] * 4)] == [[1] * 16] * 4


def test_pieces_depend_on_the_number_of_threads_only() -> None:
    threads.set_num_threads(1)
    assert threads.pieces(100) == 1
    threads.set_num_threads(2)
    assert threads.pieces(100) == threads.pieces(100) > 1
    assert threads.pieces(100, grain=60) == 1
    assert threads.pieces(0) == 0


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (-1, ValueError), (True, ValueError), (1.5, TypeError)])
def test_a_bad_number_of_threads_changes_nothing(bad: object, error: type[Exception]) -> None:
    before = threads.get_num_threads()
    with pytest.raises(error):
        threads.set_num_threads(bad)
    assert threads.get_num_threads() == before


@pytest.mark.parametrize(("given", "expected"), [("3", "3"), ("", None), ("none", "must be an integer")])
def test_the_environment_variable(given: str, expected: str | None) -> None:
    program = "from autograd_lite.kernels.threads import get_num_threads; print(get_num_threads())"
    env = {**os.environ, "AUTOGRAD_LITE_NUM_THREADS": given}
    done = subprocess.run([sys.executable, "-c", program], check=False, env=env, capture_output=True, text=True)
    if expected is None:
        assert int(done.stdout) >= 1
    else:
        assert expected in done.stdout + done.stderr
