"""Compression methods, which the `slim:` section of a configuration names."""
