"""The standard's extension of linear algebra, for real numbers, and for complex ones where no LAPACK is needed."""
import math
from typing import NamedTuple

from . import _dtypes as dt
from . import _statistics
from ._array import Array, apply, apply_all, converted, paired, scalar
from ._manipulation import broadcast_shape, broadcast_to, permute_dims, place, reshape

__all__ = ["cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
           "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot",
           "vector_norm"]


class EighResult(NamedTuple):
    """What eigh gives."""

    eigenvalues: Array
    eigenvectors: Array


class QRResult(NamedTuple):
    """What qr gives."""

    Q: Array
    R: Array


class SlogdetResult(NamedTuple):
    """What slogdet gives."""

    sign: Array
    logabsdet: Array


class SVDResult(NamedTuple):
    """What svd gives."""

    U: Array
    S: Array
    Vh: Array


def matmul(x1, x2, /):
    """The matrix products."""
    return apply("matmul", *paired(x1, x2))


def matrix_transpose(x, /):
    """The matrices transposed."""
    return x.mT


def outer(x1, x2, /):
    """All products of an element of one vector with one of another."""
    a, b = paired(x1, x2)
    return apply("multiply", reshape(a, (-1, 1)), reshape(b, (1, -1)))


def vecdot(x1, x2, /, *, axis=-1):
    """The products of vectors, the first of them conjugated."""
    a, b = paired(x1, x2)
    if not dt.is_complex(a.dtype):
        return apply("vecdot", a, b, axis=axis)
    rank = max(a.ndim, b.ndim)
    back = rank - place(axis, rank)
    if back > min(a.ndim, b.ndim) or a.shape[-back] != b.shape[-back]:
        raise ValueError(f"vectors along axis {axis} of shapes {a.shape} and {b.shape} differ in length")
    found = apply("multiply", apply("conj", a), b)
    return apply("sum", found, axis=-back)


def tensordot(x1, x2, /, *, axes=2):
    """The sums of products over pairs of axes."""
    a, b = paired(x1, x2)
    if isinstance(axes, int):
        first, second = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        first, second = [[place(axis, x.ndim) for axis in one] for one, x in zip(axes, (a, b))]
    rows = [axis for axis in range(a.ndim) if axis not in first]
    columns = [axis for axis in range(b.ndim) if axis not in second]
    inner = math.prod(a.shape[axis] for axis in first)
    outer_shape = tuple(a.shape[axis] for axis in rows) + tuple(b.shape[axis] for axis in columns)
    if [a.shape[axis] for axis in first] != [b.shape[axis] for axis in second]:
        raise ValueError(f"axes {axes} of shapes {a.shape} and {b.shape} do not agree")
    left = reshape(permute_dims(a, rows + first), (math.prod(a.shape[axis] for axis in rows), inner))
    right = reshape(permute_dims(b, second + columns), (inner, math.prod(b.shape[axis] for axis in columns)))
    return reshape(apply("matmul", left, right), outer_shape)


def cross(x1, x2, /, *, axis=-1):
    """The vector products of vectors of three elements."""
    a, b = paired(x1, x2)
    shape = broadcast_shape(a.shape, b.shape)
    axis = place(axis, min(a.ndim, b.ndim)) - min(a.ndim, b.ndim) if axis >= 0 else axis
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ValueError(f"needs vectors of three elements, found shapes {a.shape} and {b.shape} along axis {axis}")
    if not dt.is_complex(a.dtype):
        return apply("cross", a, b, axis=axis)
    a, b = [apply("permute_dims", broadcast_to(x, shape), axes=_last(len(shape), axis)) for x in (a, b)]
    u, v = [[x[..., index] for index in range(3)] for x in (a, b)]
    parts = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
    return apply("stack", *parts, axis=place(axis, len(shape)))


def _last(rank, axis):
    """The order of axes with one of them at the end."""
    axis = place(axis, rank)
    return [one for one in range(rank) if one != axis] + [axis]


def cholesky(x, /, *, upper=False):
    """The triangular factors of positive definite matrices."""
    return apply("cholesky", x, upper=upper)


def det(x, /):
    """The determinants."""
    return apply("det", x)


def slogdet(x, /):
    """The signs of determinants and the logarithms of their magnitudes."""
    return SlogdetResult(*apply_all("slogdet", x))


def diagonal(x, /, *, offset=0):
    """A diagonal of matrices."""
    rows, columns = x.shape[-2:]
    if not -rows < offset < columns:
        return reshape(x, (-1,))[:0] if x.ndim == 2 else apply("index", x, at="e s0,0, i0") if columns else x[..., 0]
    return apply("diagonal", x, offset=offset)


def trace(x, /, *, offset=0, dtype=None):
    """The sums of a diagonal."""
    return _statistics.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def eigh(x, /):
    """Eigenvalues and eigenvectors of symmetric matrices."""
    return EighResult(*apply_all("eigh", x))


def eigvalsh(x, /):
    """The eigenvalues of symmetric, or Hermitian, matrices."""
    return apply("eigvalsh", x)


def inv(x, /):
    """The inverses."""
    return apply("inv", x)


def solve(x1, x2, /):
    """The solutions of linear systems; a right-hand side of one axis is a vector."""
    a, b = paired(x1, x2)
    if b.ndim == 1:
        return apply("squeeze", solve(a, apply("expand_dims", b, axis=-1)), axis=-1)
    batch = broadcast_shape(a.shape[:-2], b.shape[:-2])
    return apply("solve", broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:]))


def matrix_power(x, n, /):
    """Matrices multiplied with themselves."""
    if not dt.is_complex(x.dtype):
        return apply("matrix_power", x, n=n)
    if n < 0:
        x, n = inv(x), -n
    from ._creation import eye
    result = broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    while n:
        result = matmul(result, x) if n & 1 else result
        x, n = matmul(x, x), n >> 1
    return result


def _kept(found, keepdims):
    return reshape(found, found.shape + (1, 1)) if keepdims else found


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norms of matrices."""
    if dt.is_complex(x.dtype) and ord in ("fro", 1, -1, math.inf, -math.inf):
        x = apply("abs", x)
    if ord in (-1, -math.inf):
        sums = apply("sum", apply("abs", x), axis=-2 if ord == -1 else -1)
        return _kept(apply("min", sums, axis=-1), keepdims)
    if ord == -2:
        return _kept(apply("min", svdvals(x), axis=-1), keepdims)
    if dt.is_complex(x.dtype):
        return _kept(apply("sum" if ord == "nuc" else "max", svdvals(x), axis=-1), keepdims)
    name = ord if isinstance(ord, str) else "inf" if ord == math.inf else str(int(ord))
    return _kept(apply("matrix_norm", x, ord=name), keepdims)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norms of vectors along axes."""
    return apply("vector_norm", x, axes=_statistics.axes_of(axis), keepdims=keepdims, ord=float(ord))


def _adjoint(x):
    """The matrices transposed and conjugated."""
    return apply("conj", x.mT)


def _tolerance(x, rtol):
    """A tolerance as an array; without one the type's precision times the larger side."""
    dtype = dt.part_type(x.dtype)
    if isinstance(rtol, Array):
        return converted(rtol, dtype)
    return scalar(dt.finfo_of(dtype).eps * max(*x.shape[-2:], 1) if rtol is None else float(rtol), dtype)


def _limits(s, rtol):
    """Singular values up to these count as zero."""
    if not s.shape[-1]:
        return s
    largest = apply("max", s, axis=-1, keepdims=True)
    return largest * (apply("expand_dims", rtol, axis=-1) if rtol.ndim else rtol)


def matrix_rank(x, /, *, rtol=None):
    """The numbers of singular values that are not zero."""
    if not isinstance(rtol, Array) and not dt.is_complex(x.dtype):
        return apply("matrix_rank", x, rtol=None if rtol is None else float(rtol))
    s = svdvals(x)
    return _statistics.count_nonzero(s > _limits(s, _tolerance(x, rtol)), axis=-1)


def pinv(x, /, *, rtol=None):
    """The pseudo-inverses."""
    if not isinstance(rtol, Array) and not dt.is_complex(x.dtype):
        return apply("pinv", x, rtol=None if rtol is None else float(rtol))
    u, s, vh = svd(x, full_matrices=False)
    kept = s > _limits(s, _tolerance(x, rtol))
    inverse = apply("where", kept, apply("reciprocal", s), scalar(0.0, s.dtype))
    return matmul(_adjoint(vh) * apply("expand_dims", inverse, axis=-2), _adjoint(u))


def qr(x, /, *, mode="reduced"):
    """Orthonormal and triangular factors."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode is 'reduced' or 'complete', found {mode!r}")
    return QRResult(*apply_all("qr", x, complete=mode == "complete"))


def svd(x, /, *, full_matrices=True):
    """The singular value decompositions."""
    return SVDResult(*apply_all("svd", x, full=full_matrices))


def svdvals(x, /):
    """The singular values."""
    return apply("svdvals", x)
