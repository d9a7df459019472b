"""Makes the tables of special values of complex numbers beside it: `python make_complex_tables.py` with torch, numpy and mpmath.

A complex tensor is stored as a real one with a last axis of two. Expected values are NumPy's, of complex64 those of complex128 rounded once, but of
quotients and means, whose steps may leave the type.
Where they are not the array API's (`expm1`, `log1p` and `tanh` of numbers with infinite parts), or have lost digits, what counts says the
function beside the name. The signs of zeros in quotients are left open.
"""
import math

import mpmath
import numpy as np

from packed_table import PackedTable, tensor

inf, nan = math.inf, math.nan
PARTS = {"float32": np.complex64, "float64": np.complex128}


def parts(z):
    """Real and imaginary parts along a new last axis."""
    z = np.asarray(z)
    return np.stack([z.real, z.imag], -1) if np.iscomplexobj(z) else z


def specials(name):
    info = np.finfo(name)
    reals = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, inf, -inf, nan, float(info.smallest_subnormal), -float(info.tiny), float(info.max), 30.0, -800.0, 1e-3]
    a, b = np.meshgrid(np.array(reals, name), np.array(reals, name), indexing="ij")
    z = np.empty(a.size, PARTS[name])
    z.real, z.imag = a.reshape(-1), b.reshape(-1)
    return z


def run(fn, name, *z):
    """The value in double precision rounded to the type."""
    with np.errstate(all="ignore"):
        found = parts(fn(*[v.astype(np.complex128) if np.iscomplexobj(v) else v.astype(np.float64) for v in z]))
        return found if found.dtype == bool else found.astype(name)


def joined(re, im):
    z = np.empty(np.shape(re), np.complex128)
    z.real, z.imag = re, im
    return z


def exactly(fn):
    """A function of finite numbers to 60 digits; zeros keep their signs."""
    def value(z):
        with mpmath.workdps(60):
            w = fn(mpmath.mpc(z.real, z.imag))
            return complex(w.real, w.imag)
    return value


def expm1(z):
    """e^z − 1 as the array API has it: of −0 it is +0, and a real number stays one at infinity."""
    out = np.exp(z) - 1
    for i, v in enumerate(z):
        if np.isfinite(v):
            w = exactly(lambda t: mpmath.expm1(t))(v)
            out[i] = complex(0.0 if v == 0 else w.real, v.imag if v.imag == 0 else w.imag)
        elif np.isinf(v.real) and v.imag == 0:
            out[i] = complex(np.expm1(v.real), v.imag)
    return joined(out.real, out.imag)


def log1p(z):
    out = np.log(joined(1 + z.real, z.imag))
    for i, v in enumerate(z):
        if np.isfinite(v) and v != -1:
            with mpmath.workdps(700):
                size = float(mpmath.log(abs(1 + mpmath.mpc(v.real, v.imag))))
            out[i] = complex(v.real if size == 0 and v.real == 0 else size, math.atan2(v.imag, 1 + v.real))
    return out


def tanh(z):
    """At an infinite real part the zero has the sign of the imaginary part, as the array API has it."""
    out = np.tanh(z)
    end = np.isinf(z.real) & np.isfinite(z.imag)
    return np.where(end, joined(np.copysign(1, z.real), np.copysign(0, z.imag)), out)


def sign(z):
    """NumPy's, where the magnitude is not beyond the type and has all of its digits."""
    size = np.maximum(np.abs(z.real), np.abs(z.imag))
    scale = np.where(np.isfinite(size) & (size > 1e300), 0.25, np.where(size < 1e-300, 2.0**200, 1))
    return np.sign(joined(z.real * scale, z.imag * scale))


def quotient(a, b):
    """NumPy's, of quarters where sums of the divisor's parts leave the type; where other steps do and the result does not, the exact one."""
    huge = np.isfinite(b) & (np.maximum(np.abs(b.real), np.abs(b.imag)) > np.finfo(b.real.dtype).max / 4)
    share = np.where(huge, 0.25, 1).astype(b.real.dtype)
    first, second = joined(a.real * share, a.imag * share), joined(b.real * share, b.imag * share)
    out = np.asarray(first.astype(b.dtype) / second.astype(b.dtype))
    for i, (v, w) in enumerate(zip(np.broadcast_to(a, out.shape), b)):
        if np.isfinite(v) and np.isfinite(w) and w != 0 and not np.isfinite(out[i]):
            exact = exactly(lambda t: t / mpmath.mpc(float(w.real), float(w.imag)))(complex(v))
            out.real[i], out.imag[i] = exact.real, exact.imag
    return out


def product(a, b):
    """Four products, rounded each; NumPy fuses them or not by the processor."""
    return joined(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


ONE = {
    "complexNegate": (lambda z: -z, 0), "complexConjugate": (np.conj, 0), "complexAbs": (np.abs, 2), "complexAngle": (np.angle, 2),
    "complexExp": (np.exp, 4), "complexExpm1": (expm1, 4), "complexLog": (np.log, 4), "complexLog1p": (log1p, 4), "complexLog2": (np.log2, 4),
    "complexLog10": (np.log10, 4), "complexSqrt": (np.sqrt, 4), "complexSin": (np.sin, 4), "complexCos": (np.cos, 4), "complexTan": (np.tan, 4),
    "complexSinh": (np.sinh, 4), "complexCosh": (np.cosh, 4), "complexTanh": (tanh, 4), "complexAsin": (np.arcsin, 4), "complexAcos": (np.arccos, 4),
    "complexAtan": (np.arctan, 4), "complexAsinh": (np.arcsinh, 4), "complexAcosh": (np.arccosh, 4), "complexAtanh": (np.arctanh, 4),
    "complexSign": (sign, 4), "complexReciprocal": (lambda z: 1 / z, 4), "complexIsFinite": (np.isfinite, 0),
}
TWO = {
    "complexAdd": (np.add, 0), "complexSubtract": (np.subtract, 0), "complexMultiply": (product, 4), "complexDivide": (np.divide, 4),
    "complexEqual": (np.equal, 0), "complexNotEqual": (np.not_equal, 0),
}


def complexes():
    for name in PARTS:
        table = PackedTable("complex_" + name)
        z = specials(name)
        one = ("z/" + name, parts(z))
        for op, (fn, ulps) in ONE.items():
            value = parts(quotient(np.ones(1, z.dtype), z)) if op == "complexReciprocal" else run(fn, name, z)
            table.exact(op, value, [one], ulps=ulps, eps=1e-9 if op in ("complexLog", "complexLog2", "complexLog10", "complexReciprocal", "complexExpm1", "complexLog1p") else 0)
        few = z[[0, 1, 2, 16, 32, 47, 64, 70, 90, 91, 105, 112, 113, 120, 139, 143, 176, 181, 182, 189, 205, 221, 84, 140, 6]]
        a, b = np.repeat(few, len(few)), np.tile(few, len(few))
        for op, (fn, ulps) in TWO.items():
            value = parts(quotient(a, b)) if op == "complexDivide" else run(fn, name, a, b)
            if op == "complexMultiply":
                # Products and sums in the type itself.
                value = np.stack([a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real], -1)
            table.exact(op, value, [("a/" + name, parts(a)), ("b/" + name, parts(b))], ulps=ulps, eps=1e-9 if op == "complexDivide" else 0)
        # To the power of zero every number is one, and zero to that of a positive number is zero.
        zero, w = np.zeros_like(z), np.array([0.0, 2.0, 0.5 + 1j, -1.0], z.dtype)
        table.exact("complexPow", parts(np.power(z, zero)), [("z/" + name, parts(z)), ("zeros/" + name, parts(zero))])
        table.exact("complexPow", parts(np.power(zero[:4], w)), [("base/" + name, parts(zero[:4])), ("exponent/" + name, parts(w))])
        real = np.array([0.0, -0.0, 1.0, -2.5, inf, nan, np.finfo(name).max], name)
        a, r = np.repeat(few, len(real)), np.tile(real, len(few))
        pair = [("real a/" + name, parts(a)), ("real b/" + name, r)]
        with np.errstate(all="ignore"):
            table.exact("complexTimesReal", np.stack([a.real * r, a.imag * r], -1), pair)
            table.exact("complexByReal", np.stack([a.real / r, a.imag / r], -1), pair)
            table.exact("complexPlusReal", np.stack([a.real + r, a.imag], -1), pair)
            table.exact("complexMinusReal", np.stack([a.real - r, a.imag], -1), pair)
        rows = z.reshape(15, 15)
        rows = np.concatenate([rows, rows.T])[:, :5]
        table.exact("complexSum", parts(np.sum(rows, -1)), [("rows/" + name, parts(rows))], ulps=4, eps=4)
        table.exact("complexMean", np.stack([np.mean(rows.real, -1), np.mean(rows.imag, -1)], -1), [("rows/" + name, parts(rows))], ulps=4, eps=4)
        table.write()


if __name__ == "__main__":
    np.seterr(all="ignore")
    complexes()
