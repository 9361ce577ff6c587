"""CIFAR-100: 60,000 colour images of things and animals, 32 × 32, in 100 classes.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from dlrs.datasets.cifar import Split, images_and_labels
from dlrs.datasets.keras_files import read_batches

FOLDER = "cifar-100-python"
NAMES = ["train", "test"]
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """Load CIFAR-100 from its publisher's archive `cifar-100-python.tar.gz`, or the folder `cifar-100-python` in it.

    They are looked for in `$DLRS_DATA/cifar100`, `$DLRS_DATA`, the user's cache, `/usr/share/datasets/cifar100` and
    `~/.keras/datasets`; else the archive is downloaded into the cache. Its SHA-256 is checked. No code in it is run.

    Args:
        label_mode: `"fine"` for the 100 classes, `"coarse"` for the 20 groups of them.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`: images of shape `(50000, 32, 32, 3)` and
        `(10000, 32, 32, 3)` with values 0 to 255, or with channels first if so configured; labels of shape `(50000, 1)`
        and `(10000, 1)`.

    Raises:
        FileNotFoundError: the files are nowhere and could not be downloaded; the message lists the places.
        ValueError: they are others, or are damaged; or `label_mode` has no valid value.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (50000, 1))
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"`label_mode` must be one of 'fine', 'coarse'. Received: label_mode={label_mode!r}")
    *train, test = read_batches("cifar100", "cifar-100-python.tar.gz", FOLDER, NAMES, ORIGIN, SHA256)
    key = f"{label_mode}_labels"
    return images_and_labels(train, key, "CIFAR-100"), images_and_labels([test], key, "CIFAR-100")
