"""Models of places."""
