"""Scores that more than one kit uses."""
