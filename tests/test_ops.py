"""The walk over the registry: what must hold for every operation is tested for every operation."""

from __future__ import annotations

import numpy as np
import pytest
from numeric import gradient

import autograd_lite as al
from autograd_lite.op import REGISTRY, Op, Sample

SEED = 7
BUILTIN = [record for record in REGISTRY.values() if record.builtin]  # before an example in a docstring adds its own


def _cases() -> list:
    cases = []
    for record in BUILTIN:
        if record.samples is None:
            continue
        for i, sample in enumerate(record.samples(np.random.default_rng(SEED))):
            cases.append(pytest.param(record, sample, id=f"{record.name}-{i}"))
    return cases


CASES = _cases()
DIFFERENTIABLE = [c for c in CASES if c.values[0].differentiable]


def test_every_op_has_samples_and_a_docstring() -> None:
    for record in BUILTIN:
        assert record.samples is not None, record.name
        assert record.samples(np.random.default_rng(SEED)), record.name
        assert record.forward.__doc__, record.name


def _floating(sample: Sample) -> list[int]:
    return [i for i, a in enumerate(sample.args) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]


def _tensors(sample: Sample, arrays: list[np.ndarray], requires_grad: bool = True) -> list:
    """The sample's arguments with ``arrays`` as its floating ones, as Tensors."""
    args: list = [al.Tensor(a) if isinstance(a, np.ndarray) else a for a in sample.args]
    for i, array in zip(_floating(sample), arrays, strict=True):
        args[i] = al.Tensor(array, requires_grad=requires_grad)
    return args


def _value(record: Op, sample: Sample, arrays: list[np.ndarray], cotangent: np.ndarray) -> float:
    return float(np.sum(record.public(*_tensors(sample, arrays, False), **sample.params).numpy() * cotangent))


def _gradients(record: Op, sample: Sample, arrays: list[np.ndarray], cotangent: np.ndarray) -> list[np.ndarray]:
    """First-order gradients of the floating arguments by the plain backward; zeros where nothing flows."""
    args = _tensors(sample, arrays)
    record.public(*args, **sample.params).backward(cotangent)
    leaves = [args[i] for i in _floating(sample)]
    return [np.zeros(a.shape) if a.grad is None else a.grad.numpy() for a in leaves]


def _setup(record: Op, sample: Sample) -> tuple[list[np.ndarray], np.ndarray]:
    arrays = [np.array(sample.args[i]) for i in _floating(sample)]
    shape = record.public(*_tensors(sample, arrays, False), **sample.params).shape
    return arrays, np.asarray(np.random.default_rng(SEED).normal(size=shape))


@pytest.mark.parametrize(("record", "sample"), DIFFERENTIABLE)
def test_first_order(record: Op, sample: Sample) -> None:
    arrays, cotangent = _setup(record, sample)
    analytic = _gradients(record, sample, arrays, cotangent)
    for i, got in enumerate(analytic):
        expected = gradient(lambda *a: _value(record, sample, list(a), cotangent), arrays, i)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7, err_msg=f"{record.name}, argument {i}")


@pytest.mark.parametrize(("record", "sample"), DIFFERENTIABLE)
def test_second_order(record: Op, sample: Sample) -> None:
    """The gradient of ⟨weights, gradients⟩, recorded by create_graph, against differences of the first order."""
    arrays, cotangent = _setup(record, sample)
    rng = np.random.default_rng(SEED + 1)
    weights = [np.asarray(rng.normal(size=a.shape)) for a in arrays]

    def projected(*values: np.ndarray) -> float:
        *inputs, c = values
        return float(sum(np.sum(w * g) for w, g in zip(weights, _gradients(record, sample, inputs, c), strict=True)))

    args = _tensors(sample, arrays)
    c = al.Tensor(cotangent, requires_grad=True)
    record.public(*args, **sample.params).backward(c, create_graph=True)
    leaves = [args[i] for i in _floating(sample)]
    firsts = [leaf.grad for leaf in leaves]
    for first, expected in zip(firsts, _gradients(record, sample, arrays, cotangent), strict=True):
        np.testing.assert_allclose(0.0 if first is None else first.numpy(), expected, rtol=1e-12, atol=1e-14)
    terms = [
        (al.Tensor(w) * g).sum() for w, g in zip(weights, firsts, strict=True) if g is not None and g.requires_grad
    ]
    for leaf in (*leaves, c):
        leaf.grad = None
    for term in terms:
        term.backward(retain_graph=True)
    for i, leaf in enumerate((*leaves, c)):
        expected = gradient(projected, [*arrays, cotangent], i)
        got = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=f"{record.name}, argument {i}")


def _asks_for_a_dtype(sample: Sample) -> bool:
    return "dtype" in sample.params or any(isinstance(a, (type, np.dtype)) for a in sample.args)


@pytest.mark.parametrize(("record", "sample"), [c for c in CASES if not _asks_for_a_dtype(c.values[1])])
def test_float32_stays_float32(record: Op, sample: Sample) -> None:
    arrays = [np.array(sample.args[i], dtype=np.float32) for i in _floating(sample)]
    args = _tensors(sample, arrays, record.differentiable)
    out = record.public(*args, **sample.params)
    if out.dtype.kind == "f":
        assert out.dtype == np.float32
    if out.requires_grad:
        out.backward(np.ones(out.shape))
        for i in _floating(sample):
            assert args[i].grad is None or args[i].grad.dtype == np.float32


@pytest.mark.parametrize(("record", "sample"), CASES)
def test_non_contiguous_and_unchanged_inputs(record: Op, sample: Sample) -> None:
    """Views with strides give the same results as packed arrays, and no forward or vjp writes to its inputs."""
    arrays = [np.array(sample.args[i]) for i in _floating(sample)]
    strided = [np.repeat(a[..., None], 2, axis=-1)[..., 0] for a in arrays]
    results = []
    for given in (arrays, strided):
        args = list(sample.args)
        for i, array in zip(_floating(sample), given, strict=True):
            args[i] = al.Tensor._wrap(array)
            args[i].requires_grad = record.differentiable
        before = [a.copy() for a in given]
        out = record.public(*[al.Tensor(a) if isinstance(a, np.ndarray) else a for a in args], **sample.params)
        parts = [out.numpy()]
        if out.requires_grad:
            out.backward(np.ones(out.shape))
            parts += [args[i].grad.numpy() for i in _floating(sample) if args[i].grad is not None]
        for array, kept in zip(given, before, strict=True):
            np.testing.assert_array_equal(array, kept)
        results.append(parts)
    for packed, view in zip(*results, strict=True):
        np.testing.assert_allclose(packed, view, rtol=1e-13, atol=1e-15)


def _bound(record: Op, sample: Sample) -> tuple[tuple, tuple]:
    return record._bind(sample.args, dict(sample.params))


@pytest.mark.parametrize(("record", "sample"), CASES)
def test_out_is_honoured(record: Op, sample: Sample) -> None:
    operands, params = _bound(record, sample)

    def forward(**buffer: np.ndarray) -> object:
        if record.variadic:
            return record.forward(*operands, **dict(zip(record.names, params, strict=True)), **buffer)
        return record.forward(*operands, *params, **buffer)

    expected = forward()
    expected = expected[0] if record.residuals else expected
    buffer = np.empty_like(np.asarray(expected))
    got = forward(out=buffer)
    got = got[0] if record.residuals else got
    assert got is buffer
    np.testing.assert_array_equal(buffer, expected)


@pytest.mark.parametrize(("record", "sample"), DIFFERENTIABLE)
def test_gradients_are_not_shared(record: Op, sample: Sample) -> None:
    """What backward leaves in ``grad`` is memory of its own: not an input's, not the cotangent's, not another's."""
    arrays, cotangent = _setup(record, sample)
    args = _tensors(sample, arrays)
    out = record.public(*args, **sample.params)
    out.backward(cotangent)
    leaves = [args[i] for i in _floating(sample)]
    held = [cotangent, out._array, *(leaf._array for leaf in leaves)]
    for leaf in leaves:
        if leaf.grad is not None:
            assert not any(np.shares_memory(leaf.grad._array, other) for other in held if other.size)
            held.append(leaf.grad._array)


@pytest.mark.parametrize(("record", "sample"), [c for c in DIFFERENTIABLE if c.values[0].reference is not None])
def test_fused_ops_equal_their_composition(record: Op, sample: Sample) -> None:
    arrays, cotangent = _setup(record, sample)
    operands, params = _bound(record, sample)
    tensors = _tensors(sample, arrays)
    extended = [*tensors, *operands[len(tensors) :]]
    out = record.reference(*extended, *params)
    np.testing.assert_allclose(_value(record, sample, arrays, cotangent), float((out.numpy() * cotangent).sum()))
    out.backward(cotangent)
    for i, got in zip(_floating(sample), _gradients(record, sample, arrays, cotangent), strict=True):
        np.testing.assert_allclose(got, tensors[i].grad.numpy(), rtol=1e-12, atol=1e-14)
