"""Filter pruning."""
