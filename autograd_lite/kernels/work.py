"""Kernels that run on several threads: the native half of `threads`.

    @shared
    def kernel(me, start, stop, x, y):
        ...  # the items from start to stop

is called for one piece of the items after the other.  ``me`` says which part of the working memory is this thread's: 0
for the thread that called `threads.run`, 1, 2, … for the workers.

No worker needs the GIL to help, nor to look out for the next job: that would cost 30 µs for each kernel.  The caller
writes the kernel's arguments and the address of its code into the ``work`` array and rings the bell, which is a number
there; a worker that sees the number change calls the code.  While `INSIDE` counts one, nothing of the job may go away.

A worker first counts itself into `INSIDE`, then reads `CODE`; the caller first takes `CODE` back, then reads `INSIDE`.
All threads see this in one order (seq_cst): either the worker finds no code, or the caller finds the worker.  One that
comes a job late or several thus helps with the job that there is, or with none.

An `intrinsic` is a function that is given by LLVM's instructions: when it is compiled, ``generate`` writes them with a
builder, and returns what stands for the result.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .emitter import INT
from .jit import jit, part
from .places import (
    APART,
    ARGUMENTS,
    BELL,
    CODE,
    COUNT,
    ERROR,
    HELPED,
    INSIDE,
    LENGTH,
    NEXT,
    ROOM,
    STATUS,
    THREADS,
)  # fmt: skip

__all__ = ["over", "serve", "shared"]

# Looks at a counter, 15 to 20 ns each, before a thread gives up.  A worker outlasts the pauses between the kernels of a
# training step: one that is woken comes late, and wants the GIL just when its caller does.
WAIT, WATCH = 20_000, 120_000

ANY = ir.IntType(8).as_pointer()
SHARE = ir.FunctionType(ir.IntType(32), [INT.as_pointer(), INT, ANY.as_pointer()])  # work, me, where an error goes


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel ``f(me, start, stop, *args)``, for `threads.run`: ``f(work, *args)`` does all, see `_lead`."""
    code = _code_of(part(function))
    names = ", ".join(list(inspect.signature(function).parameters)[3:])
    scope: dict[str, Any] = {"code": code, "lead": _lead, "__name__": function.__module__}
    # Numba takes twice as long for a call of a function with *args.
    exec(f"def kernel(work, {names}): return lead(work, code(work, ({names},)))", scope)
    return jit(scope["kernel"], known_as=function)


# -- the caller -------------------------------------------------------------------------------------------------------


@part
def _lead(work, code):
    """Carry out a job; returns whether it is `over`: workers that are still at it after a while are left to Python."""
    for i in range(work[THREADS]):
        work[NEXT + i * APART] = i * work[COUNT] // work[THREADS]
    if work[HELPED]:
        _add(work, CODE, code)
        _add(work, BELL, 1)
    _call(work, code, 0)
    if not work[HELPED]:
        _raise(work)
        return True
    _add(work, CODE, -code)
    looks = 0
    while not over(work):
        looks += 1
        if looks == WAIT:
            return False
    return True


@jit
def over(work):
    """Whether no worker is at the job any more; raises then what the kernel has raised in a thread, if anything."""
    if _look(work, INSIDE) != 0:
        return False
    _raise(work)
    return True


def _code_of(kernel: Any) -> Callable[..., int]:
    """A function that puts a kernel's arguments into ``work`` and returns the address of its code."""

    @intrinsic
    def code(typingctx, work, args):
        kinds = (types.int64, types.int64, types.int64, *args)
        kernel.compile(kinds)

        def generate(context, builder, signature, values):
            array = context.make_array(work)(context, builder, value=values[0])
            lent = _lent(context, builder, args, values[1])
            if context.get_abi_sizeof(lent.type) > 8 * ROOM:
                raise TypeError(f"{kernel.__name__} has too many arguments: {args}")
            place = builder.gep(array.data, [INT(ARGUMENTS)])
            builder.store(lent, builder.bitcast(place, lent.type.as_pointer()))
            compiled = kernel.overloads[kinds]
            library = context.active_code_library
            library.add_linking_library(compiled.library)
            library._optimize_final_module = lambda: None  # Numba would optimize the kernel, which is done, once more
            return builder.ptrtoint(_emit_share(context, builder.module, compiled.fndesc, lent.type), INT)

        return types.int64(work, args), generate

    return code


def _lent(context, builder, kind, value):
    """Arrays, and tuples of them, as a worker may have them: without the counts of references, which stay the caller's.

    They end with the caller's native call, which a late worker may outlast; Python then holds the arrays until the job
    is `over`.  To count in several threads would cost time, too.
    """
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts = zip(kind, cgutils.unpack_tuple(builder, value), strict=True)
        return context.make_tuple(builder, kind, [_lent(context, builder, k, v) for k, v in parts])
    return value


def _emit_share(context, module, callee, arguments):
    """The function that calls a kernel for the pieces of one thread's share, then for what is left of the others'.

    A thread then finds in its cache what it has written there as part of the kernel before.
    """
    function = ir.Function(module, SHARE, name=f"share.{callee.mangled_name}")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    work, me, error = function.args
    count, length, threads = [builder.load(builder.gep(work, [INT(place)])) for place in (COUNT, LENGTH, THREADS)]
    lent = builder.bitcast(builder.gep(work, [INT(ARGUMENTS)]), arguments.as_pointer())
    args = cgutils.unpack_tuple(builder, builder.load(lent))
    kernel = context.declare_function(module, callee)
    with cgutils.for_range(builder, threads) as loop:
        share = builder.urem(builder.add(me, loop.index), threads)
        end = builder.udiv(builder.mul(builder.add(share, INT(1)), count), threads)
        following = builder.gep(work, [builder.add(INT(NEXT), builder.mul(share, INT(APART)))])
        ask, do, done = [builder.append_basic_block(name) for name in ("ask", "do", "done")]
        builder.branch(ask)
        builder.position_at_end(ask)
        piece = builder.atomic_rmw("add", following, INT(1), "seq_cst")
        builder.cbranch(builder.icmp_signed("<", piece, end), do, done)
        builder.position_at_end(do)
        places = [builder.udiv(builder.mul(n, length), count) for n in (piece, builder.add(piece, INT(1)))]
        status, _ = context.call_conv.call_function(builder, kernel, types.none, callee.argtypes, [me, *places, *args])
        with cgutils.if_unlikely(builder, status.is_error):
            builder.store(builder.bitcast(status.excinfoptr, ANY), error)
            builder.ret(status.code)
        builder.branch(ask)
        builder.position_at_end(done)
    builder.ret(ir.IntType(32)(0))
    return function


# -- a worker ---------------------------------------------------------------------------------------------------------


@jit
def serve(work, me, seen):
    """Help with the jobs after number ``seen`` until none has come for a while; returns the number of the last one."""
    looks = 0
    while looks < WATCH:
        looks += 1
        number = _look(work, BELL)
        if number != seen:
            seen, looks = number, 0
            _add(work, INSIDE, 1)
            code = _look(work, CODE)  # after the bell, it may be over by now
            if code != 0 and me < work[THREADS]:
                _call(work, code, me)
            _add(work, INSIDE, -1)
            if me >= work[THREADS]:
                break
    return seen


# -- what Numba has no words for --------------------------------------------------------------------------------------


def _data(context, builder, array, value, place):
    """The address of a place in an array."""
    return builder.gep(context.make_array(array)(context, builder, value=value).data, [place])


@intrinsic
def _add(typingctx, work, place, number):
    """Add to an integer that other threads may change, too."""

    def generate(context, builder, signature, args):
        builder.atomic_rmw("add", _data(context, builder, work, args[0], args[1]), args[2], "seq_cst")
        return context.get_dummy_value()

    return types.void(work, types.int64, types.int64), generate


@intrinsic
def _look(typingctx, work, place):
    """An integer as other threads have left it, after a short rest of the core."""

    def generate(context, builder, signature, args):
        if builder.module.triple.startswith("x86"):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse2.pause"), [])
        return builder.load_atomic(_data(context, builder, work, args[0], args[1]), "seq_cst", 8)

    return types.int64(work, types.int64), generate


@intrinsic
def _call(typingctx, work, code, me):
    """Call the code of a job as thread ``me``; an error is noted in ``work``."""

    def generate(context, builder, signature, args):
        data = _data(context, builder, work, args[0], INT(0))
        function, error = builder.inttoptr(args[1], SHARE.as_pointer()), cgutils.alloca_once(builder, ANY)
        status = builder.call(function, [data, args[2], error])
        with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, status)):
            builder.store(builder.ptrtoint(builder.load(error), INT), builder.gep(data, [INT(ERROR)]))
            builder.store(builder.zext(status, INT), builder.gep(data, [INT(STATUS)]))
        return context.get_dummy_value()

    return types.void(work, types.int64, types.int64), generate


@intrinsic
def _raise(typingctx, work):
    """Leave the function that this is part of with the error that `_call` has noted."""

    def generate(context, builder, signature, args):
        data = _data(context, builder, work, args[0], INT(0))
        status, error = [builder.load(builder.gep(data, [INT(place)])) for place in (STATUS, ERROR)]
        here = context.call_conv._get_excinfo_argument(builder.function)
        with builder.if_then(cgutils.is_not_null(builder, status)):
            builder.store(INT(0), builder.gep(data, [INT(STATUS)]))
            builder.store(builder.inttoptr(error, here.type.pointee), here)
            builder.ret(builder.trunc(status, ir.IntType(32)))
        return context.get_dummy_value()

    return types.void(work), generate
