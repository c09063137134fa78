"""Detectors of keypoints."""
