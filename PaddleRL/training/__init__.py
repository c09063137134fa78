"""Trainers that act while they learn."""
