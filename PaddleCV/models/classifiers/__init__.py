"""Classifiers: a backbone, a head and a loss put together."""
