"""Where layers that prepare data stood in TensorFlow 2.3 to 2.8."""

from dlrs.backend.old_spellings import old_module

__getattr__ = old_module(__name__, "dlrs.layers")
