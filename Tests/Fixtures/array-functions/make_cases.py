"""Makes cases.json beside it: `python make_cases.py` with numpy and torch; numbers are drawn from a seed of its own.

Each case is a call of one function with what NumPy gives (PyTorch for bfloat16 and `cdist`, which NumPy has not). Floating-point
results are computed in float64 from the stored inputs and rounded once, unless they are elements that are picked or stepped to. Bits
are hexadecimal, big-endian, one number after the other; `ulps` is the tolerance in units of the last place, 0 for bit by bit (of NaN
only that it is one).
"""
import json
import os

import numpy as np
import torch

np.seterr(all="ignore")
rng = np.random.default_rng(20)
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["uint8", "int32", "int64"]
WORD = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
cases = []


def stored(x, ulps=None):
    if isinstance(x, torch.Tensor):
        name = str(x.dtype)[6:]
        shape = list(x.shape)
        a = (x.contiguous().view(torch.int16) if x.dtype == torch.bfloat16 else x).numpy()
    else:
        a = np.asarray(x)
        name, shape = a.dtype.name, list(a.shape)
    w = np.ascontiguousarray(a).reshape(-1).view(WORD[a.dtype.itemsize])
    entry = {"type": name, "shape": shape, "bits": "".join(f"{int(v):0{2 * w.dtype.itemsize}x}" for v in w)}
    return entry if ulps is None else entry | {"ulps": ulps}


def add(op, inputs, outputs, ulps=0, **args):
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    units = ulps if isinstance(ulps, list) else [ulps] * len(outputs)
    cases.append({"op": op, "args": args, "in": [stored(x) for x in inputs],
                  "out": [stored(y, u) for y, u in zip(outputs, units)]})


def special(name):
    info = np.finfo(name)
    base = [0, 1, 1.5, 2.5, 0.75, float(info.smallest_subnormal), float(info.tiny) - float(info.smallest_subnormal),
            float(info.tiny), float(info.max), np.inf, np.nan, 3, 4]
    return np.array(base + [-v for v in base], dtype=name)


def special_bfloat16():
    patterns = [0x0000, 0x3F80, 0x3FC0, 0x4020, 0x3F40, 0x0001, 0x007F, 0x0080, 0x7F7F, 0x7F80, 0x7FC0, 0x4040, 0x4080]
    words = np.array(patterns + [p | 0x8000 for p in patterns], dtype=np.uint16)
    return torch.from_numpy(words.view(np.int16)).view(torch.bfloat16)


def whole(name):
    if name == "bool":
        return np.array([False, True])
    info = np.iinfo(name)
    extra = [info.min + 1, -1, -2, -7] if info.min < 0 else []
    return np.array([0, 1, 2, 3, 7, 100, info.max - 1, info.max, info.min] + extra, dtype=name)


def elementwise():
    for name in FLOATS:
        x = special(name)
        column = x[:, None]
        wide = np.hypot(column.astype(np.float64), x.astype(np.float64))
        exact = np.hypot(column, x) if name == "float64" else wide.astype(name)
        add("hypot", [column, x], exact, ulps=1)
        add("copysign", [column, x], np.copysign(column, x))
        add("nextAfter", [column, x], np.nextafter(column, x))
        add("signBit", [x], np.signbit(x))
        add("trunc", [x], np.trunc(x))
        add("isPositiveInfinity", [x], np.isposinf(x))
        add("isNegativeInfinity", [x], np.isneginf(x))
        add("positive", [x], np.positive(x))
    x = special_bfloat16()
    column = x[:, None].contiguous()
    add("hypot", [column, x], torch.hypot(column.double(), x.double()).to(torch.bfloat16), ulps=1)
    add("copysign", [column, x], torch.copysign(column, x))
    add("nextAfter", [column, x], torch.nextafter(column, x))
    add("signBit", [x], torch.signbit(x))
    add("trunc", [x], torch.trunc(x))
    add("isPositiveInfinity", [x], torch.isposinf(x))
    add("isNegativeInfinity", [x], torch.isneginf(x))
    add("positive", [x], x)
    for name in INTEGERS + ["bool"]:
        x = whole(name)
        column = x[:, None]
        add("signBit", [x], x < 0)
        add("trunc", [x], x)
        add("isPositiveInfinity", [x], np.zeros(x.shape, bool))
        add("isNegativeInfinity", [x], np.zeros(x.shape, bool))
        add("bitwiseAnd", [column, x], column & x)
        add("bitwiseOr", [column, x], column | x)
        add("bitwiseXor", [column, x], column ^ x)
        add("bitwiseNot", [x], ~x)
        if name != "bool":
            info = np.iinfo(name)
            places = np.array([v for v in [-1, 0, 1, 7, 8, 31, 32, 63, 64, info.min, info.max] if info.min <= v <= info.max],
                              dtype=name)
            add("bitwiseLeftShift", [column, places], np.left_shift(column, places))
            add("bitwiseRightShift", [column, places], np.right_shift(column, places))
        single = column.astype(np.float32)
        if name in ("uint8", "bool"):
            add("hypot", [column, x], np.hypot(column.astype(np.float64), x).astype(np.float32), ulps=1)
            add("copysign", [column, x], np.copysign(single, x.astype(np.float32)))
            add("nextAfter", [column, x], np.nextafter(single, x.astype(np.float32)))
    add("bitwiseAnd", [np.array([[255], [7]], np.uint8), np.array([-1, 300, 1 << 40])],
        np.array([[255], [7]], np.uint8) & np.array([-1, 300, 1 << 40]))
    add("bitwiseXor", [np.array([True, False, True]), whole("int32")[:3]], np.array([True, False, True]) ^ whole("int32")[:3])


def shapes():
    a, b, c = np.arange(3), np.array([10.0, 20.0], np.float32), np.array([True])
    for mode in ("xy", "ij"):
        for parts in ([a], [a, b], [a, b, c], [a, np.array(5, np.int32)], [a, b[:0]]):
            add("meshgrid", parts, [np.ascontiguousarray(g) for g in np.meshgrid(*parts, indexing=mode)], mode=mode)
    x = np.arange(24).reshape(2, 3, 4)
    for source, target in (([0], [2]), ([-1], [0]), ([0, 1], [-1, 0]), ([2, 0], [0, 1]), ([], [])):
        add("moved", [x], np.moveaxis(x, source, target), axes=source, places=target)
    for axis in (0, 1, -1):
        add("unstacked", [x], [np.ascontiguousarray(p) for p in np.unstack(x, axis=axis)], axis=axis)
    parts = [np.arange(3), np.arange(2)[:, None], np.array(7.0)]
    add("broadcast", parts, [np.ascontiguousarray(p) for p in np.broadcast_arrays(*parts)])
    for name in FLOATS + INTEGERS + ["bool"]:
        x = rng.integers(0, 2 if name == "bool" else 200, (3, 5)).astype(name)
        if name in FLOATS:
            x = (x / 16).astype(name)
        for order in (0, 1, 2, 5, 9):
            wide = x.astype(np.float64) if name in FLOATS else x
            add("diff", [x], np.diff(wide, order).astype(x.dtype), order=order)
        add("diff", [x], np.diff(x, axis=0), axis=0)
    x = rng.integers(-50, 50, (2, 4))
    edge = rng.integers(-50, 50, (2, 2))
    add("diff", [x, edge, edge[:, :1]], np.diff(x, 2, prepend=edge, append=edge[:, :1]), order=2, prepends=True, appends=True)
    add("diff", [x, np.array(3)], np.diff(x, prepend=3), prepends=True)
    add("diff", [x, np.array(3)], np.diff(x, axis=0, append=3), axis=0, appends=True)
    ends = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max, 0, 1 << 60])
    add("diff", [ends], np.diff(ends))
    add("diff", [np.zeros((2, 0), np.float32)], np.zeros((2, 0), np.float32))
    x = rng.standard_normal((3, 4)).astype(np.float32)
    add("takeAlong", [x, np.argsort(x, 1)], np.sort(x, 1), axis=1)
    add("takeAlong", [x, np.array([[1], [-1]])],
        np.take_along_axis(np.broadcast_to(x[:1], (2, 4)), np.array([[1], [-1]]), 1), axis=1, first=True)
    y = rng.integers(0, 9, (2, 1, 4))
    at = rng.integers(-2, 2, (3, 5, 1))
    add("takeAlong", [y, at],
        np.take_along_axis(np.broadcast_to(y, (2, 5, 4)), np.broadcast_to(at, (3, 5, 4)), 0), axis=0)


def products():
    for name in FLOATS + INTEGERS:
        a = rng.integers(0, 100, (2, 1, 3)).astype(name)
        b = rng.integers(0, 100, (4, 3)).astype(name)
        wide = (lambda v: v.astype(np.float64)) if name in FLOATS else (lambda v: v)
        add("vecdot", [a, b], np.vecdot(wide(a), wide(b)).astype(name), ulps=0)
        add("cross", [a, b], np.cross(wide(a), wide(b)).astype(name))
        add("kron", [a, b], np.kron(wide(a), wide(b)).astype(name))
    ends = np.array([[np.iinfo(np.int64).max, 3, -5], [1 << 62, np.iinfo(np.int64).min, 7]])
    add("vecdot", [ends, ends[::-1]], np.vecdot(ends, ends[::-1]))
    add("cross", [ends, ends[::-1]], np.cross(ends, ends[::-1]))
    add("kron", [ends, ends[0]], np.kron(ends, ends[0]))
    x, y = rng.integers(-9, 9, (3, 4)), rng.integers(-9, 9, (3, 4))
    add("cross", [x, y], np.cross(x, y, axis=0), axis=0)
    add("vecdot", [x, y], np.vecdot(x, y, axis=0), axis=0)
    add("vecdot", [x[:, :0], y[:, :0]], np.zeros(3, np.int64))
    add("kron", [np.array(3), np.array(4)], np.array(12))
    add("kron", [np.zeros((0, 2), np.float32), np.ones(3, np.float32)], np.zeros((0, 6), np.float32))
    m = rng.integers(-9, 9, (2, 3, 3))
    for exponent in (0, 1, 2, 3, 7, 40):
        add("matrixPower", [m], np.stack([np.linalg.matrix_power(p, exponent) for p in m]), count=exponent)
    f = (m / 8 + 4 * np.eye(3)).astype(np.float64)
    for exponent in (-3, -1, 5):
        add("matrixPower", [f], np.stack([np.linalg.matrix_power(p, exponent) for p in f]), ulps=400, count=exponent)


def search():
    nan = np.nan
    for name in FLOATS + INTEGERS + ["bool"]:
        rows = np.sort(rng.integers(0, 2 if name == "bool" else 12, 17).astype(name))
        sought = rng.integers(0, 2 if name == "bool" else 14, (2, 5)).astype(name)
        if name in FLOATS:
            rows = np.concatenate([[-np.inf, -0.0, 0.0], rows, [np.inf, nan, nan]]).astype(name)
            rows.sort()
            sought = np.concatenate([sought.reshape(-1), [-np.inf, -0.0, np.inf, nan, -5, 1e4]]).astype(name)
        for side in ("left", "right"):
            add("searchSorted", [rows, sought], np.searchsorted(rows, sought, side), mode=side)
        add("isIn", [sought, rows[::2]], np.isin(sought, rows[::2]))
    for side in ("left", "right"):
        x = rng.integers(0, 9, 20)
        order = np.argsort(x, kind="stable")
        add("searchSorted", [x, np.arange(-1, 11), order], np.searchsorted(x, np.arange(-1, 11), side, sorter=order), mode=side)
        rows, sought = np.sort(rng.integers(0, 9, (3, 7))), rng.integers(-1, 10, (3, 4))
        add("searchSorted", [rows, sought], torch.searchsorted(torch.tensor(rows), torch.tensor(sought), side=side), mode=side)
        ends = np.array([np.iinfo(np.int64).min, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, np.iinfo(np.int64).max])
        add("searchSorted", [ends, ends], np.searchsorted(ends, ends, side), mode=side)
    add("isIn", [ends, ends[[1, 3]]], np.isin(ends, ends[[1, 3]]))
    add("isIn", [np.array(3), np.zeros(0, np.int64)], np.array(False))
    add("searchSorted", [np.zeros(0, np.float32), np.array([1.0], np.float32)], np.zeros(1, np.int64), mode="left")


def quantiles():
    methods = ["linear", "lower", "higher", "midpoint", "nearest"]
    fractions = [0.0, 0.1, 0.25, 0.5, 0.7, 0.99, 1.0]
    for name in FLOATS:
        x = rng.standard_normal((5, 8)).astype(name)
        y = x.copy()
        y[1, 3], y[2, 2], y[3, 0] = np.nan, np.inf, -np.inf
        for method in methods:
            wide = x.astype(np.float64)
            add("quantile", [x], np.quantile(wide, fractions, method=method).astype(name), ulps=2, fractions=fractions, mode=method)
            add("quantile", [x], np.quantile(wide, fractions, axis=0, method=method).astype(name), ulps=2, axis=0,
                fractions=fractions, mode=method)
            add("quantile", [y], np.quantile(y.astype(np.float64), fractions, axis=-1, keepdims=True, method=method).astype(name)
                if method != "linear" and method != "midpoint"
                else np.quantile(np.delete(y, [2, 3], 0).astype(np.float64), fractions, axis=-1, keepdims=True,
                                 method=method).astype(name), ulps=2, axis=-1, keeps=True, fractions=fractions, mode=method,
                without=[] if method not in ("linear", "midpoint") else [2, 3])
        for axis in (None, 0, 1):
            add("median", [y], np.median(y.astype(np.float64), axis).astype(name), ulps=2, axis=axis)
    for name in INTEGERS:
        x = rng.integers(0, 100, (4, 6)).astype(name)
        for method in methods:
            found = np.quantile(x.astype(np.float64), fractions, axis=1, method=method)
            add("quantile", [x], found.astype(np.float32 if method in ("linear", "midpoint") else name), ulps=2, axis=1,
                fractions=fractions, mode=method)
        add("median", [x], np.median(x).astype(np.float32))
    ends = np.array([np.iinfo(np.int64).max, (1 << 53) + 1, np.iinfo(np.int64).min])
    add("quantile", [ends], np.sort(ends)[[0, 1, 2]], fractions=[0.0, 0.5, 1.0], mode="nearest")
    add("quantile", [np.zeros((0, 3), np.float32)], np.zeros((2, 0), np.float32), axis=1, fractions=[0.2, 0.4], mode="linear")


def missing():
    for name in FLOATS:
        x = (rng.integers(-40, 40, (4, 3, 5)) / 8).astype(name)
        x[rng.random(x.shape) < 0.3] = np.nan
        x[1, 2] = np.nan
        wide = x.astype(np.float64)
        for axes in (None, [0], [2], [0, -1]):
            axis = None if axes is None else tuple(axes)
            for keeps in (False, True):
                names = {"nanSum": np.nansum, "nanMean": np.nanmean, "nanMax": np.nanmax, "nanMin": np.nanmin}
                for op, function in names.items():
                    add(op, [x], function(wide, axis=axis, keepdims=keeps).astype(name), ulps=1, axes=axes, keeps=keeps)
    x = rng.integers(-9, 9, (3, 4))
    add("nanSum", [x], x.sum(0), axes=[0], keeps=False)
    add("nanMax", [x], x.max(0), axes=[0], keeps=False)
    add("nanSum", [np.zeros((0, 2), np.float32)], np.zeros(2, np.float32), axes=[0], keeps=False)
    add("nanMean", [np.zeros((0, 2), np.float32)], np.full(2, np.nan, np.float32), axes=[0], keeps=False)


def histograms():
    for name in ("float32", "float64", "uint8", "int32", "int64"):
        x = rng.standard_normal(200) * 20 if name.startswith("float") else rng.integers(0, 60, 200)
        x = x.astype(name).reshape(10, 20)
        edge = np.float64 if name in ("float64", "int32", "int64") else np.float32
        # Edges near 0 are differences of large ones; those in float32 are rounded from float64.
        near = 64 if edge == np.float64 else 1
        for bins, limits in ((10, None), (7, (-5.0, 31.0)), (1, None), (4, (3.0, 3.0))):
            counts, edges = np.histogram(x.astype(np.float64), bins, limits)
            add("histogram", [x], [counts, edges.astype(edge)], ulps=[0, near], count=bins, range=limits)
        w = rng.integers(0, 8, x.shape) / 4
        counts, edges = np.histogram(x.astype(np.float64), 5, weights=w)
        add("histogram", [x, w.astype(np.float32)], [counts.astype(np.float32), edges.astype(edge)], ulps=[1, near], count=5, weighs=True)
        shares, edges = np.histogram(x.astype(np.float64), 6, density=True)
        add("histogram", [x], [shares.astype(edge), edges.astype(edge)], ulps=[8, near], count=6, density=True)
        bounds = np.array([0, 3, 3, 10, 45], name)
        add("histogram", [x, bounds], [np.histogram(x, bounds)[0], bounds], edges=True)
        shares = np.histogram(x, bounds[[0, 1, 3, 4]], density=True)[0]
        add("histogram", [x, bounds[[0, 1, 3, 4]]], [shares.astype(name if name.startswith("float") else np.float64),
                                                   bounds[[0, 1, 3, 4]]], ulps=8, edges=True, density=True)
    x = np.array([np.nan, 1, 2, np.inf, -np.inf, 0, 3], np.float32)
    counts, edges = np.histogram(x, 3, (0.0, 3.0))
    add("histogram", [x], [counts, edges.astype(np.float32)], count=3, range=[0.0, 3.0])
    counts, edges = np.histogram(np.zeros(0, np.float32), 4)
    add("histogram", [np.zeros(0, np.float32)], [counts, edges.astype(np.float32)], count=4)
    for name in INTEGERS + ["bool"]:
        x = rng.integers(0, 2 if name == "bool" else 9, 30).astype(name)
        add("binCount", [x], np.bincount(x))
        add("binCount", [x], np.bincount(x, minlength=14), count=14)
        w = rng.integers(0, 8, 30) / 4
        add("binCount", [x, w], np.bincount(x, w))
        add("binCount", [x, w.astype(np.float32)], np.bincount(x, w).astype(np.float32))
        big = rng.integers(1 << 55, 1 << 58, 30)
        exact = np.zeros(int(x.max()) + 1, np.int64)
        np.add.at(exact, x.astype(np.int64), big)
        add("binCount", [x, big], exact)
    add("binCount", [np.zeros(0, np.int64)], np.zeros(0, np.int64))
    add("binCount", [np.zeros(0, np.int64)], np.zeros(3, np.int64), count=3)


def distances():
    for name in FLOATS + ["bfloat16"]:
        kind = getattr(torch, name)
        a = torch.from_numpy(rng.standard_normal((2, 1, 4, 5))).to(kind)
        b = torch.from_numpy(rng.standard_normal((3, 6, 5))).to(kind)
        b[0, 0] = a[0, 0, 0]
        for order in (0.0, 0.5, 1.0, 2.0, 3.0, float("inf")):
            exact = torch.cdist(a.double(), b.double(), p=order, compute_mode="donot_use_mm_for_euclid_dist")
            add("cdist", [a, b], exact.to(kind), ulps=8 if name != "float64" else 32, order=str(order))
    a = torch.from_numpy(rng.integers(-9, 9, (3, 2)))
    add("cdist", [a, a], torch.cdist(a.double(), a.double()).float(), ulps=2, order="2.0")
    add("cdist", [np.zeros((3, 0), np.float32), np.zeros((2, 0), np.float32)], np.zeros((3, 2), np.float32), order="2.0")
    add("cdist", [np.zeros((0, 4), np.float32), np.zeros((2, 4), np.float32)], np.zeros((0, 2), np.float32), order="2.0")
    # Sums of terms that cancel: their digits are those of the largest.
    def spread(y):
        sizes = np.abs(np.atleast_1d(y))
        return float(np.ceil(8 * sizes.max() / sizes.min()))

    def add_sums(op, inputs, y, **args):
        add(op, inputs, y, ulps=spread(y), **args)

    for name in ("float32", "float64", "int64"):
        x = rng.integers(-40, 40, (3, 16)) if name == "int64" else (rng.integers(-40, 40, (3, 16)) / 8).astype(name)
        wide, result = x.astype(np.float64), np.float64 if name == "float64" else np.float32
        for correction in (0.0, 1.0):
            add_sums("covariance", [x], np.cov(wide, ddof=int(correction)).astype(result), order=str(correction))
        times, shares = rng.integers(1, 4, 16), (rng.integers(1, 9, 16) / 8).astype(result)
        add_sums("covariance", [x, times], np.cov(wide, fweights=times).astype(result), order="1.0")
        add_sums("covariance", [x, times, shares], np.cov(wide, fweights=times, aweights=shares.astype(np.float64)).astype(result), order="1.0")
        add_sums("covariance", [x[0]], np.cov(wide[0]).astype(result), order="1.0")
        add_sums("correlationCoefficients", [x], np.corrcoef(wide).astype(result))


for part in (elementwise, shapes, products, search, quantiles, missing, histograms, distances):
    part()
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "cases.json"), "w", encoding="utf-8") as file:
    file.write('{"numpy":"' + np.__version__ + '","torch":"' + torch.__version__ + '","cases":[\n')
    file.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
print(len(cases), "cases")
