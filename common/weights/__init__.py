"""Weights on disk: checkpoints, run folders, published pretrained weights, formats of other frameworks."""
