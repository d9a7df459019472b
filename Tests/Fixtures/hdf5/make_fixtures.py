"""Makes the HDF5 files of this folder with h5py: `python make_fixtures.py`."""

import os

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


def every_form(path, **options):
    """One file for each way of libhdf5 to write things; every dataset counts up and starts again after 250."""

    def count(shape, dtype="u1"):
        return (np.arange(np.prod(shape, dtype=int)) % 251).astype(dtype).reshape(shape)

    with h5py.File(path, "w", **options) as f:
        f.create_dataset("contiguous", data=count((3, 5), "f8"))
        f.create_dataset("big_endian", data=count((3, 5), ">f4"))
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(f.id, b"compact", h5py.h5t.STD_I16LE, space, compact).write(
            h5py.h5s.ALL, h5py.h5s.ALL, count((4,), "i2"))
        pipelines = {
            "plain": {}, "deflate": {"compression": "gzip"}, "shuffle": {"shuffle": True}, "checked": {"fletcher32": True},
            "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
        }
        for name, pipeline in pipelines.items():
            f.create_dataset(f"chunked/{name}/one", data=count((6, 5), "f4"), chunks=(6, 5), **pipeline)
            f.create_dataset(f"chunked/{name}/fixed", data=count((7, 5), "i4"), chunks=(3, 2), **pipeline)
            f.create_dataset(
                f"chunked/{name}/growing", data=count((11, 5, 3), "i8"), chunks=(2, 3, 2), maxshape=(20, None, 3), **pipeline)
            f.create_dataset(
                f"chunked/{name}/free", data=count((7, 5), "u2"), chunks=(3, 4), maxshape=(None, None), **pipeline)
        f.create_dataset("chunked/pages", data=count((1500,)), chunks=(1,))
        f.create_dataset("chunked/blocks", data=count((700, 2)), chunks=(1, 2), maxshape=(None, 2))
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_chunk((2, 3))
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((5, 4))
        h5py.h5d.create(f.id, b"chunked/early", h5py.h5t.STD_I32LE, space, early).write(
            h5py.h5s.ALL, h5py.h5s.ALL, count((5, 4), "i4"))
        shrunk = f.create_dataset("chunked/shrunk", data=count((9,)), chunks=(2,), maxshape=(None,))
        shrunk.resize((5,))
        f["type"] = np.dtype("f4")
        f.create_dataset("committed", data=count((4,), "f4"), dtype=f["type"])
        f.create_group("many", track_order="libver" in options)
        for index in range(60):
            f.create_dataset(f"many/{59 - index}", data=count((1,)))
        unwritten = f.create_group("unwritten")
        unwritten.create_dataset("contiguous", (3,), "f4", fillvalue=1.5)
        unwritten.create_dataset("chunked", (5,), "f4", chunks=(2,), fillvalue=1.5)[:2] = 1.5
        unwritten.create_dataset("zero", (2,), "i8")
        for index in range(40):
            f["many"].attrs[f"attribute {index:02}"] = index
        f["many"].attrs["text"] = np.bytes_("x" * (70_000 if "libver" in options else 7_000))
        f["many"].attrs["big"] = np.array([1, 2], ">u2")
        f["many"].attrs["largest"] = np.uint64(2**64 - 1)
        f["many"].attrs["half"] = np.float16(0.25)
        f["many"].attrs["texts"] = ["", "ä", "three"]


every_form("earliest.h5")
every_form("latest.h5", libver=("v114", "v114"), userblock_size=512, track_order=True)


def small_forms(folder):
    """The same things one by one, in files small enough to change at random."""
    os.makedirs(folder, exist_ok=True)
    values = np.arange(24, dtype="i4").reshape(6, 4)
    for form, options in {"earliest": {}, "latest": {"libver": ("v114", "v114"), "track_order": True}}.items():
        def file(name):
            return h5py.File(f"{folder}/{name}-{form}.h5", "w", **options)

        with file("attributes") as f:
            for index in range(12):
                f.attrs[f"a{index}"] = index
            f.attrs["texts"] = ["one", "two"]
        with file("links") as f:
            for index in range(12):
                f[f"link {index}"] = np.uint8(index)
        with file("fixed") as f:
            f.create_dataset("x", data=values, chunks=(2, 3), compression="gzip", shuffle=True, fletcher32=True)
        with file("growing") as f:
            f.create_dataset("x", data=values, chunks=(1, 1), maxshape=(None, 4))
        with file("free") as f:
            f.create_dataset("x", data=values, chunks=(1, 2), maxshape=(None, None), compression="gzip")
        with file("committed") as f:
            f["type"] = np.dtype("f4")
            f.create_dataset("x", (3,), dtype=f["type"], fillvalue=2)
            f["flags"] = np.array([True, False])


small_forms("small")
