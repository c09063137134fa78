"""Whole models: encoder, head, loss, decoder."""
