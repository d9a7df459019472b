"""The C ABI of libTensorABI.so, by ctypes: see Bindings/c/tensor_abi.h, whose functions these are."""
import ctypes
import os
from pathlib import Path

ABI_VERSION = 1
COPY_IF_NEEDED, COPY_ALWAYS, COPY_NEVER = 0, 1, 2


class TensorError(ValueError):
    """What an operation of the library says is wrong: `[matmul] shapes [2, 3] and [4, 5] …`."""


class TensorIndexError(TensorError, IndexError):
    """A position that is not there."""


def library_path():
    """Where the library is: what TENSOR_ABI_LIBRARY names, else where SwiftPM puts it in this repository."""
    named = os.environ.get("TENSOR_ABI_LIBRARY")
    if named:
        return Path(named)
    return Path(__file__).resolve().parents[3] / ".build/release/libTensorABI.so"


def _load():
    path = library_path()
    if not path.exists():
        raise ImportError(f"{path} is not there; build it with swift build -c release --product TensorABI, "
                          "or name another one in TENSOR_ABI_LIBRARY")
    # A CDLL lets go of the interpreter's lock during calls: deleters of other libraries take it.
    loaded = ctypes.CDLL(str(path))
    pointer, text, integers = ctypes.POINTER, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int64)
    int32, int64, address = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p
    error = pointer(address)
    signatures = {
        "tensor_abi_version": (int32, []),
        "tensor_text_free": (None, [address]),
        "tensor_create": (int32, [int32, int32, integers, integers, address, integers, error]),
        "tensor_read": (int32, [int64, address, int64, error]),
        "tensor_describe": (int32, [int64, pointer(int32), pointer(int32), error]),
        "tensor_layout": (int32, [int64, int32, integers, integers, error]),
        "tensor_release": (int32, [int64, error]),
        "tensor_count": (int64, []),
        "tensor_operations": (address, []),
        "tensor_call": (int32, [text, integers, int32, text, integers, int32, pointer(int32), error]),
        "tensor_assign": (int32, [int64, text, integers, int32, int64, error]),
        "tensor_to_dlpack": (int32, [int64, int32, int32, pointer(address), error]),
        "tensor_from_dlpack": (int32, [address, int32, int32, integers, error]),
        "tensor_dlpack_free": (None, [address, int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    if loaded.tensor_abi_version() != ABI_VERSION:
        raise ImportError(f"{path} has version {loaded.tensor_abi_version()} of the C ABI, this module needs {ABI_VERSION}")
    return loaded


library = _load()


def _taken(address):
    """A text that the library made, which is given back."""
    text = ctypes.string_at(address).decode("utf-8", "replace")
    library.tensor_text_free(address)
    return text


def check(function, *arguments):
    """Calls a function of the ABI whose last argument is the place of the error."""
    error = ctypes.c_void_p()
    if function(*arguments, ctypes.byref(error)) != 0:
        text = _taken(error.value) if error.value else "no reason was given"
        raise (TensorIndexError if "subscript" in text else TensorError)(text)


class Handle:
    """A tensor of the library, let go of with this object."""

    __slots__ = ("number", "__weakref__")

    def __init__(self, number):
        self.number = number

    def __del__(self, release=library.tensor_release):
        release(self.number, None)

    def described(self):
        """The number of its type, and its shape."""
        code, rank = ctypes.c_int32(), ctypes.c_int32()
        check(library.tensor_describe, self.number, ctypes.byref(code), ctypes.byref(rank))
        shape = (ctypes.c_int64 * max(rank.value, 1))()
        check(library.tensor_layout, self.number, rank.value, shape, None)
        return code.value, tuple(shape[:rank.value])

    def strides(self, rank):
        """Its distances between neighbours, in elements."""
        strides = (ctypes.c_int64 * max(rank, 1))()
        check(library.tensor_layout, self.number, rank, None, strides)
        return tuple(strides[:rank])


def create(code, shape, data):
    """A tensor with a copy of a ctypes array."""
    extents = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    number = ctypes.c_int64()
    check(library.tensor_create, code, len(shape), extents, None, ctypes.cast(data, ctypes.c_void_p), ctypes.byref(number))
    return Handle(number.value)


def _word(value):
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # A hexadecimal number has every bit; infinities and NaN are words.
        return value.hex() if value == value and abs(value) != float("inf") else repr(value)
    if isinstance(value, (tuple, list)):
        return ",".join(map(_word, value))
    return str(value)


def call(name, *operands, **attributes):
    """The handles that an operation gives; attributes that are None are left out."""
    words = ";".join(f"{key}={_word(value)}" for key, value in attributes.items() if value is not None)
    numbers = (ctypes.c_int64 * max(len(operands), 1))(*[operand.number for operand in operands])
    results, count = (ctypes.c_int64 * 4)(), ctypes.c_int32()
    check(library.tensor_call, name.encode(), numbers, len(operands), words.encode(), results, 4, ctypes.byref(count))
    return [Handle(results[index]) for index in range(count.value)]


def assign(target, positions, lists, value):
    """Puts other elements behind a handle."""
    numbers = (ctypes.c_int64 * max(len(lists), 1))(*[item.number for item in lists])
    check(library.tensor_assign, target.number, positions.encode(), numbers, len(lists), value.number)


def operations():
    """The names that `call` knows."""
    return _taken(library.tensor_operations()).split("\n")
