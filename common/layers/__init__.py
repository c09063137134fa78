"""Layers and losses that more than one kit uses."""
