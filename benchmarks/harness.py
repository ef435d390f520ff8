"""How a case is measured: the libraries in turn (A B A B …), medians, and the ratio of each round's pair."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

OURS = "autograd_lite"
PEERS = ("torch", "jax", "autograd", "mygrad", "micrograd", "numpy")
TITLES = {"torch": "PyTorch", "jax": "JAX", "autograd": "HIPS autograd", "mygrad": "MyGrad", "micrograd": "micrograd",
          "numpy": "NumPy"}  # fmt: skip

PAUSE, TURN = 0.25, 0.15  # seconds
SECONDS = {"µs": 1e6, "ms": 1e3, "s": 1.0}  # of a unit in one

Step = Callable[[], object]  # one repetition of what is timed


@dataclass
class Case:
    """What is compared: for each library a function that prepares it and returns the step to time."""

    name: str
    unit: str  # "µs", "ms", "s", "MB"
    makers: dict[str, Callable[[], Step]]
    per: int = 1  # operations in one step
    goal: float | None = None  # largest wanted ratio
    against: str = "torch"  # the peer of the ratio
    seconds: float = 2.0  # for each library
    values: dict[str, Callable[[], float]] = field(default_factory=dict)  # measured otherwise, not by a step
    flops: float | None = None  # operations of one step, by the definition of what it computes


@dataclass
class Row:
    """The outcome: medians in the case's unit, and the median of the rounds' ratios to the case's peer."""

    case: Case
    medians: dict[str, float]
    ratio: float | None
    notes: list[str]

    def seconds(self, name: str) -> float:
        """The median time of a library in seconds."""
        return self.medians[name] / SECONDS[self.case.unit] * self.case.per


def installed(peer: str) -> bool:
    """Whether a peer can be imported, without importing it."""
    return importlib.util.find_spec(peer) is not None


def run(case: Case) -> Row:
    """Measure one case for every library that is installed."""
    names = list(case.values or case.makers)
    missing = [name for name in names if name != OURS and not installed(name)]
    names = [name for name in names if name not in missing]
    notes = [f"{TITLES[name]} is not installed" for name in missing]
    if case.values:
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(5):
            for name in names:
                times[name].append(case.values[name]())
        return _row(case, times, notes, scale=1.0)
    steps: dict[str, Step] = {}
    for name in names:
        try:
            steps[name] = case.makers[name]()
            for _ in range(3):
                steps[name]()
        except RecursionError:
            notes.append(f"{TITLES[name]}: RecursionError")
            steps.pop(name, None)
    times = _in_turn(steps, case.seconds)
    return _row(case, times, notes, SECONDS[case.unit] / case.per)


def _in_turn(steps: dict[str, Step], seconds: float) -> dict[str, list[float]]:
    """Rounds in which every library has its turn, until each has had its time; at least 3 rounds."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    until = time.perf_counter() + seconds * len(steps)
    for count in range(1000):
        if count >= 3 and time.perf_counter() > until:
            break
        for name, step in steps.items():
            times[name].append(_turn(step))
    return times


def _turn(step: Step) -> float:
    """The median time of the steps of one turn.

    A library's worker threads go on spinning for a while after their last work; alternating single steps would measure
    them, so each turn first waits, then warms up.
    """
    gc.collect(0)
    time.sleep(PAUSE)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 1 or time.perf_counter() - began < TURN:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[len(times) // 5 :])


def _row(case: Case, times: dict[str, list[float]], notes: list[str], scale: float) -> Row:
    medians = {name: statistics.median(values) * scale for name, values in times.items()}
    ratio = None
    if case.against in times:
        ratio = statistics.median([ours / peer for ours, peer in zip(times[OURS], times[case.against], strict=True)])
    return Row(case, medians, ratio, notes)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    columns = [OURS, *PEERS]
    lines = [
        f"| case | unit | autograd_lite | {' | '.join(TITLES[p] for p in PEERS)} | ratio to PyTorch | goal | GFLOP/s |",
        "|---|---|" + "---|" * (len(columns) + 3),
    ]
    for row in rows:
        cells = [f"{row.medians[c]:.3g}" if c in row.medians else "–" for c in columns]
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
        if row.case.against != "torch" and row.ratio is not None:
            ratio = f"{row.ratio:.3f} to {TITLES[row.case.against]}"
        goal = "–" if row.case.goal is None else f"≤ {row.case.goal:.2f}"
        speed = "–" if row.case.flops is None else f"{row.case.flops / row.seconds(OURS) / 1e9:.0f}"
        lines.append(f"| {row.case.name} | {row.case.unit} | {' | '.join(cells)} | {ratio} | {goal} | {speed} |")
    return "\n".join(lines)


def geometric_mean(rows: Sequence[Row], names: Sequence[str]) -> float | None:
    """The geometric mean of the ratios of some cases, or None if one was not measured."""
    ratios = [row.ratio for row in rows if row.case.name in names and row.ratio]
    return statistics.geometric_mean(ratios) if ratios and len(ratios) == len(names) else None


def machine() -> str:
    """The machine and the versions, for the head of the results."""
    lines = [f"- {platform.platform()}, Python {platform.python_version()}", f"- {_cpu()}, {os.cpu_count()} cores"]
    names = ["numba", *(p for p in PEERS if installed(p))]
    lines.append("- " + ", ".join(f"{n} {_version(n)}" for n in names))
    lines.append(f"- load average before: {', '.join(f'{x:.2f}' for x in os.getloadavg())}")
    return "\n".join(lines)


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def in_process(program: str) -> dict[str, float]:
    """Run a program in a fresh interpreter; it prints a JSON object, to which the wall time is added as ``wall``."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}
