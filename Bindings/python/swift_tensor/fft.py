"""The standard's extension of Fourier transforms."""
from . import _dtypes as dt
from ._array import apply, check_device, converted

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft", "rfftfreq",
           "rfftn"]


def _one(name, text):
    def function(x, /, *, n=None, axis=-1, norm="backward"):
        return apply(name, x, n=n, axis=axis, norm=norm)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


def _several(name, text):
    def function(x, /, *, s=None, axes=None, norm="backward"):
        return apply(name, x, s=None if s is None else list(s), axes=None if axes is None else list(axes), norm=norm)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


fft = _one("fft", "The transform along an axis.")
ifft = _one("ifft", "The inverse of fft.")
rfft = _one("rfft", "The half of the transform of real numbers that is not the conjugate of the other.")
irfft = _one("irfft", "The inverse of rfft.")
hfft = _one("hfft", "The transform of half of a signal whose other half is its conjugate.")
ihfft = _one("ihfft", "The inverse of hfft.")
fftn = _several("fftn", "The transform along several axes.")
ifftn = _several("ifftn", "The inverse of fftn.")
rfftn = _several("rfftn", "The transform of real numbers along several axes, half of the last of them.")
irfftn = _several("irfftn", "The inverse of rfftn.")


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of fft."""
    check_device(device)
    return apply("fftfreq", n=n, d=float(d), dtype=(dtype or dt.float32).name)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of rfft."""
    check_device(device)
    return apply("rfftfreq", n=n, d=float(d), dtype=(dtype or dt.float32).name)


def _axes(axes):
    return None if axes is None else [axes] if isinstance(axes, int) else list(axes)


def fftshift(x, /, *, axes=None):
    """Frequency zero moved to the middle."""
    return apply("fftshift", x, axes=_axes(axes))


def ifftshift(x, /, *, axes=None):
    """The inverse of fftshift."""
    return apply("ifftshift", x, axes=_axes(axes))
