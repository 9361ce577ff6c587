"""Computer vision around the layers: boxes, dense evaluation, several crops at test time, cached features."""

from dlrs.vision import boxes
from dlrs.vision.convolutionalize import convolutionalize
from dlrs.vision.features import cached_features
from dlrs.vision.multi_crop import multi_crop, multi_crop_predict

__all__ = ["boxes", "cached_features", "convolutionalize", "multi_crop", "multi_crop_predict"]
