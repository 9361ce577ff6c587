"""The trained weights of a network that pronounces English words: spelling to phonemes with marks of stress.

Source: K. Park, J. Kim, "g2pE", the Python package `g2p-en` 2.1.0 (Apache License 2.0). An encoder and a decoder of
gated recurrent units with 256 features each, trained in PyTorch on the CMU Pronouncing Dictionary; `examples/g2p.py`
runs it.
"""

import io
from typing import Any

import numpy as np

from dlrs.datasets import cmudict, packages

ARCHIVE_SHA256 = "2a7aabf1fc7f270fcc3349881407988c9245173c2413debbe5432f4a4f31319f"
FILE = "g2p_en/checkpoint20.npz"

PAD, UNK, BOS, EOS = "<pad>", "<unk>", "<s>", "</s>"
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
# In the order of the embeddings' rows. A vowel's digit: 0 without stress, 1 with the main one, 2 with another. The
# UW that has none is a flaw of the training set.
GRAPHEMES = (PAD, UNK, EOS, *"abcdefghijklmnopqrstuvwxyz")
PHONEMES = (
    *(PAD, UNK, BOS, EOS),
    *sorted({*cmudict.PHONEMES} - {*VOWELS} | {vowel + stress for vowel in VOWELS for stress in "012"} | {"UW"}),
)

Array = np.ndarray[Any, Any]

SHAPES = {
    "enc_emb": (len(GRAPHEMES), 256),
    "enc_w_ih": (768, 256),
    "enc_w_hh": (768, 256),
    "enc_b_ih": (768,),
    "enc_b_hh": (768,),
    "dec_emb": (len(PHONEMES), 256),
    "dec_w_ih": (768, 256),
    "dec_w_hh": (768, 256),
    "dec_b_ih": (768,),
    "dec_b_hh": (768,),
    "fc_w": (len(PHONEMES), 256),
    "fc_b": (len(PHONEMES),),
}


def load_weights() -> dict[str, Array]:
    """The arrays of the checkpoint, float32, of the names and shapes of `SHAPES`, in PyTorch's layout.

    `utils.recurrent_weights_from_torch` turns those of a recurrent layer into the layout of `layers.GRU`. The archive
    is looked for, and fetched, as `datasets.packages.member` says.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched.
        ValueError: the archive is not the one that is pinned.

    Example:
        >>> load_weights()["enc_emb"].shape  # doctest: +SKIP
        (29, 256)
    """
    return read(packages.member("g2p_en", "2.1.0", FILE, sha256=ARCHIVE_SHA256))


def read(content: bytes) -> dict[str, Array]:
    """The arrays of a checkpoint.

    Raises:
        ValueError: the file is damaged, or an array is missing or of another shape.

    Example:
        >>> read(b"")
        Traceback (most recent call last):
        ...
        ValueError: datasets.g2p: the checkpoint is not an archive of arrays: No data left in file
    """
    try:
        with np.load(io.BytesIO(content)) as archive:
            weights = {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except Exception as error:  # NumPy and zipfile have many ways to say that a file is damaged
        raise ValueError(f"datasets.g2p: the checkpoint is not an archive of arrays: {error}") from error
    for name, shape in SHAPES.items():
        found = weights[name].shape if name in weights else None
        if found != shape:
            raise ValueError(f"datasets.g2p: {name} must have the shape {shape}, found {found}")
    return {name: weights[name] for name in SHAPES}
