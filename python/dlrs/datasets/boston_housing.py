"""Boston housing: 506 suburbs of Boston in 1978, 13 measures each, and the median price of a house.

Source: D. Harrison, D. Rubinfeld, "Hedonic Housing Prices and the Demand for Clean Air", 1978. One of the measures
is of the share of Black inhabitants: the data set is here for old scripts, `california_housing` is the one to use.
"""

from dlrs.datasets.housing import Split, check_split, shuffled_split
from dlrs.datasets.keras_files import ORIGIN, arrays_named, locate

SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Load the data set from Keras's file `boston_housing.npz`.

    The file is looked for in `$DLRS_DATA/boston_housing`, `$DLRS_DATA`, the user's cache,
    `/usr/share/datasets/boston_housing` and `~/.keras/datasets`, and else downloaded into the cache. Its SHA-256 is
    checked.

    Args:
        path: another name of the file, or its whole path.
        test_split: share of the examples that are for testing.
        seed: integer that fixes their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 features of shape `(n, 13)`, and prices in
        thousands of dollars of shape `(n,)`.

    Raises:
        FileNotFoundError: the file is nowhere and could not be downloaded; the message lists the places.
        ValueError: it is another file, or is damaged; or an argument has no valid value.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    check_split(test_split)
    file = locate("boston_housing", path, f"{ORIGIN}boston_housing.npz", SHA256)
    x, y = arrays_named(file, "x", "y")
    return shuffled_split(x, y, test_split, seed)
