"""Types of elements, how they promote, and what is known about them."""
import ctypes
import sys
from builtins import bool as _python_bool
from dataclasses import dataclass


class DType:
    """A type of elements. Types are objects of their own: equal to themselves alone."""

    __slots__ = ("name", "code", "kind", "bits", "element", "parts")

    def __init__(self, name, code, kind, bits, element, parts=1):
        self.name, self.code, self.kind, self.bits = name, code, kind, bits
        self.element, self.parts = element, parts

    @property
    def itemsize(self):
        """Bytes of one element."""
        return self.bits // 8 if self.kind != "bool" else 1

    def __repr__(self):
        return f"swift_tensor.{self.name}"

    def __reduce__(self):
        return self.name


bool = DType("bool", 0, "bool", 8, ctypes.c_bool)
uint8 = DType("uint8", 1, "unsigned integer", 8, ctypes.c_uint8)
int32 = DType("int32", 2, "signed integer", 32, ctypes.c_int32)
int64 = DType("int64", 3, "signed integer", 64, ctypes.c_int64)
float16 = DType("float16", 4, "real floating", 16, None)
bfloat16 = DType("bfloat16", 5, "real floating", 16, None)
float32 = DType("float32", 6, "real floating", 32, ctypes.c_float)
float64 = DType("float64", 7, "real floating", 64, ctypes.c_double)
complex64 = DType("complex64", 8, "complex floating", 64, ctypes.c_float, 2)
complex128 = DType("complex128", 9, "complex floating", 128, ctypes.c_double, 2)
int8 = DType("int8", 10, "signed integer", 8, ctypes.c_int8)
int16 = DType("int16", 11, "signed integer", 16, ctypes.c_int16)
uint16 = DType("uint16", 12, "unsigned integer", 16, ctypes.c_uint16)
uint32 = DType("uint32", 13, "unsigned integer", 32, ctypes.c_uint32)
uint64 = DType("uint64", 14, "unsigned integer", 64, ctypes.c_uint64)

ALL = (bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64, complex64, complex128)
# Halves are no types of the standard; the library stores them.
STANDARD = tuple(dtype for dtype in ALL if dtype not in (float16, bfloat16))
BY_CODE = {dtype.code: dtype for dtype in ALL}
DEFAULTS = {"real floating": float32, "complex floating": complex64, "integral": int64, "indexing": int64}
_BOUNDS = {dtype: (0, 2**dtype.bits - 1) if dtype.kind == "unsigned integer" else (-2**(dtype.bits - 1), 2**(dtype.bits - 1) - 1)
           for dtype in ALL if dtype.kind.endswith("integer")}


def is_integer(dtype):
    """Whether it has whole numbers; bool has not."""
    return dtype in _BOUNDS


def total_type(dtype):
    """The type of sums and products: the widest of whole numbers of a kind, any other type as it is."""
    if dtype.kind == "unsigned integer":
        return uint64
    return int64 if is_integer(dtype) or dtype is bool else dtype


def is_complex(dtype):
    """Whether its numbers have two parts."""
    return dtype.kind == "complex floating"


def is_floating(dtype):
    """Whether its numbers, or their parts, have fractions."""
    return dtype.kind.endswith("floating")


def part_type(dtype):
    """The type of the parts of complex numbers, any other as it is."""
    return {complex64: float32, complex128: float64}.get(dtype, dtype)


def complex_type(dtype):
    """The complex type whose parts hold numbers of a type."""
    return complex128 if dtype in (float64, complex128) else complex64


def promote(a, b):
    """The type of the result when two types meet: the library's table (Sources/Tensor/Core/DType.swift)."""
    if a is b:
        return a
    if is_complex(a) or is_complex(b):
        parts = promote(part_type(a), part_type(b))
        return complex_type(parts)
    if a is bool or b is bool:
        return b if a is bool else a
    if is_floating(a) != is_floating(b):
        return a if is_floating(a) else b
    if is_floating(a):
        return float32 if a.bits == b.bits else max(a, b, key=lambda dtype: dtype.bits)
    if a.kind == b.kind:
        return max(a, b, key=lambda dtype: dtype.bits)
    signed, unsigned = (a, b) if b.kind == "unsigned integer" else (b, a)
    if signed.bits > unsigned.bits:
        return signed
    return {8: int16, 16: int32, 32: int64, 64: float64}[unsigned.bits]


def bounds(dtype):
    """The smallest and the largest whole number."""
    return _BOUNDS[dtype]


def of_scalar(value):
    """The type that a Python number has on its own."""
    if isinstance(value, _python_bool):
        return bool
    if isinstance(value, int):
        return int64
    return float32 if isinstance(value, float) else complex64


def with_scalar(dtype, value):
    """The type when a tensor meets a Python number, which counts by its kind alone."""
    if isinstance(value, _python_bool):
        if dtype is bool:
            return dtype
    elif isinstance(value, int):
        if dtype is not bool:
            return dtype
    elif isinstance(value, float):
        if is_floating(dtype):
            return dtype
    elif isinstance(value, complex) and is_floating(dtype):
        return complex_type(dtype)
    raise TypeError(f"the number {value!r} does not go with {dtype!r}")


@dataclass
class finfo_object:
    """What is known about a type with fractions."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass
class iinfo_object:
    """What is known about a type of whole numbers."""

    bits: int
    max: int
    min: int
    dtype: DType


_SINGLE = (2.0**-23, (2 - 2.0**-23) * 2.0**127, 2.0**-126)
_LIMITS = {
    float16: (2.0**-10, 65504.0, 2.0**-14), bfloat16: (2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-126), float32: _SINGLE,
    float64: (sys.float_info.epsilon, sys.float_info.max, sys.float_info.min),
}


def finfo_of(dtype):
    """The limits of a floating-point type, or of the parts of a complex one."""
    part = part_type(dtype)
    if part not in _LIMITS:
        raise TypeError(f"finfo is about types with fractions, found {dtype!r}")
    eps, largest, least = _LIMITS[part]
    return finfo_object(part.bits, eps, largest, -largest, least, part)


def iinfo_of(dtype):
    """The limits of an integer type."""
    if not is_integer(dtype):
        raise TypeError(f"iinfo is about whole numbers, found {dtype!r}")
    low, high = bounds(dtype)
    return iinfo_object(dtype.bits, high, low, dtype)


_KINDS = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


def is_kind(dtype, kind):
    """Whether a type is of a kind, of one of several kinds, or another type."""
    if isinstance(kind, tuple):
        return any(is_kind(dtype, one) for one in kind)
    if isinstance(kind, DType):
        return dtype is kind
    kinds = {one.kind for one in ALL} | set(_KINDS)
    if kind not in kinds:
        raise ValueError(f"{kind!r} is no kind; there are {', '.join(sorted(kinds))}")
    return dtype.kind in _KINDS.get(kind, (kind,))
