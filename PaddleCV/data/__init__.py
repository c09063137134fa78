"""Readers of vision data sets."""
