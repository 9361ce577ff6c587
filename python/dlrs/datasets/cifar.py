"""What CIFAR-10 and CIFAR-100 have in common."""

from typing import Any

import numpy as np

from dlrs.config import image_data_format

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]


def images_and_labels(batches: list[dict[str, Any]], key: str, what: str) -> tuple[Array, Array]:
    """The images of some files in the configured format of images, and their labels in a column.

    Raises:
        ValueError: a file lacks images or labels.

    >>> batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [3, 5]}
    >>> [array.shape for array in images_and_labels([batch], "labels", "x")]
    [(2, 32, 32, 3), (2, 1)]
    """
    for batch in batches:
        data, labels = batch.get("data"), batch.get(key)
        is_images = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.shape[1:] == (3072,)
        if data is None or not is_images or not isinstance(labels, list) or len(labels) != len(data):
            raise ValueError(f"{what}: a file has no images of 32 x 32, or not as many `{key}`.")
    images = np.concatenate([batch["data"] for batch in batches]).astype(np.uint8).reshape(-1, 3, 32, 32)
    if image_data_format() == "channels_last":
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return images, np.concatenate([batch[key] for batch in batches]).astype(np.uint8)[:, None]
