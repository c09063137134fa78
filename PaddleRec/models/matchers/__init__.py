"""Models that find items among all."""
