"""The names that other programs give to the weights of our networks."""
