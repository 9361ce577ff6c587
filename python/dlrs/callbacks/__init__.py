"""Callbacks: actions at the beginnings and ends of training, epochs and batches."""

from dlrs.callbacks.backup_and_restore import BackupAndRestore
from dlrs.callbacks.callback import Callback
from dlrs.callbacks.callback_list import CallbackList
from dlrs.callbacks.csv_logger import CSVLogger
from dlrs.callbacks.early_stopping import EarlyStopping
from dlrs.callbacks.gradient_monitor import GradientMonitor
from dlrs.callbacks.history import History
from dlrs.callbacks.lambda_callback import LambdaCallback
from dlrs.callbacks.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from dlrs.callbacks.model_checkpoint import ModelCheckpoint
from dlrs.callbacks.monitor_callback import MonitorCallback
from dlrs.callbacks.periodic_callback import PeriodicCallback
from dlrs.callbacks.position import Position
from dlrs.callbacks.progbar_logger import ProgbarLogger
from dlrs.callbacks.remote_monitor import RemoteMonitor
from dlrs.callbacks.swap_ema_weights import SwapEMAWeights
from dlrs.callbacks.tensorboard import TensorBoard
from dlrs.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "GradientMonitor",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "PeriodicCallback",
    "Position",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
