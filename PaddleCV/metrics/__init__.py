"""Scores of vision tasks."""
