"""Optimizers, gradient rules and learning rate schedules."""
