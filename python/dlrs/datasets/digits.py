"""Handwritten digits: 1,797 grey images, 8 × 8, in ten classes; scikit-learn carries them, so no network is needed.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TEST_IMAGES = 360
SPLIT_SEED = 0


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load the digits bundled with scikit-learn, split at random but always alike.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`: images of shape `(1437, 8, 8)` and `(360, 8, 8)` with the
        17 grey levels stretched to 0 to 255, labels of shape `(1437,)` and `(360,)` with values 0 to 9.

    Raises:
        ImportError: scikit-learn is not installed.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, x_test.shape, x_train.dtype.name, int(x_train.max())
        ((1437, 8, 8), (360, 8, 8), 'uint8', 255)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("datasets.digits needs scikit-learn: pip install 'dlrs[digits]'") from error
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.uint8)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    train, test = order[:-TEST_IMAGES], order[-TEST_IMAGES:]
    return (images[train], labels[train]), (images[test], labels[test])
