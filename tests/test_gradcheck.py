"""The gradient check: right gradients pass; every deliberately wrong one is caught, and named."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.explain.gradcheck import GradcheckError, gradcheck, gradgradcheck
from autograd_lite.op import REGISTRY

X = np.array([0.5, 1.2, -0.7])
Y = np.array([2.0, 0.3, 1.1])


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """The wrong operations of a test leave with it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def tensor(array: object, name: str = "") -> al.Tensor:
    t = al.Tensor(np.asarray(array, dtype=np.float64), requires_grad=True)
    t.name = name
    return t


def failure(fn: object, *inputs: al.Tensor, check: object = gradcheck, **options: object) -> str:
    """The message of the check, which must fail, and say the same with and without raising."""
    result = check(fn, inputs, raise_exception=False, **options)
    assert not result
    assert result.reason or result.failures
    with pytest.raises(GradcheckError) as caught:
        check(fn, inputs, **options)
    assert str(caught.value).splitlines()[0] == str(result).splitlines()[0]
    return str(caught.value)


def _wrong_product(first: object, second: object) -> object:
    @al.op(vjps=(first, second))
    def bad_mul(x, y, out=None):
        return np.multiply(x, y, out)

    return bad_mul


# -- what is right passes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_right_gradients_pass(check: object) -> None:
    result = check(lambda x, y: al.sin(x) * y + al.exp(x * y), (tensor(X), tensor(Y, "y")))
    assert result
    assert not result.failures
    assert "gradient check passed" in str(result)
    assert max(row.error for row in result.rows) < 1e-7
    assert {row.input for row in result.rows} >= {"0", "1 (y)"}


def test_every_element_is_compared() -> None:
    result = gradcheck(lambda x, y: (x * y).sum(), (tensor(np.ones((2, 3))), tensor(2.0)))
    assert [row.element for row in result.rows] == [f"[{i}, {j}]" for i in range(2) for j in range(3)] + [""]
    assert [row.analytic for row in result.rows] == [2.0] * 6 + [6.0]
    assert "⟨u, fn⟩" not in str(result)
    assert "⟨u, fn⟩" in str(gradcheck(lambda x: x * 2.0, tensor(X)))


def test_one_tensor_alone_and_several_outputs() -> None:
    assert gradcheck(lambda x: (al.exp(x), x * 2.0, x.detach() > 0), tensor(X))
    assert gradgradcheck(lambda x: (al.exp(x), x * x), tensor(X))


def test_inputs_without_requires_grad_are_passed_on() -> None:
    constant = al.Tensor(Y)
    result = gradcheck(lambda x, c, power: (x * c) ** power, (tensor(X), constant, 2))
    assert {row.input for row in result.rows} == {"0"}


def test_parameters_that_the_function_finds_by_itself() -> None:
    w, b = tensor(X, "weight"), tensor(0.5, "bias")
    parameters = [w, b]
    assert gradcheck(lambda *_: al.tanh((w * Y).sum() + b), parameters)
    assert gradgradcheck(lambda *_: al.tanh((w * Y).sum() + b), parameters)


def test_the_same_tensor_twice_is_checked_once() -> None:
    x = tensor(X)
    result = gradcheck(lambda a, b: a * b, (x, x))
    assert result
    assert len(result.rows) == 3


def test_inputs_come_back_exactly() -> None:
    for dtype in (np.float64, np.float32):
        x = al.Tensor(X.astype(dtype), requires_grad=True)
        x.grad = al.Tensor(Y.astype(dtype))
        array, node, values, version = x._array, x._node, x._array.tobytes(), x.grad
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gradcheck(al.exp, x)
            gradcheck(lambda x: x.detach() * 2.0, x, raise_exception=False)
            with pytest.raises(ZeroDivisionError):
                gradcheck(lambda x: x * (1 / 0), x)
        assert x._array is array
        assert x._node is node
        assert x.grad is version
        assert x._array.tobytes() == values


def test_large_inputs_are_checked_along_directions() -> None:
    rng = np.random.default_rng(3)
    result = gradcheck(lambda x: al.sin(x).sum(), tensor(rng.normal(size=(100, 100))))
    assert result
    assert {row.element for row in result.rows} == {f"direction {k}" for k in range(8)}
    assert gradcheck(al.sin, tensor(X), max_elements=2)


def test_a_second_run_gives_the_same_table() -> None:
    results = [gradcheck(lambda x: al.sin(x) * x, tensor(np.linspace(0, 1, 40)), max_elements=5) for _ in range(2)]
    assert results[0].rows == results[1].rows
    other = gradcheck(lambda x: al.sin(x) * x, tensor(np.linspace(0, 1, 40)), max_elements=5, seed=1)
    assert other.rows != results[0].rows


# -- what is wrong is caught and named --------------------------------------------------------------------------------


def test_wrong_gradient_of_the_first_argument() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g * x, lambda g, out, x, y: g * x)
    message = failure(bad_mul, tensor(X, "x"), tensor(Y, "y"))
    assert "worst is input 0 (x)" in message
    assert "bad_mul(%0, %1)" in message
    assert "test_gradcheck.py:" in message
    assert "its gradient is wrong for argument 0 (x)" in message
    assert "argument 1" not in message


def test_wrong_gradient_of_the_second_argument_in_the_middle_of_a_program() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g * y, lambda g, out, x, y: g * y)

    def program(x: al.Tensor, y: al.Tensor) -> al.Tensor:
        hidden = al.exp(x)
        return al.tanh(bad_mul(hidden, y * 2.0)).sum()

    result = gradcheck(program, (tensor(X), tensor(Y)), raise_exception=False)
    assert {row.input for row in result.failures} == {"1"}
    (line,) = result.culprits
    assert "bad_mul" in line
    assert "argument 1 (y)" in line
    where = program.__code__.co_firstlineno + 2
    assert f"test_gradcheck.py:{where}" in line


def test_wrong_gradient_of_0d_inputs() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g * y, lambda g, out, x, y: g * y)
    result = gradcheck(lambda x, y: bad_mul(x, y + x), (tensor(2.0), tensor(3.0)), raise_exception=False)
    assert {row.element for row in result.rows} == {""}
    assert "argument 1 (y)" in result.culprits[0]


def test_wrong_gradient_against_a_constant_that_the_tape_does_not_keep() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g, lambda g, out, x, y: g)
    result = gradcheck(lambda x: bad_mul(al.exp(x), al.Tensor(Y)), tensor(X), raise_exception=False)
    (line,) = result.culprits
    assert "bad_mul" in line
    assert "argument 0" in line


def test_a_sign_error_in_one_element() -> None:
    signs = np.array([1.0, 1.0, -1.0])

    @al.op(vjps=(lambda g, out, x: g * al.cos(x) * signs,))
    def bad_sin(x, out=None):
        return np.sin(x, out)

    result = gradcheck(lambda x: bad_sin(x) * 2.0, tensor(X), raise_exception=False)
    assert [row.element for row in result.failures] == ["[2]"]
    assert "input 0, [2]" in str(result)
    assert "the sign is wrong" in str(result)
    assert "bad_sin" in result.culprits[0]


def test_one_wrong_element_of_many_is_found_along_a_direction() -> None:
    @al.op(vjps=(lambda g, out, x: g * al.cos(x) * np.where(np.arange(2000) == 1234, -1.0, 1.0),))
    def bad_sin(x, out=None):
        return np.sin(x, out)

    x = tensor(np.random.default_rng(0).normal(size=2000))
    result = gradcheck(lambda x: bad_sin(x).sum(), x, raise_exception=False)
    assert not result
    assert "[1234]" in [row.element for row in result.failures]
    assert "bad_sin" in result.culprits[0]


def test_a_small_error_counts() -> None:
    @al.op(vjps=(lambda g, out, x: g * al.cos(x) * 1.01,))
    def bad_sin(x, out=None):
        return np.sin(x, out)

    assert "1.01 times what it should be" in failure(bad_sin, tensor(X))


def test_a_wrong_second_derivative_passes_the_first_check_and_fails_the_second() -> None:
    def rule(g: object, out: object, x: object) -> object:
        slope = 3 * np.square(x.numpy() if isinstance(x, al.Tensor) else x)  # right, but not recorded
        return g * slope

    @al.op(vjps=(rule,))
    def third_power(x, out=None):
        return np.power(x, 3, out)

    assert gradcheck(third_power, tensor(X, "x"))
    message = failure(third_power, tensor(X, "x"), check=gradgradcheck)
    assert "input 0 (x)" in message
    assert "no gradient reaches it" in message
    assert f"test_gradcheck.py:{rule.__code__.co_firstlineno + 2}" in message
    assert "not on the tape" in message


def test_a_missing_dependence() -> None:
    message = failure(lambda x, y: x * x.detach() + y, tensor(X), tensor(Y))
    assert "worst is input 0" in message
    assert "0.5 times what it should be" in message
    assert "mul(%0" in message
    assert "an operand depends on the inputs, but not on the tape" in message
    message = failure(lambda x, y: x.detach() * y.detach(), tensor(X), tensor(Y))
    assert "no gradient reaches it, yet the result depends on it" in message


def test_a_wrong_function_with_a_hand_written_backward() -> None:
    from autograd_lite.function import Function

    class Halved(Function):
        @staticmethod
        def forward(ctx: object, x: al.Tensor) -> al.Tensor:
            return x * x

        @staticmethod
        def backward(ctx: object, g: al.Tensor) -> al.Tensor:
            return g * 0.5

    result = gradcheck(lambda x: al.exp(Halved.apply(x)), tensor(X), raise_exception=False)
    assert len(result.culprits) == 1
    assert "Halved" in result.culprits[0]


def test_nan_is_a_failure() -> None:
    @al.op(vjps=(lambda g, out, x: g * np.nan,))
    def nan_rule(x, out=None):
        return np.sin(x, out)

    assert "the gradient is not a number" in failure(nan_rule, tensor(X))

    @al.op(vjps=(lambda g, out, x: g * 1.0,))
    def nan_value(x, out=None):
        return np.where(x > 1, np.nan, x)

    message = failure(nan_value, tensor(X))
    assert "output 0, [1] is nan" in message.splitlines()[0]
    assert "nan_value(%0)" in message
    assert "not finite here for the first time" in message


def test_nan_beside_the_point_is_a_failure() -> None:
    @al.op(vjps=(lambda g, out, x: g * 1.0,))
    def nan_beside(x, out=None):
        return np.where(x > 0.5, np.nan, x)

    assert "the function next to this point is not a number" in failure(nan_beside, tensor([0.5, 0.1]))


def test_chance_is_detected() -> None:
    rng = np.random.default_rng(0)
    message = failure(lambda x: x * (rng.random(3) > 0.5), tensor(X))
    assert "dropout" in message


# -- kinks and float32 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [0.0, 1e-7, 3.3e-7, 5e-7, 9e-7, -1e-7, -3.3e-7, -9e-7])
def test_a_point_near_a_kink_warns_and_is_no_failure(distance: float) -> None:
    x = tensor([1.0, distance, -2.0], "x")
    with pytest.warns(UserWarning, match=r"kink.*input 0 \(x\) \[1\]"):
        result = gradcheck(lambda x: al.relu(x) * 3.0, x)
    assert result
    assert [row.element for row in result.kinks] == ["[1]"]
    assert "kink" in str(result)


def test_a_jump_is_a_kink() -> None:
    with pytest.warns(UserWarning, match=r"kink"):
        assert gradcheck(lambda x: al.floor(x) + x, tensor([2.0, 0.5]))


def test_a_wrong_rule_does_not_hide_behind_a_kink() -> None:
    @al.op(vjps=(lambda g, out, x: g * 5.0,))
    def bad_relu(x, out=None):
        return np.maximum(x, 0, out=out)

    result = gradcheck(bad_relu, tensor([0.0, 1e-7]), raise_exception=False)
    assert not result
    assert not result.kinks
    assert len(result.failures) == 2


def test_a_wrong_rule_on_a_strongly_curved_function_is_no_kink() -> None:
    @al.op(vjps=(lambda g, out, x: g * 0.0,))
    def steep(x, out=None):
        return np.multiply(1e6, np.square(x), out)

    result = gradcheck(steep, tensor([1e-3, 2e-3]), raise_exception=False)
    assert not result.kinks
    assert len(result.failures) == 2


def test_no_kink_is_blamed_for_another_entry() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g * 2.0 * y, lambda g, out, x, y: g * x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = gradcheck(lambda x: bad_mul(al.relu(x), al.exp(x)), tensor([0.0, 1.0, 2.0]), raise_exception=False)
    assert len(result.culprits) == 1
    assert "bad_mul" in result.culprits[0]


def test_float32_warns_and_is_checked_in_float64() -> None:
    x = al.Tensor(X, requires_grad=True, dtype=np.float32)
    x.name = "w"
    with pytest.warns(UserWarning, match=r"input 0 \(w\) is float32"):
        result = gradcheck(lambda x: al.exp(x).sum(), x)
    assert max(row.error for row in result.rows) < 1e-8


# -- what cannot be checked -------------------------------------------------------------------------------------------


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"requires_grad=True"):
        gradcheck(lambda x: x, al.Tensor(X))
    with pytest.raises(TypeError, match=r"must return a Tensor.*float"):
        gradcheck(lambda x: 1.0, tensor(X))
    with pytest.raises(ValueError, match=r"no floating Tensor"):
        gradcheck(lambda x: x > 0, tensor(X))


def test_the_table_is_limited_and_has_the_worst_rows_first() -> None:
    bad_mul = _wrong_product(lambda g, out, x, y: g * y * np.arange(30.0), lambda g, out, x, y: g * x)
    message = failure(lambda x, y: bad_mul(x, y).sum(), tensor(np.ones(30)), tensor(np.ones(30)))
    lines = message.splitlines()
    assert lines[0].startswith("gradient check failed: 29 of 60")
    assert lines[1].split() == ["input", "element", "analytic", "numeric", "error"]
    assert lines[2].split() == ["0", "[29]", "29", "1", "28", "wrong"]
    assert "… and 50 more rows" in message


def test_gradgradcheck_compares_the_recorded_gradient_with_the_plain_one() -> None:
    def rule(g, out, x):
        return g * 2 * x if isinstance(g, al.Tensor) else g * 3 * x

    @al.op(vjps=(rule,))
    def two_faced(x, out=None):
        return np.square(x, out)

    with pytest.raises(GradcheckError, match=r"input 0.*create_graph"):
        gradgradcheck(two_faced, al.Tensor(np.array([1.0, 2.0]), requires_grad=True))
