"""Views with any strides (cupy/lib/stride_tricks.py)."""

from stand_in.array import ndarray as _ndarray


def as_strided(x, shape=None, strides=None):
    """A view with this shape and these strides; it does not say whose memory it shows: its base is None."""
    shape = x.shape if shape is None else tuple(shape)
    strides = x.strides if strides is None else tuple(strides)
    return _ndarray(shape=shape, dtype=x.dtype, memptr=x.data, strides=strides)
