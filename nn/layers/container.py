"""Modules that hold others or parameters, in a row or by name, and those that do (almost) nothing."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar

from autograd_lite import Tensor

from ..module import Module, Parameter, check_name

__all__ = ["Flatten", "Identity", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


# -- what a container holds -------------------------------------------------------------------------------------------


class _Container(Module):
    """What it holds are its attributes of one kind, in their order."""

    kind: ClassVar[type[Any]] = Module

    def _held(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self.kind)}

    def _checked(self, name: str, value: Any) -> Any:
        """The value as it is held.  Raises TypeError for one of another kind."""
        if not isinstance(value, self.kind):
            hint = "; give its instance, with parentheses" if isinstance(value, type) else ""
            kind = self.kind.__name__
            raise TypeError(f"{type(self).__name__}: {name} is a {type(value).__name__}, not a {kind}{hint}")
        return value

    def __len__(self) -> int:
        return len(self._held())


class _Parameters(_Container):
    """Tensors become parameters; their shapes are shown."""

    kind = Parameter

    def _checked(self, name: str, value: Any) -> Any:
        plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
        return Parameter(value) if plain else super()._checked(name, value)

    def extra_repr(self) -> str:
        return ", ".join([f"{name}: {p.dtype} {p.shape}" for name, p in self._held().items()])


# -- in a row ---------------------------------------------------------------------------------------------------------


class _Row(_Container):
    """What lists and `Sequential` have in common: positions.  After a change, names that are numbers are positions."""

    def _arrange(self, items: Iterable[tuple[str, Any]]) -> None:
        """Hold just these, in this order.  Raises TypeError for one of another kind; then nothing was changed."""
        checked = [(name, self._checked(str(i), value)) for i, (name, value) in enumerate(items)]
        for name in self._held():
            delattr(self, name)
        for i, (name, value) in enumerate(checked):
            setattr(self, str(i) if name.isdigit() else name, value)

    def _name(self, index: int) -> str:
        """The name at a position.  Raises IndexError."""
        names = list(self._held())
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__} has {len(names)} parts, none at {index}")
        return names[index]

    def _among(self, items: Iterable[tuple[str, Any]]) -> Any:
        """A container of some of what this one holds."""
        return type(self)([value for _, value in items])  # type: ignore[call-arg]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held().values())

    def __contains__(self, value: object) -> bool:
        return any(held is value for held in self)

    def __getitem__(self, index: int | slice) -> Any:
        """What is at a position; of a slice, a container of the same parts.  Raises IndexError."""
        if isinstance(index, slice):
            return self._among(list(self._held().items())[index])
        return self._held()[self._name(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name(index), self._checked(str(index), value))

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._held())
        gone = set(names[index] if isinstance(index, slice) else [self._name(index)])
        self._arrange([(name, value) for name, value in self._held().items() if name not in gone])

    def __iadd__(self, values: Iterable[Any]) -> _Row:
        return self.extend(values)

    def append(self, value: Any) -> Any:
        """Add a part at the end; returns self."""
        return self.extend([value])

    def extend(self, values: Iterable[Any]) -> Any:
        """Add parts at the end; returns self.  Raises TypeError for one of another kind; then nothing was changed."""
        self._arrange([*self._held().items(), *[("0", value) for value in values]])
        return self

    def insert(self, index: int, value: Any) -> Any:
        """Add a part before a position, as lists do; returns self."""
        items = list(self._held().items())
        items.insert(index, ("0", value))
        self._arrange(items)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take out the part at a position, by default the last, and return it.  Raises IndexError."""
        value = self[index]
        del self[index]
        return value


class Sequential(_Row):
    """Modules one after the other: ``Sequential(Linear(2, 3), ReLU())``, or an ordered dict of named modules.

    Changes as a list does: ``append``, ``extend``, ``insert``, ``pop``, ``del net[1]``; slices are Sequentials of the
    same modules.  Raises TypeError for what is not a Module.
    """

    def __init__(self, *layers: Any) -> None:
        named = len(layers) == 1 and isinstance(layers[0], Mapping)
        for name, layer in layers[0].items() if named else enumerate(layers):
            setattr(self, str(name), self._checked(str(name), layer))

    def _among(self, items: Iterable[tuple[str, Any]]) -> Sequential:
        return Sequential(dict(items))

    def forward(self, x: Any) -> Any:
        for layer in self:
            x = layer(x)
        return x


class ModuleList(_Row):
    """Modules in a list, which has no forward: ``for layer in self.layers: x = layer(x)``.

    Modules in a plain list are not found by ``parameters()``; in this one they are.  Raises TypeError for what is not a
    Module.

    >>> import nn
    >>> layers = ModuleList([nn.Linear(2, 3), nn.ReLU()])
    >>> layers.insert(0, nn.Flatten()).append(nn.Linear(3, 1))[1:3]
    ModuleList(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)


class ParameterList(_Row, _Parameters):
    """Parameters in a list; Tensors that are put in become parameters.  Raises TypeError for others.

    >>> import autograd_lite as al
    >>> ParameterList([al.zeros(2), al.ones(2, 3)])
    ParameterList(0: float32 (2,), 1: float32 (2, 3))
    """

    def __init__(self, values: Iterable[Tensor] = ()) -> None:
        self.extend(values)


# -- by name ----------------------------------------------------------------------------------------------------------


class _Names(_Container):
    """What `ModuleDict` and `ParameterDict` have in common: a mapping."""

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self.update(values)

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self) or 'nothing'}")
        return vars(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, self._checked(name, value))

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def __contains__(self, name: object) -> bool:
        return name in self._held()

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._held().keys()

    def values(self) -> ValuesView[Any]:
        """What is held, without the names."""
        return self._held().values()

    def items(self) -> ItemsView[str, Any]:
        """The names, and what is held under each."""
        return self._held().items()

    def get(self, name: str, default: Any = None) -> Any:
        """What is held under a name, or ``default``."""
        return self._held().get(name, default)

    def update(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Put in several.  Raises TypeError or ValueError for one that cannot be; then nothing was changed."""
        checked = {name: self._checked(name, value) for name, value in dict(values).items()}
        for name in checked:
            check_name(self, name)
        for name, value in checked.items():
            setattr(self, name, value)

    def pop(self, name: str) -> Any:
        """Take out what is held under a name and return it.  Raises KeyError."""
        value = self[name]
        delattr(self, name)
        return value

    def clear(self) -> None:
        """Take out all."""
        for name in self._held():
            delattr(self, name)


class ModuleDict(_Names):
    """Modules by name, in the order in which they were put in; it has no forward.

    Raises TypeError for what is not a Module, ValueError for a name that a Module cannot have: an empty one, one with a
    dot, and that of a method.

    >>> import nn
    >>> activations = ModuleDict({"soft": nn.Tanh(), "hard": nn.ReLU()})
    >>> activations["hard"], list(activations)
    (ReLU(), ['soft', 'hard'])
    """


class ParameterDict(_Names, _Parameters):
    """Parameters by name; Tensors that are put in become parameters.  Raises as `ModuleDict` does."""


# -- almost nothing ---------------------------------------------------------------------------------------------------


class Flatten(Module):
    """Join the axes ``start_dim`` to ``end_dim`` into one: ``(N, C, H, W) -> (N, C·H·W)``."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """``x -> x``; arguments are accepted and ignored, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x
