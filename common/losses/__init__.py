"""Losses that models of several kits share."""
