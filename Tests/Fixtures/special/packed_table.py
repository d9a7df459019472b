"""Tables of special values with NumPy's answers, stored as zlib streams of the same JSON as those of `make_tables.py`."""
import json
import os
import zlib

import numpy as np
import torch

from make_tables import Table, here

# Types that the package may not have yet: tests leave them out by a list of their own.
INTEGERS = ["uint8", "int32", "int64", "int8", "int16", "uint16", "uint32", "uint64"]


def numbers(fn):
    """A function of NumPy's arrays as one of tensors."""
    def value(*tensors):
        with np.errstate(all="ignore"):
            found = fn(*[x.detach().numpy() for x in tensors])
        return torch.from_numpy(np.ascontiguousarray(found).reshape(np.shape(found)))
    return value


class PackedTable(Table):
    def exact(self, op, value, ins, args=(), ulps=0, eps=0):
        """A row whose expected value is this one, in its type; of the float types' epsilon."""
        value, ins = tensor(value), [(key, tensor(x)) for key, x in ins]
        from make_tables import bits
        self.cases.append({"op": op, "args": [repr(float(a)) for a in args], "in": [self.put(key, x) for key, x in ins], "shape": list(value.shape),
                           "type": str(value.dtype)[6:], "out": {"bits": bits(value), "ulps": ulps, "eps": eps}})

    def numpy(self, op, fn, ins, args=(), ulps=0, eps=0, **options):
        """A row of NumPy's function, computed in float64 and in the type, which for half precision is float32."""
        self.add(op, numbers(fn), ins, args=[repr(float(a)) for a in args], ulps=ulps, eps=eps, grad=False, **options)

    def write(self):
        text = '{"inputs": {\n' + ",\n".join(json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in self.inputs.items())
        text += '\n}, "cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in self.cases) + "\n]}\n"
        packed = zlib.compress(text.encode(), 9)
        with open(os.path.join(here, self.name + ".json.zlib"), "wb") as f:
            f.write(packed)
        print(self.name, len(self.cases), len(text), len(packed))


def tensor(x):
    return x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x))
