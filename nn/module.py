"""Module: what has parameters and can be called; modules hold modules.

A module's parameters and children are simply its attributes: there is no second registry that could disagree with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from autograd_lite import Tensor
from autograd_lite.creation import check_device
from autograd_lite.modes import TRACING, mode
from autograd_lite.tensor import Handle
from autograd_lite.writes import log_write

from .hooks import ForwardHook, Watch

__all__ = ["Module", "Parameter"]

M = TypeVar("M", bound="Module")
Hook = Callable[..., Any]


class Parameter(Tensor):
    """A Tensor that a `Module` trains: assigned to an attribute, it is found by ``module.parameters()``.

    ``Parameter(data, requires_grad=True, dtype=None)`` copies ``data``.  Raises as `Tensor` does.

    >>> Parameter([1.0, 2.0])
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None) -> None:
        super().__init__(
            data.detach() if isinstance(data, Tensor) and data.is_leaf else data,
            requires_grad=requires_grad, dtype=dtype,
        )  # fmt: skip

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Mismatch(NamedTuple):
    """The names that `Module.load_state_dict` did not find, and those it did not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class _Running(threading.local):
    """While tracing: the paths of the modules inside the outermost one that runs."""

    paths: dict[int, str] | None = None


_running = _Running()


class Module:
    """A part of a network: its attributes are its parameters and its parts, `forward` is what it computes.

    >>> import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.fc = nn.Linear(2, 3)
    ...     def forward(self, x):
    ...         return self.fc(x).relu()
    >>> [(name, p.shape) for name, p in Net().named_parameters()]
    [('fc.weight', (3, 2)), ('fc.bias', (3,))]
    """

    training: bool = True
    _buffers: Mapping[str, bool] = {}  # name: whether it is part of the state
    _forward_pre_hooks: Mapping[object, ForwardHook] = {}
    _forward_hooks: Mapping[object, ForwardHook] = {}
    _backward_hooks: Mapping[object, Hook] = {}

    def __init__(self) -> None:
        pass  # a subclass may call this or not

    # -- running ------------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        # Each subclass defines what it computes; a docstring here would be shown for all of them.
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define what it computes")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """What `forward` returns, or a hook in its place: for type checkers a Tensor, which it nearly always is."""
        if self._forward_pre_hooks or self._forward_hooks or self._backward_hooks:
            return self._hooked(args, kwargs)
        return self.forward(*args, **kwargs) if mode.state != TRACING else self._traced(*args, **kwargs)

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run with the hooks: before, around, after."""
        for hook in list(self._forward_pre_hooks.values()):
            args, kwargs = hook.before(self, args, kwargs)
        watch = Watch(self, self._backward_hooks) if self._backward_hooks else None
        if watch is not None:
            args = watch.enter(args)
        result = self.forward(*args, **kwargs) if mode.state != TRACING else self._traced(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            result = hook.after(self, args, kwargs, result)
        return result if watch is None else watch.leave(result)

    def _traced(self, *args: Any, **kwargs: Any) -> Any:
        """Run with ``mode.module`` set to this module's path, which `trace` writes beside each operation."""
        paths, outside = _running.paths, mode.module
        if paths is None:
            _running.paths = {id(m): f"model.{name}".rstrip(".") for name, m in self.named_modules()}
        own = type(self).__name__ if paths is None else f"{outside}.{type(self).__name__}"
        assert _running.paths is not None
        mode.module = _running.paths.get(id(self), own)
        try:
            return self.forward(*args, **kwargs)
        finally:
            _running.paths, mode.module = paths, outside

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call ``hook(module, args)`` before each run; what it returns, if not None, replaces the arguments.

        ``args`` are those that were given by position.  ``with_kwargs``: ``hook(module, args, kwargs)`` is called, and
        may return both.  ``prepend`` puts the hook before the others.  Raises TypeError in a run if a hook with_kwargs
        returns other than None or a tuple and a dict.  Returns a handle whose ``remove()`` removes the hook.
        """
        return self._add_hook("_forward_pre_hooks", ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call ``hook(module, args, result)`` after each run; what it returns, if not None, replaces the result.

        ``with_kwargs``: ``hook(module, args, kwargs, result)`` is called, with the arguments given by name.
        ``prepend`` puts the hook before the others.  Returns a handle whose ``remove()`` removes the hook.

        >>> import nn
        >>> layer = nn.Linear(2, 3)
        >>> with layer.register_forward_hook(lambda module, args, result: print(args[0].shape, "->", result.shape)):
        ...     y = layer(Tensor([[1.0, 2.0]]))
        (1, 2) -> (1, 3)
        """
        return self._add_hook("_forward_hooks", ForwardHook(hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` in each backward through a run of this module.

        Both are tuples: the gradients by the arguments given by position (None where there is none), and by the
        results.  What the hook returns, if not None, replaces ``grad_input``.  ``prepend`` puts the hook before the
        others.  Raises TypeError in a run whose result is neither a Tensor nor a tuple, ValueError in a backward for a
        replacement of another length, RuntimeError for one of another shape.  Returns a handle whose ``remove()``
        removes the hook.
        """
        return self._add_hook("_backward_hooks", hook, prepend)

    def _add_hook(self, kind: str, hook: Hook | ForwardHook, prepend: bool) -> Handle:
        hooks = vars(self).setdefault(kind, {})
        others = list(hooks) if prepend else []
        handle = Handle(hooks, hook)
        for key in others:  # behind the new one
            hooks[key] = hooks.pop(key)
        return handle

    # -- attributes ---------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        old = vars(self).get(name)
        if isinstance(old, Parameter) and not isinstance(value, Parameter) and value is not None:
            raise TypeError(
                f"{type(self).__name__}.{name} is a Parameter and cannot become a {type(value).__name__}; "
                f"assign nn.Parameter(...), or write its value: .{name}.data = ..."
            )
        if name in self._buffers and not (value is None or isinstance(value, Tensor)):
            raise TypeError(f"{type(self).__name__}.{name} is a buffer and cannot become a {type(value).__name__}")
        if isinstance(value, (Parameter, Module)):
            check_name(self, name)
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Reached only by names that do not exist."""
        known = [key for key in vars(self) if not key.startswith("_") and key != "training"]
        raise AttributeError(
            f"{type(self).__name__} has no attribute {name!r}; it has {', '.join(known) or 'none of its own'}",
            name=name,
            obj=self,
        )

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is not trained; if ``persistent``, it is part of the ``state_dict``.

        Raises TypeError for other than a Tensor or None, ValueError for a name that is taken.
        """
        check_name(self, name)
        if name in vars(self):
            raise ValueError(f"{type(self).__name__} has an attribute {name!r} already")
        if not (tensor is None or isinstance(tensor, Tensor)):
            raise TypeError(f"buffer {name!r} must be a Tensor or None, not {type(tensor).__name__}")
        object.__setattr__(self, "_buffers", {**self._buffers, name: persistent})
        object.__setattr__(self, name, tensor)

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Add a parameter under ``name``, as assigning the attribute does."""
        if not (parameter is None or isinstance(parameter, Parameter)):
            raise TypeError(f"parameter {name!r} must be a Parameter or None, not {type(parameter).__name__}")
        setattr(self, name, parameter)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under ``name``, as assigning the attribute does; ``register_module`` is the same."""
        if not (module is None or isinstance(module, Module)):
            raise TypeError(f"child {name!r} must be a Module or None, not {type(module).__name__}")
        setattr(self, name, module)

    register_module = add_module

    # -- what it holds ------------------------------------------------------------------------------------------------

    def _own(self) -> ItemsView[str, Any]:
        """The attributes, where parameters and buffers are looked for; a lazy layer raises while it has none yet."""
        return vars(self).items()

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules among the attributes."""
        return iter([(name, m) for name, m in vars(self).items() if isinstance(m, Module)])

    def children(self) -> Iterator[Module]:
        """The modules among the attributes, without their names."""
        return iter([m for m in vars(self).values() if isinstance(m, Module)])

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all inside it with their paths, each once, or without ``remove_duplicate`` under all of them.

        ``memo`` are modules to leave out; those that are found join them.
        """
        seen = set() if memo is None else memo
        if remove_duplicate:
            if self in seen:
                return
            seen.add(self)
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(seen, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths, each once even where modules share it, unless ``remove_duplicate=False``."""
        return self._named(_is_parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once: what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths, each once, unless ``remove_duplicate=False``."""
        return self._named(_is_buffer, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, without their paths."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(
        self, wanted: Callable[[Module, str, Any], bool], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        inside = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in inside if recurse else [(prefix, self)]:
            for name, value in module._own():
                if wanted(module, name, value) and not (remove_duplicate and id(value) in seen):
                    seen.add(id(value))
                    yield _join(path, name), value

    def get_submodule(self, target: str) -> Module:
        """The module under a path such as ``"body.conv1"``, itself under ``""``.  Raises AttributeError for others."""
        module, path = self, ""
        for name in target.split(".") if target else []:
            found = dict(module.named_children())
            if name not in found:
                where = f"{path!r}" if path else type(self).__name__
                raise AttributeError(f"no module {target!r}: in {where} there are {', '.join(found) or 'no modules'}")
            module, path = found[name], _join(path, name)
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter under a path such as ``"fc1.weight"``.  Raises AttributeError if there is none."""
        return self._get(target, "parameter", _is_parameter)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer under a path such as ``"bn1.running_mean"``.  Raises AttributeError if there is none."""
        return self._get(target, "buffer", _is_buffer)

    def _get(self, target: str, kind: str, wanted: Callable[[Module, str, Any], bool]) -> Any:
        path, _, name = target.rpartition(".")
        found = dict(self.get_submodule(path)._named(wanted, "", recurse=False, remove_duplicate=False))
        if name not in found:
            where = f"{path!r}" if path else type(self).__name__
            raise AttributeError(f"no {kind} {target!r}: in {where} there are {', '.join(found) or f'no {kind}s'}")
        return found[name]

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """The parameters and persistent buffers by path.  They share memory with the module: clone() to keep a copy."""
        return {name: tensor.detach() for name, tensor in self._state()}

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """All tensors of the state; what is shared comes under each of its paths."""
        for name, value in self._own():
            if _is_parameter(self, name, value) or (_is_buffer(self, name, value) and self._buffers[name]):
                yield _join(prefix, name), value
        for name, child in self.named_children():
            yield from child._state(_join(prefix, name))

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Mismatch:
        """Copy values into the parameters and buffers of the same names; returns the names that did not match.

        Raises ValueError that lists every missing and unknown name (unless ``strict=False``), wrong shape and dtype,
        and two values for what is shared; TypeError for what is no mapping.  Then nothing was changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"a state is a mapping of names to tensors, not a {type(state_dict).__name__}")
        own = dict(self._state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = [f"missing {name!r} {own[name].shape}" for name in missing] if strict else []
        problems += [f"unknown {name!r}" for name in unexpected] if strict else []
        # Copies: a state_dict() shares memory with its module, perhaps this one, with names exchanged.
        values = {name: np.array(_plain(state_dict[name])) for name in own if name in state_dict}
        first: dict[int, str] = {}
        for name, value in values.items():
            twin = first.setdefault(id(own[name]), name)
            if value.shape != own[name].shape:
                problems.append(f"{name!r} has shape {value.shape}, the module's {own[name].shape}")
            elif not np.can_cast(value.dtype, own[name].dtype, "same_kind"):
                problems.append(f"{name!r} is {value.dtype}, the module's {own[name].dtype}")
            elif twin != name and values[twin].tobytes() != value.tobytes():
                problems.append(f"{twin!r} and {name!r} differ, in the module they are one")
        if problems:
            raise ValueError(f"load_state_dict of {type(self).__name__}: " + "; ".join(problems))
        for name, value in values.items():
            np.copyto(own[name]._array, value, casting="same_kind")
            log_write("load_state_dict", own[name]._array)
        return Mismatch(missing, unexpected)

    # -- settings -----------------------------------------------------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Set training mode, which matters to layers such as dropout; returns self.  Raises TypeError for no bool."""
        if not isinstance(mode, (bool, np.bool_)):
            raise TypeError(f"train takes True or False, not {mode!r:.60}")
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self: M) -> M:
        """Set evaluation mode: ``train(False)``."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        clear_gradients(self.parameters(), set_to_none)

    def name_parameters(self: M) -> M:
        """Label every parameter with its path, for graphs and gradient checks; returns self."""
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                parameter.name = name
        return self

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Train the parameters or freeze them; returns self."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def apply(self: M, function: Callable[[Module], Any]) -> M:
        """Call ``function`` on every module, parts before wholes; returns self."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def to(self: M, *targets: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> M:
        """Convert floating parameters and buffers to a dtype, or that of a Tensor; returns self.

        The device ``"cpu"`` and ``non_blocking`` change nothing.  Raises ValueError for another device, TypeError for a
        dtype that is not floating.
        """
        check_device(device)
        for target in targets:
            try:
                dtype = dtype if target is None else target.dtype if isinstance(target, Tensor) else np.dtype(target)
            except TypeError:
                check_device(target)
        if dtype is None:
            return self
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"a module can be converted to a floating dtype, not {dtype}")
        for module in self.modules():
            module._convert(dtype)
        return self

    def _convert(self, dtype: np.dtype) -> None:
        for tensor in [*self.parameters(recurse=False), *self.buffers(recurse=False)]:
            if tensor.dtype.kind == "f" and tensor.dtype != dtype:
                tensor.data = Tensor._wrap(tensor._array.astype(dtype))

    def double(self: M) -> M:
        """Convert to float64, as gradient checks need."""
        return self.to(np.float64)

    def float(self: M) -> M:
        """Convert to float32."""
        return self.to(np.float32)

    def half(self: M) -> M:
        """Convert to float16."""
        return self.to(np.float16)

    def cpu(self: M) -> M:
        """The module itself: it is on the CPU already."""
        return self

    # -- showing ------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What `repr` shows between the parentheses."""
        return ""

    def __repr__(self) -> str:
        name, extra = type(self).__name__, self.extra_repr()
        children = [f"({key}): " + repr(child).replace("\n", "\n  ") for key, child in self.named_children()]
        if not children:
            return f"{name}({extra})"
        return f"{name}(\n  " + "\n  ".join([extra, *children] if extra else children) + "\n)"


def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """What ``zero_grad`` of modules and optimizers does: forget the gradients, or set them to zero."""
    for tensor in tensors:
        if tensor.grad is not None:
            tensor.grad = None if set_to_none else Tensor._wrap(np.zeros_like(tensor._array))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _is_parameter(module: Module, name: str, value: Any) -> bool:
    return isinstance(value, Parameter)


def _is_buffer(module: Module, name: str, value: Any) -> bool:
    return name in module._buffers and value is not None


def _plain(value: Any) -> np.ndarray:
    return value._array if isinstance(value, Tensor) else np.asarray(value)


def check_name(module: Module, name: str) -> None:
    """A name must not split a path, and must not hide a method or a setting."""
    if not name or "." in name:
        raise ValueError(f"{name!r} cannot name a part of {type(module).__name__}: it must not be empty or have a dot")
    if hasattr(Module, name) or callable(getattr(type(module), name, None)):
        raise ValueError(f"{name!r} is a method or setting of {type(module).__name__} and cannot name a part of it")
