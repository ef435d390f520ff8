"""The command line end to end: train, interrupt, resume, check, graph, and whatever a user can get wrong."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import fails, run, same, snapshot, weights

import autograd_lite as al
import nn
from nn import cli
from nn.data import digits
from nn.report import traced_loss
from nn.settings import Settings, Training
from nn.train import Trainer

SMALL = ["--model", "64-16-10", "--batch-size", "64", "--no-progress"]
FILES = ["checkpoint.safetensors", "graph.svg", "loss.svg", "metrics.csv", "model.safetensors"]


# -- train ------------------------------------------------------------------------------------------------------------


def test_train_reaches_the_goal_with_its_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "train", "digits", "--out", tmp_path)
    assert code == 0, err
    match = re.search(r"test accuracy (\d+\.\d+)%", out.splitlines()[-2])
    assert match
    assert float(match[1]) >= 97
    assert "E. Alpaydin & C. Kaynak" in out
    assert "CC BY 4.0" in out
    assert re.search(r"fc1 +Linear +\(N, 128\) +8,320", out)
    assert "gradient check passed" in out
    assert sorted(p.name for p in (tmp_path / "digits").iterdir()) == FILES


def test_the_files_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "train", "digits", *SMALL, "--epochs", 2, "--out", tmp_path, "--name", "a b")
    assert (code, err) == (0, "")
    folder = tmp_path / "a b"
    assert sorted(p.name for p in folder.iterdir()) == FILES
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "test_loss", "test_accuracy", "seconds"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    model = nn.MLP([64, 16, 10])
    model.load_state_dict(al.load(folder / "model.safetensors"))
    x, y = digits()[1].tensors
    accuracy = (model(x).numpy().argmax(1) == y.numpy()).mean()
    assert accuracy == float(rows[1]["test_accuracy"])
    assert f"test accuracy {accuracy:.2%}" in out
    for name in ("loss.svg", "graph.svg"):
        assert "<svg" in (folder / name).read_text(encoding="utf-8")
    assert "fc1.weight" in (folder / "graph.svg").read_text(encoding="utf-8")


def test_a_run_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", *SMALL, "--epochs", 1, "--out", tmp_path]
    assert run(capsys, *argv)[0] == run(capsys, *argv)[0] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digits", "digits-2"]
    assert same(weights(tmp_path / "digits"), weights(tmp_path / "digits-2")), "one seed, one result"
    before = snapshot(tmp_path)
    fails(capsys, 1, "exists already; --resume continues it", *argv, "--name", "digits")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_settings_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str], optimizer: str) -> None:
    base = ["train", "digits", "--model", "linear", "--epochs", 1, "--out", tmp_path, "--optimizer", optimizer]
    variants: dict[str, tuple] = {"base": (), "seed": ("--seed", 1), "lr": ("--lr", 0.05), "batch": ("--batch-size", 7)}
    for name, more in variants.items():
        assert run(capsys, *base, "--name", name, *more)[0] == 0
    found = [weights(tmp_path / name)["fc1.weight"].tobytes() for name in variants]
    assert len(set(found)) == len(found)
    assert weights(tmp_path / "base")["fc1.weight"].shape == (10, 64)


def test_the_bar_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    argv = ["train", "digits", *SMALL[:-1], "--epochs", 2, "--out", tmp_path]
    code, out, err = run(capsys, *argv)
    assert code == 0
    assert re.search(r"epoch 2/2: 100%.*46/46 \[\d\d:\d\d<\d\d:\d\d.*loss \d\.\d+, accuracy \d+\.\d%\]", err), err
    assert "epoch   1/2" not in out


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", *SMALL, "--optimizer", "sgd", "--lr", "1e30", "--out", tmp_path]
    fails(capsys, 1, "the loss became .* in epoch 1; try a smaller learning rate", *argv)


def test_without_matplotlib_and_renderer_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("autograd_lite.explain.picture.renderer", lambda: None)
    code, out, err = run(capsys, "train", "digits", *SMALL, "--epochs", 1, "--out", tmp_path)
    assert code == 0
    assert [line.split(" left out")[0] for line in err.splitlines()] == [
        "autograd-lite: loss.svg", "autograd-lite: graph.svg",
    ]  # fmt: skip
    assert err.count("autograd-lite[viz]") == 2
    assert "fc1.weight" in (tmp_path / "digits" / "graph.svg.txt").read_text(encoding="utf-8")
    assert "graph.svg.txt" in out
    assert "loss.svg" not in out


def test_the_check_before_a_training_includes_weight_decay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.L2Penalty, "cost", lambda self, w: (w * w.detach()).sum())  # half of its gradient
    argv = ["train", "digits", *SMALL, "--epochs", 1, "--out", tmp_path]
    assert run(capsys, *argv)[0] == 0
    fails(capsys, 1, "the gradients of this model are wrong", *argv, "--weight-decay", 0.1)


def test_the_graph_of_a_run_has_its_own_gradients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[nn.Module, al.Tensor, al.Tensor]] = []
    monkeypatch.setattr(cli, "traced_loss", lambda *given: drawn.append(given) or traced_loss(*given))
    assert run(capsys, "train", "digits", "--model", "linear", "--epochs", 1, "--out", tmp_path)[0] == 0
    model, x, y = drawn[0]
    model.zero_grad()
    traced_loss(model, x, y).backward()
    picture = (tmp_path / "digits" / "graph.svg").read_text(encoding="utf-8")
    norms = [np.linalg.norm(p.grad.numpy()) for p in model.parameters()]
    assert all(f"grad ‖·‖ = {norm:.4g}" in picture for norm in norms), norms


# -- resume -----------------------------------------------------------------------------------------------------------


def test_resume_equals_a_run_without_interruption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", *SMALL, "--out", tmp_path]
    for optimizer in ("adam", "sgd"):
        more = ["--optimizer", optimizer]
        assert run(capsys, *argv, *more, "--name", f"{optimizer}-whole", "--epochs", 4)[0] == 0
        assert run(capsys, *argv, *more, "--name", f"{optimizer}-parts", "--epochs", 1)[0] == 0
        for epochs in (3, 4):
            resume = ["--resume", "--name", f"{optimizer}-parts", "--epochs", epochs]
            code, _, err = run(capsys, "train", "digits", *resume, "--out", tmp_path)
            assert (code, err) == (0, "")
        whole, parts = tmp_path / f"{optimizer}-whole", tmp_path / f"{optimizer}-parts"
        assert same(weights(whole), weights(parts))
        figures = [
            [line.rsplit(",", 1)[0] for line in (f / "metrics.csv").read_text().splitlines()] for f in (whole, parts)
        ]
        assert figures[0] == figures[1], "all but the seconds"


def test_stopping_within_an_epoch_goes_back_to_the_last_complete_one(tmp_path: Path) -> None:
    train, test = digits()
    settings = Settings(model="64-16-10", batch_size=64)
    whole = Training(settings, train, test)
    whole.fit(3)
    calls = iter(range(1000))

    def interrupted(trainer: Trainer) -> None:
        if next(calls) == 23 + 10:
            trainer.stop()

    training, path = Training(settings, train, test), tmp_path / "c.safetensors"
    training.fit(3, callbacks=[lambda _: training.save(path)], after_batch=interrupted)
    assert training.trainer.stopped
    assert training.trainer.epoch == 1
    resumed = Training(Settings.of(path), train, test)
    resumed.trainer.load(path)
    assert resumed.trainer.epoch == 1
    for other in (training, resumed):
        other.fit(3)
        for a, b in zip(whole.trainer.model.parameters(), other.trainer.model.parameters(), strict=True):
            assert np.array_equal(a.numpy(), b.numpy())
        for row, same_row in zip(whole.trainer.history, other.trainer.history, strict=True):
            assert {**row, "seconds": 0} == {**same_row, "seconds": 0}


def _started(tmp_path: Path, *argv: str) -> subprocess.Popen:
    """A training in a process of its own, called r, that has done some epochs and would go on for a long time."""
    argv = ("train", "digits", *SMALL, "--out", str(tmp_path), "--epochs", "100000", "--name", "r", *argv)
    process = subprocess.Popen(
        [sys.executable, "-m", "nn", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )  # fmt: skip
    metrics = tmp_path / "r" / "metrics.csv"
    while not (metrics.exists() and metrics.read_text().count("\n") > 3):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def _epochs_done(folder: Path) -> int:
    with (folder / "metrics.csv").open(newline="") as file:
        return len(list(csv.DictReader(file)))


def test_ctrl_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = _started(tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.count("\n") == 1, err
    assert "interrupted after" in err, err
    assert "--name r --resume" in err, err
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == FILES
    done = _epochs_done(tmp_path / "r")
    assert done >= 3
    assert f"interrupted after {done} of 100000 epochs" in err
    resume = ["train", "digits", "--resume", "--name", "r", "--out", tmp_path, "--epochs", done + 2]
    assert run(capsys, *resume)[0] == 0
    assert run(capsys, "train", "digits", *SMALL, "--out", tmp_path, "--epochs", done + 2, "--name", "whole")[0] == 0
    assert same(weights(tmp_path / "r"), weights(tmp_path / "whole"))


def test_a_killed_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--optimizer", "sgd", "--schedule", "inverse", "--clip-norm", "1"]
    process = _started(tmp_path, *options)
    process.kill()
    process.communicate(timeout=120)
    epochs = _epochs_done(tmp_path / "r") + 2
    assert run(capsys, "train", "digits", "--resume", "--name", "r", "--out", tmp_path, "--epochs", epochs)[0] == 0
    whole = ["train", "digits", *SMALL, *options, "--out", tmp_path, "--epochs", epochs, "--name", "whole"]
    assert run(capsys, *whole)[0] == 0
    assert same(weights(tmp_path / "r"), weights(tmp_path / "whole"))
    assert _epochs_done(tmp_path / "r") == epochs


def test_ctrl_c_before_the_first_epoch_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = nn.optim.Adam.step

    def interrupted(self: Any, *args: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args)

    monkeypatch.setattr(nn.optim.Adam, "step", interrupted)
    argv = ["train", "digits", *SMALL, "--epochs", 2, "--out", tmp_path]
    code, _, err = run(capsys, *argv)
    assert code == 130
    assert "interrupted after 0 of 2 epochs" in err
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run(capsys, "train", "digits", "--resume", "--out", tmp_path)[0] == 0
    assert run(capsys, *argv, "--name", "whole")[0] == 0
    assert same(weights(tmp_path / "digits"), weights(tmp_path / "whole"))


def test_ctrl_c_outside_the_training(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "check_gradients", interrupted)
    fails(capsys, 130, "^autograd-lite: interrupted\n", "check")


def test_resume_of_a_finished_run_changes_no_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "digits", *SMALL, "--epochs", 1, "--out", tmp_path)[0] == 0
    before = weights(tmp_path / "digits")
    (tmp_path / "digits" / "loss.svg").unlink()
    code, out, _ = run(capsys, "train", "digits", "--resume", "--out", tmp_path)
    assert code == 0
    assert "after epoch 1" in out
    assert same(before, weights(tmp_path / "digits"))
    assert (tmp_path / "digits" / "loss.svg").exists()


# -- what a user can get wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: .*train"),
        (["fly"], "'fly'"),
        (["train"], "required: task"),
        (["train", "cats"], "'cats'.*digits"),
        (["train", "digits", "--epochs", "0"], "--epochs: '0' is not a whole number of at least 1"),
        (["train", "digits", "--epochs", "many"], "--epochs: 'many'"),
        (["train", "digits", "--lr", "-1"], "--lr"),
        (["train", "digits", "--lr=-1"], "--lr: '-1' is not a number above 0"),
        (["train", "digits", "--lr", "nan"], "--lr: 'nan'"),
        (["train", "digits", "--lr", "inf"], "--lr: 'inf'"),
        (["train", "digits", "--batch-size", "1.5"], "--batch-size: '1.5'"),
        (["train", "digits", "--seed=-1"], "--seed: '-1'"),
        (["train", "digits", "--optimizer", "lion"], "'lion'"),
        (
            ["train", "digits", "--model", "cnn"],
            "--model: 'cnn' is not linear, mlp, lenet, vgg, resnet8 or sizes like 64-100-10",
        ),
        (["train", "digits", "--model", "64-0-10"], "--model: '0'"),
        (["train", "digits", "--model", "64--10"], "--model: ''"),
        (["train", "digits", "--model", "64-999999-10"], "more than 100,000"),
        (["train", "digits", "--model", "32-10"], "--model: '32-10' does not fit .* digits: 64 pixels first"),
        (["train", "digits", "--name", "../x"], "--name: '../x' is not the name of a folder"),
        (["train", "digits", "--colour", "red"], "--colour"),
        (["check", "--model", "3"], "--model: '3' needs at least two sizes"),
        (["graph", "--model", "a-b"], "--model: 'a'"),
    ],
    ids=" ".join,
)
def test_bad_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, argv: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fails(capsys, 2, message, *argv)
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "deeper"):
        fails(capsys, 1, "file.*: (File exists|Not a directory)", "train", "digits", *SMALL, "--out", out)
        fails(capsys, 1, "file", "graph", "--out", out / "g.svg")
    fails(capsys, 1, "No such file or directory", "graph", "--out", tmp_path / "missing" / "g.svg")
    fails(capsys, 1, "drawn as .svg, .png or .pdf, not .*file", "graph", "--out", file)
    assert snapshot(tmp_path) == {"file": b"mine"}


def test_nothing_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, 1, "no checkpoint to resume", "train", "digits", "--resume", "--out", tmp_path)
    fails(capsys, 1, "no checkpoint to resume in .*x", "train", "digits", "--resume", "--name", "x", "--out", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a run of one epoch."""
    assert run(capsys, "train", "digits", *SMALL, "--epochs", 1, "--out", tmp_path, "--name", "r")[0] == 0
    return tmp_path / "r"


def test_resume_with_other_settings(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(finished)
    for option, value, shown in [
        ("--model", "linear", "--model 64-16-10, not 64-10"), ("--lr", 0.5, "--lr 0.005, not 0.5"),
        ("--batch-size", 32, "--batch-size 64, not 32"), ("--seed", 3, "--seed 0, not 3"),
        ("--optimizer", "sgd", "--optimizer adam, not sgd"),
    ]:  # fmt: skip
        argv = ["train", "digits", "--resume", "--name", "r", "--out", finished.parent, "--epochs", 2, option, value]
        fails(capsys, 1, shown, *argv)
    assert snapshot(finished) == before
    same_settings = ["--model", "64-16-10", "--seed", 0, "--epochs", 2]
    assert run(capsys, "train", "digits", "--resume", "--out", finished.parent, *same_settings)[0] == 0


def test_damaged_checkpoints(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished / "checkpoint.safetensors"
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[-5] ^= 1
    number = good.replace(b'\\"lr\\": 0.005', b'\\"lr\\": 0.004')
    assert number != good
    for bad in (b"", b"not a checkpoint", good[: len(good) // 2], bytes(flipped), number, good + b"more"):
        path.write_bytes(bad)
        before = snapshot(finished)
        fails(capsys, 1, "checkpoint.safetensors is damaged", "train", "digits", "--resume", "--out", finished.parent)
        assert snapshot(finished) == before
    path.write_bytes((finished / "model.safetensors").read_bytes())
    fails(capsys, 1, "holds weights, but is not a checkpoint", "train", "digits", "--resume", "--out", finished.parent)


def test_a_checkpoint_of_something_else(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(2, 3)
    path = finished / "checkpoint.safetensors"
    Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss()).save(path, note="hello")
    fails(capsys, 1, "not a checkpoint of `train`", "train", "digits", "--resume", "--out", finished.parent)


# -- check, graph -----------------------------------------------------------------------------------------------------


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check")
    assert (code, err) == (0, "")
    assert "gradient check passed: 23 comparisons" in out
    assert re.search(r"input +element +analytic +numeric +error", out)
    assert "fc1.weight" in out


def test_check_finds_a_wrong_gradient(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    record = al.op.__globals__["REGISTRY"]["tanh"]
    monkeypatch.setattr(record, "vjps", (lambda g, out, x: g * (1 + out * out),))
    code, out, err = run(capsys, "check", "--model", "3-4-2")
    assert code == 1
    assert err == "autograd-lite: the gradient check failed\n"
    assert "gradient check failed" in out
    assert "wrong" in out


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, start: bytes) -> None:
    path = tmp_path / f"g.{suffix}"
    code, out, err = run(capsys, "graph", "--out", path, "--model", "3-2")
    assert (code, out, err) == (0, f"{path}\n", "")
    assert path.read_bytes().startswith(start)


def test_a_graph_too_large_to_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = "-".join(["2"] * 300)
    fails(capsys, 1, "cannot draw .*entries", "graph", "--model", model, "--out", tmp_path / "g.svg")
    assert not list(tmp_path.iterdir())


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], ["train", "--help"], ["check", "--help"], ["graph", "--help"]):
        code, out, err = run(capsys, *argv)
        assert code == 0
        assert "usage: autograd-lite" in out
        assert not err


# -- whatever the terminal and the shell are ---------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["check"], ["train", "digits", "--help"]])
def test_a_terminal_without_the_signs(argv: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "nn", *argv], capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_one_class_has_no_gradient_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check", "--model", "3-1")
    assert code == 2
    assert "classes" in err


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "graph", "--out", tmp_path / "none" / "g.svg")
    assert code == 1
    assert f"{tmp_path / 'none' / 'g.svg'}" in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"autograd-lite {al.__version__}\n"


def test_a_finished_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["train", "digits", *SMALL, "--out", tmp_path, "--epochs", 1]
    assert run(capsys, *argv)[0] == 0
    code, out, _ = run(capsys, *argv, "--resume")
    assert code == 0
    assert "all 1 epochs are done" in out
