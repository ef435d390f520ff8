"""no_grad, enable_grad, set_grad_enabled, trace: as context managers, as decorators, per thread."""

from __future__ import annotations

import threading

import pytest

import autograd_lite as al


@pytest.fixture
def x() -> al.Tensor:
    return al.Tensor([1.0, 2.0], requires_grad=True)


def test_context_managers_nest_and_restore(x: al.Tensor) -> None:
    with al.no_grad():
        assert not (x * 2).requires_grad
        with al.enable_grad():
            assert (x * 2).requires_grad
        with al.set_grad_enabled(True):
            assert (x * 2).requires_grad
        assert not al.is_grad_enabled()
    assert al.is_grad_enabled()


def test_an_error_restores(x: al.Tensor) -> None:
    with pytest.raises(KeyError), al.no_grad():
        raise KeyError
    assert (x * 2).requires_grad


def test_decorators_with_and_without_parentheses(x: al.Tensor) -> None:
    @al.no_grad
    def plain() -> al.Tensor:
        """Its docstring stays."""
        return x * 2

    @al.no_grad()
    def called() -> al.Tensor:
        return x * 2

    @al.set_grad_enabled(False)
    def switched() -> al.Tensor:
        return x * 2

    assert not plain().requires_grad
    assert not called().requires_grad
    assert not switched().requires_grad
    assert plain.__doc__ == "Its docstring stays."
    assert al.is_grad_enabled()


def test_set_grad_enabled_as_a_statement(x: al.Tensor) -> None:
    try:
        al.set_grad_enabled(False)
        assert not (x * 2).requires_grad
    finally:
        al.set_grad_enabled(True)
    assert (x * 2).requires_grad


def test_one_instance_may_be_entered_twice(x: al.Tensor) -> None:
    off = al.no_grad()
    with off, off:
        assert not al.is_grad_enabled()
    assert al.is_grad_enabled()


def test_each_thread_has_its_own_mode(x: al.Tensor) -> None:
    seen: list[bool] = []
    with al.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_trace_notes_line_and_value(x: al.Tensor) -> None:
    with al.trace():
        y = x * 2
    note = y._node.extras.note
    assert note.where.startswith("test_modes.py:")
    assert note.value.tolist() == [2.0, 4.0]
    assert (x * 2)._node.extras is None


def test_trace_of_a_matrix_is_the_sum_of_its_diagonal() -> None:
    assert al.trace(al.Tensor([[1.0, 2.0], [3.0, 4.0]])).item() == 5.0
