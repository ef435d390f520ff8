"""The walk over the composed functions: what must hold for every one of them is tested for every one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import Tensor
from autograd_lite.explain import gradcheck, gradgradcheck
from autograd_lite.op import REGISTRY, Sample
from autograd_lite.ops import FAMILIES, loss
from autograd_lite.ops.composed import COMPOSED, Composed

SEED = 7
CASES = [
    pytest.param(record, sample, id=f"{record.name}-{i}")
    for record in COMPOSED.values()
    for i, sample in enumerate(record.samples(np.random.default_rng(SEED)))
]
WITHOUT_GRADIENT = ("nonzero",)
# Gradients that are defined, not derived: a padding row's is 0, others are divided by a number (see test_golden).
BY_DEFINITION = ("embedding-1", "embedding-3", "embedding-4")
DIFFERENTIABLE = [c for c in CASES if c.values[0].name not in WITHOUT_GRADIENT]


def converted(value: Any, convert: Callable[[np.ndarray], Any]) -> Any:
    """``value`` with every array in it converted."""
    if isinstance(value, np.ndarray):
        return convert(value)
    return [converted(v, convert) for v in value] if isinstance(value, list) else value


def flat(values: Any) -> list[Any]:
    return [x for v in values for x in flat(v)] if isinstance(values, (list, tuple)) else [values]


def tensors(sample: Sample, dtype: Any = np.float64) -> tuple[list[Any], dict[str, Any], list[Tensor]]:
    """Arguments with Tensors for arrays, and those of them that require a gradient: the positional floating ones."""
    leaves: list[Tensor] = []

    def leaf(array: np.ndarray) -> Tensor:
        if array.dtype.kind != "f":
            return Tensor(array)
        leaves.append(Tensor(array.astype(dtype), requires_grad=True))
        return leaves[-1]

    args = [converted(a, leaf) for a in sample.args]
    params = {
        k: converted(v, lambda a: Tensor(a.astype(dtype) if a.dtype.kind == "f" else a))
        for k, v in sample.params.items()
    }
    return args, params, leaves


def numbers(results: Any) -> list[np.ndarray]:
    return [np.asarray(r.numpy() if isinstance(r, Tensor) else r) for r in flat(results)]


def assert_same(one: Any, two: Any) -> None:
    for a, b in zip(numbers(one), numbers(two), strict=True):
        np.testing.assert_array_equal(a, b)


# -- completeness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [*FAMILIES, loss], ids=lambda family: family.__name__.rsplit(".", 1)[1])
def test_every_public_function_is_walked(family: Any) -> None:
    """Each is an op, in the walk of test_ops, or a composed function, in this one."""
    for name in family.__all__:
        function = getattr(family, name)
        record = getattr(function, "op", None)
        if record is not None:
            assert REGISTRY[record.name] is record, name
        else:
            assert COMPOSED[function.composed.name] is function.composed, name
            assert function.composed.public is function, name


@pytest.mark.parametrize("record", COMPOSED.values(), ids=COMPOSED)
def test_every_composed_function_has_samples_and_a_docstring(record: Composed) -> None:
    assert record.samples(np.random.default_rng(SEED))
    assert record.public.__doc__


# -- gradients --------------------------------------------------------------------------------------------------------


def _function(record: Composed, sample: Sample) -> tuple[Callable[..., Any], list[Tensor]]:
    """The sample's call as a function of its floating Tensors, which it finds by itself."""
    args, params, leaves = tensors(sample)

    def call(*_: Tensor) -> tuple[Tensor, ...]:
        return tuple(y for y in flat(record.public(*args, **params)) if y.dtype.kind == "f")

    return call, leaves


@pytest.mark.parametrize(("record", "sample"), [c for c in DIFFERENTIABLE if c.id not in BY_DEFINITION])
def test_gradients(record: Composed, sample: Sample) -> None:
    function, leaves = _function(record, sample)
    assert any(y.requires_grad for y in function())
    assert not gradcheck(function, leaves).kinks


@pytest.mark.parametrize(("record", "sample"), DIFFERENTIABLE)
def test_second_gradients(record: Composed, sample: Sample) -> None:
    function, leaves = _function(record, sample)
    assert gradgradcheck(function, leaves)


@pytest.mark.parametrize(("record", "sample"), CASES)
def test_float32_stays_float32(record: Composed, sample: Sample) -> None:
    args, params, leaves = tensors(sample, np.float32)
    results = [y for y in flat(record.public(*args, **params)) if y.dtype.kind == "f"]
    assert {y.dtype for y in results} <= {np.dtype(np.float32)}
    for y in results:
        if y.requires_grad:
            y.backward(np.ones(y.shape), retain_graph=True)
    assert {x.grad.dtype for x in leaves if x.grad is not None} <= {np.dtype(np.float32)}


def test_functions_without_gradient() -> None:
    for name in WITHOUT_GRADIENT:
        for sample in COMPOSED[name].samples(np.random.default_rng(SEED)):
            args, params, leaves = tensors(sample)
            assert leaves
            assert not any(y.requires_grad for y in flat(COMPOSED[name].public(*args, **params)))


# -- forms of the call ------------------------------------------------------------------------------------------------


def _named(record: Composed, sample: Sample) -> dict[str, Any] | None:
    """The sample's arguments by name; None for a function of any number of them."""
    parameters = inspect.signature(record.public).parameters
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return None
    args, params, _ = tensors(sample)
    return {**dict(zip(parameters, args)), **params}


@pytest.mark.parametrize(("record", "sample"), [c for c in CASES if c.values[0].name != "einsum"])
def test_arguments_by_name(record: Composed, sample: Sample) -> None:
    """Under our names, and under PyTorch's: ``input``, ``dim``, ``keepdim``."""
    named = _named(record, sample)
    assert named is not None
    theirs = {"axis": "dim", "keepdims": "keepdim", "x": "input"}
    expected = record.public(*tensors(sample)[0], **tensors(sample)[1])
    if isinstance(named.get("axis"), Tensor):  # max(x, y)
        named["other"] = named.pop("axis")
    assert_same(record.public(**named), expected)
    assert_same(record.public(**{theirs.get(k, k): v for k, v in named.items()}), expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: al.mm(input=a, mat2=a.mT), lambda a: al.mv(a, vec=a[0]), lambda a: al.dot(a[0], tensor=a[1]),
        lambda a: al.vdot(input=a[0], tensor=a[1]),
        lambda a: al.outer(a[0], vec2=a[1]), lambda a: al.inner(a, other=a), lambda a: al.bmm(a[None], mat2=a.mT[None]),
        lambda a: al.addmm(input=a[:, :2], mat1=a, mat2=a.mT), lambda a: al.flatten(input=a, start_dim=0, end_dim=1),
        lambda a: al.movedim(input=a, source=0, destination=1), lambda a: al.swapaxes(a, axis0=0, axis1=1),
        lambda a: al.expand(input=a, size=(2, 2, 3)), lambda a: al.repeat(a, repeats=(2, 2)),
        lambda a: al.tile(input=a, dims=(2,)), lambda a: al.diag(input=a, diagonal=1),
        lambda a: al.diag_embed(a, offset=1, dim1=0, dim2=1), lambda a: al.pad(input=a, pad=(1, 1), value=2.0),
        lambda a: al.hstack(tensors=[a, a]), lambda a: al.view_as(a, other=a), lambda a: al.t(input=a),
        lambda a: al.split(a, split_size=1)[0], lambda a: al.scatter(a, dim=0, index=[[0]], value=3.0),
    ],
)  # fmt: skip
def test_pytorch_names(call: Callable[[Tensor], Tensor]) -> None:
    a = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert call(a).requires_grad


def test_a_name_twice_or_unknown() -> None:
    with pytest.raises(TypeError, match="two names"):
        al.unsqueeze(Tensor([1.0]), axis=0, dim=0)
    with pytest.raises(TypeError, match="bogus"):
        al.mm(Tensor([[1.0]]), Tensor([[1.0]]), bogus=1)


@pytest.mark.parametrize(("record", "sample"), CASES)
def test_arrays_and_lists_give_arrays(record: Composed, sample: Sample) -> None:
    """Without a Tensor the result is NumPy's; the first argument may be a list."""
    args, params, _ = tensors(sample)
    expected = record.public(*args, **params)
    results = record.public(*sample.args, **sample.params)
    assert all(isinstance(r, (np.ndarray, np.generic)) for r in flat(results))
    assert_same(results, expected)
    first, *rest = sample.args
    if isinstance(first, np.ndarray) and first.size:
        assert_same(record.public(first.tolist(), *rest, **sample.params), expected)
        (name, *_) = inspect.signature(record.public).parameters
        if not rest:
            assert_same(record.public(**{name: first.tolist()}, **sample.params), expected)


def test_a_list_beside_a_tensor_takes_the_default_dtype() -> None:
    assert al.mm([[1.0]], Tensor([[2.0]])).dtype == np.float32
