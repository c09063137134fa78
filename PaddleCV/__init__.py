"""The vision kit."""
