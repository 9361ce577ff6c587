"""California housing: 20,640 districts of California in 1990, 8 measures each, and the median price of a house.

Source: R. K. Pace, R. Barry, "Sparse Spatial Autoregressions", Statistics & Probability Letters 33, 1997.
"""

from dlrs.datasets.housing import Split, check_split, shuffled_split
from dlrs.datasets.keras_files import ORIGIN, arrays_named, locate

SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """Load the data set from Keras's file `california_housing.npz`.

    The file is looked for in `$DLRS_DATA/california_housing`, `$DLRS_DATA`, the user's cache,
    `/usr/share/datasets/california_housing` and `~/.keras/datasets`, and else downloaded into the cache. Its SHA-256 is
    checked.

    Args:
        version: `"large"`, or `"small"` for the first 600 districts.
        path: another name of the file, or its whole path.
        test_split: share of the examples that are for testing.
        seed: integer that fixes their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float features of shape `(n, 8)` (median income, age,
        rooms, bedrooms, population, household, latitude, longitude), and prices in dollars of shape `(n,)`.

    Raises:
        FileNotFoundError: the file is nowhere and could not be downloaded; the message lists the places.
        ValueError: it is another file, or is damaged; or an argument has no valid value.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    check_split(test_split)
    if version not in ("small", "large"):
        raise ValueError(f"Argument `version` must be one of 'small', 'large'. Received: version={version!r}")
    file = locate("california_housing", path, f"{ORIGIN}california_housing.npz", SHA256)
    x, y = arrays_named(file, "x", "y")
    count = 600 if version == "small" else len(x)
    return shuffled_split(x[:count], y[:count], test_split, seed)
