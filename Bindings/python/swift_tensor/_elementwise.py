"""Functions of elements, and the operators that are made of them."""
from . import _dtypes as dt
from ._array import Array, apply, converted, paired, scalar, is_number

_UNARY = {
    "abs": "The magnitudes.", "acos": "The angles whose cosines they are.", "acosh": "The inverse of cosh.",
    "asin": "The angles whose sines they are.", "asinh": "The inverse of sinh.", "atan": "The angles whose tangents they are.",
    "atanh": "The inverse of tanh.", "bitwise_invert": "The bits turned over.", "ceil": "The next whole numbers above.",
    "cos": "The cosines.", "cosh": "The hyperbolic cosines.", "exp": "The exponentials.", "expm1": "e^x − 1.",
    "floor": "The next whole numbers below.", "isfinite": "Where numbers are finite.", "isinf": "Where numbers are infinite.",
    "isnan": "Where there are no numbers.", "log": "The natural logarithms.", "log10": "The logarithms to base 10.",
    "log1p": "ln(1 + x).", "log2": "The logarithms to base 2.", "logical_not": "Where elements are zero.",
    "negative": "The negatives.", "positive": "The elements as they are.", "reciprocal": "1 / x.",
    "round": "The nearest whole numbers, even ones of two.", "sign": "The signs.", "signbit": "Where the bit of the sign is set.",
    "sin": "The sines.", "sinh": "The hyperbolic sines.", "sqrt": "The square roots.", "square": "The squares.",
    "tan": "The tangents.", "tanh": "The hyperbolic tangents.", "trunc": "The whole parts.",
}
_BINARY = {
    "add": "The sums.", "atan2": "The angles of points.", "bitwise_and": "The bits that both have.",
    "bitwise_left_shift": "The bits moved up.", "bitwise_or": "The bits that one has.", "bitwise_right_shift": "The bits moved down.",
    "bitwise_xor": "The bits that differ.", "copysign": "Magnitudes with signs of others.", "divide": "The quotients.",
    "equal": "Where elements are equal.", "floor_divide": "The quotients' next whole numbers below.", "greater": "Where it is greater.",
    "greater_equal": "Where it is not less.", "hypot": "The lengths of vectors.", "less": "Where it is less.",
    "less_equal": "Where it is not greater.", "logaddexp": "ln(e^x + e^y).", "logical_and": "Where both are not zero.",
    "logical_or": "Where one is not zero.", "logical_xor": "Where one alone is zero.", "maximum": "The larger ones.",
    "minimum": "The smaller ones.", "multiply": "The products.", "nextafter": "The next numbers of the type.",
    "not_equal": "Where elements differ.", "pow": "The powers.", "remainder": "What divisions leave.", "subtract": "The differences.",
}
_SAME_FOR_INTEGERS = {"ceil", "floor", "round", "trunc"}

__all__ = [*_UNARY, *_BINARY, "clip", "conj", "imag", "real"]


def _unary(name, text):
    def function(x, /):
        # Whole numbers stay what they are.
        if name in _SAME_FOR_INTEGERS and dt.is_integer(x.dtype):
            return apply("positive", x)
        return apply(name, x)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


def _binary(name, text):
    def function(x1, x2, /):
        return apply(name, *paired(x1, x2))
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


for _name, _text in _UNARY.items():
    globals()[_name] = _unary(_name, _text)
for _name, _text in _BINARY.items():
    globals()[_name] = _binary(_name, _text)


def conj(x, /):
    """The conjugates."""
    return apply("conj", x)


def real(x, /):
    """The real parts."""
    return apply("real", x) if dt.is_complex(x.dtype) else x


def imag(x, /):
    """The imaginary parts of complex numbers."""
    if not dt.is_complex(x.dtype):
        raise TypeError(f"{x.dtype!r} has no imaginary parts")
    return apply("imag", x)


def clip(x, /, min=None, max=None):
    """The elements limited from below and from above."""
    result = x
    for bound, name in ((min, "maximum"), (max, "minimum")):
        if bound is not None:
            result = apply(name, *paired(result, bound))
    return result if result is not x else apply("copy", x)


def where(condition, x1, x2, /):
    """The elements of one array where a condition is true, of another one elsewhere."""
    if is_number(x1) and is_number(x2):
        dtype = dt.with_scalar(dt.of_scalar(x1), x2) if dt.of_scalar(x1).code >= dt.of_scalar(x2).code else dt.of_scalar(x2)
        x1, x2 = scalar(x1, dtype), scalar(x2, dtype)
    return apply("where", condition, *paired(x1, x2))


def _operand(value):
    return isinstance(value, Array) or is_number(value)


def _operator(name, reflected=False):
    def method(self, other, /):
        if not _operand(other):
            return NotImplemented
        return apply(name, *(paired(other, self) if reflected else paired(self, other)))
    return method


def _in_place(name):
    def method(self, other, /):
        if not _operand(other):
            return NotImplemented
        result = apply(name, *paired(self, other))
        if result.dtype is not self.dtype or result.shape != self.shape:
            raise TypeError(f"{result.dtype!r} {result.shape} does not go into {self.dtype!r} {self.shape}")
        self._handle = result._handle
        return self
    return method


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
_COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}


def _matmul(self, other, /):
    return apply("matmul", *paired(self, other)) if isinstance(other, Array) else NotImplemented


def _matmul_in_place(self, other, /):
    return _in_place("matmul")(self, other) if isinstance(other, Array) else NotImplemented


def _install():
    methods = {}
    for short, name in _OPERATORS.items():
        methods[f"__{short}__"] = _operator(name)
        methods[f"__r{short}__"] = _operator(name, reflected=True)
        methods[f"__i{short}__"] = _in_place(name)
    for short, name in _COMPARISONS.items():
        methods[f"__{short}__"] = _operator(name)
    methods["__matmul__"] = _matmul
    methods["__rmatmul__"] = lambda self, other, /: _matmul(other, self) if isinstance(other, Array) else NotImplemented
    methods["__imatmul__"] = _matmul_in_place
    for short, name in {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}.items():
        methods[f"__{short}__"] = _unary(name, _UNARY[name])
    for name, method in methods.items():
        method.__name__ = name
        method.__qualname__ = f"Array.{name}"
        setattr(Array, name, method)
    # Equality is element by element, so that there is no hash that goes with it.
    Array.__hash__ = None


_install()
