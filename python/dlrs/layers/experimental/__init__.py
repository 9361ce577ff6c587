"""Where layers that prepare data stood in TensorFlow 2.3 to 2.8."""

from dlrs.layers.experimental import preprocessing

__all__ = ["preprocessing"]
