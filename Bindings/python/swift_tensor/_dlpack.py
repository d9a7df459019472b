"""DLPack capsules, which are made and read with the interpreter's own functions."""
import ctypes

from . import _library

CPU_DEVICE = 1
# The interpreter keeps the addresses of these names.
NAME, VERSIONED = b"dltensor", b"dltensor_versioned"
USED_NAME, USED_VERSIONED = b"used_dltensor", b"used_dltensor_versioned"

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_rename = ctypes.pythonapi.PyCapsule_SetName
_rename.restype, _rename.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
# A capsule that is being destroyed is no object any more that could be counted: its destructor gets the bare address.
_is_valid_at = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
_pointer_at = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _destroy(capsule):
    """Nobody took what is in the capsule."""
    for name, versioned in ((NAME, 0), (VERSIONED, 1)):
        if _is_valid_at(capsule, name):
            _library.library.tensor_dlpack_free(_pointer_at(capsule, name), versioned)


def capsule(handle, max_version, copy):
    """A capsule over the memory behind a handle, of DLPack 1 where the other side reads that."""
    versioned = max_version is not None and max_version[0] >= 1
    mode = {None: _library.COPY_IF_NEEDED, True: _library.COPY_ALWAYS, False: _library.COPY_NEVER}[copy]
    managed = ctypes.c_void_p()
    try:
        _library.check(_library.library.tensor_to_dlpack, handle.number, int(versioned), mode, ctypes.byref(managed))
    except _library.TensorError as error:
        raise BufferError(str(error)) from None
    return _new(managed.value, VERSIONED if versioned else NAME, ctypes.cast(_destroy, ctypes.c_void_p))


def taken(given, copy):
    """A handle over what is in a capsule, which counts as used from then on."""
    mode = {None: _library.COPY_IF_NEEDED, True: _library.COPY_ALWAYS, False: _library.COPY_NEVER}[copy]
    for name, used, versioned in ((VERSIONED, USED_VERSIONED, 1), (NAME, USED_NAME, 0)):
        if _is_valid(given, name):
            number = ctypes.c_int64()
            try:
                _library.check(_library.library.tensor_from_dlpack, _pointer(given, name), versioned, mode,
                               ctypes.byref(number))
            except _library.TensorError as error:
                raise BufferError(str(error)) from None
            _rename(given, used)
            return _library.Handle(number.value)
    raise ValueError("expected a DLPack capsule that nobody has used")
