"""Data sets that the examples train on, in the shapes that Keras's loaders give."""

from dlrs.datasets import (
    austen,
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    cmudict,
    digits,
    fashion_mnist,
    g2p,
    imdb,
    mnist,
    names,
    packages,
    reuters,
    sentiment,
)

__all__ = [
    "austen",
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "cmudict",
    "digits",
    "fashion_mnist",
    "g2p",
    "imdb",
    "mnist",
    "names",
    "packages",
    "reuters",
    "sentiment",
]
