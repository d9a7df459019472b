"""Makes the tables of special values in rows that are longer than a vector, beside it: `python make_wide_tables.py` with torch and numpy.

A special number stands at the front, in the middle and at the end of rows of 77 ordinary ones, so that it meets the loops over vectors,
what they leave over, and what joins them. How expected values are computed and stored says the head of `make_tables.py`.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from make_tables import FLOATS, TYPE
from packed_table import PackedTable

inf, nan = math.inf, math.nan
WIDTH = 77
PLACES = [0, 1, 9, 31, 32, 63, 70, 76]


def wide(dtype):
    """Eighths from −4 to 4, with special numbers among them."""
    info = torch.finfo(dtype)
    tiny = info.smallest_normal * info.eps
    ordinary = torch.tensor([((i * 29) % 65 - 32) / 8 for i in range(WIDTH)], dtype=torch.float64)
    rows = [ordinary]
    for place in PLACES:
        for value in (nan, inf, -inf):
            rows.append(ordinary.clone())
            rows[-1][place] = value
    for first, second in ((inf, -inf), (inf, nan), (-inf, nan), (info.max, -info.max), (nan, nan), (-inf, -inf), (tiny, -tiny)):
        for a, b in ((0, 76), (40, 70), (3, 9)):
            rows.append(ordinary.clone())
            rows[-1][a], rows[-1][b] = first, second
    for value in (0.0, -0.0, inf, -inf, nan, tiny):
        rows.append(torch.full((WIDTH,), value, dtype=torch.float64))
    return torch.stack(rows).to(dtype)


def reduced():
    table = PackedTable("wide_rows")
    for name in FLOATS:
        x = wide(TYPE[name])
        one = ("wide/" + name, x)
        # Where no largest number is: sums of it and of squares depend on their order.
        calm = ("calm/" + name, x[~(torch.isfinite(x) & (x.double().abs() > 1e3)).any(-1)])
        torches = {
            "sum": (lambda x: x.sum(-1), 4, 64), "mean": (lambda x: x.mean(-1), 4, 4), "max": (lambda x: x.amax(-1), 0, 1e-9),
            "min": (lambda x: x.amin(-1), 0, 1e-9), "argmax": (lambda x: x.argmax(-1), 0, 0), "argmin": (lambda x: x.argmin(-1), 0, 0),
            "logSumExp": (lambda x: x.logsumexp(-1), 4, 2), "any": (lambda x: x.bool().any(-1), 0, 0), "all": (lambda x: x.bool().all(-1), 0, 0),
            "countNonZero": (lambda x: torch.count_nonzero(x, -1), 0, 0), "cumsum": (lambda x: x.cumsum(-1), 4, 64),
            "cumprod": (lambda x: x[:, :40].cumprod(-1), 64, 1e-9), "prod": (lambda x: x[:, :20].prod(-1), 32, 1e-9),
            "logCumSumExp": (lambda x: x.logcumsumexp(-1), 4, 2), "softmax": (lambda x: x.softmax(-1), 8, 2),
            "logSoftmax": (lambda x: x.log_softmax(-1), 4, 4), "layerNorm": (lambda x: F.layer_norm(x, (WIDTH,)), 16, 16),
            "rmsNorm": (lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6), 8, 4),
            "normalized": (lambda x: F.normalize(x, dim=-1), 8, 4),
            "averagePool1d": (lambda x: F.avg_pool1d(x[:, None], 2, 1)[:, 0], 4, 4),
            "maxPool1d": (lambda x: F.max_pool1d(x[:, None], 2, 1)[:, 0], 0, 1e-9),
        }
        cut = {"cumprod": 40, "prod": 20}
        for op, (fn, ulps, eps) in torches.items():
            ins = calm if op in ("layerNorm", "rmsNorm", "sum", "mean", "cumsum", "averagePool1d", "normalized", "cumprod", "prod") else one
            if op in cut:
                ins = (f"{op}/{name}", calm[1][:, :cut[op]].contiguous())
            table.add(op, fn, [ins], ulps=ulps, eps=eps, grad=False, trust=op in ("cumprod", "prod"))
        for correction in (0.0, 1.0):
            table.add("variance", lambda x: x.var(-1, correction=correction), [calm], args=[repr(correction)], ulps=8, eps=32, grad=False)
            table.add("standardDeviation", lambda x: x.std(-1, correction=correction), [calm], args=[repr(correction)], ulps=8, eps=8, grad=False)
        for order in (2.0, 1.0, 0.0, inf, -inf, 3.0):
            table.add("norm", lambda x: torch.linalg.vector_norm(x, order, dim=-1), [calm], args=[repr(order)], ulps=8, eps=8, grad=False)
        numpys = {
            "nanSum": (lambda x: np.nansum(x, -1), 4, 64), "nanMean": (lambda x: np.nanmean(x, -1), 4, 4),
            "nanMax": (lambda x: np.nanmax(x, -1), 0, 1e-9), "nanMin": (lambda x: np.nanmin(x, -1), 0, 1e-9),
        }
        for op, (fn, ulps, eps) in numpys.items():
            table.numpy(op, fn, [calm], ulps=ulps, eps=eps)
        table.numpy("median", lambda x: np.median(x, -1), [one], ulps=1, eps=1e-9)
        table.numpy("diff", lambda x: np.diff(x), [one], args=[1])
        for descending in (False, True):
            found = torch.sort(x, dim=-1, descending=descending, stable=True)
            table.exact("sortedValues", found.values, [one], args=[descending])
            table.exact("argsort", found.indices, [one], args=[descending])
            table.exact("topKValues", found.values[:, :7].contiguous(), [one], args=[7, descending])
            table.exact("topKIndices", found.indices[:, :7].contiguous(), [one], args=[7, descending])
        targets = (f"targets/{len(x)}", torch.full((len(x),), 40))
        table.add("crossEntropy", lambda x, t: F.cross_entropy(x, t, reduction="none"), [one, targets], ulps=4, eps=4, grad=False)
        table.add("smoothedCrossEntropy", lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.1), [one, targets], ulps=8, eps=8,
                  grad=False)
    table.write()


if __name__ == "__main__":
    reduced()
