"""Models: layers that can be trained."""

from dlrs.backend.serialization import register_builtins
from dlrs.models.cloning import clone_model
from dlrs.models.ensemble import Ensemble
from dlrs.models.features import feature_extractor
from dlrs.models.functional import Functional
from dlrs.models.model import Model, model_from_json
from dlrs.models.sequential import Sequential
from dlrs.saving.saving_api import load_model, save_model

__all__ = [
    "Ensemble",
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "feature_extractor",
    "load_model",
    "model_from_json",
    "save_model",
]

register_builtins((Ensemble, Functional, Model, Sequential))
