"""Layers of the Transformer (Vaswani et al. 2017, arXiv 1706.03762), under the names of KerasHub."""
