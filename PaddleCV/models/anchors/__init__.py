"""Anchors: their places and sizes, the coding of boxes relative to them, matching with objects, proposals."""
