"""What `keras.ops.linalg` holds: linear algebra, and the classes of its functions (`Qr(mode="complete")(x)`)."""

from dlrs.ops import decompositions, norms
from dlrs.ops.class_forms import class_forms
from dlrs.ops.decompositions import *
from dlrs.ops.norms import *

__all__: list[str] = []
__all__ += decompositions.__all__
__all__ += norms.__all__

__getattr__ = class_forms(__name__, globals())
