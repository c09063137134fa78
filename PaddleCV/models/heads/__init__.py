"""Heads, which turn feature maps into predictions, and NMS."""
