"""Ranking models: the click probability of a row."""
