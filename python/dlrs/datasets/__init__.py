"""Data sets that the examples train on, in the shapes that Keras's loaders give."""

from dlrs.datasets import austen, cmudict, digits, fashion_mnist, g2p, names, packages, sentiment

__all__ = ["austen", "cmudict", "digits", "fashion_mnist", "g2p", "names", "packages", "sentiment"]
