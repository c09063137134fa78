"""Detectors: a backbone, a neck, a head, a loss and NMS put together."""
