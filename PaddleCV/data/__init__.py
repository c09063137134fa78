"""Datasets of images: classification and detection."""
