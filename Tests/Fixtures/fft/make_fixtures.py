"""Writes transforms.json, numbers.json and eigenvalues.json: what NumPy makes of numbers by a formula."""
import itertools
import json
from pathlib import Path

import numpy as np

NORMS = ["backward", "ortho", "forward"]
LENGTHS = [*range(1, 21), 32, 49, 60, 97, 128, 210, 1009, 4096]


def numbers(shape, is_complex=True):
    """Remainders of integers, so that any language makes the same ones."""
    j = np.arange(int(np.prod(shape)))
    real = (j * 7919 % 1013) / 1013 - 0.5
    imaginary = (j * 104729 % 997) / 997 - 0.25
    return (real + 1j * imaginary if is_complex else real).reshape(shape)


def rounded(values):
    return [float(f"{value:.15g}") for value in np.ravel(values)]


def case(op, shape, step=1, **arguments):
    is_complex = op in ("irfft", "irfft2", "irfftn", "hfft") or (op[0] != "r" and op != "ihfft")
    result = getattr(np.fft, op)(numbers(shape, is_complex), **arguments)
    picked = np.ravel(result)[::step]
    row = {"op": op, "shape": list(shape), "isComplex": is_complex, "step": step, "result": list(result.shape)}
    row |= {key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()}
    row["real"] = rounded(picked.real)
    if np.iscomplexobj(result):
        row["imaginary"] = rounded(picked.imag)
    return row


def transforms():
    for length in LENGTHS:
        step = 1 if length <= 32 else 5 if length <= 210 else 37
        for op in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
            yield case(op, (length,), step, **({"n": length} if op in ("irfft", "hfft") else {}))
    for length, norm, op in itertools.product((1, 6, 7, 97), NORMS, ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")):
        yield case(op, (length,), 1 if length < 10 else 13, norm=norm, n=length)
    # Cut and filled with zeros, along every axis.
    for axis, n, op in itertools.product((0, 1, -1), (2, 5, 9, 41), ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")):
        yield case(op, (3, 5, 4), 1 if n < 9 else 7, axis=axis, n=n)
    for shape, axis in (((40, 36), 0), ((40, 36), 1), ((2, 37, 20), 1), ((33, 6), 1)):
        for op in ("fft", "rfft", "irfft"):
            yield case(op, shape, 29, axis=axis)
    for op, norm in itertools.product(("fft2", "ifft2", "rfft2", "irfft2"), NORMS):
        yield case(op, (2, 6, 5), 3, norm=norm)
        yield case(op, (4, 3, 5), 3, norm=norm, axes=(2, 0), s=(6, 3))
    for op in ("fftn", "ifftn", "rfftn", "irfftn"):
        yield case(op, (3, 4, 5), 2)
        yield case(op, (3, 4, 5), 3, axes=(0, 2), norm="ortho")
        yield case(op, (3, 4, 5), 3, axes=(1, 2), s=(6, 3), norm="forward")
        yield case(op, (2, 3, 4), 3, axes=(-1, 0), s=(-1, 5))


def pairs():
    parts = [0.0, -0.0, 1.0, -1.5, 0.75, 3e300, -2e-300, 1e-8, 40.0]
    values = [complex(a, b) for a, b in itertools.product(parts, parts)]
    with np.errstate(all="ignore"):
        z = np.array(values)
        functions = {"abs": np.abs(z), "angle": np.angle(z), "sqrt": np.sqrt(z)}
        small = np.array([value for value in values if abs(value) < 100 and value != 0])
        functions |= {"exp": np.exp(small), "log": np.log(small)}
        a = np.array([1 + 2j, 3e300 + 1e300j, -1e-300 + 2e-300j, 1j, -2.5, 1e300 + 1e300j])
        functions["divide"] = a[:, None] / z[None, :]
    rows = {"z": z, "small": small, "dividends": a} | functions
    for name, result in rows.items():
        row = {"name": name, "real": [str(value) for value in np.ravel(result.real)]}
        if np.iscomplexobj(result):
            row["imaginary"] = [str(value) for value in np.ravel(result.imag)]
        yield row


def eigenvalues():
    for shape in ((1, 1), (2, 2), (3, 3), (5, 5), (8, 8), (4, 3, 3), (2, 2, 4, 4)):
        matrices = numbers(shape, False)
        w, v = np.linalg.eig(matrices)
        residue = np.abs(matrices @ v - v * w[..., None, :]).max()
        assert residue < 1e-13
        yield {"shape": list(shape), "real": rounded(w.real), "imaginary": rounded(w.imag),
               "vectorsReal": rounded(v.real), "vectorsImaginary": rounded(v.imag)}


def write(name, rows):
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    Path(__file__).with_name(name).write_text(f"[\n{lines}\n]\n")


write("transforms.json", transforms())
write("numbers.json", pairs())
write("eigenvalues.json", eigenvalues())
