"""Spatial and temporal models on PaddlePaddle: prices of places from those of nearby ones."""
