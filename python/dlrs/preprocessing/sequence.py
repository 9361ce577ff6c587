"""Preparing sequences."""

from dlrs.utils.sequence_utils import pad_sequences

__all__ = ["pad_sequences"]
