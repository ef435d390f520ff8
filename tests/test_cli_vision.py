"""train localize, detect, landmarks, and detect IMAGE, end to end on tiny runs."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import fails, run, same, snapshot, weights
from image_files import write_mnist

import autograd_lite as al
import nn
from nn import vision_command
from nn.vision import training
from nn.vision.training import TRAININGS, VisionSettings

TASKS = list(TRAININGS)
FILES = ["checkpoint.safetensors", "loss.svg", "metrics.csv", "model.safetensors", "predictions.png"]
FIGURES = {
    "localize": ["iou", "class_accuracy", "presence_accuracy"],
    "detect": ["map", "map_50", "map_75"],
    "landmarks": ["nme", "visible_accuracy"],
}


@pytest.fixture(autouse=True)
def few_test_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TEST_SCENES", 12)


def small(task: str, folder: Path, *more: Any) -> list[Any]:
    """The arguments of a tiny training."""
    argv = ["train", task, "--out", folder, "--no-progress"]
    return [*argv, *more] if "--resume" in more else [*argv, "--size", 32, "--scenes", 20, *more]


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gradient check, which takes a second or two."""
    monkeypatch.setattr(vision_command, "check_gradients", lambda *_, **options: True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, unchecked: None) -> None:
    """No pictures, either."""
    monkeypatch.setattr(vision_command, "write_loss_plot", lambda *_: None)
    monkeypatch.setattr(training.VisionTraining, "draw", lambda *_: None)


# -- train ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_the_files_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str) -> None:
    code, out, err = run(capsys, *small(task, tmp_path, "--epochs", 2))
    assert (code, err) == (0, "")
    assert "20 images to train on, 12 to test on" in out
    assert "gradient check passed" in out
    assert re.search(r"conv1 +Conv2d +\(N, 16, 32, 32\)", out)
    folder = tmp_path / task
    assert sorted(p.name for p in folder.iterdir()) == FILES
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {f"test_{name}" for name in FIGURES[task]} < rows[0].keys()
    for name, text in TRAININGS[task].figures.items():
        assert re.search(re.escape(text) + f" +{float(rows[1][f'test_{name}']):.2%}\n", out), out
    assert (folder / "predictions.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "loss.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.usefixtures("quick")
def test_resume_equals_a_run_without_interruption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    assert run(capsys, *small(task, tmp_path, "--epochs", 3, "--name", "whole"))[0] == 0
    stop = nn.Trainer.save

    def stopped_after_the_first(self: nn.Trainer, *args: Any, **extra: Any) -> None:
        stop(self, *args, **extra)
        if self.epoch == 1:
            self.stop()

    monkeypatch.setattr(nn.Trainer, "save", stopped_after_the_first)
    code, out, err = run(capsys, *small(task, tmp_path, "--epochs", 3, "--name", "parts"))
    assert code == 130
    assert f"interrupted after 1 of 3 epochs; to go on: autograd-lite train {task} --out" in err
    assert "after epoch 1" in out
    monkeypatch.setattr(nn.Trainer, "save", stop)
    code, _, err = run(capsys, *small(task, tmp_path, "--resume", "--name", "parts"))
    assert (code, err) == (0, "")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert same(weights(whole), weights(parts))
    figures = [
        [line.rsplit(",", 1)[0] for line in (f / "metrics.csv").read_text().splitlines()] for f in (whole, parts)
    ]
    assert figures[0] == figures[1], "all but the seconds"


@pytest.mark.usefixtures("quick")
def test_a_finished_run_says_so_and_reports_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *small("detect", tmp_path, "--epochs", 1))[0] == 0
    before = weights(tmp_path / "detect")
    code, out, _ = run(capsys, *small("detect", tmp_path, "--resume"))
    assert code == 0
    assert "all 1 epochs are done\n" in out
    assert "AP at IoU 0.5" in out
    assert same(before, weights(tmp_path / "detect"))


@pytest.mark.usefixtures("quick")
def test_settings_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variants: dict[str, tuple[Any, ...]] = {
        "base": (), "seed": ("--seed", 1), "lr": ("--lr", 0.01), "batch": ("--batch-size", 7), "one": ("--objects", 1)
    }  # fmt: skip
    for name, more in variants.items():
        assert run(capsys, *small("detect", tmp_path, "--epochs", 1, "--name", name, *more))[0] == 0
    found = [weights(tmp_path / name)["body.conv1.weight"].tobytes() for name in variants]
    assert len(set(found)) == len(found)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("task", ["localize", "detect"])
def test_digits_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str) -> None:
    data = tmp_path / "files"
    write_mnist(data)
    argv = small(task, tmp_path, "--epochs", 1, "--data", data)
    assert run(capsys, *argv)[0] == 0
    resume = small(task, tmp_path, "--resume")
    fails(capsys, 1, "was begun with --data; continue it in the same way", *resume)
    assert run(capsys, *resume, "--data", data)[0] == 0
    assert run(capsys, *small(task, tmp_path, "--epochs", 1, "--name", "built-in"))[0] == 0
    fails(capsys, 1, "begun without --data", *small(task, tmp_path, "--resume", "--name", "built-in", "--data", data))


def test_training_and_test_scenes_share_no_seed() -> None:
    for seed in (0, 1):
        made = TRAININGS["localize"](VisionSettings.usual("localize", scenes=5, seed=seed))
        train, test = made._seeds()
        assert train["seed"] != test["seed"]
        assert test["seed"] == 0, "the test is the same for all"


def test_a_wrong_gradient_ends_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = al.op.__globals__["REGISTRY"]["sigmoid"]
    monkeypatch.setattr(record, "vjps", (lambda g, out, x: g * out,))
    code, out, err = run(capsys, *small("localize", tmp_path))
    assert code == 1
    assert err == "autograd-lite: the gradients of this model are wrong; it was not trained\n"
    assert "wrong" in out


@pytest.mark.usefixtures("unchecked")
def test_without_matplotlib_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = run(capsys, *small("landmarks", tmp_path, "--epochs", 1))
    assert code == 0
    assert "loss.svg and predictions.png left out" in err
    assert "autograd-lite[viz]" in err
    assert sorted(p.name for p in (tmp_path / "landmarks").iterdir()) == [f for f in FILES if f[0] in "cm"]


# -- detect IMAGE -----------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(tmp_path: Path, capsys: pytest.CaptureFixture[str], quick: None) -> Path:
    """The folder of a run whose network finds something everywhere."""
    assert run(capsys, *small("detect", tmp_path, "--epochs", 1))[0] == 0
    return tmp_path / "detect"


def test_detect(tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    image = tmp_path / "scene.npy"
    np.save(image, np.random.default_rng(0).random((50, 70)).astype(np.float32))
    code, out, err = run(capsys, "detect", image, "--model", finished, "--threshold", 0)
    assert (code, err) == (0, "")
    assert "70×50 pixels" in out
    rows = re.findall(r"^(\d) +(\d+\.\d)% +(\d+\.\d) +(\d+\.\d) +(\d+\.\d) +(\d+\.\d)$", out, re.M)
    assert len(rows) > 3
    assert f"{len(rows)} objects" in out
    scores = [float(row[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    boxes = np.array([row[2:] for row in rows], float)
    assert (boxes <= [70, 50, 70, 50]).all()
    picture = tmp_path / "scene.npy.detections.png"
    assert out.endswith(f"{picture}\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, out, _ = run(capsys, "detect", image, "--model", finished / "checkpoint.safetensors", "--threshold", 1,
                       "--out", tmp_path / "d.svg")  # fmt: skip
    assert code == 0
    assert "0 objects" in out
    assert "<svg" in (tmp_path / "d.svg").read_text(encoding="utf-8")


def test_detect_reads_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    image_module.fromarray(pixels).save(tmp_path / "scene.png")
    code, out, err = run(capsys, "detect", tmp_path / "scene.png", "--model", finished)
    assert (code, err) == (0, "")
    assert "30×40 pixels" in out


@pytest.mark.parametrize("shape", [(400, 2), (2, 2000)])
def test_the_picture_of_a_long_image_is_not_endless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: Path, shape: tuple[int, int]
) -> None:
    image_module = pytest.importorskip("PIL.Image")
    np.save(tmp_path / "long.npy", np.zeros(shape, np.float32))
    code, _, err = run(capsys, "detect", tmp_path / "long.npy", "--model", finished)
    assert (code, err) == (0, "")
    with image_module.open(tmp_path / "long.npy.detections.png") as picture:
        assert max(picture.size) <= 10 * min(picture.size)


def test_what_detect_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    image = tmp_path / "scene.npy"
    np.save(image, np.zeros((40, 30), np.float32))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "checkpoint.safetensors").write_bytes(b"broken")
    nn_model = nn.Linear(2, 3)
    nn.Trainer(nn_model, nn.optim.SGD(nn_model.parameters()), nn.MSELoss()).save(tmp_path / "other.safetensors")
    assert run(capsys, *small("landmarks", tmp_path, "--epochs", 1))[0] == 0
    before = snapshot(tmp_path)
    for code, message, argv in [
        (2, "required: --model", [image]),
        (2, "--threshold: '2' is not a number from 0 to 1", [image, "--model", finished, "--threshold", 2]),
        (1, "none.npy", [tmp_path / "none.npy", "--model", finished]),
        (1, "text.png", [tmp_path / "text.png", "--model", finished]),
        (1, "there is no such file; `autograd-lite train detect` makes one", [image, "--model", tmp_path / "none"]),
        (1, "checkpoint.safetensors is damaged", [image, "--model", tmp_path / "broken"]),
        (1, "of a training on landmarks, not on detect", [image, "--model", tmp_path / "landmarks"]),
        (1, "of a training on something else", [image, "--model", tmp_path / "other.safetensors"]),
        (1, "cannot draw .*d.xyz", [image, "--model", finished, "--out", tmp_path / "d.xyz"]),
        (1, "No such file or directory", [image, "--model", finished, "--out", tmp_path / "none" / "d.png"]),
    ]:
        fails(capsys, code, message, "detect", *argv)
    assert snapshot(tmp_path) == before


# -- what a user can get wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", "localize", "--model", "mlp"], "--model: `train localize` has no such option"),
        (["train", "detect", "--weight-decay", "0.1"], "--weight-decay: `train detect` has no such option"),
        (["train", "landmarks", "--patience", "3"], "--patience: `train landmarks` has no such option"),
        (["train", "localize", "--objects", "2"], "--objects: `train localize` has no such option"),
        (["train", "landmarks", "--data", "x"], "--data: `train landmarks` has no such option"),
        (["train", "digits", "--scenes", "9"], "--scenes: `train digits` has no such option"),
        (["train", "detect", "--size", "big"], "--size: 'big' is not a whole number"),
        (["train", "detect", "--objects", "0"], "--objects: '0' is not a whole number of at least 1"),
    ],
    ids=" ".join,
)
def test_bad_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, argv: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fails(capsys, 2, message, *argv)
    assert not list(tmp_path.iterdir())


def test_scenes_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv, message in [
        (["detect", "--size", 60], "the size of images must be a multiple of 8, at least 16, got 60"),
        (["localize", "--size", 8], "the size of images must be a multiple of 8, at least 16, got 8"),
        (["detect", "--objects", 60], "such scenes cannot be made: .*found no room"),
        (["landmarks", "--size", 16], "such scenes cannot be made: heights"),
        (["localize", "--data", tmp_path / "none"], "there is no such folder"),
    ]:
        fails(capsys, 1, message, "train", *argv, "--scenes", 5, "--out", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("quick")
def test_resume_with_other_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *small("localize", tmp_path, "--epochs", 1, "--name", "r"))[0] == 0
    before = snapshot(tmp_path)
    for task, more, message in [
        ("localize", ["--scenes", 30], "--scenes 20, not 30"),
        ("localize", ["--epochs", 2], "--epochs 1, where its cosine schedule ends, not 2"),
        ("localize", ["--size", 40], "--size 32, not 40"),
        ("landmarks", [], "is a training on localize, not landmarks"),
        ("digits", [], "is not a checkpoint of `train`|is a training on localize"),
    ]:
        fails(capsys, 1, message, *small(task, tmp_path, "--resume", "--name", "r", *more))
    assert snapshot(tmp_path) == before
