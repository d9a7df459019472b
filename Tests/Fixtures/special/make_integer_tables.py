"""Makes the table of arithmetic, comparisons and sums of the integer types that `integers.json` has not: `python make_integer_tables.py` with torch and
numpy. Answers are NumPy's, which wrap around; means and norms are exact and rounded once, quotients are float64's, rounded."""
from fractions import Fraction

import numpy as np

from make_number_tables import ends
from make_tables import INTEGERS, ONE, inf, of_rows, power, root_of_squares, whole_numbers
from packed_table import PackedTable


def integers():
    table = PackedTable("other_integers")
    add = lambda op, value, ins, args=(): table.exact(op, value, ins, args=args)
    np.seterr(all="ignore")
    for name in ("int8", "int16", "uint16", "uint32", "uint64"):
        x = ends(name)
        one, pair = [("x/" + name, x)], [("a/" + name, np.repeat(x, len(x))), ("b/" + name, np.tile(x, len(x)))]
        a, b = pair[0][1], pair[1][1]
        for op, fn in INTEGERS.items():
            add(op, fn(a, b), pair)
        for op, fn in (ONE | {"sign": np.sign, "negate": np.negative, "square": np.square}).items():
            add(op, fn(x), one)
        for op, fn in {"floorDivided": np.floor_divide, "remainder": np.remainder, "pow": power}.items():
            add(op, fn(a, b), pair)
        add("divide", (a.astype(np.float64) / b.astype(np.float64)).astype(np.float32), pair)
        whole_numbers(add, name, x)
        rows = np.stack([np.roll(x, i)[:5] for i in range(len(x))])
        each = [("rows/" + name, rows)]
        # Sums are int64, of uint64 they are uint64.
        wide = rows.astype(np.uint64 if name == "uint64" else np.int64)
        for op in ("sum", "prod", "cumsum", "cumprod"):
            add(op, getattr(wide, op)(-1), each)
        for op in ("max", "min", "argmax", "argmin", "any", "all"):
            add(op, getattr(rows, op)(-1), each)
        add("countNonZero", (rows != 0).sum(-1), each)
        add("mean", of_rows(rows, lambda row: Fraction(sum(row), len(row))), each)
        for order, fn in ((2, root_of_squares), (1, lambda row: sum(map(abs, row))), (inf, lambda row: max(map(abs, row)))):
            add("norm", of_rows(rows, fn), each, [order])
    table.write()


if __name__ == "__main__":
    integers()
