"""Assemblies that find objects."""
