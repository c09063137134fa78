"""Converters: from the states of a decoder to linear spectrograms."""
