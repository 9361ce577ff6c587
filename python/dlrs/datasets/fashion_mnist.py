"""Fashion-MNIST: 70,000 grey images of clothes, 28 × 28, in ten classes.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv 1708.07747. The files are under the MIT licence.
"""

import hashlib
import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlrs.datasets import files
from dlrs.datasets.idx import read_idx

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

DATASET = "fashion-mnist"
# The address in the README of zalandoresearch/fashion-mnist. It has no TLS: the digests below guard it.
PUBLISHER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DOWNLOAD_LIMIT = 32 << 20
# SHA-256 of the unpacked files (`zcat FILE | sha256sum`), which is the same whoever compressed them. MNIST's own files
# bear the same names and sizes, so every copy is checked, not only a downloaded one.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

Array = np.ndarray[Any, Any]


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Load Fashion-MNIST, as `keras.datasets.fashion_mnist.load_data` does.

    The four files are looked for in `$DLRS_DATA/fashion-mnist`, `$DLRS_DATA`, the user's cache (`~/.cache/dlrs`) and
    `/usr/share/datasets/fashion-mnist`, where Debian's package `dataset-fashion-mnist` puts them. If none has them,
    they are downloaded from the publisher into the cache. Every copy is checked by SHA-256.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`: images of shape `(60000, 28, 28)` and `(10000, 28, 28)`
        with values 0 to 255, labels of shape `(60000,)` and `(10000,)` with values 0 to 9, named by `CLASS_NAMES`.

    Raises:
        FileNotFoundError: the files are nowhere and could not be downloaded; the message lists the places.
        ValueError: a file is damaged, or is not Fashion-MNIST's.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape, CLASS_NAMES[y_train[0]]  # doctest: +SKIP
        ((60000, 28, 28), (60000,), 'Ankle boot')
    """
    paths = files.find(DATASET, list(FILES)) or _download()
    x_train, y_train, x_test, y_test = (
        _read(path, name, digest) for path, (name, digest) in zip(paths, FILES.items(), strict=True)
    )
    return (x_train, y_train), (x_test, y_test)


def _read(path: Path, name: str, digest: str) -> Array:
    values = read_idx(path)
    header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    hasher = hashlib.sha256(header)
    hasher.update(values.data)
    if hasher.hexdigest() != digest:
        raise ValueError(
            f"{path}: not Fashion-MNIST's {name}, its unpacked SHA-256 is {hasher.hexdigest()}, expected {digest}"
        )
    return values


def _download() -> list[Path]:
    folder = files.cache_folder() / DATASET
    paths = [folder / f"{name}.gz" for name in FILES]
    try:
        for path, (name, digest) in zip(paths, FILES.items(), strict=True):
            if not path.exists():
                files.download(
                    f"{PUBLISHER}/{path.name}",
                    path,
                    DOWNLOAD_LIMIT,
                    check=partial(_read, name=name, digest=digest),
                )
    except OSError as error:
        places = "\n".join(f"  {place}" for place in files.search_folders(DATASET))
        raise FileNotFoundError(
            f"Fashion-MNIST ({', '.join(f'{n}.gz' for n in FILES)}) was not found in\n{places}\n"
            f"and could not be downloaded from {PUBLISHER} ({error}). Put the four files into a folder and name it in "
            "DLRS_DATA, or install Debian's package dataset-fashion-mnist."
        ) from error
    return paths
