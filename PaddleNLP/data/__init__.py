"""Readers of texts and what is annotated in them."""
