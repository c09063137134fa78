"""Embedding tables and what is looked up in them."""
