"""Where `to_categorical` stood in Keras 1 and 2."""

from dlrs.backend.old_spellings import old_module

__getattr__ = old_module(__name__, "dlrs.utils")
