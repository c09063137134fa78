"""Encoders: acoustic features to features of every frame."""
