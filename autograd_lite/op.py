"""Operations: one record each, holding everything that is known about it.

An op is a plain function on arrays.  The decorator `op` adds its vector-Jacobian products (vjps) and sample inputs,
puts the record into `REGISTRY`, and returns the public function: given Tensors it computes and records, given arrays
it is NumPy.  Because a vjp is written from public ops and operators, the same text serves first-order gradients (arrays
in) and higher orders (Tensors in).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from .modes import RECORDING, TRACING, mode
from .reads import NO, SHAPE, VALUE, reads_of_rules
from .tape import Node, Tape
from .tensor import Tensor, as_array, get_default_dtype

__all__ = ["NUMPY", "REGISTRY", "Op", "Sample", "op"]

REGISTRY: dict[str, Op] = {}
NUMPY: dict[Callable[..., Any], Callable[..., Tensor]] = {}  # what a NumPy function is here

ALIASES = {"dim": "axis", "keepdim": "keepdims", "dims": "axis", "other": "y", "axes": "axis"}  # PyTorch's names
_MISSING: Any = inspect.Parameter.empty


class Sample:
    """Arguments for one call of an op in the checks: ``Sample(x, y, axis=0)``."""

    def __init__(self, *args: Any, **params: Any) -> None:
        self.args = tuple([asarray(a) if isinstance(a, np.generic) else a for a in args])
        self.params = params

    def __repr__(self) -> str:
        shown = [f"{a.dtype}{list(a.shape)}" if isinstance(a, ndarray) else repr(a) for a in self.args]
        return ", ".join(shown + [f"{k}={v!r}" for k, v in self.params.items()])


class Op:
    """The record of an operation.

    ``forward``: arrays in, array out, with a last argument ``out`` for the result's buffer.
    ``vjps``: one per differentiable argument, ``vjp(g, out, *arguments)``; None for an argument without gradient.
    ``joint``: all gradients at once, ``joint(needs, g, out, *arguments)``.  With ``vjps``, which then serve higher
    orders and say what is kept, it is the faster way for arrays; without, the only one.
    ``residuals``: forward returns ``(out, residual)``; the rules are called with ``g, out, residual, *arguments``.
    ``reference``: the plain composition that a fused op stands for; it is differentiated for higher orders.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        vjps: Sequence[Callable[..., Any] | None],
        joint: Callable[..., Any] | None,
        arity: int,
        *,
        symbol: str,
        samples: Callable[[np.random.Generator], list[Sample]] | None,
        floating: bool,
        view: bool,
        residuals: bool,
        reference: Callable[..., Any] | None,
        reads: int | None,
    ) -> None:
        self.name = forward.__name__
        self.forward = forward
        self.vjps: tuple[Any, ...] = tuple(vjps)
        self.joint = joint
        self.arity = arity
        self.fixed = tuple([i for i, vjp in enumerate(self.vjps) if vjp is None])  # arguments without gradient
        self.symbol = symbol
        self.samples = samples
        self.floating = floating
        self.view = view
        self.residuals = residuals
        self.reference = reference
        self.builtin = forward.__module__.startswith(__package__ + ".")
        self.differentiable = bool(self.vjps) or joint is not None
        parameters = list(inspect.signature(forward).parameters.values())
        self.variadic = parameters[0].kind is inspect.Parameter.VAR_POSITIONAL
        named = [p for p in parameters if p.name != "out" and p.kind is not inspect.Parameter.VAR_POSITIONAL]
        self.names = [p.name for p in named]
        self.defaults = [p.default for p in named]
        self._reads = None if self.variadic else reads_of_rules(self)
        self._keeps: dict[tuple[bool, ...], tuple[int, ...]] = {}
        self._variadic_reads = VALUE if reads is None else reads
        self.public: Callable[..., Any] = forward

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    # -- calling ------------------------------------------------------------------------------------------------------

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Carry out the operation, and record it if an argument requires a gradient."""
        operands, params = self._bind(args, kwargs)
        arrays: list[Any] = []
        nodes: list[Node | None] = []
        dtypes: set[Any] = set()  # of what can be differentiated: one if nothing needs to be converted, the usual case
        tensors = False
        for i, x in enumerate(operands):
            if isinstance(x, Tensor):
                tensors = True
                arrays.append(x._array)
                nodes.append(x._node)
                kind: Any = x._array.dtype
            else:
                arrays.append(x)
                nodes.append(None)
                kind = type(x)
            if x is not None and i not in self.fixed:
                dtypes.add(kind)
        if not tensors and not any(isinstance(p, Tensor) for p in params):
            result = self._forward(self._plain(operands) if self.floating else operands, params)
            return result[0] if self.residuals else result
        recorded = bool(mode.state) and self.differentiable and nodes.count(None) < len(nodes)
        if len(dtypes) != 1 or not recorded:
            arrays = [_operand(x, recorded) for x in operands]
            if self.differentiable:
                arrays = self._promote(arrays)
        else:
            for i in self.fixed:
                arrays[i] = _operand(operands[i], True)
        if params:
            params = tuple([p if type(p) in _PLAIN else self._param(p) for p in params])
        try:
            result = self._forward(arrays, params)
        except (ValueError, TypeError, IndexError) as error:
            raise self._explain(error, arrays, params) from error
        out, *residual = result if self.residuals else (result,)
        if type(out) is not ndarray:
            out = asarray(out)
        if recorded and out.dtype.kind == "f":
            return self.record(out, residual, arrays, tuple(nodes), params)
        return Tensor._wrap(out)

    def record(
        self, out: ndarray, residual: list[Any], arrays: Sequence[Any], nodes: tuple[Node | None, ...], params: tuple
    ) -> Tensor:
        """Put a result on the tape, with those arrays that its gradient will read."""
        keeps = self.keeps(tuple([n is not None for n in nodes]))
        kept = [out if keeps[0] else None, *residual]
        for array, node, keep in zip(arrays, nodes, keeps[1:], strict=True):
            kept.append(None if keep == NO else node if keep == SHAPE and node is not None else array)
        node = Node(self, nodes, tuple(kept), params, out.shape, out.dtype)
        if mode.state == TRACING:
            node.annotate(out)
        return Tensor._wrap(out, node)

    def keeps(self, needs: tuple[bool, ...]) -> tuple[int, ...]:
        """What the gradients of the arguments in ``needs`` read of the output and of each argument."""
        found = self._keeps.get(needs)
        if found is None:
            if self._reads is None:
                found = (NO if self._variadic_reads == SHAPE else VALUE, *[self._variadic_reads] * len(needs))
            elif not self.vjps:
                found = self._reads[0]
            else:
                rows = [row for row, need in zip(self._reads, needs, strict=True) if need]
                found = tuple(map(max, zip(*rows, strict=True)))
            if self.reference is not None:  # differentiated again from its inputs
                found = (found[0], *[VALUE] * len(needs))
            self._keeps[needs] = found
        return found

    def _bind(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, tuple]:
        """The operands and the parameters in the order of the signature, with defaults filled in."""
        if not kwargs and not self.variadic and len(args) <= len(self.names):
            bound = args + tuple(self.defaults[len(args) :])
            if _MISSING not in bound[len(args) :]:
                return bound[: self.arity], bound[self.arity :]
        first = 0 if self.variadic else len(args)
        if first > len(self.names):
            raise TypeError(f"{self.name}() takes {len(self.names)} arguments ({', '.join(self.names)}), got {first}")
        if kwargs:
            named = {name if name in self.names else self._alias(name): v for name, v in kwargs.items()}
            if len(named) < len(kwargs):
                raise TypeError(f"{self.name}() got one argument under two names: {', '.join(kwargs)}")
            kwargs = named
        tail = []
        for name, default in zip(self.names[first:], self.defaults[first:], strict=True):
            value = kwargs.pop(name, default) if kwargs else default
            if value is _MISSING:
                raise TypeError(f"{self.name}() is missing its argument {name!r}")
            tail.append(value)
        if kwargs:
            raise TypeError(
                f"{self.name}() got an unexpected keyword argument or one given twice: {', '.join(map(repr, kwargs))}; "
                f"it takes ({', '.join(self.names)})"
            )
        if self.variadic:
            return args, tuple(tail)
        bound = (*args, *tail)
        return bound[: self.arity], bound[self.arity :]

    def _plain(self, operands: Sequence[Any]) -> Sequence[Any]:
        """Operands without a Tensor, for an operation that computes with floats: integers and lists become floats."""
        if all(type(x) is ndarray and x.dtype.kind == "f" for x in operands) and len({x.dtype for x in operands}) == 1:
            return operands
        return self._promote([x if x is None or type(x) is float else asarray(x) for x in operands])

    def _alias(self, name: str) -> str:
        if name == "input" and self.names:
            return self.names[0]
        return ALIASES.get(name, name)

    def _forward(self, arrays: Sequence[Any], params: tuple) -> Any:
        if self.variadic:
            return self.forward(*arrays, **dict(zip(self.names, params, strict=True)))
        return self.forward(*arrays, *params)

    def _param(self, value: Any) -> Any:
        """A parameter as the tape may keep it: nothing that the caller can still change, and no gradient lost."""
        if isinstance(value, Tensor):
            if value.requires_grad:
                raise TypeError(f"{self.name}: no gradient flows to this argument; pass {value!r}.detach()")
            return value._array.copy() if value.ndim else value.item()
        if isinstance(value, ndarray):
            return value.copy()
        if type(value) is tuple or type(value) is list:
            return tuple([v if type(v) in _PLAIN else self._param(v) for v in value])
        return value

    def _promote(self, arrays: list[Any]) -> list[Any]:
        """Bring the differentiable arguments to one dtype, by PyTorch's rule (integers never widen floats)."""
        which = [i for i, a in enumerate(arrays) if a is not None and i not in self.fixed]
        dtype = _common_dtype([arrays[i] for i in which], self.floating)
        for i in which:
            if isinstance(arrays[i], ndarray) and arrays[i].dtype != dtype:
                arrays[i] = arrays[i].astype(dtype)
        return arrays

    def _explain(self, error: Exception, arrays: Sequence[Any], params: tuple) -> Exception:
        """The error of a call with the operation, its operands and parameters in the message."""
        shown = [f"{a.dtype} {a.shape}" if isinstance(a, ndarray) else repr(a) for a in arrays]
        shown += [f"{k}={p!r}" for k, p in zip(self.names[-len(params) :], params, strict=True)] if params else []
        kind = type(error) if type(error) in (ValueError, TypeError, IndexError) else ValueError
        if isinstance(error, np.exceptions.AxisError):
            kind = IndexError
        return kind(f"{self.name}({', '.join(shown)}): {error}")

    # -- gradients ----------------------------------------------------------------------------------------------------

    def fit(self, part: Any, source: Node, position: int) -> Any:
        """A gradient brought to its input's shape and dtype: un-broadcast by summing, cast.

        Raises RuntimeError when the shape cannot be right: the vjp is wrong.
        """
        if part.shape != source.shape:
            if not _broadcasts(source.shape, part.shape):
                raise RuntimeError(
                    f"the gradient of {self.name} for argument {position} has shape {part.shape}, "
                    f"the argument has {source.shape}"
                )
            sum_to = REGISTRY["sum_to"]
            part = (sum_to.public if isinstance(part, Tensor) else sum_to.forward)(part, source.shape)
        if part.dtype != source.dtype:
            part = part.astype(source.dtype)
        return part if isinstance(part, Tensor) else asarray(part)

    def recordable(self, node: Node) -> tuple[tuple[Any, ...], Callable[..., Any] | None]:
        """The kept arrays as Tensors on the tape, and the joint rule, for gradients that are recorded themselves."""
        assert node.kept is not None
        out, *rest = node.kept
        residual, inputs = (rest[:1], rest[1:]) if self.residuals else ([], rest)
        tensors = [
            Tensor._wrap(array, source) if isinstance(array, ndarray) else array
            for array, source in zip(inputs, node.inputs, strict=True)
        ]
        if self.reference is not None:
            return (None, *residual, *tensors), self._differentiate_reference
        if any(isinstance(r, ndarray) and r.dtype.kind == "f" for r in residual):
            raise RuntimeError(f"{self.name} has no second derivative: its residual depends on its input")
        joint = None if self.vjps else self.joint
        return (Tensor._wrap(out, node) if out is not None else None, *residual, *tensors), joint

    def _differentiate_reference(self, needs: tuple[bool, ...], g: Tensor, out: None, *rest: Any) -> list[Any]:
        """Gradients of a fused op by way of its plain composition, recorded."""
        arguments = list(rest[1:] if self.residuals else rest)
        assert self.reference is not None
        # Each argument under an entry of its own: one may depend on another, or be given twice, and have hooks.
        ends: list[Node | None] = [None] * len(needs)
        for i, need in enumerate(needs):
            if need:
                array, source = arguments[i]._array, arguments[i]._node
                ends[i] = Node(REGISTRY["clone"], (source,), (None, None), (), array.shape, array.dtype)
                arguments[i] = Tensor._wrap(array, ends[i])
        result = self.reference(*arguments)
        if result._node is None:
            return [None] * len(needs)
        targets = [end for end in ends if end is not None]
        found = Tape([result._node]).pull({result._node: g}, targets, retain_graph=True, create_graph=True)
        return [found[end][0] if end in found else None for end in ends]

    # -- showing ------------------------------------------------------------------------------------------------------

    def describe(self, node: Node, number: dict[Node, str]) -> list[str]:
        """The arguments of an entry as a tape prints them: ``%0``, constants, parameters that are not the default."""
        kept = node.kept or (None,) * (len(node.inputs) + 1 + self.residuals)
        shown = [
            number[source] if source is not None else _short(array)
            for source, array in zip(node.inputs, kept[1 + self.residuals :], strict=True)
        ]
        offset = 0 if self.variadic else self.arity
        for name, default, value in zip(self.names[offset:], self.defaults[offset:], node.params, strict=True):
            if value is not default and not (isinstance(value, (int, float, bool, str)) and value == default):
                shown.append(f"{name}={_short(value)}")
        return shown


def op(
    vjps: Sequence[Callable[..., Any] | None] = (),
    *,
    joint: Callable[..., Any] | None = None,
    arity: int | None = None,
    symbol: str = "",
    samples: Callable[[np.random.Generator], list[Sample]] | None = None,
    numpy: Sequence[Callable[..., Any]] = (),
    floating: bool = False,
    view: bool = False,
    residuals: bool = False,
    reference: Callable[..., Any] | None = None,
    reads: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Make a function on arrays an operation on Tensors; see `Op` for the parts.

    ``arity`` is the number of leading tensor arguments (default: one per vjp).  ``floating`` turns integers into the
    default float dtype; ``view`` says that the output shares its input's memory; ``numpy`` lists the NumPy functions
    that the op stands for; ``reads=SHAPE`` says that a variadic joint rule reads only its arguments' shapes.
    Raises ValueError for a name that is taken.

    >>> import numpy as np
    >>> import autograd_lite as al
    >>> @al.op(vjps=(lambda g, out, x: g * 3 * x * x,))
    ... def cube(x, out=None):
    ...     return np.power(x, 3, out)
    >>> x = al.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def register(forward: Callable[..., Any]) -> Callable[..., Tensor]:
        name = forward.__name__
        known = REGISTRY.get(name)
        if known is not None and known.builtin:
            raise ValueError(f"there is an op {name!r} already: {known.forward.__module__}.{name}")
        record = Op(
            forward, vjps, joint, len(vjps) if arity is None else arity, symbol=symbol, samples=samples,
            floating=floating, view=view, residuals=residuals, reference=reference, reads=reads,
        )  # fmt: skip
        REGISTRY[name] = record
        public = _public(record)
        NUMPY.update(dict.fromkeys(numpy, public))
        return public

    return register


def _public(record: Op) -> Callable[..., Any]:
    """The public function of an op, with the fast path for its number of arguments."""
    plain = record.vjps and None not in record.vjps and not record.residuals and not record.variadic
    optional = _MISSING not in record.defaults[record.arity :]
    make = {1: _unary, 2: _binary}.get(record.arity, _general) if plain and optional else _general
    public = make(record)
    functools.update_wrapper(public, record.forward)
    signature = inspect.signature(record.forward)
    public.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[p for p in signature.parameters.values() if p.name != "out"]
    )
    public.op = record  # type: ignore[attr-defined]
    record.public = public
    return public


def _general(record: Op) -> Callable[..., Any]:
    """Any number of arguments; without a Tensor among them (in a vjp, mostly) the forward itself."""
    call, forward = record.call, record.forward
    direct = not (record.floating or record.residuals)

    def public(*args: Any, **kwargs: Any) -> Any:
        if direct and not kwargs:
            for x in args:
                if isinstance(x, Tensor):
                    break
            else:
                return forward(*args)
        return call(*args, **kwargs)

    return public


def _unary(record: Op) -> Callable[..., Any]:
    """The short way for ``f(x)`` of one recorded Tensor; everything else goes the general way."""
    forward, call, wrap = record.forward, record.call, Tensor._wrap
    keeps_out, keeps_x = record.keeps((True,))
    params = tuple(record.defaults[1:])

    def public(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = args[0]
            if isinstance(x, Tensor) and x._node is not None and mode.state == RECORDING:
                a, source = x._array, x._node
                try:
                    out = forward(a)
                except (ValueError, TypeError, IndexError):
                    return call(x)  # fails again, and explains
                if type(out) is not ndarray:
                    out = asarray(out)
                kept = (out if keeps_out else None, a if keeps_x == VALUE else source if keeps_x else None)
                return wrap(out, Node(record, (source,), kept, params, out.shape, out.dtype))
        return call(*args, **kwargs)

    return public


def _binary(record: Op) -> Callable[..., Any]:
    """The short way for ``f(x, y)`` of two Tensors of one dtype, or a Tensor and a Python number."""
    forward, call, new = record.forward, record.call, Tensor.__new__
    keeps = [[record.keeps((x, y)) for y in (False, True)] for x in (False, True)]
    params = tuple(record.defaults[2:])

    def public(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 2 and not kwargs and mode.state == RECORDING:
            x, y = args
            if isinstance(x, Tensor):
                a, x_node = x._array, x._node
                y_node: Node | None = None
                if isinstance(y, Tensor):
                    b, y_node = y._array, y._node
                    plain = a.dtype is b.dtype and (x_node is not None or y_node is not None)
                else:
                    b = y
                    plain = (type(y) is float or type(y) is int) and x_node is not None
                if plain:
                    try:
                        out = forward(a, b)
                    except (ValueError, TypeError, IndexError):
                        return call(x, y)  # fails again, and explains
                    if type(out) is not ndarray:
                        out = asarray(out)
                    keeps_out, keeps_x, keeps_y = keeps[x_node is not None][y_node is not None]
                    kept = (
                        out if keeps_out else None,
                        None if not keeps_x else a if keeps_x == VALUE or x_node is None else x_node,
                        None if not keeps_y else b if keeps_y == VALUE or y_node is None else y_node,
                    )
                    result = new(Tensor)
                    result._array = out
                    result._node = Node(record, (x_node, y_node), kept, params, out.shape, out.dtype)
                    return result
        return call(*args, **kwargs)

    return public


# -- arguments --------------------------------------------------------------------------------------------------------


def _operand(x: Any, kept: bool) -> Any:
    """An operand as an array or a Python number.  A caller's own array is copied if the tape may keep it."""
    if isinstance(x, Tensor):
        return x._array
    if x is None or type(x) in (int, float, bool):
        return x
    if isinstance(x, np.generic):
        return x.item()
    array = as_array(x)
    return array.copy() if kept and isinstance(x, ndarray) else array


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}
_PLAIN = (int, float, bool, str, type(None))  # parameters that the tape may keep as they are
_SCALAR_KIND = {bool: "b", int: "i", float: "f"}


def _common_dtype(operands: list[Any], floating: bool) -> np.dtype:
    """PyTorch's promotion: the highest category wins; in it, arrays before 0-d arrays before Python numbers."""
    arrays = [x for x in operands if isinstance(x, ndarray)]
    kinds = [x.dtype.kind if isinstance(x, ndarray) else _SCALAR_KIND[type(x)] for x in operands]
    top = max((_RANK[k] for k in kinds), default=2)
    for group in ([x for x in arrays if x.ndim], [x for x in arrays if not x.ndim]):
        ranked = [x.dtype for x in group if _RANK[x.dtype.kind] == top]
        if ranked and (top == 2 or not floating):
            return np.result_type(*ranked)
    if top == 2 or floating:
        return get_default_dtype()
    return np.result_type(*[x.dtype for x in arrays], *[type(x) for x in operands if not isinstance(x, ndarray)])


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of shape ``small`` broadcasts to shape ``large``."""
    if len(small) > len(large):
        return False
    return all(s in (1, n) for s, n in zip(reversed(small), reversed(large), strict=False))


def _short(value: Any) -> str:
    if isinstance(value, ndarray):
        return f"{value.item():.4g}" if value.ndim == 0 else f"{value.dtype}{list(value.shape)}"
    return (
        "·" if value is None else f"{value:.6g}" if len(repr(value)) > 8 and isinstance(value, float) else repr(value)
    )
