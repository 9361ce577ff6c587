"""What `keras.ops.image` holds: functions of images, single `(height, width, channels)` or in batches."""

from dlrs.ops.class_forms import class_forms
from dlrs.ops.image import blur, borders, colour, coordinates, edges, patches, placing, resizing, similarity, warps
from dlrs.ops.image.blur import *
from dlrs.ops.image.borders import *
from dlrs.ops.image.colour import *
from dlrs.ops.image.coordinates import *
from dlrs.ops.image.edges import *
from dlrs.ops.image.patches import *
from dlrs.ops.image.placing import *
from dlrs.ops.image.resizing import *
from dlrs.ops.image.similarity import *
from dlrs.ops.image.warps import *

__all__: list[str] = []
__all__ += blur.__all__
__all__ += borders.__all__
__all__ += colour.__all__
__all__ += coordinates.__all__
__all__ += edges.__all__
__all__ += patches.__all__
__all__ += placing.__all__
__all__ += resizing.__all__
__all__ += similarity.__all__
__all__ += warps.__all__

__getattr__ = class_forms(__name__, globals())
