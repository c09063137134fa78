"""Networks that compute with small integers."""
