"""Necks: layers that combine the feature maps of several levels."""
