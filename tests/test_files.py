"""Files: what goes in comes out, what is damaged or of another kind is refused, and nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import autograd_lite as al
import nn
from autograd_lite.files import CheckpointError, _checksum, written_whole


def same(a: Any, b: Any) -> bool:
    """Whether two values are of the same types and bits throughout."""
    if type(a) is not type(b):
        return False
    if isinstance(a, al.Tensor):
        return a.requires_grad == b.requires_grad and same(a.detach().numpy(), b.detach().numpy())
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b)


DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint64", "bool"]
ARRAYS = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
    st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3).map(tuple), st.integers(0, 9),
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=["Cs"])),
    ARRAYS, ARRAYS.map(al.Tensor),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(["$tensor", "a/b", "a", "b", "__metadata__", ""]), st.integers(), st.none())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES)
@example({"a/b": al.ones(1), "a": {"b": al.zeros(2)}, "__metadata__": np.ones(3)})
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out(tmp_path: Path, value: Any) -> None:
    al.save(value, tmp_path / "f.pt")
    assert same(al.load(tmp_path / "f.pt"), value)


def test_what_pytorch_programs_save(tmp_path: Path) -> None:
    def make(seed: int) -> tuple[nn.Module, nn.optim.Optimizer]:
        model = nn.Sequential(nn.Linear(3, 4, generator=al.Generator(seed)), nn.BatchNorm1d(4))
        return model, nn.optim.Adam(model.parameters(), lr=0.01)

    def step(model: nn.Module, optimizer: nn.optim.Optimizer) -> None:
        model(al.Tensor(np.arange(15, dtype=np.float32).reshape(5, 3))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    model, optimizer = make(0)
    step(model, optimizer)
    path = str(tmp_path / "checkpoint.pth")
    al.save({"epoch": 5, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
             "best": np.float64(0.25), "betas": (0.9, 0.999), "history": [1.5, float("nan")]}, path)  # fmt: skip
    stored = al.load(path, map_location=al.device("cpu"), weights_only=True)
    again = make(1)
    again[0].load_state_dict(stored["model"])
    again[1].load_state_dict(stored["optimizer"])
    step(model, optimizer)
    step(*again)
    for name, value in again[0].state_dict().items():
        assert same(value, model.state_dict()[name]), name
    assert (stored["epoch"], stored["best"], stored["betas"]) == (5, 0.25, (0.9, 0.999))
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pth"]


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt", "w"])
def test_weights_round_trip(tmp_path: Path, name: str) -> None:
    tensors = {
        "a.b": al.randn(3, 4).T, "n": al.tensor([1, 2]), "scalar": al.tensor(2.5), "empty": al.zeros((0, 2)),
        "double": al.Tensor(np.arange(4.0)[::2]),
    }  # fmt: skip
    al.save(OrderedDict(tensors), tmp_path / name)
    found = al.load(tmp_path / name)
    assert same(found, tensors)
    for tensor in found.values():
        tensor.zero_()  # is memory of its own
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_state_is_an_ordinary_safetensors_file(tmp_path: Path) -> None:
    state = nn.Linear(2, 3).state_dict()
    al.save(state, tmp_path / "w.safetensors")
    other = load_file(tmp_path / "w.safetensors")
    assert {name: a.tobytes() for name, a in other.items()} == {n: t.numpy().tobytes() for n, t in state.items()}
    save_file(other, tmp_path / "theirs.safetensors", {"format": "pt"})
    nn.Linear(2, 3).load_state_dict(al.load(tmp_path / "theirs.safetensors"))


def test_a_gradient_is_wanted_again(tmp_path: Path) -> None:
    x = al.tensor([1.0, 2.0], requires_grad=True)
    al.save([x, x * 2, nn.Parameter([3.0])], tmp_path / "x.pt")
    found = al.load(tmp_path / "x.pt")
    assert [(t.requires_grad, t.is_leaf, t.tolist()) for t in found] == [
        (True, True, [1, 2]), (True, True, [2, 4]), (True, True, [3]),
    ]  # fmt: skip


class Holder:
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nn.Linear(1, 1), r"it is a Linear; save its state_dict\(\).*load_state_dict"),
        ({"model": [nn.ReLU()]}, r"\['model'\]\['0'\] is a ReLU; save its state_dict"),
        ({"args": Holder()}, r"\['args'\] is a Holder.*a file holds tensors"),
        ({"text": np.array(["a"])}, r"\['text'\] is an array of <U1"),
        ({"long": np.zeros(1, np.longdouble)}, "an array of float128|an array of longdouble"),
        ({1, 2}, "it is a set"),
        (b"bytes", "it is a bytes"),
    ],
)
def test_what_a_file_cannot_hold(tmp_path: Path, value: Any, message: str) -> None:
    path = tmp_path / "f.pt"
    path.write_text("old")
    with pytest.raises(TypeError, match=message):
        al.save(value, path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_npz_file_holds_named_tensors(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    for value, message in (({"epoch": 3}, "not 'epoch': int"), ({"m": {"w": al.ones(1)}}, "'m': dict"),
                           ([al.ones(1)], "list"), (nn.ReLU(), "state_dict")):  # fmt: skip
        with pytest.raises(TypeError, match=message):
            al.save(value, path)
    assert not path.exists()
    np.savez(path, a=np.array(["text"]))
    with pytest.raises(CheckpointError, match="'a', which is no array of real numbers"):
        al.load(path)
    np.savez(path, a=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="allow_pickle"):
        al.load(path)


def test_a_value_that_holds_itself(tmp_path: Path) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="holds itself"):
        al.save(value, tmp_path / "f.pt")


def test_the_only_device_is_the_cpu(tmp_path: Path) -> None:
    path = tmp_path / "f.pt"
    al.save(al.ones(1), path)
    for same in ("cpu", None, lambda storage, location: storage, {"cuda:0": "cpu"}):
        assert al.load(path, map_location=same).tolist() == [1]
    with pytest.raises(ValueError, match="'cuda'"):
        al.load(path, map_location="cuda")


# -- damaged, and of another kind -------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.pth").write_bytes(pickle.dumps(Bomb(), protocol))
    with zipfile.ZipFile("zipped.pth", "w") as file:  # as torch.save writes since 1.6
        file.writestr("archive/data.pkl", pickle.dumps(Bomb(), protocol))
    for name in ("plain.pth", "zipped.pth"):
        for weights_only in (True, False):
            with pytest.raises(CheckpointError, match=rf"{name} is a pickle.*any program.*save_file\(torch.load"):
                al.load(name, weights_only=weights_only)
    assert not Path("unpickled").exists()


@pytest.mark.parametrize("name", ["f.safetensors", "f.npz"])
def test_a_truncated_file_is_noticed_wherever_it_ends(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    state = {"w": al.arange(6).reshape(2, 3).float(), "b": al.tensor([True, False])}
    al.save(state if name.endswith("npz") else {"model": state, "epoch": 3}, path)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(CheckpointError, match=f"{name} is damaged, or not a file of tensors: "):
            al.load(path)
    path.write_bytes(whole)
    assert "w" in str(al.load(path))


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "f.pt"
    al.save({"model": {"w": al.arange(6), "v": al.ones((2, 3))}, "epoch": 3}, path)
    flipped = bytearray(path.read_bytes())
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    with pytest.raises(CheckpointError):
        al.load(path)


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_is_refused(tmp_path: Path, rubbish: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\x80\x02", len(rubbish).to_bytes(8, "little") + b"{"):
        (tmp_path / "f.pt").write_bytes(start + rubbish)
        with pytest.raises(CheckpointError, match=r"f\.pt"):
            al.load(tmp_path / "f.pt")


def test_a_tree_that_was_made_up(tmp_path: Path) -> None:
    path = tmp_path / "f.pt"
    al.save({"w": al.ones(1)}, path)
    genuine = path.read_bytes()
    for text in ('{"$tensor": "v"}', '{"$dict": 3}', '{"$dict": [[[], 1]]}', "[" * 10**5, '{"$tensor": []}'):
        arrays = {"w": np.ones(1, np.float32)}
        save_file(arrays, path, {"autograd_lite": text, "checksum": _checksum(arrays, text)})
        with pytest.raises(CheckpointError, match="damaged"):
            al.load(path)
    path.write_bytes(genuine)
    assert al.load(path)["w"].tolist() == [1]


def test_numbers_that_numpy_does_not_have(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "f.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(CheckpointError, match=r"numbers that NumPy does not have.*bfloat16"):
        al.load(tmp_path / "f.safetensors")


def test_what_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        al.load(tmp_path / "none.pt")
    with pytest.raises(IsADirectoryError):
        al.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none.f\.pt"):
        al.save({}, tmp_path / "none" / "f.pt")
    with pytest.raises(TypeError, match="BytesIO"):
        al.save({}, io.BytesIO())  # type: ignore[arg-type]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), written_whole(path) as temporary:
        temporary.write_text("half \ud800", encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]
    assert path.read_text() == "old"
