"""Regions of interest: features of boxes, and boxes with their targets for the second stage."""
