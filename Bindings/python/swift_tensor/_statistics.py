"""Sums, extremes, running sums, and what is asked of all elements."""
from . import _dtypes as dt
from ._array import apply, converted

__all__ = ["all", "any", "argmax", "argmin", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod",
           "std", "sum", "var"]


def axes_of(axis):
    """One axis or several as a list; None for all."""
    return None if axis is None else list(axis) if isinstance(axis, (tuple, list)) else [axis]


def _added(name, x, axis, dtype, keepdims):
    if dtype is None:
        dtype = dt.total_type(x.dtype)
    if not dt.is_integer(dtype) or not dt.is_integer(x.dtype):
        x = converted(x, dtype)
    return converted(apply(name, x, axes=axes_of(axis), keepdims=keepdims), dtype)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """The sums along axes."""
    return _added("sum", x, axis, dtype, keepdims)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    """The products along axes."""
    return _added("prod", x, axis, dtype, keepdims)


def _running(name, x, axis, dtype, include_initial, first):
    from ._creation import full
    from ._manipulation import concat
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"an axis must be named for shape {x.shape}")
        axis = 0
    if x.ndim == 0:
        x = apply("expand_dims", x, axis=0)
    if dtype is None:
        dtype = dt.total_type(x.dtype)
    if not dt.is_integer(dtype) or not dt.is_integer(x.dtype):
        x = converted(x, dtype)
    result = converted(apply(name, x, axis=axis), dtype)
    if not include_initial:
        return result
    shape = list(result.shape)
    shape[axis] = 1
    return concat([full(tuple(shape), first, dtype=dtype), result], axis=axis)


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """The running sums along an axis."""
    return _running("cumulative_sum", x, axis, dtype, include_initial, 0)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    """The running products along an axis."""
    return _running("cumulative_prod", x, axis, dtype, include_initial, 1)


def max(x, /, *, axis=None, keepdims=False):
    """The largest elements along axes."""
    return apply("max", x, axes=axes_of(axis), keepdims=keepdims)


def min(x, /, *, axis=None, keepdims=False):
    """The smallest elements along axes."""
    return apply("min", x, axes=axes_of(axis), keepdims=keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    """The means along axes."""
    return apply("mean", x, axes=axes_of(axis), keepdims=keepdims)


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The variances along axes."""
    return apply("var", x, axes=axes_of(axis), correction=float(correction), keepdims=keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The standard deviations along axes."""
    return apply("std", x, axes=axes_of(axis), correction=float(correction), keepdims=keepdims)


def all(x, /, *, axis=None, keepdims=False):
    """Whether no element along axes is zero."""
    return apply("all", x, axes=axes_of(axis), keepdims=keepdims)


def any(x, /, *, axis=None, keepdims=False):
    """Whether an element along axes is not zero."""
    return apply("any", x, axes=axes_of(axis), keepdims=keepdims)


def count_nonzero(x, /, *, axis=None, keepdims=False):
    """How many elements along axes are not zero."""
    return apply("count_nonzero", x, axes=axes_of(axis), keepdims=keepdims)


def argmax(x, /, *, axis=None, keepdims=False):
    """Where the largest elements along an axis are."""
    return apply("argmax", x, axis=axis, keepdims=keepdims)


def argmin(x, /, *, axis=None, keepdims=False):
    """Where the smallest elements along an axis are."""
    return apply("argmin", x, axis=axis, keepdims=keepdims)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    """The differences of neighbours along an axis, n times."""
    from ._manipulation import concat
    joined = [part for part in (prepend, x, append) if part is not None]
    if len(joined) > 1:
        x = concat(joined, axis=axis)
    place = axis + x.ndim if axis < 0 else axis
    if not 0 <= place < x.ndim:
        raise IndexError(f"axis {axis} is out of range for shape {x.shape}")
    for _ in range(n):
        whole = (slice(None),) * place
        x = apply("subtract", x[whole + (slice(1, None),)], x[whole + (slice(None, -1),)])
    return x
