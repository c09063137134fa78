"""The language kit."""
