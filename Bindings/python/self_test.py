#!/usr/bin/env python3
"""Tests of swift_tensor itself: values, operators, indexing, errors, memory, and DLPack with NumPy where that is installed.

    Bindings/python/self_test.py        `scripts/array-api --self-test` runs it; status 77 where libTensorABI.so is not built
"""
import gc
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
try:
    import swift_tensor as xp
except ImportError as error:
    print(f"left out: {error}")
    sys.exit(77)
from swift_tensor import _library


def raises(kind, body):
    """The error that `body` must raise."""
    try:
        body()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def test_values():
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]], dtype=xp.float64)
    assert x.shape == (2, 2) and x.dtype is xp.float64 and x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert (xp.linalg.inv(x) @ x).tolist() == [[1.0, 0.0], [0.0, 1.0]] or xp.all(xp.abs(xp.linalg.inv(x) @ x - xp.eye(2)) < 1e-12)
    assert xp.asarray([1 + 2j, 3]).tolist() == [1 + 2j, 3 + 0j]
    assert xp.asarray([True, False]).dtype is xp.bool and xp.asarray(2).dtype is xp.int64 and xp.asarray(2.0).dtype is xp.float32
    assert xp.asarray(2**63 - 1).tolist() == 2**63 - 1
    assert xp.asarray(0.1, dtype=xp.float64).tolist() == 0.1
    assert math.isinf(float(xp.full((), math.inf))) and xp.zeros((2, 0)).shape == (2, 0)
    assert repr(xp.asarray([1, 2])) == "swift_tensor.asarray([1, 2], dtype=swift_tensor.int64)"


def test_operators():
    x = xp.asarray([1, 2, 3])
    assert (x + 1).tolist() == [2, 3, 4] and (1 - x).tolist() == [0, -1, -2] and (x // 2).tolist() == [0, 1, 1]
    assert (x == xp.asarray([1, 0, 3])).tolist() == [True, False, True] and (2 ** x).tolist() == [2, 4, 8]
    assert (x * xp.asarray(2.5)).dtype is xp.float32
    y = x
    y += 1
    assert x.tolist() == [2, 3, 4]
    raises(TypeError, lambda: x + 1.5)
    raises(OverflowError, lambda: xp.asarray([1], dtype=xp.uint8) + 300)
    raises(TypeError, lambda: x + "text")


def test_indexing():
    x = xp.reshape(xp.arange(12), (3, 4))
    assert x[1, 2].tolist() == 6 and x[-1, ::-2].tolist() == [11, 9] and x[None, ..., 0].shape == (1, 3)
    assert x[x > 9].tolist() == [10, 11] and x[xp.asarray([0, 2]), 1].tolist() == [1, 9]
    view = x[0]
    x[0, :] = 7
    x[x == 11] = -1
    assert x[0, 0].tolist() == 7 and x[2, 3].tolist() == -1 and view.tolist() == [0, 1, 2, 3]
    raises(IndexError, lambda: x[3])
    raises(IndexError, lambda: x[0, 0, 0])
    raises(IndexError, lambda: x[xp.asarray([True])])


def test_errors_are_words():
    x = xp.ones((2, 3))
    assert raises(xp.TensorError, lambda: x @ x).startswith("[matmul] shapes [2, 3] and [2, 3]")
    assert "singular" in raises(xp.TensorError, lambda: xp.linalg.inv(xp.zeros((2, 2))))


def test_nothing_is_kept():
    gc.collect()
    before = _library.library.tensor_count()
    for _ in range(2_000):
        xp.ones((8, 8)) * 2.0
    gc.collect()
    assert _library.library.tensor_count() == before


def test_own_capsules():
    x = xp.asarray([1.0, 2.0])
    for version in (None, (1, 0)):
        x.__dlpack__(max_version=version)
    raises(BufferError, lambda: xp.asarray([1j]).__dlpack__(copy=False))
    y = xp.from_dlpack(x)
    x[0] = 9.0
    assert y.tolist() == [1.0, 2.0]


def test_numpy():
    try:
        import numpy as np
    except ImportError:
        return "no NumPy"
    for kind in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"):
        theirs = np.arange(24).reshape(2, 3, 4).astype(kind)
        for view in (theirs, theirs[:, ::-1], theirs.transpose(2, 0, 1)[::2], theirs[1:1], theirs[0, 0, 0:1]):
            ours = xp.from_dlpack(view)
            assert ours.shape == view.shape and ours.dtype.name == kind
            if kind != "float16":
                assert np.array_equal(np.asarray(ours.tolist()).reshape(view.shape), view)
            assert np.array_equal(np.from_dlpack(ours), view)
    # One memory: what NumPy writes is seen, and what comes back lies where it lay.
    theirs = np.zeros((3, 4), np.float32)
    ours = xp.from_dlpack(theirs)
    theirs[1, 2] = 5
    assert ours[1, 2].tolist() == 5.0
    back = np.from_dlpack(ours.T[::-1])
    assert np.shares_memory(back, theirs) and back.strides == (-4, 16) and not back.flags.writeable
    assert not np.shares_memory(np.from_dlpack(xp.from_dlpack(theirs, copy=True)), theirs)
    # It outlives its arrays on either side.
    del theirs, ours
    gc.collect()
    assert back[1, 1] == 5 and xp.from_dlpack(np.ones(1000)).size == 1000
    assert xp.asarray(np.asarray([1, 2])).tolist() == [1, 2]
    raises(BufferError, lambda: xp.from_dlpack(np.zeros(2, np.longdouble)))
    # Writing to a borrowed array copies it first.
    theirs = np.ones(3)
    ours = xp.from_dlpack(theirs)
    ours[0] = 7.0
    assert theirs[0] == 1 and ours.tolist() == [7.0, 1.0, 1.0]


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            left_out = test()
            print(f"{name[5:]}: {'left out, ' + left_out if left_out else 'passed'}")


if __name__ == "__main__":
    main()
