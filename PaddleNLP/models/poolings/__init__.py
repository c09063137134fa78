"""Poolings of the features of tokens to those of a text."""
