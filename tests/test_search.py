"""Hyperparameter search: spaces, executors, failures, resuming, ranking, and what it is good for."""

from __future__ import annotations

import csv
import functools
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import fails, run
from search_objectives import bowl, choosy, deadly, number_of_threads

from autograd_lite.kernels import threads
from nn import search
from nn.search import (
    SHEET,
    Choice,
    Integer,
    LogUniform,
    OneMinusLogUniform,
    PowerOfTwo,
    SearchError,
    SearchResult,
    Trial,
    Uniform,
)
from nn.search_command import train_and_score

LR = {"lr": LogUniform(1e-5, 1.0)}
TWO = {"lr": LogUniform(1e-5, 1.0), "other": Uniform(0.0, 1.0)}


class Here(Executor):
    """Runs what it is given at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Foreign(Executor):
    """As MPI and Dask do: calls travel pickled, keywords may mean something else, and the last is ready first."""

    def __init__(self, breaks_after: float = math.inf) -> None:
        self.todo: list[tuple[Future[Any], bytes]] = []
        self.pool = ThreadPoolExecutor(1)
        self.breaks_after = breaks_after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        assert not kwargs
        future: Future[Any] = Future()
        self.todo.append((future, pickle.dumps((fn, args))))
        self.pool.submit(self._run_last)
        return future

    def _run_last(self) -> None:
        future, call = self.todo.pop()
        self.breaks_after -= 1
        if self.breaks_after < 0:
            future.set_exception(BrokenExecutor("the network is gone"))
        elif future.set_running_or_notify_cancel():
            fn, args = pickle.loads(call)
            future.set_result(pickle.loads(pickle.dumps(fn(*args))))


# -- spaces -----------------------------------------------------------------------------------------------------------


def drawn(space: search.Space, n: int = 4000) -> list[Any]:
    rng = np.random.default_rng(0)
    return [space.at(rng.random()) for _ in range(n)]


def test_log_uniform_has_as_many_values_in_each_decade() -> None:
    found = np.log10(drawn(LogUniform(1e-5, 1.0)))
    counts, _ = np.histogram(found, bins=5, range=(-5, 0))
    assert counts.sum() == 4000
    assert counts.min() > 700


def test_momentum_is_one_minus_a_power_of_ten() -> None:
    found = drawn(OneMinusLogUniform(0.0, 0.9999999))
    counts, _ = np.histogram(-np.log10(1 - np.array(found)), bins=7, range=(0, 7.001))
    assert counts.sum() == 4000
    assert counts.min() > 480
    assert OneMinusLogUniform(0.0, 0.9999999).grid(8) == pytest.approx([1 - 10.0**-n for n in range(8)], abs=1e-9)


def test_whole_numbers_are_equally_likely_from_end_to_end() -> None:
    values, counts = np.unique(drawn(Integer(-2, 5)), return_counts=True)
    assert list(values) == list(range(-2, 6))
    assert counts.min() > 400
    decades = np.log2(drawn(Integer(1, 255, log=True)))
    assert np.median(decades) == pytest.approx(4, abs=0.3)
    values, counts = np.unique(drawn(PowerOfTwo(8, 256)), return_counts=True)
    assert list(values) == [8, 16, 32, 64, 128, 256]
    assert counts.min() > 550
    values, counts = np.unique(drawn(Choice("a", "b", "c")), return_counts=True)
    assert list(values) == ["a", "b", "c"]
    assert counts.min() > 1200


@pytest.mark.parametrize("space", [*SHEET.values(), Uniform(-1.0, 3.0), Integer(3, 3), LogUniform(2, 2)], ids=repr)
def test_the_ends_belong_to_a_space(space: Any) -> None:
    assert space.at(0.0) == space.low
    assert space.at(1.0) == space.high
    assert all(space.low <= value <= space.high for value in drawn(space, 500))
    assert len(space.grid(4)) == (1 if space.low == space.high else 4)


def test_grids() -> None:
    assert Integer(1, 4).grid(4) == [1, 2, 3, 4]
    assert Integer(1, 4).grid(9) == [1, 2, 3, 4]
    assert Choice("x", True, None).grid(3) == ["x", True, None]
    assert Uniform(0, 1).grid(1) == [0.5]


def test_the_sheets_list_is_complete() -> None:
    assert list(SHEET) == ["lr", "momentum", "hidden", "batch_size", "layers", "decay", "beta1", "beta2", "eps"]
    assert (SHEET["lr"].low, SHEET["lr"].high) == (1e-5, 1.0)
    assert (SHEET["momentum"].low, SHEET["momentum"].high) == (0.0, 0.9999999)


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: LogUniform(0.0, 1.0), "low ≤ high"), (lambda: LogUniform(1.0, 0.1), "got 1.0 and 0.1"),
     (lambda: OneMinusLogUniform(0.5, 1.0), "low ≤ high"), (lambda: Uniform(0, math.inf), "low ≤ high"),
     (lambda: Uniform(math.nan, 1), "low ≤ high"), (lambda: Integer(0, 4, log=True), "low ≤ high"),
     (lambda: PowerOfTwo(8, 24), "powers of 2, got 24"), (lambda: PowerOfTwo(0, 8), "low ≤ high"),
     (Choice, "at least one value")],
)  # fmt: skip
def test_impossible_spaces(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_ends_of_the_wrong_type() -> None:
    for make in (lambda: Integer(1.0, 2), lambda: PowerOfTwo(8, "9"), lambda: Uniform("a", 1), lambda: Choice([1])):
        with pytest.raises(TypeError, match=r"needs|takes"):
            make()


# -- points and executors ---------------------------------------------------------------------------------------------


def test_points_depend_on_the_seed_and_the_number_only(tmp_path: Path) -> None:
    reference = search.random_search(bowl, TWO, 12, Here(), seed=5)
    for executor in (ThreadPoolExecutor(3), Foreign()):
        found = search.random_search(bowl, TWO, 12, executor, seed=5)
        assert [t[:3] for t in found.trials] == [t[:3] for t in reference.trials]
    more = search.random_search(bowl, TWO, 20, Here(), seed=5)
    assert [t.point for t in more.trials[:12]] == [t.point for t in reference.trials]
    other = search.random_search(bowl, TWO, 12, Here(), seed=6)
    assert not {t.point["lr"] for t in other.trials} & {t.point["lr"] for t in reference.trials}


def test_processes_find_the_same() -> None:
    reference = search.random_search(bowl, TWO, 6, Here(), seed=5)
    found = search.random_search(bowl, TWO, 6, seed=5, workers=2)
    assert [t[:4] for t in found.trials] == [t[:4] for t in reference.trials]


def test_an_executor_gets_no_more_than_it_may_hold() -> None:
    class Counting(Foreign):
        most = 0

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.most = max(self.most, len(self.todo) + 1)
            return super().submit(fn, *args, **kwargs)

    counting = Counting()
    assert len(search.random_search(bowl, LR, 10, counting, workers=1)) == 10
    assert counting.most == 1


def test_a_grid_is_complete_and_in_order() -> None:
    found = search.grid_search(bowl, TWO, 3, Here())
    assert len(found) == 9
    assert [t.point["other"] for t in found.trials] == [0.0, 0.5, 1.0] * 3
    assert len({t.point["lr"] for t in found.trials}) == 3


# -- trials that fail -------------------------------------------------------------------------------------------------


def check_failures(found: SearchResult) -> None:
    errors = {t.point["n"]: t.error for t in found.trials}
    assert errors == {0: None, 1: "ValueError: one is not liked", 2: "SystemExit: 3", 3: "the score is nan",
                      4: "Unsendable: unsendable", 5: None}  # fmt: skip
    assert [t.point["n"] for t in found.ranked[:2]] == [5, 0]
    assert len(found.failures) == 4
    assert "4 of 6 trials failed; the first: ValueError: one is not liked" in str(found)


def test_a_failed_trial_is_recorded() -> None:
    check_failures(search.grid_search(choosy, {"n": Integer(0, 5)}, 6, Here()))


def test_a_failed_trial_is_recorded_by_processes() -> None:
    check_failures(search.grid_search(choosy, {"n": Integer(0, 5)}, 6, workers=2))


def test_a_dead_process_is_a_failed_trial(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    found = search.grid_search(deadly, {"n": Integer(0, 7)}, 8, workers=2, path=path)
    assert [t.score for t in found.trials] == [0, 1, None, 3, 4, 5, 6, None]
    assert {t.error for t in found.failures} == {"the process of the trial died"}
    assert len(path.read_text().splitlines()) == 9


def test_an_executor_that_breaks_is_replaced() -> None:
    reference = search.random_search(bowl, LR, 6, Here())
    with pytest.warns(UserWarning, match="Foreign broke; the search goes on in processes of its own"):
        found = search.random_search(bowl, LR, 6, Foreign(breaks_after=2), workers=2)
    assert [t[:4] for t in found.trials] == [t[:4] for t in reference.trials]


def test_what_the_executor_cannot_do_is_the_trials_failure() -> None:
    class Refusing(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(ConnectionError("worker lost"))
            return future

    found = search.random_search(bowl, LR, 2, Refusing())
    assert [t.error for t in found.trials] == ["ConnectionError: worker lost"] * 2
    with pytest.raises(ValueError, match="none of 2 trials has a score; the first error is ConnectionError"):
        _ = found.best


def test_each_process_has_one_thread(threads_restored: None) -> None:
    threads.set_num_threads(3)
    assert [t.score for t in search.grid_search(number_of_threads, {"n": Integer(0, 1)}, 2, workers=2).trials] == [1, 1]
    assert [t.score for t in search.grid_search(number_of_threads, {"n": Integer(0, 1)}, 2, Here()).trials] == [3, 3]


def test_an_interrupted_search_keeps_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"

    def interrupt(trial: Trial) -> None:
        if trial.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search.random_search(bowl, LR, 10, Here(), workers=1, path=path, after_trial=interrupt)
    assert [t.number for t in SearchResult.load(path, LR).trials] == [0, 1, 2, 3]


# -- the file ---------------------------------------------------------------------------------------------------------


def counted(calls: list[float]) -> Callable[..., float]:
    def objective(lr: float) -> float:
        calls.append(lr)
        return bowl(lr)

    return objective


def test_a_search_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    reference = search.random_search(bowl, LR, 9, Here(), seed=2)
    calls: list[float] = []
    search.random_search(counted(calls), LR, 4, ThreadPoolExecutor(2), seed=2, path=path)
    assert len(calls) == 4
    found = search.random_search(counted(calls), LR, 9, Here(), seed=2, path=path)
    assert len(calls) == 9
    assert [t[:4] for t in found.trials] == [t[:4] for t in reference.trials]
    search.random_search(counted(calls), LR, 9, Here(), seed=2, path=path)
    assert len(calls) == 9
    assert len(search.random_search(counted(calls), LR, 3, Here(), seed=2, path=path)) == 3


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_forgotten(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.jsonl"
    search.random_search(bowl, LR, 4, Here(), path=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    calls: list[float] = []
    assert len(search.random_search(counted(calls), LR, 4, Here(), path=path)) == 4
    assert len(calls) == 1
    strip = functools.partial(re.sub, rb'"seconds": [^}]*', b"")
    assert strip(path.read_bytes()) == strip(whole)


def test_a_torn_header_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    search.random_search(bowl, LR, 1, Here(), path=path)
    header = path.read_bytes().splitlines()[0]
    path.write_bytes(header[:30])
    search.random_search(bowl, LR, 1, Here(), path=path)
    assert path.read_bytes().splitlines()[0] == header


def test_a_grid_goes_on_only_in_the_same_order(tmp_path: Path) -> None:
    """The order of the spaces numbers the points: in another one some would be tried twice and others never."""
    path, parts = tmp_path / "grid.jsonl", {"a": Integer(1, 2), "b": Integer(1, 3)}

    def objective(a: int, b: int) -> float:
        return a + b

    search.grid_search(objective, parts, 3, Here(), path=path)
    before = path.read_bytes()
    with pytest.raises(SearchError, match="its space is"):
        search.grid_search(objective, dict(reversed(parts.items())), 3, Here(), path=path)
    assert path.read_bytes() == before


def test_the_file_of_another_search_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    search.random_search(bowl, LR, 2, Here(), path=path, settings={"epochs": 3})
    before = path.read_bytes()
    for change, message in [
        ({"seed": 1}, "its seed is 0, not 1"), ({"minimize": True}, "its minimize is False, not True"),
        ({"settings": {"epochs": 4}}, "its settings is {'epochs': 3}, not {'epochs': 4}"),
    ]:  # fmt: skip
        with pytest.raises(SearchError, match=re.escape(message)):
            search.random_search(bowl, LR, 2, Here(), path=path, **{"settings": {"epochs": 3}, **change})
    with pytest.raises(SearchError, match="its space is"):
        search.random_search(bowl, TWO, 2, Here(), path=path, settings={"epochs": 3})
    with pytest.raises(SearchError, match="its kind is 'random', not 'grid'"):
        search.grid_search(bowl, LR, 2, Here(), path=path, settings={"epochs": 3})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b'{"a": 1}\n', b"[1]\n", b"\xff\xfe\n"])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(SearchError, match="notes is"):
        search.random_search(bowl, LR, 2, Here(), path=path)
    assert path.read_bytes() == content


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    search.random_search(bowl, LR, 3, Here(), path=path)
    lines = path.read_bytes().splitlines()
    for bad in (b"{", b'{"number": 1}', b"7"):
        path.write_bytes(b"\n".join([*lines[:2], bad, *lines[3:], b""]))
        with pytest.raises(SearchError, match="damaged in line 3"):
            search.random_search(bowl, LR, 3, Here(), path=path)


# -- results ----------------------------------------------------------------------------------------------------------


def result_of(scores: list[float | None], minimize: bool = False, **values: list[Any]) -> SearchResult:
    """A result from its columns."""
    space = {
        name: Choice(*column) if isinstance(column[0], str) else Uniform(-1e9, 1e9) for name, column in values.items()
    }
    trials = [
        Trial(i, {name: column[i] for name, column in values.items()}, score, None if score is not None else "E", 0.1)
        for i, score in enumerate(scores)
    ]
    return SearchResult(space, trials[::-1], minimize)


def test_the_ranking() -> None:
    found = result_of([2.0, None, 5.0, 2.0], x=[1, 2, 3, 4])
    assert [t.number for t in found.trials] == [0, 1, 2, 3]
    assert [t.number for t in found.ranked] == [2, 0, 3, 1]
    assert found.best.point == {"x": 3}
    assert [t.number for t in result_of([2.0, None, 5.0, 2.0], minimize=True, x=[1, 2, 3, 4]).ranked] == [0, 3, 2, 1]


def test_the_table(tmp_path: Path) -> None:
    lines = str(result_of([0.25, 0.5, None], x=[0.1, 0.9999999, 3.0])).splitlines()
    assert lines[0].split() == ["trial", "score", "x", "seconds"]
    assert lines[2].split() == ["1", "0.5", "0.9999999", "0.1"]
    assert lines[3].split() == ["0", "0.25", "0.1", "0.1"]
    assert lines[4].split() == ["2", "failed", "3", "0.1"]
    assert lines[5] == "1 of 3 trials failed; the first: E"
    many = result_of([float(i) for i in range(25)], x=list(range(25)))
    assert str(many).splitlines()[-1] == "… and 5 more trials"
    assert many._repr_html_().count("<tr>") == 21
    many.write_csv(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["score"]) for row in rows] == sorted(range(25), reverse=True)


def test_importance_by_hand() -> None:
    """Two groups of five; ranks 1 to 5 and 6 to 10: SSW = 10 + 10, SST = 82.5, ε² = 1 − (20/8) / (82.5/9)."""
    found = result_of([float(i) for i in range(10)], group=["a"] * 5 + ["b"] * 5, none=["c"] * 10)
    assert found.importance() == pytest.approx({"group": 1 - (20 / 8) / (82.5 / 9), "none": 0.0})
    assert list(result_of([1.0] * 10, group=["a"] * 5 + ["b"] * 5).importance().values()) == [0.0]


def test_importance_of_equal_values_and_failures() -> None:
    """Failed trials are the worst, equal scores share a rank, and the direction does not matter."""
    scores: list[float | None] = [None, None, None, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    x = ["a"] * 3 + ["b"] * 3 + ["c"] * 4
    assert result_of(scores, x=x).importance()["x"] == 1.0
    worse = [None if s is None else -s for s in scores]
    assert result_of(worse, minimize=True, x=x).importance()["x"] == 1.0


def test_importance_finds_what_matters() -> None:
    space = {"noise": Uniform(0, 1), "lr": LogUniform(1e-5, 1.0), "other": Integer(1, 9), "kind": Choice("a", "b")}
    for seed in range(5):
        found = search.random_search(
            lambda lr, noise, other, kind: bowl(lr) + 0.02 * noise + 0.02 * other / 9, space, 60, Here(), seed=seed
        )
        shares = found.importance()
        first, second = list(shares.items())[:2]
        assert first[0] == "lr"
        assert first[1] > 0.5
        assert second[1] < 0.3


def test_importance_of_chance_is_about_nothing() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        found = result_of(list(rng.random(40)), x=list(rng.random(40)))
        shares += found.importance().values()
    assert np.mean(shares) < 0.05
    assert np.quantile(shares, 0.95) < 0.25


def test_importance_needs_trials() -> None:
    with pytest.raises(ValueError, match="at least 10 trials, got 9"):
        result_of([1.0] * 9, x=list(range(9))).importance()


def test_the_plot(tmp_path: Path) -> None:
    space = {"lr": LogUniform(1e-5, 1.0), "momentum": OneMinusLogUniform(0.0, 0.999), "kind": Choice("a", "b"),
             "n": Integer(0, 9), "m": PowerOfTwo(1, 8)}  # fmt: skip
    found = search.random_search(
        lambda lr, momentum, kind, n, m: bowl(lr) if n else math.nan, space, 40, Here(), seed=1
    )  # fmt: skip
    assert found.failures
    figure = found.plot(tmp_path / "p.svg")
    assert "<svg" in (tmp_path / "p.svg").read_text(encoding="utf-8")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert shown[0].get_xlabel() == "lr"
    assert {a.get_xlabel(): a.get_xscale() for a in shown} == {"lr": "log", "1 − momentum": "log", "kind": "linear",
                                                               "n": "linear", "m": "log"}  # fmt: skip
    for axes in shown:
        points, ring, crosses = axes.lines
        assert len(points.get_xdata()) + len(crosses.get_xdata()) == 40
        assert ring.get_ydata()[0] == found.best.score
    with pytest.raises(ValueError, match="none of 1 trials"):
        result_of([None], x=[1]).plot()
    assert result_of([1.0], x=[1]).plot().axes


# -- random against grid ----------------------------------------------------------------------------------------------


def test_random_search_beats_the_grid_at_equal_budget() -> None:
    """One of three hyperparameters matters, its best value lies anywhere  (Bergstra & Bengio 2012, figure 1)."""
    space = {"lr": LogUniform(1e-5, 1.0), "a": Uniform(0, 1), "b": Uniform(0, 1)}
    random, grid = [], []
    for seed in range(20):
        peak = 10 ** np.random.default_rng(seed).uniform(-5, 0)

        def objective(lr: float, a: float, b: float, peak: float = peak) -> float:
            return bowl(lr, a + b, peak)

        grid.append(search.grid_search(objective, space, 3, Here()).best.score)
        random.append(search.random_search(objective, space, 27, Here(), seed=seed).best.score)
    assert np.mean(np.array(random) > grid) >= 0.75
    assert np.mean(random) > np.mean(grid) + 0.2


# -- errors -----------------------------------------------------------------------------------------------------------


def test_errors(tmp_path: Path) -> None:
    for trials in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="trials must be a whole number of at least 1"):
            search.random_search(bowl, LR, trials, Here())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="steps must be"):
        search.grid_search(bowl, LR, 0, Here())
    with pytest.raises(ValueError, match="workers must be"):
        search.random_search(bowl, LR, 1, Here(), workers=0)
    with pytest.raises(TypeError, match=r"lr must have a space like LogUniform\(1e-5, 1.0\), not 0.1"):
        search.random_search(bowl, {"lr": 0.1}, 1, Here())  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="at least one name"):
        search.random_search(bowl, {}, 1, Here())
    path = tmp_path / "t.jsonl"
    with pytest.raises(TypeError, match=r"cannot be sent to other processes .*; other executors may take it"):
        search.random_search(lambda lr: lr, LR, 1, path=path)
    assert not path.exists()


def test_a_function_of_a_notebook_needs_threads() -> None:
    code = (
        "import nn.search as s\n"
        "def f(lr): return lr\n"
        "try:\n    s.random_search(f, {'lr': s.Uniform(0, 1)}, 1)\n"
        "except TypeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "is defined interactively, where other processes cannot find it" in done.stdout


# -- the command ------------------------------------------------------------------------------------------------------

QUICK = ["--epochs", "1", "--workers", "1", "--no-progress"]


def test_a_trial_sees_no_test_image(monkeypatch: pytest.MonkeyPatch) -> None:
    from nn import search_command
    from nn.data import digits

    train, _ = digits()
    parts = search_command._split("digits", None, 0)
    rows = np.concatenate([part.indices for part in parts])
    assert sorted(rows) == list(range(len(train)))
    assert all(np.array_equal(part.dataset.tensors[1].numpy(), train.tensors[1].numpy()) for part in parts)
    assert len(parts[1]) == round(0.2 * len(train))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_good_point_learns(optimizer: str) -> None:
    rest = {"momentum": 0.9} if optimizer == "sgd" else {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    fixed = {"task": "digits", "data": None, "epochs": 5, "optimizer": optimizer, "seed": 0}
    point = {"lr": 0.1 if optimizer == "sgd" else 0.005, "hidden": 64, "batch_size": 32, "layers": 1, "decay": 0.01}
    assert train_and_score(**fixed, **point, **rest) > 0.9
    assert train_and_score(**fixed, **{**point, "lr": 1e-9}, **rest) < 0.3


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["search", "digits", *QUICK, "--out", tmp_path, "--seed", 3]
    code, out, err = run(capsys, *argv, "--trials", 2)
    assert (code, err) == (0, "")
    folder = tmp_path / "digits-search"
    assert sorted(p.name for p in folder.iterdir()) == ["results.csv", "search.svg", "trials.jsonl"]
    assert "E. Alpaydin & C. Kaynak" in out
    assert "importance of hyperparameters needs at least 10 trials, got 2" in out
    assert len(re.findall(r"^trial \d", out, re.MULTILINE)) == 2
    code, out, _ = run(capsys, *argv[:2], *QUICK[2:], "--out", tmp_path, "--trials", 10, "--resume")
    assert code == 0
    assert len(re.findall(r"^trial \d", out, re.MULTILINE)) == 8
    assert "importance: the share" in out
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    assert lines[0]["settings"] == {"task": "digits", "epochs": 1, "optimizer": "adam"}
    assert sorted(line["number"] for line in lines[1:]) == list(range(10))
    assert "beta1" in lines[0]["space"]
    assert "momentum" not in lines[0]["space"]
    fails(capsys, 1, "its seed is 3, not 4", *argv[:-1], 4, "--resume")
    fails(capsys, 1, "no search to resume", *argv, "--resume", "--name", "x")
    fails(capsys, 1, "exists already", *argv, "--name", "digits-search")
    fails(capsys, 2, "digits is built in", *argv, "--data", tmp_path)


def test_a_line_of_the_command_tells_numbers_near_1_apart() -> None:
    from nn import search_command

    trial = search.Trial(7, {"lr": 0.012345, "beta2": 0.99983}, 0.5, None, 1.0)
    assert search_command._line(trial) == "trial 7: 50.00%   lr 0.0123, beta2 0.99983"


def test_ctrl_c_keeps_what_was_done(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "nn", "search", "digits", *QUICK, "--out", str(tmp_path), "--trials", "1000"]
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("trial 1:"):
            break
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    match = re.fullmatch(r"autograd-lite: interrupted after (\d+) of 1000 trials; to go on: (.*--resume)\n", err)
    assert match, err
    lines = (tmp_path / "digits-search" / "trials.jsonl").read_text().splitlines()
    assert len(lines) - 1 == int(match[1]) >= 2
    assert "results.csv" in out
    assert not [line for line in lines[1:] if json.loads(line)["error"]], "no trial failed by the interruption"
