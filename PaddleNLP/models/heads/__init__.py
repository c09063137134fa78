"""Heads: features to logits, and the loss of the logits."""
