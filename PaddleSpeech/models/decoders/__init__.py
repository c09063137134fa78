"""Decoders that write a text."""
