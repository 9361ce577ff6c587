"""What `keras.ops.numpy` holds: NumPy's functions on tensors, and the classes of them (`Sum(axis=1)(x)`)."""

from dlrs.ops import (
    binary,
    bitwise,
    creation,
    cumulative,
    einstein,
    manipulation,
    nan_reductions,
    products,
    properties,
    quantiles,
    ranges,
    rearrangement,
    reductions,
    sorting,
    statistics,
    trigonometric,
    unary,
    vectorization,
    windows,
)
from dlrs.ops.binary import *
from dlrs.ops.bitwise import *
from dlrs.ops.class_forms import class_forms
from dlrs.ops.creation import *
from dlrs.ops.cumulative import *
from dlrs.ops.decompositions import slogdet
from dlrs.ops.einstein import *
from dlrs.ops.manipulation import *
from dlrs.ops.nan_reductions import *
from dlrs.ops.operation_utils import broadcast_shapes
from dlrs.ops.products import *
from dlrs.ops.properties import *
from dlrs.ops.quantiles import *
from dlrs.ops.ranges import *
from dlrs.ops.rearrangement import *
from dlrs.ops.reductions import *
from dlrs.ops.sorting import *
from dlrs.ops.statistics import *
from dlrs.ops.trigonometric import *
from dlrs.ops.unary import *
from dlrs.ops.vectorization import *
from dlrs.ops.windows import *

__all__ = ["broadcast_shapes", "slogdet"]
__all__ += binary.__all__
__all__ += bitwise.__all__
__all__ += creation.__all__
__all__ += cumulative.__all__
__all__ += einstein.__all__
__all__ += manipulation.__all__
__all__ += nan_reductions.__all__
__all__ += products.__all__
__all__ += properties.__all__
__all__ += quantiles.__all__
__all__ += ranges.__all__
__all__ += rearrangement.__all__
__all__ += reductions.__all__
__all__ += sorting.__all__
__all__ += statistics.__all__
__all__ += trigonometric.__all__
__all__ += unary.__all__
__all__ += vectorization.__all__
__all__ += windows.__all__

__getattr__ = class_forms(__name__, globals())
