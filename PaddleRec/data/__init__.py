"""Readers of rows, sessions and clicks."""
