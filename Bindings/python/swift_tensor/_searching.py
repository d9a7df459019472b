"""Sorting, searching and sets."""
from typing import NamedTuple

from . import _dtypes as dt
from ._array import Array, apply, apply_all, converted, paired
from ._elementwise import where
from ._manipulation import place, reshape

__all__ = ["argsort", "nonzero", "searchsorted", "sort", "unique_all", "unique_counts", "unique_inverse", "unique_values", "where"]


def sort(x, /, *, axis=-1, descending=False, stable=True):
    """The elements in order along an axis; always stable."""
    return apply("sort", x, axis=place(axis, x.ndim), descending=descending)


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    """The places of the elements in order along an axis; always stable."""
    return apply("argsort", x, axis=place(axis, x.ndim), descending=descending)


def nonzero(x, /):
    """Where elements are not zero, an array for each axis."""
    if x.ndim == 0:
        raise ValueError("an array without axes has no positions")
    places = apply("nonzero", x)
    return tuple(places[:, axis] for axis in range(x.ndim))


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    """The places at which values keep the order of sorted elements."""
    a, b = paired(x1, x2)
    found = apply("searchsorted", a, reshape(b, (-1,)), *([sorter] if sorter is not None else []), side=side)
    return reshape(found, b.shape)


class UniqueAll(NamedTuple):
    """What unique_all gives."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What unique_counts gives."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What unique_inverse gives."""

    values: Array
    inverse_indices: Array


def unique_all(x, /):
    """The distinct elements, where each comes first, which of them every element is, and how often they occur."""
    if dt.is_complex(x.dtype):
        # Numbers are the same where both of their parts are.
        parts = [apply_all("unique", apply(part, x)) for part in ("real", "imag")]
        key = parts[0][1] * max(parts[1][0].size, 1) + parts[1][1]
    else:
        key = x
    values, inverse, counts = apply_all("unique", key)
    if not x.size:
        return UniqueAll(reshape(x, (-1,)), converted(counts, dt.int64), inverse, counts)
    # In a stable order by number, the first of each begin where the others end.
    order = apply("argsort", reshape(inverse, (-1,)), axis=0)
    ends = apply("cumulative_sum", counts, axis=0)
    first = apply("take", order, ends - counts, axis=0)
    if key is not x:
        values = apply("take", reshape(x, (-1,)), first, axis=0)
    return UniqueAll(values, first, inverse, counts)


def unique_counts(x, /):
    """The distinct elements and how often they occur."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x, /):
    """The distinct elements and which of them every element is."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x, /):
    """The distinct elements."""
    return unique_all(x).values
