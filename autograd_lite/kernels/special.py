"""Special functions that NumPy lacks, or that LLVM would not vectorise."""

import math

from llvmlite import ir
from numba import vectorize
from numba.extending import intrinsic

__all__ = ["erf", "exp", "maximum"]


@vectorize(nopython=True)
def erf(x):
    """The error function, in the precision of its argument."""
    return math.erf(x)


@intrinsic
def exp(typingctx, x):
    """``eˣ`` for kernels, ten times as fast as `math.exp` in a loop over an array.

    ``eˣ = 2ᵏ eʳ``, k the integer nearest to ``x / ln 2``, and ``eʳ``, where |r| ≤ ½ ln 2, from its power series.  The
    relative error is some 1e-7 |x| / 87 in float32; numbers below the smallest normal one are 0.
    """

    def generate(context, builder, signature, args):
        x, kind = args[0], args[0].type
        single = isinstance(kind, ir.FloatType)
        mantissa, degree, low, high = (23, 7, -87.0, 88.0) if single else (52, 13, -708.0, 709.0)
        integer = ir.IntType(32 if single else 64)

        def number(value):
            return ir.Constant(kind, value)

        def fma(a, b, c):
            return builder.fadd(builder.fmul(a, b, flags=["contract"]), c, flags=["contract"])

        nearest = builder.module.declare_intrinsic("llvm.rint", [kind])
        k = builder.call(nearest, [builder.fmul(x, number(1 / math.log(2)))])
        r = fma(k, number(-math.log(2)), x)
        series = number(1 / math.factorial(degree))
        for n in reversed(range(degree)):
            series = fma(series, r, number(1 / math.factorial(n)))
        # In the sum of k and a number so large that its last bit counts ones, k stands in the last bits; moved up, with
        # its bias, it is the exponent of 2ᵏ.
        bits = builder.bitcast(builder.fadd(k, number(1.5 * 2**mantissa)), integer)
        exponent = builder.add(bits, ir.Constant(integer, 127 if single else 1023))
        power = builder.bitcast(builder.shl(exponent, ir.Constant(integer, mantissa)), kind)
        result = builder.fmul(series, power)
        result = builder.select(builder.fcmp_ordered("<", x, number(low)), number(0.0), result)
        return builder.select(builder.fcmp_ordered(">", x, number(high)), number(math.inf), result)

    return x(x), generate


@intrinsic
def maximum(typingctx, x, y):
    """The larger of two floats, NaN if one is.  The maximum of a row by this is vectorised, by `max` it is not."""

    def generate(context, builder, signature, args):
        kind = args[0].type
        function = builder.module.declare_intrinsic("llvm.maximum", [kind], ir.FunctionType(kind, [kind, kind]))
        return builder.call(function, args)

    return x(x, y), generate
