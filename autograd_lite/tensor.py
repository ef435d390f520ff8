"""The Tensor: a value, and if it requires a gradient, its entry on the tape.

Arithmetic, methods and NumPy functions come from the op registry (see ``ops/__init__.py``); this file holds what a
Tensor is: how it is made, what it tells of itself, how it leaves for NumPy, and how it is written in place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from .tape import Node
from .writes import log_write, read_only

__all__ = ["Handle", "Tensor", "as_array", "get_default_dtype", "set_default_dtype"]

_default_dtype = np.dtype(np.float32)


def get_default_dtype() -> np.dtype:
    """The dtype of floating Tensors made from Python numbers: float32 unless changed."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of floating Tensors made from Python numbers.  Raises TypeError for one that is not floating."""
    global _default_dtype
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype must be floating, got {dtype}")
    _default_dtype = dtype


def as_array(data: Any, dtype: Any = None) -> ndarray:
    """Numbers, nested lists, arrays as an array of numbers; Python floats take the default dtype.

    Raises TypeError for strings, objects and complex numbers, ValueError for ragged lists.
    """
    if isinstance(data, (list, tuple)):
        data = _unpack(data)
    elif isinstance(data, Tensor):
        data = _detached(data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"cannot make a tensor of ragged data: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a tensor holds real numbers, not {array.dtype} ({type(data).__name__}: {str(data)[:60]})")
    if dtype is not None:
        return array.astype(_checked_dtype(dtype), copy=False)
    if array.dtype.kind == "f" and not isinstance(data, (ndarray, np.generic)) and not _holds_numpy(data):
        return array.astype(_default_dtype)
    return array


def _checked_dtype(dtype: Any) -> np.dtype:
    checked = np.dtype(dtype)
    if checked.kind not in "fiub":
        raise TypeError(f"a tensor holds real numbers, not {checked}")
    return checked


def _unpack(data: Any) -> Any:
    """Nested lists with the Tensors in them as arrays."""
    if isinstance(data, Tensor):
        return _detached(data)
    return [_unpack(x) for x in data] if isinstance(data, (list, tuple)) else data


def _detached(tensor: Tensor) -> ndarray:
    if tensor.requires_grad:
        raise TypeError(
            f"making a new tensor from {tensor!r} would drop its gradient; use stack/cat to join, clone() to copy, "
            "detach() to drop it on purpose"
        )
    return tensor._array


def _holds_numpy(data: Any) -> bool:
    """Whether the first number in nested lists comes from NumPy, which then decides the dtype."""
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, (ndarray, np.generic))


class Tensor:
    """An array of numbers that can record what is done with it.

    ``Tensor(data, *, requires_grad=False, dtype=None)`` copies ``data``.  Raises TypeError for integers with
    ``requires_grad`` and for what is not numbers, ValueError for ragged lists.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_array", "_node", "_shelf")
    _array: ndarray
    _node: Node | None
    _shelf: Node | None

    if TYPE_CHECKING:  # the methods and operators that ops/__init__.py attaches
        T: Tensor
        mT: Tensor

        def __getattr__(self, name: str) -> Callable[..., Any]: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __add__(self, other: Any) -> Tensor: ...

        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __add__
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = __add__
        __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = __add__

    def __init__(self, data: Any, *, requires_grad: bool = False, dtype: Any = None) -> None:
        self._array = np.array(as_array(data, dtype))
        self._node = None
        if requires_grad:
            self.requires_grad = True

    @staticmethod
    def _wrap(array: ndarray, node: Node | None = None) -> Tensor:
        """A Tensor around an array, without a copy or a check."""
        tensor = _new(Tensor)
        tensor._array = array
        tensor._node = node
        return tensor

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.nbytes

    @property
    def device(self) -> str:
        """Always ``"cpu"``."""
        return "cpu"

    def size(self, axis: int | None = None) -> Any:
        """The shape, or its length along ``axis``.  Raises IndexError for an axis out of range."""
        if axis is None:
            return self._array.shape
        if not -self.ndim <= axis < self.ndim:
            raise IndexError(f"axis {axis} is out of range for shape {self.shape}")
        return self._array.shape[axis]

    def dim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def is_floating_point(self) -> bool:
        """Whether the dtype is floating, as a gradient requires."""
        return self._array.dtype.kind == "f"

    # -- gradient -----------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded.  Setting it raises on integers and recorded results."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self._node is None:
            if self._array.dtype.kind != "f":
                raise TypeError(
                    f"a {self.dtype} tensor of shape {self.shape} cannot require a gradient, only floating ones can; "
                    "write 2.0 for 2, or pass dtype=float32"
                )
            self._node = self._shelved() or Node.leaf(self._array)
        elif not value and self._node is not None:
            if self._node.op is not None:
                raise RuntimeError(f"{self!r} was computed from tensors that require a gradient; use detach()")
            self._shelf, self._node = self._node, None

    def _shelved(self) -> Node | None:
        """The entry that this tensor had before requires_grad was turned off, if it still fits: graphs may know it."""
        node = getattr(self, "_shelf", None)
        if node is None or (node.shape, node.dtype) != (self.shape, self.dtype):
            return None
        node.extra().value = self._array
        return node

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return self."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the user made this tensor, rather than a recorded operation."""
        return self._node is None or self._node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The tape entry of the operation that made this tensor; None for a leaf."""
        return None if self.is_leaf else self._node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` accumulated, or None.

        Warns on the result of a recorded operation, whose gradient is kept only after `retain_grad`.  Setting it raises
        TypeError for other than a Tensor, ValueError for another shape or dtype.
        """
        node = self._node or self._shelved()
        if node is None:
            return None
        found = node.extras.grad if node.extras is not None else None
        if found is None and node.op is not None and not (node.extras is not None and node.extras.retains):
            warnings.warn(f"{self!r} was computed: call retain_grad() before backward to keep its grad", stacklevel=2)
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        node = self._node or self._shelved()
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad must be a Tensor or None, not {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ValueError(f"grad is {value.dtype} {value.shape}, its tensor is {self.dtype} {self.shape}")
            if node is None:
                raise RuntimeError("a tensor without requires_grad has no grad; set requires_grad first")
        if node is not None and (value is not None or node.extras is not None):
            node.extra().grad = value

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to every leaf to the leaves' ``grad``  (cheat sheet 2.3).

        The chain rule in reverse: from the result back, each operation multiplies the gradient that it gets by its own
        derivative, and passes it on.
        ``gradient``, of this tensor's shape, is 1 by default for a single element.  ``retain_graph`` keeps what the
        gradients read for another backward; ``create_graph`` records the gradients themselves, for higher orders.
        Raises RuntimeError for more than one element without ``gradient``, for a tensor that records nothing, for a
        graph that was freed, and for a kept array that was overwritten; ValueError for a gradient of another shape.
        """
        from .autograd import backward

        backward(self, gradient, retain_graph, create_graph)

    def retain_grad(self) -> None:
        """Keep the gradient of this result, too.  Raises RuntimeError for a tensor that records nothing."""
        self._recorded("retain_grad").extra().retains = True

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call ``hook(gradient)`` when this tensor's gradient is known; what it returns replaces the gradient.

        Returns a handle whose ``remove()`` removes the hook.  Raises RuntimeError for a tensor that records nothing.
        """
        return Handle(self._recorded("register_hook").extra().hooks, hook)

    def _recorded(self, wanted: str) -> Node:
        if self._node is None:
            raise RuntimeError(f"{wanted}: {self!r} does not require a gradient")
        return self._node

    def detach(self) -> Tensor:
        """The same memory without its history: no gradient flows through it."""
        return Tensor._wrap(self._array.view())

    @property
    def data(self) -> Tensor:
        """The same memory without its history; assigning replaces the value and keeps ``requires_grad``."""
        return Tensor._wrap(self._array.view())

    @data.setter
    def data(self, value: Any) -> None:
        array = value._array if isinstance(value, Tensor) else np.array(as_array(value))
        if self._node is not None:
            if self._node.op is not None:
                raise RuntimeError("assigning to the data of a computed tensor would contradict its history")
            if array.dtype.kind != "f":
                raise TypeError(f"a tensor that requires a gradient cannot hold {array.dtype}")
            if (array.shape, array.dtype) == (self.shape, self.dtype):
                self._node.extra().value = array  # a graph made with the old value still finds its leaf
            else:
                before, self._node = self._node.extra(), Node.leaf(array)
                extras = self._node.extra()
                extras.hooks, extras.name = before.hooks, before.name
        self._array = array

    @property
    def name(self) -> str:
        """A label for graphs and tapes: ``w.name = "w"``.  Raises RuntimeError where nothing is recorded."""
        return self._node.extras.name if self._node is not None and self._node.extras is not None else ""

    @name.setter
    def name(self, value: str) -> None:
        self._recorded("name").extra().name = str(value)

    # -- in place -----------------------------------------------------------------------------------------------------

    def _become(self, result: Tensor, by: str) -> Tensor:
        """Take over the value and history of ``result``: in-place while recording.  Who used the old value keeps it."""
        if self._node is not None and self._node.op is None:
            raise RuntimeError(
                f"{by}: a leaf that requires a gradient cannot be changed in place while recording; "
                "do it under `with no_grad():`, or compute a new tensor"
            )
        self._check_fits(result, by)
        if result.dtype != self.dtype:
            result = result.astype(self.dtype)
        self._array, self._node = result._array, result._node
        return self

    def _write(self, result: Tensor, by: str) -> Tensor:
        """Write the value of ``result`` into this tensor's own memory: in-place while nothing is recorded."""
        self._check_fits(result, by)
        if not self._array.flags.writeable:
            raise RuntimeError(f"{by}: the elements of this tensor share memory (it was expanded); use clone() first")
        np.copyto(self._array, result._array, casting="same_kind")
        log_write(by, self._array)
        return self

    def _check_fits(self, result: Tensor, by: str) -> None:
        if result.shape != self.shape:
            raise ValueError(f"{by}: the result has shape {result.shape}, the tensor written to has {self.shape}")
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(f"{by}: the result is {result.dtype}, the tensor written to is {self.dtype}")

    # -- leaving ------------------------------------------------------------------------------------------------------

    def numpy(self) -> ndarray:
        """The value as a read-only array that shares this tensor's memory; ``np.array(t.detach())`` is a copy of it.

        Read-only, because a write past the tape would make gradients wrong without a word.
        """
        return read_only(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        if self.requires_grad:
            raise TypeError(
                f"turning a tensor of shape {self.shape} that requires a gradient into an array would drop it; "
                "use detach(), or numpy()"
            )
        if copy or (dtype is not None and np.dtype(dtype) != self.dtype):
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot become {np.dtype(dtype)} without a copy")
            return np.array(self._array, dtype=dtype)
        return self.numpy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .numpy_api import call_ufunc

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        from .numpy_api import call_function

        return call_function(function, args, kwargs)

    def item(self) -> Any:
        """The only element as a Python number.  Raises ValueError for more than one."""
        if self._array.size != 1:
            raise ValueError(f"only a tensor of one element has an item, this one has shape {self.shape}")
        return self._array.item()

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return self._array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; use any() or all()")
        return bool(self._array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __round__(self, decimals: int = 0) -> Tensor:
        return self.round(decimals)

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu":
            raise TypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return int(self.item())

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a 0-d tensor has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("cannot iterate over a 0-d tensor")
        return iter([self[i] for i in range(self.shape[0])])

    def __contains__(self, value: Any) -> bool:
        return bool((self._array == (value._array if isinstance(value, Tensor) else value)).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        shown = np.array2string(
            self._array, separator=", ", prefix="tensor(", threshold=200, edgeitems=3, precision=4,
            floatmode="maxprec_equal" if self.ndim else "maxprec",
        )  # fmt: skip
        parts = [shown]
        if not self._array.size:
            parts.append(f"shape={self.shape}")
        if self.dtype not in (_default_dtype, np.dtype(np.int64), np.dtype(np.bool_)):
            parts.append(f"dtype={self.dtype}")
        if self._node is not None:
            parts.append("requires_grad=True" if self._node.op is None else f"grad_fn={self._node.op.name}")
        return f"tensor({', '.join(parts)})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError(f"{self!r} is part of a graph, which cannot be copied or pickled; use detach()")
        grad = self.grad
        state = (self._array, self.requires_grad, None if grad is None else grad.detach(), self.name)
        return _restore, (type(self), *state)


class Handle:
    """Adds a hook to others, and removes it: by ``remove()``, when it is called, or at the end of a ``with`` block."""

    def __init__(self, hooks: dict[Any, Any], hook: Any) -> None:
        self._hooks, self._key = hooks, object()  # a key that no later hook can have
        hooks[self._key] = hook

    def remove(self) -> None:
        """Remove the hook; once is enough."""
        self._hooks.pop(self._key, None)

    def __call__(self) -> None:
        self.remove()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


_new = Tensor.__new__


def _restore(kind: type[Tensor], array: ndarray, requires_grad: bool, grad: Tensor | None, name: str) -> Tensor:
    """A pickled or copied tensor."""
    tensor = _new(kind)
    tensor._array = array
    tensor._node = None
    tensor.requires_grad = requires_grad
    if requires_grad:
        tensor.grad = grad
        if name:
            tensor.name = name
    return tensor
