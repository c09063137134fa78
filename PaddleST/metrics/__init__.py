"""Metrics of prices."""
