"""Weights on disk: checkpoints, run folders, published weights, other formats."""
