"""Functions about types."""
from . import _dtypes as dt
from ._array import Array, apply, check_device, is_number

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


def astype(x, dtype, /, *, copy=True, device=None):
    """The elements as another type."""
    check_device(device)
    if x.dtype is dtype:
        return apply("copy", x) if copy else x
    return apply("astype", x, dtype=dtype.name)


def can_cast(from_, to, /):
    """Whether values of a type promote to another one."""
    source = from_.dtype if isinstance(from_, Array) else from_
    return dt.promote(source, to) is to


def finfo(type, /):
    """The limits of a floating-point type."""
    return dt.finfo_of(type.dtype if isinstance(type, Array) else type)


def iinfo(type, /):
    """The limits of an integer type."""
    return dt.iinfo_of(type.dtype if isinstance(type, Array) else type)


def isdtype(dtype, kind):
    """Whether a type is of a kind."""
    return dt.is_kind(dtype, kind)


def result_type(*arrays_and_dtypes):
    """The type that arrays, types and Python numbers promote to."""
    types = [item.dtype if isinstance(item, Array) else item for item in arrays_and_dtypes if not is_number(item)]
    if not types:
        raise ValueError("needs an array or a type")
    result = types[0]
    for dtype in types[1:]:
        result = dt.promote(result, dtype)
    for number in filter(is_number, arrays_and_dtypes):
        result = dt.with_scalar(result, number)
    return result
