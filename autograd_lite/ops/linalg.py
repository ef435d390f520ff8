"""Matrix products: `matmul` and its special cases, `einsum`, and `linear`, the layer ``x Wᵀ + b`` as one op."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..op import Sample, op
from .composed import as_operand, composed
from .diagonal import diagonal
from .elementwise import mul
from .out import deliver
from .product import product
from .reduce import sum
from .samples import Samples, normal, normals
from .shape import matrix_transpose, reshape
from .summation import add_up

__all__ = [
    "addmm", "baddbmm", "bmm", "dot", "einsum", "inner", "linear", "matmul", "mm", "mv", "outer", "trace", "vdot",
]  # fmt: skip


# -- the matrix product -----------------------------------------------------------------------------------------------


def _column(x: Any) -> Any:
    """Vectors as matrices of one column."""
    return reshape(x, (*x.shape, 1))


def _row(x: Any) -> Any:
    """Vectors as matrices of one row."""
    return reshape(x, (*x.shape[:-1], 1, *x.shape[-1:]))


def _left(g: Any, y: Any) -> Any:
    """The gradient of ``x`` in ``x @ y``, before un-broadcasting."""
    if y.ndim == 1:  # (…, N, K) (K,) -> (…, N), the outer product of g and y
        return (_column(g) if g.ndim else g) * y
    if g.ndim < y.ndim:  # x is a vector: (K,) (…, K, M) -> (…, M)
        return (_row(g) @ y.mT)[..., 0, :]
    return g @ y.mT


def _right(g: Any, x: Any) -> Any:
    """The gradient of ``y`` in ``x @ y``, before un-broadcasting."""
    if x.ndim == 1:  # (K,) (…, K, M) -> (…, M), the outer product of x and g
        return _column(x) * _row(g) if g.ndim else g * x
    if g.ndim < x.ndim:  # y is a vector: (…, N, K) (K,) -> (…, N)
        return (x.mT @ _column(g))[..., 0]
    return x.mT @ g


def _matmul_samples(rng: np.random.Generator) -> list[Sample]:
    pairs = (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
        ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 1, 2, 3), (2, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
        ((0,), (0,)), ((3, 0, 2), (2, 1)),
    )  # fmt: skip
    return [Sample(rng.normal(size=one), rng.normal(size=two)) for one, two in pairs]


@op(
    vjps=(lambda g, out, x, y: _left(g, y), lambda g, out, x, y: _right(g, x)),
    symbol="@", numpy=(np.matmul,), samples=_matmul_samples,
)  # fmt: skip
def matmul(x, y, out=None):
    """The matrix product ``(…, N, K), (…, K, M) -> (…, N, M)``; leading axes broadcast, vectors are a row or a column.

    Raises ValueError for 0-d operands and for shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.matmul(al.tensor([[1.0, 2.0]]), al.tensor([3.0, 4.0]))
    tensor([11.])
    """
    if isinstance(x, ndarray) and isinstance(y, ndarray) and x.ndim == 2 == y.ndim:
        return product(x, y, out)  # np.dot is a third faster than matmul for small matrices
    return np.matmul(x, y, out)


def _rows(x: Any) -> Any:
    """All leading axes as one."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _ranks(name: str, *wanted: tuple[Any, int]) -> None:
    if any(np.ndim(x) != rank for x, rank in wanted):
        shapes = ", ".join(str(np.shape(x)) for x, _ in wanted)
        raise ValueError(f"{name} takes tensors of {', '.join(f'{rank}-D' for _, rank in wanted)}, got shapes {shapes}")


@composed(normals(((2, 3), (3, 2)), ((0, 3), (3, 2))))
def mm(x: Any, mat2: Any) -> Any:
    """The product of two matrices, ``(N, K), (K, M) -> (N, M)``.  Raises ValueError for other shapes."""
    _ranks("mm", (x, 2), (mat2, 2))
    return matmul(x, mat2)


@composed(normals(((2, 2, 3), (2, 3, 1))))
def bmm(x: Any, mat2: Any) -> Any:
    """Products of matrices in a batch, ``(B, N, K), (B, K, M) -> (B, N, M)``.  Raises ValueError for other shapes."""
    _ranks("bmm", (x, 3), (mat2, 3))
    if x.shape[0] != np.shape(mat2)[0]:
        raise ValueError(f"bmm: the batches differ: {x.shape} and {np.shape(mat2)}")
    return matmul(x, mat2)


@composed(normals(((2, 3), (3,))))
def mv(x: Any, vec: Any) -> Any:
    """A matrix times a vector, ``(N, K), (K,) -> (N,)``.  Raises ValueError for other shapes."""
    _ranks("mv", (x, 2), (vec, 1))
    return matmul(x, vec)


@composed(normals(((3,), (3,)), ((0,), (0,))))
def dot(x: Any, tensor: Any) -> Any:
    """The dot product of two vectors, ``(K,), (K,) -> ()``.  Raises ValueError for other shapes."""
    _ranks("dot", (x, 1), (tensor, 1))
    return matmul(x, tensor)


vdot = dot  # the same for real numbers


@composed(normals(((2,), (3,))))
def outer(x: Any, vec2: Any) -> Any:
    """All products of two vectors' elements, ``(N,), (M,) -> (N, M)``.  Raises ValueError for other shapes."""
    _ranks("outer", (x, 1), (vec2, 1))
    return mul(_column(x), vec2)


@composed(normals(((2, 3), (2, 2, 3)), ((3,), (3,)), ((), (2, 2))))
def inner(x: Any, y: Any) -> Any:
    """Dot products along the last axes, ``(…, K), (___, K) -> (…, ___)``; a number multiplies.

    Raises ValueError for shapes that do not fit.
    """
    y = as_operand(y)
    if not x.ndim or not y.ndim:
        return mul(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"inner: the last axes differ: {x.shape} and {y.shape}")
    return reshape(matmul(_rows(x), _rows(y).mT), (*x.shape[:-1], *y.shape[:-1]))


def _plus_samples(*shapes: tuple[int, ...]) -> Samples:
    def make(rng: np.random.Generator) -> list[Sample]:
        x, a, b = rng.normal(size=4), *(rng.normal(size=shape) for shape in shapes)
        return [Sample(x, a, b), Sample(x, a, b, beta=2, alpha=0.5), Sample(x, a, b, beta=0)]

    return make


@composed(_plus_samples((2, 3), (3, 4)))
def addmm(x: Any, mat1: Any, mat2: Any, beta: float = 1, alpha: float = 1) -> Any:
    """``beta·x + alpha·(mat1 @ mat2)`` of matrices; ``x`` broadcasts.  Raises ValueError for shapes that do not fit."""
    return _plus(x, mm(mat1, mat2), beta, alpha)


@composed(_plus_samples((2, 2, 3), (2, 3, 4)))
def baddbmm(x: Any, batch1: Any, batch2: Any, beta: float = 1, alpha: float = 1) -> Any:
    """`addmm` of matrices in a batch.  Raises ValueError for shapes that do not fit."""
    return _plus(x, bmm(batch1, batch2), beta, alpha)


def _plus(x: Any, product: Any, beta: float, alpha: float) -> Any:
    """``beta·x + alpha·product``; with beta = 0, x is ignored, NaN in it included."""
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else product + (x if beta == 1 else x * beta)


@composed(normal(((3, 3),), ((2, 3),)))
def trace(x: Any) -> Any:
    """The sum of a matrix's diagonal, ``(N, M) -> ()``.  Raises ValueError for other shapes."""
    _ranks("trace", (x, 2))
    return sum(diagonal(x))


# -- the linear layer -------------------------------------------------------------------------------------------------


def _linear_reference(x: Any, weight: Any, bias: Any) -> Any:
    product = matmul(x, matrix_transpose(weight))
    return product if bias is None else product + bias


def _linear_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((3,), (4, 3), (2, 2, 3), (0, 3))
    samples = [Sample(rng.normal(size=x), rng.normal(size=(2, 3)), rng.normal(size=2)) for x in shapes]
    return [*samples, Sample(rng.normal(size=(4, 3)), rng.normal(size=(2, 3)))]


@op(  # differentiated twice through its reference: the vjps below see arrays only
    vjps=(
        lambda g, out, x, weight, bias: product(_rows(g), weight).reshape(x.shape),
        lambda g, out, x, weight, bias: product(_rows(g).T, _rows(x)),
        lambda g, out, x, weight, bias: add_up(_rows(g), (0,)) if bias.ndim == 1 else g,
    ),
    symbol="linear", floating=True, samples=_linear_samples, reference=_linear_reference,
)  # fmt: skip
def linear(x, weight, bias=None, out=None):
    """``x Wᵀ + b``: ``(…, in), (out, in), (out,) -> (…, out)``  (cheat sheet 1.3).

    Given the gradient dz of the result, those of x, W and b are ``dz W``, ``dzᵀ x`` and ``Σ dz`` over the examples
    (cheat sheet 2.3; the sheet has examples as columns, and its 1/m is in dz where a loss is the mean over m examples).
    Raises ValueError for shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.linear(al.tensor([1.0, 2.0]), al.tensor([[3.0, 4.0]]), al.tensor([5.0]))
    tensor([16.])
    """
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"the shapes must be (…, in), (out, in), got {x.shape}, {weight.shape}")
    if x.ndim == 2:
        out = product(x, weight.T, out)
    else:
        out = deliver(product(_rows(x), weight.T).reshape(*x.shape[:-1], weight.shape[0]), out)
    return out if bias is None else np.add(out, bias, out)


# -- einsum -----------------------------------------------------------------------------------------------------------


EQUATIONS = (
    ("ij,jk->ik", (2, 3), (3, 2)), ("ii", (3, 3)), ("...ij->...ji", (2, 2, 3)), ("ba,a", (2, 3), (3,)),
    ("b...i,...ij->bj...", (2, 2, 3), (2, 3, 2)),
)  # fmt: skip


def _einsum_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(equation, *(rng.normal(size=shape) for shape in shapes)) for equation, *shapes in EQUATIONS]


@composed(_einsum_samples)
def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products over named axes: ``einsum("ij,jk->ik", a, b)`` is ``a @ b``.

    A letter that is not to the right of ``->`` is summed over; repeated in one operand it takes the diagonal; ``...``
    stands for axes that broadcast.  Without ``->`` the result has the letters that occur once, in alphabetical order,
    after those of ``...``.  Raises ValueError for an equation that does not fit the operands' shapes, TypeError for one
    that is not a string.

    >>> import autograd_lite as al
    >>> al.einsum("ii->i", al.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum takes an equation like 'ij,jk->ik' first; {type(equation).__name__} is not supported")
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    inputs, output = _parse(equation, [np.shape(x) for x in operands])
    return contract(*operands, equation=f"{','.join(inputs)}->{output}")


def _parse(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of every operand and of the result, with letters for the axes of ``...``."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")

    def bad(why: str) -> ValueError:
        return ValueError(f"einsum {equation!r} of shapes {', '.join(map(str, shapes))}: {why}")

    if len(terms) != len(shapes):
        raise bad(f"{len(terms)} operands are named, {len(shapes)} given")
    letters = [term.replace("...", "", 1) for term in (*terms, right)]
    if not set("".join(letters)) <= set(string.ascii_letters):
        raise bad("axes are named by letters")
    free = [c for c in string.ascii_letters if c not in equation]
    ranks = [len(shape) - len(own) for own, shape in zip(letters, shapes, strict=False)]
    for term, shape, rank in zip(terms, shapes, ranks, strict=True):
        if rank < 0 or (rank and "..." not in term):
            raise bad(f"{term!r} does not fit the shape {shape}")
    widest = max([rank for rank in ranks if rank], default=0)
    if widest > len(free):
        raise bad("there are not enough letters for the axes")
    dots = "".join(free[:widest])
    inputs = [term.replace("...", dots[widest - rank :], 1) for term, rank in zip(terms, ranks, strict=True)]
    if not arrow:
        named = "".join(letters[:-1])
        return inputs, dots + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    output = right.replace("...", dots, 1)
    if len(set(output)) < len(output) or not set(output) <= set("".join(inputs)):
        raise bad("the result names an axis twice, or one that no operand has")
    return inputs, output


def _einsum_gradient(i: int, g: Any, xs: Sequence[Any], equation: str) -> Any:
    """The gradient of operand ``i``: an einsum itself, of g and the other operands, to the letters of operand ``i``.

    Identity matrices put a diagonal back; ones repeat along the axes that only operand ``i`` has.
    """
    left, output = equation.split("->")
    terms = left.split(",")
    factors = [(output, g), *((term, x) for j, (term, x) in enumerate(zip(terms, xs, strict=True)) if j != i)]
    lengths: dict[str, int] = {}
    for term, factor in factors:
        for letter, n in zip(term, np.shape(factor), strict=True):
            lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
    free = (c for c in string.ascii_letters if c not in equation)
    target = ""
    for letter, n in zip(terms[i], xs[i].shape, strict=True):
        if letter in target:
            twin = next(free)
            factors.append((letter + twin, np.eye(n, dtype=g.dtype)))
            target += twin
            continue
        if letter not in lengths or (lengths[letter] == 1 and n != 1):
            factors.append((letter, np.ones(n, g.dtype)))
        target += letter
    return contract(*[f for _, f in factors], equation=f"{','.join(term for term, _ in factors)}->{target}")


def _contract_joint(needs, g, out, *arguments):
    *xs, equation = arguments
    return [_einsum_gradient(i, g, xs, equation) if need else None for i, need in enumerate(needs)]


def _contract_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (
        ("ij,jk->ik", (2, 3), (3, 2)), ("ii->i", (3, 3)), ("ii->", (3, 3)), ("iij,j->ji", (2, 2, 3), (3,)),
        ("ij->", (2, 3)),
        ("ij->ji", (2, 3)), ("i,j->ij", (2,), (3,)), ("bij,bjk,k->bi", (2, 2, 3), (2, 3, 2), (2,)), (",i->i", (), (3,)),
        ("ij,j->i", (2, 3), (1,)), ("i,i->", (3,), (1,)), ("iii->i", (2, 2, 2)), ("ij,ij->i", (0, 3), (0, 3)),
        ("ii,i->", (2, 2), (2,)), ("ij->i", (2, 0)), ("ii,ii->i", (1, 1), (3, 3)),
    )  # fmt: skip
    return [Sample(*(rng.normal(size=shape) for shape in shapes), equation=equation) for equation, *shapes in cases]


@op(joint=_contract_joint, symbol="einsum", samples=_contract_samples)
def contract(*operands, equation, out=None):
    """`einsum` with an equation that names every axis of the operands and of the result."""
    # With several operands "optimize" multiplies matrices where it can; a single one could come back as a view.
    result = np.einsum(equation, *operands, optimize=len(operands) > 1)
    return deliver(np.array(result) if len(operands) == 1 else result, out)
