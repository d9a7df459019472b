"""Makes the npy and npz files of this folder with NumPy: `python make_fixtures.py`."""

import numpy as np
from numpy.lib import format

values = np.arange(6).reshape(2, 3)
for name in ["?", "u1", "i1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"]:
    label = {"?": "b1"}.get(name, name)
    np.save(f"{label}.npy", (values - (0 if name in "?u1u2u4u8" else 2)).astype(name))
np.save("big_f4.npy", (values / 4).astype(">f4"))
np.save("big_i8.npy", (values - 2).astype(">i8"))
np.save("fortran.npy", np.asfortranarray(np.arange(24, dtype="f8").reshape(2, 3, 4)))
np.save("fortran_big.npy", np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)))
np.save("scalar.npy", np.float32(2.5))
np.save("empty.npy", np.zeros((0, 3), "f4"))
np.save("one.npy", np.array([7], "i4"))
for version in [(2, 0), (3, 0)]:
    with open(f"version{version[0]}.npy", "wb") as f:
        format.write_array(f, values.astype("f4"), version=version)
np.save("complex.npy", np.zeros(2, "c8"))
np.save("record.npy", np.zeros(2, [("a", "i4"), ("b", "f4")]))
np.save("text.npy", np.array(["a", "bc"]))
np.save("object.npy", np.array([None, 1], dtype=object), allow_pickle=True)
arrays = {"x": values.astype("f4"), "nested/name": np.asfortranarray(values.astype("f8")), "ß": np.array(True)}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", zeros=np.zeros((200, 100), "f4"), **arrays)
