"""Weights of other libraries under the names of this kit."""
