"""Layers that prepare images: augmentation by geometry and colour."""
