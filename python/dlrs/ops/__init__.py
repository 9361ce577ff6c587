"""Functions of tensors, with the names, arguments and defaults of `keras.ops`.

Each takes tensors, variables, NumPy arrays, numbers and nested lists, and, to describe a functional model, placeholders
(`KerasTensor`). A module's `__all__` says which of its functions stand here.
"""

from importlib import import_module
from typing import Any

from dlrs.backend import KerasTensor
from dlrs.ops import (
    attention,
    binary,
    bitwise,
    convolution,
    core,
    creation,
    crossentropy,
    ctc,
    cumulative,
    decompositions,
    distances,
    einops,
    einstein,
    encodings,
    fourier,
    local_response,
    manipulation,
    nan_reductions,
    normalization,
    norms,
    patches,
    piecewise,
    pooling,
    probabilities,
    products,
    properties,
    quantiles,
    ranges,
    rearrangement,
    rectifiers,
    recurrent,
    reductions,
    segments,
    sorting,
    statistics,
    trigonometric,
    unary,
    vectorization,
    windows,
)
from dlrs.ops.attention import *
from dlrs.ops.binary import *
from dlrs.ops.bitwise import *
from dlrs.ops.class_forms import class_forms
from dlrs.ops.convolution import *
from dlrs.ops.core import *
from dlrs.ops.creation import *
from dlrs.ops.crossentropy import *
from dlrs.ops.ctc import *
from dlrs.ops.cumulative import *
from dlrs.ops.decompositions import *
from dlrs.ops.distances import *
from dlrs.ops.einops import *
from dlrs.ops.einstein import *
from dlrs.ops.encodings import *
from dlrs.ops.fourier import *
from dlrs.ops.function import Function
from dlrs.ops.local_response import *
from dlrs.ops.manipulation import *
from dlrs.ops.nan_reductions import *
from dlrs.ops.node import KerasHistory, Node
from dlrs.ops.normalization import *
from dlrs.ops.norms import *
from dlrs.ops.operation import FunctionOperation, Operation
from dlrs.ops.patches import *
from dlrs.ops.piecewise import *
from dlrs.ops.pooling import *
from dlrs.ops.probabilities import *
from dlrs.ops.products import *
from dlrs.ops.properties import *
from dlrs.ops.quantiles import *
from dlrs.ops.ranges import *
from dlrs.ops.rearrangement import *
from dlrs.ops.rectifiers import *
from dlrs.ops.recurrent import *
from dlrs.ops.reductions import *
from dlrs.ops.segments import *
from dlrs.ops.sorting import *
from dlrs.ops.statistics import *
from dlrs.ops.trigonometric import *
from dlrs.ops.unary import *
from dlrs.ops.vectorization import *
from dlrs.ops.windows import *

__all__ = ["Function", "FunctionOperation", "KerasHistory", "KerasTensor", "Node", "Operation"]
__all__ += attention.__all__
__all__ += binary.__all__
__all__ += bitwise.__all__
__all__ += convolution.__all__
__all__ += core.__all__
__all__ += creation.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += cumulative.__all__
__all__ += decompositions.__all__
__all__ += distances.__all__
__all__ += einops.__all__
__all__ += einstein.__all__
__all__ += encodings.__all__
__all__ += fourier.__all__
__all__ += manipulation.__all__
__all__ += nan_reductions.__all__
__all__ += local_response.__all__
__all__ += normalization.__all__
__all__ += norms.__all__
__all__ += patches.__all__
__all__ += piecewise.__all__
__all__ += pooling.__all__
__all__ += probabilities.__all__
__all__ += products.__all__
__all__ += properties.__all__
__all__ += quantiles.__all__
__all__ += ranges.__all__
__all__ += rearrangement.__all__
__all__ += rectifiers.__all__
__all__ += recurrent.__all__
__all__ += reductions.__all__
__all__ += segments.__all__
__all__ += sorting.__all__
__all__ += statistics.__all__
__all__ += trigonometric.__all__
__all__ += unary.__all__
__all__ += vectorization.__all__
__all__ += windows.__all__

_class_form = class_forms(__name__, globals())


def __getattr__(name: str) -> Any:
    """A module of Keras's `ops`, or the class of a function."""
    if name in ("image", "linalg", "math", "nn", "numpy"):
        return import_module(f"{__name__}.{name}")
    return _class_form(name)
