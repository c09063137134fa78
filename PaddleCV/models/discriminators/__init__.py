"""Discriminators: networks that tell real images from generated ones, whole or patch by patch."""
