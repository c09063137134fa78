"""Environments, and the memory of what happened in them."""
