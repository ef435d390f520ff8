"""``autograd-lite search digits``: random search over the cheat sheet's hyperparameters  (cheat sheet 3.4)."""

from __future__ import annotations

import argparse
import functools
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograd_lite import Generator

from . import functional as F
from .data import DataLoader, Subset, random_split
from .metrics import accuracy
from .models import MLP
from .optim import Adam, Momentum, Optimizer
from .optim.lr_scheduler import ExponentialDecay
from .runs import INTERRUPTED, complain, known_run, new_run
from .search import SHEET, Journal, SearchResult, Trial, random_search
from .search.results import shown
from .table import aligned
from .tasks import CLASSES, TASKS
from .train import Trainer

__all__ = ["search", "train_and_score"]

TRIALS = "trials.jsonl"
VALIDATION = 0.2  # of the training images
USUAL = {"epochs": 10, "optimizer": "adam", "seed": 0}
SHARED = "lr", "hidden", "batch_size", "layers", "decay"
HYPERPARAMETERS = {"adam": (*SHARED, "beta1", "beta2", "eps"), "sgd": (*SHARED, "momentum")}


# -- one trial --------------------------------------------------------------------------------------------------------


def train_and_score(
    *, task: str, data: str | None, epochs: int, optimizer: str, seed: int, lr: float, hidden: int, batch_size: int,
    layers: int, decay: float, **rest: float,
) -> float:  # fmt: skip
    """Train a network of ``layers`` hidden layers, and return its accuracy on a fifth of the training images.

    The rate is ``lr e^(−decay t)`` in epoch t (cheat sheet 2.6); ``rest`` are the optimizer's own hyperparameters.
    Raises Diverged for a loss that is not finite.
    """
    generator = Generator(seed)
    train, validation = _split(task, data, seed)
    model = MLP([TASKS[task].pixels, *[hidden] * layers, CLASSES], generator=generator)
    stepping = _make_optimizer(optimizer, model, lr, rest)
    trainer = Trainer(
        model, stepping, F.cross_entropy, metrics=[accuracy], schedule=ExponentialDecay(stepping, decay),
        generator=generator,
    )  # fmt: skip
    trainer.fit(DataLoader(train, batch_size, shuffle=True, generator=generator), epochs, progress=False)
    return trainer.evaluate(DataLoader(validation, 500))["accuracy"]


@functools.lru_cache(maxsize=1)
def _split(task: str, data: str | None, seed: int) -> tuple[Subset, Subset]:
    """The training images in two parts; the test images are not looked at."""
    images, _ = TASKS[task].load(data, "mlp")
    count = round(VALIDATION * len(images))
    train, validation = random_split(images, [len(images) - count, count], generator=Generator(seed))
    return train, validation


def _make_optimizer(name: str, model: MLP, lr: float, rest: dict[str, float]) -> Optimizer:
    if name == "sgd":
        return Momentum(model.parameters(), lr, rest["momentum"])
    return Adam(model.parameters(), lr, (rest["beta1"], rest["beta2"]), rest["eps"])


# -- the command ------------------------------------------------------------------------------------------------------


def search(options: argparse.Namespace) -> int:
    """Run the command; returns the exit code.  Raises Failure, SearchError."""
    out = Path(options.out)
    if options.resume:
        folder = known_run(out, options.name, TRIALS, "search")
        begun = Journal(folder / TRIALS).header
        known = {**USUAL, **begun.get("settings", {}), "seed": begun.get("seed", 0)}
    else:
        folder, known = new_run(out, f"{options.task}-search", options.name), USUAL
    chosen = {key: known[key] if getattr(options, key) is None else getattr(options, key) for key in USUAL}
    space = {name: SHEET[name] for name in HYPERPARAMETERS[chosen["optimizer"]]}
    seed = int(chosen.pop("seed"))
    data = None if options.data is None else str(options.data)
    objective = functools.partial(train_and_score, task=options.task, data=data, seed=seed, **chosen)
    task = TASKS[options.task]
    print(f"{task.title} ({task.credit}): {options.trials} trials of {chosen['epochs']} epochs\n", flush=True)
    interrupted = False
    with _progress(options.trials, not options.no_progress) as after_trial:
        try:
            result = random_search(
                objective, space, options.trials, seed=seed, workers=options.workers, path=folder / TRIALS,
                settings={"task": options.task, **chosen}, after_trial=after_trial,
            )  # fmt: skip
        except KeyboardInterrupt:
            interrupted, result = True, SearchResult.load(folder / TRIALS, space)
    _show(result, folder)
    return complain(_rest(options, folder, len(result)), INTERRUPTED) if interrupted else 0


def _show(result: SearchResult, folder: Path) -> None:
    """Print what was found, and write it."""
    if not len(result):
        return
    print(result)
    result.write_csv(folder / "results.csv")
    written = [TRIALS, "results.csv"]
    if len(result.failures) < len(result):
        try:
            result.plot(folder / "search.svg")
            written.append("search.svg")
        except ImportError as error:
            complain(f"search.svg left out: {error}")
    print("\n" + _importance(result))
    print(f"\n{folder}: {', '.join(written)}")


def _importance(result: SearchResult) -> str:
    try:
        shares = result.importance()
    except ValueError as error:  # too few trials
        return str(error)
    lines = aligned([(name, f"{share:.2f}", "█" * round(20 * share)) for name, share in shares.items()], left=3)
    return "\n".join(["importance: the share of the scores' variation that each explains by itself", *lines])


def _rest(options: argparse.Namespace, folder: Path, done: int) -> str:
    data = [] if options.data is None else ["--data", str(options.data)]
    argv = ["autograd-lite", "search", options.task, *data, "--out", options.out, "--name", folder.name]
    rest = shlex.join([*argv, "--trials", str(options.trials), "--resume"])
    return f"interrupted after {done} of {options.trials} trials; to go on: {rest}"


@contextmanager
def _progress(trials: int, wanted: bool) -> Iterator[Callable[[Trial], Any]]:
    """What to call after each trial: a bar on a terminal, else a line a trial."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda trial: print(_line(trial), flush=True)
        print()
        return
    from tqdm import tqdm

    best = -math.inf
    with tqdm(total=trials, unit="trial", dynamic_ncols=True) as bar:

        def after_trial(trial: Trial) -> None:
            nonlocal best
            best = max(best, -math.inf if trial.score is None else trial.score)
            bar.set_postfix_str(f"best {best:.2%}" if best > -math.inf else "", refresh=False)
            bar.update()

        yield after_trial


def _line(trial: Trial) -> str:
    values = ", ".join([f"{name} {shown(value)}" for name, value in trial.point.items()])
    return f"trial {trial.number}: {trial.error if trial.score is None else format(trial.score, '.2%')}   {values}"
