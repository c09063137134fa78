"""Backbones: networks that turn an image into feature maps."""
