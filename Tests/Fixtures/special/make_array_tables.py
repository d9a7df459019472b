"""Makes the tables of special values of array functions beside it, floating-point types: `python make_array_tables.py` with torch and numpy.

Expected values are NumPy's, or PyTorch's where the name of the function is; how they are computed and stored says the head of
`make_tables.py`.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from make_tables import FLOATS, TYPE, attended, rows, specials, spread
from packed_table import PackedTable, tensor

inf, nan = math.inf, math.nan
NUMBERS = [0.0, -0.0, 3.0, -0.5, inf, -inf, nan]
# The names of `QuantileInterpolation`, by their number.
METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]


def next_after(a, b):
    """Of equal zeros with two signs it is the target, as in C; NumPy's of float16 is not."""
    if a.dtype == torch.float16:
        with np.errstate(all="ignore"):
            return torch.where(a == b, b, tensor(np.nextafter(a.numpy(), b.numpy())))
    return torch.nextafter(a, b)


def quantile(x, fraction, method):
    """NumPy's, without the infinities that it subtracts from themselves."""
    found = np.quantile(x, fraction, axis=-1, method=method)
    order = np.sort(x, -1)
    place = fraction * (x.shape[-1] - 1)
    low = order[:, math.floor(place)]
    met = (place == math.floor(place)) | (low == order[:, math.ceil(place)])
    return np.where(met & ~np.isnan(x).any(-1), low, found) if method in ("linear", "midpoint") else found


def median(x):
    """NumPy's, without sums that are beyond the type."""
    order = np.sort(x, -1)
    a, b = order[:, (x.shape[-1] - 1) // 2], order[:, x.shape[-1] // 2]
    return np.where(np.isfinite(x).all(-1), a / 2 + b / 2, np.median(x, axis=-1))


def log_add_exp(a, b):
    return np.logaddexp(a, b)


def pairs():
    """Functions of two tensors, of one, and of a tensor beside a number."""
    table = PackedTable("array_pairs")
    for name in FLOATS:
        x = specials(TYPE[name], few=True)
        n = len(x)
        a, b = ("a/" + name, x.repeat_interleave(n)), ("b/" + name, x.repeat(n))
        table.numpy("hypot", np.hypot, [a, b], ulps=1)
        table.numpy("logAddExp", log_add_exp, [a, b], ulps=2)
        table.exact("copysign", torch.copysign(a[1], b[1]), [a, b])
        table.exact("nextAfter", next_after(a[1], b[1]), [a, b])
        one = ("x/" + name, specials(TYPE[name]))
        table.numpy("trunc", np.trunc, [one])
        table.numpy("signBit", np.signbit, [one])
        table.numpy("isPositiveInfinity", np.isposinf, [one])
        table.numpy("isNegativeInfinity", np.isneginf, [one])
        table.numpy("positive", np.positive, [one])
        for number in NUMBERS:
            fill = lambda x: np.full_like(x, number)
            for op, fn in {
                "maximumNumber": lambda x: np.maximum(x, fill(x)), "minimumNumber": lambda x: np.minimum(x, fill(x)),
                "remainderNumber": lambda x: np.remainder(x, fill(x)), "numberRemainder": lambda x: np.remainder(fill(x), x),
                "floorDividedNumber": lambda x: np.floor_divide(x, fill(x)), "atan2Number": lambda x: np.arctan2(x, fill(x)),
                "selectNumber": lambda x: np.where(x > 0, x, fill(x)), "numberSelect": lambda x: np.where(x > 0, fill(x), x),
                "maskedFillNumber": lambda x: np.where(x > 0, fill(x), x), "equalNumber": lambda x: x == number,
                "notEqualNumber": lambda x: x != number, "lessNumber": lambda x: x < number, "lessOrEqualNumber": lambda x: x <= number,
                "greaterNumber": lambda x: x > number, "greaterOrEqualNumber": lambda x: x >= number, "numberLess": lambda x: number < x,
                "numberLessOrEqual": lambda x: number <= x, "numberGreater": lambda x: number > x, "numberGreaterOrEqual": lambda x: number >= x,
                "hypotNumber": lambda x: np.hypot(x, fill(x)), "copysignNumber": lambda x: np.copysign(x, fill(x)),
                "logAddExpNumber": lambda x: log_add_exp(x, fill(x)),
            }.items():
                free = 1e-9 if op in ("remainderNumber", "numberRemainder", "floorDividedNumber") else 0
                table.numpy(op, fn, [one], args=[number], ulps=2 if op in ("logAddExpNumber", "hypotNumber", "atan2Number") else 0, eps=free)
            table.exact("nextAfterNumber", next_after(one[1], torch.full_like(one[1], number)), [one], args=[number])
    table.write()


def ordered(r, descending):
    found = torch.sort(r, dim=-1, descending=descending, stable=True)
    return found.values, found.indices


def orders():
    """Orders, searches, counts, and what is read off an order."""
    table = PackedTable("array_orders")
    for name in FLOATS:
        r = rows(TYPE[name])
        one = ("rows/" + name, r)
        wide = ("wide/" + name, torch.cat([r[:4].reshape(-1), r[5:8].reshape(-1), r[10:14].reshape(-1), r[20:24].reshape(-1)])[None])
        for each in (one, wide):
            for descending in (False, True):
                values, indices = ordered(each[1], descending)
                table.exact("sortedValues", values, [each], args=[descending])
                table.exact("argsort", indices, [each], args=[descending])
                for count in (1, 3):
                    table.exact("topKValues", values[:, :count].contiguous(), [each], args=[count, descending])
                    table.exact("topKIndices", indices[:, :count].contiguous(), [each], args=[count, descending])
        flat = r.to(torch.float64).numpy().reshape(-1)
        values, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
        table.exact("uniqueValues", tensor(values).to(TYPE[name]), [one], eps=1e-9)
        table.exact("uniqueInverse", inverse.reshape(r.shape), [one])
        table.exact("uniqueCounts", counts, [one])
        some = ("some/" + name, torch.tensor([0.0, 1.0, inf, nan], dtype=TYPE[name]))
        table.numpy("isIn", np.isin, [one, some])
        table.numpy("isIn", np.isin, [some, one])
        x = specials(TYPE[name], few=True)
        table_of = ("sorted/" + name, torch.sort(x, stable=True).values)
        for side, text in enumerate(("left", "right")):
            table.numpy("searchSorted", lambda t, v: np.searchsorted(t, v, text), [table_of, ("x/" + name, x)], args=[side])
        edges = ("edges/" + name, torch.tensor([-inf, -1.0, -0.0, 1.0, 2.0, inf], dtype=TYPE[name]))
        table.numpy("histogramOfEdges", lambda x, e: np.histogram(x.reshape(-1), e)[0], [one, edges])
        table.numpy("histogramOfRange", lambda x: np.histogram(x.reshape(-1), 5, (-2.0, 3.0))[0], [one])
        for fraction in (0.0, 0.3, 0.5, 0.8, 1.0):
            for number, method in enumerate(METHODS):
                table.numpy("quantile", lambda x: quantile(x, fraction, method), [one], args=[fraction, number], ulps=2, eps=2)
        table.numpy("median", median, [one], ulps=1, eps=1e-9)
        table.numpy("median", median, [("four/" + name, r[:, :4].contiguous())], ulps=1, eps=1e-9)
    table.write()


def sums():
    """Sums that leave NaN out, differences, and sums of products."""
    table = PackedTable("array_sums")
    for name in FLOATS:
        dtype = TYPE[name]
        r = rows(dtype)
        one = ("rows/" + name, r)
        with np.errstate(all="ignore"):
            table.numpy("nanSum", lambda x: np.nansum(x, -1), [one], ulps=4, eps=2)
            table.numpy("nanMean", lambda x: np.nanmean(x, -1), [one], ulps=4, eps=2)
            table.numpy("nanMax", lambda x: np.nanmax(x, -1), [one], eps=1e-9)
            table.numpy("nanMin", lambda x: np.nanmin(x, -1), [one], eps=1e-9)
            table.numpy("diff", lambda x: np.diff(x), [one], args=[1])
            table.numpy("diff", lambda x: np.diff(x, 2), [one], args=[2], ulps=1, eps=2)
            table.numpy("diffWithEnds", lambda x: np.diff(x, prepend=x.dtype.type(0), append=x.dtype.type(1)), [one])
            turned = ("turned/" + name, r.roll(7, 0))
            table.numpy("vecdot", lambda a, b: (a * b).sum(-1), [one, turned], ulps=4, eps=4)
            three = [("three/" + name, r[:, :3].contiguous()), ("threeTurned/" + name, r.roll(7, 0)[:, :3].contiguous())]
            table.numpy("cross", lambda a, b: np.cross(a, b), three, ulps=2, eps=8)
            for start in (0, 3, 5, 9, 13, 30, 31):
                two = (f"two/{start}/{name}", r[start:start + 2])
                table.numpy("covariance", lambda x: np.cov(x), [two], ulps=8, eps=16)
                table.numpy("correlationCoefficients", lambda x: np.corrcoef(x), [two], ulps=8, eps=16)
            x = specials(dtype, few=True)
            for op in ("outer", "kron", "matmulOfOne", "linearOfOne", "einsumOuter", "tensordotOuter", "convolutionOfOne"):
                table.numpy(op, lambda a, b: a[:, None] * b, [("x/" + name, x), ("x/" + name, x)], eps=1e-9)
        few = r[[0, 1, 3, 5, 9, 10, 11, 14, 21, 24, 32]]
        for order in (0.5, 1.0, 2.0, 3.0, inf):
            distance = lambda a, b: torch.linalg.vector_norm(a[:, None] - b[None], order, dim=-1)
            table.add("cdist", distance, [("few/" + name, few), ("few/" + name, few)], args=[repr(order)], ulps=8, eps=1e-9, grad=False)
    table.write()


def modules():
    """Layers' functions beside those of `make_tables.py`."""
    table = PackedTable("array_modules")
    for name in FLOATS:
        dtype = TYPE[name]
        r = rows(dtype)
        pictures = ("pictures/" + name, r[:35, :4].reshape(35, 1, 2, 2))
        volumes = ("volumes/" + name, r[:35, :4].reshape(35, 1, 2, 2, 1))
        row = ("rows/" + name, r)
        options = dict(grad=False)
        table.add("adaptiveMaxPool1d", lambda x: F.adaptive_max_pool1d(x[:, None], 2)[:, 0], [row], **options)
        table.add("adaptiveMaxPool2d", lambda x: F.adaptive_max_pool2d(x, 1), [pictures], **options)
        table.add("maxPool3d", lambda x: F.max_pool3d(x, (2, 2, 1)), [volumes], **options)
        table.add("averagePool3d", lambda x: F.avg_pool3d(x, (2, 2, 1)), [volumes], eps=1, **options)
        table.add("area", lambda x: F.interpolate(x, size=(1, 1), mode="area"), [pictures], eps=1, **options)
        x = specials(dtype, few=True)[:, None]
        ins = [("x/" + name, x)]
        gates = {count: ("gates%d/" % count + name, torch.tensor([1.0, -1.0, 0.5, 2.0][:count], dtype=dtype)[:, None]) for count in (1, 3, 4)}
        state = ("state/" + name, torch.full_like(x, 0.25))
        table.add("lstmHidden", lambda x, s, w: torch.lstm_cell(x, (s, s), w, w)[0], ins + [state, gates[4]], ulps=4, eps=2, **options)
        table.add("lstmCell", lambda x, s, w: torch.lstm_cell(x, (s, s), w, w)[1], ins + [state, gates[4]], ulps=4, eps=2, **options)
        table.add("gruCell", lambda x, s, w: torch.gru_cell(x, s, w, w), ins + [state, gates[3]], ulps=4, eps=2, **options)
        table.add("rnnCell", lambda x, s, w: torch.rnn_tanh_cell(x, s, w, w), ins + [state, gates[1]], ulps=4, eps=2, **options)
        table.add("rnnCellReLU", lambda x, s, w: torch.rnn_relu_cell(x, s, w, w), ins + [state, gates[1]], ulps=4, eps=2, **options)
        up = ("up/" + name, torch.tensor([[0.5]], dtype=dtype))
        table.add("swiGLUOfProducts", lambda x, g, u: F.silu(x @ g.T) * (x @ u.T), ins + [gates[1], up], ulps=4, eps=1e-9, **options)
        # Scores 1, 2 and so on, with numbers added to them; rows without a key are zero.
        count = len(r)
        one = ("ones/" + name, torch.ones(count, 1, 1, 1, dtype=dtype))
        keys = ("keys/" + name, torch.tensor([1.0, 2.0, -1.0, 0.5, 0.0], dtype=dtype)[None, None, :, None].repeat(count, 1, 1, 1))
        values = ("values/" + name, torch.tensor([1.0, -0.5, 2.0, 0.25, 3.0], dtype=dtype)[None, None, :, None].repeat(count, 1, 1, 1))
        mask = ("added/" + name, r[:, None, None, :])

        def added(q, k, v, m):
            p = (q @ k.transpose(-1, -2) + m).softmax(-1)
            return p.masked_fill((m == -inf).all(-1, keepdim=True), 0) @ v

        table.add("attentionWithAddedMask", added, [one, keys, values, mask], ulps=8, eps=8, **options)
        table.add("attentionProbabilities", lambda k: k.softmax(-1), [("rows/" + name, r)], ulps=8, eps=2, **options)
        square = ("square/" + name, r[:35].reshape(7, 1, 5, 5)[..., :1].contiguous())
        ones = ("squareOnes/" + name, torch.ones(7, 1, 5, 1, dtype=dtype))
        fives = ("squareValues/" + name, torch.tensor([1.0, -0.5, 2.0, 0.25, 3.0], dtype=dtype)[None, None, :, None].repeat(7, 1, 1, 1))
        causal = torch.ones(5, 5, dtype=torch.bool).tril()
        table.add("causalAttention", lambda q, k, v: attended(q, k, v, 1.0, causal), [ones, square, fives], ulps=8, eps=8, **options)
    table.write()


if __name__ == "__main__":
    pairs()
    orders()
    sums()
    modules()
