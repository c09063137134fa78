"""Encoders: token ids to features of every token."""
