"""Models of texts and the parts they are built from."""
