"""Decoders: token scores to texts."""
