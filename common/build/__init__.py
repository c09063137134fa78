"""Builds data sets, loaders and models from a configuration."""
