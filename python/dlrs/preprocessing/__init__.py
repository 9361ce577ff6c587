"""Keras's older names of what prepares data."""

from dlrs.preprocessing import sequence

__all__ = ["sequence"]
