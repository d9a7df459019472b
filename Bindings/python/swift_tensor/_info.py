"""What the module says about itself."""
from . import _dtypes as dt
from ._array import CPU, check_device

__all__ = ["__array_namespace_info__"]


class Info:
    """Devices, types and what is possible."""

    def capabilities(self):
        """Masks and shapes that depend on data are there; DLPack and the C ABI have at most 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """The CPU."""
        return CPU

    def devices(self):
        """The CPU alone."""
        return [CPU]

    def default_dtypes(self, *, device=None):
        """The types of Python numbers."""
        check_device(device)
        return dict(dt.DEFAULTS)

    def dtypes(self, *, device=None, kind=None):
        """The types of a kind, or all."""
        check_device(device)
        return {dtype.name: dtype for dtype in dt.STANDARD if kind is None or dt.is_kind(dtype, kind)}


def __array_namespace_info__():
    """What the module says about itself."""
    return Info()
