"""Data sets that the examples train on, in the shapes that Keras's loaders give."""

from dlrs.datasets import digits, fashion_mnist, packages

__all__ = ["digits", "fashion_mnist", "packages"]
