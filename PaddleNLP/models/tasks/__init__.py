"""Whole models: encoder, head, loss."""
