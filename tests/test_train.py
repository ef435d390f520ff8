"""The Trainer: any model and loss, always at the end of an epoch, continued to the bit."""

from __future__ import annotations

import csv
import functools
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

import autograd_lite as al
import nn
import nn.functional as F
from nn.data import DataLoader, TensorDataset
from nn.metrics import accuracy, f1, mean_absolute_error, r2
from nn.optim import lr_scheduler
from nn.progress import figures_shown
from nn.train import Trainer

RNG = np.random.default_rng(0)
X = al.Tensor(RNG.normal(size=(20, 3)).astype(np.float32))
CLASSES = al.Tensor((X.numpy()[:, 0] > 0).astype(np.int64))
VALUES = X @ al.tensor([[1.0], [-2.0], [0.5]])


def _classifier(generator: Any = None, dropout: Any = None) -> nn.Module:
    layers = [nn.Linear(3, 8, generator=al.Generator(1)), nn.ReLU(), nn.Linear(8, 2, generator=al.Generator(2))]
    if dropout is not None:
        layers.insert(2, dropout)
    return nn.Sequential(*layers)


def _linear(w: float = 0.0) -> nn.Linear:
    """``w x`` for a start."""
    model = nn.Linear(1, 1, bias=False)
    model.weight.data = al.tensor([[w]])
    return model


def _one(x: float, y: float, n: int = 1) -> list[tuple[al.Tensor, al.Tensor]]:
    """Data of one batch: n times the same example."""
    return [(al.full((n, 1), x), al.full((n, 1), y))]


def _without_time(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def _equal(a: Any, b: Any) -> bool:
    """Whether two states are the same to the bit, except for measured times."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a if key != "seconds")
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return bool(a == b)


# -- training ---------------------------------------------------------------------------------------------------------


def test_a_regression() -> None:
    model = nn.Linear(3, 1)
    loader = DataLoader(TensorDataset(X, VALUES), 6, shuffle=True)
    trainer = Trainer(model, nn.optim.Adam(model.parameters(), lr=0.1), nn.MSELoss(), metrics=[r2, mean_absolute_error])
    history = trainer.fit(loader, 60, validation=DataLoader(TensorDataset(X[:7], VALUES[:7]), 4))
    assert history is trainer.history
    assert list(history[0]) == [
        "epoch", "loss", "r2", "mean_absolute_error", "val_loss", "val_r2", "val_mean_absolute_error", "seconds",
    ]  # fmt: skip
    assert [row["epoch"] for row in history] == list(range(1, 61))
    assert history[0]["val_r2"] < 0.9
    assert history[-1]["val_r2"] > 0.999
    np.testing.assert_allclose(model.weight.tolist(), [[1, -2, 0.5]], atol=0.05)


def test_epochs_are_counted_over_all_calls() -> None:
    model = _classifier()
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    loader = DataLoader(TensorDataset(X, CLASSES), 8)
    assert len(trainer.fit(loader, 2)) == trainer.epoch == 2
    before = model.state_dict()["0.weight"].numpy().copy()
    assert len(trainer.fit(loader, 2)) == 2
    assert (model.state_dict()["0.weight"].numpy() == before).all()
    assert len(trainer.fit(loader, 5)) == 5


def test_the_numbers_of_an_epoch() -> None:
    """w = 0, batches (1, 1) and twice (2, 2): loss 1, gradient −2, w = 0.2; then loss 1.8² , gradient 2 (0.4 − 2) 2."""
    model = _linear()
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), nn.MSELoss(), metrics=[mean_absolute_error])
    (row,) = trainer.fit([*_one(1, 1), *_one(2, 2, 2)], 1, validation=_one(1, 1))
    assert row["loss"] == pytest.approx((1 * 1 + 2 * 1.6**2) / 3)
    assert row["mean_absolute_error"] == pytest.approx((1 + 2 * 1.6) / 3)
    assert model.weight.item() == pytest.approx(0.2 + 0.1 * 6.4)
    assert row["val_loss"] == pytest.approx((1 - 0.84) ** 2)
    assert trainer.evaluate(_one(1, 0)) == {
        "loss": pytest.approx(0.84**2), "mean_absolute_error": pytest.approx(0.84),
    }  # fmt: skip


def test_metrics_see_all_predictions_together() -> None:
    """An F1 of batches, averaged, would be another number."""
    model = _classifier()
    metrics = {"score": functools.partial(f1, average="macro"), "accuracy": accuracy}
    trainer = Trainer(model, nn.optim.SGD(model.parameters()), nn.CrossEntropyLoss(), metrics=metrics)
    figures = trainer.evaluate(DataLoader(TensorDataset(X, CLASSES), 3))
    assert figures["score"] == f1(model(X), CLASSES)
    assert figures["accuracy"] == accuracy(model(X), CLASSES)
    assert figures["loss"] == pytest.approx(F.cross_entropy(model(X), CLASSES).item())


def test_several_inputs_and_named_validation_sets() -> None:
    class Product(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([1.0])

        def forward(self, a: al.Tensor, b: al.Tensor) -> al.Tensor:
            return self.w * a * b

    model = Product()
    batch = al.tensor([1.0, 2.0]), al.tensor([3.0, 4.0]), al.tensor([6.0, 16.0])
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.01), nn.MSELoss())
    row = trainer.fit([batch], 50, validation={"near": [batch], "far": [(batch[0], batch[1], batch[2] + 1)]})[-1]
    assert row["near_loss"] < 1e-6
    assert row["far_loss"] == pytest.approx(1, abs=1e-2)
    assert trainer.predict(*batch[:2]).tolist() == pytest.approx([6, 16], rel=1e-3)


def test_other_batches_by_a_subclass() -> None:
    class Autoencoder(Trainer):
        def compute(self, batch: al.Tensor) -> tuple[Any, Any, al.Tensor]:
            prediction = self.model(batch)
            return prediction, batch, self.loss(prediction, batch)

    model = nn.Linear(3, 3)
    trainer = Autoencoder(model, nn.optim.Adam(model.parameters(), lr=0.05), nn.MSELoss(), metrics=[r2])
    history = trainer.fit([X[:12], X[12:]], 150)
    assert history[-1]["r2"] > 0.99


class Noted(nn.Module):
    """Scores that tell class 0 from the others by the first pixel, while the sizes of the batches are noted."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, bool]] = []
        self.w = nn.Parameter([1.0])
        self.frozen = nn.Dropout().eval()

    def forward(self, x: al.Tensor) -> al.Tensor:
        self.batches.append((len(x), self.training))
        return al.stack([x[:, 0], -x[:, 0]], 1) * self.w


def test_evaluation_is_in_evaluation_mode_and_leaves_no_trace() -> None:
    x = np.linspace(-1, 1, 25, dtype=np.float32)[:, None]
    y = np.arange(25) % 2
    model = Noted()
    trainer = Trainer(model, nn.optim.SGD(model.parameters()), F.cross_entropy, metrics=[accuracy])
    figures = trainer.evaluate(DataLoader(TensorDataset(x, y), 10))
    scores = trainer.predict(x, batch_size=10)
    assert model.batches == [(10, False), (10, False), (5, False)] * 2
    assert model.training
    assert not model.frozen.training
    assert scores.shape == (25, 2)
    assert not scores.requires_grad
    right = (x[:, 0] > 0) == (y == 0)
    assert figures["accuracy"] == (right | (x[:, 0] == 0) & (y == 0)).mean()
    margins = np.where(y == 0, 2 * x[:, 0], -2 * x[:, 0])
    assert figures["loss"] == pytest.approx(np.log1p(np.exp(-margins)).mean(), rel=1e-6)


# -- what a step does -------------------------------------------------------------------------------------------------


def test_clipping_clips() -> None:
    """The gradient is 2 (0 − 100) = −200; clipped to 0.5, one step of rate 1 moves w by 0.5."""
    norms = []
    for clip_norm, moved in ((None, 200.0), (0.5, 0.5), (1000.0, 200.0)):
        model = _linear()
        trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=1.0), nn.MSELoss(), clip_norm=clip_norm)
        trainer.fit(_one(1, 100), 1, after_batch=lambda t: norms.append(abs(t.model.weight.grad.item())))
        assert model.weight.item() == pytest.approx(moved, rel=1e-5)
    assert norms == pytest.approx([200, 0.5, 200], rel=1e-5)


def test_a_gradient_that_cannot_be_clipped() -> None:
    model = _linear(1.0)
    trainer = Trainer(
        model, nn.optim.SGD(model.parameters(), lr=1.0), lambda p, y: ((p - 1) * 1e38 * 1e38).sum(), clip_norm=1.0
    )  # fmt: skip
    with pytest.raises(nn.Diverged, match=r"the norm of the gradients is inf.*, in epoch 1; try a smaller"):
        trainer.fit(_one(1, 1), 1)
    assert model.weight.item() == 1


@pytest.mark.parametrize(("each", "rates"), [("epoch", [0.8, 0.8, 0.4, 0.4]), ("batch", [0.8, 0.4, 0.2, 0.1])])
def test_the_schedule_steps(each: str, rates: list[float]) -> None:
    model = _linear()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.8)
    schedule = lr_scheduler.StepDecay(optimizer, drop=0.5, k=1)
    trainer = Trainer(model, optimizer, nn.MSELoss(), schedule=schedule, schedule_each=each)
    seen: list[float] = []
    trainer.fit(_one(0, 0) * 2, 2, after_batch=lambda t: seen.append(t.optimizer.param_groups[0]["lr"]))
    assert seen == rates


def test_a_plateau_is_told_the_validation_loss() -> None:
    """The training loss falls, the validation loss rises: after the second epoch the rate is halved."""
    model = _linear()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    trainer = Trainer(model, optimizer, nn.MSELoss(), schedule=schedule)
    trainer.fit(_one(1, 10), 2, validation=_one(1, 0))
    assert optimizer.param_groups[0]["lr"] == 0.025


def test_averaged_weights_are_evaluated_and_others_trained() -> None:
    """w: 0, 1, 1.9, average with β = 0.5: (0.5·0.5·1 + 0.5·1.9) / (1 − 0.25) = 1.6."""
    model = _linear()
    ema = nn.optim.ExponentialMovingAverage(beta=0.5)
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.05), nn.MSELoss(), ema=ema)
    assert trainer.predict([[1.0]]).item() == 0
    row = trainer.fit(_one(1, 10), 2, validation=_one(1, 0))[-1]
    assert model.weight.item() == pytest.approx(1.9)
    assert trainer.predict([[1.0]]).item() == pytest.approx(1.6)
    assert row["val_loss"] == pytest.approx(1.6**2)


# -- always at the end of an epoch ------------------------------------------------------------------------------------


class Case:
    """A training with all that it draws from and depends on; made anew it begins elsewhere than it would go on."""

    def __init__(self, kind: str) -> None:
        al.manual_seed(len(kind))
        own = al.Generator(5)
        self.options: dict[str, Any] = {"validation": DataLoader(TensorDataset(X[:5], CLASSES[:5]), 2)}
        dropout = {"layers": nn.Dropout(0.3, generator=al.Generator(6)), "all": nn.Dropout(0.3)}.get(kind)
        model = _classifier(dropout=dropout)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
        given: dict[str, Any] = {"metrics": [accuracy]}
        if kind == "sgd":
            optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        elif kind == "own":
            given |= {"generator": own, "schedule": lr_scheduler.CosineAnnealingLR(optimizer, 18)}
            given["schedule_each"] = "batch"
        elif kind == "all":
            schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
            given |= {"schedule": schedule, "clip_norm": 0.1, "ema": nn.optim.ExponentialMovingAverage(0.9)}
            self.options["early_stopping"] = nn.EarlyStopping("val_accuracy", 3, mode="max")
        self.loader = DataLoader(TensorDataset(X, CLASSES), 7, shuffle=True, generator=own if kind == "own" else None)
        self.trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(), **given)

    def fit(self, epochs: int, **more: Any) -> dict[str, Any]:
        """Train, and return the state."""
        self.trainer.fit(self.loader, epochs, **self.options, **more)
        return self.trainer.state_dict()


KINDS = ["adam", "sgd", "own", "layers", "all"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_was_killed_goes_on_to_the_bit(kind: str, tmp_path: Path) -> None:
    whole = Case(kind).fit(6)
    for killed in range(6):
        path = tmp_path / f"{killed}.safetensors"
        first = Case(kind)
        first.trainer.save(path)
        first.fit(killed, checkpoint=path)
        later = Case(kind)
        al.manual_seed(99)
        assert later.trainer.load(path) == {}
        assert later.trainer.epoch == killed
        assert _equal(later.fit(6), whole), f"killed after epoch {killed}"
    assert not _equal(Case(kind).fit(5), whole)


def _raising(error: BaseException | None, at: int) -> Callable[[Trainer], None]:
    """Something that raises, or stops the training, at its n-th call."""
    calls = iter(range(1, 1000))

    def call(trainer: Trainer) -> None:
        if next(calls) == at:
            if error is None:
                trainer.stop()
            else:
                raise error

    return call


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), OSError("disk full")], ids=repr)
def test_what_ends_within_an_epoch_goes_back_to_its_beginning(kind: str, error: BaseException | None) -> None:
    one, whole, case = Case(kind).fit(1), Case(kind).fit(4), Case(kind)
    expected = pytest.raises(type(error)) if error else pytest.MonkeyPatch.context()
    with expected:
        case.fit(4, after_batch=_raising(error, at=5))  # 3 batches an epoch
    assert case.trainer.stopped == (error is None)
    assert _equal(case.trainer.state_dict(), one)
    assert _equal(case.fit(4), whole)
    assert not case.trainer.stopped


@pytest.mark.parametrize("error", [None, ValueError("no")], ids=repr)
def test_what_ends_after_an_epoch_keeps_it(error: BaseException | None, tmp_path: Path) -> None:
    two, whole, case = Case("own").fit(2), Case("own").fit(4), Case("own")
    expected = pytest.raises(type(error)) if error else pytest.MonkeyPatch.context()
    with expected:
        case.fit(4, callbacks=[_raising(error, at=2)], checkpoint=tmp_path / "c.safetensors")
    assert _equal(case.trainer.state_dict(), two)
    stored = Case("own")
    stored.trainer.load(tmp_path / "c.safetensors")
    assert stored.trainer.epoch == (2 if error is None else 1)
    assert _equal(case.fit(4), whole)


def test_stopping_at_the_last_batch_completes_the_epoch() -> None:
    case = Case("adam")
    case.fit(4, after_batch=_raising(None, at=3))
    assert (case.trainer.epoch, case.trainer.stopped) == (1, True)


def test_an_error_in_the_validation_goes_back() -> None:
    case = Case("all")
    before = case.trainer.state_dict()
    with pytest.raises(ValueError, match="no batches"):
        case.trainer.fit(case.loader, 1, validation=[])
    assert _equal(case.trainer.state_dict(), before)


def test_a_loss_that_is_no_number_leaves_the_weights_of_the_epoch_before() -> None:
    model = _linear()
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=1e25), nn.MSELoss())
    with pytest.raises(nn.Diverged, match=r"the loss became (inf|nan) in epoch 2; try a smaller learning rate"):
        trainer.fit(_one(1, 1), 5)
    assert trainer.epoch == 1
    assert model.weight.item() == pytest.approx(2e25)


# -- checkpoints ------------------------------------------------------------------------------------------------------


def test_extra_values_and_the_file_of_the_best(tmp_path: Path) -> None:
    case = Case("all")
    case.fit(3)
    case.trainer.save(tmp_path / "c.safetensors", note="hello", weights=al.tensor([1.0]))
    extra = Case("all").trainer.load(tmp_path / "c.safetensors")
    assert extra["note"] == "hello"
    assert extra["weights"].tolist() == [1]


def _other(change: str) -> Trainer:
    model = _classifier() if change != "model" else nn.Linear(3, 2)
    optimizer: Any = nn.optim.Adam(model.parameters())
    given: dict[str, Any] = {"generator": al.Generator(5)}
    given["schedule"] = lr_scheduler.CosineAnnealingLR(optimizer, 18)
    if change == "optimizer":
        optimizer = nn.optim.SGD(model.parameters())
        given["schedule"] = lr_scheduler.CosineAnnealingLR(optimizer, 18)
    elif change == "schedule":
        given["schedule"] = lr_scheduler.StepDecay(optimizer, 0.5, 2)
    elif change == "no schedule":
        given["schedule"] = None
    elif change == "generators":
        given["generator"] = None
    elif change == "ema":
        given["ema"] = nn.optim.ExponentialMovingAverage()
    return Trainer(model, optimizer, nn.CrossEntropyLoss(), **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model", "unknown '0.weight'"), ("optimizer", "not of SGD"), ("schedule", "not of StepDecay"),
        ("no schedule", "its schedule is .*this Trainer's None"), ("generators", "2 generators, this Trainer 1"),
        ("ema", "average of weights is None"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_training_changes_nothing(change: str, message: str, tmp_path: Path) -> None:
    case = Case("own")
    case.fit(2)
    case.trainer.save(tmp_path / "c.safetensors")
    trainer = _other(change)
    before = trainer.state_dict()
    with pytest.raises(al.CheckpointError, match=f"c.safetensors does not fit: .*{message}"):
        trainer.load(tmp_path / "c.safetensors")
    assert _equal(trainer.state_dict(), before)


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    trainer = Case("own").trainer
    al.save(trainer.model.state_dict(), tmp_path / "weights.safetensors")
    al.save({"format": "autograd_lite training 0"}, tmp_path / "old.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"rubbish")
    for name, message in (("weights", "holds weights"), ("old", "training 0', this version"), ("damaged", "damaged")):
        with pytest.raises(al.CheckpointError, match=f"{name}.safetensors .*{message}"):
            trainer.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError):
        trainer.load(tmp_path / "none.safetensors")


def test_no_checkpoint_within_an_epoch(tmp_path: Path) -> None:
    case = Case("adam")
    path = tmp_path / "c.safetensors"
    with pytest.raises(RuntimeError, match=r"save\(\) was called within an epoch"):
        case.fit(1, after_batch=lambda trainer: trainer.save(path))
    assert not path.exists()
    case.trainer.save(path)
    with pytest.raises(RuntimeError, match=r"load\(\) was called within an epoch"):
        case.fit(1, after_batch=lambda trainer: trainer.load(path))


# -- early stopping ---------------------------------------------------------------------------------------------------

NAN = math.nan


@pytest.mark.parametrize(
    ("options", "figures", "best", "over"),
    [
        ({"patience": 1}, [3, 2, 2], 2, 3),  # as good is not better
        ({"patience": 2}, [3, 2, 2.5, 1, 4, 4], 4, 6),
        ({"patience": 3}, [3, 2, 2.5, 1, 4, 4], 4, None),
        ({"patience": 2, "mode": "max"}, [0.1, 0.3, 0.2, 0.3], 2, 4),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.5, 2.4], 1, 3),  # 2.4 comes too late
        ({"patience": 3, "min_delta": 0.5}, [3, 2.6, 2.5, 2.4], 4, None),  # better than 3, not than 2.5, by 0.5
        ({"patience": 2, "mode": "max", "min_delta": 1}, [0, 1, 1.5], 3, None),
        ({"patience": 2}, [NAN, NAN], 0, 2),
        ({"patience": 2}, [NAN, 5, NAN, NAN], 2, 4),
        ({"patience": 2}, [math.inf, 4, -math.inf], 3, None),
        ({"patience": 1}, [], 0, None),
    ],
)
def test_when_to_stop(options: dict[str, Any], figures: list[float], best: int, over: int | None) -> None:
    stopping = nn.EarlyStopping("m", **options)
    rows = [{"m": value} for value in figures]
    ends = [n for n in range(len(rows) + 1) if stopping.is_over(rows[:n])]
    assert (ends or [None])[0] == over
    assert stopping.best_epoch(rows[:over]) == (best if over is None or best <= over else 1)


def _rising() -> tuple[nn.Linear, Trainer]:
    """w = 1, 1.9, 2.71, 3.439, 4.0951, … on its way to 10; validation wants 3: epoch 3 is the best."""
    model = _linear()
    return model, Trainer(model, nn.optim.SGD(model.parameters(), lr=0.05), nn.MSELoss())


def test_early_stopping_gives_back_the_best_weights(tmp_path: Path) -> None:
    model, trainer = _rising()
    options: dict[str, Any] = {"validation": _one(1, 3), "early_stopping": nn.EarlyStopping(patience=2)}
    history = trainer.fit(_one(1, 10), 50, checkpoint=tmp_path / "c.safetensors", **options)
    assert len(history) == 5
    assert model.weight.item() == pytest.approx(2.71)

    model, trainer = _rising()
    trainer.load(tmp_path / "c.safetensors")
    assert model.weight.item() == pytest.approx(4.0951), "a checkpoint holds what the training goes on from"
    trainer.fit(_one(1, 10), 50, **options)
    assert trainer.epoch == 5
    assert model.weight.item() == pytest.approx(2.71)


@pytest.mark.parametrize(("restore", "weight"), [(True, 2.71), (False, 3.439)])
def test_the_best_weights_also_when_all_epochs_are_done(restore: bool, weight: float) -> None:
    model, trainer = _rising()
    trainer.fit(_one(1, 10), 4, validation=_one(1, 3), early_stopping=nn.EarlyStopping(restore_best=restore))
    assert model.weight.item() == pytest.approx(weight)


def test_a_stopped_training_keeps_its_latest_weights() -> None:
    model, trainer = _rising()
    stop = _raising(None, at=4)
    trainer.fit(_one(1, 10), 9, validation=_one(1, 3), early_stopping=nn.EarlyStopping(), callbacks=[stop])
    assert model.weight.item() == pytest.approx(3.439)


def test_the_best_average_comes_back_too() -> None:
    model = _linear()
    ema = nn.optim.ExponentialMovingAverage(beta=0.5)
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.05), nn.MSELoss(), ema=ema)
    history = trainer.fit(_one(1, 10), 9, validation=_one(1, 3), early_stopping=nn.EarlyStopping(patience=2))
    best = min(row["val_loss"] for row in history)
    assert history[-1]["val_loss"] > best
    assert trainer.evaluate(_one(1, 3))["loss"] == best


def test_best_weights_that_were_not_kept() -> None:
    model, trainer = _rising()
    trainer.fit(_one(1, 10), 4, validation=_one(1, 3))
    with pytest.warns(UserWarning, match="epoch 3 was the best, but its weights were not kept"):
        trainer.fit(_one(1, 10), 9, validation=_one(1, 3), early_stopping=nn.EarlyStopping(patience=2))
    assert model.weight.item() == pytest.approx(4.0951)


def test_a_figure_that_is_never_a_number() -> None:
    model, trainer = _rising()
    history = trainer.fit(
        _one(1, 10), 9, validation=_one(1, math.nan), early_stopping=nn.EarlyStopping(patience=2)
    )  # fmt: skip
    assert len(history) == 2
    assert model.weight.item() == pytest.approx(1.9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "auto"}, "'min' or 'max', got 'auto'"), ({"patience": 0}, "patience must be at least 1, got 0"),
        ({"min_delta": -0.1}, "got -0.1"), ({"min_delta": math.nan}, "got nan"),
    ],
)  # fmt: skip
def test_early_stopping_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.EarlyStopping(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 1.5}, r"patience must be a whole number, got 1\.5"), ({"patience": True}, "got True"),
        ({"patience": "3"}, "patience must be a whole number, got '3'"),
        ({"min_delta": "a"}, "min_delta must be a number, got 'a'"), ({"min_delta": None}, "got None"),
    ],
)  # fmt: skip
def test_early_stopping_quotes_what_is_no_number(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        nn.EarlyStopping(**options)
    assert nn.EarlyStopping(patience=np.int64(3)).patience == 3  # type: ignore[arg-type]


# -- files and the bar ------------------------------------------------------------------------------------------------


def test_a_csv_file_of_every_epoch(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    case = Case("adam")
    lengths = []
    case.fit(3, callbacks=[nn.CSVLog(path), lambda _: lengths.append(len(path.read_text().splitlines()))])
    assert lengths == [2, 3, 4]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert [{k: float(v) for k, v in row.items()} for row in rows] == case.trainer.history
    case.trainer.fit(case.loader, 4, callbacks=[nn.CSVLog(path)])  # without validation
    assert path.read_text().splitlines()[-1].split(",")[3:5] == ["", ""]


def test_a_csv_file_that_cannot_be_written(tmp_path: Path) -> None:
    case = Case("adam")
    with pytest.raises(FileNotFoundError):
        case.fit(3, callbacks=[nn.CSVLog(tmp_path / "none" / "m.csv")])
    assert case.trainer.epoch == 1


def test_the_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Case("adam").fit(1)
    assert capsys.readouterr() == ("", "")
    Case("adam").fit(2, progress=True)
    shown = capsys.readouterr().err
    assert "epoch 2/2: 100%" in shown
    assert "6/6" in shown
    assert "accuracy" in shown
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Case("adam").fit(1, progress=False)
    assert capsys.readouterr().err == ""
    Case("adam").fit(1)
    assert "epoch 1/1: 100%" in capsys.readouterr().err
    monkeypatch.undo()
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=tqdm))
    Case("adam").fit(1)
    assert "epoch 1/1: 100%" in capsys.readouterr().err, "in a notebook"
    shell.config.clear()
    Case("adam").fit(1)
    assert capsys.readouterr().err == "", "in IPython's terminal, whose output is not one"


def test_the_bar_of_batches_without_number(capsys: pytest.CaptureFixture[str]) -> None:
    class Stream:
        def __iter__(self) -> Iterator[Any]:
            return iter(_one(1, 1) * 3)

    model = _linear()
    Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss()).fit(Stream(), 2, progress=True)
    assert "6batch" in capsys.readouterr().err


def test_figures_for_a_reader() -> None:
    row = {"loss": 0.12345, "test_accuracy": 0.98765, "val_f1": 0.5}
    assert figures_shown(row, separator="   ") == "loss 0.1235   test accuracy 98.77%   val f1 0.5000"


# -- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clip_norm": 0}, "clip_norm must be above 0, got 0"), ({"clip_norm": math.nan}, "got nan"),
        ({"schedule_each": "step"}, "'epoch' or 'batch', got 'step'"),
        ({"metrics": [lambda p, y: 0.0]}, "has no name; give a dict"),
        ({"metrics": [functools.partial(f1)]}, "has no name; give a dict"),
        ({"metrics": [f1, f1]}, "the name 'f1' of a metric is taken"),
        ({"metrics": {"loss": f1}}, "the name 'loss' of a metric is taken"),
    ],
)  # fmt: skip
def test_arguments_it_refuses(given: dict[str, Any], message: str) -> None:
    model = _linear()
    with pytest.raises(ValueError, match=message):
        Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss(), **given)


def test_numbers_it_refuses() -> None:
    model = _linear()
    optimizer = nn.optim.SGD(model.parameters())
    for wrong in ("a", True):
        with pytest.raises(TypeError, match=f"clip_norm must be a number, got {wrong!r}"):
            Trainer(model, optimizer, nn.MSELoss(), clip_norm=wrong)  # type: ignore[arg-type]
    trainer = Trainer(model, optimizer, nn.MSELoss())
    before = model.weight.tolist()
    for epochs, error in ((1.5, TypeError), ("2", TypeError), (True, TypeError), (-1, ValueError)):
        with pytest.raises(error, match=f"epochs must be .*, got {epochs!r}"):
            trainer.fit(_one(1, 10), epochs)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"batch_size must be a whole number, got 2\.5"):
        trainer.predict(X, batch_size=2.5)  # type: ignore[arg-type]
    assert model.weight.tolist() == before
    assert trainer.epoch == 0


def test_an_optimizer_of_another_model() -> None:
    """A checkpoint would not hold what it trains."""
    with pytest.raises(ValueError, match=r"parameter 0, of shape \(1, 1\), is none of the model's"):
        Trainer(_linear(), nn.optim.SGD(_linear().parameters()), nn.MSELoss())


def test_a_plateau_cannot_be_by_batches() -> None:
    model = _linear()
    optimizer = nn.optim.SGD(model.parameters())
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau .*'epoch'"):
        Trainer(model, optimizer, nn.MSELoss(), schedule=lr_scheduler.ReduceLROnPlateau(optimizer),
                schedule_each="batch")  # fmt: skip


@pytest.mark.parametrize(
    ("batches", "options", "error", "message"),
    [
        ([X], {}, TypeError, r"must be \(input, …, target\), got Tensor; .*compute"),
        ([(X,)], {}, TypeError, "got tuple"),
        ([], {}, ValueError, "there were no batches"),
        (iter([(X, VALUES)]), {}, ValueError, "an iterator that was used up"),
        ([(X, VALUES)], {"early_stopping": nn.EarlyStopping()}, ValueError,
         "no figure 'val_loss' to monitor; there are epoch, loss, seconds"),
        (DataLoader(TensorDataset(X, VALUES), 4, generator=al.Generator(0)), {}, ValueError,
         r"does not know.*Trainer\(…, generator=…\)"),
    ],
)  # fmt: skip
def test_data_it_refuses(batches: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    model = nn.Linear(3, 1, generator=al.Generator(0))
    trainer = Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss())
    with pytest.raises(error, match=message):
        trainer.fit(batches, 2, **options)
    assert trainer.epoch < 2


def test_nothing_to_predict_or_evaluate() -> None:
    model = nn.Linear(3, 1)
    trainer = Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss())
    with pytest.raises(ValueError, match=r"no examples to predict: the shape is \(0, 3\)"):
        trainer.predict(al.zeros(0, 3))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        trainer.predict(X, batch_size=0)
    with pytest.raises(ValueError, match="no batches"):
        trainer.evaluate([])
    assert model.training


def test_clipping_knows_only_what_is_trained() -> None:
    """The gradients of a part that the optimizer leaves alone are neither counted nor added up from step to step."""
    steps = []
    for body in (1.0, 1000.0):
        model = nn.Sequential(_linear(body), nn.Tanh(), _linear())
        trainer = Trainer(model, nn.optim.SGD(model[2].parameters(), lr=1.0), nn.MSELoss(), clip_norm=0.25)
        trainer.fit(3 * _one(20.0, 100.0), epochs=1)
        steps.append(model[2].weight.item())
    assert steps == pytest.approx([0.75, 0.75], rel=1e-5)
    assert model[0].weight.item() == 1000.0


def test_a_part_that_is_not_trained_does_not_change_a_continued_training(tmp_path: Path) -> None:
    """What is left of a step, in gradients that no optimizer clears, is not in a checkpoint."""

    def trainer() -> Trainer:
        model = _classifier()
        return Trainer(model, nn.optim.SGD(model[2].parameters(), lr=0.5), F.cross_entropy, clip_norm=0.1)

    whole, first, second = trainer(), trainer(), trainer()
    data = [(X, CLASSES)]
    whole.fit(data, 6)
    first.fit(data, 3, checkpoint=tmp_path / "c")
    second.load(tmp_path / "c")
    second.fit(data, 6)
    assert _equal(whole.state_dict(), second.state_dict())
    np.testing.assert_array_equal(whole.model[0].weight.grad.numpy(), second.model[0].weight.grad.numpy())


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [("c.npz", ValueError, "another ending"), ("nowhere/c", FileNotFoundError, "no such folder .*nowhere")],
)
def test_a_checkpoint_that_cannot_be_written_is_refused_at_once(
    place: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    model = _linear()
    trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=1.0), nn.MSELoss())
    with pytest.raises(error, match=message):
        trainer.fit(_one(1, 1), 1, checkpoint=tmp_path / place)
    assert trainer.epoch == 0
