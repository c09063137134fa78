"""Heads: features to logits."""
