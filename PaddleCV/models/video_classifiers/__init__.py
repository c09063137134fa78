"""Classifiers of videos."""
