"""Where `plot_model` and `model_to_dot` stood in Keras 2."""

from dlrs.backend.old_spellings import old_module

__getattr__ = old_module(__name__, "dlrs.utils")
