"""The tensors of the Swift library `Tensor` as a namespace of the Python array API standard, on ctypes alone.

    import swift_tensor as xp
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    xp.linalg.inv(x) @ x

Arrays exchange memory with other libraries by DLPack without copying: `numpy.from_dlpack(x)`, `xp.from_dlpack(array)`.
"""
import math as _math

from . import fft, linalg
from ._array import Array
from ._creation import *
from ._dtypes import (bfloat16, bool, complex64, complex128, float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32,
                      uint64)
from ._elementwise import *
from ._info import __array_namespace_info__
from ._library import TensorError, TensorIndexError, operations
from ._manipulation import *
from ._searching import *
from ._statistics import *
from ._types import *
from .linalg import matmul, matrix_transpose, tensordot, vecdot

__array_api_version__ = "2024.12"
__version__ = "1.0"

e, inf, nan, newaxis, pi = _math.e, _math.inf, _math.nan, None, _math.pi
