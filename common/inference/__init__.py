"""Runs a model, exported or in memory, on images, texts, recordings and rows."""
