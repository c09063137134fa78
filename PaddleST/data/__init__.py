"""Rows of places, and what is near them."""
