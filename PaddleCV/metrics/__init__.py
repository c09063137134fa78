"""Evaluation metrics of classification and detection."""
