"""What `keras.ops.math` holds: transforms, segments, extremes, special functions, and the classes of them."""

from dlrs.ops import fourier
from dlrs.ops.class_forms import class_forms
from dlrs.ops.decompositions import logdet
from dlrs.ops.distances import cdist
from dlrs.ops.fourier import *
from dlrs.ops.reductions import logsumexp
from dlrs.ops.segments import segment_max, segment_min, segment_prod, segment_sum
from dlrs.ops.sorting import in_top_k, top_k
from dlrs.ops.unary import erf, erfc, erfinv, rsqrt

__all__ = [
    "cdist",
    "erf",
    "erfc",
    "erfinv",
    "in_top_k",
    "logdet",
    "logsumexp",
    "rsqrt",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "top_k",
]
__all__ += fourier.__all__

__getattr__ = class_forms(__name__, globals())
