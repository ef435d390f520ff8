"""Training on files of images from the command line: tasks, models, schedule, resuming, and what can be wrong."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import fails, run, same, snapshot, weights
from image_files import write_cifar, write_mnist

import autograd_lite as al
import nn
from nn import cli
from nn.data import digits
from nn.settings import Settings, Training
from nn.tasks import TASKS, full_name, parse_sizes
from nn.train import Trainer

FILES = ["checkpoint.safetensors", "graph.svg", "loss.svg", "metrics.csv", "model.safetensors"]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, train=60, test=20, zipped=True)
    return folder


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    write_cifar(folder, n=2)
    return folder


# -- tasks and models -------------------------------------------------------------------------------------------------


def test_lenet_learns_from_files(tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "mnist", "--data", mnist, "--epochs", 8, "--batch-size", 10, "--out", tmp_path, "--no-progress"]
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert "MNIST: 60 images to train on, 20 to test on (Y. LeCun, C. Cortes & C. Burges)" in out
    assert "conv2     Conv2d      (N, 16, 10, 10)        2,416" in out
    assert "gradient check passed" in out
    folder = tmp_path / "mnist"
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert "conv1.weight" in (folder / "graph.svg").read_text(encoding="utf-8")
    with (folder / "metrics.csv").open(newline="") as file:
        assert float(list(csv.DictReader(file))[-1]["test_accuracy"]) > 0.5
    model = nn.LeNet5()
    model.load_state_dict({name: al.Tensor(value) for name, value in weights(folder).items()})


@pytest.mark.parametrize(
    ("model", "first"),
    [("lenet", "conv1.weight"), ("linear", "fc1.weight"), ("mlp", "fc3.weight"), ("784-9-10", "fc2.weight")],
)
def test_models_for_one_task(
    tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str], model: str, first: str
) -> None:
    argv = ["train", "mnist", "--data", mnist, "--epochs", 1, "--out", tmp_path, "--model", model, "--no-progress"]
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert first in weights(tmp_path / "mnist")
    assert "gradient check passed" in out


@pytest.mark.parametrize("model", ["vgg", "resnet8"])
def test_networks_with_batch_norm(
    tmp_path: Path, cifar: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:  # fmt: skip
    argv = ["train", "cifar10", "--data", cifar, "--model", model, "--batch-size", 5, "--no-progress"]
    argv += ["--optimizer", "sgd", "--out", tmp_path]
    code, out, err = run(capsys, *argv, "--name", "whole", "--epochs", 2)
    assert code == 0, err
    assert "CIFAR-10: 10 images to train on, 2 to test on (A. Krizhevsky)" in out
    assert "BatchNorm2d" in out
    assert any("running_var" in name for name in weights(tmp_path / "whole"))
    settings = Settings.usual("cifar10", model=model, optimizer="sgd", batch_size=5, epochs=2)
    parts = Training(settings, *TASKS["cifar10"].load(cifar, model))
    (tmp_path / "parts").mkdir()
    parts.fit(1)
    parts.save(tmp_path / "parts" / "checkpoint.safetensors")
    assert run(capsys, "train", "cifar10", "--data", cifar, "--resume", "--name", "parts", "--out", tmp_path)[0] == 0
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


def test_lenet_for_the_small_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", "--model", "lenet", "--lr", 0.005, "--epochs", 6, "--out", tmp_path, "--no-progress"]
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert "(N, 16, 2, 2)" in out
    with (tmp_path / "digits" / "metrics.csv").open(newline="") as file:
        assert float(list(csv.DictReader(file))[-1]["test_accuracy"]) > 0.8


def test_fashion_mnist_is_found_where_debian_puts_it(
    tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["train", "fashion-mnist", "--model", "linear", "--epochs", 1, "--out", tmp_path]
    monkeypatch.setitem(TASKS, "fashion-mnist", TASKS["fashion-mnist"]._replace(folder=mnist))
    assert run(capsys, *argv)[0] == 0
    assert run(capsys, *argv, "--resume", "--epochs", 2)[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["fashion-mnist"]
    monkeypatch.setitem(TASKS, "fashion-mnist", TASKS["fashion-mnist"]._replace(folder=tmp_path / "none"))
    fails(capsys, 2, "--data: fashion-mnist needs the folder of its files", *argv)
    assert run(capsys, *argv, "--data", mnist, "--name", "elsewhere")[0] == 0


def test_names_of_models() -> None:
    small, large = TASKS["digits"], TASKS["cifar10"]
    assert [full_name(n, small) for n in ("linear", "mlp", "lenet")] == ["64-10", "64-128-64-10", "lenet"]
    assert full_name("linear", large) == "3072-10"
    assert full_name("064-5-10", small) == "64-5-10"
    assert parse_sizes("4-3-2") == (4, 3, 2)
    with pytest.raises(ValueError, match="'10-10' does not fit CIFAR-10: 3072 pixels first and 10 classes last"):
        full_name("10-10", large)


def test_what_is_usual() -> None:
    assert Settings.usual("digits") == Settings()
    lenet = Settings.usual("mnist")
    assert (lenet.model, lenet.lr, lenet.schedule, lenet.epochs) == ("lenet", 0.002, "cosine", 20)
    assert Settings.usual("mnist", model="784-10", optimizer="sgd").lr == 0.1
    assert Settings.usual("mnist", model="784-10").schedule == "none"
    assert Settings.usual("cifar10", optimizer="sgd", epochs=3) == Settings(
        "cifar10", "resnet8", "sgd", 0.05, epochs=3, schedule="cosine"
    )


# -- the course of a training -----------------------------------------------------------------------------------------


def _rates(schedule: str, epochs: int = 2) -> list[float]:
    """The learning rate of every step, 4 an epoch, of a training that begins with 0.1."""
    settings = Settings(model="64-10", lr=0.1, batch_size=400, epochs=epochs, schedule=schedule, decay_rate=0.5)
    training = Training(settings, *digits())
    seen: list[float] = []
    training.fit(after_batch=lambda trainer: seen.append(trainer.optimizer.param_groups[0]["lr"]))
    assert training.trainer.epoch == epochs
    return seen


def test_every_step_has_its_learning_rate() -> None:
    assert _rates("none") == [0.1] * 8
    assert _rates("cosine") == pytest.approx([0.1 * (1 + math.cos(math.pi * i / 8)) / 2 for i in range(8)])
    assert _rates("exp") == pytest.approx([0.1] * 4 + [0.1 * math.exp(-0.5)] * 4)
    assert _rates("inverse") == pytest.approx([0.1] * 4 + [0.1 / 1.5] * 4)
    assert _rates("step", 12) == pytest.approx([0.1] * 40 + [0.05] * 8)
    one_cycle = _rates("onecycle", 10)
    assert max(one_cycle) == pytest.approx(0.1)
    assert one_cycle.index(max(one_cycle)) == round(0.3 * 40 - 1)
    assert one_cycle[0] == pytest.approx(0.004)
    assert one_cycle[-1] < 1e-4


@pytest.mark.parametrize(
    "more",
    [("--schedule", "cosine"), ("--schedule", "onecycle"), ("--schedule", "inverse"), ("--clip-norm", 0.01),
     ("--patience", 9), ("--weight-decay", 0.1)],
)  # fmt: skip
def test_settings_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple) -> None:
    argv = ["train", "digits", "--model", "linear", "--epochs", 2, "--out", tmp_path]
    assert run(capsys, *argv, "--name", "plain")[0] == run(capsys, *argv, *more, "--name", "other")[0] == 0
    plain, other = (weights(tmp_path / name)["fc1.weight"] for name in ("plain", "other"))
    assert (plain != other).any()
    if more[0] == "--weight-decay":
        assert np.linalg.norm(other) < 0.8 * np.linalg.norm(plain)


def test_a_schedule_binds_the_number_of_epochs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", "--model", "linear", "--out", tmp_path]
    assert run(capsys, *argv, "--epochs", 2, "--schedule", "cosine", "--name", "c")[0] == 0
    before = snapshot(tmp_path)
    fails(
        capsys,
        1,
        "was begun with --epochs 2, where its cosine schedule ends, not 3; leave",
        *argv,
        "--resume",
        "--epochs",
        3,
    )
    fails(capsys, 1, "was begun with --schedule cosine, not none", *argv, "--resume", "--schedule", "none")
    fails(capsys, 1, "was begun with --weight-decay 0.0, not 0.5", *argv, "--resume", "--weight-decay", "0.5")
    assert snapshot(tmp_path) == before
    code, out, _ = run(capsys, *argv, "--resume", "--epochs", 2)
    assert code == 0
    assert "all 2 epochs are done\n" in out


def test_more_epochs_are_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", "--model", "linear", "--out", tmp_path]
    assert run(capsys, *argv, "--epochs", 1)[0] == run(capsys, *argv, "--resume", "--epochs", 2)[0] == 0
    code, out, _ = run(capsys, *argv, "--resume")
    assert code == 0
    assert "all 2 epochs are done" in out


def test_early_stopping_holds_out_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", "--model", "64-16-10", "--lr", 0.1, "--patience", 2, "--out", tmp_path, "--no-progress"]
    code, out, err = run(capsys, *argv, "--name", "whole")
    assert (code, err) == (0, "")
    assert "1,437 images to train on, 360 to test on" in out
    assert "143 of the images to train on are held out, for early stopping" in out
    with (tmp_path / "whole" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["val_loss"]) for row in rows]
    best = losses.index(min(losses))
    assert len(rows) == best + 1 + 2 < 30
    assert f"after epoch {best + 1}, the best of {len(rows)}, " in out
    model = nn.MLP([64, 16, 10])
    model.load_state_dict({name: al.Tensor(value) for name, value in weights(tmp_path / "whole").items()})
    x, y = digits()[1].tensors
    right = int((model(x).numpy().argmax(1) == y.numpy()).sum())
    assert right / 360 == float(rows[best]["test_accuracy"])
    assert f"({right} of 360 images)" in out

    assert run(capsys, *argv, "--name", "parts", "--epochs", best + 2)[0] == 0
    assert run(capsys, "train", "digits", "--out", tmp_path, "--resume", "--name", "parts", "--epochs", 30)[0] == 0
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    code, out, err = run(capsys, "train", "digits", "--out", tmp_path, "--resume", "--name", "parts")
    assert (code, err) == (0, "")
    assert f"the best of {len(rows)}" in out
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


# -- what can be wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["mnist"], "--data: mnist needs the folder of its files"),
        (["cifar10"], "--data: cifar10 needs the folder of its files"),
        (["digits", "--data", "x"], "--data: digits is built in"),
        (["mnist", "--data", "x", "--model", "64-10"], "--model: '64-10' does not fit MNIST: 784 pixels first"),
        (["mnist", "--data", "x", "--model", "LeNet"], "'LeNet' is not linear, mlp, lenet, vgg, resnet8 or sizes"),
        (["mnist", "--data", "x", "--schedule", "steps"], "--schedule: .*'steps'"),
        (["mnist", "--data", "x", "--weight-decay=-1"], "--weight-decay: '-1' is not a number of at least 0"),
        (["mnist", "--data", "x", "--weight-decay", "nan"], "--weight-decay: 'nan'"),
        (["mnist", "--data", "x", "--decay-rate=-1"], "--decay-rate: '-1' is not a number of at least 0"),
        (["mnist", "--data", "x", "--clip-norm", "0"], "--clip-norm: '0' is not a number above 0"),
        (["mnist", "--data", "x", "--patience", "0"], "--patience: '0' is not a whole number of at least 1"),
    ],
    ids=" ".join,
)
def test_bad_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, argv: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fails(capsys, 2, message, "train", *argv)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: None, "x/train-images-idx3-ubyte: there is no such folder"),
        (lambda folder: folder.mkdir(), "x/train-images-idx3-ubyte: there is no such file"),
        (lambda folder: folder.write_text("a file"), "x/train-images-idx3-ubyte: there is no such folder"),
        (lambda folder: write_mnist(folder, train=3) and (folder / "t10k-labels-idx1-ubyte").write_bytes(b"12"),
         "x/t10k-labels-idx1-ubyte: is not an IDX file"),
    ],
)  # fmt: skip
def test_bad_data_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], Any], message: str
) -> None:
    spoil(tmp_path / "x")
    fails(capsys, 1, message, "train", "mnist", "--data", tmp_path / "x", "--out", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_resume_of_another_task(tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "digits", "--model", "linear", "--epochs", 1, "--out", tmp_path)[0] == 0
    argv = ["train", "mnist", "--data", mnist, "--resume", "--out", tmp_path]
    fails(capsys, 1, "digits is a training on digits, not mnist; --name chooses another run", *argv)


def test_what_ctrl_c_says(
    tmp_path: Path, mnist: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "fit", lambda self, *_, **__: self.stop())
    argv = ["train", "mnist", "--data", mnist, "--model", "linear", "--out", tmp_path]
    code, _, err = run(capsys, *argv)
    assert code == cli.INTERRUPTED
    rest = f"autograd-lite train mnist --data {mnist} --out {tmp_path} --name mnist --resume"
    assert err == f"autograd-lite: interrupted after 0 of 20 epochs; to go on: {rest}\n"
