"""What to work on next: where errors come from."""

from dlrs.strategy.beam_errors import BeamErrors, beam_errors

__all__ = ["BeamErrors", "beam_errors"]
