"""Training, evaluation and prediction."""

from dlrs.trainers.compile_utils import CompileLoss, CompileMetrics
from dlrs.trainers.trainer import Trainer

__all__ = ["CompileLoss", "CompileMetrics", "Trainer"]
