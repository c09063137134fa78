"""Metrics of played episodes."""
