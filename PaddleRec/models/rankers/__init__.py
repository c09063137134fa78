"""Models that give a row a probability."""
