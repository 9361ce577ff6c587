"""Layers of attention (Bahdanau et al. 2015, arXiv 1409.0473; Vaswani et al. 2017, arXiv 1706.03762)."""
