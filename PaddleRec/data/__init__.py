"""Datasets of clicks, sessions, histories and texts, read as streams of rows."""
