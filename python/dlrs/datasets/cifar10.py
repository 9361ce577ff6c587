"""CIFAR-10: 60,000 colour images of things and animals, 32 × 32, in 10 classes.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from dlrs.datasets.cifar import Split, images_and_labels
from dlrs.datasets.keras_files import read_batches

FOLDER = "cifar-10-batches-py"
NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """Load CIFAR-10 from its publisher's archive `cifar-10-python.tar.gz`, or the folder `cifar-10-batches-py` in it.

    They are looked for in `$DLRS_DATA/cifar10`, `$DLRS_DATA`, the user's cache, `/usr/share/datasets/cifar10` and
    `~/.keras/datasets`; else the archive is downloaded into the cache. Its SHA-256 is checked. No code in it is run.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`: images of shape `(50000, 32, 32, 3)` and
        `(10000, 32, 32, 3)` with values 0 to 255, or with channels first if so configured; labels of shape `(50000, 1)`
        and `(10000, 1)`.

    Raises:
        FileNotFoundError: the files are nowhere and could not be downloaded; the message lists the places.
        ValueError: they are others, or are damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (50000, 1))
    """
    *train, test = read_batches("cifar10", "cifar-10-python.tar.gz", FOLDER, NAMES, ORIGIN, SHA256)
    key = "labels"
    return images_and_labels(train, key, "CIFAR-10"), images_and_labels([test], key, "CIFAR-10")
