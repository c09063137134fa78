"""Heads: feature maps to predictions, and what is done to predictions after them."""
