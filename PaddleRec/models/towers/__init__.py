"""Networks from features to a vector."""
