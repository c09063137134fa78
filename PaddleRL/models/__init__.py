"""Agents and the networks they are built from."""
