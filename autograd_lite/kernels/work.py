"""Inside a kernel: which piece of the work is next.  The native half of `threads`.

    @jit
    def kernel(me, work, x, y):
        piece = begin(me, work)
        while piece >= 0:
            start, stop = stretch(work, piece)
            ...  # rows start to stop
            piece = proceed(me, work)

``me`` is 0 for the thread that called `threads.run`, 1, 2, … for a worker, and ALONE where there are no workers.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import jit, part
from .places import ALONE, APART, BELL, COUNT, FINISHED, LENGTH, NEXT, NUMBER, THREADS

__all__ = ["begin", "is_finished", "proceed", "rings", "stretch"]

# Looks at a counter, 15 to 20 ns each, before a thread goes to sleep.  A worker outlasts the pauses between the kernels
# of a training step: one that is woken comes late, and wants the GIL just when its caller does.
WAIT, WATCH = 20_000, 120_000


@intrinsic
def _add(typingctx, address, value):
    """Add to the integer at an address, as one indivisible step, and return what it was before."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def _look(typingctx, address):
    """The integer at an address as other threads have left it, after a short rest of the core."""

    def generate(context, builder, signature, args):
        if builder.module.triple.startswith("x86"):
            rest = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"
            )
            builder.call(rest, [])
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic
def _address(typingctx, array, index):
    """The address of an element of an integer array."""

    def generate(context, builder, signature, args):
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0]).data
        return builder.ptrtoint(builder.gep(data, [args[1]]), ir.IntType(64))

    return types.int64(array, types.int64), generate


@part
def _take(me, work):
    """The next piece for this thread, or −1 if none is left: of its own share, then of the others'.

    A thread then finds in its cache what it has written there as part of the kernel before.
    """
    threads = work[THREADS]
    for i in range(threads):
        share = (max(me, 0) + i) % threads
        piece = _add(_address(work, NEXT + share * APART), 1)
        if piece < (share + 1) * work[COUNT] // threads:
            return piece
    return -1


@part
def begin(me, work):
    """The first piece for this thread, or −1 if none is left.  The caller rings the bell for its workers."""
    if me == 0:
        _add(work[BELL], work[NUMBER] - _look(work[BELL]))
    piece = _take(me, work)
    if piece < 0:
        _rest(me, work)
    return piece


@part
def proceed(me, work):
    """The next piece after one that is finished, or −1 if none is left."""
    _add(_address(work, FINISHED), 1)
    piece = _take(me, work)
    if piece < 0:
        _rest(me, work)
    return piece


@part
def _rest(me, work):
    """The caller waits for the pieces that workers still have, a worker for the next bell: for a while.

    Both without the GIL, for which they would have to wait longer than for each other.
    """
    if me == 0:
        for _ in range(WAIT):
            if is_finished(work):
                break
    elif me != ALONE:
        rings(work[BELL], work[NUMBER])


@jit
def rings(bell, seen):
    """Whether the bell at an address rings soon, for a job after ``seen``."""
    for _ in range(WATCH):
        if _look(bell) > seen:
            break
    return _look(bell) > seen


@jit
def is_finished(work):
    """Whether all pieces are finished, and what was written for them can be read."""
    return _look(_address(work, FINISHED)) >= work[COUNT]


@part
def stretch(work, piece):
    """The items of a piece: from, to."""
    return piece * work[LENGTH] // work[COUNT], (piece + 1) * work[LENGTH] // work[COUNT]
