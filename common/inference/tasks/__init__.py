"""Tasks: the meaning of predictions as records and drawings."""
