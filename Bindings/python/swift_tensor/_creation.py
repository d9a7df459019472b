"""Arrays made of numbers, of other arrays, of other libraries' memory."""
import ctypes
import math
from builtins import bool as _python_bool

from . import _dlpack, _library
from . import _dtypes as dt
from ._array import Array, apply, check_device, converted, is_number, scalar

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid", "ones",
           "ones_like", "tril", "triu", "zeros", "zeros_like"]


def _shape_of(obj):
    """The shape of nested sequences."""
    shape = []
    while isinstance(obj, (list, tuple)):
        shape.append(len(obj))
        if not obj:
            break
        obj = obj[0]
    return tuple(shape) + (obj.shape if isinstance(obj, Array) else ())


def _leaves(obj, shape, found):
    """The numbers of nested sequences in C order."""
    if isinstance(obj, (list, tuple)):
        if not shape or len(obj) != shape[0]:
            raise ValueError("nested sequences differ in length")
        for item in obj:
            _leaves(item, shape[1:], found)
    elif isinstance(obj, Array):
        if obj.shape != shape:
            raise ValueError("arrays in a sequence differ in shape")
        found.extend(obj._elements())
    elif is_number(obj):
        if shape:
            raise ValueError("nested sequences differ in depth")
        found.append(obj)
    elif hasattr(obj, "__index__"):
        found.append(obj.__index__())
    elif hasattr(obj, "__float__"):
        found.append(float(obj))
    else:
        raise TypeError(f"{type(obj).__name__} is no number")


def _type_of(leaves):
    """The default type of Python numbers."""
    if any(isinstance(leaf, complex) for leaf in leaves):
        return dt.complex64
    if any(isinstance(leaf, float) for leaf in leaves):
        return dt.float32
    if any(not isinstance(leaf, _python_bool) for leaf in leaves):
        return dt.int64
    return dt.bool if leaves else dt.float32


def _types_in(obj):
    """The types of arrays in nested sequences."""
    if isinstance(obj, Array):
        return [obj.dtype]
    return [dtype for item in obj for dtype in _types_in(item)] if isinstance(obj, (list, tuple)) else []


def _packed(leaves, shape, dtype):
    """An array of Python numbers."""
    if dtype.element is None:
        return apply("astype", _packed(leaves, shape, dt.float32), dtype=dtype.name)
    if dt.is_complex(dtype):
        leaves = [part for leaf in map(complex, leaves) for part in (leaf.real, leaf.imag)]
    elif any(isinstance(leaf, complex) for leaf in leaves):
        raise TypeError(f"complex numbers are no {dtype!r}")
    elif dt.is_integer(dtype):
        low, high = dt.bounds(dtype)
        leaves = [int(leaf) for leaf in leaves]
        if leaves and not low <= min(leaves) <= max(leaves) <= high:
            raise OverflowError(f"numbers are beyond {dtype!r}")
    elif dtype is dt.bool:
        leaves = [_python_bool(leaf) for leaf in leaves]
    buffer = (dtype.element * max(len(leaves), 1))(*leaves)
    return Array(_library.create(dtype.code, shape, buffer))


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """An array of a number, of nested sequences, of an array, or of what speaks DLPack."""
    check_device(device)
    if isinstance(obj, Array):
        if dtype is None or dtype is obj.dtype:
            return apply("copy", obj) if copy else obj
        if copy is False:
            raise ValueError(f"{obj.dtype!r} to {dtype!r} needs a copy")
        return converted(obj, dtype)
    if not isinstance(obj, (list, tuple)) and not is_number(obj) and hasattr(obj, "__dlpack__"):
        found = from_dlpack(obj, copy=copy)
        return found if dtype is None else converted(found, dtype)
    if copy is False:
        raise ValueError("Python numbers are always copied")
    shape, leaves = _shape_of(obj), []
    _leaves(obj, shape, leaves)
    if dtype is None:
        dtype = _type_of(leaves)
        for inner in _types_in(obj):
            dtype = inner if dtype.kind == inner.kind else dt.promote(dtype, inner)
    return _packed(leaves, shape, dtype)


def from_dlpack(x, /, *, device=None, copy=None):
    """An array over the memory of another library's array, which is not copied unless asked for."""
    check_device(device)
    if isinstance(x, Array):
        return apply("copy" if copy else "positive", x)
    if x.__dlpack_device__()[0] != _dlpack.CPU_DEVICE:
        raise BufferError(f"memory of device {x.__dlpack_device__()} cannot be read")
    try:
        given = x.__dlpack__(max_version=(1, 0))
    except TypeError:
        given = x.__dlpack__()
    return Array(_dlpack.taken(given, copy))


def _extents(shape):
    return (int(shape.__index__()),) if hasattr(shape, "__index__") else tuple(int(extent) for extent in shape)


def full(shape, fill_value, *, dtype=None, device=None):
    """An array of one number."""
    check_device(device)
    if isinstance(fill_value, Array):
        filled = fill_value if dtype is None else converted(fill_value, dtype)
    else:
        filled = scalar(fill_value, dt.of_scalar(fill_value) if dtype is None else dtype)
    return apply("contiguous", apply("broadcast_to", filled, shape=_extents(shape)))


def zeros(shape, *, dtype=None, device=None):
    """An array of zeros."""
    dtype = dt.float32 if dtype is None else dtype
    return full(shape, 0, dtype=dtype, device=device)


def ones(shape, *, dtype=None, device=None):
    """An array of ones."""
    return full(shape, 1, dtype=dt.float32 if dtype is None else dtype, device=device)


def empty(shape, *, dtype=None, device=None):
    """An array of any numbers; here zeros."""
    return zeros(shape, dtype=dtype, device=device)


def zeros_like(x, /, *, dtype=None, device=None):
    """Zeros in the shape of an array."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=device)


def ones_like(x, /, *, dtype=None, device=None):
    """Ones in the shape of an array."""
    return ones(x.shape, dtype=dtype or x.dtype, device=device)


def empty_like(x, /, *, dtype=None, device=None):
    """Any numbers in the shape of an array."""
    return empty(x.shape, dtype=dtype or x.dtype, device=device)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    """One number in the shape of an array."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device)


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    """The numbers from start on, by step, before stop."""
    check_device(device)
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ValueError("the step is 0")
    if dtype is None:
        dtype = dt.int64 if all(isinstance(bound, int) for bound in (start, stop, step)) else dt.float32
    if all(isinstance(bound, int) for bound in (start, stop, step)):
        count = len(range(start, stop, step))
        if dt.is_integer(dtype):
            if count:
                low, high = dt.bounds(dtype)
                if not (low <= start <= high and low <= start + (count - 1) * step <= high):
                    raise OverflowError(f"numbers from {start} to {stop} are beyond {dtype!r}")
            numbers = apply("count", count=count)
            # One number needs no step, which may be longer than the type.
            if count > 1 and step != 1:
                numbers = apply("multiply", numbers, scalar(step, dt.int64))
            if count and start != 0:
                numbers = apply("add", numbers, scalar(start, dt.int64))
            return converted(numbers, dtype)
    else:
        count = max(math.ceil((stop - start) / step), 0)
    return apply("progression", count=count, start=float(start), step=float(step), dtype=dtype.name)


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    """Numbers at equal distances, the last one included unless said otherwise."""
    check_device(device)
    if any(isinstance(bound, complex) for bound in (start, stop)) or (dtype is not None and dt.is_complex(dtype)):
        start, stop = complex(start), complex(stop)
        dtype = dt.complex64 if dtype is None else dtype
        parts = [linspace(a, b, num, dtype=dt.part_type(dtype), endpoint=endpoint)
                 for a, b in ((start.real, stop.real), (start.imag, stop.imag))]
        return apply("complex", *parts)
    dtype = dt.float32 if dtype is None else dtype
    count = num if endpoint else num + 1
    numbers = apply("linspace", start=float(start), stop=float(stop), count=count, dtype=dtype.name)
    return numbers if endpoint else numbers[:num]


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    """Ones on one diagonal of a matrix, zeros beside it."""
    check_device(device)
    columns = n_rows if n_cols is None else n_cols
    dtype = dt.float32 if dtype is None else dtype
    # Beyond the corners there are no ones.
    k = max(min(k, columns), -n_rows)
    matrix = apply("eye", rows=n_rows, columns=columns, k=k, dtype=dt.part_type(dtype).name)
    return converted(matrix, dtype)


def meshgrid(*arrays, indexing="xy"):
    """The coordinates of a grid, of vectors along its axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', found {indexing!r}")
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(arrays)
    for array, axis in zip(arrays, order):
        shape[axis] = array.size
    grids = []
    for array, axis in zip(arrays, order):
        along = [1] * len(arrays)
        along[axis] = array.size
        grids.append(apply("broadcast_to", apply("reshape", array, shape=along), shape=shape))
    return grids


def tril(x, /, *, k=0):
    """The lower triangles of matrices, zeros above."""
    return apply("tril", x, k=max(min(k, 2**62), -2**62))


def triu(x, /, *, k=0):
    """The upper triangles of matrices, zeros below."""
    return apply("triu", x, k=max(min(k, 2**62), -2**62))
