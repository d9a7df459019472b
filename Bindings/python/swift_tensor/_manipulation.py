"""What moves, joins or repeats elements."""
import math

from . import _dtypes as dt
from ._array import Array, apply, converted
from ._types import result_type

__all__ = ["broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll",
           "squeeze", "stack", "take", "take_along_axis", "tile", "unstack"]


def place(axis, rank):
    """An axis counted from the front."""
    found = axis + rank if axis < 0 else axis
    if not 0 <= found < rank:
        raise IndexError(f"axis {axis} is out of range for {rank} axes")
    return found


def broadcast_shape(*shapes):
    """The shape that shapes are broadcast to."""
    rank = max(map(len, shapes), default=0)
    result = []
    for extents in zip(*[(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]):
        larger = {extent for extent in extents if extent != 1}
        if len(larger) > 1:
            raise ValueError(f"shapes {', '.join(map(str, shapes))} cannot be broadcast")
        result.append(larger.pop() if larger else 1)
    return tuple(result)


def broadcast_to(x, /, shape):
    """The elements repeated to a shape, without copying."""
    return apply("broadcast_to", x, shape=list(shape))


def broadcast_arrays(*arrays):
    """All arrays in the shape that they have in common."""
    shape = broadcast_shape(*[array.shape for array in arrays])
    return [broadcast_to(array, shape) for array in arrays]


def _promoted(arrays):
    dtype = result_type(*arrays)
    return [converted(array, dtype) for array in arrays]


def concat(arrays, /, *, axis=0):
    """Arrays joined along an axis they have, or all of their elements in a row."""
    arrays = _promoted(arrays)
    if axis is None:
        return apply("concat", *[reshape(array, (-1,)) for array in arrays], axis=0)
    return apply("concat", *arrays, axis=axis)


def stack(arrays, /, *, axis=0):
    """Arrays of one shape joined along a new axis."""
    return apply("stack", *_promoted(arrays), axis=axis)


def unstack(x, /, *, axis=0):
    """The parts along an axis."""
    before = (slice(None),) * place(axis, x.ndim)
    return tuple(x[before + (index,)] for index in range(x.shape[len(before)]))


def expand_dims(x, /, axis):
    """With a new axis of extent 1."""
    return apply("expand_dims", x, axis=place(axis, x.ndim + 1))


def squeeze(x, /, axis):
    """Without axes of extent 1."""
    axes = sorted({place(one, x.ndim) for one in (axis if isinstance(axis, tuple) else (axis,))}, reverse=True)
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(f"axis {one} of shape {x.shape} is not 1")
        x = apply("squeeze", x, axis=one)
    return x if axes else apply("positive", x)


def flip(x, /, *, axis=None):
    """The elements in reverse along axes."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return apply("flip", x, axes=[place(one, x.ndim) for one in axes])


def permute_dims(x, /, axes):
    """The axes in another order."""
    return apply("permute_dims", x, axes=[place(axis, x.ndim) for axis in axes])


def moveaxis(x, source, destination, /):
    """Some axes at other places, the rest in their order."""
    sources = [place(axis, x.ndim) for axis in (source if isinstance(source, tuple) else (source,))]
    targets = [place(axis, x.ndim) for axis in (destination if isinstance(destination, tuple) else (destination,))]
    if len(sources) != len(targets) or len(set(sources)) != len(sources) or len(set(targets)) != len(targets):
        raise ValueError(f"axes {source} cannot be moved to {destination}")
    rest = [axis for axis in range(x.ndim) if axis not in sources]
    order = [sources[targets.index(axis)] if axis in targets else None for axis in range(x.ndim)]
    return permute_dims(x, [rest.pop(0) if axis is None else axis for axis in order])


def reshape(x, /, shape, *, copy=None):
    """The elements in C order under another shape."""
    if copy is False and x.size and not _is_contiguous(x):
        raise ValueError(f"shape {x.shape} with these strides cannot be {shape} without a copy")
    return apply("reshape", apply("copy", x) if copy else x, shape=list(shape))


def _is_contiguous(x):
    expected = 1
    for extent, stride in zip(reversed(x.shape), reversed(x.strides)):
        if extent != 1 and stride != expected:
            return False
        expected *= extent
    return True


def roll(x, /, shift, *, axis=None):
    """The elements moved along axes, those at the end coming back in front."""
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, axis=0), x.shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"{len(shifts)} shifts for {len(axes)} axes")
    result = apply("positive", x)
    for one, by in zip(axes, shifts):
        result = apply("roll", result, shift=by % max(x.shape[place(one, x.ndim)], 1), axis=one)
    return result


def tile(x, repetitions, /):
    """The array laid side by side with itself."""
    rank = max(x.ndim, len(repetitions))
    x = reshape(x, (1,) * (rank - x.ndim) + x.shape)
    return apply("tile", x, counts=[1] * (rank - len(repetitions)) + list(repetitions))


def repeat(x, repeats, /, *, axis=None):
    """Every element several times in a row."""
    from ._creation import asarray
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = place(axis, x.ndim)
    extent = x.shape[axis]
    counts = repeats._elements() if isinstance(repeats, Array) else [repeats]
    if len(counts) == 1:
        counts = counts * extent
    if len(counts) != extent or any(count < 0 for count in counts):
        raise ValueError(f"{len(counts)} counts for an axis of {extent}")
    places = [index for index, count in enumerate(counts) for _ in range(count)]
    return apply("take", x, asarray(places, dtype=dt.int64), axis=axis)


def take(x, indices, /, *, axis=None):
    """The elements at positions along an axis."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"an axis must be named for shape {x.shape}")
        axis = 0
    axis = place(axis, x.ndim)
    found = apply("take", x, reshape(indices, (-1,)), axis=axis)
    return reshape(found, x.shape[:axis] + indices.shape + x.shape[axis + 1:]) if indices.ndim != 1 else found


def take_along_axis(x, indices, /, *, axis=-1):
    """One element for each position, along an axis; both are broadcast beside it."""
    axis = place(axis, x.ndim)
    common = broadcast_shape(x.shape[:axis] + x.shape[axis + 1:], indices.shape[:axis] + indices.shape[axis + 1:])
    shapes = [common[:axis] + (array.shape[axis],) + common[axis:] for array in (x, indices)]
    return apply("take_along_axis", broadcast_to(x, shapes[0]), broadcast_to(indices, shapes[1]), axis=axis)
