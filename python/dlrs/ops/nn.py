"""What `keras.ops.nn` holds: functions of neural networks, and the classes of them (`Softmax(axis=1)(x)`)."""

from dlrs.ops import (
    attention,
    convolution,
    crossentropy,
    ctc,
    encodings,
    local_response,
    normalization,
    patches,
    piecewise,
    pooling,
    probabilities,
    rectifiers,
)
from dlrs.ops.attention import *
from dlrs.ops.class_forms import class_forms
from dlrs.ops.convolution import *
from dlrs.ops.crossentropy import *
from dlrs.ops.ctc import *
from dlrs.ops.distances import psnr
from dlrs.ops.encodings import *
from dlrs.ops.local_response import *
from dlrs.ops.normalization import *
from dlrs.ops.patches import *
from dlrs.ops.piecewise import *
from dlrs.ops.pooling import *
from dlrs.ops.probabilities import *
from dlrs.ops.rectifiers import *
from dlrs.ops.reductions import moments

__all__ = ["moments", "psnr"]
__all__ += attention.__all__
__all__ += convolution.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += encodings.__all__
__all__ += local_response.__all__
__all__ += normalization.__all__
__all__ += patches.__all__
__all__ += piecewise.__all__
__all__ += pooling.__all__
__all__ += probabilities.__all__
__all__ += rectifiers.__all__

__getattr__ = class_forms(__name__, globals())
