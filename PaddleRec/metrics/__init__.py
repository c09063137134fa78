"""Scores of recommendation tasks."""
