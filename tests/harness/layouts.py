"""Arrays with the same elements and other places in memory."""

from collections.abc import Callable

import numpy as np

from harness.row import Array


def fortran(x: Array) -> Array:
    """Columns first."""
    return np.asfortranarray(x).reshape(x.shape)


def strided(x: Array) -> Array:
    """Every second element along each axis of a larger array."""
    larger = np.zeros([2 * n for n in x.shape], x.dtype)
    every = (slice(None, None, 2),) * x.ndim
    larger[every] = x
    return larger[every] if x.ndim else larger


def reversed_(x: Array) -> Array:
    """Negative strides."""
    every = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[every])[every] if x.ndim else x


def misaligned(x: Array) -> Array:
    """One byte off the alignment of the dtype."""
    raw = np.zeros(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def read_only(x: Array) -> Array:
    """Not writable."""
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: tuple[Callable[[Array], Array], ...] = (fortran, strided, reversed_, misaligned, read_only)
