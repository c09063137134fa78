"""Datasets of texts and their annotations."""
