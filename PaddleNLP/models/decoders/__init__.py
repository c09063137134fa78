"""Decoders: logits to the best sequence of tags."""
