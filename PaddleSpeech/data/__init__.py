"""Readers of recordings and their texts are shared: `common/data`."""
