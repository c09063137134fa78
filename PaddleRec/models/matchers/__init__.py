"""Matching (retrieval) models: the best items of a catalog for a query."""
