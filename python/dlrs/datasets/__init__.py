"""Data sets that the examples train on, in the shapes that Keras's loaders give."""

from dlrs.datasets import austen, digits, fashion_mnist, names, packages, sentiment

__all__ = ["austen", "digits", "fashion_mnist", "names", "packages", "sentiment"]
