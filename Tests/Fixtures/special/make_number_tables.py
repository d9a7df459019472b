"""Makes the tables of integers' array functions and of conversions beside it: `python make_number_tables.py` with torch and numpy.

Integers are NumPy's, which wrap around; means, deviations and distances are computed exactly, by fractions and square roots of whole
numbers, and rounded once. Conversions are computed exactly and rounded to nearest even; what a type does not hold saturates, NaN is 0 and
true, and between integers the low bits stay, as the documentation of `DType` has it.
"""
import math
from fractions import Fraction

import numpy as np
import torch

from make_tables import FLOATS, TYPE, nearest, of_rows, specials
from packed_table import INTEGERS, PackedTable, tensor

inf, nan = math.inf, math.nan
METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]


def ends(name):
    """The ends of a type, what Float and Double do not hold, and numbers around zero."""
    if name == "bool":
        return np.array([False, True])
    info = np.iinfo(name)
    values = [info.min, info.min + 1, info.max // 2, info.max // 2 + 1, info.max - 1, info.max, 0, 1, 2, 3, 7, 100]
    if info.min < 0:
        values += [-1, -2, -3, -7, info.min // 2]
    values += [v for v in (2**24 + 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**31, -(2**31) - 1) if info.min <= v <= info.max]
    return np.array(list(dict.fromkeys(values)), dtype=name)


def root(value):
    """The square root of a fraction to 80 more binary digits."""
    return Fraction(math.isqrt((value.numerator << 160) // value.denominator), 1 << 80)


def variance(row, correction):
    mean = Fraction(sum(row), len(row))
    return sum((v - mean) ** 2 for v in row) / (len(row) - correction)


def numbers_beside(table, name, x, key):
    """Operations with a Swift `Int` at the ends of the type, which comes as an int64 without axes."""
    info = np.iinfo(name)
    inside = [v for v in (info.min, info.max, info.max - 1, 2**53 + 1, 0, 1) if info.min <= v <= info.max and v < 2**63]
    for n in inside:
        number, beside = x.dtype.type(n), (f"number/{n}", np.array(n, dtype=np.int64))
        add = lambda op, value: table.exact(op, value, [key, beside])
        add("addInt", x + number)
        add("minusInt", x - number)
        add("intMinus", number - x)
        add("multiplyInt", x * number)
        add("floorDividedInt", x // number)
        add("remainderInt", np.where(number == 0, 0, x % number).astype(name))
        add("intRemainder", np.where(x == 0, 0, number % x).astype(name))
        add("maximumInt", np.maximum(x, number))
        add("minimumInt", np.minimum(x, number))
        add("clampedToInt", np.minimum(x, number))
        add("selectInt", np.where(x > 3, x, number))
        add("intSelect", np.where(x > 3, number, x))
        add("maskedFillInt", np.where(x > 3, number, x))
        add("fullInt", np.full(x.shape, number, dtype=name))
        add("assignedInt", np.where(x > 3, number, x))
    exact = x.astype(object)
    for n in {info.min, info.max, info.min - 1, info.max + 1, 2**53, 2**53 + 1, -1, 2**63 - 1, -(2**63)}:
        if not -(2**63) <= n < 2**63:
            continue
        beside = (f"number/{n}", np.array(n, dtype=np.int64))
        for op, value in {"equalInt": exact == n, "lessInt": exact < n, "greaterInt": exact > n, "intLess": n < exact, "intGreater": n > exact}.items():
            table.exact(op, value.astype(bool), [key, beside])


def integers():
    table = PackedTable("array_integers")
    np.seterr(all="ignore")
    for name in INTEGERS + ["bool"]:
        x = ends(name)
        key, isBool = ("x/" + name, x), name == "bool"
        a, b = ("a/" + name, np.repeat(x, len(x))), ("b/" + name, np.tile(x, len(x)))
        for op, fn in {"bitwiseAnd": np.bitwise_and, "bitwiseOr": np.bitwise_or, "bitwiseXor": np.bitwise_xor}.items():
            table.exact(op, fn(a[1], b[1]), [a, b])
        table.exact("bitwiseNot", np.invert(x), [key])
        if not isBool:
            places = ("places/" + name, np.array([0, 1, 3, 7, 8, 31, 32, 63, 64, 100] + ([-1] if np.iinfo(name).min < 0 else []), dtype=name))
            pair = [("shifted/" + name, np.repeat(x, len(places[1]))), ("byPlaces/" + name, np.tile(places[1], len(x)))]
            table.exact("bitwiseLeftShift", np.left_shift(pair[0][1], pair[1][1]), pair)
            table.exact("bitwiseRightShift", np.right_shift(pair[0][1], pair[1][1]), pair)
            numbers_beside(table, name, x, key)
        table.exact("positive", x, [key])
        table.exact("trunc", x, [key])
        table.exact("signBit", x < 0, [key])
        table.exact("isPositiveInfinity", np.zeros(x.shape, bool), [key])
        table.exact("isNegativeInfinity", np.zeros(x.shape, bool), [key])

        width = 2 if isBool else 5
        r = np.stack([np.roll(x, i)[:width] for i in range(len(x))])
        one, wide = ("rows/" + name, r), r.astype(object)
        # Sums are int64, of uint64 its bits.
        table.exact("nanSum", r.astype(np.int64).sum(-1), [one])
        table.exact("nanMax", r.max(-1), [one])
        table.exact("nanMin", r.min(-1), [one])
        table.exact("nanMean", of_rows(r, lambda row: Fraction(sum(row), len(row))), [one])
        table.exact("trace", np.trace(r[:width].astype(np.int64)), [("square/" + name, r[:width])])
        for correction in (0, 1):
            table.exact("variance", of_rows(r, lambda row: variance(row, correction)), [one], args=[correction], ulps=4)
            table.exact("standardDeviation", of_rows(r, lambda row: root(variance(row, correction))), [one], args=[correction], ulps=4)
        table.exact("diff", np.diff(r), [one], args=[1])
        table.exact("diff", np.diff(r, 2) if width > 2 else np.zeros((len(r), 0), r.dtype), [one], args=[2])
        long = ("long/" + name, np.tile(x, 12)[: len(x) * 12 - 1][None])
        for each in (one, long):
            values = np.sort(each[1], axis=-1)
            for descending in (0, 1):
                # Equal ones in their order, from either side.
                keys = each[1].astype(object)
                order = np.argsort(-keys if descending else keys, axis=-1, kind="stable")
                table.exact("argsort", order, [each], args=[descending])
                table.exact("sortedValues", values[:, ::-1] if descending else values, [each], args=[descending])
                table.exact("topKIndices", order[:, :2], [each], args=[2, descending])
                table.exact("topKValues", np.take_along_axis(each[1], order, -1)[:, :2], [each], args=[2, descending])
        values, inverse, counts = np.unique(r, return_inverse=True, return_counts=True)
        table.exact("uniqueValues", values, [one])
        table.exact("uniqueInverse", inverse.reshape(r.shape), [one])
        table.exact("uniqueCounts", counts, [one])
        some = ("some/" + name, x[::2])
        table.exact("isIn", np.isin(x, x[::2]), [key, some])
        ordered = ("sorted/" + name, np.sort(x[::2]))
        for side, text in enumerate(("left", "right")):
            table.exact("searchSorted", np.searchsorted(ordered[1], x, text), [ordered, key], args=[side])
        if not isBool:
            edges = ("edges/" + name, np.sort(x[1::2]))
            lists = sorted(int(v) for v in edges[1])
            bins = [sum(lo <= int(v) and (int(v) < hi or (int(v) == hi and hi == lists[-1])) for v in r.reshape(-1)) for lo, hi in zip(lists, lists[1:])]
            table.exact("histogramOfEdges", np.array(bins, np.int64), [one, edges])
        for fraction in (0.0, 0.3, 0.5, 1.0):
            for number, method in enumerate(METHODS):
                position = Fraction(fraction).limit_denominator(100) * (width - 1)
                low = math.floor(position)
                high, weight = min(low + 1, width - 1), position - low
                s = np.sort(r, axis=-1)
                if method in ("lower", "higher", "nearest"):
                    place = {"lower": low, "higher": high if weight else low, "nearest": round(position)}[method]
                    table.exact("quantile", s[:, place], [one], args=[fraction, number])
                else:
                    share = weight if method == "linear" else Fraction(1, 2) if weight else Fraction(0)
                    table.exact("quantile", of_rows(s, lambda row: row[low] + (row[high] - row[low]) * share), [one], args=[fraction, number], ulps=1, eps=1)
        middle = np.sort(r, axis=-1)
        table.exact("median", of_rows(middle, lambda row: Fraction(row[(width - 1) // 2] + row[width // 2], 2)), [one], ulps=1)

        turned = ("turned/" + name, np.roll(r, 3, 0))
        own = (lambda v: v != 0) if isBool else (lambda v: v.astype(name))
        wrapped = lambda v: own(np.vectorize(lambda t: int(t) % 2**64, otypes=[np.uint64])(v)) if not isBool else v.astype(bool)
        other = turned[1].astype(object)
        products = np.array([[int(p) * int(q) for p, q in zip(s, t)] for s, t in zip(wide, other)], dtype=object)
        table.exact("vecdot", wrapped(products.sum(-1)), [one, turned])
        square = np.array([[int(p) * int(q) for q in x.astype(object)] for p in x.astype(object)], dtype=object)
        for op in ("outer", "kron", "matmulOfOne", "einsumOuter", "tensordotOuter"):
            table.exact(op, wrapped(square), [key, key])
        full = np.array([[sum(int(p) * int(q) for p, q in zip(s, t)) for t in other] for s in wide], dtype=object)
        table.exact("matmulTransposed", wrapped(full), [one, turned])
        if not isBool:
            three = [("three/" + name, np.ascontiguousarray(r[:, :3])), ("threeTurned/" + name, np.ascontiguousarray(np.roll(r, 3, 0)[:, :3]))]
            u, v = three[0][1], three[1][1]
            table.exact("cross", np.stack([u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1], u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2],
                                           u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]], -1), three)
            few = ("few/" + name, r[:6])
            lists = [[int(v) for v in row] for row in r[:6]]
            for order in (1, 2, inf):
                def distance(s, t):
                    d = [abs(p - q) for p, q in zip(s, t)]
                    return Fraction(sum(d)) if order == 1 else Fraction(max(d)) if order == inf else root(Fraction(sum(v * v for v in d)))
                table.exact("cdist", np.array([[nearest(distance(s, t)) for t in lists] for s in lists], np.float32), [few, few], args=[order], ulps=1)
            total = r.sum(0, dtype=r.dtype)
            table.exact("scatterAdded", total, [one])
            table.exact("indexAdded", total, [one])
        pictures = ("pictures/" + name, np.ascontiguousarray(np.resize(r, (len(x), 1, 2, 2))))
        table.exact("maxPool2d", pictures[1].max((2, 3), keepdims=True), [pictures])
        table.exact("adaptiveMaxPool2d", pictures[1].max((2, 3), keepdims=True), [pictures])
        volumes = ("volumes/" + name, pictures[1][..., None])
        table.exact("maxPool3d", volumes[1].max((2, 3, 4), keepdims=True), [volumes])
        table.exact("maxPool1d", np.maximum(r[:, 1:], r[:, :-1]), [one])
        counted = ("counted", np.array([0, 2, 2, 1, 0], np.int64))
        if not isBool:
            weights = ("weights/" + name, x[:5])
            sums = np.zeros(3, np.int64)
            np.add.at(sums, counted[1], x[:5].astype(np.int64))
            table.exact("binCountWeighted", sums, [counted, weights])
        small = ("small/" + name, np.array([0, 1, 1, 0, 1], dtype=name))
        table.exact("binCount", np.bincount(small[1].astype(np.int64), minlength=4), [small], args=[4])
    table.write()


def rounded(value, name):
    """An exact number as the nearest of a floating-point type, ties to even; as float64, which holds it."""
    digits, least, top = {"float16": (11, -24, 15), "bfloat16": (8, -133, 127), "float32": (24, -149, 127), "float64": (53, -1074, 1023)}[name]
    if not isinstance(value, Fraction):
        return value
    if value == 0:
        return 0.0
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - digits + 1, least)
    result = round(size / unit) * unit
    if result >= Fraction(2) ** (top + 1):
        return math.copysign(inf, value)
    return math.copysign(float(result), value)


def conversions():
    """Every type as every other one."""
    table = PackedTable("conversions")
    for source in FLOATS + INTEGERS + ["bool"]:
        if source in FLOATS:
            more = [2.0**31, 2.0**31 - 1, -(2.0**31) - 1, 2.0**63, 2.0**53 + 2, 255.5, 256.0, -0.5, 65519.9, 65520.0, 1 + 2.0**-11, 1 + 2.0**-11 + 2.0**-40,
                    1 + 2.0**-8, 1 + 2.0**-8 + 2.0**-30, 1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-50, 127.0, 128.0, 32767.0, 32768.0, 2.0**-25, 2.0**-134,
                    2.0**-150, 2.0**-25 * (1 + 2.0**-30), 2.0**64, 2.0**32]
            x = torch.cat([specials(TYPE[source]), torch.tensor(more, dtype=torch.float64).to(TYPE[source])])
            reals = [v if math.isnan(v) or math.isinf(v) or v == 0 else Fraction(v) for v in x.double().tolist()]
        else:
            x = ends(source)
            if source not in ("bool", "int8", "uint8"):
                info = np.iinfo(source)
                more = [v for v in (255, 256, 2049, 257, 32768, 65519, 65520, 65535, 65537, 2**24 + 3, 2**31 - 1, 2**32 - 1, 2**53 + 3, -129, -32769) if info.min <= v <= info.max]
                x = np.concatenate([x, np.array(more, dtype=source)])
            reals = [Fraction(int(v)) for v in x]
        for target in FLOATS + INTEGERS + ["bool"]:
            if target in FLOATS:
                value = torch.tensor([rounded(v, target) for v in reals], dtype=torch.float64).to(TYPE[target])
            elif target == "bool":
                value = np.array([v != 0 for v in reals])
            else:
                info = np.iinfo(target)

                def whole(v):
                    if source not in FLOATS:
                        return int(v) % 2 ** info.bits
                    if v != v:
                        return 0
                    cut = int(v) if not math.isinf(v) else (info.max if v > 0 else info.min)
                    return min(max(cut, info.min), info.max) % 2 ** info.bits

                value = np.array([whole(v) for v in reals], dtype=np.uint64).astype("uint" + str(info.bits)).view(target)
            table.exact("to " + target, value, [("x/" + source, x)])
    table.write()


if __name__ == "__main__":
    integers()
    conversions()
