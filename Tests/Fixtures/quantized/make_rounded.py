"""Writes rounded.safetensors: numbers, and the blocks of Q8_0 and Q4_0 that the `gguf` package (0.19) rounds them to. Needs gguf,
numpy and safetensors."""

import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

random = np.random.default_rng(17)
rows = [random.standard_normal((40, 32)) * 10.0 ** random.uniform(-6, 4, (40, 1))]
# Zeros, one number alone, equal sizes of both signs, numbers that lie between two steps.
special = np.zeros((12, 32))
special[1, 3] = -0.0
special[2, 5] = -3
special[3] = np.where(np.arange(32) % 2, 1, -1)
special[4] = np.where(np.arange(32) % 2, -1, 1)
special[5] = (np.arange(32) - 15.5) * 127 / 31
special[5, 0] = 127
special[6] = (np.arange(32) - 15.5) / 2
special[6, 0] = -8
special[7] = (np.arange(32) - 16.5) / 2
special[7, 0] = 8
special[8] = np.arange(32) * 1e-8
special[9] = np.arange(32) * 2000.0
special[10, 31] = 1e-30
special[11] = np.linspace(-1, 1, 32)
numbers = np.concatenate(rows + [special]).astype(np.float32)
save_file(
    {
        "numbers": numbers,
        "q8_0": gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q8_0),
        "q4_0": gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q4_0),
    },
    pathlib.Path(__file__).parent / "rounded.safetensors",
)
