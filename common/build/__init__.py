"""Builds datasets, loaders and models from a configuration."""
