"""Networks that learn from larger ones."""
