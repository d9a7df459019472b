"""Makes the tables of special values beside it: `python make_tables.py` with torch and numpy.

Expected values are PyTorch's: computed in float64 from the stored inputs and rounded once to the type of the result. Where a run
in the type itself (float32 for half precision) ends in another kind of number (NaN, infinite, zero of another sign), it is that
run that counts: what a type overflows to is part of the answer. `ulps` is the tolerance in units of the last place of the expected
value, `eps` an absolute one in units of the epsilon of the type that is computed in, float32 for half precision; `extra` raises `ulps` for elements where PyTorch's own run in the type is
further off than a fifth of that. Bits are hexadecimal, big-endian, one number after the other.
"""
import json
import math
import os
import warnings

from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
inf, nan = math.inf, math.nan
FLOATS = ["float16", "bfloat16", "float32", "float64"]
TYPE = {name: getattr(torch, name) for name in FLOATS + ["int32", "int64", "uint8", "bool"]}
WORD = {2: np.uint16, 4: np.uint32, 8: np.uint64, 1: np.uint8}
GOUT = [1.0, 0.5, -2.0, 0.25, 3.0]


def words(x):
    x = x.detach().contiguous()
    if x.dtype == torch.bfloat16:
        x = x.view(torch.int16)
    a = x.numpy()
    return a.reshape(-1).view(WORD[a.dtype.itemsize])


def bits(x):
    w = words(x)
    return "".join(f"{int(v):0{2 * w.dtype.itemsize}x}" for v in w)


def kind(x):
    """NaN, infinities, zeros by sign; ordinary numbers are all alike."""
    x = x.double()
    sign = torch.signbit(x)
    k = torch.where(x == 0, torch.where(sign, 1, 2), 0)
    k = torch.where(torch.isinf(x), torch.where(sign, 3, 4), k)
    return torch.where(torch.isnan(x), 5, k)


def ulp(x):
    info = torch.finfo(x.dtype)
    a = x.double().abs().clamp(min=info.tiny, max=info.max)
    return torch.exp2(torch.floor(torch.log2(a))) * info.eps


def expected(exact, plain, dtype, trust=False):
    """The value that counts and how many ulps the plain run is off; `trust` takes the exact run's wherever it is a number."""
    if not exact.is_floating_point():
        return exact, None
    value, plain = exact.to(dtype), plain.to(dtype)
    # An underflow to zero is no other kind than the denormal it replaces; overflow is.
    low = torch.finfo(dtype).tiny
    same = (value.double().abs() < low) & (plain.double().abs() < low) & (torch.signbit(value) == torch.signbit(plain))
    same |= kind(value) == kind(plain)
    if trust:
        same |= ~torch.isnan(value)
    value = torch.where(same, value, plain)
    off = ((value.double() - plain.double()).abs() / ulp(value)).nan_to_num(0, 0, 0)
    return value, off


class Table:
    def __init__(self, name):
        self.name, self.inputs, self.cases = name, {}, []

    def put(self, key, x):
        self.inputs.setdefault(key, {"shape": list(x.shape), "type": str(x.dtype)[6:], "bits": bits(x)})
        return key

    def add(self, op, fn, ins, args=(), ulps=3, eps=0, gulps=5, geps=4, grad=True, override=None, trust=False, skip=()):
        """`fn(*tensors)`; `ins` are (key, tensor) pairs."""
        dtype = next((x.dtype for _, x in ins if x.is_floating_point()), torch.float32)
        compute = dtype if dtype in (torch.float32, torch.float64) else torch.float32
        # Stored in units of the type itself.
        finer = torch.finfo(compute).eps / torch.finfo(dtype).eps
        eps, geps = eps * finer, geps * finer

        def run(type_):
            leaves = [x.detach().to(type_).clone().requires_grad_(grad) if x.is_floating_point() else x for _, x in ins]
            y = fn(*leaves)
            grads = [None] * len(leaves)
            if grad and y.is_floating_point() and y.requires_grad:
                g = torch.tensor([GOUT[i % 5] for i in range(y.numel())], dtype=y.dtype).reshape(y.shape)
                wanted = [i for i, x in enumerate(leaves) if x.requires_grad]
                found = torch.autograd.grad(y, [leaves[i] for i in wanted], g, allow_unused=True)
                for i, x in zip(wanted, found):
                    grads[i] = x
            return y.detach(), grads

        (exact, exact_g), (plain, plain_g) = run(torch.float64), run(compute)
        value, off = expected(exact, plain, dtype, trust)
        if override is not None:
            value = override(value)
        row = {"op": op, "args": list(args), "in": [self.put(k, x) for k, x in ins], "shape": list(value.shape),
               "type": str(value.dtype)[6:], "out": {"bits": bits(value), "ulps": ulps, "eps": eps}}
        extra = self.extra(off, ulps)
        if extra:
            row["out"]["extra"] = extra
        rows = []
        for index, (e, p) in enumerate(zip(exact_g, plain_g)):
            if e is None or index in skip:
                rows.append(None)
                continue
            v, o = expected(e, p, dtype)
            item = {"bits": bits(v), "ulps": gulps, "eps": geps}
            if self.extra(o, gulps):
                item["extra"] = self.extra(o, gulps)
            rows.append(item)
        if any(r is not None for r in rows):
            row["grads"] = rows
        self.cases.append(row)

    @staticmethod
    def extra(off, ulps):
        if off is None:
            return {}
        flat = off.reshape(-1)
        return {str(i): int(5 * v) + 1 for i, v in enumerate(flat.tolist()) if 5 * v > ulps}

    def write(self):
        with open(os.path.join(here, self.name + ".json"), "w") as f:
            f.write('{"inputs": {\n' + ",\n".join(json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in self.inputs.items()))
            f.write('\n}, "cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in self.cases) + "\n]}\n")
        print(self.name, len(self.cases), os.path.getsize(os.path.join(here, self.name + ".json")))


def specials(dtype, few=False):
    info = torch.finfo(dtype)
    smallest = info.smallest_normal * info.eps
    base = [0.0, smallest, info.smallest_normal - smallest, info.smallest_normal, info.max, inf, 1.0, 0.5, 1.5, 3.0]
    if not few:
        base += [2.5, 2.0, 1e-4, 1e-7, 0.25, 0.625, 0.7, 0.93, 4.0, 6.5, 7.5, 9.0, 11.09, 17.0, 20.5, 37.0, 87.4, 88.7, 88.75, 89.5,
                 104.5, 709.5, 710.5, 745.0, 746.0, 1.5707964, 1e4, 1e10, 1e19, 1e30, 1e155]
    values = torch.tensor(base, dtype=torch.float64).to(dtype)
    keep = {int(w): v for w, v in zip(words(values), values)}
    values = torch.stack(list(keep.values()))
    return torch.cat([values, -values, torch.tensor([nan], dtype=dtype)])


SQRT1_2 = 0.7071067811865476
UNARY = {
    "negate": lambda x: -x, "abs": torch.abs, "exp": torch.exp, "expm1": torch.expm1, "log": torch.log, "log1p": torch.log1p,
    "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "logSigmoid": F.logsigmoid, "softplus": lambda x: F.softplus(x, threshold=40), "erf": torch.erf,
    "relu": torch.relu, "silu": F.silu, "gelu": F.gelu, "geluTanh": lambda x: F.gelu(x, approximate="tanh"),
    "quickGELU": lambda x: x * torch.sigmoid(1.702 * x), "leakyReLU": F.leaky_relu, "elu": F.elu, "square": torch.square,
    "sign": torch.sign, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "tan": torch.tan, "asin": torch.asin,
    "acos": torch.acos, "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh, "asinh": torch.asinh, "acosh": torch.acosh,
    "atanh": torch.atanh, "exp2": torch.exp2, "log2": torch.log2, "log10": torch.log10,
    "isNaN": torch.isnan, "isInfinite": torch.isinf, "isFinite": torch.isfinite,
}
EPS = {"logSigmoid": 1e-9, "gelu": 4, "geluTanh": 4, "quickGELU": 2, "silu": 1}
POWERS = [0.0, 0.5, -0.5, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 2.5, -3.0, 7.0, inf, nan]
CLAMPS = [(-1.0, 1.0), (-inf, 0.0), (0.0, inf), (-0.5, 2.5)]


def unary():
    for group in (["float16", "bfloat16"], ["float32"], ["float64"]):
        table = Table("unary_" + "_".join(group))
        for name in group:
            x = specials(TYPE[name])
            ins = [("unary/" + name, x)]
            # Where e^x is beyond the type and cosh x is not, PyTorch's derivatives are infinite.
            calm = [("calm/" + name, x[((x.abs() < 88.7) | (x.abs() > 100)) & ((x.abs() < 709.7) | (x.abs() > 711))])]
            # Where a square or a product inside is infinite, PyTorch multiplies it by zero.
            small = [("small/" + name, x[(x.abs() < 1e9) | torch.isinf(x)])]
            chosen = {"sinh": calm, "cosh": calm, "geluTanh": small, "quickGELU": small}
            for op, fn in UNARY.items():
                override = None
                if op == "gelu":
                    # PyTorch's vector path multiplies infinity by zero where its scalar path does not: gelu(inf) is inf.
                    override = lambda y, x=x: torch.where(x == inf, x, y)
                table.add(op, fn, chosen.get(op, ins), eps=EPS.get(op, 0), override=override, trust=True, geps=64 if name == "float64" else 4)
                if op in chosen:
                    table.add(op, fn, ins, eps=EPS.get(op, 0), trust=True, grad=False)
            for p in POWERS:
                # For -2 PyTorch divides by a square that may be too large; for -0.5 its value and its slope at -0 do not fit.
                exact = (lambda y, x=x: torch.from_numpy(np.power(x.numpy(), -2.0))) if p == -2 and name == "float64" else None
                table.add("powNumber", lambda x, p=p: x.pow(p), ins, args=[repr(p)], override=exact, grad=p != -0.5)
            for low, high in CLAMPS:
                table.add("clamped", lambda x: x.clamp(low, high), ins, args=[repr(low), repr(high)])
            for number in [0.0, 3.0, -0.5, inf]:
                for op, fn in {"addNumber": lambda x: x + number, "multiplyNumber": lambda x: x * number,
                               "divideNumber": lambda x: x / number, "numberDivided": lambda x: torch.full_like(x, number) / x,
                               "numberMinus": lambda x: number - x, "minusNumber": lambda x: x - number}.items():
                    table.add(op, fn, ins, args=[repr(number)])
        table.write()


BINARY = {
    "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "pow": torch.pow, "maximum": torch.maximum,
    "minimum": torch.minimum, "atan2": torch.atan2, "remainder": torch.remainder, "floorDivided": torch.floor_divide,
    "equal": torch.eq, "notEqual": torch.ne, "less": torch.lt, "lessOrEqual": torch.le, "greater": torch.gt,
    "greaterOrEqual": torch.ge, "select": lambda a, b: torch.where(a > 0, a, b), "lerp": lambda a, b: torch.lerp(a, b, 0.25),
    "swiGLU": lambda a, b: F.silu(a) * b,
}


def numpy_of(fn):
    """PyTorch's remainder multiplies back and overflows where NumPy's does not."""
    def value(a, b):
        with np.errstate(all="ignore"):
            wide = np.float64 if a.dtype == torch.float64 else np.float32
            return torch.from_numpy(fn(a.to(torch.float64).numpy().astype(wide), b.to(torch.float64).numpy().astype(wide))).to(a.dtype)
    return value


def binary():
    numpys = {"remainder": numpy_of(np.remainder), "floorDivided": numpy_of(np.floor_divide)}
    for name in FLOATS:
        table = Table("binary_" + name)
        x = specials(TYPE[name], few=True)
        n = len(x)
        a, b = x.repeat_interleave(n), x.repeat(n)
        for op, fn in BINARY.items():
            table.add(op, fn, [("binary/a", a), ("binary/b", b)], grad=op not in ("floorDivided",), eps=1e-9 if op in ("lerp", "remainder") else 0, override=numpys.get(op) and (lambda y, f=numpys[op]: f(a, b)))
        table.write()


def rows(dtype):
    info = torch.finfo(dtype)
    tiny, low, top = info.smallest_normal * info.eps, info.smallest_normal, info.max
    values = [
        [0.5, -1.0, 2.0, 0.25, -3.0], [0.0, -0.0, 0.0, -0.0, 0.0], [-0.0] * 5, [1.0] * 5, [3.0, 3.0, 1.0, 3.0, -2.0],
        [nan, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, nan, 0.0, -1.0], [1.0, 2.0, 3.0, 4.0, nan], [nan] * 5, [inf, 1.0, 2.0, -3.0, 0.0],
        [-inf, 1.0, 2.0, -3.0, 0.0], [inf, -inf, 0.0, 1.0, 2.0], [inf, inf, 1.0, 2.0, 3.0], [-inf] * 5, [inf] * 5, [nan, inf, -inf, 0.0, 1.0],
        [0.0, 0.0, -inf, -inf, -inf], [top, 1.0, 0.0, -1.0, 2.0], [top, top, 0.0, 1.0, 2.0], [-top, -top, -top, -top, 0.0], [top, -top, 0.0, 0.0, 0.0],
        [tiny] * 5, [tiny, -tiny, 0.0, tiny, 3 * tiny], [low, low - tiny, -low, low, 0.0], [tiny, 1.0, -1.0, tiny, 2.0],
        [700.0, 710.0, 690.0, 0.0, 705.0], [88.0, 89.0, -88.0, -89.0, 0.0], [-103.0, -104.0, 0.0, -87.5, -88.5], [-745.0, -746.0, 0.0, -708.0, -709.0],
        [1e4, -1e4, 2e4, 1e4, 0.0], [1e-4, 2e-4, 1e-4, 3e-4, 1e-4], [300.0, 300.0, -300.0, 299.0, 300.0], [0.0, 1.0, 0.0, 2.0, 3.0], [0.0, 1.0, 2.0, 2.0, 3.0],
        [1e19, -2e19, 1e18, 3e19, 0.0], [1e-20, 2e-20, 1e-20, 0.0, 3e-20], [1e155, 1e154, 0.0, 1e153, 0.0], [4096.0, 4097.0, 4096.0, 4098.0, 4096.0],
    ]
    return torch.tensor(values, dtype=torch.float64).to(dtype)


def spread(r):
    """Rows of ordinary numbers that are not all alike, for which every sum loses a few digits at most: tolerances are tight."""
    wide = r.double()
    more = [[2.5, -1.25, 0.75, 4.0, -4.5], [1.0, 2.0, 3.0, 4.0, 5.0], [-3.0, 1.5, 0.125, 2.0, -0.5], [1.75, 1.5, 3.0, 2.0, 0.5]]
    chosen = (torch.isfinite(r) & (wide.abs() <= 5) & ((r == 0) | (wide.abs() > 1e-5))).all(-1) & (wide.std(-1) >= 0.5)
    return torch.cat([r[chosen], torch.tensor(more, dtype=r.dtype)])


ROWS = {
    "sum": lambda x: x.sum(-1), "mean": lambda x: x.mean(-1), "prod": lambda x: x.prod(-1), "max": lambda x: x.amax(-1), "min": lambda x: x.amin(-1),
    "argmax": lambda x: x.argmax(-1), "argmin": lambda x: x.argmin(-1), "logSumExp": lambda x: x.logsumexp(-1),
    "any": lambda x: x.bool().any(-1), "all": lambda x: x.bool().all(-1), "countNonZero": lambda x: torch.count_nonzero(x, -1),
    "cumsum": lambda x: x.cumsum(-1), "cumprod": lambda x: x.cumprod(-1), "logCumSumExp": lambda x: x.logcumsumexp(-1),
    "softmax": lambda x: x.softmax(-1), "logSoftmax": lambda x: x.log_softmax(-1), "layerNorm": lambda x: F.layer_norm(x, (5,)),
    "rmsNorm": lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6), "normalized": lambda x: F.normalize(x, dim=-1),
    "averagePool1d": lambda x: F.avg_pool1d(x[:, None], 2, 1)[:, 0], "maxPool1d": lambda x: F.max_pool1d(x[:, None], 2, 1)[:, 0],
    "sumOfAll": lambda x: x[:5].sum(), "trace": lambda x: x[:5].trace(),
}
ROW_EPS = {"mean": 2, "sum": 2, "logSoftmax": 4, "layerNorm": 256, "cumsum": 1e-9, "averagePool1d": 1e-9, "rmsNorm": 2, "softmax": 2, "logSumExp": 2, "logCumSumExp": 2}


def reductions():
    finite_gradients = {"cumprod", "logCumSumExp", "layerNorm", "rmsNorm", "logSumExp", "normalized", "logSoftmax", "prod"}
    for group in (["float16", "bfloat16"], ["float32"], ["float64"]):
        table = Table("rows_" + "_".join(group))
        for name in group:
            r = rows(TYPE[name])
            ins = [("rows/" + name, r)]
            # Where gradients of sums of squares and of running products are more than the rounding of NaN and infinity.
            calm = ("calm/" + name, r[(torch.isfinite(r) & (r.abs() < 320) & ((r == 0) | (r.abs() > 1e-5))).all(-1)])
            quiet = ("quiet/" + name, r[~(torch.isfinite(r) & (r.double().abs() > 1e18)).any(-1)])
            even = ("spread/" + name, spread(r))
            for op, fn in ROWS.items():
                few = op in finite_gradients
                # Sums of squares of the largest numbers and products of them: PyTorch's type in between decides.
                table.add(op, fn, [quiet] if op in ("layerNorm", "rmsNorm") else ins, ulps=4, eps=ROW_EPS.get(op, 0), gulps=8, geps=8,
                          grad=op != "trace" and not few, trust=op == "prod")
                if few:
                    table.add(op, fn, [calm], ulps=4, eps=ROW_EPS.get(op, 0), gulps=8, geps=4096)
                    table.add(op, fn, [even], ulps=4, eps=8, gulps=8, geps=16)
            for correction in (0.0, 1.0):
                for op, fn in {"variance": lambda x: x.var(-1, correction=correction), "standardDeviation": lambda x: x.std(-1, correction=correction)}.items():
                    # PyTorch's one pass over the row loses digits in float64, where nothing more exact stands behind it.
                    loose = 4096 if name == "float64" else 2
                    # It subtracts infinities, too, where squares of float64 leave the type: that variance is infinite.
                    beyond = lambda y: torch.where(torch.isnan(y) & torch.isfinite(r).all(-1), torch.full_like(y, inf), y)
                    table.add(op, fn, ins, args=[repr(correction)], ulps=4, eps=loose, grad=False, trust=True, override=beyond)
                    table.add(op, fn, [calm], args=[repr(correction)], ulps=4, eps=loose, gulps=8, geps=4096)
                    table.add(op, fn, [even], args=[repr(correction)], ulps=4, eps=2, gulps=8, geps=16)
            for order in (2.0, 1.0, 0.0, inf, -inf, 3.0, 0.5):
                norm = lambda x: torch.linalg.vector_norm(x, order, dim=-1)
                table.add("norm", norm, ins, args=[repr(order)], ulps=8, grad=order in (2.0, 1.0), gulps=8, geps=8, trust=False)
                table.add("norm", norm, [("nonzero/" + name, calm[1][(calm[1].abs() > 1e-3).all(-1)])], args=[repr(order)], ulps=8, gulps=16, geps=64)
        table.write()


LOSSES = {
    "mseLoss": lambda x, y: F.mse_loss(x, y, reduction="none"), "l1Loss": lambda x, y: F.l1_loss(x, y, reduction="none"),
    "smoothL1Loss": lambda x, y: F.smooth_l1_loss(x, y, reduction="none"),
    "klDivergence": lambda x, y: F.kl_div(x, y, reduction="none"),
}


def finite(x):
    return torch.where(x.double().abs() > 1e18, torch.ones_like(x), x)


def bce(x, t):
    # An infinite logit that agrees with its target costs nothing here, and costs its magnitude elsewhere; PyTorch subtracts infinities.
    endless = torch.isinf(x)
    loss = F.binary_cross_entropy_with_logits(torch.where(endless, torch.zeros_like(x), x), t, reduction="none")
    miss = (t - (x > 0).to(t.dtype)).abs()
    wrong = torch.where(endless & (miss > 0), x, torch.zeros_like(x)).abs() * miss
    return torch.where(endless, wrong, loss)


def losses():
    table = Table("losses")
    for name in FLOATS:
        dtype = TYPE[name]
        x = specials(dtype, few=True)
        n = len(x)
        a, b = ("losses/a." + name, x.repeat_interleave(n)), ("losses/b." + name, x.repeat(n))
        for op, fn in LOSSES.items():
            table.add(op, fn, [a, b] if op != "klDivergence" else [a, ("losses/t." + name, finite(x.repeat(n).abs()))], ulps=8, eps=1e-9, skip=(1,) if op == "klDivergence" else ())
        logits = torch.cat([specials(dtype), torch.tensor([100.0, -100.0, 50.0], dtype=dtype)])
        targets = torch.tensor([0.0, 1.0, 0.5], dtype=dtype)
        table.add("binaryCrossEntropy", bce, [("bce/x." + name, logits.repeat_interleave(3)), ("bce/t." + name, targets.repeat(len(logits)))],
                  ulps=4, eps=16, skip=(1,))
        # Without the largest numbers, whose log-sum-exp is the number itself in PyTorch's gradient.
        r = rows(dtype)
        r = r[~(torch.isfinite(r) & (r.double().abs() > 1e18)).any(-1)]
        for target in (0, 2):
            t = torch.full((len(r),), target)
            ins = [("quiet/" + name, r), (f"target/{target}/{len(r)}", t)]
            even = spread(r)
            ordinary = [("spread/" + name, even), (f"target/{target}/{len(even)}", torch.full((len(even),), target))]
            for each, tolerance in ((ins, 4096), (ordinary, 8)):
                table.add("crossEntropy", lambda x, t: F.cross_entropy(x, t, reduction="none"), each, ulps=4, eps=2, geps=tolerance)
                table.add("smoothedCrossEntropy", lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.1), each, ulps=8,
                          eps=8, geps=tolerance)
            table.add("nllLoss", lambda x, t: F.nll_loss(x, t, reduction="none"), ins)
            table.add("nllLossMean", lambda x, t: F.nll_loss(x[:5], t[:5]), ins)
    table.write()


def target_log_probabilities(hidden, weight, targets):
    return (hidden @ weight.T).log_softmax(-1).gather(1, targets[:, None])[:, 0]


def attended(q, k, v, scale, mask=None):
    """Scores, probabilities and sums one after the other; rows that see nothing are zero."""
    scores = q @ k.transpose(-1, -2) * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, -inf)
    p = scores.softmax(-1)
    if mask is not None:
        p = p.masked_fill(~mask.any(-1, keepdim=True), 0)
    return p @ v


def rotated(x):
    """Positions 0 and 1 with a width of two."""
    angle = torch.arange(2, dtype=x.dtype)[:, None, None]
    a, b = x[..., :1], x[..., 1:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def fused():
    table = Table("fused")
    for name in FLOATS:
        dtype = TYPE[name]
        r = rows(dtype)
        count = len(r)
        row = ("rows/" + name, r)
        calm = ("calm/" + name, r[(torch.isfinite(r) & (r.abs() < 320) & ((r == 0) | (r.abs() > 1e-5))).all(-1)])
        quiet = ("quiet/" + name, r[~(torch.isfinite(r) & (r.double().abs() > 1e18)).any(-1)])
        weight = ("weight/" + name, torch.tensor([1.0, -0.5, 2.0, 0.25, 3.0], dtype=dtype))
        bias = ("bias/" + name, torch.tensor([0.5, 1.0, -1.0, 0.0, 2.0], dtype=dtype))
        even = ("spread/" + name, spread(r))
        for each, loose in ((calm, 4096), (even, 16)):
            table.add("layerNormAffine", lambda x, w, b: F.layer_norm(x, (5,), w, b)[:5], [each, weight, bias], ulps=8, eps=16, geps=loose)
            table.add("rmsNormWeighted", lambda x, w: (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * w)[:5], [each, weight],
                      ulps=8, eps=8, geps=loose)
        for each, eps, loose in ((quiet, 256, None), (calm, 256, 4096), (even, 8, 16)):
            table.add("groupNorm", lambda x: F.group_norm(x[:, None], 1)[:, 0], [each], ulps=8, eps=eps, geps=loose or 0, grad=bool(loose))
            table.add("batchNorm", lambda x: F.batch_norm(x.T, None, None, training=True).T, [each], ulps=8, eps=min(eps, 64), geps=loose or 0,
                      grad=bool(loose))
        one = ("ones/" + name, torch.ones(count, 1, 1, 1, dtype=dtype))
        keys = ("keys/" + name, r[:, None, :, None])
        values = ("values/" + name, torch.tensor([1.0, -0.5, 2.0, 0.25, 3.0], dtype=dtype)[None, None, :, None].repeat(count, 1, 1, 1))
        finite_keys = ("finiteKeys/" + name, torch.where(torch.isfinite(r) & (r.abs() < 100), r, torch.ones_like(r))[:, None, :, None])
        for scale in (1.0, 0.5, -1.0, -0.25, 0.0):
            table.add("scaledDotProductAttention", lambda q, k, v: attended(q, k, v, scale), [one, keys if scale else finite_keys, values], args=[repr(scale)],
                      ulps=8, eps=8, grad=False)
        mask = ("mask", torch.tensor([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool).repeat(count, 1)[:count, None, None])
        for scale in (1.0, -1.0):
            table.add("maskedAttention", lambda q, k, v, m: attended(q, k, v, scale, m), [one, finite_keys, values, mask], args=[repr(scale)],
                      ulps=8, eps=8, gulps=16, geps=16)
        hidden = ("hidden/" + name, specials(dtype, few=True)[:, None])
        projection = ("projection/" + name, torch.tensor([[1.0], [2.0], [0.5], [-1.0], [0.25]], dtype=dtype))
        for target in (0, 3):
            t = (f"targets/{target}", torch.full((len(hidden[1]),), target))
            table.add("targetLogProbabilities", target_log_probabilities, [hidden, projection, t], ulps=8, eps=8, geps=16)
        turned = ("turned/" + name, specials(dtype, few=True)[:20].reshape(2, 5, 2))
        table.add("rotary", rotated, [turned], ulps=8, eps=4)
        pictures = ("pictures/" + name, r[:35, :4].reshape(35, 1, 2, 2))
        table.add("maxPool2d", lambda x: F.max_pool2d(x, 2), [pictures])
        table.add("averagePool2d", lambda x: F.avg_pool2d(x, 2), [pictures], eps=1)
        table.add("adaptiveAveragePool2d", lambda x: F.adaptive_avg_pool2d(x, 1), [pictures], eps=1)
        table.add("adaptiveAveragePool1d", lambda x: F.adaptive_avg_pool1d(x[:, None], 2)[:, 0], [row], eps=1)
        table.add("nearest", lambda x: F.interpolate(x, size=(4, 3)), [pictures], eps=1e-9)
    table.write()


INTEGERS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "equal": np.equal, "notEqual": np.not_equal, "less": np.less, "lessOrEqual": np.less_equal, "greater": np.greater,
    "greaterOrEqual": np.greater_equal, "select": lambda a, b: np.where(a > 0, a, b),
}
# Or, exclusive or, and: NumPy has no subtraction of bools.
BOOLS = {"add": np.logical_or, "subtract": np.logical_xor, "multiply": np.logical_and}
ONE = {
    "abs": np.abs, "relu": lambda x: np.where(x > 0, x, x.dtype.type(0)), "floor": lambda x: x, "ceil": lambda x: x, "round": lambda x: x,
    "isNaN": np.isnan, "isInfinite": np.isinf, "isFinite": np.isfinite,
}


def integer_ends(dtype):
    if dtype == torch.bool:
        return np.array([False, True])
    info = torch.iinfo(dtype)
    values = [info.min, info.min + 1, info.max // 2, info.max // 2 + 1, info.max - 1, info.max, 0, 1, 2, 3, 7, 100]
    if info.min < 0:
        values += [-1, -2, -3, -7, info.min // 2]
    if dtype == torch.int64:
        values += [2**53, 2**53 + 1, -(2**53) - 1, 2**31, -(2**31) - 1]
    return np.array(values, dtype=str(dtype)[6:])


def nearest(number):
    """The float32 nearest to a fraction."""
    guess = np.float32(float(number))
    near = [np.nextafter(guess, np.float32(-inf)), guess, np.nextafter(guess, np.float32(inf))]
    return min(near, key=lambda x: (abs(Fraction(float(x)) - number), int(np.array(x).view(np.int32)) & 1))


def of_rows(rows, fn):
    """A fraction of every row of Python's numbers, as the float32 nearest to it."""
    return np.array([nearest(Fraction(fn([int(v) for v in row]))) for row in rows], dtype=np.float32)


def root_of_squares(row):
    """By way of 60 more binary digits."""
    return Fraction(math.isqrt(sum(v * v for v in row) << 120), 1 << 60)


def power(a, b):
    """1 / a^-b is cut to an integer where the exponent is negative, where NumPy has no answer."""
    signs = np.where(b % 2 == 0, 1, -1).astype(a.dtype)
    return np.where(b >= 0, np.power(a, np.maximum(b, 0)), np.where(a == 1, 1, np.where(a == a.dtype.type(0) - 1, signs, 0))).astype(a.dtype)


def whole_numbers(add, name, x):
    """Operations with a Swift integer, which keeps the type and may be beyond it in a comparison alone."""
    ins, info = [("x/" + name, x)], np.iinfo(x.dtype)
    for n in (0, 1, 2, 3, 7, 100) + ((-1, -3) if info.min < 0 else ()):
        number = x.dtype.type(n)
        for op, value in {
            "addWhole": x + number, "minusWhole": x - number, "wholeMinus": number - x, "multiplyWhole": x * number,
            "floorDividedWhole": x // number, "remainderWhole": x % number, "divideWhole": (x / n if n else x / np.float64(0)).astype(np.float32),
            "wholeDivided": (n / x.astype(np.float64)).astype(np.float32), "powWhole": power(x, np.full_like(x, n)),
        }.items():
            add(op, value, ins, [n])
    for low, high in ((0, 100), (3, 2), (info.min, 7), (2, info.max if info.max < 2**53 else 2**53)):
        add("clampedWhole", np.minimum(np.maximum(x, x.dtype.type(low)), x.dtype.type(high)), ins, [low, high])
    exact = x.astype(object)
    compare = {"equal": lambda n: exact == n, "notEqual": lambda n: exact != n, "less": lambda n: exact < n,
               "lessOrEqual": lambda n: exact <= n, "greater": lambda n: exact > n, "greaterOrEqual": lambda n: exact >= n}
    for n in (0, 1, -1, 2, 255, 256, -(2**31), 2**31 - 1, 2**31, 2**53):
        for op, fn in compare.items():
            add(op + "Whole", fn(n).astype(bool), ins, [n])
    for d in (0.5, -0.5, 1.0, 255.5, -(2.0**31) - 0.5, 2.0**53 + 2, 1e19, -1e19, inf, -inf):
        for op in ("less", "greaterOrEqual", "equal"):
            add(op + "Fraction", compare[op](d).astype(bool), ins, [d])


def integers():
    """NumPy's answers: integers wrap around."""
    table = Table("integers")

    def add(op, value, ins, args=()):
        value = torch.from_numpy(np.ascontiguousarray(value))
        table.cases.append({"op": op, "args": [repr(float(a)) for a in args], "in": [table.put(k, torch.from_numpy(np.ascontiguousarray(x))) for k, x in ins],
                            "shape": list(value.shape), "type": str(value.dtype)[6:], "out": {"bits": bits(value), "ulps": 0, "eps": 0}})

    for name in ("int32", "int64", "uint8", "bool"):
        x = integer_ends(TYPE[name])
        a, b = np.repeat(x, len(x)), np.tile(x, len(x))
        pair = [("a/" + name, a), ("b/" + name, b)]
        with np.errstate(all="ignore"):
            for op, fn in INTEGERS.items():
                add(op, (BOOLS.get(op, fn) if name == "bool" else fn)(a, b), pair)
            for op, fn in ONE.items():
                add(op, fn(x), [("x/" + name, x)])
            if name != "bool":
                add("floorDivided", a // b, pair)
                add("remainder", a % b, pair)
                add("divide", (a / b).astype(np.float32), pair)
                add("pow", power(a, b), pair)
                whole_numbers(add, name, x)
                add("sign", np.sign(x), [("x/" + name, x)])
                add("negate", np.negative(x), [("x/" + name, x)])
                add("square", np.square(x), [("x/" + name, x)])
            r = np.stack([np.roll(x, i)[:2] if name == "bool" else np.roll(x, i)[:5] for i in range(len(x))])
            wide = r.astype(np.int64)
            each = [("rows/" + name, r)]
            add("sum", wide.sum(-1), each)
            add("prod", wide.prod(-1), each)
            add("cumsum", wide.cumsum(-1), each)
            add("cumprod", wide.cumprod(-1), each)
            add("max", r.max(-1), each)
            add("min", r.min(-1), each)
            add("argmax", r.argmax(-1), each)
            add("argmin", r.argmin(-1), each)
            add("any", r.any(-1), each)
            add("all", r.all(-1), each)
            add("countNonZero", (r != 0).sum(-1), each)
            add("mean", of_rows(r, lambda row: Fraction(sum(row), len(row))), each)
            add("norm", of_rows(r, root_of_squares), each, [2])
            add("norm", of_rows(r, lambda row: sum(map(abs, row))), each, [1])
            add("norm", of_rows(r, lambda row: max(map(abs, row))), each, [inf])
    table.write()


if __name__ == "__main__":
    unary()
    binary()
    reductions()
    losses()
    fused()
    integers()
