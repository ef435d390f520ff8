"""Conversions between dtypes and to the one device, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as al

NAMES = {
    "half": np.float16, "float": np.float32, "double": np.float64, "short": np.int16, "int": np.int32,
    "long": np.int64, "bool": np.bool_,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_methods_named_after_a_dtype(name: str) -> None:
    x = al.tensor([0.0, 1.0, -2.5])
    result = getattr(x, name)()
    assert result.dtype == NAMES[name]
    np.testing.assert_array_equal(result.numpy(), x.numpy().astype(NAMES[name]))
    assert getattr(result, name)() is result, "nothing to convert"
    assert x.dtype == np.float32


@pytest.mark.parametrize(
    "target", [np.float64, np.dtype(np.float64), "float64", "double", float, al.float64, al.zeros(1, dtype=al.double)]
)
def test_to_a_dtype(target: Any) -> None:
    x = al.tensor([1.5])
    for result in (x.to(target), x.type(target)):
        assert result.dtype == np.float64
        assert result.tolist() == [1.5]


def test_to_by_keyword() -> None:
    x = al.tensor([1.5])
    assert x.to(dtype=al.int64).tolist() == [1]
    assert x.to("cpu", dtype=al.float64).dtype == np.float64
    assert x.to(device="cpu", dtype=al.float64).dtype == np.float64


def test_what_changes_nothing_is_the_tensor_itself() -> None:
    x = al.tensor([1.5], requires_grad=True)
    for same in (x.cpu(), x.to("cpu"), x.to(al.device("cpu")), x.to(x), x.to(np.float32), x.to(device="cpu"), x.to()):
        assert same is x


def test_copy_is_another_tensor() -> None:
    x = al.tensor([1.5])
    for other in (x.to(copy=True), x.to(np.float32, copy=True), x.to("cpu", copy=True)):
        assert other is not x
        assert not np.shares_memory(other.numpy(), x.numpy())
        assert other.dtype == np.float32
        assert other.tolist() == [1.5]


def test_type() -> None:
    assert al.tensor([1.5]).type() == "float32"
    assert al.tensor([1.5]).type_as(al.tensor([1])).tolist() == [1]
    assert al.tensor([1]).type_as(al.zeros(2, dtype=np.float16)).dtype == np.float16


@pytest.mark.parametrize("convert", [lambda x: x.double(), lambda x: x.to(np.float64), lambda x: x.half()])
def test_the_gradient_comes_back_in_the_own_dtype(convert: Any) -> None:
    x = al.tensor([1.0, 2.0], requires_grad=True)
    (convert(x) * 3).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3, 3]


def test_no_gradient_goes_through_integers() -> None:
    x = al.tensor([1.0, 2.0], requires_grad=True)
    assert not x.long().requires_grad
    assert not x.bool().requires_grad


@pytest.mark.parametrize("wrong", ["cuda", "cuda:0", "mps", "float46"])
def test_another_device(wrong: str) -> None:
    x = al.tensor([1.0])
    for call in (lambda: x.to(wrong), lambda: x.to(device=wrong), lambda: al.device(wrong)):
        with pytest.raises(ValueError, match=f"the only device is 'cpu', got '{wrong}'"):
            call()


@pytest.mark.parametrize("wrong", [complex, "complex64", "datetime64[s]", str, object])
def test_a_dtype_of_other_than_real_numbers(wrong: Any) -> None:
    x = al.tensor([1.0])
    for call in (lambda: x.to(wrong), lambda: x.to(dtype=wrong), lambda: x.type(wrong)):
        with pytest.raises(TypeError, match="real numbers"):
            call()


def test_what_is_no_dtype() -> None:
    with pytest.raises(TypeError):
        al.tensor([1.0]).to(3)
    with pytest.raises(TypeError):
        al.tensor([1.0]).to(dtype="float46")


def test_device() -> None:
    cpu = al.device("cpu")
    assert cpu == al.device() == "cpu"
    assert al.tensor([1.0]).device == cpu
    assert hash(cpu) == hash("cpu")
    assert cpu != "cuda"
    assert (str(cpu), repr(cpu), cpu.type) == ("cpu", "device(type='cpu')", "cpu")
    assert al.zeros(2, device=cpu).shape == (2,)


def test_there_is_no_cuda() -> None:
    assert al.cuda.is_available() is False
    assert al.cuda.device_count() == 0
    al.cuda.manual_seed_all(0)
    assert al.device("cuda" if al.cuda.is_available() else "cpu") == "cpu"
