"""What a search found: its trials, best first, what mattered, and the file that keeps them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..plot import DARK, FINE, WRONG, new_figure, write_figure
from ..table import html_table, text_table, write_csv
from .spaces import Choice, Integer, Point, PowerOfTwo, Space, Spaces

__all__ = ["Journal", "SearchError", "SearchResult", "Trial", "shown"]

FORMAT = "autograd_lite search 1"
SHOWN = 20  # rows of a printed table
FEWEST, BINS, IN_A_BIN = 10, 5, 3  # for the importance: trials, bins at most, trials in each on the average
COLUMNS = 4  # of a plot


class SearchError(Exception):
    """A file of results that is damaged, or of another search."""


class Trial(NamedTuple):
    """One point that was tried: its score, or the error that it ended with."""

    number: int
    point: Point
    score: float | None
    error: str | None
    seconds: float


class SearchResult:
    """The trials of a search in the order of their numbers; prints as a table, the best first."""

    def __init__(self, space: Spaces, trials: Sequence[Trial], minimize: bool = False) -> None:
        self.space, self.minimize = dict(space), minimize
        self.trials = sorted(trials, key=lambda trial: trial.number)

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def ranked(self) -> list[Trial]:
        """The trials, the best first and those that failed last."""
        sign = 1 if self.minimize else -1
        return sorted(self.trials, key=lambda t: (math.inf if t.score is None else sign * t.score, t.number))

    @property
    def failures(self) -> list[Trial]:
        """The trials that ended with an error."""
        return [trial for trial in self.trials if trial.score is None]

    @property
    def best(self) -> Trial:
        """The trial with the best score.  Raises ValueError if there is none."""
        if len(self.failures) == len(self.trials):
            why = f"; the first error is {self.trials[0].error}" if self.trials else ""
            raise ValueError(f"none of {len(self.trials)} trials has a score{why}")
        return self.ranked[0]

    # -- as text ------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "\n".join([*text_table(self._cells(), left=0), *self._below()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(self._cells(), self._below())

    def _cells(self) -> list[list[str]]:
        cells = [["trial", "score", *self.space, "seconds"]]
        for trial in self.ranked[:SHOWN]:
            score = "failed" if trial.score is None else f"{trial.score:.5g}"
            values = [shown(trial.point[name]) for name in self.space]
            cells.append([str(trial.number), score, *values, f"{trial.seconds:.1f}"])
        return cells

    def _below(self) -> list[str]:
        lines = [f"… and {len(self) - SHOWN} more trials"] if len(self) > SHOWN else []
        if self.failures:
            lines.append(f"{len(self.failures)} of {len(self)} trials failed; the first: {self.failures[0].error}")
        return lines

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write all trials as a table of CSV, the best first."""
        rows: list[list[Any]] = [["trial", "score", *self.space, "seconds", "error"]]
        for trial in self.ranked:
            values = [trial.point[name] for name in self.space]
            rows.append([trial.number, trial.score, *values, trial.seconds, trial.error])
        write_csv(path, rows)

    # -- what mattered ------------------------------------------------------------------------------------------------

    def importance(self) -> dict[str, float]:
        """For each hyperparameter, the share of the scores' variation that it explains by itself, the largest first.

        The scores are replaced by their ranks, so that one terrible score does not count for all, and a failed trial is
        the worst; small differences between many trials then count as well as large ones.  The values of a
        hyperparameter are put into bins of equal size, at most five.  The share is
        ``ε² = 1 − (SSW / (n − k)) / (SST / (n − 1))``: what of the ranks' variance does not lie within the k bins,
        corrected for what n trials show by chance (Kelley 1935); 0 means none.  What it does not see: hyperparameters
        that matter only together with another, effects inside a bin, and anything where trials are few: below some 30,
        shares of 0.1 are chance.  Shares need not add up to 1.

        Raises ValueError for fewer than ten trials.
        """
        n = len(self.trials)
        if n < FEWEST:
            raise ValueError(f"the importance of hyperparameters needs at least {FEWEST} trials, got {n}")
        sign = -1.0 if self.minimize else 1.0
        ranks = _ranks(np.array([-math.inf if t.score is None else sign * t.score for t in self.trials]))
        shares = {}
        for name, space in self.space.items():
            values = [trial.point[name] for trial in self.trials]
            shares[name] = _explained(ranks, _bins(values, isinstance(space, Choice)))
        return dict(sorted(shares.items(), key=lambda pair: -pair[1]))

    # -- as a picture -------------------------------------------------------------------------------------------------

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The score against each hyperparameter, the most important first; returns the Figure, written to ``path``.

        The best trial is ringed; failed ones are crosses at the edge of the worst scores.  Raises ImportError without
        matplotlib (extra ``viz``), ValueError if no trial has a score.
        """
        best = self.best
        enough = len(self.trials) >= FEWEST
        shares = self.importance() if enough else dict.fromkeys(self.space, 0.0)
        columns = min(COLUMNS, len(shares))
        rows = -(-len(shares) // columns)
        figure = new_figure(2.6 * columns + 0.6, 2.4 * rows + 0.2)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        scored = [trial for trial in self.trials if trial.score is not None]
        for axes, (name, share) in zip(grid.flat, shares.items(), strict=False):
            space = self.space[name]
            label, _ = space.place(name, best.point[name])
            axes.plot([space.place(name, t.point[name])[1] for t in scored], [t.score for t in scored], "o", color=FINE,
                      alpha=0.6, markersize=4)  # fmt: skip
            axes.plot([space.place(name, best.point[name])[1]], [best.score], "o", color="none", markersize=9,
                      markeredgecolor=DARK)  # fmt: skip
            lost = [space.place(name, t.point[name])[1] for t in self.failures]
            edge = 0.97 if self.minimize else 0.03
            axes.plot(lost, [edge] * len(lost), "x", color=WRONG, markersize=5, transform=axes.get_xaxis_transform())
            axes.set_xlabel(label)
            _scale(axes, space)
            axes.set_title(f"importance {share:.2f}" if enough else "", fontsize="small")
            axes.grid(alpha=0.3)
        for axes in grid.flat[len(shares) :]:
            axes.set_visible(False)
        for row in grid:
            row[0].set_ylabel("score")
        write_figure(figure, path)
        return figure

    @classmethod
    def load(cls, path: str | os.PathLike[str], space: Spaces) -> SearchResult:
        """The trials that a search has written to ``path`` so far.  Raises OSError, SearchError."""
        journal = Journal(path)
        return cls(space, journal.trials, bool(journal.header.get("minimize")))


def _scale(axes: Any, space: Space) -> None:
    """The x axis that suits a space: logarithmic, whole numbers at powers of 2, or linear."""
    whole = isinstance(space, (Integer, PowerOfTwo))
    if space.log:
        axes.set_xscale("log", base=2 if whole else 10)
        axes.xaxis.set_minor_formatter("")
    elif whole:
        axes.xaxis.get_major_locator().set_params(integer=True)
    if whole:
        axes.xaxis.set_major_formatter("{x:.0f}")


def shown(value: Any) -> str:
    """A value for a reader; numbers just below 1 keep the digits that tell them apart."""
    if isinstance(value, float):
        digits = 3 if not 0.9 < value < 1 else 3 + round(-math.log10(1 - value))
        return f"{value:.{digits}g}"
    return str(value)


# -- importance -------------------------------------------------------------------------------------------------------


def _ranks(values: np.ndarray) -> np.ndarray:
    """1 for the smallest …; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _bins(values: list[Any], categorical: bool) -> np.ndarray:
    """The bin of each value: by itself if there are few different ones, else bins of equal size, in order."""
    _, inverse, counts = np.unique([str(v) for v in values] if categorical else values, return_inverse=True,
                                   return_counts=True)  # fmt: skip
    bins = min(BINS, len(values) // IN_A_BIN)
    if categorical or len(counts) <= bins:
        return np.asarray(inverse)
    before = np.cumsum(counts) - counts  # how many are smaller: equal values stay together
    return (before * bins // len(values))[inverse]


def _explained(ranks: np.ndarray, bins: np.ndarray) -> float:
    """ε², the share of the ranks' variance between the bins, at least 0."""
    found = np.unique(bins)
    n, k = len(ranks), len(found)
    total = float(np.sum((ranks - ranks.mean()) ** 2))
    if not total or k >= n:
        return 0.0
    within = sum(float(np.sum((ranks[bins == b] - ranks[bins == b].mean()) ** 2)) for b in found)
    return max(0.0, 1 - (within / (n - k)) / (total / (n - 1)))


# -- the file ---------------------------------------------------------------------------------------------------------


class Journal:
    """A file of JSON lines: a header that says which search it is of, and a line for each trial, written as it ends.

    A last line that was cut off, by a crash, is forgotten.  Raises SearchError for a damaged file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        whole, _, torn = self.path.read_bytes().rpartition(b"\n")
        self.size = len(whole) + 1 if whole else 0
        self.torn = torn
        self.header: dict[str, Any] = {}
        self.trials: list[Trial] = []
        for i, line in enumerate(whole.split(b"\n") if whole else [], 1):
            try:
                entry = json.loads(line)
                if i == 1:
                    self.header = dict(entry)
                else:
                    self.trials.append(Trial(**entry))
            except (ValueError, TypeError) as error:
                raise SearchError(f"{self.path} is damaged in line {i}: {error}") from error
        if whole and self.header.get("format") != FORMAT:
            raise SearchError(f"{self.path} is no file of a search: it begins with {whole[:40]!r}")

    @classmethod
    def open(cls, path: str | os.PathLike[str], header: Mapping[str, Any]) -> Journal:
        """The journal of a search, begun or to be continued.  Raises SearchError for that of another search."""
        full = json.loads(json.dumps({"format": FORMAT, **header}))  # as it will be read
        Path(path).touch()
        journal = cls(path)
        for key, value in full.items():
            known = journal.header.get(key)
            # As text, since the order counts: it decides which point of a grid has which number.
            if journal.header and json.dumps(known) != json.dumps(value):
                raise SearchError(
                    f"{path} is of another search: its {key} is {known!r}, not {value!r}; "
                    "give the same, or another path"
                )
        if not journal.header and not json.dumps(full).encode().startswith(journal.torn):
            raise SearchError(f"{path} is no file of a search: it begins with {journal.torn[:40]!r}")
        if journal.torn:
            os.truncate(path, journal.size)
        if not journal.header:
            journal._write(full)
        journal.header = full
        return journal

    def add(self, trial: Trial) -> None:
        """Write a trial at once."""
        self._write(trial._asdict())
        self.trials.append(trial)

    def _write(self, entry: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
