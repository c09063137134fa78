"""Evaluation metrics, and baselines of session-based recommendation."""
