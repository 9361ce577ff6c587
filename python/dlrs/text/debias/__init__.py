"""Bias of word vectors: its direction, taking it out, and what that changed, after Bolukbasi et al. 2016."""

from dlrs.text.debias.definitional import DefinitionalClassifier, definitional_classifier
from dlrs.text.debias.hard import equalize, hard_debias, neutralize
from dlrs.text.debias.measures import direct_bias, indirect_bias, projections
from dlrs.text.debias.report import BiasReport, bias_report
from dlrs.text.debias.subspace import bias_direction

__all__ = [
    "BiasReport",
    "DefinitionalClassifier",
    "bias_direction",
    "bias_report",
    "definitional_classifier",
    "direct_bias",
    "equalize",
    "hard_debias",
    "indirect_bias",
    "neutralize",
    "projections",
]
