"""Sound as arrays: WAV files in and out, clips laid into a background, labels for trigger words."""

from dlrs.audio.clips import Clip, insert_clips, trigger_labels
from dlrs.utils.wav_utils import read_wav, resample, write_wav

__all__ = ["Clip", "insert_clips", "read_wav", "resample", "trigger_labels", "write_wav"]
