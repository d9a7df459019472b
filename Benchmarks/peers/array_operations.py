"""The operations of tensor-bench whose names begin with `array `: PyTorch for numbers, NumPy for bytes, bools and Fourier
transforms."""
import numpy as np
import torch
import torch.nn.functional as F


def operation(name):
    name = name.removeprefix("array ")
    if "fft" in name:
        return transform(*name.split(" "))
    return (of_bytes if name.startswith(("uint8", "bool")) else of_numbers)(name)


def of_numbers(name):
    square, line = torch.randn(2000, 2000), torch.randn(1_000_000)
    positive, mask = square.abs(), square > 0
    indices, small = torch.randint(0, 1_000_000, (1_000_000,)), torch.randint(0, 1000, (1_000_000,))
    pictures = torch.randn(8, 3, 224, 224)
    distinct = lambda x: torch.unique(x, return_inverse=True, return_counts=True)
    return {
        "pow(3) 4M": lambda: square.pow(3),
        "pow(2.5) 4M": lambda: positive.pow(2.5),
        "atan2 4M": lambda: torch.atan2(square, square),
        "isClose 4M": lambda: torch.allclose(square, square),
        "max axis 0 2000x2000": lambda: square.amax(0),
        "max axis 1 2000x2000": lambda: square.amax(1),
        "argmax axis 0 2000x2000": lambda: square.argmax(0),
        "argmax axis 1 2000x2000": lambda: square.argmax(1),
        "cumsum axis 0 2000x2000": lambda: square.cumsum(0),
        "cumsum axis 1 2000x2000": lambda: square.cumsum(1),
        "cumsum 1M": lambda: line.cumsum(0),
        "lower triangle 2000x2000": lambda: square.tril(),
        "eye 2000": lambda: torch.eye(2000),
        "topK(10) 1M": lambda: line.topk(10),
        "sort 1M": lambda: line.sort(),
        "unique 1M": lambda: distinct(line),
        "unique int64 1M": lambda: distinct(small),
        "x[mask] 4M": lambda: square[mask],
        "nonZero 4M": lambda: mask.nonzero(),
        "x[i] 1M": lambda: line[indices],
        "pad reflect 8x3x224x224": lambda: F.pad(pictures, (3, 3, 3, 3), mode="reflect"),
        "arange 16M": lambda: torch.arange(16_000_000, dtype=torch.float32),
    }.get(name)


def transform(operation, kind, extents):
    shape = [int(extent) for extent in extents.split("x")]
    generator = np.random.default_rng(1)
    numbers = generator.standard_normal(shape)
    if operation == "fft":
        numbers = numbers + 1j * generator.standard_normal(shape)
    numbers = numbers.astype(kind)
    function = np.fft.fftn if len(shape) > 1 else getattr(np.fft, operation)
    return lambda: function(numbers)


def of_bytes(name):
    bytes_ = np.random.default_rng(1).integers(0, 256, 16_000_000, dtype=np.uint8)
    mask, rows = bytes_ > 127, bytes_.reshape(4000, 4000)
    none, every = np.zeros_like(mask), np.ones_like(mask)

    def sort():
        order = np.argsort(bytes_, kind="stable")
        return np.take_along_axis(bytes_, order, 0), order

    return {
        "uint8 add 16M": lambda: bytes_ + bytes_,
        "uint8 compare 16M": lambda: bytes_ > bytes_,
        "uint8 clamped 16M": lambda: np.clip(bytes_, 10, 200),
        "uint8 select 16M": lambda: np.where(mask, bytes_, bytes_),
        "uint8 max 16M": lambda: bytes_.max(),
        "uint8 max axis 0 4000x4000": lambda: rows.max(0),
        "uint8 argmax 16M": lambda: bytes_.argmax(),
        "uint8 sum 16M": lambda: bytes_.sum(),
        "uint8 mean 16M": lambda: bytes_.mean(),
        "uint8 cumsum 16M": lambda: bytes_.cumsum(dtype=np.int64),
        "uint8 sort 16M": sort,
        "uint8 argsort 16M": lambda: np.argsort(bytes_, kind="stable"),
        "uint8 unique 16M": lambda: np.unique(bytes_, return_inverse=True, return_counts=True),
        "uint8 nonZero 16M": lambda: np.nonzero(bytes_),
        "uint8 x[mask] 16M": lambda: bytes_[mask],
        "uint8 to float32 16M": lambda: bytes_.astype(np.float32),
        "bool any 16M": lambda: mask.any(),
        "bool all 16M": lambda: mask.all(),
        "bool any of none 16M": lambda: none.any(),
        "bool all of all 16M": lambda: every.all(),
        "bool and 16M": lambda: mask & mask,
    }.get(name)
