"""Tabular data: reading rows, hashing, numeric and categorical features, item ids."""
