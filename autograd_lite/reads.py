"""What a gradient reads: found once, when an operation is registered, from the bytecode of its rules.

A tape entry then keeps an array only if a rule reads its value, and only the shape if a rule reads no more.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .op import Op

__all__ = ["NO", "SHAPE", "VALUE", "reads_of_rules"]

NO, SHAPE, VALUE = 0, 1, 2  # what a gradient reads of an argument


def reads_of_rules(record: Op) -> list[tuple[int, ...]]:
    """For each vjp (for the joint rule if there are none): what it reads of the output and of each tensor argument."""
    skip = 2 if record.residuals else 1  # g, and the residual between out and the arguments
    rules: Sequence[Callable[..., Any] | None] = record.vjps or (record.joint,)
    rows = []
    for rule in rules:
        if rule is None:
            rows.append((NO,) * (record.arity + 1))
            continue
        if not inspect.isfunction(rule):  # a bound method, a partial, an object: not to be looked into
            rows.append((VALUE,) * (record.arity + 1))
            continue
        code = rule.__code__
        first = 0 if record.vjps else 1  # a joint rule begins with ``needs``
        names = list(code.co_varnames[: code.co_argcount])
        if code.co_flags & inspect.CO_VARARGS:  # ``*rest`` stands for every argument that is not named
            names += [code.co_varnames[code.co_argcount + code.co_kwonlyargcount]] * (record.arity + 3)
        reads = _names_read(code)
        tensors = [names[first + 1], *names[first + 1 + skip : first + 1 + skip + record.arity]]
        rows.append(tuple([reads.get(name, NO) for name in tensors]))
    return rows


def _names_read(code: Any) -> dict[str, int]:
    """The local names that a function's bytecode reads: their value, or only ``.shape`` and the like.

    Errs on the side of VALUE: whatever is not plainly ``name.shape`` keeps the array.
    """
    reads: dict[str, int] = {}
    instructions = list(dis.get_instructions(code))
    for this, following in zip(instructions, [*instructions[1:], None], strict=True):
        names = this.argval if isinstance(this.argval, tuple) else (this.argval,)
        for position, name in enumerate(names):
            if not isinstance(name, str) or this.opname.startswith(("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD")):
                continue
            last = position == len(names) - 1
            shape_only = (
                last
                and following is not None
                and following.opname == "LOAD_ATTR"
                and following.argval in ("shape", "ndim", "dtype", "size")
            )
            reads[name] = max(reads.get(name, NO), SHAPE if shape_only else VALUE)
    return reads
