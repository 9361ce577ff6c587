"""Corpora to judge, and what peers say of them."""
