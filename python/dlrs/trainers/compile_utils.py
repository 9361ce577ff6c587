"""The loss and the metrics of `compile`, matched to the outputs of a model."""

from dlrs.trainers.compile_loss import CompileLoss
from dlrs.trainers.compile_metrics import CompileMetrics

__all__ = ["CompileLoss", "CompileMetrics"]
