"""Detectors of text lines: a map of text, and its parts."""
