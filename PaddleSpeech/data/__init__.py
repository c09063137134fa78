"""Datasets of recordings and their transcripts."""
