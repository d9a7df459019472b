"""Makes the HDF5 files of this folder with h5py: `python make_fixtures.py`."""

import h5py
import numpy as np

with h5py.File("foreign.h5", "w", track_order=True) as f:
    values = np.arange(600, dtype=np.float32).reshape(20, 30) / 7
    f.create_dataset("compressed", data=values, chunks=(7, 11), compression="gzip", shuffle=True)
    f.create_dataset("big_endian", data=np.array([1, -2, 300], dtype=">i4"))
    f.create_dataset("half", data=np.array([1, -0.5, 65504, np.inf], dtype=np.float16))
    f.create_dataset("flags", data=np.array([True, False, True]))
    f.create_dataset("scalar", data=np.float64(0.1))
    f.create_dataset("empty", data=np.zeros((0, 3), dtype=np.int64))
    f.create_dataset("compound", data=np.zeros(2, dtype=[("a", "i4"), ("b", "f4")]))
    f.create_dataset("null", data=h5py.Empty("f4"))
    f.create_dataset("words", data=["a", "b"], dtype=h5py.string_dtype())
    f["soft"] = h5py.SoftLink("/compressed")
    f["external"] = h5py.ExternalLink("other.h5", "/x")
    f.attrs["text"] = "grüße"
    f.attrs["fixed"] = np.bytes_("fixed")
    f.attrs["texts"] = ["one", "two"]
    f.attrs["count"] = 3
    f.attrs["rate"] = np.float32(0.5)
    f.attrs["betas"] = [0.9, 0.999]
    f.attrs["on"] = True

with h5py.File("virtual.h5", "w") as f:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("outside", shape=(4,), dtype="f4", external=[("other.bin", 0, 16)])
    f.create_dataset("huge", shape=(1 << 40,), dtype="f4")
    f.create_group("loop")
    f["loop/again"] = f["loop"]
