"""The array object."""
import ctypes
import math
from builtins import bool as _python_bool

from . import _dtypes as dt
from . import _dlpack
from . import _library

CPU = "cpu"


class Array:
    """An array of the standard: a tensor of the library behind a handle.

    Arrays are values. Indexing may share memory, but no assignment to one array changes another.
    """

    __slots__ = ("_handle", "_dtype", "_shape")
    __array_priority__ = 1000

    def __init__(self, handle):
        self._handle = handle
        code, self._shape = handle.described()
        self._dtype = dt.BY_CODE[code]

    # Attributes.

    @property
    def dtype(self):
        """The type of the elements."""
        return self._dtype

    @property
    def device(self):
        """Where the elements are: the one device there is."""
        return CPU

    @property
    def shape(self):
        """The extent of every axis."""
        return self._shape

    @property
    def ndim(self):
        """The number of axes."""
        return len(self._shape)

    @property
    def size(self):
        """The number of elements."""
        return math.prod(self._shape)

    @property
    def strides(self):
        """The distance in elements between neighbours along every axis; not of the standard."""
        return self._handle.strides(self.ndim)

    @property
    def T(self):
        """A matrix transposed."""
        if self.ndim != 2:
            raise ValueError(f"T is for two axes, found shape {self._shape}; mT transposes stacks of matrices")
        return self.mT

    @property
    def mT(self):
        """The matrices in the last two axes transposed."""
        if self.ndim < 2:
            raise ValueError(f"mT is for matrices, found shape {self._shape}")
        return apply("matrix_transpose", self)

    # Elements.

    def _elements(self):
        """All elements in C order, as Python numbers."""
        if self.dtype.element is None:
            return apply("astype", self, dtype="float32")._elements()
        count = self.size
        buffer = (self.dtype.element * max(count * self.dtype.parts, 1))()
        _library.check(_library.library.tensor_read, self._handle.number, ctypes.cast(buffer, ctypes.c_void_p),
                       count * self.dtype.itemsize)
        values = buffer[:count * self.dtype.parts]
        return list(map(complex, values[::2], values[1::2])) if self.dtype.parts == 2 else values

    def tolist(self):
        """Nested lists of Python numbers; a number without axes. Not of the standard."""
        values = self._elements()

        def nested(shape, start, count):
            if not shape:
                return values[start]
            step = count // shape[0] if shape[0] else 0
            return [nested(shape[1:], start + index * step, step) for index in range(shape[0])]

        return nested(self._shape, 0, len(values))

    def _single(self, what):
        if self.ndim != 0:
            raise TypeError(f"only an array without axes is {what}, found shape {self._shape}")
        return self._elements()[0]

    def __bool__(self, /):
        """The only element as a bool."""
        return _python_bool(self._single("a bool"))

    def __int__(self, /):
        """The only element as an int."""
        value = self._single("an int")
        if isinstance(value, complex):
            raise TypeError("a complex number is no int")
        return int(value)

    def __float__(self, /):
        """The only element as a float."""
        value = self._single("a float")
        if isinstance(value, complex):
            raise TypeError("a complex number is no float")
        return float(value)

    def __complex__(self, /):
        """The only element as a complex number."""
        return complex(self._single("a complex number"))

    def __index__(self, /):
        """The only element, of whole numbers, as an int."""
        if not dt.is_integer(self.dtype):
            raise TypeError(f"only whole numbers are indices, found {self.dtype!r}")
        return int(self._single("an index"))

    def __len__(self):
        if not self._shape:
            raise TypeError("an array without axes has no length")
        return self._shape[0]

    def __iter__(self):
        for index in range(len(self)):
            yield self[index]

    def __repr__(self):
        return f"swift_tensor.asarray({self.tolist()!r}, dtype={self.dtype!r})" + (
            "" if self.size else f" of shape {self._shape}")

    # The standard's protocols.

    def __array_namespace__(self, /, *, api_version=None):
        """The module."""
        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ValueError(f"there is no version {api_version!r} here")
        import swift_tensor
        return swift_tensor

    def __dlpack__(self, /, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A capsule over the array's own memory; complex numbers are copied."""
        if stream is not None:
            raise ValueError("the CPU has no streams")
        if dl_device not in (None, (_dlpack.CPU_DEVICE, 0)):
            raise BufferError(f"there is no device {dl_device}")
        return _dlpack.capsule(self._handle, max_version, copy)

    def __dlpack_device__(self, /):
        """The CPU."""
        return (_dlpack.CPU_DEVICE, 0)

    def to_device(self, device, /, *, stream=None):
        """The array itself: there is one device."""
        check_device(device)
        if stream is not None:
            raise ValueError("the CPU has no streams")
        return self

    # Indexing.

    def _positions(self, key):
        """A key as the library's text, the lists it names, and whether it is one mask."""
        items = key if isinstance(key, tuple) else (key,)
        items = [asarray_if_list(item) for item in items]
        lists = [item for item in items if isinstance(item, Array)]
        if any(not (item.dtype is dt.bool or dt.is_integer(item.dtype)) for item in lists):
            raise IndexError("positions are whole numbers or masks")
        # An int beside lists counts as a list of one, which is broadcast with them.
        if any(item.dtype is not dt.bool for item in lists):
            items = [scalar(item, dt.int64) if _is_index(item) else item for item in items]
            lists = [item for item in items if isinstance(item, Array)]
        covered = sum((item.ndim if item.dtype is dt.bool else 1) if isinstance(item, Array)
                      else item is not None and item is not Ellipsis for item in items)
        if covered > self.ndim or sum(item is Ellipsis for item in items) > 1:
            raise IndexError(f"{key!r} does not fit shape {self._shape}")
        words, axis = [], 0
        for item in items:
            if item is Ellipsis:
                words.append("e")
                axis += self.ndim - covered
            elif item is None:
                words.append("n")
            elif isinstance(item, Array):
                if item.dtype is dt.bool and item.shape != self._shape[axis:axis + item.ndim]:
                    raise IndexError(f"a mask of shape {item.shape} does not fit axes {self._shape[axis:]}")
                words.append("t")
                axis += item.ndim if item.dtype is dt.bool else 1
            elif isinstance(item, slice):
                bounds = [None if bound is None else bound.__index__() for bound in (item.start, item.stop, item.step)]
                if bounds[2] == 0:
                    raise ValueError("a slice has no step of 0")
                words.append("s" + ",".join("" if bound is None else str(max(min(bound, 2**60), -2**60)) for bound in bounds))
                axis += 1
            elif _is_index(item):
                words.append(f"i{item.__index__()}")
                axis += 1
            else:
                raise IndexError(f"{item!r} is no position")
        return " ".join(words), lists

    def __getitem__(self, key, /):
        """Part of the array, or the elements that lists or a mask name."""
        if isinstance(key, Array) and key.dtype is dt.bool and key.ndim == 0:
            # A mask without axes covers none: all of the array once, or not at all.
            return apply("index", apply("expand_dims", self, axis=0), at="s,," if key else "s0,0,")
        if isinstance(key, Array) and key.dtype is dt.bool and 0 in key.shape and key.ndim <= self.ndim and all(
                extent in (mine, 0) for extent, mine in zip(key.shape, self._shape)):
            # A mask without elements names none, also of axes that have some.
            empty = apply("index", self, at="s0,0,")
            return apply("reshape", empty, shape=(0,) + self._shape[key.ndim:])
        positions, lists = self._positions(key)
        return apply("index", self, *lists, at=positions)

    def __setitem__(self, key, value, /):
        """Puts other elements at some positions of this array, of which no other array knows."""
        if not isinstance(value, Array):
            dt.with_scalar(self.dtype, value) if is_number(value) else None
            value = scalar(value, self.dtype)
        if dt.promote(self.dtype, value.dtype) is not self.dtype:
            raise TypeError(f"{value.dtype!r} does not go into {self.dtype!r}")
        if isinstance(key, Array) and key.dtype is dt.bool and key.ndim == 0 and self.ndim == 0:
            if key:
                _library.assign(self._handle, "e", [], value._handle)
            return
        positions, lists = self._positions(key)
        _library.assign(self._handle, positions, [item._handle for item in lists], value._handle)


def _is_index(item):
    return not isinstance(item, (Array, slice)) and item is not None and item is not Ellipsis and hasattr(item, "__index__")


def asarray_if_list(item):
    """A list of positions as an array."""
    if isinstance(item, list):
        from ._creation import asarray
        return asarray(item)
    return item


def is_number(value):
    """Whether it is a Python number."""
    return isinstance(value, (_python_bool, int, float, complex))


def check_device(device):
    """There is one device."""
    if device not in (None, CPU):
        raise ValueError(f"there is no device {device!r}")


def scalar(value, dtype):
    """A Python number as an array without axes."""
    if not is_number(value):
        raise TypeError(f"expected an array or a number, found {type(value).__name__}")
    if isinstance(value, complex) and not dt.is_complex(dtype):
        raise TypeError(f"{value!r} is no {dtype!r}")
    if dt.is_integer(dtype):
        low, high = dt.bounds(dtype)
        if not low <= value <= high:
            raise OverflowError(f"{value} is beyond {dtype!r}")
        value = int(value)
    if dtype.element is None:
        return apply("astype", scalar(value, dt.float32), dtype=dtype.name)
    if dt.is_complex(dtype):
        value = complex(value)
        parts = [value.real, value.imag]
    else:
        parts = [value]
    return Array(_library.create(dtype.code, (), (dtype.element * dtype.parts)(*parts)))


def apply(name, *operands, **attributes):
    """The one result of an operation of the library."""
    return Array(_library.call(name, *[operand._handle for operand in operands], **attributes)[0])


def apply_all(name, *operands, **attributes):
    """All results of an operation of the library."""
    return [Array(handle) for handle in _library.call(name, *[operand._handle for operand in operands], **attributes)]


def converted(x, dtype):
    """An array as another type."""
    return x if x.dtype is dtype else apply("astype", x, dtype=dtype.name)


def paired(a, b):
    """Two operands as arrays of the type that both promote to; one of them may be a Python number."""
    if not isinstance(a, Array) and not isinstance(b, Array):
        raise TypeError("one operand must be an array")
    if not isinstance(b, Array):
        dtype = dt.with_scalar(a.dtype, b) if is_number(b) else a.dtype
        return converted(a, dtype), scalar(b, dtype)
    if not isinstance(a, Array):
        b, a = paired(b, a)
        return a, b
    dtype = dt.promote(a.dtype, b.dtype)
    return converted(a, dtype), converted(b, dtype)
