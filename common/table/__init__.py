"""Rows of tables: reading, hashing, features, item ids."""
