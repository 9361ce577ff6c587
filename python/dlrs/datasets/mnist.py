"""MNIST: 70,000 grey images of handwritten digits, 28 × 28, in ten classes.

Source: Y. LeCun, C. Cortes, derived from NIST's Special Databases; under CC BY-SA 3.0.
"""

from typing import Any

import numpy as np

from dlrs.datasets.keras_files import ORIGIN, arrays_named, locate

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]

SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Split:
    """Load MNIST from Keras's file `mnist.npz`.

    The file is looked for in `$DLRS_DATA/mnist`, `$DLRS_DATA`, the user's cache, `/usr/share/datasets/mnist` and
    `~/.keras/datasets`, and else downloaded into the cache. Its SHA-256 is checked.

    Args:
        path: another name of the file, or its whole path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`: images of shape `(60000, 28, 28)` and `(10000, 28, 28)`
        with values 0 to 255, labels of shape `(60000,)` and `(10000,)`.

    Raises:
        FileNotFoundError: the file is nowhere and could not be downloaded; the message lists the places.
        ValueError: it is another file, or is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
    """
    file = locate("mnist", path, f"{ORIGIN}mnist.npz", SHA256)
    x_train, y_train, x_test, y_test = arrays_named(file, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)
